//! An answer of a server whose head is there. Dropped before its end, it closes its connection.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::response::Parts;
use http::{HeaderMap, StatusCode};
use hyper::body::{Body, Incoming};

use super::link::{Link, unwoken};
use super::way::Way;
use crate::http::quiet::quietly;

/// An answer that has begun.
pub(super) struct Response(Box<Begun>);

struct Begun {
    head: Parts,
    /// `None` after its end.
    body: Option<Incoming>,
    /// What it comes on; it goes back to its way when everything is read.
    link: Option<Link>,
    way: Arc<Way>,
}

/// Why a body does not go on.
pub(super) enum Broken {
    /// Nothing came in time.
    Silent,
    /// The connection broke off.
    Off,
}

impl Response {
    pub(super) fn new(response: http::Response<Incoming>, link: Link, way: Arc<Way>) -> Self {
        let (head, body) = response.into_parts();
        Self(Box::new(Begun { head, body: Some(body), link: Some(link), way }))
    }

    pub(super) fn status(&self) -> StatusCode {
        self.0.head.status
    }

    pub(super) fn headers(&self) -> &HeaderMap {
        &self.0.head.headers
    }

    /// The length that its head announces, in bytes.
    pub(super) fn content_length(&self) -> Option<u64> {
        self.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
    }

    /// The next piece of its body, however long it takes; `None` at the end.
    ///
    /// *Cancellation*: dropped while waiting, it loses nothing.
    ///
    /// # Errors
    /// [`Broken::Off`].
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, Broken> {
        poll_fn(|context| self.0.poll_chunk(context)).await
    }

    /// The same, waiting at most for `limit`.
    ///
    /// *Cancellation*: dropped while waiting, it loses nothing.
    ///
    /// # Errors
    /// [`Broken`].
    pub(super) async fn chunk_within(&mut self, limit: Duration) -> Result<Option<Bytes>, Broken> {
        let mut is_timed = false;
        poll_fn(|context| match self.0.poll_chunk(context) {
            Poll::Pending => self.0.poll_silence(&mut is_timed, limit, context).map(|()| Err(Broken::Silent)),
            ready => ready,
        })
        .await
    }
}

impl Begun {
    fn poll_chunk(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Broken>> {
        let mut is_advanced = false;
        loop {
            let Some(body) = &mut self.body else { return Poll::Ready(Ok(None)) };
            // Before anybody waits for the next piece, the connection is asked for it.
            match quietly(|| Pin::new(body).poll_frame(&mut unwoken())) {
                Poll::Ready(Some(Ok(frame))) => {
                    // Trailers are nothing that anybody reads.
                    if let Ok(data) = frame.into_data() {
                        return Poll::Ready(Ok(Some(data)));
                    }
                }
                Poll::Ready(Some(Err(_))) => {
                    (self.body, self.link) = (None, None);
                    return Poll::Ready(Err(Broken::Off));
                }
                Poll::Ready(None) => self.let_go(),
                Poll::Pending if is_advanced => return Poll::Pending,
                Poll::Pending => {
                    is_advanced = true;
                    if let Some(link) = &mut self.link {
                        link.advance(context);
                    }
                }
            }
        }
    }

    fn poll_silence(&mut self, is_timed: &mut bool, limit: Duration, context: &mut Context<'_>) -> Poll<()> {
        match &mut self.link {
            Some(link) => link.poll_silence(is_timed, limit, context),
            None => Poll::Pending,
        }
    }

    /// Reads no more. The connection can be used again if nothing of the answer is still to come.
    fn let_go(&mut self) {
        self.body = None;
        if let Some(link) = self.link.take() {
            self.way.keep(link);
        }
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.let_go();
    }
}
