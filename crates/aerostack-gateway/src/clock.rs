//! The time. Everything that needs it is given a [`Clock`], so that tests can set it.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aerostack_core::time::Timestamp;
use tokio::sync::watch;

/// Longest single sleep while waiting for a moment; the wall clock may be set meanwhile.
const SLEEP_MAX: Duration = Duration::from_secs(60);

/// The wall clock, or one that a test moves by hand.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Manual(Arc<watch::Sender<Timestamp>>),
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub const fn system() -> Self {
        Self(Source::System)
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

    /// The present moment.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine for the time")]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System => {
                let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Timestamp::from_millis(0).plus(since_epoch)
            }
            Source::Manual(sender) => *sender.borrow(),
        }
    }

    /// Waits until the moment has come.
    pub async fn reached(&self, moment: Timestamp) {
        match &self.0 {
            Source::System => {
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

#[cfg(test)]
mod tests {
    use super::*;

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
