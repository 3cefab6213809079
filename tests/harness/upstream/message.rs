//! JSON-RPC as this server reads and writes it. Ids stay raw text, so that any spelling comes back.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// The key under which a modern request names its revision.
pub(super) const META_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
/// The key under which a modern request tells what its client can do.
pub(super) const META_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

/// A request, notification or response that arrived.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Message {
    /// Raw text of the id; `None` for notifications.
    #[serde(default)]
    pub(super) id: Option<Box<RawValue>>,
    /// The method; `None` for responses.
    #[serde(default)]
    pub(super) method: Option<String>,
    /// The parameters.
    #[serde(default)]
    pub(super) params: Value,
    /// Of a response.
    #[serde(default)]
    pub(super) result: Value,
    /// Of a response that is none.
    #[serde(default)]
    pub(super) error: Value,
    /// The session it was sent in.
    #[serde(skip)]
    pub(super) session: Option<String>,
}

impl Message {
    /// The id's text; `null` without one.
    pub(super) fn id_text(&self) -> &str {
        self.id.as_ref().map_or("null", |id| id.get())
    }

    /// The method's name; empty for responses.
    pub(super) fn method_name(&self) -> &str {
        self.method.as_deref().unwrap_or_default()
    }

    /// A field of `params._meta`.
    pub(super) fn meta(&self, key: &str) -> &Value {
        &self.params["_meta"][key]
    }
}

/// A JSON-RPC error.
#[derive(Clone, Debug)]
pub(super) struct RpcError {
    /// Its code.
    pub(super) code: i64,
    /// Its message.
    pub(super) message: String,
    /// What else it says; `null` is left out.
    pub(super) data: Value,
}

impl RpcError {
    /// An error without data.
    pub(super) fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: Value::Null }
    }
}

/// The whole answer to a request: `result` is JSON text.
pub(super) fn answer(id: &str, outcome: &Result<String, RpcError>) -> String {
    match outcome {
        Ok(result) => format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#),
        Err(error) => {
            let mut body = json!({ "code": error.code, "message": error.message });
            if !error.data.is_null() {
                body["data"] = error.data.clone();
            }
            format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{body}}}"#)
        }
    }
}

/// A notification.
pub(super) fn notification(method: &str, params: &Value) -> String {
    json!({ "jsonrpc": "2.0", "method": method, "params": params }).to_string()
}
