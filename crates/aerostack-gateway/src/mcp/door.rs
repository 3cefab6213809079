//! The spine of a request from an editor: grant → body → limit → method → answer.
//!
//! Not one byte of the body is read before the grant is found, and while anything is under way the
//! grant is watched: when access ends, so does the request.

use std::sync::Arc;

use aerostack_core::bearer::{BEARER_MAX_LEN, TokenDigest, TokenKind, is_well_formed};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response, StatusCode};

use super::answer::Answer;
use super::dispatch::{self, InHand, Order};
use super::error::Refusal;
use super::legacy_post::query_session;
use super::legacy_sse::SseStreams;
use super::listen::Listening;
use super::reach::Reach;
use super::replay::Replays;
use super::resumable::{self, Terms};
use super::revision::{CallerEra, Legacy, era_of, is_modern_header, version_header};
use super::session::EndedSessions;
use super::streamable;
use crate::app::App;
use crate::grants::Grant;
use crate::http::body::{self, Body, RequestBody};
use crate::http::ending::Ending;
use crate::http::respond;
use crate::jsonrpc::Request as RpcRequest;
use crate::jsonrpc::message::{self, Message};
use crate::router::Edge;

/// The door, and what it remembers between requests.
#[derive(Default)]
pub struct Door {
    pub(super) in_hand: InHand,
    pub(super) ended: EndedSessions,
    pub(super) streams: SseStreams,
    replays: Arc<Replays>,
}

impl Door {
    /// Serves one request to a workspace's address.
    pub async fn serve(
        &self,
        app: &Arc<App>,
        slug: &str,
        edge: Edge,
        request: Request<impl RequestBody>,
    ) -> Response<Body> {
        let (parts, body) = request.into_parts();
        match admit(app, slug, &parts.headers) {
            None => Refusal::Unauthorized.answer(None),
            Some(grant) => tokio::select! {
                biased;
                () = grant.until_ended(&app.clock) => Refusal::Unauthorized.answer(None),
                response = self.serve_granted(app, &grant, edge, &parts, body) => {
                    response.map(|body| body.ending(end_of_access(app, grant)))
                }
            },
        }
    }

    async fn serve_granted(
        &self,
        app: &Arc<App>,
        grant: &Arc<Grant>,
        edge: Edge,
        parts: &Parts,
        body: impl RequestBody,
    ) -> Response<Body> {
        let served = match parts.method {
            Method::POST => return self.post(app, grant, edge, parts, body).await,
            Method::GET => self.get(app, grant, edge, parts),
            Method::DELETE => self.delete(app, grant, &parts.headers),
            _ => Err(Refusal::WrongMethod { allow: "GET, POST, DELETE" }),
        };
        served.unwrap_or_else(|refusal| refusal.answer(None))
    }

    /// A stream of notices, or the whole transport of 2024-11-05.
    fn get(
        &self,
        app: &Arc<App>,
        grant: &Arc<Grant>,
        edge: Edge,
        parts: &Parts,
    ) -> Result<Response<Body>, Refusal> {
        let headers = &parts.headers;
        if version_header(headers).is_some_and(is_modern_header) {
            return Err(Refusal::WrongMethod { allow: "POST" });
        }
        if !streamable::accepts_events(headers) {
            return Err(Refusal::NotAcceptable);
        }
        if edge == Edge::Sse && dispatch::session_header(headers).is_none() {
            app.recorder.used(grant, app.clock.now());
            return self.streams.open(app, grant, &address(app, parts.uri.path()));
        }
        let revision = dispatch::standing(app, grant, headers, &self.ended)?.revision;
        app.recorder.used(grant, app.clock.now());
        let session = dispatch::session_header(headers);
        let terms = Terms::of(&self.replays, session, revision);
        let last_event = resumable::last_event(headers);
        if let Some((terms, last_event)) = terms.zip(last_event)
            && let Some(reader) = resumable::resume(app, grant, terms, last_event)?
        {
            return Ok(streamable::resumed(app, grant, reader));
        }
        let mut listening = Listening::legacy(app, grant, session.unwrap_or_default())?;
        if last_event.is_some() {
            listening = listening.telling_all();
        }
        Ok(streamable::listen(app, grant, listening, terms))
    }

    fn delete(
        &self,
        app: &Arc<App>,
        grant: &Arc<Grant>,
        headers: &HeaderMap,
    ) -> Result<Response<Body>, Refusal> {
        if version_header(headers).is_some_and(is_modern_header) {
            return Err(Refusal::WrongMethod { allow: "POST" });
        }
        let Some(id) = dispatch::session_header(headers) else {
            return Err(Refusal::WrongMethod { allow: "GET, POST" });
        };
        dispatch::standing(app, grant, headers, &self.ended)?;
        self.ended.end(id);
        grant.wishes.end(id);
        self.replays.forget_session(&grant.token, id);
        app.upstreams.end_session(&grant.token, id);
        Ok(respond::empty(StatusCode::NO_CONTENT))
    }

