//! What a caller is told when the gateway does not do what it asked. One place, one exhaustive match.
//!
//! Strangers learn nothing: every reason why a credential is not accepted is the same answer, byte for
//! byte. Upstreams are named by their slug, never by their address.

use std::borrow::Cow;
use std::time::Duration;

use aerostack_core::quota::retry_after_secs;
use http::header::{ALLOW, CONNECTION, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::parked;
use super::revision::{CallerEra, MODERN};
use crate::http::body::{Body, ReadError};
use crate::http::budget::NoRoom;
use crate::http::respond;
use crate::jsonrpc::Fault;
use crate::snapshot::Subject;
use crate::upstream::UpstreamError;

/// Most characters of an unknown tool's name that are repeated.
const NAME_SHOWN_CHARS: usize = 200;

/// Why a request is not served.
#[derive(Clone, Debug, PartialEq)]
pub enum Refusal {
    /// No bearer, malformed, unknown, foreign workspace, unknown slug, expired, revoked.
    Unauthorized,
    /// The token's quota is used up.
    RateLimited {
        /// After this span the same requests would be accepted.
        retry_after: Duration,
    },
    /// The token has as many streams open as it may.
    TooManyStreams,
    /// What would have to be held does not fit beside what is held already.
    NoRoom(NoRoom),
    /// The gateway is stopping.
    Draining,
    /// A host or origin that is not ours.
    Foreign,
    /// Not JSON, or not a request.
    Fault(Fault),
    /// Not a request, for a reason that shows only later.
    InvalidRequest(String),
    /// The body could not be read.
    Unreadable(ReadError),
    /// The body is not declared as JSON.
    WrongContentType,
    /// The caller does not take what would be sent.
    NotAcceptable,
    /// The path has other methods.
    WrongMethod {
        /// Which.
        allow: &'static str,
    },
    /// No session of this token has this id.
    UnknownSession,
    /// A revision before 2026-07-28 that nobody speaks.
    UnknownRevision,
    /// A revision of the modern kind that we do not speak.
    UnsupportedRevision {
        /// The one asked for.
        requested: String,
    },
    /// A header does not say what the body says.
    HeaderMismatch(String),
    /// The method does not exist, or not in this era.
    UnknownMethod {
        /// Whether the caller is modern.
        modern: bool,
    },
    /// A parameter is missing or wrong; in the modern era `_meta` is one of them.
    InvalidParams {
        /// Which.
        message: String,
        /// Whether the revision demands HTTP 400.
        bad_request: bool,
    },
    /// A modern caller has not declared an extension that what it asks for needs.
    MissingCapability(&'static str),
    /// No tool has this name, or it is switched off.
    UnknownTool(String),
    /// No prompt has this name.
    UnknownPrompt(String),
    /// No server has this resource, or which one it is of cannot be told.
    UnknownResource {
        /// Its URI.
        uri: String,
        /// Whether the caller is modern: the code changed.
        modern: bool,
    },
    /// The server behind did not do its part.
    Upstream {
        /// Its slug in the workspace.
        server: String,
        /// What went wrong.
        error: UpstreamError,
    },
    /// The caller took the request back.
    Cancelled,
    /// A modern server wants input that a legacy caller did not give.
    Unanswered {
        /// The server's slug in the workspace.
        server: String,
    },
}

/// HTTP status, JSON-RPC code, message and data of a refusal.
struct Told {
    status: StatusCode,
    code: i32,
    message: String,
    data: Option<Value>,
}

impl Told {
    fn new(status: StatusCode, code: i32, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), data: None }
    }
}

