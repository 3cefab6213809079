//! The quota of one token while the gateway runs: core's arithmetic behind a lock that is held for
//! nanoseconds and never across a wait.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aerostack_core::quota::{Verdict, Window};
use aerostack_core::time::Timestamp;

/// The requests of one token in the last minute.
#[derive(Debug, Default)]
pub struct Meter(Mutex<Window>);

/// The quota is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("rate limit exceeded")]
pub struct Exceeded {
    /// After this span the same requests would be accepted.
    pub retry_after: Duration,
}

impl Meter {
    /// Counts `requests` against `limit` per minute, all or none.
    ///
    /// # Errors
    /// [`Exceeded`] when they do not fit; then none is counted.
    pub fn admit(&self, requests: u32, limit: u32, now: Timestamp) -> Result<(), Exceeded> {
        match self.window().admit(requests, limit, now) {
            Verdict::Accepted => Ok(()),
            Verdict::Refused { retry_after } => Err(Exceeded { retry_after }),
        }
    }

    /// Frees the state if nothing of the last minute is left.
    pub fn free_if_idle(&self, now: Timestamp) {
        let mut window = self.window();
        if window.is_idle(now) {
            window.clear();
        }
    }

    fn window(&self) -> std::sync::MutexGuard<'_, Window> {
        // A window is whole after every step, so a panic elsewhere leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
