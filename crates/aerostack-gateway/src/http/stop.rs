//! The two signals that end a server.

use tokio_util::sync::CancellationToken;

/// The two signals that end a server. The second brings the first with it, so that whoever waits for both may
/// wait for one after the other.
#[derive(Clone, Debug)]
pub struct Stop {
    /// Finish what is under way, then end.
    pub drain: CancellationToken,
    /// End at once.
    pub now: CancellationToken,
}

impl Stop {
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
        stop.drain.cancel();
        let late = stop.undrained();
        assert!(!stop.now.is_cancelled() && !late.drain.is_cancelled());
        stop.now.cancel();
        assert!(late.drain.is_cancelled() && late.now.is_cancelled());
        let stop = Stop::default();
        stop.now.cancel();
        assert!(stop.drain.is_cancelled());
    }
}
