//! The time. Everything that needs it is given a [`Clock`], so that tests can set it.
//!
//! It never steps back: what was revoked or has expired would otherwise live again for the length of the
//! step. When the machine's clock is set back, ours goes on from where it was, at the same pace, until the
//! process ends; the next one begins no earlier than what the database remembers ([`Clock::begin_at`]).
//!
//! The machine's clock is looked at a hundred times a second at most; in between ours goes on by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use aerostack_core::time::Timestamp;
use tokio::sync::watch;

/// Longest single sleep while waiting for a moment; the wall clock may be set meanwhile.
const SLEEP_MAX: Duration = Duration::from_secs(60);

/// How long ours goes on by itself before the machine's clock is looked at again, in milliseconds.
const LOOK_EVERY_MS: i64 = 10;

/// The wall clock, or one that a test moves by hand.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System(Arc<Steady>),
    Manual(Arc<watch::Sender<Timestamp>>),
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System(Arc::new(Steady::new())))
    }

    /// A clock that stands at `now` until [`Clock::advance`] moves it.
    #[must_use]
    pub fn manual(now: Timestamp) -> Self {
        Self(Source::Manual(Arc::new(watch::Sender::new(now))))
    }

    /// Moves a manual clock; the machine's clock stays as it is.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(sender) = &self.0 {
            sender.send_modify(|now| *now = now.plus(by));
        }
    }

    /// Lets the clock be at `moment` unless it is later already; gives by how much it was behind.
    pub fn begin_at(&self, moment: Timestamp) -> Duration {
        let behind = moment.since(self.now());
        match &self.0 {
            Source::System(steady) => drop(steady.at(moment, steady.begun.elapsed())),
            Source::Manual(sender) => sender.send_modify(|now| *now = (*now).max(moment)),
        }
        behind
    }

    /// The present moment.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.at(Instant::now())
    }

    /// The time of a moment that was only just measured, which need not be asked for once more.
    #[must_use]
    pub fn at(&self, moment: Instant) -> Timestamp {
        match &self.0 {
            Source::System(steady) => {
                steady.now(machine_time, moment.saturating_duration_since(steady.begun))
            }
            Source::Manual(sender) => *sender.borrow(),
        }
    }

    /// Waits until the moment has come.
    pub async fn reached(&self, moment: Timestamp) {
        match &self.0 {
            Source::System(_) => {
                while self.now() < moment {
                    tokio::time::sleep(moment.since(self.now()).min(SLEEP_MAX)).await;
                }
            }
            Source::Manual(sender) => {
                // The sender lives as long as this clock, so waiting cannot fail.
                let _ = sender.subscribe().wait_for(|now| *now >= moment).await;
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that asks the machine for the time")]
fn machine_time() -> Timestamp {
    Timestamp::from_millis(0).plus(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

/// A time that goes on when the machine's is set back.
#[derive(Debug)]
struct Steady {
    begun: Instant,
    /// The time when this began, by the latest that the machine has ever said; milliseconds.
    began_at_ms: AtomicI64,
    /// The time since the beginning when the machine's clock is to be looked at again; milliseconds.
    look_at_ms: AtomicI64,
}

impl Steady {
    fn new() -> Self {
        Self { begun: Instant::now(), began_at_ms: AtomicI64::new(i64::MIN), look_at_ms: AtomicI64::new(0) }
    }

    /// The time `elapsed` after the beginning.
    fn now(&self, machine_time: impl FnOnce() -> Timestamp, elapsed: Duration) -> Timestamp {
        let elapsed_ms = i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX);
        if elapsed_ms >= self.look_at_ms.load(Ordering::Acquire) {
            let now = self.at(machine_time(), elapsed);
            // Last: whoever sees it sees what was looked up.
            self.look_at_ms.store(elapsed_ms.saturating_add(LOOK_EVERY_MS), Ordering::Release);
            return now;
        }
        Timestamp::from_millis(self.began_at_ms.load(Ordering::Acquire).saturating_add(elapsed_ms))
    }

    /// The time `elapsed` after the beginning, when the machine says that it is `told`.
    fn at(&self, told: Timestamp, elapsed: Duration) -> Timestamp {
        let elapsed_ms = i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX);
        let began_at_ms = told.as_millis().saturating_sub(elapsed_ms);
        // Read first: written by every request of every thread, it would hold them up.
        let mut latest_ms = self.began_at_ms.load(Ordering::Acquire);
        if latest_ms < began_at_ms {
            latest_ms = self.began_at_ms.fetch_max(began_at_ms, Ordering::AcqRel).max(began_at_ms);
        }
        Timestamp::from_millis(latest_ms.saturating_add(elapsed_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_whose_clock_is_set_back_does_not_turn_ours_back() {
        let steady = Steady::new();
        let moment = |secs: i64| Timestamp::from_millis(secs * 1_000);
        let at = |told: i64, elapsed: u64| steady.at(moment(told), Duration::from_secs(elapsed));
        assert_eq!(at(1_000, 0), moment(1_000));
        assert_eq!(at(1_010, 10), moment(1_010));
        // Set back by an hour: it goes on at the same pace.
        assert_eq!(at(1_015 - 3_600, 15), moment(1_015));
        assert_eq!(at(1_075 - 3_600, 75), moment(1_075));
        // Set forward it is followed, and not back again.
        assert_eq!(at(9_000, 100), moment(9_000));
        assert_eq!(at(1_110, 110), moment(9_010));
    }

    #[test]
    fn the_machines_clock_is_looked_at_now_and_then() {
        let steady = Steady::new();
        let at = |told_ms: i64, elapsed_ms: u64| {
            steady.now(|| Timestamp::from_millis(told_ms), Duration::from_millis(elapsed_ms)).as_millis()
        };
        assert_eq!(at(1_000, 0), 1_000);
        // Set forward meanwhile: seen at the next look.
        assert_eq!((at(9_000, 9), at(9_001, 10), at(9_999, 15)), (1_009, 9_001, 9_006));
        // And set back: not followed.
        assert_eq!((at(1_000, 20), at(1_001, 21)), (9_011, 9_012));
        let behind = steady.at(Timestamp::from_millis(20_000), Duration::from_millis(22));
        assert_eq!((behind.as_millis(), at(0, 22)), (20_000, 20_000));
    }

    #[test]
    fn a_clock_begins_no_earlier_than_what_is_remembered() {
        let clock = Clock::system();
        let ahead = clock.now().plus(Duration::from_secs(3_600));
        assert!(clock.begin_at(ahead) > Duration::from_secs(3_590));
        assert!(clock.now() >= ahead);
        assert_eq!(clock.begin_at(Timestamp::from_millis(0)), Duration::ZERO);
        assert!(clock.now() >= ahead);
        let manual = Clock::manual(Timestamp::from_millis(5_000));
        assert_eq!(manual.begin_at(Timestamp::from_millis(7_000)), Duration::from_secs(2));
        assert_eq!(manual.begin_at(Timestamp::from_millis(6_000)), Duration::ZERO);
        assert_eq!(manual.now(), Timestamp::from_millis(7_000));
    }

    #[tokio::test]
    async fn a_manual_clock_wakes_who_waits_for_a_moment() {
        let clock = Clock::manual(Timestamp::from_millis(1_000));
        let waiting = tokio::spawn({
            let clock = clock.clone();
            async move { clock.reached(Timestamp::from_millis(3_000)).await }
        });
        clock.advance(Duration::from_secs(2));
        waiting.await.unwrap();
        assert_eq!(clock.now(), Timestamp::from_millis(3_000));
    }
}
