//! A call on its way to its server: sent, and sent once more where the server refused headers that were
//! out of date; then what comes back, frame by frame.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::error::Refusal;
use super::forward::Forward;
use super::parked;
use super::record::CallRecord;
use super::revision::CallerEra;
use super::rewriter::Origin;
use super::translate::{About, Translator};
use crate::app::App;
use crate::grants::Grant;
use crate::jsonrpc::Structured;
use crate::snapshot::{CountedTool, Route, Subject};
use crate::upstream::{Caller, Canceller, Client, Era, Frame, Frames, Framing, Reply, UpstreamError};

/// Time that a new list may need beside the asking: its turn among others, and being written.
const LIST_SETTLES_WITHIN: Duration = Duration::from_secs(2);

/// A call, what is sent, and where.
pub(super) struct Sending {
    /// The hall.
    pub app: Arc<App>,
    /// Who calls.
    pub grant: Arc<Grant>,
    /// What is sent.
    pub forward: Arc<Forward>,
    /// What it is counted as.
    counted: Arc<CountedTool>,
    subject: Subject,
    /// Whose sessions its server sees.
    caller: Caller,
    client: Arc<Client>,
    /// Whose URIs may lead elsewhere, if they may.
    origin: Option<Origin>,
    /// Whether older clients are shown another definition of the tool than newer ones.
    has_legacy_definition: bool,
}

impl Sending {
    /// Finds where a request for `subject` goes and lets `prepare` write it.
    ///
    /// # Errors
    /// The [`Refusal`] of what is unknown, or what `prepare` refuses.
    pub(super) fn prepare(
        app: &Arc<App>,
        grant: &Arc<Grant>,
        subject: &Subject,
        era: CallerEra,
        caller: Caller,
        prepare: impl FnOnce(&Route<'_>) -> Result<Forward, Refusal>,
    ) -> Result<Self, Refusal> {
        let snapshot = grant.workspace.snapshot();
        let route = snapshot.route(subject).ok_or_else(|| Refusal::unknown(subject, era))?;
        let may_lead_elsewhere = snapshot.may_lead_elsewhere(route.install);
        let origin = || Origin { snapshot: Arc::clone(&snapshot), install: route.install.install.id.clone() };
        Ok(Self {
            origin: may_lead_elsewhere.then(origin),
            app: Arc::clone(app),
            grant: Arc::clone(grant),
            forward: Arc::new(prepare(&route)?),
            counted: Arc::clone(route.counted()),
            subject: subject.clone(),
            caller,
            client: Arc::clone(&route.install.client),
            has_legacy_definition: route.tool.is_some_and(|tool| tool.definition.legacy_form.is_some()),
        })
    }

    /// The same with another request.
    fn with(&self, forward: Forward) -> Self {
        Self {
            app: Arc::clone(&self.app),
            grant: Arc::clone(&self.grant),
            forward: Arc::new(forward),
            counted: Arc::clone(&self.counted),
            subject: self.subject.clone(),
            caller: self.caller.clone(),
            client: Arc::clone(&self.client),
            origin: self.origin.clone(),
            has_legacy_definition: self.has_legacy_definition,
        }
    }

    /// The server's slug.
    pub(super) fn server(&self) -> &str {
        &self.counted.server
    }

    /// What is asked for, without its arguments.
    pub(super) fn purpose(&self) -> String {
        parked::purpose(self.forward.method(), &self.subject)
    }

    fn refusal(&self, error: UpstreamError) -> Refusal {
        Refusal::Upstream { server: self.server().to_owned(), error }
    }

    async fn send(self: Arc<Self>) -> Result<Begun, Refusal> {
        match self.client.call(&self.caller, self.forward.as_ref()).await {
            Ok(reply) => Ok(self.begun(reply)),
            Err(UpstreamError::AccessEnded | UpstreamError::Unreachable(_)) if !self.forward.is_offered() => {
                Err(Refusal::unknown(&self.subject, self.forward.era()))
            }
            // The token is accepted; only the gateway is not certain to be the one that may.
            Err(UpstreamError::AccessEnded) if self.grant.is_live_by(&self.app.clock) => {
                Err(Refusal::Draining)
            }
            // Whoever waits for this watches the grant as well, and ends the answer in its own form.
            Err(UpstreamError::AccessEnded) => std::future::pending().await,
            Err(error) => Err(self.refusal(error)),
        }
    }

    /// Sends the call once more, as the server's tools are by now.
    async fn send_anew(self: Arc<Self>) -> Result<Begun, Refusal> {
        self.client.list_again(self.app.config.limits.list_timeout + LIST_SETTLES_WITHIN).await;
        let prepare = |route: &Route<'_>| self.forward.anew(route);
        let (era, caller) = (self.forward.era(), self.caller.clone());
        let anew = Self::prepare(&self.app, &self.grant, &self.subject, era, caller, prepare)?;
        Arc::new(anew).send().await
    }

    fn begun(&self, reply: Reply) -> Begun {
        let Reply { framing, id, era, frames, cancel } = reply;
        let crosses_back =
            self.forward.era() == CallerEra::Legacy && matches!(self.subject, Subject::Tool(_));
        let may_be_odd = era == Era::Modern || self.has_legacy_definition;
        let structured = if crosses_back && may_be_odd { Structured::Wrapped } else { Structured::AsItIs };
        let forward = Arc::clone(&self.forward);
        Begun {
            translator: Translator {
                forward,
                upstream_era: era,
                id,
                structured,
                is_cached: matches!(self.subject, Subject::Resource(_)),
                tasks: match self.subject {
                    Subject::Task(_) => About::Task,
                    Subject::Tasks(_) => About::Tasks,
                    _ => About::Anything,
                },
                origin: self.origin.clone(),
            },
            framing,
            frames,
            cancel,
        }
    }
}

type Waiting = Pin<Box<dyn Future<Output = Result<Begun, Refusal>> + Send>>;

/// An answer that has begun.
pub(super) struct Begun {
    /// Gives its messages the form the caller is to see.
    pub translator: Translator,
    /// How the server chose to answer.
    pub framing: Framing,
    frames: Frames,
    cancel: Canceller,
}

/// A call under way. Dropped, it closes what belongs to it alone; see [`Underway::take_back`].
pub(super) struct Underway {
    /// What was sent at first.
    pub sending: Arc<Sending>,
    stage: Stage,
    may_repeat: bool,
    /// Of calls of tools.
    record: Option<CallRecord>,
}

enum Stage {
    /// Its answer has not begun.
    Waiting(Waiting),
    /// Its answer comes.
    Coming(Box<Begun>),
    /// Nothing follows.
    Over,
}

impl Underway {
    /// Begins a request. Nothing happens until its frames are asked for.
    #[must_use]
    pub(super) fn begin(sending: Sending, record: Option<CallRecord>) -> Self {
        let sending = Arc::new(sending);
        let stage = Stage::Waiting(Box::pin(Arc::clone(&sending).send()));
        Self { sending, stage, may_repeat: true, record }
    }

