//! Bodies: reading a request's whole body under a limit, a deadline and a budget, and the kinds of
//! answer body: in memory in one piece or several, and streaming.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body as HttpBody, Frame, SizeHint};

use super::budget::{NoRoom, Room};
use super::ending::Ending;

/// Why a stream of answer bytes broke off. hyper ends the connection, so the peer sees that it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StreamFault {
    /// The credential the stream was opened with is no longer accepted.
    #[error("access ended")]
    AccessEnded,
    /// The database failed after the answer had begun.
    #[error("the database failed midway")]
    Database,
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
    /// The same in several pieces; none is empty.
    Pieces(VecDeque<Bytes>),
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

    /// These pieces, one after the other. Each is dropped when it has been handed over.
    #[must_use]
    pub fn pieces(pieces: impl IntoIterator<Item = Bytes>) -> Self {
        let pieces = pieces.into_iter().filter(|piece| !piece.is_empty()).collect();
        Self { content: Content::Pieces(pieces), ending: None }
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
            Content::Pieces(pieces) => Poll::Ready(pieces.pop_front().map(|piece| Ok(Frame::data(piece)))),
            Content::Stream(stream) => stream.as_mut().poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Full(full) => full.is_end_stream(),
            Content::Pieces(pieces) => pieces.is_empty(),
            Content::Stream(stream) => stream.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Full(full) => full.size_hint(),
            Content::Pieces(pieces) => {
                SizeHint::with_exact(pieces.iter().map(|piece| piece.len() as u64).sum())
            }
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
    /// It would fit, but not beside what is held already.
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
}

/// Reads a whole body, at most `limit_bytes`, within `timeout`. What is read is counted in `room` until
/// its last part is dropped.
///
/// A declared length is refused before a byte is read when it is over the limit or does not fit.
///
/// # Errors
/// [`ReadError`], told apart because each has its own status.
pub async fn read(
    mut body: impl RequestBody,
    limit_bytes: usize,
    timeout: Duration,
    room: Room<'_>,
) -> Result<Bytes, ReadError> {
    // What never fits is not worth another try.
    let limit_bytes = limit_bytes.min(room.most_bytes());
    let declared = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if declared > limit_bytes {
        return Err(ReadError::TooLarge { limit_bytes });
    }
    let mut gathered = room.gather(declared)?;
    let whole = async {
        while let Some(frame) = body.frame().await {
            let Ok(piece) = frame.map_err(|_| ReadError::BrokenOff)?.into_data() else { continue };
            if gathered.len() + piece.len() > limit_bytes {
                return Err(ReadError::TooLarge { limit_bytes });
            }
            gathered.push(piece)?;
        }
        Ok(())
    };
    let mut whole = pin!(whole);
    // Most bodies are there already, and need no timer.
    let read = match poll_fn(|context| Poll::Ready(whole.as_mut().poll(context))).await {
        Poll::Ready(read) => read,
        Poll::Pending => {
            let late = |_| ReadError::TooSlow { timeout };
            tokio::time::timeout(timeout, whole).await.map_err(late)?
        }
    };
    read?;
    Ok(gathered.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::budget::Budget;
    use futures_util::{StreamExt, stream};
    use http_body_util::StreamBody;

    const SECOND: Duration = Duration::from_secs(1);

    /// Bodies whose length is not declared.
    fn chunks(sizes: &[usize]) -> impl RequestBody + use<> {
        let frames: Vec<_> = sizes.iter().map(|&size| Ok::<_, StreamFault>(vec![0u8; size].into())).collect();
        StreamBody::new(stream::iter(frames).map(|chunk| chunk.map(Frame::data)))
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_refused() {
        let budget = Budget::new(1_000, 1_000);
        let read = |len: usize| read(Full::new(vec![0u8; len].into()), 10, SECOND, budget.of_all());
        assert_eq!(read(10).await.map(|bytes| bytes.len()), Ok(10));
        assert_eq!(read(11).await, Err(ReadError::TooLarge { limit_bytes: 10 }));
        for (sizes, expected) in [(&[4, 6], Ok(10)), (&[4, 7], Err(ReadError::TooLarge { limit_bytes: 10 }))]
        {
            let read = super::read(chunks(sizes), 10, SECOND, budget.of_all()).await;
            assert_eq!(read.map(|bytes| bytes.len()), expected);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_comes_is_given_up() {
        let silent = StreamBody::new(stream::pending::<Result<Frame<Bytes>, StreamFault>>());
        let timeout = Duration::from_secs(3);
        let read = read(silent, 10, timeout, Budget::new(1_000, 1_000).of_all()).await;
        assert_eq!(read, Err(ReadError::TooSlow { timeout }));
    }

    #[tokio::test]
    async fn a_body_that_does_not_fit_beside_others_is_refused_and_one_that_never_fits_is_too_large() {
        let budget = Budget::new(20_000, 20_000);
        let read = |sizes: &[usize]| read(chunks(sizes), 50_000, SECOND, budget.of_all());
        let first = read(&[6_000, 6_000]).await.unwrap();
        assert_eq!((first.len(), budget.held_bytes()), (12_000, 12_000));
        assert_eq!(read(&[6_000, 3_000]).await, Err(ReadError::NoRoom(NoRoom::OfAll)));
        assert_eq!(read(&[6_000, 2_000, 1_000]).await, Err(ReadError::NoRoom(NoRoom::OfAll)));
        drop(first);
        assert_eq!(read(&[20_000, 1]).await, Err(ReadError::TooLarge { limit_bytes: 20_000 }));
        assert_eq!(budget.held_bytes(), 0);
    }

    #[tokio::test]
    async fn pieces_are_one_body_of_known_length() {
        let pieces = ["[", "1", "", ",2]"].map(Bytes::from);
        let body = Body::pieces(pieces);
        assert_eq!(body.size_hint().exact(), Some(5));
        assert_eq!(body.collect().await.unwrap().to_bytes(), "[1,2]");
        assert!(Body::pieces([]).is_end_stream());
    }
}
