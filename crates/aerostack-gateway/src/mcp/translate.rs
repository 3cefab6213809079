//! A server's messages, given the caller's ids again, and what the caller's era demands of them.
//!
//! Within one era nothing else is touched; across eras the edits are those listed in `docs/protocol.md`.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::answer::Piece;
use super::forward::Forward;
use super::handle::RELATED;
use super::log_level;
use super::revision::CallerEra;
use super::rewriter::{Origin, Rewriter};
use crate::jsonrpc::shape::ResultSays;
use crate::jsonrpc::{ResponseRewriter, Shape, Splice, StringRewriter, Structured, unescaped, without};
use crate::upstream::{Era, Outgoing, UpstreamError, Whole};

/// What modern clients demand of every result and legacy servers do not send.
const RESULT_TYPE: &str = r#""resultType":"complete""#;
/// What they demand of a resource beside it: a legacy server says nothing, so it is stale at once.
const TTL: &str = r#""ttlMs":0"#;
const SCOPE: &str = r#""cacheScope":"private""#;
/// What only results of modern servers have.
const MODERN_FIELDS: [&str; 3] = ["resultType", "ttlMs", "cacheScope"];
/// As it is written in a message.
const CANCELLED: &str = r#""notifications/cancelled""#;
const LOG_MESSAGE: &str = "notifications/message";
/// How the methods of notices about tasks begin, as JSON text.
const TASK_NOTICES: &str = r#""notifications/tasks"#;
/// "Resource not found", up to 2025-11-25; what it is since.
const OLD_NOT_FOUND: i64 = -32002;
const NOT_FOUND: &str = "-32602";

/// What becomes of a message of the server.
pub enum Translated {
    /// The caller sees it in this form.
    Piece(Piece),
    /// It is not for the caller.
    Nothing,
    /// It is no result yet, and older callers do not know such a thing.
    NoResult(Whole),
}

/// Gives messages of the server the caller's ids, and what the caller's era demands.
pub struct Translator {
    /// The call as it was sent.
    pub forward: Arc<Forward>,
    /// The server's era.
    pub upstream_era: Era,
    /// The id the call has towards the server.
    pub id: u64,
    /// What becomes of structured content that is no object.
    pub structured: Structured,
    /// Whether results say how long they may be kept.
    pub is_cached: bool,
    /// Whether the call is about tasks.
    pub tasks: About,
    /// Whose URIs may lead elsewhere, if they may.
    pub origin: Option<Origin>,
}

/// What a call is about, as far as ids of tasks in its answer depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// One task.
    Task,
    /// A page of tasks.
    Tasks,
    /// Anything else, which may come to a task.
    Anything,
}

#[derive(Deserialize)]
struct ErrorCode<'a> {
    #[serde(borrow)]
    code: &'a RawValue,
}

#[derive(Deserialize)]
struct Progress<'a> {
    #[serde(borrow, rename = "progressToken")]
    token: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct LogMessage {
    level: String,
}

impl Translator {
    /// The rewriter of a response that passes by: what its result says of itself is not known in advance.
    #[must_use]
    pub fn rewriter_of_large(&self) -> Rewriter {
        let missing = match self.upstream_era {
            Era::Legacy => self.missing(&ResultSays::default(), ""),
            Era::Modern => None,
        };
        self.rewriter(missing)
    }

    fn rewriter(&self, missing: Option<Cow<'static, str>>) -> Rewriter {
        let missing = missing.map(Cow::into_owned);
        let response = ResponseRewriter::new(self.forward.id().to_owned(), missing, self.structured);
        let rewriter = Rewriter::new(response, self.origin.clone());
        rewriter.with_task_ids((self.tasks != About::Anything).then(|| self.task_ids()))
    }

    /// Gives ids of the server's tasks the form the caller knows.
    fn task_ids(&self) -> StringRewriter {
        self.forward.handles().rewriter(self.forward.install().clone())
    }

