//! How fresh a server's list is: who wants it asked for again, and which asking has settled.
//!
//! This floor only asks. Who keeps the list writes and publishes it, and says when that is done.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{Notify, watch};

/// The askings for one server's list, counted.
pub(super) struct Freshness {
    wanted: Arc<Notify>,
    asked: AtomicU64,
    /// The last asking that callers have met.
    settled: watch::Sender<u64>,
}

impl Default for Freshness {
    fn default() -> Self {
        Self { wanted: Arc::default(), asked: AtomicU64::new(0), settled: watch::Sender::new(0) }
    }
}

impl Freshness {
    /// Notified when the list is to be asked for again.
    pub(super) fn wanted(&self) -> Arc<Notify> {
        self.wanted.clone()
    }

    /// Counts an asking that begins.
    pub(super) fn asked(&self) {
        self.asked.fetch_add(1, Ordering::AcqRel);
    }

    /// Notes that the last asking has settled.
    pub(super) fn settle(&self) {
        let asked = self.asked.load(Ordering::Acquire);
        self.settled.send_modify(|settled| *settled = asked);
    }

    /// Wants the list asked for again and waits until that has settled. One that is being asked for
    /// already may be older than the wish and does not count.
    pub(super) async fn renewed(&self) {
        let mut settled = self.settled.subscribe();
        let before = self.asked.load(Ordering::Acquire);
        self.wanted.notify_one();
        // The sender is ours, so it does not go.
        let _ = settled.wait_for(|settled| *settled > before).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[test]
    fn only_an_asking_that_begins_after_the_wish_fulfils_it() {
        let freshness = Freshness::default();
        freshness.asked();
        let mut renewed = Box::pin(freshness.renewed());
        assert_eq!(renewed.as_mut().now_or_never(), None);
        assert_eq!(freshness.wanted().notified().now_or_never(), Some(()));
        freshness.settle();
        assert_eq!(renewed.as_mut().now_or_never(), None, "this one was under way");
        freshness.asked();
        assert_eq!(renewed.as_mut().now_or_never(), None);
        freshness.settle();
        assert_eq!(renewed.as_mut().now_or_never(), Some(()));
    }
}
