//! The two signals that end a server.

use tokio_util::sync::CancellationToken;

/// The two signals that end a server. The second brings the first with it, so that whoever waits for both may
/// wait for one after the other.
#[derive(Clone, Debug)]
pub struct Stop {
    drain: CancellationToken,
    now: CancellationToken,
}

impl Stop {
    /// What is under way is finished, then it ends.
    pub fn begin_drain(&self) {
        self.drain.cancel();
    }

    /// It ends at once.
    pub fn end_now(&self) {
        self.now.cancel();
    }

    /// The first signal.
    pub(super) fn drain(&self) -> &CancellationToken {
        &self.drain
    }

    /// The second.
    pub(super) fn now(&self) -> &CancellationToken {
        &self.now
    }

    /// The same second signal, and a first of its own.
    pub(super) fn undrained(&self) -> Self {
        Self { drain: self.now.child_token(), now: self.now.clone() }
    }
}

impl Default for Stop {
    fn default() -> Self {
        let now = CancellationToken::new();
        Self { drain: now.child_token(), now }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_signal_brings_the_first_and_not_the_other_way() {
        let stop = Stop::default();
        stop.begin_drain();
        let late = stop.undrained();
        assert!(!stop.now.is_cancelled() && !late.drain.is_cancelled());
        stop.end_now();
        assert!(late.drain.is_cancelled() && late.now.is_cancelled());
        let stop = Stop::default();
        stop.end_now();
        assert!(stop.drain.is_cancelled());
    }
}
