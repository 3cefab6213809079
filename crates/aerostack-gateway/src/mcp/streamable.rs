//! Streamable HTTP: an answer as one JSON document or as an event stream.
//!
//! The choice is made late: as long as only the response itself comes, it is JSON with its proper
//! status. A notification before it, or a long silence, turns the answer into an event stream, if the
//! caller takes one; once begun, every stream ends with a response or the connection does.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Response, StatusCode};
use http_body_util::StreamBody;
use hyper::body::Frame;

use super::answer::{Answer, Piece};
use super::error::Refusal;
use super::listen::Listening;
use super::pump::Carried;
use super::relay::CallStream;
use super::replay::Kind;
use super::resumable::{Opening, Reader, Terms};
use super::session::SESSION_HEADER;
use crate::app::App;
use crate::grants::Grant;
use crate::http::body::{Body, StreamFault};
use crate::http::budget::Room;
use crate::http::kept_alive::{KeptAlive, Part};
use crate::http::{respond, sse};
use crate::upstream::UpstreamError;
use crate::upstream::frame::Framing;

/// What callers accept who do as the protocol demands.
const USUAL_ACCEPT: &str = "application/json, text/event-stream";

/// Tells whether a caller takes event streams.
#[must_use]
pub fn accepts_events(headers: &HeaderMap) -> bool {
    let events = respond::EVENT_STREAM;
    let is_events = |kind: &[u8]| {
        let name = kind.trim_ascii_start().get(..events.len());
        name.is_some_and(|name| name.eq_ignore_ascii_case(events.as_bytes()))
    };
    let takes = |value: &HeaderValue| value.as_bytes().split(|&byte| byte == b',').any(is_events);
    // As the protocol has it, and clients write it.
    headers.get_all(ACCEPT).iter().any(|value| value == USUAL_ACCEPT || takes(value))
}

/// Gives an answer its form. `id` is the request's, raw, for what cannot be given one. An event stream can
/// be resumed where there are `terms` for that.
pub(super) async fn respond(
    app: &Arc<App>,
    grant: &Arc<Grant>,
    answer: Answer,
    id: Option<&str>,
    takes_events: bool,
    terms: Option<Terms<'_>>,
) -> Response<Body> {
    match answer {
        Answer::Accepted => respond::empty(StatusCode::ACCEPTED),
        Answer::Message { status, text, session } => {
            let mut response = from_memory(app, grant, status, text, id);
            if let Some(session) = session.and_then(|session| HeaderValue::from_str(&session).ok()) {
                response.headers_mut().insert(SESSION_HEADER, session);
            }
            response
        }
        Answer::List { begin, rest } => match app.budget.of(&grant.held).keep(rest) {
            Ok(rest) => respond::json_body(StatusCode::OK, Body::pieces([begin, rest])),
            Err(no_room) => Refusal::NoRoom(no_room).answer(id),
        },
        Answer::Listen(listening) => listen(app, grant, *listening, terms),
        Answer::Call(call) if takes_events => call_with_events(app, grant, call, id, terms).await,
        Answer::Call(call) => {
            call_as_json(app, grant, call, id).await.unwrap_or_else(|refusal| refusal.answer(id))
        }
    }
}

/// An answer from memory, counted among what the token holds until it is written.
pub fn from_memory(
    app: &App,
    grant: &Grant,
    status: StatusCode,
    text: Bytes,
    id: Option<&str>,
) -> Response<Body> {
    match app.budget.of(&grant.held).keep(text) {
        Ok(text) => respond::json_text(status, text),
        Err(no_room) => Refusal::NoRoom(no_room).answer(id),
    }
}

/// A whole answer of a server. Those of functions may be large; they are counted until they are written.
fn whole(app: &App, grant: &Grant, status: StatusCode, text: Bytes, id: Option<&str>) -> Response<Body> {
    if text.len() <= app.config.limits.whole_answer_bytes {
        return respond::json_text(status, text);
    }
    from_memory(app, grant, status, text, id)
}

async fn call_with_events(
    app: &Arc<App>,
    grant: &Arc<Grant>,
    mut call: Box<CallStream>,
    id: Option<&str>,
    terms: Option<Terms<'_>>,
) -> Response<Body> {
    let silence = app.config.limits.keep_alive_every;
    let Ok(first) = tokio::time::timeout(silence, call.next()).await else {
        return events(app, grant, call, None, terms);
    };
    match first {
        Some(Piece::Response { status, text }) => whole(app, grant, status, text, id),
        Some(Piece::Begin(begun)) if call.framing() == Framing::Json => {
            streamed_json(app, grant, call, begun)
        }
        Some(piece) => events(app, grant, call, Some(piece), terms),
        None => respond::empty(StatusCode::BAD_GATEWAY),
    }
}

