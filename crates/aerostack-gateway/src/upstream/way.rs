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

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use url::Url;

    use super::super::address::{AddressPolicy, Trust};
    use super::super::http::tls;
    use super::*;

    const HEAD: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

    async fn way_to(listener: &TcpListener) -> Arc<Way> {
        let url: Url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
        let dialer = Dialer::new(AddressPolicy::new(Trust::Operator, &[]), tls());
        Way::new(Arc::new(dialer), Origin::of(&url).unwrap())
    }

    fn request() -> Request<Full<Bytes>> {
        Request::get("/").header("host", "example.com").body(Full::default()).unwrap()
    }

    /// Reads a request and answers with `text`.
    async fn answers(stream: &mut TcpStream, text: &str) {
        let mut read = [0; 1_024];
        assert!(stream.read(&mut read).await.unwrap() > 0);
        stream.write_all(text.as_bytes()).await.unwrap();
    }

    #[tokio::test]
    async fn an_answer_goes_on_when_its_connection_is_kept_no_longer() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let way = way_to(&listener).await;
        let serving = tokio::spawn(async move {
            let mut stream = listener.accept().await.unwrap().0;
            answers(&mut stream, &format!("{HEAD}3\r\none\r\n")).await;
            stream
        });
        let mut response = way.send(request()).await.unwrap();
        assert_eq!(response.chunk().await.unwrap().as_deref(), Some(&b"one"[..]));
        let mut stream = serving.await.unwrap();
        way.here().clear();
        drop(way);
        tokio::task::yield_now().await;
        stream.write_all(b"3\r\ntwo\r\n0\r\n\r\n").await.unwrap();
        assert_eq!(response.chunk().await.unwrap().as_deref(), Some(&b"two"[..]));
        assert_eq!(response.chunk().await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_connection_is_used_again_and_another_made_where_the_server_closed_it() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let way = way_to(&listener).await;
        let serving = tokio::spawn(async move {
            for calls in [2, 1] {
                let mut stream = listener.accept().await.unwrap().0;
                for _ in 0..calls {
                    answers(&mut stream, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
                }
            }
        });
        for _ in 0..3 {
            let mut response = way.send(request()).await.unwrap();
            while response.chunk().await.unwrap().is_some() {}
            // The connection's own task notes that it is free.
            while !way.here().iter().all(|kept| kept.sender.is_ready() || kept.sender.is_closed()) {
                tokio::task::yield_now().await;
            }
        }
        serving.await.unwrap();
    }
}
