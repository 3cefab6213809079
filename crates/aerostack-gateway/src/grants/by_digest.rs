//! Grants by the digests of their tokens: what every call looks one up in.
//!
//! A grant knows its digest, so that stands nowhere else; and a digest is its own hash. Whoever presents
//! tokens chooses what is looked for, and so where; but what lies there is settled by the tokens that were
//! issued, whose texts are the gateway's own choice at random. To crowd one place on purpose, somebody would
//! have to have millions of tokens made and revoked for each that is to stay.

use std::borrow::Borrow;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::sync::Arc;

use aerostack_core::bearer::TokenDigest;

use super::grant::Grant;

/// All grants there are.
#[derive(Default)]
pub(super) struct ByDigest(papaya::HashMap<Entry, (), BuildHasherDefault<AsItIs>>);

impl ByDigest {
    pub(super) fn find(&self, digest: &TokenDigest) -> Option<Arc<Grant>> {
        self.0.pin().get_key_value(digest).map(|(Entry(grant), ())| Arc::clone(grant))
    }

    /// Puts a grant in, in the place of another of its token.
    pub(super) fn insert(&self, grant: Arc<Grant>) {
        let entries = self.0.pin();
        // The map promises to replace a value, not a key.
        entries.remove(&grant.digest);
        entries.insert(Entry(grant), ());
    }

    /// Takes a grant out. A newer one of its token stays.
    pub(super) fn remove(&self, grant: &Arc<Grant>) {
        let _ = self.0.pin().remove_if(&grant.digest, |Entry(found), ()| Arc::ptr_eq(found, grant));
    }

    /// Those that `is_wanted` says are wanted, which is asked of every one.
    pub(super) fn all(&self, is_wanted: impl Fn(&Grant) -> bool) -> Vec<Arc<Grant>> {
        let entries = self.0.pin();
        let wanted = entries.keys().filter(|Entry(grant)| is_wanted(grant));
        wanted.map(|Entry(grant)| Arc::clone(grant)).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// A grant as its own key.
struct Entry(Arc<Grant>);

impl Borrow<TokenDigest> for Entry {
    fn borrow(&self) -> &TokenDigest {
        &self.0.digest
    }
}

impl Hash for Entry {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.digest.hash(state);
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.0.digest == other.0.digest
    }
}

impl Eq for Entry {}

/// A hash of what is a hash.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }

    /// Not what a digest does; it is right for anything, and good for little.
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }
}