/// For callers that take JSON only: notifications are left out.
async fn call_as_json(
    app: &Arc<App>,
    grant: &Arc<Grant>,
    mut call: Box<CallStream>,
    id: Option<&str>,
) -> Result<Response<Body>, Refusal> {
    while let Some(piece) = call.next().await {
        match piece {
            Piece::Response { status, text } => return Ok(whole(app, grant, status, text, id)),
            Piece::Begin(begun) if call.framing() == Framing::Json => {
                return Ok(streamed_json(app, grant, call, begun));
            }
            // What it is shows at its end only.
            Piece::Begin(begun) => {
                let limit_bytes = app.config.limits.event_limit_bytes;
                let room = app.budget.of(&grant.held);
                if let (text, true) = large_message(&mut call, begun, limit_bytes, room).await? {
                    return Ok(respond::json_text(StatusCode::OK, text));
                }
            }
            Piece::Notification(_) | Piece::More(_) | Piece::End { .. } => {}
            Piece::Broken => break,
        }
    }
    Err(unusable(&call))
}

/// An answer that must be whole and cannot be had.
fn unusable(call: &CallStream) -> Refusal {
    let error = UpstreamError::BadAnswer("too large or broken off".to_owned());
    Refusal::Upstream { server: call.server().to_owned(), error }
}

/// A large JSON answer, as it comes. What goes wrong from here on ends the connection.
fn streamed_json(app: &Arc<App>, grant: &Arc<Grant>, call: Box<CallStream>, begun: Bytes) -> Response<Body> {
    let state = (call, Some(begun), Arc::clone(app), Arc::clone(grant));
    let frames = stream::unfold(Some(state), |state| async {
        let (mut call, begun, app, grant) = state?;
        if let Some(begun) = begun {
            return Some((Ok(Frame::data(begun)), Some((call, None, app, grant))));
        }
        let piece = tokio::select! {
            biased;
            () = grant.until_ended(&app.clock) => return Some((Err(StreamFault::AccessEnded), None)),
            piece = call.next() => piece,
        };
        match piece {
            Some(Piece::More(more)) => Some((Ok(Frame::data(more)), Some((call, None, app, grant)))),
            Some(Piece::End { .. }) => None,
            _ => Some((Err(StreamFault::Upstream), None)),
        }
    });
    let mut response = Response::new(Body::stream(StreamBody::new(frames)));
    response.headers_mut().insert(CONTENT_TYPE, respond::JSON);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Something that yields encoded events until it is over.
trait Source: Send {
    /// The next bytes to write; an error ends the connection.
    fn next(&mut self) -> impl Future<Output = Option<Result<Bytes, StreamFault>>> + Send;

    /// Whether the bytes written last end inside a message, where nothing else may be written.
    fn is_within_message(&self) -> bool {
        false
    }
}

impl Source for CallStream {
    async fn next(&mut self) -> Option<Result<Bytes, StreamFault>> {
        Some(encode(CallStream::next(self).await?))
    }

    fn is_within_message(&self) -> bool {
        CallStream::is_within_message(self)
    }
}

impl Source for Listening {
    async fn next(&mut self) -> Option<Result<Bytes, StreamFault>> {
        Some(Ok(sse::encode(&Listening::next(self).await?)))
    }
}

impl Source for Reader {
    async fn next(&mut self) -> Option<Result<Bytes, StreamFault>> {
        Reader::next(self).await
    }

    fn is_within_message(&self) -> bool {
        Reader::is_within_message(self)
    }
}

fn events(
    app: &Arc<App>,
    grant: &Arc<Grant>,
    call: Box<CallStream>,
    first: Option<Piece>,
    terms: Option<Terms<'_>>,
) -> Response<Body> {
    if let Some(opening) = Opening::new(app, grant, terms, Kind::Call) {
        return resumed(app, grant, opening.begin(Carried::Call(call), first));
    }
    event_stream(app, grant, *call, first.and_then(|piece| encode(piece).ok()))
}

/// A stream of notices.
pub(super) fn listen(
    app: &Arc<App>,
    grant: &Arc<Grant>,
    listening: Listening,
    terms: Option<Terms<'_>>,
) -> Response<Body> {
    if let Some(opening) = Opening::new(app, grant, terms, Kind::Notices) {
        return resumed(app, grant, opening.begin(Carried::Notices(Box::new(listening)), None));
    }
    // A first comment, so that proxies and clients see at once that the stream stands.
    event_stream(app, grant, listening, Some(Bytes::from_static(sse::KEEP_ALIVE)))
}

/// A stream that can be resumed, or is.
pub(super) fn resumed(app: &Arc<App>, grant: &Arc<Grant>, reader: Reader) -> Response<Body> {
    event_stream(app, grant, reader, None)
}

fn event_stream(
    app: &Arc<App>,
    grant: &Arc<Grant>,
    source: impl Source + 'static,
    first: Option<Bytes>,
) -> Response<Body> {
    // Boxed, so that it is not there twice: what waits for its next part holds it.
    let state = Box::new(Streaming { source, first, app: Arc::clone(app), grant: Arc::clone(grant) });
    let parts = stream::unfold(Some(state), |state| async {
        let mut state = state?;
        match state.next().await? {
            Ok(bytes) => {
                let is_within_message = state.source.is_within_message();
                Some((Ok(Part { bytes, is_within_message }), Some(state)))
            }
            Err(fault) => Some((Err(fault), None)),
        }
    });
    event_stream_response(Body::stream(KeptAlive::new(parts, app.config.limits.keep_alive_every)))
}

/// The head of every event stream.
pub fn event_stream_response(body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, respond::EVENT_STREAM);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform"));
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}

