//! A request on its way to the server: the caller's bytes with the few edits that must be made.
//!
//! The closed list of edits is in `docs/protocol.md`: the id, the name or URI, the progress token and,
//! from a legacy caller to a modern server, the `_meta` that era demands, and input that the server wanted. Everything else passes.
//! What the caller wrote stays apart from what is known of its subject, so that a call which was refused
//! for headers out of date can be prepared anew.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aerostack_core::client_capability::ClientCapabilities;
use aerostack_core::id::InstallId;
use bytes::Bytes;
use http::HeaderMap;
use http::header::HeaderValue;
use serde_json::{Value, json};

use super::asked::Asked;
use super::dispatch::session_header;
use super::error::Refusal;
use super::handle::Handles;
use super::headers;
use super::log_level;
use super::parked;
use super::reach::Reach;
use super::revision::{
    CallerEra, META_CAPABILITIES, META_CLIENT_INFO, META_LOG_LEVEL, META_VERSION, METHOD_HEADER, MODERN,
    NAME_HEADER,
};
use crate::app::App;
use crate::grants::Grant;
use crate::http::budget::Room;
use crate::jsonrpc::{Request, Splice, unescaped};
use crate::snapshot::{Route, Snapshot, SnapshotInstall, ToolEntry};
use crate::tool_header::{self, HeaderParameter};
use crate::upstream::{Era, Outgoing};

/// What a caller wrote, and where in it the edits are made.
struct Written {
    text: Bytes,
    id: Range<usize>,
    params: Range<usize>,
    method: &'static str,
    is_tool: bool,
    /// The name or URI of what is asked for.
    subject: Range<usize>,
    is_named_in_header: bool,
    arguments: Option<Range<usize>>,
    meta: Option<Meta>,
    progress_token: Option<Range<usize>>,
    era: CallerEra,
    /// The headers that mirror arguments, as they came.
    mirrored: HeaderMap,
    trace: HeaderMap,
    grant: Arc<Grant>,
    app: Arc<App>,
    /// The least level of log messages that the caller wants, if it said so.
    log_level: Option<&'static str>,
    wants_task: bool,
    /// What a modern server is told that the caller can be asked for, if the caller cannot tell it.
    declared: ClientCapabilities,
    /// Whether it repeats what only a modern server answers with.
    is_repeat: bool,
    taken_back: AtomicBool,
}

/// Where `_meta` stands, and what it is.
struct Meta {
    span: Range<usize>,
    kind: MetaKind,
}

#[derive(Clone, Copy)]
enum MetaKind {
    Object,
    EmptyObject,
    /// `null`, say: nothing can be added to it.
    NoObject,
}

/// A request, ready to be written for either era.
pub struct Forward {
    written: Arc<Written>,
    install: InstallId,
    /// The server's own name or URI of what is asked for.
    own: String,
    mirrored: HeaderMap,
    /// Fields that the repeated call has beside its own.
    input: Option<String>,
}

impl Forward {
    /// Prepares a request for what `route` leads to, by `grant`.
    ///
    /// *Shape*: `body` is the buffer that `request` and `asked` were read from.
    ///
    /// # Errors
    /// [`Refusal::HeaderMismatch`] when a modern caller's `Mcp-Param-*` headers do not mirror its arguments.
    pub fn new(
        body: &Bytes,
        (request, asked): (&Request<'_>, &Asked<'_>),
        era: CallerEra,
        route: &Route<'_>,
        headers: &HeaderMap,
        (grant, reach): (&Arc<Grant>, &Reach),
        app: &Arc<App>,
    ) -> Result<Self, Refusal> {
        let text = body.slice_ref(request.text.as_bytes());
        let span = |part: &str| {
            let start = part.as_ptr() as usize - request.text.as_ptr() as usize;
            start..start + part.len()
        };
        let params = request.params.as_ref().ok_or_else(no_params)?;
        let meta = request.meta();
        let kind = match meta {
            None => MetaKind::NoObject,
            Some(meta) if meta.is_empty() => MetaKind::EmptyObject,
            Some(_) => MetaKind::Object,
        };
        let written = Written {
            id: span(request.id.unwrap_or_default()),
            params: span(params.text),
            method: asked.method,
            is_tool: asked.subject.is_tool(),
            subject: span(asked.raw),
            is_named_in_header: asked.is_named_in_header(),
            arguments: params.raw("arguments").map(span),
            meta: params.raw("_meta").map(|raw| Meta { span: span(raw), kind }),
            progress_token: meta.and_then(|meta| meta.raw("progressToken")).map(span),
            era,
            mirrored: if era == CallerEra::Modern { headers::mirroring(headers) } else { HeaderMap::new() },
            trace: headers::of_traces(headers),
            grant: Arc::clone(grant),
            app: Arc::clone(app),
            log_level: match era {
                CallerEra::Legacy => grant.wishes.log_level(session_header(headers).unwrap_or_default()),
                CallerEra::Modern => meta
                    .and_then(|meta| meta.string(META_LOG_LEVEL))
                    .and_then(|level| log_level::level(&level)),
            },
            wants_task: asked.subject.is_tool()
                && params.raw("task").is_some_and(|task| task.starts_with('{')),
            declared: reach.open(),
            is_repeat: era == CallerEra::Modern && parked::state_of(request).is_some(),
            taken_back: AtomicBool::new(false),
            text,
        };
        Self::of(Arc::new(written), route)
    }

