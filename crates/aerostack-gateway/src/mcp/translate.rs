//! A server's messages, given the caller's ids again, and what the caller's era demands of them.
//!
//! Within one era nothing else is touched; across eras the edits are those listed in `docs/protocol.md`.

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
use crate::jsonrpc::{ResponseRewriter, Splice, StringRewriter, Structured, without};
use crate::upstream::{Era, Outgoing, UpstreamError};

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
    NoResult,
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

/// What of a server's message is read.
#[derive(Deserialize)]
struct Shallow<'a> {
    #[serde(borrow)]
    method: Option<&'a RawValue>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
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

#[derive(Clone, Copy, Default, Deserialize)]
struct ResultFields<'a> {
    #[serde(borrow, rename = "resultType")]
    kind: Option<&'a RawValue>,
    #[serde(borrow, rename = "ttlMs")]
    ttl: Option<&'a RawValue>,
    #[serde(borrow, rename = "cacheScope")]
    scope: Option<&'a RawValue>,
    #[serde(borrow)]
    task: Option<&'a RawValue>,
}

impl Translator {
    /// The rewriter of a response whose fields are not known in advance.
    #[must_use]
    pub fn rewriter_of_large(&self) -> Rewriter {
        match self.upstream_era {
            Era::Legacy => self.rewriter(ResultFields::default()),
            Era::Modern => self.plain_rewriter(),
        }
    }

    fn plain_rewriter(&self) -> Rewriter {
        self.rewriter_with(None)
    }

