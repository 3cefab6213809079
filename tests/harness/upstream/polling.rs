//! Calls of a legacy server that closes its stream before it answers, to be asked again (SEP-1699).

use std::sync::Arc;

use futures_util::stream;
use http::Response;
use serde_json::json;
use tokio::sync::mpsc;

use super::answer;
use super::message::{Message, notification};
use super::respond::{self, Body, EVENT_STREAM, event};
use super::state::State;

/// How long a client is to wait.
const RETRY_MS: u64 = 20;

/// Begins a call: the answer waits for who comes with the id that is told here.
pub(super) async fn begin(state: &Arc<State>, request: Message) -> Response<Body> {
    let (notes, _) = mpsc::channel(1);
    let answer = answer::whole(Arc::clone(state), request, notes, answer::as_it_is).await;
    let id = state.keep_answer(answer);
    let primed = format!("id: {id}\nretry: {RETRY_MS}\ndata: \n\n");
    respond::chunks(EVENT_STREAM, stream::iter([Ok(primed)]))
}

/// What is to be told after an event, if that is known.
pub(super) fn resume(state: &State, last_id: &str) -> Option<Response<Body>> {
    let answer = state.kept_answer(last_id)?;
    let note = notification("notifications/message", &json!({ "level": "info", "data": "back" }));
    let events = [&note, &answer].map(|message| Ok(format!("id: {last_id}+\n{}", event(message))));
    Some(respond::chunks(EVENT_STREAM, stream::iter(events)))
}
