//! The socket, the requests and the answers of a connection, which note in its [`Progress`] what passes
//! them.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::body::{Body, StreamFault};
use super::progress::Progress;
use super::quiet::quietly;

/// A socket that notes what comes and goes.
///
/// hyper reads no request before everything of the last answer has left. So what it writes while
/// nothing is being answered is its own answer to bytes it could not read, which has no body. That is
/// swallowed, so that the socket is still free for ours.
pub(super) struct Socket<T> {
    pub(super) io: T,
    progress: Arc<Progress>,
    has_swallowed: bool,
}

impl<T> Socket<T> {
    pub(super) fn new(io: T, progress: &Arc<Progress>) -> Self {
        Self { io, progress: Arc::clone(progress), has_swallowed: false }
    }

    /// Whether bytes are swallowed now; once some were, nothing is let through any more.
    fn swallows(&mut self) -> bool {
        self.has_swallowed |= !self.progress.is_answering();
        self.has_swallowed
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Socket<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.io).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.progress.bytes_came();
        }
        polled
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Socket<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.swallows() {
            return Poll::Ready(Ok(bytes.len()));
        }
        let polled = Pin::new(&mut self.io).poll_write(context, bytes);
        self.progress.write_blocked(polled.is_pending());
        polled
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.swallows() {
            return Poll::Ready(Ok(slices.iter().map(|slice| slice.len()).sum()));
        }
        let polled = Pin::new(&mut self.io).poll_write_vectored(context, slices);
        self.progress.write_blocked(polled.is_pending());
        polled
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.io).poll_flush(context);
        if polled.is_pending() {
            self.progress.write_blocked(true);
        } else {
            // hyper flushes the socket once its own buffer is empty.
            self.progress.all_written();
        }
        polled
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.has_swallowed {
            return Poll::Ready(Ok(()));
        }
        let polled = Pin::new(&mut self.io).poll_shutdown(context);
        self.progress.write_blocked(polled.is_pending());
        polled
    }
}

/// A request's body that notes whether anybody read it to its end.
pub struct Received {
    body: Incoming,
    progress: Arc<Progress>,
    /// Whether somebody has waited for it.
    is_wanted: bool,
    is_read: bool,
}

impl Received {
    pub(super) fn new(body: Incoming, progress: Arc<Progress>) -> Self {
        Self { is_read: body.is_end_stream(), is_wanted: false, body, progress }
    }
}

impl Drop for Received {
    fn drop(&mut self) {
        if !self.is_read {
            self.progress.left_unread();
        }
    }
}

impl HttpBody for Received {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = self.get_mut();
        let polled = quietly(|| Pin::new(&mut this.body).poll_frame(context));
        this.is_read |= matches!(polled, Poll::Ready(None)) || this.body.is_end_stream();
        // The connection is to read on, or to begin: some peers send nothing before they are asked to.
        if !this.is_read && (polled.is_ready() || !std::mem::replace(&mut this.is_wanted, true)) {
            context.waker().wake_by_ref();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// An answer's body that notes its own end, whether it was written or given up.
pub(super) struct Tracked {
    body: Body,
    progress: Arc<Progress>,
}

impl Tracked {
    pub(super) fn new(mut body: Body, progress: Arc<Progress>) -> Self {
        progress.answered(body.take_ending());
        Self { body, progress }
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        self.progress.answer_ended();
    }
}

impl HttpBody for Tracked {
    type Data = Bytes;
    type Error = StreamFault;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, StreamFault>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
