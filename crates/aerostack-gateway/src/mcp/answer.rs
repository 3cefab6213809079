//! What a request comes to, before an edge gives it its form on the wire.

use bytes::Bytes;
use http::StatusCode;

use super::listen::Listening;
use super::relay::CallStream;

/// The outcome of one message.
pub enum Answer {
    /// A notification or a response of the caller: nothing to say.
    Accepted,
    /// A whole response.
    Message {
        /// The HTTP status that goes with it.
        status: StatusCode,
        /// The JSON-RPC message.
        text: Bytes,
        /// A new session, to be told in a header.
        session: Option<String>,
    },
    /// A response that is a list. What is the same for everybody is shared, not copied.
    List {
        /// Up to its result.
        begin: Bytes,
        /// Its result and its end.
        rest: Bytes,
    },
    /// A call under way.
    Call(Box<CallStream>),
    /// A stream of change notices.
    Listen(Box<Listening>),
}

impl Answer {
    /// A whole response with status 200.
    pub fn ok(text: impl Into<Bytes>) -> Self {
        Self::Message { status: StatusCode::OK, text: text.into(), session: None }
    }
}

/// A piece of what a call yields, with the caller's own ids in it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A notification that belongs to the call.
    Notification(Bytes),
    /// The response, whole; the last piece.
    Response {
        /// The HTTP status that goes with it, if nothing was sent yet.
        status: StatusCode,
        /// The JSON-RPC message.
        text: Bytes,
    },
    /// The beginning of a large message.
    Begin(Bytes),
    /// More of it.
    More(Bytes),
    /// Its end.
    End {
        /// Whether it was the response, after which nothing follows; else it was a notification.
        is_response: bool,
    },
    /// A large message broke off or was no answer; the connection must be ended.
    Broken,
}
