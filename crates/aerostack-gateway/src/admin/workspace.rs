//! Workspaces.

use aerostack_core::api::error::ErrorCode;
use aerostack_core::api::page::{Empty, Page, PageQuery};
use aerostack_core::api::workspace::{
    CreateWorkspaceRequest, DeletedWorkspace, UpdateWorkspaceRequest, WorkspaceView,
};
use aerostack_core::audit::Action;
use aerostack_core::id::WorkspaceId;
use aerostack_core::slug::Slug;
use aerostack_core::text::{DESCRIPTION_MAX_CHARS, clean_line, parse_name};
use aerostack_core::time::Timestamp;
use aerostack_core::workspace::{ToolPrefix, Workspace, may_create};

use super::call::{Call, Deed};
use super::error::{ApiError, workspace_refused};
use super::paging::Paging;
use crate::app::Publication;
use crate::store::workspace::WorkspaceSummary;
use crate::store::{self, Tx};

/// Lists the workspaces the caller has part in: their own and their teams', or one team's if it is named.
pub(super) async fn list(call: Call, query: PageQuery) -> Result<Page<WorkspaceView>, ApiError> {
    let mut tx = call.read().await?;
    let (found, next_cursor) = page(&call, &mut tx, &query).await?;
    let mut items = Vec::with_capacity(found.len());
    for summary in found {
        items.push(view(&call, &mut tx, summary).await?);
    }
    Ok(Page { items, next_cursor })
}

/// One page of them, and the cursor of the next.
pub(super) async fn page(
    call: &Call,
    tx: &mut Tx,
    query: &PageQuery,
) -> Result<(Vec<WorkspaceSummary>, Option<String>), ApiError> {
    let paging = Paging::read(query.limit, query.cursor.as_deref())?;
    let now = call.app.clock.now();
    let team = call.team(tx).await?;
    let after = paging.after.as_deref();
    let found = match &call.team {
        Some(_) => store::workspace::list_of_owner(tx, &team.id, now, after, paging.fetch()).await?,
        None => store::workspace::list_of_member(tx, &team.id, now, after, paging.fetch()).await?,
    };
    Ok(paging.cut(found, |summary| summary.workspace.slug.to_string()))
}

/// Creates a workspace. No token is made with it: that would spend a seat silently.
pub(super) async fn create(call: Call, request: CreateWorkspaceRequest) -> Result<WorkspaceView, ApiError> {
    let name = parse_name(&request.name)?;
    let slug = match request.slug {
        Some(slug) => slug,
        None => Slug::from_name(&name).map_err(|_| nameless(&name))?,
    };
    let description = read_description(request.description.as_deref().unwrap_or_default())?;
    let (mut order, now) = call.order().await?;
    let account = call.lock_team(&mut order.tx).await?;
    refuse_taken_slug(&call, &mut order.tx, &slug).await?;
    let used = store::workspace::count_of_owner(&mut order.tx, &account.id).await?;
    let limits = call.app.config.plans.limits(account.plan);
    may_create(used, limits).map_err(|refusal| workspace_refused(refusal, account.plan))?;
    let workspace = Workspace {
        id: WorkspaceId::new(now, &mut call.app.rng()),
        slug,
        owner: account.id.clone(),
        name,
        description,
        tool_prefix: ToolPrefix::default(),
        revision: 1,
        created_at: now,
        deleted_at: None,
    };
    store::workspace::insert(&mut order.tx, &workspace).await?;
    let deed = Deed {
        action: Action::WorkspaceCreated,
        object: workspace.slug.as_str(),
        detail: workspace.name.clone(),
    };
    call.audit_workspace(&mut order.tx, &workspace, now, deed).await?;
    let reply = read_view(&call, &mut order.tx, &workspace, now).await?;
    order.commit(vec![Publication::Workspace(workspace.id)]).await?;
    Ok(reply)
}

/// Shows a workspace.
pub(super) async fn show(call: Call, _request: Empty) -> Result<WorkspaceView, ApiError> {
    let mut tx = call.read().await?;
    let workspace = call.workspace(&mut tx).await?;
    read_view(&call, &mut tx, &workspace, call.app.clock.now()).await
}

