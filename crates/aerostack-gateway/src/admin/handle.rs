//! A request to the admin API from beginning to end: operation, caller, input, answer.

use std::sync::Arc;

use aerostack_core::api::error::ErrorCode;
use aerostack_core::api::operation::{Found, Method, Needs, Operation, TEAM_HEADER};
use aerostack_core::slug::Slug;
use http::header::{ALLOW, HeaderValue};
use http::{HeaderMap, Request, Response};

use super::caller::{authenticate, is_claimed};
use super::dispatch::dispatch;
use super::error::ApiError;
use super::input;
use super::own_usage;
use super::visit::Visit;
use crate::app::{App, RequestContext};
use crate::http::body::{Body, RequestBody};
use crate::http::respond;

/// Answers a request to the admin API.
///
/// *Cancellation*: a change that has begun is finished in a task of its own, whether or not somebody
/// still waits for the answer. A read ends with its request.
pub async fn handle(
    app: &Arc<App>,
    context: &RequestContext,
    request: Request<impl RequestBody>,
) -> Response<Body> {
    let found = Operation::find(request.method().as_str(), request.uri().path());
    let result = match found {
        Found::Operation(operation, parameters) => answer(app, context, operation, parameters, request).await,
        Found::WrongMethod(methods) => return wrong_method(context, &methods),
        Found::Nothing => Err(ApiError::not_found("the admin API has no such path")
            .with_hint("all paths: /api/openapi.json".to_owned())),
    };
    result.unwrap_or_else(|error| error.into_response(context))
}

/// The answer while the gateway drains.
#[must_use]
pub fn draining(context: &RequestContext) -> Response<Body> {
    ApiError::new(ErrorCode::Unavailable, "the gateway is shutting down")
        .with_hint("try again in a moment".to_owned())
        .into_response(context)
}

/// The answer to a request from a host or origin that is not ours.
#[must_use]
pub fn foreign(context: &RequestContext) -> Response<Body> {
    ApiError::new(ErrorCode::Forbidden, "this host or origin may not call the gateway")
        .with_hint("set AEROSTACK_PUBLIC_URL or AEROSTACK_ALLOWED_ORIGINS".to_owned())
        .into_response(context)
}

/// The answer to a request whose headers are larger than the limit.
#[must_use]
pub fn headers_too_large(context: &RequestContext) -> Response<Body> {
    ApiError::new(ErrorCode::HeadersTooLarge, "the headers are too large").into_response(context)
}

async fn answer(
    app: &Arc<App>,
    context: &RequestContext,
    operation: Operation,
    parameters: Vec<String>,
    request: Request<impl RequestBody>,
) -> Result<Response<Body>, ApiError> {
    if let Some(answer) =
        own_usage::with_token(app, operation, request.headers(), request.uri().query()).await
    {
        return answer;
    }
    let is_open = operation.needs() == Needs::Nobody && !is_claimed(request.headers());
    let caller = match is_open {
        true => None,
        false => Some(authenticate(app, request.headers(), context.received_at).await?),
    };
    let team = named_team(request.headers())?;
    let visit = Visit::admit(app, operation, caller, team, parameters)?;
    let input = input::receive(operation, request, app).await?;
    if operation.method().is_read() {
        return dispatch(visit, input).await;
    }
    let task = app.tasks.spawn(dispatch(visit, input));
    task.await
        .unwrap_or_else(|error| Err(ApiError::internal(format!("{} did not end: {error}", operation.name()))))
}

/// The team that a request names to act for.
fn named_team(headers: &HeaderMap) -> Result<Option<Slug>, ApiError> {
    let Some(value) = headers.get(TEAM_HEADER) else { return Ok(None) };
    let slug = value.to_str().ok().and_then(|text| Slug::parse(text.trim_start_matches('@')).ok());
    slug.map(Some).ok_or_else(|| ApiError::invalid(format!("{TEAM_HEADER} holds no username")))
}

fn wrong_method(context: &RequestContext, methods: &[Method]) -> Response<Body> {
    let allowed = methods.iter().map(|method| method.word()).collect::<Vec<_>>().join(", ");
    let message = format!("this path takes {allowed}");
    let response = ApiError::new(ErrorCode::MethodNotAllowed, message).into_response(context);
    match HeaderValue::from_str(&allowed) {
        Ok(value) => respond::with_header(response, ALLOW, value),
        Err(_) => response,
    }
}
