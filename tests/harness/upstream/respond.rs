//! HTTP answers: whole, streamed, or broken off.

use std::convert::Infallible;
use std::pin::Pin;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use tokio::sync::mpsc;

/// An error that makes hyper close the connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct BrokenOff;

impl std::fmt::Display for BrokenOff {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("broken off by the script")
    }
}

impl std::error::Error for BrokenOff {}

/// A body that may be broken off.
pub(super) type Body = UnsyncBoxBody<Bytes, BrokenOff>;
/// The rest of an answer: its last message.
pub(super) type Work = Pin<Box<dyn Future<Output = String> + Send>>;

/// Nothing but a status.
pub(super) fn empty(status: StatusCode) -> Response<Body> {
    whole(status, "", String::new())
}

/// JSON.
pub(super) fn json(status: StatusCode, text: String) -> Response<Body> {
    whole(status, "application/json", text)
}

/// A whole body of some type; no type, no header.
pub(super) fn whole(status: StatusCode, content_type: &'static str, text: String) -> Response<Body> {
    let body = Full::new(Bytes::from(text)).map_err(|never: Infallible| match never {});
    let mut response = Response::new(body.boxed_unsync());
    *response.status_mut() = status;
    if !content_type.is_empty() {
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    response
}

/// One message as an event.
pub(super) fn event(message: &str) -> String {
    format!("event: message\ndata: {message}\n\n")
}

/// A body made of chunks as they come; an error breaks it off.
pub(super) fn chunks<S>(content_type: &'static str, chunks: S) -> Response<Body>
where
    S: futures_util::Stream<Item = Result<String, BrokenOff>> + Send + 'static,
{
    let frames = chunks.map(|chunk| chunk.map(|text| Frame::data(Bytes::from(text))));
    let mut response = Response::new(StreamBody::new(frames).boxed_unsync());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    if content_type == EVENT_STREAM {
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform"));
    }
    response
}

/// The type of an event stream.
pub(super) const EVENT_STREAM: &str = "text/event-stream";

/// An event stream: what `notes` brings while `work` goes on, then what `work` comes to. When the
/// client hangs up, `work` is dropped where it stands.
pub(super) fn event_stream(work: Work, notes: mpsc::Receiver<String>) -> Response<Body> {
    let events = stream::unfold(Some((work, notes)), |open| async move {
        let (mut work, mut notes) = open?;
        let message = tokio::select! {
            biased;
            Some(note) = notes.recv() => return Some((Ok(event(&note)), Some((work, notes)))),
            message = &mut work => message,
        };
        let mut last: String =
            std::iter::from_fn(|| notes.try_recv().ok()).map(|note| event(&note)).collect();
        last.push_str(&event(&message));
        Some((Ok(last), None))
    });
    chunks(EVENT_STREAM, events)
}