    /// Whether both sides understand the same of tasks.
    fn is_of_one_era(&self) -> bool {
        (self.forward.era() == CallerEra::Legacy) == (self.upstream_era == Era::Legacy)
    }

    /// Whether this result of a tool says that a task has been made of its call.
    fn makes_task(&self, says: &ResultSays, kind: &str) -> bool {
        let said = match self.upstream_era {
            Era::Legacy => self.forward.wants_task() && says.has_task,
            Era::Modern => kind == r#""task""#,
        };
        said && self.tasks == About::Anything && self.is_of_one_era()
    }

    /// Whether a response must be held whole: what becomes of a part is known only at its end.
    #[must_use]
    pub fn needs_whole(&self) -> bool {
        self.tasks == About::Tasks
    }

    /// What a modern caller must be given beside what a result says of itself, its kind being this.
    fn missing(&self, says: &ResultSays, kind: &str) -> Option<Cow<'static, str>> {
        if self.forward.era() == CallerEra::Legacy {
            return None;
        }
        let is_complete = says.kind.is_none() || !is_no_result(kind);
        let is_cached = self.is_cached && is_complete;
        let missing = [
            says.kind.is_none().then_some(RESULT_TYPE),
            (is_cached && !says.has_ttl).then_some(TTL),
            (is_cached && !says.has_scope).then_some(SCOPE),
        ];
        let mut missing = missing.into_iter().flatten();
        let first = Cow::Borrowed(missing.next()?);
        Some(missing.fold(first, |all, field| format!("{all},{field}").into()))
    }

    /// Gives a whole message the form the caller is to see.
    ///
    /// # Errors
    /// [`UpstreamError::BadAnswer`] when it is no message, or one about our own revision.
    pub fn translate(&self, whole: Whole) -> Result<Translated, UpstreamError> {
        let Whole { text: message, shape } = &whole;
        let bad = || UpstreamError::BadAnswer("not a JSON-RPC message".to_owned());
        let part = |place: &Range<usize>| std::str::from_utf8(&message[place.clone()]).map_err(|_| bad());
        if let Some(method) = &shape.method {
            let (method, params) = (part(method)?, shape.params.as_ref().map(part).transpose()?);
            // What a server takes back is no request of its caller.
            if method == CANCELLED || self.is_unwanted_log(method, params) {
                return Ok(Translated::Nothing);
            }
            let notification = self.notification(message, params);
            let notification = self.with_task_ids(method, params, notification);
            return Ok(Translated::Piece(Piece::Notification(notification)));
        }
        if let Some(error) = &shape.error {
            return self.error(message, part(error)?).map(Translated::Piece);
        }
        let kind = shape.says.kind.as_ref().map_or(Ok(""), part)?;
        let crosses_back = self.forward.era() == CallerEra::Legacy && self.upstream_era == Era::Modern;
        if crosses_back && !kind.is_empty() && is_no_result(kind) {
            return Ok(Translated::NoResult(whole));
        }
        let makes_task = self.makes_task(&shape.says, kind);
        let missing = self.missing(&shape.says, kind);
        let text = if self.changes_little() && !makes_task {
            self.with_callers_id(message, shape, missing)
        } else {
            let mut rewriter = self.rewriter(missing);
            if makes_task {
                rewriter = rewriter.with_task_ids(Some(self.task_ids()));
            }
            let result = shape.result.as_ref().ok_or_else(bad)?;
            if crosses_back {
                let mut splice = Splice::new(message);
                splice.replace_at(result.clone(), without(part(result)?, &MODERN_FIELDS));
                rewriter.push(&splice.finish())
            } else if self.tasks == About::Tasks {
                let (handles, install) = (self.forward.handles(), self.forward.install());
                let text = part(&(0..message.len()))?;
                rewriter.push(&handles.paged(&self.forward.snapshot(), install, text, result))
            } else {
                rewriter.push(message)
            }
            .into()
        };
        Ok(Translated::Piece(Piece::Response { status: StatusCode::OK, text }))
    }

    /// Whether nothing in a response has to be looked at but where it is known to stand.
    fn changes_little(&self) -> bool {
        let crosses_back = self.forward.era() == CallerEra::Legacy && self.upstream_era == Era::Modern;
        let may_be_wrapped = self.structured == Structured::Wrapped;
        !crosses_back && !may_be_wrapped && self.origin.is_none() && self.tasks == About::Anything
    }

    fn with_callers_id(&self, message: &Bytes, shape: &Shape, missing: Option<Cow<'static, str>>) -> Bytes {
        let mut splice = Splice::new(message);
        if let Some(id) = &shape.id {
            splice.replace_at(id.clone(), self.forward.id());
        }
        if let (Some(missing), Some(result), true) = (missing, &shape.result, shape.says.is_object) {
            splice.insert_fields(result, shape.says.is_empty, missing);
        }
        splice.finish()
    }

    /// An error of the server; codes mean in their own era alone what they mean there.
    fn error(&self, message: &Bytes, error: &str) -> Result<Piece, UpstreamError> {
        let raw = serde_json::from_str::<ErrorCode<'_>>(error).ok().map(|error| error.code.get());
        let code = raw.and_then(|raw| raw.parse::<i64>().ok());
        let mut status = StatusCode::OK;
        let mut splice = Splice::new(message);
        match (self.upstream_era, self.forward.era(), code) {
            // About our own revision: not the caller's business.
            (Era::Modern, _, Some(-32022)) => {
                return Err(UpstreamError::BadAnswer("refused our revision".to_owned()));
            }
            (Era::Modern, CallerEra::Modern, Some(-32021)) => status = StatusCode::BAD_REQUEST,
            (Era::Legacy, CallerEra::Modern, Some(OLD_NOT_FOUND)) if self.is_cached => {
                raw.into_iter().for_each(|raw| splice.replace(raw, NOT_FOUND));
            }
            _ => {}
        }
        let text = self.rewriter(None).push(&splice.finish()).into();
        Ok(Piece::Response { status, text })
    }

    /// Whether this is a log message that a modern caller has not asked for: older servers send them unasked.
    fn is_unwanted_log(&self, method: &str, params: Option<&str>) -> bool {
        let crosses = self.forward.era() == CallerEra::Modern && self.upstream_era == Era::Legacy;
        if !crosses || unescaped(method).as_deref() != Some(LOG_MESSAGE) {
            return false;
        }
        let level = params.and_then(|params| serde_json::from_str::<LogMessage>(params).ok());
        let level = level.map(|message| message.level).unwrap_or_default();
        self.forward.log_level().is_none_or(|least| !log_level::is_wanted(&level, least))
    }

    /// A notice about a task names it as its caller knows it.
    fn with_task_ids(&self, method: &str, params: Option<&str>, notice: Bytes) -> Bytes {
        let is_of_task =
            method.starts_with(TASK_NOTICES) || params.is_some_and(|params| params.contains(RELATED));
        if !is_of_task || !self.is_of_one_era() {
            return notice;
        }
        self.task_ids().push(&notice).into()
    }

    /// Progress is told under the caller's own token; everything else stays.
    fn notification(&self, message: &Bytes, params: Option<&str>) -> Bytes {
        let progress = params.and_then(|params| serde_json::from_str::<Progress<'_>>(params).ok());
        let ours = self.id.to_string();
        let token = progress.and_then(|progress| progress.token).filter(|token| token.get() == ours);
        let (Some(token), Some(callers)) = (token, self.forward.progress_token()) else {
            return message.clone();
        };
        let mut splice = Splice::new(message);
        splice.replace(token.get(), callers);
        splice.finish()
    }
}

/// Whether a `resultType`, raw, says that this is no result yet.
fn is_no_result(kind: &str) -> bool {
    kind != r#""complete""#
}
