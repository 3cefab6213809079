//! The headers of a request on its way to the server: which pass, and how others are made.

use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};

use crate::tool_header;

/// Trace headers that are passed on (W3C Trace Context and Baggage).
static TRACE_HEADERS: [HeaderName; 3] = [
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
    HeaderName::from_static("baggage"),
];

/// Puts a text among headers, encoded where it must be.
pub(super) fn insert(headers: &mut HeaderMap, name: &str, value: &str) {
    let value = HeaderValue::from_str(&tool_header::encode(value));
    if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), value) {
        headers.insert(name, value);
    }
}

/// Those that mirror arguments of a tool.
pub(super) fn mirroring(headers: &HeaderMap) -> HeaderMap {
    let mirrored = headers.iter().filter(|(name, _)| name.as_str().starts_with(tool_header::PREFIX));
    let mut kept = HeaderMap::new();
    for (name, value) in mirrored {
        kept.append(name, value.clone());
    }
    kept
}

/// Those of a trace.
pub(super) fn of_traces(headers: &HeaderMap) -> HeaderMap {
    let mut kept = HeaderMap::new();
    for (name, value) in headers.iter().filter(|(name, _)| TRACE_HEADERS.contains(name)) {
        kept.append(name, value.clone());
    }
    kept
}
