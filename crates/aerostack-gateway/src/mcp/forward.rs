//! A `tools/call` on its way to the server: the caller's bytes with the few edits that must be made.
//!
//! The closed list of edits is in `docs/protocol.md`: the id, the tool's name, the progress token and,
//! from a legacy caller to a modern server, the `_meta` that era demands. Everything else passes.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::error::Refusal;
use super::revision::{CallerEra, META_CAPABILITIES, META_CLIENT_INFO, META_VERSION, MODERN};
use crate::clock::Clock;
use crate::grants::Grant;
use crate::jsonrpc::{Request, Splice};
use crate::snapshot::Route;
use crate::tool_header;
use crate::upstream::{Era, Outgoing};

/// Trace headers that are passed on (W3C Trace Context and Baggage).
const TRACE_HEADERS: [&str; 3] = ["traceparent", "tracestate", "baggage"];

/// A call, ready to be written for either era.
pub struct Forward {
    text: Bytes,
    id: Range<usize>,
    params: Range<usize>,
    name: Range<usize>,
    meta: Option<(Range<usize>, bool)>,
    progress_token: Option<Range<usize>>,
    caller_era: CallerEra,
    tool: String,
    mirrored: Vec<(String, String)>,
    trace: HeaderMap,
    grant: Arc<Grant>,
    clock: Clock,
    taken_back: AtomicBool,
}

impl Forward {
    /// Prepares a call of `route` by `grant`.
    ///
    /// *Shape*: `body` is the buffer that `request` was read from.
    ///
    /// # Errors
    /// [`Refusal::HeaderMismatch`] when a modern caller's `Mcp-Param-*` headers do not mirror its arguments.
    pub fn new(
        body: &Bytes,
        request: &Request<'_>,
        caller_era: CallerEra,
        route: &Route<'_>,
        headers: &HeaderMap,
        grant: &Arc<Grant>,
        clock: &Clock,
    ) -> Result<Self, Refusal> {
        let text = body.slice_ref(request.text.as_bytes());
        let span = |part: &str| {
            let start = part.as_ptr() as usize - request.text.as_ptr() as usize;
            start..start + part.len()
        };
        let params = request.params.as_ref().ok_or_else(no_name)?;
        let meta = request.meta().map_err(Refusal::Fault)?;
        let progress_token = meta.as_ref().and_then(|meta| meta.raw("progressToken"));
        Ok(Self {
            id: span(request.id.unwrap_or_default()),
            params: span(params.text),
            name: span(params.raw("name").ok_or_else(no_name)?),
            meta: meta.as_ref().map(|meta| (span(meta.text), meta.is_empty())),
            progress_token: progress_token.map(span),
            caller_era,
            tool: route.tool.clone(),
            mirrored: mirrored(route, params.raw("arguments"), caller_era, headers)?,
            trace: trace_headers(headers),
            grant: Arc::clone(grant),
            clock: clock.clone(),
            taken_back: AtomicBool::new(false),
            text,
        })
    }

    /// Notes that the caller has cancelled the call: the server is told when it is dropped.
    pub fn take_back(&self) {
        self.taken_back.store(true, Ordering::Relaxed);
    }

    /// The caller's progress token, raw, if it asked for progress.
    #[must_use]
    pub fn progress_token(&self) -> Option<&str> {
        self.progress_token.clone().map(|range| &self.str()[range])
    }

    /// The caller's id, raw.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.str()[self.id.clone()]
    }

    fn str(&self) -> &str {
        std::str::from_utf8(&self.text).expect("the text of a request that was read is UTF-8")
    }
}

fn no_name() -> Refusal {
    Refusal::InvalidParams { message: "Invalid params: name must be a string".to_owned(), bad_request: false }
}

impl Outgoing for Forward {
    fn body(&self, era: Era, id: u64) -> Bytes {
        let text = self.str();
        let mut splice = Splice::new(text);
        splice.replace(&text[self.id.clone()], id.to_string());
        splice.replace(&text[self.name.clone()], Value::String(self.tool.clone()).to_string());
        if let Some(token) = &self.progress_token {
            splice.replace(&text[token.clone()], id.to_string());
        }
        if era == Era::Modern && self.caller_era == CallerEra::Legacy {
            let fields = modern_meta();
            match &self.meta {
                Some((meta, is_empty)) => splice.insert_fields(&text[meta.clone()], *is_empty, &fields),
                None => {
                    let meta = format!(r#""_meta":{{{fields}}}"#);
                    // `name` stands in params, so they are never empty.
                    splice.insert_fields(&text[self.params.clone()], false, &meta);
                }
            }
        }
        splice.finish()
    }

    fn headers(&self, era: Era) -> HeaderMap {
        let mut headers = self.trace.clone();
        if era == Era::Modern {
            headers.insert("mcp-method", HeaderValue::from_static("tools/call"));
            insert(&mut headers, "mcp-name", &self.tool);
            for (name, value) in &self.mirrored {
                insert(&mut headers, name, value);
            }
        }
        headers
    }

    fn may_be_sent(&self) -> bool {
        self.grant.is_live(self.clock.now())
    }

    fn cancel_on_drop(&self) -> bool {
        self.caller_era == CallerEra::Modern || self.taken_back.load(Ordering::Relaxed) || !self.may_be_sent()
    }
}

fn insert(headers: &mut HeaderMap, name: &str, value: &str) {
    let value = HeaderValue::from_str(&tool_header::encode(value));
    if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), value) {
        headers.insert(name, value);
    }
}

fn modern_meta() -> String {
    let info = json!({ "name": "aerostack-gateway", "version": env!("CARGO_PKG_VERSION") });
    format!(r#""{META_VERSION}":"{MODERN}","{META_CAPABILITIES}":{{}},"{META_CLIENT_INFO}":{info}"#)
}

/// The headers that mirror arguments; a modern caller's own are checked against them.
fn mirrored(
    route: &Route<'_>,
    arguments: Option<&str>,
    era: CallerEra,
    headers: &HeaderMap,
) -> Result<Vec<(String, String)>, Refusal> {
    let parameters = route.entry.map(|entry| entry.header_parameters.as_slice()).unwrap_or_default();
    if parameters.is_empty() {
        return Ok(Vec::new());
    }
    let arguments: Value = arguments.and_then(|raw| serde_json::from_str(raw).ok()).unwrap_or_default();
    let mut mirrored = Vec::new();
    for parameter in parameters {
        let value = tool_header::value_of(parameter, &arguments);
        if era == CallerEra::Modern {
            let mut given = headers.get_all(parameter.header.as_str()).iter();
            let header = given.next().map(|header| tool_header::decode(header.as_bytes()));
            let agrees = match (&value, header) {
                (None, None) => true,
                (Some(value), Some(Some(header))) => tool_header::mirrors(parameter.kind, &header, value),
                _ => false,
            };
            if !agrees || given.next().is_some() {
                let message = format!("Header mismatch: {} differs from its argument", parameter.header);
                return Err(Refusal::HeaderMismatch(message));
            }
        }
        mirrored.extend(value.map(|value| (parameter.header.clone(), value)));
    }
    Ok(mirrored)
}

fn trace_headers(headers: &HeaderMap) -> HeaderMap {
    let mut kept = HeaderMap::new();
    for name in TRACE_HEADERS {
        for value in headers.get_all(name) {
            kept.append(name, value.clone());
        }
    }
    kept
}