    async fn post(
        &self,
        app: &Arc<App>,
        grant: &Arc<Grant>,
        edge: Edge,
        parts: &Parts,
        body: impl RequestBody,
    ) -> Response<Body> {
        if !is_json(&parts.headers) {
            return Refusal::WrongContentType.answer(None);
        }
        let limits = &app.config.limits;
        let room = app.budget.of(&grant.held);
        let bytes = match body::read(body, limits.body_limit_bytes, limits.body_timeout, room).await {
            Ok(bytes) => bytes,
            Err(error) => return Refusal::Unreadable(error).answer(None),
        };
        let parsed = message::read(&bytes, limits.json_depth);
        if let (Edge::Sse, Some(name), Ok(messages)) = (edge, query_session(parts), &parsed) {
            let posted = self.post_to_stream(app, grant, &parts.headers, (&bytes, messages), name);
            return posted.unwrap_or_else(|refusal| refusal.answer(None));
        }
        let message = match parsed {
            Ok(message::Body::Single(message)) => message,
            Ok(message::Body::Batch(items)) => {
                return Box::pin(self.batch(app, grant, &parts.headers, &bytes, &items)).await;
            }
            Err(fault) => return Refusal::Fault(fault).answer(None),
        };
        let request = match message {
            Message::Request(request) => request,
            Message::Response { id, text } => {
                self.is_answered(app, grant, &parts.headers, id, text);
                return respond::empty(StatusCode::ACCEPTED);
            }
        };
        let takes_events = streamable::accepts_events(&parts.headers);
        match self.answer(app, grant, (&parts.headers, takes_events), &bytes, &request).await {
            Ok((answer, revision)) => {
                let session = dispatch::session_header(&parts.headers);
                let terms = revision.and_then(|revision| Terms::of(&self.replays, session, revision));
                streamable::respond(app, grant, answer, request.id, takes_events, terms).await
            }
            Err(refusal) => refusal.answer(request.id),
        }
    }

    /// Takes a response of a client. Whoever was not asked learns nothing.
    pub(super) fn is_answered(&self, app: &App, grant: &Grant, headers: &HeaderMap, id: &str, text: &str) {
        let session = dispatch::session_header(headers).filter(|session| !self.ended.contains(session));
        if let Some(session) = session {
            self.in_hand.questions.answer(app, grant, session, id, text);
        }
    }

    /// Decides the era, counts the request, and serves it. Gives the revision of a legacy one as well.
    async fn answer(
        &self,
        app: &Arc<App>,
        grant: &Arc<Grant>,
        (headers, takes_events): (&HeaderMap, bool),
        body: &Bytes,
        request: &RpcRequest<'_>,
    ) -> Result<(Answer, Option<Legacy>), Refusal> {
        let era = era_of(request, headers)?;
        let mut revision = None;
        let reach = match era {
            CallerEra::Modern => Reach::modern(request),
            CallerEra::Legacy if request.method == "initialize" => Reach::default(),
            CallerEra::Legacy => {
                let standing = dispatch::standing(app, grant, headers, &self.ended)?;
                revision = Some(standing.revision);
                let session = dispatch::session_header(headers);
                Reach::in_session(session, standing.capabilities, takes_events)
            }
        };
        if request.id.is_none() {
            if era == CallerEra::Legacy {
                dispatch::legacy_notification(grant, headers, request, &self.in_hand);
            }
            return Ok((Answer::Accepted, revision));
        }
        count(app, grant, 1)?;
        let order = Order { app, grant, headers, body, request, reach: &reach, in_hand: &self.in_hand };
        let answer = match era {
            CallerEra::Modern => dispatch::modern(&order)?,
            CallerEra::Legacy => dispatch::legacy(&order)?,
        };
        Ok((answer, revision))
    }
}

/// Nothing that a token was answered outlives its access, whether or not it is read.
pub(super) fn end_of_access(app: &App, grant: Arc<Grant>) -> Ending {
    let clock = app.clock.clone();
    Ending::new(move || {
        let (grant, clock) = (Arc::clone(&grant), clock.clone());
        async move { grant.until_ended(&clock).await }
    })
}

/// The grant of the bearer, if it is accepted and opens this workspace. The reasons why not are told
/// apart in the log only.
pub(super) fn admit(app: &App, slug: &str, headers: &HeaderMap) -> Option<Arc<Grant>> {
    let refuse = |reason: &'static str| {
        tracing::debug!(reason, "credential refused");
        None
    };
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return refuse("no bearer");
    };
    let Some(text) = value.to_str().ok().and_then(bearer) else {
        return refuse("no bearer");
    };
    // What is known was issued, and so is well formed; of the rest the log alone is told how it is wrong.
    let known = if text.len() > BEARER_MAX_LEN { None } else { app.grants.find(&TokenDigest::of(text)) };
    let Some(grant) = known else {
        let is_token = is_well_formed(TokenKind::Workspace, text);
        return refuse(if is_token { "unknown or ended" } else { "malformed" });
    };
    if !grant.is_live_by(&app.clock) {
        return refuse("ended");
    }
    if grant.workspace.slug != slug {
        return refuse("another workspace");
    }
    Some(grant)
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, text) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| text.trim())
}

/// Counts requests against the token's quota; all or none.
pub(super) fn count(app: &App, grant: &Arc<Grant>, requests: u32) -> Result<(), Refusal> {
    let now = app.clock.now();
    let limit = grant.rate_limit(app.config.limits.rate_limit_per_minute);
    grant
        .meter
        .admit(requests, limit, now)
        .map_err(|exceeded| Refusal::RateLimited { retry_after: exceeded.retry_after })?;
    app.recorder.used(grant, now);
    Ok(())
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}

/// The path of a stream as its client must call it: below the public URL's own path, if it has one.
fn address(app: &App, path: &str) -> String {
    let prefix = app.config.public_url.as_ref().map_or("", |url| url.path().trim_end_matches('/'));
    format!("{prefix}{path}")
}