struct Streaming<S> {
    source: S,
    first: Option<Bytes>,
    app: Arc<App>,
    grant: Arc<Grant>,
}

impl<S: Source> Streaming<S> {
    async fn next(&mut self) -> Option<Result<Bytes, StreamFault>> {
        if let Some(first) = self.first.take() {
            return Some(Ok(first));
        }
        tokio::select! {
            biased;
            () = self.grant.until_ended(&self.app.clock) => Some(Err(StreamFault::AccessEnded)),
            bytes = self.source.next() => bytes,
        }
    }
}

/// A piece as a part of an event stream. Line breaks inside a large message, which JSON allows
/// between its tokens only, become blanks.
fn encode(piece: Piece) -> Result<Bytes, StreamFault> {
    let blank = |bytes: &Bytes| -> Vec<u8> {
        bytes.iter().map(|&byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { byte }).collect()
    };
    match piece {
        Piece::Notification(text) | Piece::Response { text, .. } => Ok(sse::encode(&text)),
        Piece::Begin(bytes) => Ok([&b"event: message\ndata: "[..], &blank(&bytes)].concat().into()),
        Piece::More(bytes) => Ok(blank(&bytes).into()),
        Piece::End { .. } => Ok(Bytes::from_static(b"\n\n")),
        Piece::Broken => Err(StreamFault::Upstream),
    }
}

/// A call's response as one text, for batches: at most `limit_bytes`, counted in `room`.
///
/// # Errors
/// [`Refusal::NoRoom`], [`Refusal::Upstream`] when it is larger or broke off.
pub async fn whole_response(
    call: &mut CallStream,
    limit_bytes: usize,
    room: Room<'_>,
) -> Result<Bytes, Refusal> {
    while let Some(piece) = call.next().await {
        match piece {
            Piece::Response { text, .. } => return room.keep(text).map_err(Refusal::NoRoom),
            Piece::Begin(begun) => {
                if let (text, true) = large_message(call, begun, limit_bytes, room).await? {
                    return Ok(text);
                }
            }
            Piece::Notification(_) | Piece::More(_) | Piece::End { .. } => {}
            Piece::Broken => break,
        }
    }
    Err(unusable(call))
}

/// The rest of a large message, gathered, and whether it was the response.
///
/// # Errors
/// As of [`whole_response`].
async fn large_message(
    call: &mut CallStream,
    begun: Bytes,
    limit_bytes: usize,
    room: Room<'_>,
) -> Result<(Bytes, bool), Refusal> {
    let mut gathered = room.gather(0).map_err(Refusal::NoRoom)?;
    let mut next = Some(Piece::More(begun));
    loop {
        match next {
            Some(Piece::More(bytes)) if gathered.len() + bytes.len() <= limit_bytes => {
                if let Err(no_room) = gathered.push(bytes) {
                    call.give_up();
                    return Err(Refusal::NoRoom(no_room));
                }
            }
            Some(Piece::End { is_response }) => return Ok((gathered.finish(), is_response)),
            _ => {
                call.give_up();
                return Err(unusable(call));
            }
        }
        next = call.next().await;
    }
}
