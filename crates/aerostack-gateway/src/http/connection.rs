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
use tokio_util::sync::CancellationToken;

use super::body::{Body, StreamFault};
use super::ending::Watch;
use super::progress::{Progress, Waiting};
use super::quiet::Quiet;
use super::refusal::{self, Refusal};
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
}

/// Serves one connection until it ends.
///
/// After `drain` is cancelled the request being answered is finished, and no other is read.
///
/// There may be thousands of it, most of them idle: what it holds is held once.
pub(super) async fn run<T, S, F>(io: T, peer: &SocketAddr, host: &Host<S>, drain: &CancellationToken)
where
    T: AsyncRead + AsyncWrite + Unpin,
    S: Fn(Request<Received>, SocketAddr) -> F,
    F: Future<Output = Response<Body>>,
{
    let progress = Arc::new(Progress::default());
    let mut socket = Socket::new(io, &progress);
    let noted = Arc::clone(&progress);
    let service = service_fn(move |request: Request<Incoming>| {
        noted.request_began();
        let answer = (host.service)(request.map(|body| Received::new(body, Arc::clone(&noted))), *peer);
        let progress = Arc::clone(&noted);
        async move { Ok::<_, Infallible>(answer.await.map(|body| Tracked::new(body, progress))) }
    });
    let ended = {
        let mut connection = host.protocol.serve_connection(TokioIo::new(&mut socket), service);
        drive(&mut connection, &progress, &host.patience, drain).await
    };
    match ended {
        Ended::Refused(refusal) => refusal::answer(socket.io, refusal).await,
        Ended::Served if progress.has_unread() => refusal::farewell(socket.io).await,
        Ended::Served | Ended::GivenUp => {}
    }
}

/// How a connection came to its end.
enum Ended {
    /// hyper is done with it, and has said so to the peer.
    Served,
    /// Nothing was read that could be answered; we answer.
    Refused(Refusal),
    /// It broke, or the peer used up our patience.
    GivenUp,
}

/// Polls the connection to its end.
async fn drive<T, S, B>(
    connection: &mut http1::Connection<T, S>,
    progress: &Progress,
    patience: &Patience,
    drain: &CancellationToken,
) -> Ended
where
    S: hyper::service::HttpService<Incoming, ResBody = B, Error = Infallible>,
    B: HttpBody<Error = StreamFault> + 'static,
    T: hyper::rt::Read + hyper::rt::Write + Unpin,
{
    let drain = pin!(drain.cancelled());
    let mut drain = Woken::new(drain);
    let mut deadline = pin!(sleep(patience.head));
    let (mut turn, mut is_armed) = (progress.turn(), true);
    let (mut is_draining, mut is_told) = (false, false);
    let mut watch = Watch::default();
    let quiet = Quiet::new();
    poll_fn(|context| {
        let context = &mut quiet.within(context);
        if !is_draining && Pin::new(&mut drain).poll(context).is_ready() {
            is_draining = true;
            if progress.waiting() == Waiting::FirstByte {
                // Whoever has only just connected gets a moment to ask, and is then told.
                deadline.as_mut().reset(Instant::now() + FRESH_GRACE.min(patience.head));
            }
        }
        loop {
            if is_draining && !is_told && progress.waiting() != Waiting::FirstByte {
                is_told = true;
                Pin::new(&mut *connection).graceful_shutdown();
            }
            if let Poll::Ready(ended) = Pin::new(&mut *connection).poll(context) {
                return Poll::Ready(
                    ended.map_or_else(|error| refusal_of(&error, progress), |()| Ended::Served),
                );
            }
            if !is_draining || is_told || progress.waiting() == Waiting::FirstByte {
                break;
            }
        }
        if watch.poll(progress, context).is_ready() {
            return Poll::Ready(Ended::GivenUp);
        }
        if progress.turn() != turn {
            turn = progress.turn();
            let limit = patience.with(progress.waiting());
            is_armed = limit.is_some();
            if let Some(limit) = limit {
                deadline.as_mut().reset(Instant::now() + limit);
            }
        }
        if is_armed && deadline.as_mut().poll(context).is_ready() {
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