impl Refusal {
    fn told(&self) -> Told {
        match self {
            Self::Unauthorized => Told::new(StatusCode::UNAUTHORIZED, -32001, "Unauthorized"),
            Self::RateLimited { .. } => {
                Told::new(StatusCode::TOO_MANY_REQUESTS, -32000, "Rate limit exceeded")
            }
            Self::TooManyStreams => Told::new(StatusCode::TOO_MANY_REQUESTS, -32004, "Too many open streams"),
            Self::Draining => Told::new(StatusCode::SERVICE_UNAVAILABLE, -32005, "The gateway is stopping"),
            Self::Foreign => Told::new(StatusCode::FORBIDDEN, -32003, "Origin not allowed"),
            Self::Fault(fault) => Told::new(StatusCode::BAD_REQUEST, fault.code, fault.message),
            Self::InvalidRequest(message) => Told::new(StatusCode::BAD_REQUEST, -32600, message),
            Self::NoRoom(no_room) => told_no_room(*no_room),
            Self::Unreadable(error) => told_unreadable(*error),
            Self::WrongContentType => {
                Told::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, -32600, "Content-Type must be application/json")
            }
            Self::NotAcceptable => {
                Told::new(StatusCode::NOT_ACCEPTABLE, -32600, "Accept must include text/event-stream")
            }
            Self::WrongMethod { .. } => {
                Told::new(StatusCode::METHOD_NOT_ALLOWED, -32600, "Method not allowed")
            }
            Self::UnknownSession => Told::new(StatusCode::NOT_FOUND, -32600, "Unknown session"),
            Self::UnknownRevision => {
                Told::new(StatusCode::BAD_REQUEST, -32600, "Unsupported MCP-Protocol-Version")
            }
            Self::UnsupportedRevision { requested } => Told {
                data: Some(json!({ "supported": [MODERN], "requested": requested })),
                ..Told::new(StatusCode::BAD_REQUEST, -32022, "Unsupported protocol version")
            },
            Self::HeaderMismatch(message) => Told::new(StatusCode::BAD_REQUEST, -32020, message),
            Self::UnknownMethod { modern } => {
                // Legacy clients end the whole session at any status but 200.
                let status = if *modern { StatusCode::NOT_FOUND } else { StatusCode::OK };
                Told::new(status, -32601, "Method not found")
            }
            Self::InvalidParams { message, bad_request } => {
                let status = if *bad_request { StatusCode::BAD_REQUEST } else { StatusCode::OK };
                Told::new(status, -32602, message)
            }
            Self::MissingCapability(extension) => Told {
                data: Some(json!({ "requiredCapabilities": { "extensions": { (*extension): {} } } })),
                ..Told::new(StatusCode::BAD_REQUEST, -32021, "Missing required client capability")
            },
            Self::UnknownTool(name) => {
                Told::new(StatusCode::OK, -32602, format!("Unknown tool: {}", cut(name)))
            }
            Self::UnknownPrompt(name) => {
                Told::new(StatusCode::OK, -32602, format!("Unknown prompt: {}", cut(name)))
            }
            Self::UnknownResource { uri, modern } => {
                let code = if *modern { -32602 } else { -32002 };
                let data = Some(json!({ "uri": cut(uri) }));
                Told { data, ..Told::new(StatusCode::OK, code, "Resource not found") }
            }
            Self::Upstream { server, error } => told_upstream(server, error),
            Self::Cancelled => Told::new(StatusCode::OK, -32800, "Request cancelled"),
            Self::Unanswered { server } => Told {
                data: Some(json!({ "server": server })),
                ..Told::new(StatusCode::OK, -32015, "A question of the upstream was not answered")
            },
        }
    }

    /// What a caller is told of something that leads nowhere.
    #[must_use]
    pub fn unknown(subject: &Subject, era: CallerEra) -> Self {
        match subject {
            Subject::Tool(name) => Self::UnknownTool(name.clone()),
            Subject::Prompt(name) => Self::UnknownPrompt(name.clone()),
            Subject::Resource(uri) | Subject::Template(uri) => {
                Self::UnknownResource { uri: uri.clone(), modern: era == CallerEra::Modern }
            }
            Subject::Task(_) | Subject::Tasks(_) => Self::unknown_task(),
        }
    }

    /// What a caller is told of a task that is not there, or not its own.
    #[must_use]
    pub fn unknown_task() -> Self {
        Self::InvalidParams { message: "Invalid params: unknown task".to_owned(), bad_request: false }
    }

    /// The answer to a request with the raw id `id`, or without a readable one.
    #[must_use]
    pub fn answer(&self, id: Option<&str>) -> Response<Body> {
        let mut response = respond::json_text(self.status(), self.message(id));
        let headers = response.headers_mut();
        match self {
            Self::Unauthorized => {
                let challenge = r#"Bearer realm="aerostack", error="invalid_token""#;
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
            }
            Self::RateLimited { retry_after } => {
                headers.insert(RETRY_AFTER, retry_after_secs(*retry_after).into());
            }
            Self::TooManyStreams => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
            }
            Self::Draining => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Self::WrongMethod { allow } => {
                headers.insert(ALLOW, HeaderValue::from_static(allow));
            }
            Self::NoRoom(_) => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            // The rest of the body is not read, so nothing more can come over this connection.
            Self::Unreadable(error) => {
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
                if matches!(error, ReadError::NoRoom(_)) {
                    headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
                }
            }
            _ => {}
        }
        response
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.told().status
    }

    /// The JSON-RPC error message, for a stream or a body. A refused credential never echoes an id.
    #[must_use]
    pub fn message(&self, id: Option<&str>) -> String {
        let told = self.told();
        let id = match self {
            Self::Unauthorized => "null",
            Self::Fault(fault) => fault.id.as_deref().or(id).unwrap_or("null"),
            _ => id.unwrap_or("null"),
        };
        let message = Value::String(told.message);
        let data = told.data.map(|data| format!(r#","data":{data}"#)).unwrap_or_default();
        format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{},"message":{message}{data}}}}}"#, told.code)
    }
}