    /// The answer, once it has begun.
    #[must_use]
    pub(super) fn begun(&self) -> Option<&Begun> {
        match &self.stage {
            Stage::Coming(begun) => Some(begun),
            Stage::Waiting(_) | Stage::Over => None,
        }
    }

    /// The next frame; after a refusal, or the response, nothing follows.
    ///
    /// *Cancellation*: dropped while waiting, it loses nothing.
    pub(super) async fn next(&mut self) -> Option<Result<Frame, Refusal>> {
        self.notes(CallRecord::asks);
        loop {
            let error = match &mut self.stage {
                Stage::Over => return None,
                Stage::Waiting(answer) => match answer.await {
                    Ok(begun) => {
                        self.stage = Stage::Coming(Box::new(begun));
                        continue;
                    }
                    Err(refusal) => refusal,
                },
                Stage::Coming(begun) => match begun.frames.next().await {
                    None => {
                        self.notes(CallRecord::ends);
                        return None;
                    }
                    Some(Ok(frame)) => {
                        self.notes(|record| record.sees(&frame));
                        self.may_repeat = false;
                        return Some(Ok(frame));
                    }
                    Some(Err(error)) => self.sending.refusal(error),
                },
            };
            if !self.repeats_after(&error) {
                self.notes(|record| record.fails(&error));
                self.stage = Stage::Over;
                return Some(Err(error));
            }
        }
    }

    /// Notes that its answer is of no use.
    pub(super) fn fails(&mut self, refusal: &Refusal) {
        self.notes(|record| record.fails(refusal));
    }

    fn notes(&mut self, note: impl FnOnce(&mut CallRecord)) {
        if let Some(record) = &mut self.record {
            note(record);
        }
    }

    /// Sends the call once more if the server refused its headers: that it refused says that it has not
    /// acted, so nothing is done twice. Nothing of an answer has been handed on by then.
    fn repeats_after(&mut self, refusal: &Refusal) -> bool {
        let is_out_of_date =
            matches!(refusal, Refusal::Upstream { error: UpstreamError::HeadersRefused, .. });
        if !is_out_of_date || !std::mem::take(&mut self.may_repeat) {
            return false;
        }
        self.stage = Stage::Waiting(Box::pin(Arc::clone(&self.sending).send_anew()));
        true
    }

    /// Sends the call once more, now that what its server wanted to know is known.
    pub(super) fn repeat_with(&mut self, fields: String) {
        self.sending = Arc::new(self.sending.with(self.sending.forward.repeated_with(fields)));
        self.stage = Stage::Waiting(Box::pin(Arc::clone(&self.sending).send()));
        self.may_repeat = true;
    }

    /// Lets what comes from now on be the answer to another request of the same caller.
    pub(super) fn answers(&mut self, forward: &Arc<Forward>) {
        if let Stage::Coming(begun) = &mut self.stage {
            begun.translator.forward = Arc::clone(forward);
        }
    }

    /// Ends it, and lets the server know.
    pub(super) fn take_back(self) {
        self.sending.forward.take_back();
        let Stage::Coming(begun) = self.stage else { return };
        let Begun { frames, cancel, .. } = *begun;
        drop(frames);
        if tokio::runtime::Handle::try_current().is_ok()
            && let Some(cancelling) = cancel.begin()
        {
            self.sending.app.tasks.spawn(cancelling);
        }
    }
}
