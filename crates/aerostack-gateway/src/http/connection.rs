//! One connection from its first byte to its last: HTTP/1.1 by hyper, the waiting by us.
//!
//! Three parties see a piece of what happens: the [`Socket`] sees bytes, the service sees requests,
//! the [`Tracked`] body sees an answer end. They note it in a shared [`Progress`], and [`drive`] gives
//! each kind of waiting its own limit: the head of a request, a kept-alive connection between two
//! requests, a peer that does not read its answer. That one ends as well when the answer's
//! [`Ending`](super::ending::Ending) has come. A request that is being answered has no limit here.
//!
//! All of it runs in the connection's one task.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::{Body as HttpBody, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep};

use super::body::{Body, StreamFault};
use super::ending::Watch;
use super::progress::{Progress, Waiting};
use super::quiet::Quiet;
use super::refusal::{self, Refusal};
use super::stop::Stop;
use super::watched::{Received, Socket, Tracked};
use super::woken::Woken;
use crate::config::Limits;

/// A head may be this many times the limit before it is refused unread; below that, the service
/// answers it with what it knows.
const HEAD_HARD_CAP_FACTOR: usize = 4;
/// hyper's smallest buffer.
const BUFFER_MIN_BYTES: usize = 64 * 1_024;
/// Time a connection that has sent nothing yet gets when the gateway begins to drain.
pub(super) const FRESH_GRACE: Duration = Duration::from_secs(1);

/// How long which kind of waiting may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    head: Duration,
    idle: Duration,
    write: Duration,
}

impl Patience {
    pub(super) fn of(limits: &Limits) -> Self {
        Self { head: limits.header_timeout, idle: limits.idle_timeout, write: limits.write_timeout }
    }

    fn with(&self, waiting: Waiting) -> Option<Duration> {
        match waiting {
            Waiting::FirstByte | Waiting::Head => Some(self.head),
            Waiting::NextRequest => Some(self.idle),
            Waiting::PeerToRead => Some(self.write),
            Waiting::Answer => None,
        }
    }
}

/// hyper's settings, the same for every connection.
pub(super) fn protocol(limits: &Limits) -> http1::Builder {
    let cap = limits.header_limit_bytes.saturating_mul(HEAD_HARD_CAP_FACTOR);
    let mut builder = http1::Builder::new();
    builder.header_read_timeout(None).max_header_size(cap).max_buf_size(cap.max(BUFFER_MIN_BYTES));
    builder
}

/// What all connections of a server have in common.
pub(super) struct Host<S> {
    /// hyper's settings.
    pub(super) protocol: http1::Builder,
    /// How long is waited.
    pub(super) patience: Patience,
    /// Who answers.
    pub(super) service: S,
    /// When they end.
    pub(super) stop: Stop,
}

/// Serves one connection until it ends.
///
/// After [`Stop::begin_drain`] the request being answered is finished, and no other is read; with [`Stop::end_now`] it
/// ends there.
///
/// There may be thousands of it, most of them idle: what it holds is held once.
pub(super) fn run<T, S, F>(io: T, peer: &SocketAddr, host: &Host<S>) -> impl Future<Output = ()>
where
    T: AsyncRead + AsyncWrite + Unpin,
    S: Fn(Request<Received>, SocketAddr) -> F,
    F: Future<Output = Response<Body>>,
{
    let progress = Arc::new(Progress::default());
    // Not within, where there would be room for it before it is wrapped and after.
    let mut socket = Socket::new(io, &progress);
    async move {
        let noted = Arc::clone(&progress);
        let service = service_fn(move |request: Request<Incoming>| {
            noted.request_began();
            let answer = (host.service)(request.map(|body| Received::new(body, Arc::clone(&noted))), *peer);
            let progress = Arc::clone(&noted);
            async move { Ok::<_, Infallible>(answer.await.map(|body| Tracked::new(body, progress))) }
        });
        let ended = {
            let mut connection = host.protocol.serve_connection(TokioIo::new(&mut socket), service);
            drive(&mut connection, &progress, host).await
        };
        // Boxed: few connections end so, and with TLS it is several times what they are otherwise.
        match ended {
            Ended::Refused(refusal) => {
                host.stop.now().run_until_cancelled(Box::pin(refusal::answer(socket.io, refusal))).await;
            }
            Ended::Served if progress.has_unread() => {
                host.stop.now().run_until_cancelled(Box::pin(refusal::farewell(socket.io))).await;
            }
            Ended::Served | Ended::GivenUp => {}
        }
    }
}