/// Changes a workspace; what is absent stays.
pub(super) async fn update(call: Call, request: UpdateWorkspaceRequest) -> Result<WorkspaceView, ApiError> {
    let name = request.name.as_deref().map(parse_name).transpose()?;
    let description = request.description.as_deref().map(read_description).transpose()?;
    let (mut order, now) = call.order().await?;
    let before = call.lock_workspace(&mut order.tx).await?;
    let after = Workspace {
        name: name.unwrap_or_else(|| before.name.clone()),
        description: description.unwrap_or_else(|| before.description.clone()),
        tool_prefix: request.tool_prefix.unwrap_or(before.tool_prefix),
        ..before.clone()
    };
    if after == before {
        return read_view(&call, &mut order.tx, &before, now).await;
    }
    store::workspace::update(&mut order.tx, &after).await?;
    let deed = Deed {
        action: Action::WorkspaceUpdated,
        object: after.slug.as_str(),
        detail: changes(&before, &after),
    };
    call.audit_workspace(&mut order.tx, &after, now, deed).await?;
    let reply = read_view(&call, &mut order.tx, &after, now).await?;
    order.commit(vec![Publication::Workspace(after.id)]).await?;
    Ok(reply)
}

/// Deletes a workspace. Its tokens are refused from now on; its slug is never used again.
pub(super) async fn delete(call: Call, _request: Empty) -> Result<DeletedWorkspace, ApiError> {
    let (mut order, now) = call.order().await?;
    let workspace = call.lock_workspace(&mut order.tx).await?;
    let tokens_ended = store::token::count_active(&mut order.tx, &workspace.id, now).await?;
    store::workspace::mark_deleted(&mut order.tx, &workspace.id, now).await?;
    let detail = format!("{tokens_ended} tokens ended");
    let deed = Deed { action: Action::WorkspaceDeleted, object: workspace.slug.as_str(), detail };
    call.audit_workspace(&mut order.tx, &workspace, now, deed).await?;
    order.commit(vec![Publication::WorkspaceDeleted(workspace.id)]).await?;
    Ok(DeletedWorkspace { slug: workspace.slug, deleted_at: now, tokens_ended })
}

/// The same words whoever holds the slug; only who holds it oneself is told how to use it.
async fn refuse_taken_slug(call: &Call, tx: &mut Tx, slug: &Slug) -> Result<(), ApiError> {
    if !store::workspace::is_slug_taken(tx, slug).await? {
        return Ok(());
    }
    let live = store::workspace::find_by_slug(tx, slug).await?;
    let is_own = live.is_some_and(|workspace| workspace.owner == call.caller.account.id);
    let hint = is_own.then(|| format!("use it with: aerostack workspace use {slug}"));
    Err(ApiError::new(ErrorCode::SlugTaken, format!("the slug '{slug}' is taken")).with_hint(hint))
}

fn nameless(name: &str) -> ApiError {
    ApiError::invalid(format!("no slug can be made of the name '{name}'"))
        .with_hint("give it a slug: 2 to 32 of a-z and 0-9, with single hyphens between them".to_owned())
}

fn read_description(text: &str) -> Result<String, ApiError> {
    if text.trim().chars().count() > DESCRIPTION_MAX_CHARS {
        return Err(ApiError::invalid(format!(
            "a description has at most {DESCRIPTION_MAX_CHARS} characters"
        )));
    }
    Ok(clean_line(text, DESCRIPTION_MAX_CHARS))
}

fn changes(before: &Workspace, after: &Workspace) -> String {
    let mut parts = Vec::new();
    if before.name != after.name {
        parts.push(format!("name: {}", after.name));
    }
    if before.description != after.description {
        parts.push("description".to_owned());
    }
    if before.tool_prefix != after.tool_prefix {
        parts.push(format!("tool prefix: {}", after.tool_prefix.word()));
    }
    parts.join(", ")
}

async fn read_view(
    call: &Call,
    tx: &mut Tx,
    workspace: &Workspace,
    now: Timestamp,
) -> Result<WorkspaceView, ApiError> {
    let summary = store::workspace::summary(tx, &workspace.id, now).await?;
    let summary =
        summary.ok_or_else(|| ApiError::internal("a workspace vanished in a transaction".to_owned()))?;
    view(call, tx, summary).await
}

async fn view(call: &Call, tx: &mut Tx, summary: WorkspaceSummary) -> Result<WorkspaceView, ApiError> {
    let workspace = summary.workspace;
    let standing = call.standing(tx, &workspace.owner).await?;
    Ok(WorkspaceView {
        role: standing.and_then(|standing| standing.role),
        id: workspace.id,
        gateway_url: call.app.gateway_url(&workspace.slug),
        slug: workspace.slug,
        name: workspace.name,
        description: workspace.description,
        owner: summary.owner_username,
        tool_prefix: workspace.tool_prefix,
        servers: summary.installs,
        seats: call.seats(summary.seats_used, summary.owner_plan),
        created_at: workspace.created_at,
    })
}
