//! Lists as text, kept beside the snapshot they were made of: callers ask for the same one again and again.
//!
//! A snapshot never changes, and its texts go with it; so none is ever out of date. All of them together have a
//! bound: what does not fit is made anew each time.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use bytes::Bytes;

use crate::definition::Kind;

/// Most that the texts of all snapshots take together.
const KEPT_MAX_BYTES: usize = 64 * 1_024 * 1_024;

static KEPT_BYTES: AtomicUsize = AtomicUsize::new(0);

/// The lists of one snapshot in one form, each from when it is first asked for.
#[derive(Default)]
pub struct KeptLists([OnceLock<Kept>; Kind::ALL.len()]);

struct Kept {
    text: Bytes,
    _share: Share,
}

impl KeptLists {
    /// The list of this kind, which is what `make` gives.
    pub fn text(&self, kind: Kind, make: impl FnOnce() -> String) -> Bytes {
        let place = &self.0[kind as usize];
        if let Some(kept) = place.get() {
            return kept.text.clone();
        }
        let text = Bytes::from(make().into_bytes().into_boxed_slice());
        if let Some(share) = Share::take(&KEPT_BYTES, text.len(), KEPT_MAX_BYTES) {
            // Somebody else may have made the same meanwhile.
            let _ = place.set(Kept { text: text.clone(), _share: share });
        }
        text
    }
}

/// A part of what may be kept; given back when dropped.
struct Share {
    of: &'static AtomicUsize,
    bytes: usize,
}

impl Share {
    fn take(of: &'static AtomicUsize, bytes: usize, limit_bytes: usize) -> Option<Self> {
        let fitting = |kept: usize| kept.checked_add(bytes).filter(|&kept| kept <= limit_bytes);
        of.fetch_update(Relaxed, Relaxed, fitting).ok()?;
        Some(Self { of, bytes })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.of.fetch_sub(self.bytes, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_made_once_and_each_kind_has_its_own() {
        let lists = KeptLists::default();
        for kind in Kind::ALL {
            assert_eq!(lists.text(kind, || kind.noun().to_owned()), kind.noun());
            assert_eq!(lists.text(kind, || panic!("it is there")), kind.noun());
        }
    }

    #[test]
    fn what_is_kept_has_a_bound_and_is_given_back() {
        static KEPT: AtomicUsize = AtomicUsize::new(0);
        let take = |bytes| Share::take(&KEPT, bytes, 10);
        let first = take(6).unwrap();
        assert!(take(5).is_none() && take(usize::MAX).is_none());
        let second = take(4).unwrap();
        drop(first);
        assert!(take(6).is_some());
        drop(second);
        assert_eq!(KEPT.load(Relaxed), 0);
    }
}
