//! Answers: a status, a JSON body, the headers every answer carries.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use serde::Serialize;

use super::body::Body;

/// `application/json`.
pub const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// `text/event-stream`.
pub const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");

/// An answer without a body.
#[must_use]
pub fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// An answer with JSON text that is already written.
#[must_use]
pub fn json_text(status: StatusCode, text: impl Into<Bytes>) -> Response<Body> {
    json_body(status, Body::full(text))
}

/// An answer whose body is JSON text.
#[must_use]
pub fn json_body(status: StatusCode, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// An answer with a value as JSON.
///
/// # Panics
/// When the value cannot be JSON (a map whose keys are no strings): a mistake of the code.
#[must_use]
pub fn json(status: StatusCode, value: &impl Serialize) -> Response<Body> {
    json_text(status, serde_json::to_vec(value).expect("our reply types are plain data"))
}

/// An answer with plain text.
#[must_use]
pub fn text(status: StatusCode, text: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Body::full(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// The same answer with one more header.
#[must_use]
pub fn with_header(mut response: Response<Body>, name: HeaderName, value: HeaderValue) -> Response<Body> {
    response.headers_mut().insert(name, value);
    response
}
