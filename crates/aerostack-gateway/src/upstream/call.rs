//! One call: a session, a write, the beginning of an answer.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;

use super::answer::{Errors, Expect};
use super::begun::Begun;
use super::error::UpstreamError;
use super::frame::Reply;
use super::pool::{Pool, Repeat};
use super::session::{Lease, SendError, Session};
use super::target::{Caller, Outgoing};
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
    permit: OwnedSemaphorePermit,
    whole_bytes: usize,
) -> Result<Reply, UpstreamError> {
    let mut may_repeat = true;
    loop {
        // Not even a session is made for those who may not use it.
        if !request.may_be_sent() {
            return Err(UpstreamError::AccessEnded);
        }
        let lease = pool.lease(caller).await?;
        let expect = Expect {
            id: pool.connector().next_id(),
            idle: lease.session().endpoint().idle(),
            whole_bytes,
            oversize: Oversize::Pieces,
            errors: Errors::OfItsId,
        };
        let error = match send(lease.session(), request, expect).await {
            Ok(begun) => return Ok(reply(begun, expect.id, lease, permit)),
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

fn reply(begun: Begun, id: u64, lease: Lease, permit: OwnedSemaphorePermit) -> Reply {
    let Begun { framing, frames } = begun;
    let (era, cancel) = (lease.session().era(), lease.session().canceller(id));
    let held = (frames, lease, permit);
    let frames = futures_util::stream::unfold(held, |(mut frames, lease, permit)| async {
        let frame = frames.next().await?;
        Some((frame, (frames, lease, permit)))
    });
    Reply { framing, id, era, frames: Box::pin(frames), cancel }
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
        let Some(cancel) = session.canceller(id).0 else {
            return;
        };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(cancel);
        }
    }
}