    fn rewriter_with(&self, fields: Option<String>) -> Rewriter {
        let response = ResponseRewriter::new(self.forward.id().to_owned(), fields, self.structured);
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
    fn makes_task(&self, fields: ResultFields<'_>) -> bool {
        let said = match self.upstream_era {
            Era::Legacy => self.forward.wants_task() && fields.task.is_some(),
            Era::Modern => fields.kind.is_some_and(|kind| kind.get() == r#""task""#),
        };
        said && self.tasks == About::Anything && self.is_of_one_era()
    }

    /// Whether a response must be held whole: what becomes of a part is known only at its end.
    #[must_use]
    pub fn needs_whole(&self) -> bool {
        self.tasks == About::Tasks
    }

    /// The rewriter of a response whose result has these fields: a modern caller is given what it lacks.
    fn rewriter(&self, fields: ResultFields<'_>) -> Rewriter {
        if self.forward.era() == CallerEra::Legacy {
            return self.plain_rewriter();
        }
        let is_complete = fields.kind.is_none_or(|kind| !is_no_result(kind.get()));
        let is_cached = self.is_cached && is_complete;
        let missing = [
            fields.kind.is_none().then_some(RESULT_TYPE),
            (is_cached && fields.ttl.is_none()).then_some(TTL),
            (is_cached && fields.scope.is_none()).then_some(SCOPE),
        ];
        let missing: Vec<&str> = missing.into_iter().flatten().collect();
        let missing = (!missing.is_empty()).then(|| missing.join(","));
        self.rewriter_with(missing)
    }

    /// Gives a whole message the form the caller is to see.
    ///
    /// # Errors
    /// [`UpstreamError::BadAnswer`] when it is no message, or one about our own revision.
    pub fn translate(&self, message: &Bytes) -> Result<Translated, UpstreamError> {
        let bad = || UpstreamError::BadAnswer("not a JSON-RPC message".to_owned());
        let text = std::str::from_utf8(message).map_err(|_| bad())?;
        let shallow: Shallow<'_> = serde_json::from_str(text).map_err(|_| bad())?;
        if let Some(method) = shallow.method {
            // What a server takes back is no request of its caller.
            if method.get() == CANCELLED || self.is_unwanted_log(method, shallow.params) {
                return Ok(Translated::Nothing);
            }
            let notification = self.notification(text, message, shallow.params);
            let notification = self.with_task_ids(method, shallow.params, notification);
            return Ok(Translated::Piece(Piece::Notification(notification)));
        }
        if let Some(error) = shallow.error {
            return self.error(text, error).map(Translated::Piece);
        }
        let fields: ResultFields<'_> =
            shallow.result.and_then(|result| serde_json::from_str(result.get()).ok()).unwrap_or_default();
        let crosses_back = self.forward.era() == CallerEra::Legacy && self.upstream_era == Era::Modern;
        if crosses_back && fields.kind.is_some_and(|kind| is_no_result(kind.get())) {
            return Ok(Translated::NoResult);
        }
        let mut rewriter = self.rewriter(fields);
        if self.makes_task(fields) {
            rewriter = rewriter.with_task_ids(Some(self.task_ids()));
        }
        let text = match shallow.result.filter(|_| crosses_back) {
            Some(result) => {
                let mut splice = Splice::new(text);
                splice.replace(result.get(), without(result.get(), &MODERN_FIELDS));
                rewriter.push(&splice.finish())
            }
            None if self.tasks == About::Tasks => {
                let (handles, install) = (self.forward.handles(), self.forward.install());
                let result = shallow.result.map_or("", RawValue::get);
                rewriter.push(&handles.paged(&self.forward.snapshot(), install, text, result))
            }
            None => rewriter.push(message),
        };
        Ok(Translated::Piece(Piece::Response { status: StatusCode::OK, text: text.into() }))
    }

    /// An error of the server; codes mean in their own era alone what they mean there.
    fn error(&self, text: &str, error: &RawValue) -> Result<Piece, UpstreamError> {
        let raw = serde_json::from_str::<ErrorCode<'_>>(error.get()).ok().map(|error| error.code.get());
        let code = raw.and_then(|raw| raw.parse::<i64>().ok());
        let mut status = StatusCode::OK;
        let mut splice = Splice::new(text);
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
        let text = self.plain_rewriter().push(&splice.finish()).into();
        Ok(Piece::Response { status, text })
    }

    /// Whether this is a log message that a modern caller has not asked for: older servers send them unasked.
    fn is_unwanted_log(&self, method: &RawValue, params: Option<&RawValue>) -> bool {
        let crosses = self.forward.era() == CallerEra::Modern && self.upstream_era == Era::Legacy;
        if !crosses || serde_json::from_str::<String>(method.get()).ok().as_deref() != Some(LOG_MESSAGE) {
            return false;
        }
        let level = params.and_then(|params| serde_json::from_str::<LogMessage>(params.get()).ok());
        let level = level.map(|message| message.level).unwrap_or_default();
        self.forward.log_level().is_none_or(|least| !log_level::is_wanted(&level, least))
    }

    /// A notice about a task names it as its caller knows it.
    fn with_task_ids(&self, method: &RawValue, params: Option<&RawValue>, notice: Bytes) -> Bytes {
        let is_of_task = method.get().starts_with(TASK_NOTICES)
            || params.is_some_and(|params| params.get().contains(RELATED));
        if !is_of_task || !self.is_of_one_era() {
            return notice;
        }
        self.task_ids().push(&notice).into()
    }

    /// Progress is told under the caller's own token; everything else stays.
    fn notification(&self, text: &str, message: &Bytes, params: Option<&RawValue>) -> Bytes {
        let progress = params.and_then(|params| serde_json::from_str::<Progress<'_>>(params.get()).ok());
        let ours = self.id.to_string();
        let token = progress.and_then(|progress| progress.token).filter(|token| token.get() == ours);
        let (Some(token), Some(callers)) = (token, self.forward.progress_token()) else {
            return message.clone();
        };
        let mut splice = Splice::new(text);
        splice.replace(token.get(), callers);
        splice.finish()
    }
}

/// Whether a `resultType`, raw, says that this is no result yet.
fn is_no_result(kind: &str) -> bool {
    kind != r#""complete""#
}
