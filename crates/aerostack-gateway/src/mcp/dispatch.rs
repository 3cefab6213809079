//! What each method does, per era.

use std::borrow::Cow;
use std::sync::Arc;

use aerostack_core::capability::Capabilities;
use aerostack_core::client_capability::ClientCapabilities;
use bytes::Bytes;
use http::HeaderMap;

use super::answer::Answer;
use super::asked::Asked;
use super::catalog;
use super::error::Refusal;
use super::in_flight::{CallEntry, CallKey, InFlight};
use super::listen::Listening;
use super::log_level;
use super::parked::Parked;
use super::question::Questions;
use super::reach::{self, Reach};
use super::relay;
use super::revision::{CallerEra, Legacy, version_header};
use super::session::{EndedSessions, SESSION_HEADER, Session};
use super::task;
use crate::app::App;
use crate::definition::Kind;
use crate::grants::Grant;
use crate::jsonrpc::Request;
use crate::snapshot::{Route, Snapshot, Subject};

/// One request, with everything that deciding over it takes.
pub struct Order<'a> {
    /// The hall.
    pub app: &'a Arc<App>,
    /// Who asks.
    pub grant: &'a Arc<Grant>,
    /// The HTTP headers.
    pub headers: &'a HeaderMap,
    /// The buffer the request was read from.
    pub body: &'a Bytes,
    /// The request.
    pub request: &'a Request<'a>,
    /// How its caller can be asked something.
    pub reach: &'a Reach,
    /// What is under way.
    pub in_hand: &'a InHand,
}

/// What the door keeps of requests under way. Clones share it.
#[derive(Clone, Default)]
pub struct InHand {
    /// Calls of legacy callers.
    pub calls: InFlight,
    /// Questions to them.
    pub questions: Questions,
    /// Calls that wait for modern callers.
    pub parked: Parked,
}

/// What a legacy request stands on.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// The revision it is served as.
    pub revision: Legacy,
    /// What the client of its session can be asked for.
    pub capabilities: ClientCapabilities,
}

/// Serves a request of the modern era.
///
/// # Errors
/// A [`Refusal`] when it is not served.
pub fn modern(order: &Order<'_>) -> Result<Answer, Refusal> {
    let Order { app, grant, request, .. } = order;
    let id = request.id.unwrap_or("null");
    let snapshot = grant.workspace.snapshot();
    match request.method.as_ref() {
        "server/discover" => Ok(Answer::ok(catalog::response(id, &catalog::discover(&snapshot)))),
        "subscriptions/listen" => Ok(Answer::Listen(Box::new(Listening::modern(app, grant, request)?))),
        _ => either(order, &snapshot, CallerEra::Modern, || None),
    }
}

/// Serves a request of the legacy era, whose session, if it has one, was checked.
///
/// # Errors
/// A [`Refusal`] when it is not served.
pub fn legacy(order: &Order<'_>) -> Result<Answer, Refusal> {
    let Order { app, grant, headers, request, .. } = order;
    let id = request.id.unwrap_or("null");
    let snapshot = grant.workspace.snapshot();
    match request.method.as_ref() {
        "initialize" => {
            let (revision, result) = catalog::initialize(&snapshot, request);
            let capabilities = reach::declared_by(request);
            let session = Session { revision, token: grant.token.clone(), capabilities };
            let session = session.seal(&app.vault, &mut app.rng());
            let text = catalog::response(id, &result).into();
            Ok(Answer::Message { status: http::StatusCode::OK, text, session: Some(session) })
        }
        "ping" => Ok(Answer::ok(catalog::response(id, "{}"))),
        "resources/subscribe" | "resources/unsubscribe" | "logging/setLevel" => {
            wish(order, &snapshot)?;
            Ok(Answer::ok(catalog::response(id, "{}")))
        }
        _ => {
            let enter = || Some(order.in_hand.calls.enter(call_key(grant, headers, id)));
            either(order, &snapshot, CallerEra::Legacy, enter)
        }
    }
}

/// Serves what both eras have: lists, and what servers answer.
fn either(
    order: &Order<'_>,
    snapshot: &Snapshot,
    era: CallerEra,
    mut entry: impl FnMut() -> Option<CallEntry>,
) -> Result<Answer, Refusal> {
    let request = order.request;
    let id = request.id.unwrap_or("null");
    let unknown = Refusal::UnknownMethod { modern: era == CallerEra::Modern };
    if !is_offered(snapshot.capabilities(), &request.method) {
        return Err(unknown);
    }
    if let Some(served) = task::serve(order, snapshot, era, &mut entry) {
        return served;
    }
    if let Some(kind) = Kind::ALL.into_iter().find(|kind| request.method == kind.list_method()) {
        return catalog::list(snapshot, kind, request, era);
    }
    let asked = Asked::read(request).ok_or(unknown)?;
    if request.method == "completion/complete" {
        let subject = asked.as_ref().map(|asked| &asked.subject).map_err(Clone::clone)?;
        let completes = |route: Route<'_>| route.install.capabilities().completions;
        if snapshot.route(subject).is_some_and(|route| !completes(route)) {
            return Ok(Answer::ok(catalog::response(id, catalog::no_completion(era))));
        }
    }
    relay::relay(order, asked, era, entry())
}

