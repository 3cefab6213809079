//! What each method does, per era.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;

use super::answer::Answer;
use super::catalog;
use super::error::Refusal;
use super::in_flight::{CallKey, InFlight};
use super::listen::Listening;
use super::relay;
use super::revision::{CallerEra, Legacy, version_header};
use super::session::{EndedSessions, SESSION_HEADER, Session};
use crate::app::App;
use crate::grants::Grant;
use crate::jsonrpc::Request;

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
}

/// Serves a request of the modern era.
///
/// # Errors
/// A [`Refusal`] when it is not served.
pub fn modern(order: &Order<'_>) -> Result<Answer, Refusal> {
    let Order { app, grant, headers, body, request } = order;
    let id = request.id.unwrap_or("null");
    let snapshot = grant.workspace.snapshot();
    match request.method.as_ref() {
        "server/discover" => Ok(Answer::ok(catalog::response(id, &catalog::discover(&snapshot)))),
        "tools/list" => {
            let result = catalog::tools(&snapshot, request, CallerEra::Modern)?;
            Ok(Answer::ok(catalog::response(id, &result)))
        }
        "tools/call" => relay::call(app, grant, body, request, CallerEra::Modern, headers, None),
        "subscriptions/listen" => Ok(Answer::Listen(Box::new(Listening::modern(app, grant, request)?))),
        _ => Err(Refusal::UnknownMethod { modern: true }),
    }
}

/// Serves a request of the legacy era, whose session, if it has one, was checked.
///
/// # Errors
/// A [`Refusal`] when it is not served.
pub fn legacy(order: &Order<'_>, calls: &InFlight) -> Result<Answer, Refusal> {
    let Order { app, grant, headers, body, request } = order;
    let id = request.id.unwrap_or("null");
    let snapshot = grant.workspace.snapshot();
    match request.method.as_ref() {
        "initialize" => {
            let (revision, result) = catalog::initialize(&snapshot, request);
            let session = Session { revision, token: grant.token.clone() }.seal(&app.vault, &mut app.rng());
            let text = catalog::response(id, &result).into();
            Ok(Answer::Message { status: http::StatusCode::OK, text, session: Some(session) })
        }
        "ping" => Ok(Answer::ok(catalog::response(id, "{}"))),
        "tools/list" => {
            let result = catalog::tools(&snapshot, request, CallerEra::Legacy)?;
            Ok(Answer::ok(catalog::response(id, &result)))
        }
        "tools/call" => {
            let entry = calls.enter(call_key(grant, headers, id));
            relay::call(app, grant, body, request, CallerEra::Legacy, headers, Some(entry))
        }
        _ => Err(Refusal::UnknownMethod { modern: false }),
    }
}

/// Takes note of a legacy notification. Only a cancellation means anything to the gateway.
pub fn legacy_notification(grant: &Grant, headers: &HeaderMap, request: &Request<'_>, calls: &InFlight) {
    if request.method != "notifications/cancelled" {
        return;
    }
    if let Some(id) = request.params.as_ref().and_then(|params| params.raw("requestId")) {
        calls.cancel(&call_key(grant, headers, id));
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

/// The revision a legacy request is served as: its session's, its header's, or 2025-03-26.
///
/// # Errors
/// [`Refusal::UnknownSession`] for a session that was ended, is another token's or none of ours;
/// [`Refusal::UnknownRevision`] for a version header that names no revision.
pub fn legacy_revision(
    app: &App,
    grant: &Grant,
    headers: &HeaderMap,
    ended: &EndedSessions,
) -> Result<Legacy, Refusal> {
    let named = match version_header(headers) {
        Some(version) => Some(Legacy::of(version).ok_or(Refusal::UnknownRevision)?),
        None => None,
    };
    let Some(id) = session_header(headers) else {
        return Ok(named.unwrap_or(Legacy::WITHOUT_HANDSHAKE));
    };
    let session =
        Session::open(id, &app.vault).filter(|session| session.token == grant.token && !ended.contains(id));
    let session = session.ok_or(Refusal::UnknownSession)?;
    Ok(named.unwrap_or(session.revision))
}
