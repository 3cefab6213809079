//! One's own calls, for an account or for nothing but a workspace token.

use std::sync::Arc;

use aerostack_core::api::analytics::{By, OwnUsage, OwnUsageQuery};
use aerostack_core::api::error::ErrorCode;
use aerostack_core::api::operation::Operation;
use aerostack_core::bearer::{RawToken, TokenKind};
use aerostack_core::usage::Period;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Response, StatusCode};

use super::analytics::{Wanted, Whose, proven, report_of, workspaces_of};
use super::call::Call;
use super::error::ApiError;
use super::input::Input;
use crate::app::App;
use crate::grants::Grant;
use crate::http::body::Body;
use crate::http::respond;
use crate::store;

/// Reports the calls with tokens tied to the caller's address, in every workspace.
pub(super) async fn show(call: Call, query: OwnUsageQuery) -> Result<OwnUsage, ApiError> {
    let app = &call.app;
    let person = proven(&call.caller.account);
    let mut workspaces = Vec::new();
    app.recorder.flush_calls().await;
    if let Some(person) = &person {
        let ids = workspaces_of(&mut app.usage.read().await?, person).await?;
        let mut tx = call.read().await?;
        for id in ids {
            workspaces.extend(store::workspace::find_by_id(&mut tx, &id).await?);
        }
    }
    let (wanted, whose) = (wanted(query), Whose::Person(person));
    let mut reports = Vec::with_capacity(workspaces.len());
    for workspace in &workspaces {
        reports.push(report_of(app, workspace, &whose, &wanted, Some(By::Tool)).await?);
    }
    reply(app, &wanted, reports)
}

/// Answers a request that came with a workspace token; `None` if it did not.
pub(super) async fn with_token(
    app: &Arc<App>,
    operation: Operation,
    headers: &HeaderMap,
    query: Option<&str>,
) -> Option<Result<Response<Body>, ApiError>> {
    if operation != Operation::ShowOwnUsage {
        return None;
    }
    let (_, text) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let raw = RawToken::parse(TokenKind::Workspace, text.trim())?;
    let now = app.clock.now();
    let Some(grant) = app.grants.find(&raw.digest()).filter(|grant| grant.is_live(now)) else {
        return Some(Err(ApiError::new(ErrorCode::Unauthorized, "no valid workspace token")));
    };
    app.recorder.used(&grant, now);
    let input = Input::Query(query.unwrap_or_default().to_owned());
    let result = of_token(app, &grant, &input).await;
    Some(result.map(|usage| respond::json(StatusCode::OK, &usage)))
}

/// The calls of the person the token is tied to, in its workspace; of the token alone if it is not.
async fn of_token(app: &App, grant: &Grant, input: &Input) -> Result<OwnUsage, ApiError> {
    let wanted = wanted(input.read()?);
    let whose = match &grant.person {
        Some(person) => Whose::Person(Some(person.clone())),
        None => Whose::Token(grant.token.clone()),
    };
    let workspace = {
        let mut tx = app.store.read().await?;
        store::workspace::find_by_id(&mut tx, &grant.workspace.id).await?
    };
    let workspace = workspace.ok_or_else(|| ApiError::not_found("the workspace is gone"))?;
    let report = report_of(app, &workspace, &whose, &wanted, Some(By::Tool)).await?;
    reply(app, &wanted, vec![report])
}

fn wanted(query: OwnUsageQuery) -> Wanted {
    Wanted { period: query.period, ..Wanted::default() }
}

fn reply(
    app: &App,
    wanted: &Wanted,
    workspaces: Vec<aerostack_core::api::analytics::UsageReport>,
) -> Result<OwnUsage, ApiError> {
    let to = app.clock.now();
    let period = wanted.period.as_deref().map_or(Ok(Period::DEFAULT), str::parse);
    let period =
        period.map_err(|error: aerostack_core::usage::PeriodError| ApiError::invalid(error.to_string()))?;
    Ok(OwnUsage { from: period.start(to), to, workspaces })
}
