//! Calls that go on without their caller: a legacy client that hangs up has not cancelled anything.
//!
//! Such a call ends with its answer, which nobody reads, or is taken back: by its caller, who may still
//! send `notifications/cancelled`, with its token, or when its time is over.

use super::in_flight::{self, CallEntry};
use super::question::CallQuestions;
use super::underway::Underway;

/// Lets a call go on in a task of its own, until it ends, is taken back, or the gateway stops.
pub(super) fn go_on(mut underway: Underway, entry: Option<CallEntry>, questions: CallQuestions) {
    if tokio::runtime::Handle::try_current().is_err() {
        return;
    }
    let (app, grant) = (underway.sending.app.clone(), underway.sending.grant.clone());
    let tasks = app.tasks.clone();
    tasks.spawn(async move {
        // What the caller was asked before it may still answer.
        let _questions = questions;
        let reason = tokio::select! {
            () = drain(&mut underway) => return,
            () = app.stopping.cancelled() => return,
            () = in_flight::cancelled(entry.as_ref()) => "its caller",
            () = grant.until_ended(&app.clock) => "the end of its token",
            () = tokio::time::sleep(app.config.limits.abandoned_call_timeout) => "its time limit",
        };
        tracing::debug!(
            server = underway.sending.server(),
            by = reason,
            "a call without caller is taken back"
        );
        underway.take_back();
    });
}

async fn drain(underway: &mut Underway) {
    while let Some(Ok(_)) = underway.next().await {}
}
