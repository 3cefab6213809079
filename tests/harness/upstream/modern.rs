//! Revision 2026-07-28: no handshake, headers that mirror the body, a stream of notices on demand.

use std::sync::Arc;

use aerostack_gateway::tool_header;
use futures_util::stream::{self, StreamExt};
use http::{Method, Response, StatusCode};
use serde_json::{Map, Value, json};

use super::answer;
use super::message::{self, META_CAPABILITIES, META_VERSION, Message, RpcError, notification};
use super::notice::Wanted;
use super::record::Received;
use super::respond::{self, Body, EVENT_STREAM};
use super::state::State;
use super::tool::Tool;

const VERSION: &str = "2026-07-28";
const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";
const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";

/// Answers one HTTP request of this era.
pub(super) async fn serve(
    state: &Arc<State>,
    received: &Received,
    message: Option<Message>,
) -> Response<Body> {
    if received.method != Method::POST {
        let mut response = respond::empty(StatusCode::METHOD_NOT_ALLOWED);
        response.headers_mut().insert(http::header::ALLOW, http::HeaderValue::from_static("POST"));
        return response;
    }
    let Some(message) = message else {
        return refusal("null", StatusCode::BAD_REQUEST, RpcError::new(-32700, "Parse error"));
    };
    if message.id.is_none() {
        return respond::empty(StatusCode::ACCEPTED);
    }
    let checked = check(received, &message)
        .and_then(|()| check_marks(state, received, &message))
        .and_then(|()| check_capability(state, &message));
    if let Err(error) = checked {
        return refusal(message.id_text(), StatusCode::BAD_REQUEST, error);
    }
    match message.method_name() {
        "server/discover" => {
            let result = finish(state, "server/discover", discovered(state).to_string());
            respond::json(StatusCode::OK, message::answer(message.id_text(), &Ok(result)))
        }
        "subscriptions/listen" => listen(state, &message),
        "tools/list"
        | "tools/call"
        | "prompts/list"
        | "prompts/get"
        | "resources/list"
        | "resources/templates/list"
        | "resources/read"
        | "tasks/get"
        | "tasks/update"
        | "tasks/cancel"
        | "completion/complete" => answer::respond(state, message, finish).await,
        _ => refusal(message.id_text(), StatusCode::NOT_FOUND, RpcError::new(-32601, "Method not found")),
    }
}

/// Checks the envelope, then the headers against it.
fn check(received: &Received, message: &Message) -> Result<(), RpcError> {
    let Some(version) = message.meta(META_VERSION).as_str() else {
        return Err(RpcError::new(-32602, "Missing protocol version in _meta"));
    };
    if !message.meta(META_CAPABILITIES).is_object() {
        return Err(RpcError::new(-32602, "Missing client capabilities in _meta"));
    }
    equal(received, "mcp-protocol-version", version)?;
    if version != VERSION {
        let data = json!({ "supported": [VERSION], "requested": version });
        return Err(RpcError { data, ..RpcError::new(-32022, "Unsupported protocol version") });
    }
    equal(received, "mcp-method", message.method_name())?;
    match message.method_name() {
        "tools/call" | "prompts/get" => {
            equal(received, "mcp-name", message.params["name"].as_str().unwrap_or_default())
        }
        "tasks/get" | "tasks/update" | "tasks/cancel" => {
            equal(received, "mcp-name", message.params["taskId"].as_str().unwrap_or_default())
        }
        "resources/read" => equal(received, "mcp-name", message.params["uri"].as_str().unwrap_or_default()),
        _ => Ok(()),
    }
}

/// Checks the headers that mirror arguments against the tool's marks of the moment.
fn check_marks(state: &State, received: &Received, message: &Message) -> Result<(), RpcError> {
    let tools = state.tools.borrow();
    let called = tools
        .iter()
        .find(|tool| message.method_name() == "tools/call" && message.params["name"] == tool.name());
    let schema = called.map(|tool| tool.definition()["inputSchema"].to_string()).unwrap_or_default();
    for mark in tool_header::parameters(&schema).unwrap_or_default() {
        let argument = tool_header::value_of(&mark, &message.params["arguments"]);
        let given = received.headers.get(&mark.header).map(|value| tool_header::decode(value.as_bytes()));
        if given != argument.map(Some) {
            let reason = format!("Header mismatch: {} differs from its argument", mark.header);
            return Err(RpcError::new(-32020, reason));
        }
    }
    Ok(())
}

