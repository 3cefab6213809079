//! A connection to a server, moved by whoever waits for what comes on it.
//!
//! hyper's connection is a future that does nothing unless it is polled. It is no task of its own: a
//! connection serves one exchange at a time, and that one polls it along with what it waits for. So a call is
//! one task from its first byte to its last, nobody is woken but who waits, and what nobody takes is not read.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::rt::{Read, Write};
use tokio::time::{Instant, Sleep};

use crate::http::quiet::Quiet;

/// Most of an answer that is read at once, and the longest head that one may have. hyper's own measure is twice as
/// much, which many large answers at the same time hold several times over; with less, each of them costs more.
const BUFFER_MAX_BYTES: usize = 192 * 1_024;

/// A connection, and the way requests get onto it.
pub(super) struct Link {
    sender: SendRequest<Full<Bytes>>,
    /// `None` once it has ended.
    connection: Option<Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>>,
    /// Ends a wait. It stays set between two, since to move a timer costs less than to set one.
    silence: Pin<Box<Sleep>>,
    /// What is taken of an answer wakes nobody to read on.
    quiet: Quiet,
}

/// Why a request got no answer.
pub(super) enum Unanswered {
    /// Nothing came in time.
    Silent,
    /// The connection failed; the request is in it if nothing of it was sent.
    Failed(Box<TrySendError<Request<Full<Bytes>>>>),
}

impl Link {
    /// Speaks HTTP/1.1 over `io`. Nothing is sent before there is a request.
    ///
    /// # Errors
    /// hyper's.
    pub(super) async fn over<T: Read + Write + Unpin + Send + 'static>(io: T) -> hyper::Result<Self> {
        let mut protocol = http1::Builder::new();
        let (sender, connection) = protocol.max_buf_size(BUFFER_MAX_BYTES).handshake(io).await?;
        let silence = Box::pin(tokio::time::sleep(Duration::ZERO));
        Ok(Self { sender, connection: Some(Box::pin(connection)), silence, quiet: Quiet::new() })
    }

    /// Sends a request and waits for the head of its answer, at most for `limit`.
    ///
    /// *Cancellation*: dropped while waiting, the connection is of no use any more.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub(super) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
        limit: Duration,
    ) -> Result<Response<Incoming>, Unanswered> {
        let mut answer = pin!(self.sender.try_send_request(request));
        let mut is_timed = false;
        poll_fn(|context| {
            self.advance(context);
            match answer.as_mut().poll(&mut unwoken()) {
                Poll::Ready(answer) => {
                    Poll::Ready(answer.map_err(|error| Unanswered::Failed(Box::new(error))))
                }
                Poll::Pending => {
                    self.poll_silence(&mut is_timed, limit, context).map(|()| Err(Unanswered::Silent))
                }
            }
        })
        .await
    }

    /// Reads and writes as much as can be now. What came is found by asking its receiver, which needs to be
    /// woken by nobody but this connection, and so is polled [`unwoken`].
    pub(super) fn advance(&mut self, context: &mut Context<'_>) {
        let context = &mut self.quiet.within(context);
        let ended = self.connection.as_mut().map(|connection| connection.as_mut().poll(context));
        // Why it ended is told to whoever waits for an answer on it.
        if let Some(Poll::Ready(_)) = ended {
            self.connection = None;
        }
    }

    /// Ready when one wait, which is over `limit`, has lasted for so long. `is_timed` belongs to the wait, and is
    /// false at first.
    pub(super) fn poll_silence(
        &mut self,
        is_timed: &mut bool,
        limit: Duration,
        context: &mut Context<'_>,
    ) -> Poll<()> {
        if !std::mem::replace(is_timed, true) {
            self.silence.as_mut().reset(Instant::now() + limit);
        }
        self.silence.as_mut().poll(context)
    }

    /// Whether it waits for its next request. Whoever used it last is not woken for it any more.
    pub(super) fn is_free(&mut self) -> bool {
        self.advance(&mut unwoken());
        self.connection.is_some() && self.sender.is_ready()
    }

    /// Says goodbye where the transport has a way to.
    pub(super) fn close(self) {
        let Self { sender, connection, .. } = self;
        drop(sender);
        if let Some(mut connection) = connection {
            let _ = connection.as_mut().poll(&mut unwoken());
        }
    }
}

/// The context of whoever asks without waiting.
pub(super) fn unwoken() -> Context<'static> {
    Context::from_waker(Waker::noop())
}
