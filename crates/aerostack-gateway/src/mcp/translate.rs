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
use super::revision::CallerEra;
use crate::jsonrpc::{ResponseRewriter, Splice, Structured};
use crate::upstream::{Era, UpstreamError};

/// What modern clients demand of every result and legacy servers do not send.
const RESULT_TYPE: &str = r#""resultType":"complete""#;

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
struct ErrorCode {
    code: i64,
}

#[derive(Deserialize)]
struct Progress<'a> {
    #[serde(borrow, rename = "progressToken")]
    token: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct ResultFields<'a> {
    #[serde(borrow, rename = "resultType")]
    kind: Option<&'a RawValue>,
}

impl Translator {
    /// The rewriter of one response.
    #[must_use]
    pub fn rewriter(&self, lacks_result_type: bool) -> ResponseRewriter {
        let insert = self.forward.era() == CallerEra::Modern && lacks_result_type;
        let fields = insert.then(|| RESULT_TYPE.to_owned());
        ResponseRewriter::new(self.forward.id().to_owned(), fields, self.structured)
    }

    /// Gives a whole message the form the caller is to see.
    ///
    /// # Errors
    /// [`UpstreamError::BadAnswer`] when it is no message, one about our own revision, or a question
    /// to a caller who cannot be asked.
    pub fn translate(&self, message: &Bytes) -> Result<Piece, UpstreamError> {
        let bad = || UpstreamError::BadAnswer("not a JSON-RPC message".to_owned());
        let text = std::str::from_utf8(message).map_err(|_| bad())?;
        let shallow: Shallow<'_> = serde_json::from_str(text).map_err(|_| bad())?;
        if shallow.method.is_some() {
            return Ok(Piece::Notification(self.notification(text, message, shallow.params)));
        }
        let code = shallow.error.and_then(|error| serde_json::from_str::<ErrorCode>(error.get()).ok());
        let caller_era = self.forward.era();
        // The codes mean this in the modern era alone.
        match code.map(|error| error.code).filter(|_| self.upstream_era == Era::Modern) {
            // About our own revision: not the caller's business.
            Some(-32022) => return Err(UpstreamError::BadAnswer("refused our revision".to_owned())),
            Some(-32021) if caller_era == CallerEra::Modern => {
                let text = self.rewriter(false).push(message).into();
                return Ok(Piece::Response { status: StatusCode::BAD_REQUEST, text });
            }
            _ => {}
        }
        let fields =
            shallow.result.and_then(|result| serde_json::from_str::<ResultFields<'_>>(result.get()).ok());
        let kind = fields.and_then(|fields| fields.kind).map(RawValue::get);
        // Nothing was declared that could be asked for, and older clients would take it for an empty result.
        if caller_era == CallerEra::Legacy
            && self.upstream_era == Era::Modern
            && kind.is_some_and(is_no_result)
        {
            return Err(UpstreamError::BadAnswer("wants input that the caller cannot give".to_owned()));
        }
        let text = self.rewriter(kind.is_none()).push(message).into();
        Ok(Piece::Response { status: StatusCode::OK, text })
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