/// How a connection came to its end.
enum Ended {
    /// hyper is done with it, and has said so to the peer.
    Served,
    /// Nothing was read that could be answered; we answer.
    Refused(Refusal),
    /// It broke, the peer used up our patience, or everything ends at once.
    GivenUp,
}

/// What was seen of a connection when it was last looked at.
struct Seen {
    /// Of its [`Progress`].
    turn: u64,
    /// Whether it has a deadline.
    is_armed: bool,
    is_draining: bool,
    /// Whether hyper was told to read no other request.
    is_told: bool,
    watch: Watch,
}

impl Seen {
    fn first(progress: &Progress) -> Self {
        let watch = Watch::default();
        Self { turn: progress.turn(), is_armed: true, is_draining: false, is_told: false, watch }
    }
}

/// Polls the connection to its end.
async fn drive<T, S, B, H>(
    connection: &mut http1::Connection<T, S>,
    progress: &Progress,
    host: &Host<H>,
) -> Ended
where
    S: hyper::service::HttpService<Incoming, ResBody = B, Error = Infallible>,
    B: HttpBody<Error = StreamFault> + 'static,
    T: hyper::rt::Read + hyper::rt::Write + Unpin,
{
    // One after the other, since the second signal brings the first.
    let signal = pin!(host.stop.drain().cancelled());
    let signal = &mut Woken::new(signal);
    let mut deadline = pin!(sleep(host.patience.head));
    let (seen, quiet) = (&mut Seen::first(progress), &Quiet::new());
    poll_fn(move |context| {
        let context = &mut quiet.within(context);
        while Pin::new(&mut *signal).poll(context).is_ready() {
            if seen.is_draining {
                return Poll::Ready(Ended::GivenUp);
            }
            seen.is_draining = true;
            signal.renew(|signal| signal.set(host.stop.now().cancelled()));
            if progress.waiting() == Waiting::FirstByte {
                // Whoever has only just connected gets a moment to ask, and is then told.
                deadline.as_mut().reset(Instant::now() + FRESH_GRACE.min(host.patience.head));
            }
        }
        loop {
            if seen.is_draining && !seen.is_told && progress.waiting() != Waiting::FirstByte {
                seen.is_told = true;
                Pin::new(&mut *connection).graceful_shutdown();
            }
            if let Poll::Ready(ended) = Pin::new(&mut *connection).poll(context) {
                return Poll::Ready(
                    ended.map_or_else(|error| refusal_of(&error, progress), |()| Ended::Served),
                );
            }
            if !seen.is_draining || seen.is_told || progress.waiting() == Waiting::FirstByte {
                break;
            }
        }
        if seen.watch.poll(progress, context).is_ready() {
            return Poll::Ready(Ended::GivenUp);
        }
        if progress.turn() != seen.turn {
            seen.turn = progress.turn();
            let limit = host.patience.with(progress.waiting());
            seen.is_armed = limit.is_some();
            if let Some(limit) = limit {
                deadline.as_mut().reset(Instant::now() + limit);
            }
        }
        if seen.is_armed && deadline.as_mut().poll(context).is_ready() {
            let is_slow = progress.waiting() == Waiting::Head;
            return Poll::Ready(if is_slow { Ended::Refused(Refusal::TooSlow) } else { Ended::GivenUp });
        }
        Poll::Pending
    })
    .await
}

/// hyper's own answers to what it cannot read have no body, so the [`Socket`] swallowed them.
fn refusal_of(error: &hyper::Error, progress: &Progress) -> Ended {
    if progress.is_answering() || !error.is_parse() {
        return Ended::GivenUp;
    }
    Ended::Refused(if error.is_parse_too_large() { Refusal::HeadTooLarge } else { Refusal::NotHttp })
}