    /// The same call, prepared anew for what is known of the tool by now.
    ///
    /// # Errors
    /// As [`Forward::new`].
    pub fn anew(&self, route: &Route<'_>) -> Result<Self, Refusal> {
        let anew = Self::of(Arc::clone(&self.written), route)?;
        Ok(Self { input: self.input.clone(), ..anew })
    }

    /// The same call, repeated with these fields beside its own: what its server wanted to know.
    #[must_use]
    pub fn repeated_with(&self, fields: String) -> Self {
        Self {
            written: Arc::clone(&self.written),
            install: self.install.clone(),
            own: self.own.clone(),
            mirrored: self.mirrored.clone(),
            input: Some(fields),
        }
    }

    fn of(written: Arc<Written>, route: &Route<'_>) -> Result<Self, Refusal> {
        let parameters = route.tool.map(ToolEntry::header_parameters).unwrap_or_default();
        let mirrored = written.mirror(parameters)?;
        let install = route.install.install.id.clone();
        Ok(Self { install, own: route.own.clone().into_owned(), mirrored, input: None, written })
    }

    /// Whether what is asked for may still be: since the request was prepared, its server may have been
    /// removed or switched off, the tool switched off, or the right to the skill have ended.
    #[must_use]
    pub fn is_offered(&self) -> bool {
        let snapshot = self.written.grant.workspace.snapshot();
        let is_offered = |found: &SnapshotInstall| {
            if self.written.is_tool { found.install.offers(&self.own) } else { found.install.is_active() }
        };
        snapshot.install(&self.install).is_some_and(is_offered)
    }

    /// Notes that the caller has cancelled the call: the server is told when it is dropped.
    pub fn take_back(&self) {
        self.written.taken_back.store(true, Ordering::Relaxed);
    }

    /// The caller's progress token, raw, if it asked for progress.
    #[must_use]
    pub fn progress_token(&self) -> Option<&str> {
        self.written.progress_token.clone().map(|range| self.written.part(range))
    }

    /// The install it goes to.
    #[must_use]
    pub fn install(&self) -> &InstallId {
        &self.install
    }

    /// The workspace as it is now.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.written.grant.workspace.snapshot()
    }

    /// Whether the caller of a tool wants a task of it, as up to 2025-11-25.
    #[must_use]
    pub fn wants_task(&self) -> bool {
        self.written.wants_task
    }

    /// What the ids of the server's tasks become for the caller.
    #[must_use]
    pub fn handles(&self) -> Handles {
        Handles {
            app: Arc::clone(&self.written.app),
            token: self.written.grant.token.clone(),
            era: self.era(),
        }
    }

    /// The caller's id, raw.
    #[must_use]
    pub fn id(&self) -> &str {
        self.written.part(self.written.id.clone())
    }

    /// The method, as it is told in headers.
    #[must_use]
    pub fn method(&self) -> &'static str {
        self.written.method
    }

    /// The caller's era.
    #[must_use]
    pub fn era(&self) -> CallerEra {
        self.written.era
    }
}

fn no_params() -> Refusal {
    Refusal::InvalidParams { message: "Invalid params: there are none".to_owned(), bad_request: false }
}

impl Written {
    fn part(&self, range: Range<usize>) -> &str {
        std::str::from_utf8(&self.text[range]).expect("the parts of a request that was read are UTF-8")
    }

