//! Streamable HTTP up to 2025-11-25: handshake, sessions where they are issued, a stream of notices.

use std::sync::Arc;

use futures_util::stream::{self, StreamExt};
use http::{HeaderValue, Method, Response, StatusCode};
use serde_json::{Value, json};

use super::answer;
use super::message::{self, Message, RpcError};
use super::notice::{Notice, Wanted};
use super::polling;
use super::record::Received;
use super::respond::{self, Body, EVENT_STREAM};
use super::setup::Sessions;
use super::state::State;
use super::tool::Tool;

/// Revisions of this era, newest first.
const VERSIONS: [&str; 4] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];
const SESSION_HEADER: &str = "mcp-session-id";

/// Answers one HTTP request of this era.
pub(super) async fn serve(
    state: &Arc<State>,
    received: &Received,
    message: Option<Message>,
) -> Response<Body> {
    match (&received.method, message) {
        (&Method::POST, Some(message)) => post(state, received, message).await,
        (&Method::POST, None) => refusal(StatusCode::BAD_REQUEST, -32700, "Parse error"),
        (&Method::GET, _) => match known_session(state, received) {
            Ok(()) if received.header("last-event-id").is_some() => {
                let last_id = received.header("last-event-id").unwrap_or_default();
                let unknown = || refusal(StatusCode::BAD_REQUEST, -32000, "Bad Request: Unknown event");
                polling::resume(state, last_id).unwrap_or_else(unknown)
            }
            Ok(()) => notices(state, received.header(SESSION_HEADER).unwrap_or_default()),
            Err((status, reason)) => refusal(status, -32000, reason),
        },
        (&Method::DELETE, _) => match received.header(SESSION_HEADER) {
            Some(id) if state.close_session(id) => respond::empty(StatusCode::OK),
            _ => refusal(StatusCode::NOT_FOUND, -32001, "Session not found"),
        },
        _ => refusal(StatusCode::METHOD_NOT_ALLOWED, -32000, "Method not allowed"),
    }
}

async fn post(state: &Arc<State>, received: &Received, mut message: Message) -> Response<Body> {
    if message.method_name() == "initialize" {
        return initialize(state, &message);
    }
    if let Err((status, reason)) = known_session(state, received) {
        return refusal(status, -32000, reason);
    }
    if message.id.is_none() || message.method.is_none() {
        state.answered(received.header(SESSION_HEADER).unwrap_or_default(), &message);
        return respond::empty(StatusCode::ACCEPTED);
    }
    if message.method_name() == "ping" {
        return respond::json(StatusCode::OK, message::answer(message.id_text(), &Ok("{}".to_owned())));
    }
    message.session = received.header(SESSION_HEADER).map(str::to_owned);
    let reconnects = |tool: &Tool| tool.reconnects() && message.params["name"] == tool.name();
    if message.method_name() == "tools/call" && state.tools.borrow().iter().any(reconnects) {
        return polling::begin(state, message).await;
    }
    answer::respond(state, message, answer::as_it_is).await
}

fn initialize(state: &State, request: &Message) -> Response<Body> {
    let result = initialize_result(state, &request.params);
    let mut response = respond::json(StatusCode::OK, message::answer(request.id_text(), &Ok(result)));
    if state.setup.sessions == Sessions::Issued {
        let id = HeaderValue::from_str(&state.open_session(None)).expect("a session id is a header value");
        response.headers_mut().insert(SESSION_HEADER, id);
    }
    response
}

/// The result of a handshake.
pub(super) fn initialize_result(state: &State, params: &Value) -> String {
    let asked = params["protocolVersion"].as_str().unwrap_or_default();
    let version = VERSIONS.into_iter().find(|&known| known == asked).unwrap_or(VERSIONS[0]);
    let mut result = json!({
        "protocolVersion": version,
        "capabilities": state.setup.capabilities(),
        "serverInfo": { "name": state.setup.name, "version": "1.0.0" }
    });
    if let Some(text) = &state.setup.instructions {
        result["instructions"] = json!(text);
    }
    result.to_string()
}

/// Checks session and version as the official servers do.
fn known_session(state: &State, received: &Received) -> Result<(), (StatusCode, &'static str)> {
    match (state.setup.sessions, received.header(SESSION_HEADER)) {
        (Sessions::None, _) if received.method == Method::GET => {
            Err((StatusCode::METHOD_NOT_ALLOWED, "Method not allowed"))
        }
        (Sessions::None, _) => match received.header("mcp-protocol-version") {
            Some(version) if !VERSIONS.contains(&version) => {
                Err((StatusCode::BAD_REQUEST, "Bad Request: Unsupported protocol version"))
            }
            _ => Ok(()),
        },
        (Sessions::Issued, None) => Err((StatusCode::BAD_REQUEST, "Bad Request: Server not initialized")),
        (Sessions::Issued, Some(id)) if state.knows_session(id) => Ok(()),
        (Sessions::Issued, Some(_)) => Err((StatusCode::NOT_FOUND, "Session not found")),
    }
}

/// A refusal, with `id: null` as the official servers have it.
pub(super) fn refusal(status: StatusCode, code: i64, reason: &str) -> Response<Body> {
    respond::json(status, message::answer("null", &Err(RpcError::new(code, reason))))
}

/// The GET stream: a notice at every change of a list, and of what the session subscribed to.
fn notices(state: &Arc<State>, session: &str) -> Response<Body> {
    let open = (state.stream_opened(), state.notices.subscribe(), session.to_owned(), Arc::clone(state));
    let events = stream::unfold(open, |(guard, mut notices, session, state)| async move {
        loop {
            let notice = notices.recv().await.ok()?;
            if let Notice::Asked { session: theirs, question } = &notice
                && *theirs == session
            {
                return Some((Ok(respond::event(question)), (guard, notices, session, state)));
            }
            let subscribed = state.subscriptions_of(&session);
            if let Some(message) = Wanted::lists().message(&notice, &subscribed, &Value::Null) {
                return Some((Ok(respond::event(&message)), (guard, notices, session, state)));
            }
        }
    });
    // The head leaves at once: a client counts as listening from then on.
    let started = stream::iter([Ok(": open\n\n".to_owned())]);
    respond::chunks(EVENT_STREAM, started.chain(events))
}
