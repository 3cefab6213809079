//! Bodies: reading a request's whole body under a limit and a deadline, and the two kinds of answer
//! body, one in memory and one that streams.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body as HttpBody, Frame, SizeHint};

use super::ending::Ending;

/// Why a stream of answer bytes broke off. hyper ends the connection, so the peer sees that it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StreamFault {
    /// The credential the stream was opened with is no longer accepted.
    #[error("access ended")]
    AccessEnded,
    /// The upstream failed after the answer had begun.
    #[error("upstream failed midway")]
    Upstream,
}

type Streaming = Pin<Box<dyn HttpBody<Data = Bytes, Error = StreamFault> + Send>>;

/// The body of an answer.
pub struct Body {
    content: Content,
    ending: Option<Ending>,
}

enum Content {
    /// In memory, with a known length.
    Full(Full<Bytes>),
    /// Written as it comes.
    Stream(Streaming),
}

impl Body {
    /// No bytes.
    #[must_use]
    pub fn empty() -> Self {
        Self::full(Bytes::new())
    }

    /// These bytes.
    pub fn full(bytes: impl Into<Bytes>) -> Self {
        Self { content: Content::Full(Full::new(bytes.into())), ending: None }
    }

    /// Whatever `body` yields.
    pub fn stream(body: impl HttpBody<Data = Bytes, Error = StreamFault> + Send + 'static) -> Self {
        Self { content: Content::Stream(Box::pin(body)), ending: None }
    }

    /// The same body, which must not outlive `ending` when the peer does not take it.
    #[must_use]
    pub fn ending(self, ending: Ending) -> Self {
        Self { ending: Some(ending), ..self }
    }

    /// What it must not outlive, for whoever writes it.
    pub(super) fn take_ending(&mut self) -> Option<Ending> {
        self.ending.take()
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = StreamFault;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, StreamFault>>> {
        match &mut self.get_mut().content {
            Content::Full(full) => Pin::new(full).poll_frame(context).map_err(|never| match never {}),
            Content::Stream(stream) => stream.as_mut().poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Full(full) => full.is_end_stream(),
            Content::Stream(stream) => stream.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Full(full) => full.size_hint(),
            Content::Stream(stream) => stream.size_hint(),
        }
    }
}

/// The body of a request: hyper's, or one that a test makes.
pub trait RequestBody:
    HttpBody<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + Unpin
{
}

impl<B> RequestBody for B where
    B: HttpBody<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + Unpin
{
}

/// Why a request's body could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// It is larger than the limit.
    #[error("the body is larger than {limit_bytes} bytes")]
    TooLarge {
        /// The limit.
        limit_bytes: usize,
    },
    /// It did not arrive in time.
    #[error("the body did not arrive within {} s", .timeout.as_secs())]
    TooSlow {
        /// The deadline.
        timeout: Duration,
    },
    /// The peer went away or broke the framing.
    #[error("the body broke off")]
    BrokenOff,
}

/// Reads a whole body, at most `limit_bytes`, within `timeout`.
///
/// A declared length over the limit is refused before a byte is read.
///
/// # Errors
/// [`ReadError`], told apart because each has its own status.
pub async fn read(body: impl RequestBody, limit_bytes: usize, timeout: Duration) -> Result<Bytes, ReadError> {
    if body.size_hint().lower() > limit_bytes as u64 {
        return Err(ReadError::TooLarge { limit_bytes });
    }
    let collected = tokio::time::timeout(timeout, Limited::new(body, limit_bytes).collect()).await;
    match collected {
        Err(_) => Err(ReadError::TooSlow { timeout }),
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(ReadError::TooLarge { limit_bytes }),
        Ok(Err(_)) => Err(ReadError::BrokenOff),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_over_the_limit_is_refused() {
        let read = |len: usize| read(Full::new(Bytes::from(vec![0u8; len])), 10, Duration::from_secs(1));
        assert_eq!(read(10).await.map(|bytes| bytes.len()), Ok(10));
        assert_eq!(read(11).await, Err(ReadError::TooLarge { limit_bytes: 10 }));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_comes_is_given_up() {
        let silent = http_body_util::StreamBody::new(futures_util::stream::pending::<
            Result<Frame<Bytes>, StreamFault>,
        >());
        let timeout = Duration::from_secs(3);
        assert_eq!(read(silent, 10, timeout).await, Err(ReadError::TooSlow { timeout }));
    }
}