    /// The headers that mirror arguments of these parameters. A modern caller's own are checked against
    /// them; those that no parameter asks for pass, as the revision demands.
    fn mirror(&self, parameters: &[HeaderParameter]) -> Result<HeaderMap, Refusal> {
        let mut passing = self.mirrored.clone();
        if parameters.is_empty() {
            return Ok(passing);
        }
        let arguments = self.arguments.clone().map(|range| self.part(range));
        let arguments: Value = arguments.and_then(|raw| serde_json::from_str(raw).ok()).unwrap_or_default();
        for parameter in parameters {
            let value = tool_header::value_of(parameter, &arguments);
            if self.era == CallerEra::Modern && !self.agrees(parameter, value.as_deref()) {
                let message = format!("Header mismatch: {} differs from its argument", parameter.header);
                return Err(Refusal::HeaderMismatch(message));
            }
            passing.remove(&parameter.header);
            if let Some(value) = value {
                headers::insert(&mut passing, &parameter.header, &value);
            }
        }
        Ok(passing)
    }

    fn agrees(&self, parameter: &HeaderParameter, argument: Option<&str>) -> bool {
        let mut given = self.mirrored.get_all(parameter.header.as_str()).iter();
        let header = given.next().map(|header| tool_header::decode(header.as_bytes()));
        let agrees = match (argument, header) {
            (None, None) => true,
            (Some(value), Some(Some(header))) => tool_header::mirrors(parameter.kind, &header, value),
            _ => false,
        };
        agrees && given.next().is_none()
    }

    /// Adds the fields of `_meta` that the modern era demands.
    fn add_meta(&self, splice: &mut Splice<'_>) {
        let fields = modern_meta(self.log_level, self.declared);
        match &self.meta {
            Some(Meta { span, kind: MetaKind::NoObject }) => {
                splice.replace_at(span.clone(), format!("{{{fields}}}"));
            }
            Some(Meta { span, kind }) => {
                let is_empty = matches!(kind, MetaKind::EmptyObject);
                splice.insert_fields(span, is_empty, fields);
            }
            None => {
                let meta = format!(r#""_meta":{{{fields}}}"#);
                // What is asked for stands in params, so they are never empty.
                splice.insert_fields(&self.params, false, meta);
            }
        }
    }
}

impl Outgoing for Forward {
    fn body(&self, era: Era, id: u64) -> Bytes {
        let written = &self.written;
        let mut splice = Splice::new(&written.text);
        splice.replace_at(written.id.clone(), id.to_string());
        // What stays as it is keeps its spelling; a first page is not named at all.
        let subject = written.part(written.subject.clone());
        if !subject.is_empty() && unescaped(subject).as_deref() != Some(self.own.as_str()) {
            splice.replace_at(written.subject.clone(), quoted(&self.own));
        }
        if let Some(token) = &written.progress_token {
            splice.replace_at(token.clone(), id.to_string());
        }
        if era == Era::Modern && written.era == CallerEra::Legacy {
            written.add_meta(&mut splice);
        }
        if let Some(input) = &self.input {
            splice.insert_fields(&written.params, false, input);
        }
        splice.finish()
    }

    fn headers(&self, era: Era) -> HeaderMap {
        let mut headers = self.written.trace.clone();
        if era == Era::Modern {
            headers.extend(self.mirrored.clone());
            headers.insert(METHOD_HEADER, HeaderValue::from_static(self.written.method));
            if self.written.is_named_in_header {
                headers::insert(&mut headers, NAME_HEADER.as_str(), &self.own);
            }
        }
        headers
    }

    fn may_be_sent(&self) -> bool {
        let Written { grant, app, .. } = &*self.written;
        grant.may_send(&app.clock) && self.is_offered()
    }

    fn room(&self) -> Room<'_> {
        self.written.app.budget.of(&self.written.grant.held)
    }

    fn log_level(&self) -> Option<&'static str> {
        self.written.log_level
    }

    fn is_repeat(&self) -> bool {
        self.written.is_repeat
    }

    fn cancel_on_drop(&self) -> bool {
        let taken_back = self.written.taken_back.load(Ordering::Relaxed);
        self.era() == CallerEra::Modern || taken_back || !self.may_be_sent()
    }
}

/// A text as JSON.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn modern_meta(log_level: Option<&str>, declared: ClientCapabilities) -> String {
    let level = log_level.map(|level| format!(r#","{META_LOG_LEVEL}":"{level}""#)).unwrap_or_default();
    let info = json!({ "name": "aerostack-gateway", "version": env!("CARGO_PKG_VERSION") });
    let declared = declared.declared();
    format!(
        r#""{META_VERSION}":"{MODERN}","{META_CAPABILITIES}":{declared},"{META_CLIENT_INFO}":{info}{level}"#
    )
}
