//! Calls of legacy callers under way, so that `notifications/cancelled` finds them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

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

/// Calls under way, whether their caller still waits or not. As many as upstreams take at once, so it needs no limit of its own.
#[derive(Clone, Debug, Default)]
pub struct InFlight(Arc<Calls>);

#[derive(Debug, Default)]
struct Calls {
    by_key: Mutex<HashMap<CallKey, (u64, CancellationToken)>>,
    entered: AtomicU64,
}

/// One call under way; forgotten when dropped.
#[derive(Debug)]
pub struct CallEntry {
    key: CallKey,
    number: u64,
    calls: InFlight,
    cancelled: CancellationToken,
}

impl InFlight {
    /// Notes a call.
    #[must_use]
    pub fn enter(&self, key: CallKey) -> CallEntry {
        let cancelled = CancellationToken::new();
        let number = self.0.entered.fetch_add(1, Ordering::Relaxed);
        self.lock().insert(key.clone(), (number, cancelled.clone()));
        CallEntry { key, number, calls: self.clone(), cancelled }
    }

    /// Takes a call back, if it is under way.
    pub fn cancel(&self, key: &CallKey) {
        if let Some((_, cancelled)) = self.lock().get(key) {
            cancelled.cancel();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<CallKey, (u64, CancellationToken)>> {
        self.0.by_key.lock().unwrap_or_else(PoisonError::into_inner)
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
        let mut calls = self.calls.lock();
        // A caller that uses an id twice has the later call under it.
        if calls.get(&self.key).is_some_and(|(number, _)| *number == self.number) {
            calls.remove(&self.key);
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
        assert!(calls.lock().is_empty());
    }
}
