//! JSON-RPC messages as far as this floor reads them: is it a response, to which id, does it say that
//! the list changed. Everything else stays raw text. Also the few messages the gateway sends on its
//! own account.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

use aerostack_core::client_capability::ClientCapabilities;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::capabilities::Announces;
use super::frame::Whole;
use crate::jsonrpc::{Shape, unescaped};

/// The newest legacy revision, which `initialize` asks for.
pub(super) const NEWEST_LEGACY: &str = "2025-11-25";
/// The legacy revisions a server may answer with.
const LEGACY: [&str; 4] = [NEWEST_LEGACY, "2025-06-18", "2025-03-26", "2024-11-05"];
/// The modern revision spoken here.
pub(super) const MODERN: &str = "2026-07-28";
/// The notifications that one of a server's lists changed.
const LIST_CHANGED: [&str; 3] = [
    "notifications/tools/list_changed",
    "notifications/prompts/list_changed",
    "notifications/resources/list_changed",
];
/// The notification that a resource was updated.
const UPDATED: &str = "notifications/resources/updated";
/// The notification that a server listens to our wish to be told.
const ACKNOWLEDGED: &str = "notifications/subscriptions/acknowledged";
const PROGRESS: &str = "notifications/progress";
/// The notification that a request is taken back.
const CANCELLED: &str = "notifications/cancelled";
/// Longest text of a server's error that is repeated to the workspace's owner.
const ERROR_TEXT_CHARS: usize = 200;
/// Largest message that is looked at for a refusal of our headers: those have little to say.
const HEADERS_REFUSED_LIMIT_BYTES: usize = 4 * 1_024;

/// One message, with the parts that decide where it goes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Message<'a> {
    /// An answer; `id` is raw text, `None` where it is null or missing.
    Response { id: Option<&'a str>, outcome: Outcome<'a> },
    /// The server asks something.
    Request { id: &'a str, method: Cow<'a, str> },
    /// One of the server's lists changed.
    ListChanged,
    /// A resource was updated; the notice's parameters as raw text.
    Updated { params: &'a str },
    /// A wish of the gateway's own to be told was heard: no caller's business.
    Acknowledged,
    /// The server takes a question of its own back.
    Cancelled,
    /// Any other notification, with the progress token it is about as raw text.
    Notification { progress_token: Option<&'a str> },
}

/// Result or error, as raw text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome<'a> {
    Result(&'a str),
    Error(&'a str),
}

#[derive(Deserialize)]
struct ProgressParams<'a> {
    #[serde(borrow, rename = "progressToken")]
    progress_token: Option<&'a RawValue>,
}

impl<'a> Message<'a> {
    /// Reads a message; `None` if it is not one JSON-RPC 2.0 message in UTF-8.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        Self::of(text, &Shape::read(text)?)
    }

    /// The message of this shape.
    pub(super) fn of(text: &'a str, shape: &Shape) -> Option<Self> {
        let part = |part: &Option<Range<usize>>| part.clone().map(|part| &text[part]);
        let id = part(&shape.id);
        if let Some(result) = part(&shape.result) {
            return Some(Self::Response { id, outcome: Outcome::Result(result) });
        }
        if let Some(error) = part(&shape.error) {
            return Some(Self::Response { id, outcome: Outcome::Error(error) });
        }
        let method = unescaped(part(&shape.method)?)?;
        Some(match id {
            Some(id) => Self::Request { id, method },
            None => Self::notification(&method, part(&shape.params)),
        })
    }

    fn notification(method: &str, params: Option<&'a str>) -> Self {
        if LIST_CHANGED.contains(&method) {
            return Self::ListChanged;
        }
        if let Some(params) = params.filter(|_| method == UPDATED) {
            return Self::Updated { params };
        }
        if method == ACKNOWLEDGED {
            return Self::Acknowledged;
        }
        if method == CANCELLED {
            return Self::Cancelled;
        }
        let token = params
            .filter(|_| method == PROGRESS)
            .and_then(|params| serde_json::from_str::<ProgressParams<'a>>(params).ok())
            .and_then(|params| params.progress_token);
        Self::Notification { progress_token: token.map(RawValue::get) }
    }

    /// The outcome, if this is the response to `id`.
    pub(super) fn response_to(&self, id: u64) -> Option<Outcome<'a>> {
        match self {
            Self::Response { id: Some(theirs), outcome } if is_id(theirs, id) => Some(*outcome),
            _ => None,
        }
    }
}

