//! Who holds a workspace token and calls with it: plainly, in a session, in the modern era, or over
//! the old event stream.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::events::Events;
use crate::wire::{Headers, Wire, ask, request};

/// The newest revision.
pub const MODERN: &str = "2026-07-28";
/// `_meta` key of the revision.
pub const META_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
/// `_meta` key of what the client can do.
pub const META_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
/// `_meta` key of the listening a notice belongs to.
pub const META_SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";
const BOTH: &str = "application/json, text/event-stream";

/// A holder of a token, at one address of a workspace.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Where the gateway listens.
    pub address: SocketAddr,
    /// The workspace's path, such as `/ws/engineering`.
    pub path: String,
    /// The token.
    pub token: String,
    /// The token's identifier.
    pub id: String,
    /// Sent with every request, after the bearer.
    pub headers: Vec<(String, String)>,
}

/// A JSON-RPC request as text.
#[must_use]
pub fn rpc(id: impl Into<Value>, method: &str, params: &Value) -> String {
    json!({ "jsonrpc": "2.0", "id": id.into(), "method": method, "params": params }).to_string()
}

/// A JSON-RPC notification as text.
#[must_use]
pub fn notification(method: &str, params: &Value) -> String {
    json!({ "jsonrpc": "2.0", "method": method, "params": params }).to_string()
}

/// The `params` of a modern request: what is given, and the `_meta` the era demands.
#[must_use]
pub fn modern_params(mut params: Value) -> Value {
    params["_meta"][META_VERSION] = json!(MODERN);
    params["_meta"][META_CAPABILITIES] = json!({});
    params
}

impl Caller {
    /// The same caller at another path.
    #[must_use]
    pub fn at(&self, path: impl Into<String>) -> Self {
        Self { path: path.into(), ..self.clone() }
    }

    /// The same caller with another token.
    #[must_use]
    pub fn holding(&self, token: impl Into<String>) -> Self {
        Self { token: token.into(), ..self.clone() }
    }

    /// The same caller, sending one more header with everything.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same caller in the modern era, for one method and name.
    #[must_use]
    pub fn modern(&self, method: &str, name: Option<&str>) -> Self {
        let caller = self.clone().with("MCP-Protocol-Version", MODERN).with("Mcp-Method", method);
        match name {
            Some(name) => caller.with("Mcp-Name", name),
            None => caller,
        }
    }

    /// The value of `Authorization`.
    #[must_use]
    pub fn bearer(&self) -> String {
        format!("Bearer {}", self.token)
    }

