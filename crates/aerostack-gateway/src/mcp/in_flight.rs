//! Calls of legacy callers under way, so that `notifications/cancelled` finds them.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aerostack_core::id::TokenId;
use tokio_util::sync::CancellationToken;

/// Whose call: the token, its session if it has one, and the raw id. Callers choose ids as they like,
/// so nobody can take back another's call.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CallKey {
    /// The token.
    pub token: TokenId,
    /// The session id, as the caller sent it; empty without one.
    pub session: String,
    /// The raw id.
    pub id: String,
}

/// Parts that calls are kept in, each with a lock of its own, so that calls seldom wait for one another.
const PARTS: usize = 16;

/// Calls under way, whether their caller still waits or not. As many as upstreams take at once, so it needs no limit of its own.
#[derive(Clone, Debug, Default)]
pub struct InFlight(Arc<Calls>);

#[derive(Debug, Default)]
struct Calls {
    hashing: RandomState,
    parts: [Mutex<Part>; PARTS],
    entered: AtomicU64,
}

/// Calls by the hash of their key. Should two ever have the same, the earlier one cannot be taken back.
type Part = HashMap<u64, Call, BuildHasherDefault<Hashed>>;

#[derive(Debug)]
struct Call {
    key: CallKey,
    number: u64,
    cancelled: CancellationToken,
}

/// Takes what is a hash already.
#[derive(Debug, Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("numbers alone are keys")
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

/// One call under way; forgotten when dropped.
#[derive(Debug)]
pub struct CallEntry {
    hash: u64,
    number: u64,
    calls: InFlight,
    cancelled: CancellationToken,
}

impl InFlight {
    /// Notes a call.
    #[must_use]
    pub fn enter(&self, key: CallKey) -> CallEntry {
        let (hash, cancelled) = (self.0.hashing.hash_one(&key), CancellationToken::new());
        let number = self.0.entered.fetch_add(1, Ordering::Relaxed);
        let call = Call { key, number, cancelled: cancelled.clone() };
        self.part(hash).insert(hash, call);
        CallEntry { hash, number, calls: self.clone(), cancelled }
    }

    /// Takes a call back, if it is under way.
    pub fn cancel(&self, key: &CallKey) {
        let hash = self.0.hashing.hash_one(key);
        if let Some(call) = self.part(hash).get(&hash).filter(|call| call.key == *key) {
            call.cancelled.cancel();
        }
    }

    fn part(&self, hash: u64) -> MutexGuard<'_, Part> {
        // The lowest bits and the highest tell apart within a part.
        let part = usize::try_from(hash >> 32).unwrap_or_default() % PARTS;
        self.0.parts[part].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits until the caller takes a call back; for ever if it cannot.
pub async fn cancelled(entry: Option<&CallEntry>) {
    match entry {
        Some(entry) => entry.cancelled.cancelled().await,
        None => std::future::pending().await,
    }
}

impl Drop for CallEntry {
    fn drop(&mut self) {
        let mut part = self.calls.part(self.hash);
        // A caller that uses an id twice has the later call under it.
        if part.get(&self.hash).is_some_and(|call| call.number == self.number) {
            part.remove(&self.hash);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aerostack_core::time::Timestamp;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    #[test]
    fn only_the_callers_own_call_is_taken_back() {
        let token = |seed| TokenId::new(Timestamp::from_millis(1), &mut StdRng::seed_from_u64(seed));
        let key = |seed| CallKey { token: token(seed), session: String::new(), id: "1".to_owned() };
        let calls = InFlight::default();
        let entry = calls.enter(key(1));
        calls.cancel(&key(2));
        assert!(!entry.cancelled.is_cancelled());
        calls.cancel(&key(1));
        assert!(entry.cancelled.is_cancelled());
        drop(entry);
        assert!(calls.0.parts.iter().all(|part| part.lock().unwrap().is_empty()));
    }

    #[test]
    fn of_two_calls_with_one_id_the_later_is_taken_back() {
        let token = TokenId::new(Timestamp::from_millis(1), &mut StdRng::seed_from_u64(1));
        let key = CallKey { token, session: "s".to_owned(), id: "1".to_owned() };
        let calls = InFlight::default();
        let (earlier, later) = (calls.enter(key.clone()), calls.enter(key.clone()));
        drop(earlier);
        calls.cancel(&key);
        assert!(later.cancelled.is_cancelled());
    }
}