/// Whether raw JSON text is exactly our id.
pub(super) fn is_id(raw: &str, id: u64) -> bool {
    let is_spelt_as_ours = !raw.starts_with(['+', '0']) || raw == "0";
    is_spelt_as_ours && raw.parse() == Ok(id)
}

/// A JSON-RPC error, as far as it is read here.
#[derive(Debug, Default, Deserialize)]
pub(super) struct RpcError {
    #[serde(default)]
    pub(super) code: i64,
    #[serde(default)]
    message: String,
    #[serde(default)]
    data: Option<Value>,
}

impl RpcError {
    /// There is no such method.
    pub(super) const UNKNOWN_METHOD: i64 = -32_601;
    /// The headers did not match the body, in the modern era.
    pub(super) const HEADER_MISMATCH: i64 = -32_020;
    /// A client capability is missing, in the modern era.
    pub(super) const MISSING_CAPABILITY: i64 = -32_021;
    /// The server does not speak the revision, in the modern era.
    pub(super) const UNSUPPORTED_VERSION: i64 = -32_022;

    /// Reads an error object; a malformed one has code 0.
    pub(super) fn read(raw: &str) -> Self {
        serde_json::from_str(raw).unwrap_or_default()
    }

    /// Finds an error in a whole answer, whatever id it carries: servers that could not make sense of a
    /// request often could not read its id either.
    pub(super) fn within(body: &[u8]) -> Option<Self> {
        match Message::read(body)? {
            Message::Response { outcome: Outcome::Error(raw), .. } => Some(Self::read(raw)),
            _ => None,
        }
    }

    /// Whether a message of a modern server refuses the headers of a request.
    pub(super) fn refuses_headers(message: &Whole) -> bool {
        let Some(error) = message.shape.error.clone() else { return false };
        let is_small = error.len() <= HEADERS_REFUSED_LIMIT_BYTES;
        let has_code =
            |raw| serde_json::from_slice::<Self>(raw).is_ok_and(|read| read.code == Self::HEADER_MISMATCH);
        is_small && has_code(&message.text[error])
    }

    /// Whether `data.supported` names the modern revision.
    pub(super) fn supports_modern(&self) -> bool {
        let supported = self.data.as_ref().and_then(|data| data.get("supported")).and_then(Value::as_array);
        supported.is_some_and(|versions| versions.iter().any(|version| version == MODERN))
    }
}

impl std::fmt::Display for RpcError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text: String =
            self.message.chars().filter(|char| !char.is_control()).take(ERROR_TEXT_CHARS).collect();
        write!(f, "error {}: {text}", self.code)
    }
}

/// Whether a server may answer `initialize` with this revision.
pub(super) fn is_known_legacy(version: &str) -> bool {
    LEGACY.contains(&version)
}

fn client_info() -> Value {
    json!({ "name": "aerostack-gateway", "version": env!("CARGO_PKG_VERSION") })
}

fn modern_meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientInfo": client_info(),
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}

fn written(message: &Value) -> Bytes {
    Bytes::from(message.to_string())
}

/// `server/discover`.
pub(super) fn discover(id: u64) -> Bytes {
    let params = json!({ "_meta": modern_meta() });
    written(&json!({ "jsonrpc": "2.0", "id": id, "method": "server/discover", "params": params }))
}

/// `initialize`, with what the caller declared whose own session it is; a pooled one must not invite questions.
pub(super) fn initialize(id: u64, capabilities: ClientCapabilities) -> Bytes {
    let capabilities = capabilities.declared();
    let params = json!({ "protocolVersion": NEWEST_LEGACY, "capabilities": capabilities, "clientInfo": client_info() });
    written(&json!({ "jsonrpc": "2.0", "id": id, "method": "initialize", "params": params }))
}

/// `notifications/initialized`.
pub(super) fn initialized() -> Bytes {
    written(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }))
}

