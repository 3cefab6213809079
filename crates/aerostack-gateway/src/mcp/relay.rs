//! `tools/call`: to the server and back.
//!
//! A call outlives its caller's connection in the legacy era and is taken back by it in the modern one.
//! When access ends, every call is taken back.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::answer::{Answer, Piece};
use super::error::Refusal;
use super::forward::Forward;
use super::in_flight::CallEntry;
use super::revision::CallerEra;
use super::translate::Translator;
use crate::app::App;
use crate::grants::Grant;
use crate::jsonrpc::{Request, ResponseRewriter, Structured};
use crate::upstream::frame::{Canceller, Framing};
use crate::upstream::{Caller, Client, Era, Frame, Reply, UpstreamError};
use bytes::Bytes;
use futures_util::StreamExt;
use http::HeaderMap;

/// Finds where a call goes, sends it, and gives its answer once that has begun.
///
/// # Errors
/// A [`Refusal`] when the tool is unknown or its server does not begin to answer.
pub async fn call(
    app: &Arc<App>,
    grant: &Arc<Grant>,
    body: &Bytes,
    request: &Request<'_>,
    era: CallerEra,
    headers: &HeaderMap,
    entry: Option<CallEntry>,
) -> Result<Answer, Refusal> {
    let snapshot = grant.workspace.snapshot();
    let exposed = request.params.as_ref().and_then(|params| params.string("name"));
    let exposed = exposed.ok_or_else(|| Refusal::InvalidParams {
        message: "Invalid params: name must be a string".to_owned(),
        bad_request: false,
    })?;
    let route = snapshot.route(&exposed).ok_or_else(|| Refusal::UnknownTool(exposed.to_string()))?;
    let forward = Arc::new(Forward::new(body, request, era, &route, headers, grant, &app.clock)?);
    let server = route.install.install.slug.to_string();
    let mut pending = Pending::begin(app, grant, &route.install.client, Arc::clone(&forward), era);
    let cancelled = async {
        match &entry {
            Some(entry) => entry.cancelled.cancelled().await,
            None => std::future::pending().await,
        }
    };
    let reply = tokio::select! {
        reply = &mut pending => reply,
        () = cancelled => {
            pending.take_back();
            return Err(Refusal::Cancelled);
        }
    };
    let reply = reply.map_err(|error| Refusal::Upstream { server: server.clone(), error })?;
    let may_be_odd =
        reply.era == Era::Modern || route.entry.is_some_and(|tool| tool.legacy_definition.is_some());
    let crosses_back = era == CallerEra::Legacy;
    let structured = if crosses_back && may_be_odd { Structured::Wrapped } else { Structured::AsItIs };
    Ok(Answer::Call(Box::new(CallStream {
        framing: reply.framing,
        translator: Translator {
            forward,
            caller_era: era,
            upstream_era: reply.era,
            id: reply.id,
            structured,
            server,
        },
        frames: Some(reply.frames),
        cancel: Some(reply.cancel),
        large: None,
        entry,
        app: Arc::clone(app),
        grant: Arc::clone(grant),
    })))
}

type Pinned = Pin<Box<dyn Future<Output = Result<Reply, UpstreamError>> + Send>>;
type Frames = Pin<Box<dyn futures_util::Stream<Item = Result<Frame, UpstreamError>> + Send>>;

/// A call whose answer has not begun. Dropped, it goes on behind if it outlives its caller.
struct Pending {
    future: Option<Pinned>,
    forward: Arc<Forward>,
    outlives_caller: bool,
    app: Arc<App>,
    grant: Arc<Grant>,
}

impl Pending {
    fn begin(
        app: &Arc<App>,
        grant: &Arc<Grant>,
        client: &Arc<Client>,
        forward: Arc<Forward>,
        era: CallerEra,
    ) -> Self {
        let (client, caller) = (Arc::clone(client), Caller::Token(grant.token.clone()));
        let sent = Arc::clone(&forward);
        let future: Pinned = Box::pin(async move { client.call(&caller, sent.as_ref()).await });
        let outlives_caller = era == CallerEra::Legacy;
        Self {
            future: Some(future),
            forward,
            outlives_caller,
            app: Arc::clone(app),
            grant: Arc::clone(grant),
        }
    }

    fn take_back(&mut self) {
        self.forward.take_back();
        self.outlives_caller = false;
        self.future = None;
    }
}

impl Future for Pending {
    type Output = Result<Reply, UpstreamError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(future) = self.future.as_mut() else {
            return Poll::Pending;
        };
        let result = std::task::ready!(future.as_mut().poll(context));
        self.future = None;
        Poll::Ready(result)
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let Some(future) = self.future.take() else { return };
        if self.outlives_caller && self.grant.is_live(self.app.clock.now()) {
            finish_behind(&self.app, &self.grant, async move {
                if let Ok(reply) = future.await {
                    drain(reply.frames).await;
                }
            });
        }
    }
}