    /// A request of this caller as bytes.
    #[must_use]
    pub fn bytes(&self, method: &str, body: &str) -> Vec<u8> {
        let bearer = self.bearer();
        let accept = if method == "GET" { "text/event-stream" } else { BOTH };
        let own = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let given = |wanted: &str| self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(wanted));
        let standard =
            [("Authorization", bearer.as_str()), ("Content-Type", "application/json"), ("Accept", accept)];
        let headers: Vec<(&str, &str)> =
            standard.into_iter().filter(|(name, _)| !given(name)).chain(own).collect();
        request(method, &self.path, &headers, body.as_bytes())
    }

    /// Opens a connection, sends a request and reads the whole answer.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn sends(&self, method: &str, body: &str) -> Answer {
        self.tries(method, body).await.expect("the request is answered")
    }

    /// The same, where the answer may not come.
    ///
    /// # Errors
    /// When the connection ends first.
    pub async fn tries(&self, method: &str, body: &str) -> std::io::Result<Answer> {
        let mut wire = Wire::try_open(self.address).await?;
        // A refusal may come before everything is written, and can be read all the same.
        let written = wire.write(&self.bytes(method, body)).await;
        wire.answer().await.map_err(|error| written.err().unwrap_or(error))
    }

    /// Posts a body.
    pub async fn posts(&self, body: &str) -> Answer {
        self.sends("POST", body).await
    }

    /// Posts a request with the id 1.
    pub async fn asks(&self, method: &str, params: Value) -> Answer {
        self.posts(&rpc(1, method, &params)).await
    }

    /// Calls a tool, without handshake or session.
    pub async fn calls(&self, tool: &str, arguments: Value) -> Answer {
        self.asks("tools/call", json!({ "name": tool, "arguments": arguments })).await
    }

    /// The names of the tools it is shown.
    ///
    /// # Panics
    /// When the list is refused.
    pub async fn tools(&self) -> Vec<String> {
        let list = self.asks("tools/list", json!({})).await.json();
        let tools =
            list["result"]["tools"].as_array().unwrap_or_else(|| panic!("a list was expected: {list}"));
        tools.iter().filter_map(|tool| tool["name"].as_str().map(str::to_owned)).collect()
    }

    /// Asks in the modern era, with the id 1.
    pub async fn asks_modern(&self, method: &str, params: Value) -> Answer {
        let name = params["name"].as_str().or(params["uri"].as_str()).map(str::to_owned);
        self.modern(method, name.as_deref()).asks(method, modern_params(params)).await
    }

    /// Calls a tool in the modern era.
    pub async fn calls_modern(&self, tool: &str, arguments: Value) -> Answer {
        self.asks_modern("tools/call", json!({ "name": tool, "arguments": arguments })).await
    }

    /// Asks in the modern era, declaring these capabilities.
    pub async fn asks_modern_with(&self, capabilities: &Value, method: &str, params: Value) -> Answer {
        let name = params["name"].as_str().or(params["uri"].as_str()).map(str::to_owned);
        let mut params = modern_params(params);
        params["_meta"][META_CAPABILITIES] = capabilities.clone();
        self.modern(method, name.as_deref()).asks(method, params).await
    }

    /// Answers a request of the server.
    pub async fn responds(&self, id: &Value, result: Value) -> Answer {
        self.posts(&json!({ "jsonrpc": "2.0", "id": id, "result": result }).to_string()).await
    }

    /// Opens a session of a legacy revision; gives the caller inside it, and the answer.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn initializes(&self, revision: &str) -> (Self, Answer) {
        self.initializes_with(revision, json!({})).await
    }

    /// The same, declaring these capabilities.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn initializes_with(&self, revision: &str, capabilities: Value) -> (Self, Answer) {
        let params = json!({
            "protocolVersion": revision, "capabilities": capabilities, "clientInfo": { "name": "story", "version": "1" }
        });
        let answer = self.asks("initialize", params).await;
        let id =
            answer.header("mcp-session-id").unwrap_or_else(|| panic!("a session was expected: {answer:?}"));
        let agreed = answer.json()["result"]["protocolVersion"].as_str().unwrap_or_default().to_owned();
        let inside = self.clone().with("Mcp-Session-Id", id).with("MCP-Protocol-Version", &agreed);
        inside.posts(&notification("notifications/initialized", &json!({}))).await;
        (inside, answer)
    }

    /// Sends a request whose answer is read later.
    ///
    /// # Panics
    /// When it cannot be sent.
    pub async fn begins(&self, method: &str, body: &str) -> Wire {
        let mut wire = Wire::open(self.address).await;
        wire.write(&self.bytes(method, body)).await.expect("the request is written");
        wire
    }

    /// Opens the stream of notices of the legacy era.
    pub async fn listens(&self) -> Events {
        Events::open(self.begins("GET", "").await).await
    }

    /// Opens `subscriptions/listen` for changes of the tools, with the id `"listen:0"`.
    pub async fn listens_modern(&self) -> Events {
        self.listens_to(json!({ "toolsListChanged": true })).await
    }

    /// Opens `subscriptions/listen` with a filter, with the id `"listen:0"`.
    pub async fn listens_to(&self, filter: Value) -> Events {
        let params = modern_params(json!({ "notifications": filter }));
        let body = rpc("listen:0", "subscriptions/listen", &params);
        Events::open(self.modern("subscriptions/listen", None).begins("POST", &body).await).await
    }

    /// Opens the event stream of 2024-11-05 below `/sse`; gives it and the caller that posts to it.
    ///
    /// # Panics
    /// When the stream names no address.
    pub async fn opens_sse(&self) -> (Events, Self) {
        let mut events = self.at(format!("{}/sse", self.path)).listens().await;
        let endpoint = events.next().await.expect("the stream stands").expect("the stream goes on");
        assert_eq!(endpoint.name, "endpoint");
        (events, self.at(endpoint.data))
    }
}

/// Asks as a stranger: with these headers and nothing else.
pub async fn stranger_posts(address: SocketAddr, path: &str, headers: Headers<'_>, body: &str) -> Answer {
    ask(address, "POST", path, headers, body.as_bytes()).await
}