/// Checks that the caller declares what the tool needs of it.
fn check_capability(state: &State, message: &Message) -> Result<(), RpcError> {
    let tools = state.tools.borrow();
    let called = tools
        .iter()
        .find(|tool| message.method_name() == "tools/call" && message.params["name"] == tool.name());
    match called.and_then(Tool::needs) {
        Some(needed) if message.meta(META_CAPABILITIES).get(needed).is_none() => {
            let data = json!({ "requiredCapabilities": { needed: {} } });
            Err(RpcError { data, ..RpcError::new(-32021, "Missing required client capability") })
        }
        _ => Ok(()),
    }
}

/// Names of these servers are plain, so that a header never has to be decoded.
fn equal(received: &Received, name: &str, expected: &str) -> Result<(), RpcError> {
    match received.header(name).map(str::trim) {
        Some(text) if text == expected => Ok(()),
        Some(_) => Err(RpcError::new(-32020, format!("Header mismatch: {name} differs from the body"))),
        None => Err(RpcError::new(-32020, format!("Header mismatch: {name} is missing"))),
    }
}

fn discovered(state: &State) -> Value {
    let mut result = json!({ "supportedVersions": [VERSION], "capabilities": state.setup.capabilities() });
    if let Some(text) = &state.setup.instructions {
        result["instructions"] = json!(text);
    }
    result
}

/// Adds `resultType`, the server's name, and on what may be cached for how long.
///
/// Fields are put in front of the result's own text, so that scripted results stay byte for byte.
fn finish(state: &State, method: &str, result: String) -> String {
    let mut fields = Map::from_iter([("resultType".to_owned(), json!("complete"))]);
    if method.ends_with("/list") || matches!(method, "server/discover" | "resources/read") {
        fields.insert("ttlMs".to_owned(), json!(0));
        fields.insert("cacheScope".to_owned(), json!("private"));
    }
    fields
        .insert("_meta".to_owned(), json!({ SERVER_INFO: { "name": state.setup.name, "version": "1.0.0" } }));
    let own: Map<String, Value> = serde_json::from_str(&result).unwrap_or_default();
    fields.retain(|name, _| !own.contains_key(name));
    let fields = Value::Object(fields).to_string();
    match (fields.strip_suffix('}'), result.strip_prefix('{')) {
        (Some(fields), Some(rest)) if fields != "{" && !own.is_empty() => format!("{fields},{rest}"),
        _ => result,
    }
}

fn refusal(id: &str, status: StatusCode, error: RpcError) -> Response<Body> {
    respond::json(status, message::answer(id, &Err(error)))
}

/// Acknowledges what is honoured, then tells what is wanted until the client leaves.
fn listen(state: &Arc<State>, request: &Message) -> Response<Body> {
    let wanted = Wanted::of_filter(&request.params["notifications"]);
    let id: Value = serde_json::from_str(request.id_text()).unwrap_or_default();
    let meta = json!({ SUBSCRIPTION: id });
    let acknowledged = json!({ "_meta": meta, "notifications": wanted.filter() });
    let first = respond::event(&notification("notifications/subscriptions/acknowledged", &acknowledged));
    let subscribed = Subscribed::new(state, request.id_text(), &wanted);
    let open = (state.stream_opened(), state.notices.subscribe(), wanted, subscribed);
    let events = stream::unfold(open, move |(guard, mut notices, wanted, subscribed)| {
        let meta = meta.clone();
        async move {
            loop {
                let notice = notices.recv().await.ok()?;
                if let Some(message) = wanted.message(&notice, &[], &meta) {
                    return Some((Ok(respond::event(&message)), (guard, notices, wanted, subscribed)));
                }
            }
        }
    });
    respond::chunks(EVENT_STREAM, stream::iter([Ok(first)]).chain(events))
}

/// The subscriptions of one listening, for as long as it lasts.
struct Subscribed {
    state: Arc<State>,
    who: String,
}

impl Subscribed {
    fn new(state: &Arc<State>, id: &str, wanted: &Wanted) -> Self {
        let who = format!("listen {id}");
        for uri in wanted.uris() {
            state.subscribe(&who, uri, true);
        }
        Self { state: Arc::clone(state), who }
    }
}

impl Drop for Subscribed {
    fn drop(&mut self) {
        self.state.unsubscribe_all(&self.who);
    }
}
