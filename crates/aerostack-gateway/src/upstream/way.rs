//! The way to one origin: connections that are kept open and used one request after the other.
//!
//! Each of the threads that serve connections keeps its own: what comes on a connection is noticed by the thread that
//! made it, so whoever uses it from there wakes nobody else.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;

use super::dial::{Dialer, Origin, reason};
use super::error::UpstreamError;
use super::http::silent;
use super::link::{Link, Unanswered};
use super::response::Response;
use crate::http::edges::{self, EDGES_MAX};

/// Time an unused connection is kept at most.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// How often it is looked for unused ones in that time.
const SWEEPS_PER_IDLE_TIMEOUT: u32 = 2;
/// Connections kept for one origin, by each thread.
const KEPT_MAX: usize = 256;

/// A way to one origin.
pub(super) struct Way {
    dialer: Arc<Dialer>,
    origin: Origin,
    kept: [Mutex<Vec<Kept>>; EDGES_MAX],
    /// How often it was looked for unused connections.
    sweeps: AtomicU64,
    /// Whether a task looks for them.
    is_swept: AtomicBool,
}

/// A connection that waits for its next request, and how often it had been looked for unused ones by when it began to.
struct Kept {
    link: Link,
    sweep: u64,
}

impl Way {
    pub(super) fn new(dialer: Arc<Dialer>, origin: Origin) -> Arc<Self> {
        let kept = std::array::from_fn(|_| Mutex::default());
        let (sweeps, is_swept) = (AtomicU64::new(0), AtomicBool::new(false));
        Arc::new(Self { dialer, origin, kept, sweeps, is_swept })
    }

    /// Sends a request and waits for the head of its answer, at most for `idle`.
    ///
    /// # Errors
    /// [`UpstreamError::Unreachable`] without a connection, [`UpstreamError::TimedOut`] when nothing comes, else
    /// [`UpstreamError::BadAnswer`].
    pub(super) async fn send(
        self: &Arc<Self>,
        mut request: Request<Full<Bytes>>,
        idle: Duration,
    ) -> Result<Response, UpstreamError> {
        loop {
            let kept = self.here().pop();
            let is_new = kept.is_none();
            let mut link = match kept {
                Some(kept) => kept.link,
                None => Box::pin(self.dial(idle)).await?,
            };
            match link.send(request, idle).await {
                Ok(response) => return Ok(Response::new(response, link, Arc::clone(self))),
                Err(Unanswered::Silent) => return Err(silent(idle)),
                Err(Unanswered::Failed(mut failure)) => match failure.take_message() {
                    // The server had closed it, and has seen nothing of the request.
                    Some(unsent) if !is_new => request = unsent,
                    _ => return Err(UpstreamError::BadAnswer(reason(failure.error()))),
                },
            }
        }
    }

    async fn dial(&self, idle: Duration) -> Result<Link, UpstreamError> {
        let dialing = self.dialer.dial(&self.origin);
        tokio::time::timeout(idle, dialing).await.unwrap_or_else(|_| Err(silent(idle)))
    }

    fn here(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.kept[edges::here()].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a connection for the next request, if it can take one.
    pub(super) fn keep(self: &Arc<Self>, mut link: Link) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if !link.is_free() {
            return;
        }
        let mut kept = self.here();
        if kept.len() < KEPT_MAX {
            kept.push(Kept { link, sweep: self.sweeps.load(Ordering::Relaxed) });
        }
        drop(kept);
        if !self.is_swept.load(Ordering::Relaxed) && !self.is_swept.swap(true, Ordering::AcqRel) {
            runtime.spawn(sweep(Arc::downgrade(self)));
        }
    }

    fn keeps_any(&self) -> bool {
        self.kept.iter().any(|shelf| !shelf.lock().unwrap_or_else(PoisonError::into_inner).is_empty())
    }

    /// Closes what was not used for long, or the server has closed; says whether anything is left.
    fn forget_unused(&self) -> bool {
        let now = self.sweeps.fetch_add(1, Ordering::Relaxed) + 1;
        let mut is_any_left = false;
        for shelf in &self.kept {
            let mut shelf = shelf.lock().unwrap_or_else(PoisonError::into_inner);
            let is_of_no_use = |kept: &mut Kept| {
                now - kept.sweep >= u64::from(SWEEPS_PER_IDLE_TIMEOUT) || !kept.link.is_free()
            };
            let unused: Vec<Kept> = shelf.extract_if(.., is_of_no_use).collect();
            is_any_left |= !shelf.is_empty();
            drop(shelf);
            unused.into_iter().for_each(|kept| kept.link.close());
        }
        is_any_left
    }
}

async fn sweep(way: Weak<Way>) {
    loop {
        tokio::time::sleep(IDLE_TIMEOUT / SWEEPS_PER_IDLE_TIMEOUT).await;
        let Some(way) = way.upgrade() else { return };
        if !way.forget_unused() {
            way.is_swept.store(false, Ordering::Release);
            // One that was kept in this moment found it swept.
            if !way.keeps_any() || way.is_swept.swap(true, Ordering::AcqRel) {
                return;
            }
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

    const IDLE: Duration = Duration::from_secs(5);
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
    async fn an_answer_goes_on_when_nobody_else_goes_its_way_any_more() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let way = way_to(&listener).await;
        let serving = tokio::spawn(async move {
            let mut stream = listener.accept().await.unwrap().0;
            answers(&mut stream, &format!("{HEAD}3\r\none\r\n")).await;
            stream
        });
        let mut response = way.send(request(), IDLE).await.unwrap();
        assert_eq!(response.chunk().await.ok().flatten().as_deref(), Some(&b"one"[..]));
        let mut stream = serving.await.unwrap();
        drop(way);
        stream.write_all(b"3\r\ntwo\r\n0\r\n\r\n").await.unwrap();
        assert_eq!(response.chunk().await.ok().flatten().as_deref(), Some(&b"two"[..]));
        assert_eq!(response.chunk().await.ok(), Some(None));
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
        for call in 1..=3 {
            let mut response = way.send(request(), IDLE).await.unwrap();
            assert_eq!(way.here().len(), 0, "nobody else is to use it meanwhile");
            while let Ok(Some(_)) = response.chunk().await {}
            // Later ones may be seen to be closed already.
            assert!(call > 1 || way.here().len() == 1);
        }
        serving.await.unwrap();
    }
}
