//! The answer of a server, as frames: whole messages where they are small, pieces where they are not.

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;

use super::call::Frames;
use super::message::{Message, is_id};
use super::question::Question;
use super::session::Session;
use crate::jsonrpc::Shape;

/// A piece of an answer. Messages follow one another; the pieces of one are never mixed with another's.
#[derive(Debug, PartialEq)]
pub enum Frame {
    /// A whole message of at most `Limits::whole_answer_bytes`, known to be well-formed JSON-RPC:
    /// the response to the request, or a notification that belongs to it.
    Whole(Whole),
    /// The beginning of a larger message, not yet known to be well formed.
    Begin(Bytes),
    /// More of it.
    More(Bytes),
    /// Its end.
    End,
    /// The server asks the caller something, in a session of the caller's own; between messages.
    Question(Question),
}

/// A whole message, and what was seen when it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole {
    /// Its text, which is UTF-8.
    pub text: Bytes,
    /// Where in it the parts stand.
    pub shape: Shape,
}

impl Whole {
    /// Reads a message; `None` if it is none.
    #[must_use]
    pub fn read(text: Bytes) -> Option<Self> {
        let shape = Shape::read(simdutf8::basic::from_utf8(&text).ok()?)?;
        Some(Self { text, shape })
    }

    /// Reads on, into what the message means.
    pub(super) fn message(&self) -> Option<Message<'_>> {
        Message::of(std::str::from_utf8(&self.text).ok()?, &self.shape)
    }

    /// Whether it is the response to a request of ours.
    pub(super) fn responds_to(&self, id: u64) -> bool {
        let theirs = self.shape.id.clone().and_then(|place| std::str::from_utf8(&self.text[place]).ok());
        self.shape.verdict().is_some() && theirs.is_some_and(|theirs| is_id(theirs, id))
    }
}

/// How the server chose to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// One JSON document.
    Json,
    /// An event stream: perhaps notifications, then the response.
    Events,
}

/// An answer under way.
///
/// *Cancellation*: dropping it closes what belongs to it alone. Towards a modern server that cancels
/// the call; a legacy server goes on, unless [`Reply::cancel`] told it.
pub struct Reply {
    /// How the server chose to answer.
    pub framing: Framing,
    /// The id the request was given towards the server.
    pub id: u64,
    /// The era spoken with the server.
    pub era: super::Era,
    /// The frames; the response is the last message, and after an error nothing follows.
    pub frames: Frames,
    /// Tells a legacy server that nobody waits any more. Bounded in time; does nothing for modern ones.
    pub cancel: Canceller,
}

/// Tells a legacy server that a call is no longer wanted: its session, and the id of the call there.
pub struct Canceller(pub(super) Option<(Arc<Session>, u64)>);

impl Canceller {
    /// What does so; `None` where nobody is to be told.
    #[must_use]
    pub fn begin(self) -> Option<Cancelling> {
        let (session, id) = self.0?;
        session.cancelling(id)
    }
}

/// What tells a server that a call is no longer wanted.
pub type Cancelling = Pin<Box<dyn Future<Output = ()> + Send>>;
