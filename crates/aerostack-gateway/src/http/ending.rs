//! What ends an answer from outside, although the peer does not take it.
//!
//! A stream ends itself when it is asked for more. A peer that stops reading keeps it from being asked,
//! and keeps what is in memory from leaving; so whoever writes an answer watches its [`Ending`] for as
//! long as nothing can be written, and then closes the connection. While the peer reads, the ending
//! costs nothing.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use super::progress::{Progress, Waiting};

/// Time an answer gets, once it should have ended, to leave in an orderly way.
const ORDERLY: Duration = Duration::from_millis(50);

type Waited = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Tells when an answer must be over, as often as it is asked.
pub struct Ending(Box<dyn Fn() -> Waited + Send>);

impl Ending {
    /// Over when the future that `until` makes is done.
    pub fn new<F>(until: impl Fn() -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self(Box::new(move || Box::pin(until())))
    }

    /// Waits until the answer must be over, and a moment more.
    pub(super) fn overdue(&self) -> Waited {
        let ended = (self.0)();
        Box::pin(async move {
            ended.await;
            tokio::time::sleep(ORDERLY).await;
        })
    }
}

/// Watches the ending of a connection's answer while the peer does not take it.
#[derive(Default)]
pub(super) struct Watch(Option<Waited>);

impl Watch {
    /// Ready when the answer is overdue. To be called after the connection was polled.
    pub(super) fn poll(&mut self, progress: &Progress, context: &mut Context<'_>) -> Poll<()> {
        if progress.waiting() != Waiting::PeerToRead {
            // Everything handed over so far has left, and what comes next watches itself.
            self.0 = None;
            return Poll::Pending;
        }
        if self.0.is_none() {
            self.0 = progress.overdue();
        }
        self.0.as_mut().map_or(Poll::Pending, |overdue| overdue.as_mut().poll(context))
    }
}
