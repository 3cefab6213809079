//! What a request is answered, whatever carries it: the methods all revisions share.

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

use super::message::{self, META_VERSION, Message, RpcError};
use super::prompt::Prompt;
use super::resource::Resource;
use super::respond::{self, Body};
use super::setup::Answers;
use super::state::State;
use super::task;
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
    let named = &request.params["name"];
    let talks = state.tools.borrow().iter().any(|tool| named == tool.name() && tool.talks())
        || state.prompts.borrow().iter().any(|prompt| named == prompt.name() && prompt.inquiry().is_some());
    let wants_stream =
        state.setup.answers == Answers::Stream || talks || !request.meta("progressToken").is_null();
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
    let session = request.session.clone().unwrap_or_default();
    let uri = request.params["uri"].as_str().unwrap_or_default().to_owned();
    if !matches!(request.method_name(), "tools/call") && !request.meta("progressToken").is_null() {
        let params = json!({ "progressToken": request.meta("progressToken"), "progress": 1.5 });
        // Whoever no longer listens is noticed by the transport.
        let _ = notes.send(message::notification("notifications/progress", &params)).await;
    }
    let outcome = match request.method_name() {
        "tools/list" => list(&state, &request, "tools", state.tools.borrow().iter().map(Tool::definition)),
        "tools/call" if state.setup.has_tasks && task::is_wanted(&request) => {
            Ok(task::create(&state, &request))
        }
        "tools/call" => call(&state, &request, notes).await,
        method if state.setup.has_tasks && method.starts_with("tasks/") => {
            task::answer(&state, &request).await
        }
        "prompts/list" => {
            list(&state, &request, "prompts", state.prompts.borrow().iter().map(Prompt::definition))
        }
        "prompts/get" => get(&state, &request, notes).await,
        "resources/list" | "resources/templates/list" => {
            let templates = request.method_name() == "resources/templates/list";
            let field = if templates { "resourceTemplates" } else { "resources" };
            let resources = state.resources.borrow();
            let wanted = resources.iter().filter(|resource| resource.is_template() == templates);
            list(&state, &request, field, wanted.map(Resource::definition))
        }
        "resources/read" => read(&state, &request, &uri),
        "resources/subscribe" | "resources/unsubscribe" => {
            state.subscribe(&session, &uri, request.method_name() == "resources/subscribe");
            Ok("{}".to_owned())
        }
        "completion/complete" => Ok(complete(&request)),
        "logging/setLevel" => {
            state.set_level(&session, request.params["level"].as_str().unwrap_or_default());
            Ok("{}".to_owned())
        }
        _ => Err(RpcError::new(-32601, "Method not found")),
    };
    let outcome = outcome.map(|result| finish(&state, request.method_name(), result));
    message::answer(request.id_text(), &outcome)
}

fn list<'a>(
    state: &State,
    request: &Message,
    field: &str,
    definitions: impl Iterator<Item = &'a Value>,
) -> Result<String, RpcError> {
    let all: Vec<&Value> = definitions.collect();
    let start = match &request.params["cursor"] {
        Value::Null => 0,
        Value::String(cursor) => cursor.parse().map_err(|_| RpcError::new(-32602, "Unknown cursor"))?,
        _ => return Err(RpcError::new(-32602, "Unknown cursor")),
    };
    let end = all.len().min(start + state.setup.page_len.min(all.len()));
    let page = all.get(start..end).unwrap_or_default();
    let mut result = Map::from_iter([(field.to_owned(), json!(page))]);
    if end < all.len() {
        result.insert("nextCursor".to_owned(), json!(end.to_string()));
    }
    Ok(Value::Object(result).to_string())
}

async fn get(state: &State, request: &Message, notes: mpsc::Sender<String>) -> Result<String, RpcError> {
    let name = request.params["name"].as_str().unwrap_or_default();
    let prompt = state.prompts.borrow().iter().find(|prompt| prompt.name() == name).cloned();
    let prompt = prompt.ok_or_else(|| RpcError::new(-32602, format!("Unknown prompt: {name}")))?;
    if let Some(inquiry) = prompt.inquiry()
        && let Err(asks) = inquiry.ask(state, request, &notes).await?
    {
        return Ok(asks);
    }
    Ok(prompt.get(&request.params["arguments"]).unwrap_or_else(|| state.said()))
}

fn read(state: &State, request: &Message, uri: &str) -> Result<String, RpcError> {
    let resources = state.resources.borrow();
    let found = resources.iter().find(|resource| resource.is_at(uri));
    let is_modern = !request.meta(META_VERSION).is_null();
    let not_found = || RpcError {
        data: json!({ "uri": uri }),
        ..RpcError::new(if is_modern { -32602 } else { -32002 }, "Resource not found")
    };
    Ok(found.ok_or_else(not_found)?.read(&state.setup.name, uri).unwrap_or_else(|| state.said()))
}

/// What was asked for and about, as values.
fn complete(request: &Message) -> String {
    let reference = &request.params["ref"];
    let about = reference["name"].as_str().or(reference["uri"].as_str()).unwrap_or_default();
    let value = request.params["argument"]["value"].as_str().unwrap_or_default();
    json!({ "completion": { "values": [about, format!("{value}ab")], "total": 2, "hasMore": false } })
        .to_string()
}

async fn call(state: &State, request: &Message, notes: mpsc::Sender<String>) -> Result<String, RpcError> {
    let name = request.params["name"].as_str().unwrap_or_default();
    let tool = state.tools.borrow().iter().find(|tool| tool.name() == name).cloned();
    let tool = tool.ok_or_else(|| RpcError::new(-32602, format!("Unknown tool: {name}")))?;
    if let Some(inquiry) = tool.inquiry() {
        let answered = inquiry.ask(state, request, &notes).await?;
        return Ok(answered.map_or_else(|asks| asks, |answers| asked(&answers)));
    }
    let arguments = request.params["arguments"].clone();
    let told = arguments["text"].as_str().unwrap_or_default();
    let call = Call {
        told_before: request.session.as_deref().and_then(|session| state.tell(session, told)),
        arguments,
        progress_token: request.meta("progressToken").clone(),
        level: level(state, request),
        said: state.said(),
        notes,
        released: state.released.subscribe(),
    };
    Ok(tool.call(call).await)
}

/// The result of a tool that knows what it wanted to know.
fn asked(answers: &Map<String, Value>) -> String {
    let text = format!("state-ok {}", Value::Object(answers.clone()));
    json!({ "content": [{ "type": "text", "text": text }] }).to_string()
}

/// The least level of log messages that are wanted during a call; `None` if there are to be none.
fn level(state: &State, request: &Message) -> Option<String> {
    if !request.meta(META_VERSION).is_null() {
        return request.meta("io.modelcontextprotocol/logLevel").as_str().map(str::to_owned);
    }
    let session = request.session.as_deref().unwrap_or_default();
    Some(state.level(session).unwrap_or_else(|| "debug".to_owned()))
}
