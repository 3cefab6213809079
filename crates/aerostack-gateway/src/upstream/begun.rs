//! An answer that has begun, wherever the rest of it comes from.

use bytes::Bytes;

use super::answer::{Answer, Expect};
use super::error::UpstreamError;
use super::exchange;
use super::frame::{Frame, Framing, Whole};
use super::shared::Pending;

/// An answer that has begun.
pub(super) struct Begun {
    pub(super) framing: Framing,
    pub(super) frames: Frames,
}

/// Where the rest of an answer comes from.
pub(super) enum Frames {
    /// A response of its own.
    Alone(Box<Answer>),
    /// A shared stream.
    OnStream(Pending),
    /// It was all there.
    Given(Option<Whole>),
}

impl Frames {
    /// The next frame.
    pub(super) async fn next(&mut self) -> Option<Result<Frame, UpstreamError>> {
        match self {
            Self::Alone(answer) => answer.next().await,
            Self::OnStream(pending) => pending.next().await,
            Self::Given(body) => body.take().map(|body| Ok(Frame::Whole(body))),
        }
    }

    /// The response as a whole.
    ///
    /// # Errors
    /// When none comes, or a larger one than was expected.
    pub(super) async fn response(self, expect: Expect) -> Result<Bytes, UpstreamError> {
        match self {
            Self::Alone(answer) => exchange::response(*answer, expect).await,
            Self::OnStream(pending) => pending.response().await,
            Self::Given(Some(body)) => Ok(body.text),
            Self::Given(None) => Err(UpstreamError::BadAnswer("no answer".into())),
        }
    }
}