/// A name as the caller wrote it, which may be as long as a body.
fn cut(name: &str) -> Cow<'_, str> {
    match name.char_indices().nth(NAME_SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &name[..end]).into(),
        None => name.into(),
    }
}

fn told_unreadable(error: ReadError) -> Told {
    let status = match error {
        ReadError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        ReadError::TooSlow { .. } => StatusCode::REQUEST_TIMEOUT,
        ReadError::BrokenOff => StatusCode::BAD_REQUEST,
        ReadError::NoRoom(no_room) => return told_no_room(no_room),
    };
    Told::new(status, -32600, format!("Invalid request: {error}"))
}

fn told_no_room(no_room: NoRoom) -> Told {
    let (status, message) = match no_room {
        NoRoom::OfHolder => (StatusCode::TOO_MANY_REQUESTS, "Too many bytes under way for this token"),
        NoRoom::OfAll => (StatusCode::SERVICE_UNAVAILABLE, "Too many bytes under way"),
    };
    Told::new(status, -32004, message)
}

fn told_upstream(server: &str, error: &UpstreamError) -> Told {
    let (code, message) = match error {
        UpstreamError::Unreachable(_) => (-32010, "Upstream unreachable"),
        UpstreamError::TimedOut(_) => (-32011, "Upstream timed out"),
        UpstreamError::BadAnswer(_) | UpstreamError::HeadersRefused => (-32012, "Upstream gave a bad answer"),
        UpstreamError::RefusedCredential(_) => (-32013, "Upstream refused the gateway's credential"),
        UpstreamError::LackingCredential(_) => (-32013, "The gateway has no credential for this upstream"),
        UpstreamError::Busy(_) => (-32014, "Upstream is busy"),
        UpstreamError::NoRoom(no_room) => return told_no_room(*no_room),
        UpstreamError::AccessEnded => return Refusal::Unauthorized.told(),
        UpstreamError::NothingAsked => return parked::unknown_state().told(),
    };
    Told { data: Some(json!({ "server": server })), ..Told::new(StatusCode::OK, code, message) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_echoes_the_id_as_it_was_written_except_to_strangers() {
        let limited = Refusal::RateLimited { retry_after: Duration::from_millis(40_001) };
        let expected =
            r#"{"jsonrpc":"2.0","id":1.0,"error":{"code":-32000,"message":"Rate limit exceeded"}}"#;
        assert_eq!(limited.message(Some("1.0")), expected);
        let answer = limited.answer(Some("1.0"));
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()[RETRY_AFTER]),
            (429, &HeaderValue::from_static("41"))
        );
        let expected = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"Unauthorized"}}"#;
        assert_eq!(Refusal::Unauthorized.message(Some("1")), expected);
    }

    #[test]
    fn an_upstream_is_named_by_its_slug_and_nothing_else() {
        let error = UpstreamError::Unreachable("http://10.0.0.1/secret".to_owned());
        let refusal = Refusal::Upstream { server: "github".to_owned(), error };
        let expected = r#"{"jsonrpc":"2.0","id":"x","error":{"code":-32010,"message":"Upstream unreachable","data":{"server":"github"}}}"#;
        assert_eq!(refusal.message(Some("\"x\"")), expected);
        assert_eq!(refusal.status(), StatusCode::OK);
    }
}