/// `notifications/cancelled` for a request of ours.
pub(super) fn cancelled(id: u64) -> Bytes {
    let params = json!({ "requestId": id, "reason": "the caller no longer waits" });
    written(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": params }))
}

/// A list by its method, from `cursor` on.
pub(super) fn list(method: &str, era: super::Era, id: u64, cursor: Option<&str>) -> Bytes {
    let mut params = serde_json::Map::new();
    if era == super::Era::Modern {
        params.insert("_meta".into(), modern_meta());
    }
    if let Some(cursor) = cursor {
        params.insert("cursor".into(), cursor.into());
    }
    written(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))
}

/// `subscriptions/listen` for changes of the lists that a server announces, and for these resources.
pub(super) fn listen(id: u64, announces: Announces, uris: &BTreeSet<String>) -> Bytes {
    let Announces { tools, prompts, resources } = announces;
    let kinds =
        [("toolsListChanged", tools), ("promptsListChanged", prompts), ("resourcesListChanged", resources)];
    let mut filter: serde_json::Map<String, Value> =
        kinds.into_iter().filter(|(_, wanted)| *wanted).map(|(kind, _)| (kind.into(), true.into())).collect();
    if !uris.is_empty() {
        filter.insert("resourceSubscriptions".into(), json!(uris));
    }
    let params = json!({ "_meta": modern_meta(), "notifications": filter });
    written(&json!({ "jsonrpc": "2.0", "id": id, "method": "subscriptions/listen", "params": params }))
}

/// `resources/subscribe` or `resources/unsubscribe`, which legacy servers have.
pub(super) fn subscription(method: &str, id: u64, uri: &str) -> Bytes {
    written(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": { "uri": uri } }))
}

/// `logging/setLevel`, which legacy servers have.
pub(super) fn set_level(id: u64, level: &str) -> Bytes {
    written(
        &json!({ "jsonrpc": "2.0", "id": id, "method": "logging/setLevel", "params": { "level": level } }),
    )
}

/// The answer to a request of the server: a pong, or that we do not do that.
pub(super) fn answer(raw_id: &str, method: &str) -> Bytes {
    let outcome = if method == "ping" {
        r#""result":{}"#
    } else {
        r#""error":{"code":-32601,"message":"Method not found"}"#
    };
    Bytes::from(format!(r#"{{"jsonrpc":"2.0","id":{raw_id},{outcome}}}"#))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_told_apart() {
        let outcome = Outcome::Result(r#"{"a":2.50}"#);
        let response = Message::read(br#"{"result":{"a":2.50},"id":7,"jsonrpc":"2.0"}"#);
        assert_eq!(response, Some(Message::Response { id: Some("7"), outcome }));
        let request = Message::read(br#"{"jsonrpc":"2.0","id":"x","method":"ping"}"#);
        assert_eq!(request, Some(Message::Request { id: r#""x""#, method: "ping".into() }));
        let changed = br#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;
        assert_eq!(Message::read(changed), Some(Message::ListChanged));
        let heard = br#"{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{}}"#;
        assert_eq!(Message::read(heard), Some(Message::Acknowledged));
        let progress = br#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":7}}"#;
        assert_eq!(Message::read(progress), Some(Message::Notification { progress_token: Some("7") }));
    }

    #[test]
    fn what_is_no_message_is_refused() {
        let refused: [&[u8]; 8] = [
            b"{}",
            br#"["2.0",1,null,null,{},null]"#,
            b"[]",
            br#"{"jsonrpc":"1.0","id":1,"result":{}}"#,
            br#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#,
            br#"{"jsonrpc":"2.0","id":1,"id":1,"result":{}}"#,
            br#"{"jsonrpc":"2.0","id":1,"result":{}} x"#,
            b"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"a\":\"\xFF\"}}",
        ];
        for bytes in refused {
            assert_eq!(Message::read(bytes), None, "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn an_id_is_compared_as_it_is_written() {
        assert!(is_id("7", 7));
        for other in ["7.0", "07", "\"7\"", "70", "", "+7", " 7"] {
            assert!(!is_id(other, 7), "{other}");
        }
    }

    #[test]
    fn a_request_of_the_server_is_answered_under_its_own_id() {
        let pong = String::from_utf8(answer(r#""a\"b""#, "ping").to_vec()).unwrap();
        assert_eq!(pong, r#"{"jsonrpc":"2.0","id":"a\"b","result":{}}"#);
        assert!(
            RpcError::within(&answer("1", "sampling/createMessage"))
                .is_some_and(|error| error.code == -32_601)
        );
    }
}
