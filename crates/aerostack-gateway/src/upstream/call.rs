//! One call: a session, a write, the beginning of an answer, and the rest of it.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;

use super::answer::{Errors, Expect, Questions};
use super::begun::{self, Begun};
use super::credential::Credential;
use super::error::UpstreamError;
use super::frame::{Canceller, Frame, Reply, Whole};
use super::lease::Lease;
use super::message::RpcError;
use super::pool::{Pool, Repeat};
use super::session::{SendError, Session};
use super::target::{Caller, Era, Outgoing};
use crate::config::Limits;
use crate::http::sse::Oversize;

/// Sends a request, once more where the server has not looked at it: its session had ended, or it
/// speaks another revision than it did.
///
/// # Errors
/// [`UpstreamError`] when no answer begins.
pub(super) async fn call(
    pool: &Arc<Pool>,
    caller: &Caller,
    request: &dyn Outgoing,
    (permit, credential): (OwnedSemaphorePermit, &Credential),
    limits: &Limits,
) -> Result<Reply, UpstreamError> {
    let mut may_repeat = true;
    loop {
        // Not even a session is made for those who may not use it.
        if !request.may_be_sent() {
            return Err(UpstreamError::AccessEnded);
        }
        let lease = pool.lease(caller).await?;
        if request.is_repeat() && lease.session().era() == Era::Legacy {
            return Err(UpstreamError::NothingAsked);
        }
        // In a session of several callers one would choose for all.
        if let Some(level) = request.log_level().filter(|_| pool.is_per_caller() && request.may_be_sent()) {
            Box::pin(lease.session().set_log_level(level, pool.connector().next_id())).await;
        }
        let expect = Expect {
            id: pool.connector().next_id(),
            idle: lease.session().endpoint().idle(),
            whole_bytes: limits.whole_answer_bytes,
            oversize: Oversize::Pieces,
            errors: Errors::OfItsId,
            questions: Questions::HandedOn,
        };
        let error = match send(lease.session(), request, expect).await {
            Ok(begun) => {
                let held = Held {
                    frames: begun.frames,
                    left_bytes: limits.answer_limit_bytes,
                    credential: credential.clone(),
                    lease,
                    _permit: permit,
                };
                let (id, era) = (expect.id, held.era());
                // Modern servers see it.
                let told = (era == Era::Legacy).then(|| (Arc::clone(held.lease.session()), id));
                let cancel = Canceller(told);
                let frames = Frames(Source::Coming(Box::new(held)));
                return Ok(Reply { framing: begun.framing, id, era, frames, cancel });
            }
            Err(error) => error,
        };
        if pool.learn(lease.session(), &error) == Repeat::Senseless || !std::mem::take(&mut may_repeat) {
            return Err(error.into_error());
        }
    }
}

async fn send(session: &Arc<Session>, request: &dyn Outgoing, expect: Expect) -> Result<Begun, SendError> {
    let era = session.era();
    let (headers, body) = (request.headers(era), request.body(era, expect.id));
    if !request.may_be_sent() {
        return Err(SendError::Failed(UpstreamError::AccessEnded));
    }
    let mut abandoned = Abandoned { request, waiting: Some((session, expect.id)) };
    let sent = session.send(headers, body, expect).await;
    abandoned.waiting = None;
    sent
}

/// The frames of an answer, without what its server must not repeat.
pub struct Frames(Source);

enum Source {
    Coming(Box<Held>),
    /// It was all there.
    Given(Whole),
    Over,
}

/// What an answer needs until its end.
struct Held {
    frames: begun::Frames,
    /// How much more of it is taken.
    left_bytes: usize,
    /// What its server must not repeat in errors.
    credential: Credential,
    lease: Lease,
    _permit: OwnedSemaphorePermit,
}

impl Held {
    async fn next(&mut self) -> Option<Result<Frame, UpstreamError>> {
        let frame = match self.frames.next().await? {
            Ok(frame) => frame,
            error @ Err(_) => return Some(error),
        };
        let bytes = match &frame {
            // Whatever its status: the revision demands 400, where it is noticed before.
            Frame::Whole(whole) if self.era() == Era::Modern && RpcError::refuses_headers(whole) => {
                return Some(Err(UpstreamError::HeadersRefused));
            }
            Frame::Whole(whole) => whole.text.len(),
            Frame::Begin(bytes) | Frame::More(bytes) => bytes.len(),
            Frame::End => 0,
            Frame::Question(question) => question.message().len(),
        };
        let Some(left_bytes) = self.left_bytes.checked_sub(bytes) else {
            return Some(Err(UpstreamError::BadAnswer("the answer is larger than may be passed on".into())));
        };
        self.left_bytes = left_bytes;
        Some(Ok(frame))
    }

    fn era(&self) -> Era {
        self.lease.session().era()
    }
}

impl Frames {
    /// An answer that is there as a whole.
    pub(super) const fn given(whole: Whole) -> Self {
        Self(Source::Given(whole))
    }

    /// The next frame.
    ///
    /// *Cancellation*: dropped while waiting, it loses nothing.
    pub async fn next(&mut self) -> Option<Result<Frame, UpstreamError>> {
        let error = match &mut self.0 {
            Source::Coming(held) => match held.next().await? {
                Ok(frame) => return Some(Ok(held.credential.mask_frame(frame))),
                Err(error) => error.map_text(|text| held.credential.mask(text)),
            },
            Source::Given(_) | Source::Over => {
                let Source::Given(whole) = std::mem::replace(&mut self.0, Source::Over) else { return None };
                return Some(Ok(Frame::Whole(whole)));
            }
        };
        self.0 = Source::Over;
        Some(Err(error))
    }
}

/// Tells a legacy server when a request is abandoned before its answer began.
struct Abandoned<'a> {
    request: &'a dyn Outgoing,
    waiting: Option<(&'a Arc<Session>, u64)>,
}

impl Drop for Abandoned<'_> {
    fn drop(&mut self) {
        let Some((session, id)) = self.waiting.filter(|_| self.request.cancel_on_drop()) else {
            return;
        };
        if let Some(cancelling) = Arc::clone(session).cancelling(id)
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(cancelling);
        }
    }
}
