//! What a request is answered, whatever carries it: the methods all revisions share.

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

use super::message::{self, Message, RpcError};
use super::respond::{self, Body};
use super::setup::Answers;
use super::state::State;
use super::tool::{Call, Tool};

/// Notifications of one call that wait to be written.
const NOTES: usize = 64;

/// Adds to a result what its era demands: the method, then the result's JSON text.
pub(super) type Finish = fn(&State, &str, String) -> String;

/// Leaves a result as it is.
pub(super) fn as_it_is(_: &State, _: &str, result: String) -> String {
    result
}

/// Answers a request that is carried by its own HTTP answer. Dropped, it drops the call where it
/// stands, in whatever shape the answer was going to come.
pub(super) async fn respond(state: &Arc<State>, request: Message, finish: Finish) -> http::Response<Body> {
    let wants_stream = state.setup.answers == Answers::Stream || !request.meta("progressToken").is_null();
    let (notes, written) = mpsc::channel(NOTES);
    let work = whole(Arc::clone(state), request, notes, finish);
    if wants_stream {
        return respond::event_stream(Box::pin(work), written);
    }
    respond::json(StatusCode::OK, work.await)
}

/// The whole answer to a request as JSON-RPC text; what it tells on the way goes to `notes`.
pub(super) async fn whole(
    state: Arc<State>,
    request: Message,
    notes: mpsc::Sender<String>,
    finish: Finish,
) -> String {
    let outcome = match request.method_name() {
        "tools/list" => list(&state, &request),
        "tools/call" => call(&state, &request, notes).await,
        _ => Err(RpcError::new(-32601, "Method not found")),
    };
    let outcome = outcome.map(|result| finish(&state, request.method_name(), result));
    message::answer(request.id_text(), &outcome)
}

fn list(state: &State, request: &Message) -> Result<String, RpcError> {
    let tools = state.tools.borrow();
    let start = match &request.params["cursor"] {
        Value::Null => 0,
        Value::String(cursor) => cursor.parse().map_err(|_| RpcError::new(-32602, "Unknown cursor"))?,
        _ => return Err(RpcError::new(-32602, "Unknown cursor")),
    };
    let end = tools.len().min(start + state.setup.page_len.min(tools.len()));
    let page: Vec<&Value> = tools.get(start..end).unwrap_or_default().iter().map(Tool::definition).collect();
    let mut result = Map::from_iter([("tools".to_owned(), json!(page))]);
    if end < tools.len() {
        result.insert("nextCursor".to_owned(), json!(end.to_string()));
    }
    Ok(Value::Object(result).to_string())
}

async fn call(state: &State, request: &Message, notes: mpsc::Sender<String>) -> Result<String, RpcError> {
    let name = request.params["name"].as_str().unwrap_or_default();
    let tool = state.tools.borrow().iter().find(|tool| tool.name() == name).cloned();
    let tool = tool.ok_or_else(|| RpcError::new(-32602, format!("Unknown tool: {name}")))?;
    let arguments = request.params["arguments"].clone();
    let told = arguments["text"].as_str().unwrap_or_default();
    let call = Call {
        told_before: request.session.as_deref().and_then(|session| state.tell(session, told)),
        arguments,
        progress_token: request.meta("progressToken").clone(),
        notes,
        released: state.released.subscribe(),
    };
    Ok(tool.call(call).await)
}
