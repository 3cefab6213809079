//! The way to one origin: connections that are kept open and used one request after the other.
//!
//! Each of the threads that serve connections has kept ones of its own: a connection is moved by a task of the
//! thread that made it, and whoever uses it from there wakes nobody else.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use tokio::time::Instant;

use super::dial::{Dialer, Origin, Sender, reason};
use super::error::UpstreamError;
use super::response::Response;
use crate::http::edges::{self, EDGES_MAX};

/// Time an unused connection is kept.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// Connections kept for one origin, by each thread.
const KEPT_MAX: usize = 256;

/// A way to one origin.
pub(super) struct Way {
    dialer: Arc<Dialer>,
    origin: Origin,
    kept: [Mutex<Vec<Kept>>; EDGES_MAX],
    /// Whether a task looks for unused connections.
    is_swept: AtomicBool,
}

/// A connection that has answered. One whose answer is still on its way is not ready yet.
struct Kept {
    sender: Sender,
    since: Instant,
}

impl Way {
    pub(super) fn new(dialer: Arc<Dialer>, origin: Origin) -> Arc<Self> {
        let kept = std::array::from_fn(|_| Mutex::default());
        Arc::new(Self { dialer, origin, kept, is_swept: AtomicBool::new(false) })
    }

    /// Sends a request and waits for the head of its answer.
    ///
    /// # Errors
    /// [`UpstreamError::Unreachable`] without a connection, else [`UpstreamError::BadAnswer`].
    pub(super) async fn send(
        self: &Arc<Self>,
        mut request: Request<Full<Bytes>>,
    ) -> Result<Response, UpstreamError> {
        loop {
            let kept = self.take();
            let is_new = kept.is_none();
            let mut sender = match kept {
                Some(sender) => sender,
                None => Box::pin(self.dialer.dial(&self.origin)).await?,
            };
            match sender.try_send_request(request).await {
                Ok(response) => {
                    self.keep(sender);
                    return Ok(Response::new(response));
                }
                Err(mut failure) => match failure.take_message() {
                    // The server had closed it, and has seen nothing of the request.
                    Some(unsent) if !is_new => request = unsent,
                    _ => return Err(UpstreamError::BadAnswer(reason(failure.error()))),
                },
            }
        }
    }

    fn here(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.kept[edges::here()].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection that waits for its next request, the one that was used last.
    fn take(&self) -> Option<Sender> {
        let mut kept = self.here();
        while let Some(at) = kept.iter().rposition(|kept| kept.sender.is_ready() || kept.sender.is_closed()) {
            let Kept { sender, .. } = kept.swap_remove(at);
            if !sender.is_closed() {
                return Some(sender);
            }
        }
        None
    }

    fn keep(self: &Arc<Self>, sender: Sender) {
        let mut kept = self.here();
        if kept.len() < KEPT_MAX {
            kept.push(Kept { sender, since: Instant::now() });
        }
        drop(kept);
        if !self.is_swept.load(Ordering::Relaxed) && !self.is_swept.swap(true, Ordering::AcqRel) {
            tokio::spawn(sweep(Arc::downgrade(self)));
        }
    }

    /// Closes what was not used for long; says whether anything is left.
    fn forget_unused(&self) -> bool {
        let mut is_any_left = false;
        for shelf in &self.kept {
            let mut kept = shelf.lock().unwrap_or_else(PoisonError::into_inner);
            kept.retain(|kept| !kept.sender.is_closed() && kept.since.elapsed() < IDLE_TIMEOUT);
            is_any_left |= !kept.is_empty();
        }
        is_any_left
    }
}

async fn sweep(way: Weak<Way>) {
    loop {
        tokio::time::sleep(IDLE_TIMEOUT / 2).await;
        let Some(way) = way.upgrade() else { return };
        if !way.forget_unused() {
            way.is_swept.store(false, Ordering::Release);
            return;
        }
    }
}
