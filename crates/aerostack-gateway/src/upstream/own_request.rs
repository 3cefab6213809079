//! What the gateway asks a server in a session on its own account, beside callers' requests: to tell of
//! updates, and which log messages to send.

use std::sync::PoisonError;

use bytes::Bytes;
use http::HeaderMap;

use super::answer::{Errors, Expect, Questions};
use super::aside::ASIDE_TIMEOUT;
use super::error::UpstreamError;
use super::message::{self, RpcError};
use super::session::{SendError, Session};
use super::target::Era;
use crate::http::sse::Oversize;

/// Largest answer to such a request.
const ANSWER_LIMIT_BYTES: usize = 64 * 1_024;

impl Session {
    /// Asks something of the gateway's own and waits for the answer, bounded in time.
    ///
    /// # Errors
    /// Why there is none, or that it is an error.
    pub(super) async fn ask(&self, body: Bytes, id: u64) -> Result<(), String> {
        let expect = Expect {
            id,
            idle: ASIDE_TIMEOUT,
            whole_bytes: ANSWER_LIMIT_BYTES,
            oversize: Oversize::Refuse,
            errors: Errors::OfItsId,
            questions: Questions::Refused,
        };
        let asking = async {
            let begun = self.send(HeaderMap::new(), body, expect).await.map_err(SendError::into_error)?;
            begun.frames.response(expect).await
        };
        let answer = tokio::time::timeout(ASIDE_TIMEOUT, asking).await.map_err(|_| "no answer".to_owned())?;
        let refused = answer.and_then(|answer| match RpcError::within(&answer) {
            Some(error) => Err(UpstreamError::BadAnswer(error.to_string())),
            None => Ok(()),
        });
        refused.map_err(|error| self.endpoint().masked(error).to_string())
    }

    /// Lets a legacy server that keeps state send log messages of this level and above, before the next
    /// request. One that refuses sends what it likes.
    pub(super) async fn set_log_level(&self, level: &'static str, id: u64) {
        let can = self.era() == Era::Legacy && self.has_state() && self.about.declared.more.logging;
        let before = || self.log_level.lock().unwrap_or_else(PoisonError::into_inner).replace(level);
        if can
            && before() != Some(level)
            && let Err(reason) = self.ask(message::set_level(id, level), id).await
        {
            tracing::debug!(reason, "a level of log messages was not taken");
        }
    }
}
