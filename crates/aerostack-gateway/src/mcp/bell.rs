//! What a stream that can be resumed is told from outside: a reader has come, or it was forgotten.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// Rings at whoever moves a stream; one waits at a time.
#[derive(Default)]
pub(super) struct Bell {
    has_reader: AtomicBool,
    is_forgotten: AtomicBool,
    rung: Notify,
}

/// What it rang for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rung {
    /// A reader has come.
    Arrived,
    /// The stream was forgotten; from then on always.
    Forgotten,
}

impl Bell {
    /// Tells that a reader has come.
    pub(super) fn arrive(&self) {
        self.has_reader.store(true, Ordering::Release);
        self.rung.notify_one();
    }

    /// Tells that the stream was forgotten.
    pub(super) fn forget(&self) {
        self.is_forgotten.store(true, Ordering::Release);
        self.rung.notify_one();
    }

    /// Whether the stream was forgotten.
    #[cfg(test)]
    pub(super) fn is_forgotten(&self) -> bool {
        self.is_forgotten.load(Ordering::Acquire)
    }

    /// Waits until it rings.
    ///
    /// *Cancellation*: dropped while waiting, it loses nothing.
    pub(super) async fn rings(&self) -> Rung {
        loop {
            if self.is_forgotten.load(Ordering::Acquire) {
                return Rung::Forgotten;
            }
            if self.has_reader.swap(false, Ordering::AcqRel) {
                return Rung::Arrived;
            }
            self.rung.notified().await;
        }
    }

    /// Waits until the stream was forgotten, whoever comes.
    pub(super) async fn until_forgotten(&self) {
        while self.rings().await != Rung::Forgotten {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use std::sync::Arc;

    #[tokio::test]
    async fn it_rings_once_for_a_reader_and_for_ever_when_forgotten() {
        let bell = Arc::new(Bell::default());
        assert_eq!(bell.rings().now_or_never(), None);
        bell.arrive();
        assert_eq!(bell.rings().now_or_never(), Some(Rung::Arrived));
        assert_eq!(bell.rings().now_or_never(), None);
        let waiting = tokio::spawn({
            let bell = Arc::clone(&bell);
            async move { bell.until_forgotten().await }
        });
        bell.arrive();
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        bell.forget();
        waiting.await.unwrap();
        assert_eq!(bell.rings().now_or_never(), Some(Rung::Forgotten));
        assert_eq!(bell.rings().now_or_never(), Some(Rung::Forgotten));
    }
}
