//! What a request says beyond its path: the query of a read or a removal, the JSON body of everything
//! else.

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;

use aerostack_core::api::error::ErrorCode;
use aerostack_core::api::operation::Operation;
use aerostack_core::text::clean_line;

use super::error::ApiError;
use crate::app::App;
use crate::http::body::{self, RequestBody};

/// Largest body of an administrative request.
const BODY_LIMIT_BYTES: usize = 1_024 * 1_024;
/// Most characters of why a query or body cannot be used.
const REASON_MAX_CHARS: usize = 300;

/// A request's own words, not yet read.
#[derive(Debug)]
pub(super) enum Input {
    /// Of a read or a removal.
    Query(String),
    /// Of everything else; no bytes are an empty object.
    Json(Bytes),
}

/// Takes a request's words in. The body of a read or a removal is left alone.
pub(super) async fn receive(
    operation: Operation,
    request: http::Request<impl RequestBody>,
    app: &App,
) -> Result<Input, ApiError> {
    if operation.method().asks_in_query() {
        return Ok(Input::Query(request.uri().query().unwrap_or_default().to_owned()));
    }
    let (parts, body) = request.into_parts();
    let timeout = app.config.limits.body_timeout;
    let bytes = body::read(body, BODY_LIMIT_BYTES, timeout, app.budget.of_all()).await?;
    if !bytes.is_empty() && !is_json(&parts.headers) {
        let message = "the body is not application/json";
        return Err(ApiError::new(ErrorCode::UnsupportedMediaType, message)
            .with_hint("send it with Content-Type: application/json".to_owned()));
    }
    Ok(Input::Json(bytes))
}

impl Input {
    /// Reads the words as the type an operation takes.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        match self {
            Self::Query(text) => {
                serde_urlencoded::from_str(text).map_err(|error| unusable("query", &error.to_string()))
            }
            Self::Json(bytes) if bytes.is_empty() => read_json(b"{}"),
            Self::Json(bytes) => read_json(bytes),
        }
    }
}

fn read_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(bytes).map_err(|error| unusable("body", &error.to_string()))
}

/// The reason may quote what was sent, so it is cut.
fn unusable(what: &str, reason: &str) -> ApiError {
    ApiError::invalid(format!("the {what} cannot be used: {}", clean_line(reason, REASON_MAX_CHARS)))
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aerostack_core::api::audit::AuditQuery;
    use aerostack_core::api::page::{Empty, PageQuery};
    use aerostack_core::api::token::CreateTokenRequest;
    use aerostack_core::audit::Action;

    #[test]
    fn a_query_is_read_and_what_it_may_not_say_is_refused() {
        let read = |text: &str| Input::Query(text.to_owned()).read::<AuditQuery>();
        let query = read("action=token_revoked&limit=7&since=2026-03-17").unwrap();
        assert_eq!((query.action, query.limit), (Some(Action::TokenRevoked), Some(7)));
        assert!(query.since.is_some());
        for bad in ["limit=x", "unknown=1", "action=nothing", "limit=1&limit=2"] {
            assert_eq!(read(bad).unwrap_err().code, ErrorCode::InvalidRequest, "{bad}");
        }
        assert_eq!(Input::Query(String::new()).read::<PageQuery>(), Ok(PageQuery::default()));
        assert!(Input::Query("x=1".to_owned()).read::<Empty>().is_err());
    }

    #[test]
    fn a_body_is_read_and_an_empty_one_is_an_empty_object() {
        let read = |text: &'static str| {
            Input::Json(Bytes::from_static(text.as_bytes())).read::<CreateTokenRequest>()
        };
        assert_eq!(read(r#"{"name":"Alice","for":"a@co.com"}"#).unwrap().name, "Alice");
        for bad in
            ["", "{", r#"{"name":"a","x":1}"#, r#"{"name":"a","name":"b"}"#, r#"{"name":"\ud800"}"#, "[]{}"]
        {
            assert_eq!(read(bad).unwrap_err().code, ErrorCode::InvalidRequest, "{bad}");
        }
        assert_eq!(Input::Json(Bytes::new()).read::<Empty>(), Ok(Empty {}));
    }
}