/// Lets something end in the background, until access ends or the gateway stops.
fn finish_behind(app: &Arc<App>, grant: &Arc<Grant>, work: impl Future<Output = ()> + Send + 'static) {
    let (task_app, grant) = (Arc::clone(app), Arc::clone(grant));
    if tokio::runtime::Handle::try_current().is_err() {
        return;
    }
    app.tasks.spawn(async move {
        tokio::select! {
            () = work => {}
            () = grant.until_ended(&task_app.clock) => {}
            () = task_app.stopping.cancelled() => {}
        }
    });
}

async fn drain(mut frames: Frames) {
    while let Some(Ok(_)) = frames.next().await {}
}

/// The answer to a call, message by message, with the caller's ids.
pub struct CallStream {
    /// How the server chose to answer.
    pub framing: Framing,
    translator: Translator,
    frames: Option<Frames>,
    cancel: Option<Canceller>,
    large: Option<ResponseRewriter>,
    entry: Option<CallEntry>,
    app: Arc<App>,
    grant: Arc<Grant>,
}

impl CallStream {
    /// Whether a large message has begun and not ended.
    #[must_use]
    pub const fn is_within_message(&self) -> bool {
        self.large.is_some()
    }

    /// The slug of the server that answers.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.translator.server
    }

    /// The next piece; `None` after the last.
    ///
    /// *Cancellation*: dropped while waiting, it loses nothing.
    pub async fn next(&mut self) -> Option<Piece> {
        loop {
            let frames = self.frames.as_mut()?;
            let cancelled = async {
                match &self.entry {
                    Some(entry) => entry.cancelled.cancelled().await,
                    None => std::future::pending().await,
                }
            };
            let frame = tokio::select! {
                frame = frames.next() => frame,
                () = cancelled => {
                    self.take_back();
                    return Some(self.failed(&Refusal::Cancelled));
                }
            };
            if let Some(piece) = self.accept(frame) {
                return Some(piece);
            }
        }
    }

    /// The refusal of a stream that has lost its caller's access, or a fault, as its last piece.
    fn failed(&mut self, refusal: &Refusal) -> Piece {
        self.frames = None;
        if self.large.is_some() {
            return Piece::Broken;
        }
        let text = refusal.message(Some(self.translator.forward.id()));
        Piece::Response { status: refusal.status(), text: text.into() }
    }

    fn accept(&mut self, frame: Option<Result<Frame, UpstreamError>>) -> Option<Piece> {
        let bad = |text: &str| UpstreamError::BadAnswer(text.to_owned());
        match frame {
            None => Some(self.upstream_failed(bad("the answer ended without a response"))),
            Some(Err(error)) => Some(self.upstream_failed(error)),
            Some(Ok(Frame::Whole(message))) => Some(self.whole(&message)),
            Some(Ok(Frame::Begin(piece))) => {
                let mut rewriter = self.translator.rewriter(self.translator.upstream_era == Era::Legacy);
                let begun = rewriter.push(&piece);
                self.large = Some(rewriter);
                Some(Piece::Begin(begun.into()))
            }
            Some(Ok(Frame::More(piece))) => Some(Piece::More(self.large.as_mut()?.push(&piece).into())),
            Some(Ok(Frame::End)) => {
                let met = self.large.take()?.met();
                if met.id == met.method || !met.complete {
                    self.frames = None;
                    return Some(Piece::Broken);
                }
                if met.id {
                    self.frames = None;
                }
                Some(Piece::End { is_response: met.id })
            }
        }
    }

    fn upstream_failed(&mut self, error: UpstreamError) -> Piece {
        let server = self.translator.server.clone();
        tracing::debug!(%error, server, "a call failed midway");
        self.failed(&Refusal::Upstream { server, error })
    }

    fn whole(&mut self, message: &Bytes) -> Piece {
        match self.translator.translate(message) {
            Ok(piece) => {
                if matches!(piece, Piece::Response { .. }) {
                    self.frames = None;
                }
                piece
            }
            Err(error) => self.upstream_failed(error),
        }
    }

    fn take_back(&mut self) {
        self.frames = None;
        if let Some(cancel) = self.cancel.take().and_then(|cancel| cancel.0)
            && tokio::runtime::Handle::try_current().is_ok()
        {
            self.app.tasks.spawn(cancel);
        }
    }
}

impl Drop for CallStream {
    fn drop(&mut self) {
        let Some(frames) = self.frames.take() else { return };
        let outlives_caller = self.translator.caller_era == CallerEra::Legacy;
        if outlives_caller && self.grant.is_live(self.app.clock.now()) {
            finish_behind(&self.app, &self.grant, drain(frames));
        } else {
            drop(frames);
            self.take_back();
        }
    }
}
