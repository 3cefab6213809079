//! The rate limit of a token: at most N requests in *any* window of 60 seconds. Arithmetic only.
//!
//! Up to [`EXACT_LIMIT_MAX`] the moments of the accepted requests themselves are kept, so the limit
//! is exact; above it they are counted in steps of one second, which errs on the strict side.

use std::collections::VecDeque;
use std::time::Duration;

use crate::time::Timestamp;

/// The window over which requests are counted.
pub const WINDOW: Duration = Duration::from_secs(60);
/// The largest limit per minute that is kept exactly.
pub const EXACT_LIMIT_MAX: u32 = 1_024;
/// What the product allows a token per minute unless configured otherwise.
pub const DEFAULT_LIMIT_PER_MINUTE: u32 = 120;

const WINDOW_MS: i64 = 60_000;
const STEP_MS: i64 = 1_000;

/// Requests that one token had accepted in the last minute.
///
/// *Shape*: runs of (moment in milliseconds, count), oldest first; at most
/// [`EXACT_LIMIT_MAX`] entries, or 61 in one-second steps.
#[derive(Debug, Default)]
pub struct Window {
    runs: VecDeque<(i64, u32)>,
    total: u32,
}

/// What the quota says of some requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They were counted and may go on.
    Accepted,
    /// They were not counted; the same number would be accepted after this span.
    Refused {
        /// Time until the requests fit; never zero.
        retry_after: Duration,
    },
}

impl Window {
    /// Decides over `requests` arriving together at `now` under `limit` per minute.
    ///
    /// Requests are accepted all or none. Refused ones are not counted. More requests at once than
    /// the limit allows in a minute are never accepted; they are told to wait the whole window.
    pub fn admit(&mut self, requests: u32, limit: u32, now: Timestamp) -> Verdict {
        let now_ms = now.as_millis();
        self.forget_before(now_ms - WINDOW_MS);
        if self.total.saturating_add(requests) <= limit {
            self.record(requests, limit, now_ms);
            return Verdict::Accepted;
        }
        Verdict::Refused { retry_after: self.wait(requests, limit, now_ms) }
    }

    /// Tells whether nothing of the last minute is left, so that the state can be freed.
    #[must_use]
    pub fn is_idle(&self, now: Timestamp) -> bool {
        self.runs.back().is_none_or(|(at, _)| *at <= now.as_millis() - WINDOW_MS)
    }

    /// Frees the memory; the same as a new window.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    fn forget_before(&mut self, cutoff_ms: i64) {
        while let Some(&(at, count)) = self.runs.front() {
            if at > cutoff_ms {
                break;
            }
            self.total -= count;
            self.runs.pop_front();
        }
    }

    fn record(&mut self, requests: u32, limit: u32, now_ms: i64) {
        if requests == 0 {
            return;
        }
        // A step is dated at its end, so that it is forgotten late rather than early.
        let at =
            if limit <= EXACT_LIMIT_MAX { now_ms } else { now_ms - now_ms.rem_euclid(STEP_MS) + STEP_MS - 1 };
        self.total += requests;
        match self.runs.back_mut() {
            // Also when the clock went back: the order of the runs must hold.
            Some((last, count)) if *last >= at => *count += requests,
            _ => self.runs.push_back((at, requests)),
        }
    }

    fn wait(&self, requests: u32, limit: u32, now_ms: i64) -> Duration {
        let mut excess = self.total.saturating_add(requests).saturating_sub(limit);
        for &(at, count) in &self.runs {
            if count >= excess {
                let millis = (at + WINDOW_MS - now_ms).max(1);
                return Duration::from_millis(u64::try_from(millis).unwrap_or(1));
            }
            excess -= count;
        }
        WINDOW
    }
}

/// `Retry-After` in whole seconds: rounded up, so that whoever waits so long is accepted.
#[must_use]
pub fn retry_after_secs(wait: Duration) -> u64 {
    wait.as_millis().div_ceil(1_000).try_into().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn the_hundred_and_twenty_first_request_of_a_minute_waits_as_long_as_it_is_told() {
        let mut window = Window::default();
        for n in 0..120 {
            assert_eq!(window.admit(1, 120, at(n * 100)), Verdict::Accepted);
        }
        let Verdict::Refused { retry_after } = window.admit(1, 120, at(20_000)) else { panic!("accepted") };
        assert_eq!(retry_after, Duration::from_millis(40_000));
        assert_eq!(
            window.admit(1, 120, at(59_999)),
            Verdict::Refused { retry_after: Duration::from_millis(1) }
        );
        assert_eq!(window.admit(1, 120, at(60_000)), Verdict::Accepted);
    }

    #[test]
    fn a_batch_is_accepted_whole_or_not_at_all() {
        let mut window = Window::default();
        assert_eq!(window.admit(100, 120, at(0)), Verdict::Accepted);
        assert!(matches!(window.admit(50, 120, at(1)), Verdict::Refused { .. }));
        assert_eq!(window.admit(20, 120, at(2)), Verdict::Accepted);
        assert_eq!(window.admit(121, 120, at(70_000)), Verdict::Refused { retry_after: WINDOW });
    }

    #[test]
    fn an_idle_window_says_so() {
        let mut window = Window::default();
        assert!(window.is_idle(at(0)));
        window.admit(1, 120, at(0));
        assert!(!window.is_idle(at(59_999)));
        assert!(window.is_idle(at(60_000)));
    }

    proptest! {
        #[test]
        fn no_window_of_a_minute_ever_holds_more_than_the_limit(
            limit in prop_oneof![1u32..40, 1_025u32..1_100],
            gaps in proptest::collection::vec(0i64..3_000, 1..400),
        ) {
            let mut window = Window::default();
            let mut now = 0;
            let mut accepted: Vec<i64> = Vec::new();
            for gap in gaps {
                now += gap;
                for _ in 0..(1 + limit / 100) {
                    if window.admit(1, limit, at(now)) == Verdict::Accepted {
                        accepted.push(now);
                    }
                }
                let recent = accepted.iter().filter(|&&moment| moment > now - WINDOW_MS).count();
                prop_assert!(recent <= limit as usize);
            }
        }

        #[test]
        fn whoever_waits_as_told_is_accepted(limit in 1u32..30, gaps in proptest::collection::vec(0i64..5_000, 1..100)) {
            let mut window = Window::default();
            let mut now = 0;
            for gap in gaps {
                now += gap;
                if let Verdict::Refused { retry_after } = window.admit(1, limit, at(now)) {
                    now += i64::try_from(retry_after_secs(retry_after)).unwrap() * 1_000;
                    prop_assert_eq!(window.admit(1, limit, at(now)), Verdict::Accepted);
                }
            }
        }
    }
}