/// Remembers what a legacy session wants from now on.
fn wish(order: &Order<'_>, snapshot: &Snapshot) -> Result<(), Refusal> {
    let Order { grant, headers, request, .. } = order;
    let session = session_header(headers).unwrap_or_default();
    let invalid = |what: &str| Refusal::InvalidParams {
        message: format!("Invalid params: {what}"),
        bad_request: false,
    };
    let offered = snapshot.capabilities();
    let text = |key| request.params.as_ref().and_then(|params| params.string(key)).map(Cow::into_owned);
    if request.method == "logging/setLevel" {
        if !offered.logging {
            return Err(Refusal::UnknownMethod { modern: false });
        }
        let level = text("level").as_deref().and_then(log_level::level);
        grant.wishes.set_log_level(session, level.ok_or_else(|| invalid("level is none"))?);
        return Ok(());
    }
    if !offered.subscriptions {
        return Err(Refusal::UnknownMethod { modern: false });
    }
    let uri = text("uri").ok_or_else(|| invalid("uri must be a string"))?;
    if request.method == "resources/unsubscribe" {
        grant.wishes.unsubscribe(session, &uri);
        return Ok(());
    }
    let subject = Subject::Resource(uri.clone());
    let route = snapshot.route(&subject).ok_or_else(|| Refusal::unknown(&subject, CallerEra::Legacy))?;
    if !route.install.capabilities().subscriptions {
        return Err(invalid("the server of this resource tells of no updates"));
    }
    grant.wishes.subscribe(session, &uri).map_err(|too_many| invalid(&too_many.to_string()))
}

/// Whether any of the workspace's servers has what a method is about.
fn is_offered(offered: Capabilities, method: &str) -> bool {
    match method.split('/').next() {
        Some("prompts") => offered.prompts,
        Some("resources") => offered.resources,
        Some("completion") => offered.completions,
        _ => true,
    }
}

/// Takes note of a legacy notification: of those that mean something to the gateway, or to a server that asked.
pub fn legacy_notification(grant: &Grant, headers: &HeaderMap, request: &Request<'_>, in_hand: &InHand) {
    let params = request.params.as_ref();
    let session = session_header(headers);
    match (request.method.as_ref(), params, session) {
        ("notifications/cancelled", Some(params), _) => {
            if let Some(id) = params.raw("requestId") {
                in_hand.calls.cancel(&call_key(grant, headers, id));
            }
        }
        ("notifications/progress", Some(params), Some(session)) => {
            in_hand.questions.progress(grant, session, request.text, params);
        }
        ("notifications/roots/list_changed", _, Some(session)) => {
            for install in &grant.workspace.snapshot().installs {
                install.client.roots_changed(&grant.token, session);
            }
        }
        _ => {}
    }
}

fn call_key(grant: &Grant, headers: &HeaderMap, id: &str) -> CallKey {
    let session = session_header(headers).unwrap_or_default().to_owned();
    CallKey { token: grant.token.clone(), session, id: id.to_owned() }
}

/// The session id a request carries.
#[must_use]
pub fn session_header(headers: &HeaderMap) -> Option<&str> {
    headers.get(SESSION_HEADER)?.to_str().ok()
}

/// What a legacy request stands on: the revision is its session's, its header's, or 2025-03-26.
///
/// # Errors
/// [`Refusal::UnknownSession`] for a session that was ended, is another token's or none of ours;
/// [`Refusal::UnknownRevision`] for a version header that names no revision.
pub fn standing(
    app: &App,
    grant: &Grant,
    headers: &HeaderMap,
    ended: &EndedSessions,
) -> Result<Standing, Refusal> {
    let named = match version_header(headers) {
        Some(version) => Some(Legacy::of(version).ok_or(Refusal::UnknownRevision)?),
        None => None,
    };
    let Some(id) = session_header(headers) else {
        let revision = named.unwrap_or(Legacy::WITHOUT_HANDSHAKE);
        return Ok(Standing { revision, capabilities: ClientCapabilities::default() });
    };
    let session =
        Session::open(id, &app.vault).filter(|session| session.token == grant.token && !ended.contains(id));
    let session = session.ok_or(Refusal::UnknownSession)?;
    let Session { revision, capabilities, .. } = session;
    Ok(Standing { revision: named.unwrap_or(revision), capabilities })
}
