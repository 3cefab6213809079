//! HTTP+SSE of 2024-11-05: GET opens the stream and names a POST address, answers come on the stream.

use std::sync::Arc;

use futures_util::stream::{self, StreamExt};
use http::{Method, Response, StatusCode};
use serde_json::Value;
use tokio::sync::{broadcast, mpsc};

use super::answer;
use super::legacy::{initialize_result, refusal};
use super::message::{self, Message};
use super::notice::{Notice, Wanted};
use super::record::Received;
use super::respond::{self, Body, EVENT_STREAM};
use super::spoil;
use super::state::{OpenStream, State};

/// Where clients of this revision post.
const POST_PATH: &str = "/messages";
/// Messages of one session that wait to be written.
const MESSAGES: usize = 256;

/// Answers one HTTP request of this revision.
pub(super) async fn serve(
    state: &Arc<State>,
    received: &Received,
    message: Option<Message>,
) -> Response<Body> {
    let (path, query) = received.path.split_once('?').unwrap_or((&received.path, ""));
    match (&received.method, message) {
        (&Method::GET, _) => open(state),
        (&Method::POST, Some(mut message)) if path == POST_PATH => {
            let session = query.strip_prefix("sessionId=").unwrap_or_default();
            message.session = Some(session.to_owned());
            match state.session_stream(session) {
                Some(stream) => {
                    let message = Message { session: Some(session.to_owned()), ..message };
                    accept(state, message, stream).await
                }
                None => refusal(StatusCode::NOT_FOUND, -32001, "Session not found"),
            }
        }
        (&Method::POST, None) => refusal(StatusCode::BAD_REQUEST, -32700, "Parse error"),
        _ => refusal(StatusCode::METHOD_NOT_ALLOWED, -32000, "Method not allowed"),
    }
}

async fn accept(state: &Arc<State>, message: Message, stream: mpsc::Sender<String>) -> Response<Body> {
    let at_once = match message.method_name() {
        "initialize" => Some(initialize_result(state, &message.params)),
        "ping" => Some("{}".to_owned()),
        _ => None,
    };
    match (message.id.is_some() && message.method.is_some(), at_once) {
        (true, Some(result)) => {
            // A client that left its stream is not told.
            let _ = stream.send(message::answer(message.id_text(), &Ok(result))).await;
        }
        (true, None) => {
            tokio::spawn(answer_later(Arc::clone(state), message, stream));
        }
        (false, _) => state.answered(message.session.as_deref().unwrap_or_default(), &message),
    }
    respond::whole(StatusCode::ACCEPTED, "text/plain", "Accepted".to_owned())
}

/// Works until the answer is on the stream, or the stream has gone.
async fn answer_later(state: Arc<State>, message: Message, stream: mpsc::Sender<String>) {
    let fault = state.strike(message.method.as_deref());
    let id = message.id_text().to_owned();
    let work = async {
        let text = answer::whole(state, message, stream.clone(), answer::as_it_is).await;
        for message in spoil::messages(fault, text, &id).await {
            // A client that left its stream is not told.
            let _ = stream.send(message).await;
        }
    };
    tokio::select! {
        () = work => {}
        () = stream.closed() => {}
    }
}

/// The session's stream. It ends with the session: when the client leaves.
struct Open {
    state: Arc<State>,
    session: String,
    messages: mpsc::Receiver<String>,
    notices: broadcast::Receiver<Notice>,
    _counted: OpenStream,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.state.close_session(&self.session);
    }
}

fn open(state: &Arc<State>) -> Response<Body> {
    let (sender, messages) = mpsc::channel(MESSAGES);
    let open = Open {
        session: state.open_session(Some(sender)),
        messages,
        notices: state.notices.subscribe(),
        _counted: state.stream_opened(),
        state: Arc::clone(state),
    };
    let first = format!("event: endpoint\ndata: {POST_PATH}?sessionId={}\n\n", open.session);
    let events = stream::unfold(open, |mut open| async move {
        loop {
            let message = tokio::select! {
                message = open.messages.recv() => Some(message?),
                notice = open.notices.recv() => {
                    let subscribed = open.state.subscriptions_of(&open.session);
                    Wanted::lists().message(&notice.ok()?, &subscribed, &Value::Null)
                }
            };
            if let Some(message) = message {
                return Some((Ok(respond::event(&message)), open));
            }
        }
    });
    respond::chunks(EVENT_STREAM, stream::iter([Ok(first)]).chain(events))
}
