//! Plans: what there is, and what an operator sets.

use aerostack_core::api::page::Empty;
use aerostack_core::api::plan::{PlanView, PlansReply, SetPlanReply, SetPlanRequest};
use aerostack_core::audit::Action;
use aerostack_core::plan::Plan;
use aerostack_core::slug::Slug;

use super::call::{Call, Deed, shown};
use super::error::ApiError;
use crate::app::Publication;
use crate::store;

/// Lists the plans and the caller's own.
pub(super) async fn list(call: Call, _request: Empty) -> Result<PlansReply, ApiError> {
    let mut tx = call.read().await?;
    let account = &call.caller.account;
    let workspaces_used = store::workspace::count_of_owner(&mut tx, &account.id).await?;
    let view = |plan| PlanView { plan, limits: call.app.config.plans.limits(plan) };
    Ok(PlansReply {
        current: account.plan,
        workspaces_used,
        plans: Plan::ALL.into_iter().map(view).collect(),
    })
}

/// Sets an account's plan. What exists goes on working; a lowered plan refuses new things.
pub(super) async fn set(call: Call, request: SetPlanRequest) -> Result<SetPlanReply, ApiError> {
    let (mut order, now) = call.order().await?;
    let username = call.parameter(0);
    let found = match Slug::parse(username) {
        Ok(username) => store::account::find_by_username(&mut order.tx, &username).await?,
        Err(_) => None,
    };
    let missing = || ApiError::not_found(format!("there is no account '{}'", shown(username)));
    let found = found.ok_or_else(missing)?;
    let account = store::account::lock(&mut order.tx, &found.id).await?.ok_or_else(missing)?;
    let reply =
        SetPlanReply { username: account.username.clone(), previous: account.plan, plan: request.plan };
    if reply.previous == reply.plan {
        return Ok(reply);
    }
    store::account::set_plan(&mut order.tx, &account.id, request.plan).await?;
    let detail = format!("{} to {}", reply.previous, reply.plan);
    let deed = Deed { action: Action::PlanChanged, object: account.username.as_str(), detail };
    call.audit_account(&mut order.tx, &account.id, now, deed).await?;
    // Rate limits come with the plan, and they stand in memory.
    let mut publications = Vec::new();
    for workspace in store::workspace::all_of_owner(&mut order.tx, &account.id).await? {
        store::workspace::lock(&mut order.tx, &workspace.id).await?;
        publications.push(Publication::Workspace(workspace.id));
    }
    order.commit(publications).await?;
    Ok(reply)
}
