//! How long to wait before a program is started again that did not stand.
//!
//! A program that cannot be started fails alike for everybody; one that breaks off while it serves does so
//! for the caller it belongs to, who is not to keep others waiting. A first break is no reason to wait.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::super::target::Caller;

/// Shortest wait, doubled with every further failure.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// Longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// A program that stood this long was a good one.
const GOOD_RUN: Duration = Duration::from_secs(60);

/// The failures of one install's program.
#[derive(Default)]
pub(super) struct Backoff {
    starts: Option<Failures>,
    breaks: HashMap<Caller, Failures>,
}

struct Failures {
    count: u32,
    last: Instant,
    reason: String,
}

impl Failures {
    fn wait(&self, free: u32) -> Duration {
        match self.count.checked_sub(free + 1) {
            None => Duration::ZERO,
            Some(doublings) => FIRST_WAIT.saturating_mul(1 << doublings.min(16)).min(LONGEST_WAIT),
        }
    }

    /// How much is left of the wait, and why there is one.
    fn left(&self, free: u32) -> Option<(Duration, String)> {
        let left = self.wait(free).checked_sub(self.last.elapsed())?;
        (!left.is_zero()).then(|| (left, self.reason.clone()))
    }
}

impl Backoff {
    /// How long the caller has to wait yet, and why.
    pub(super) fn left(&self, caller: &Caller) -> Option<(Duration, String)> {
        let start = self.starts.as_ref().and_then(|failures| failures.left(0));
        start.or_else(|| self.breaks.get(caller).and_then(|failures| failures.left(1)))
    }

    /// It was started and answers.
    pub(super) fn started(&mut self) {
        self.starts = None;
    }

    /// It could not be started, or gave no answer.
    pub(super) fn not_started(&mut self, reason: String) {
        let count = self.starts.as_ref().map_or(0, |failures| failures.count) + 1;
        self.starts = Some(Failures { count, last: Instant::now(), reason });
    }

    /// It broke off while it served this caller, after having run for so long.
    pub(super) fn broke_off(&mut self, caller: Caller, after: Duration, reason: String) {
        self.breaks.retain(|_, failures| failures.last.elapsed() < GOOD_RUN + LONGEST_WAIT);
        let before =
            self.breaks.get(&caller).filter(|_| after < GOOD_RUN).map_or(0, |failures| failures.count);
        self.breaks.insert(caller, Failures { count: before + 1, last: Instant::now(), reason });
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::caller;
    use super::*;

    fn seconds(backoff: &Backoff, caller: &Caller) -> u64 {
        backoff.left(caller).map_or(0, |(left, _)| left.as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn each_failure_to_start_doubles_the_wait_for_everybody_until_it_starts() {
        let (mut backoff, alice) = (Backoff::default(), caller("alice"));
        let mut waits = Vec::new();
        for _ in 0..8 {
            backoff.not_started("no such program".into());
            waits.push(seconds(&backoff, &alice));
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(backoff.left(&caller("bob")).unwrap().1, "no such program");
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(backoff.left(&alice), None);
        backoff.started();
        backoff.not_started("again".into());
        assert_eq!(seconds(&backoff, &alice), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_program_that_breaks_off_keeps_only_its_caller_waiting_and_not_the_first_time() {
        let (mut backoff, alice) = (Backoff::default(), caller("alice"));
        let mut waits = Vec::new();
        for _ in 0..4 {
            backoff.broke_off(alice.clone(), Duration::from_secs(59), "too large".into());
            waits.push(seconds(&backoff, &alice));
        }
        assert_eq!(waits, [0, 1, 2, 4]);
        assert_eq!(backoff.left(&caller("bob")), None);
        backoff.broke_off(alice.clone(), GOOD_RUN, "too large".into());
        assert_eq!(seconds(&backoff, &alice), 0, "it stood long enough");
    }
}
