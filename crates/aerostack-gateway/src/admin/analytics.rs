//! Analytics of a workspace: who called what, how often, how well.
//!
//! Whoever manages the workspace sees all calls; other members see their own: those with tokens tied to
//! their address, once that is proven to be theirs.

use aerostack_core::account::Account;
use aerostack_core::api::analytics::{
    AnalyticsQuery, CallView, CallsQuery, NewCalls, NewCallsQuery, UsageReport, UsageSeries,
};
use aerostack_core::api::page::Page;
use aerostack_core::role::Power;
use aerostack_core::workspace::Workspace;
use http::Response;

use super::call::Call;
use super::error::ApiError;
use crate::app::App;
use crate::http::body::Body;

mod export;
mod following;
mod people;
mod report;
mod scope;
mod single;
mod sums;
mod today;

use export::Export;
pub(super) use people::calls_by_person;
use scope::Scope;
pub(super) use scope::{Wanted, Whose, workspaces_of};
pub(super) use today::today;

impl From<AnalyticsQuery> for Wanted {
    fn from(query: AnalyticsQuery) -> Self {
        Self { period: query.period, user: query.user, server: query.server, tool: query.tool }
    }
}

/// Makes a report.
pub(super) async fn show(call: Call, query: AnalyticsQuery) -> Result<UsageReport, ApiError> {
    let (workspace, whose) = admit(&call).await?;
    let by = query.by;
    report_of(&call.app, &workspace, &whose, &query.into(), by).await
}

/// Makes a report on a workspace for whoever may see `whose` calls.
pub(super) async fn report_of(
    app: &App,
    workspace: &Workspace,
    whose: &Whose,
    wanted: &Wanted,
    by: Option<aerostack_core::api::analytics::By>,
) -> Result<UsageReport, ApiError> {
    app.recorder.flush_calls().await;
    let unwritten = app.grants.calls_dropped_unwritten(&workspace.id);
    let mut tx = app.usage.read().await?;
    let scope = Scope::find(&mut tx, &workspace.id, whose, wanted, app.clock.now()).await?;
    Ok(report::report(&mut tx, &scope, workspace.slug.to_string(), by, unwritten).await?)
}

/// Gives the course over time.
pub(super) async fn series(call: Call, query: AnalyticsQuery) -> Result<UsageSeries, ApiError> {
    let by = query.by;
    let scope = find_scope(&call, &query.into()).await?;
    Ok(report::series(&mut call.app.usage.read().await?, &scope, by).await?)
}

/// Streams figures as CSV.
pub(super) async fn export(call: Call, query: AnalyticsQuery) -> Result<Response<Body>, ApiError> {
    let by = query.by;
    let scope = find_scope(&call, &query.into()).await?;
    Ok(export::stream(&call.app, scope, Export::figures(by)))
}

/// Lists single calls.
pub(super) async fn calls(call: Call, query: CallsQuery) -> Result<Page<CallView>, ApiError> {
    let wanted = Wanted {
        period: query.period.clone(),
        user: query.user.clone(),
        server: query.server.clone(),
        tool: query.tool.clone(),
    };
    let scope = find_scope(&call, &wanted).await?;
    single::page(&mut call.app.usage.read().await?, &scope, &query).await
}

/// Lists the calls that were recorded since a mark.
pub(super) async fn follow(call: Call, query: NewCallsQuery) -> Result<NewCalls, ApiError> {
    let NewCallsQuery { after, user, server, tool } = query;
    let scope = find_scope(&call, &Wanted { period: None, user, server, tool }).await?;
    following::since(&mut call.app.usage.read().await?, &scope, after.as_deref()).await
}

/// Streams single calls as CSV.
pub(super) async fn export_calls(call: Call, query: AnalyticsQuery) -> Result<Response<Body>, ApiError> {
    let scope = find_scope(&call, &query.into()).await?;
    Ok(export::stream(&call.app, scope, Export::Calls))
}

async fn find_scope(call: &Call, wanted: &Wanted) -> Result<Scope, ApiError> {
    let (workspace, whose) = admit(call).await?;
    let app = &call.app;
    app.recorder.flush_calls().await;
    let mut tx = app.usage.read().await?;
    Scope::find(&mut tx, &workspace.id, &whose, wanted, app.clock.now()).await
}

/// The workspace, and whose calls of it the caller may see.
async fn admit(call: &Call) -> Result<(Workspace, Whose), ApiError> {
    let mut tx = call.read().await?;
    let workspace = call.workspace(&mut tx).await?;
    let standing = call.standing(&mut tx, &workspace.owner).await?;
    let sees_all = standing.is_some_and(|standing| standing.permits(Power::ManageWorkspace));
    let whose = if sees_all { Whose::All } else { Whose::Person(proven(&call.caller.account)) };
    Ok((workspace, whose))
}

/// An account's address, if it is proven to be its own.
pub(super) fn proven(account: &Account) -> Option<aerostack_core::account::Email> {
    account.email_verified.then(|| account.email.clone())
}
