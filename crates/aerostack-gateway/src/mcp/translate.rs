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
    /// The caller's era.
    pub caller_era: CallerEra,
    /// The server's era.
    pub upstream_era: Era,
    /// The id the call has towards the server.
    pub id: u64,
    /// What becomes of structured content that is no object.
    pub structured: Structured,
    /// The server's slug.
    pub server: String,
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
        let insert = self.caller_era == CallerEra::Modern && lacks_result_type;
        let fields = insert.then(|| RESULT_TYPE.to_owned());
        ResponseRewriter::new(self.forward.id().to_owned(), fields, self.structured)
    }

    /// Gives a whole message the form the caller is to see.
    ///
    /// # Errors
    /// [`UpstreamError::BadAnswer`] when it is no message, or one about our own headers.
    pub fn translate(&self, message: &Bytes) -> Result<Piece, UpstreamError> {
        let bad = || UpstreamError::BadAnswer("not a JSON-RPC message".to_owned());
        let text = std::str::from_utf8(message).map_err(|_| bad())?;
        let shallow: Shallow<'_> = serde_json::from_str(text).map_err(|_| bad())?;
        if shallow.method.is_some() {
            return Ok(Piece::Notification(self.notification(text, message, shallow.params)));
        }
        let code = shallow.error.and_then(|error| serde_json::from_str::<ErrorCode>(error.get()).ok());
        match code.map(|error| error.code) {
            // About our own headers and revision: not the caller's business.
            Some(-32020 | -32022) => return Err(UpstreamError::BadAnswer("refused our headers".to_owned())),
            Some(-32021) if self.caller_era == CallerEra::Modern => {
                let text = self.rewriter(false).push(message).into();
                return Ok(Piece::Response { status: StatusCode::BAD_REQUEST, text });
            }
            _ => {}
        }
        let fields =
            shallow.result.and_then(|result| serde_json::from_str::<ResultFields<'_>>(result.get()).ok());
        let lacks_type = fields.as_ref().is_none_or(|fields| fields.kind.is_none());
        Ok(Piece::Response { status: StatusCode::OK, text: self.rewriter(lacks_type).push(message).into() })
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
