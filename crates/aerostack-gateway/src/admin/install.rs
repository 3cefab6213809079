//! Servers installed into a workspace: listing, installing, removing.

use aerostack_core::account::Account;
use aerostack_core::api::error::ErrorCode;
use aerostack_core::api::page::{Empty, Page, PageQuery};
use aerostack_core::api::server::{InstallRequest, InstallStatus, InstallView, InstalledReply, Uninstalled};
use aerostack_core::audit::Action;
use aerostack_core::id::InstallId;
use aerostack_core::server::{INSTALLS_MAX, Install, Reference, Server, Source};
use aerostack_core::slug::Slug;
use aerostack_core::suggest;
use aerostack_core::time::Timestamp;
use aerostack_core::workspace::Workspace;

use super::call::{Call, Deed, shown};
use super::error::ApiError;
use super::paging::Paging;
use super::stdio;
use crate::app::{Order, Publication};
use crate::definition::Kind;
use crate::lists;
use crate::offer_set::FreshList;
use crate::store::install::InstallSummary;
use crate::store::{self, Tx};
use crate::upstream::{Credential, STDIO_SWITCHED_OFF, Target, UpstreamError};

/// Lists the installs of a workspace.
pub(super) async fn list(call: Call, query: PageQuery) -> Result<Page<InstallView>, ApiError> {
    let paging = Paging::read(query.limit, query.cursor.as_deref())?;
    let mut tx = call.read().await?;
    let workspace = call.workspace(&mut tx).await?;
    let found =
        store::install::list_page(&mut tx, &workspace.id, paging.after.as_deref(), paging.fetch()).await?;
    let (found, next_cursor) = paging.cut(found, |summary| summary.install.id.to_string());
    Ok(Page { items: found.into_iter().map(|summary| view(&call, summary)).collect(), next_cursor })
}

/// Shows one install.
pub(super) async fn show(call: Call, _request: Empty) -> Result<InstallView, ApiError> {
    let mut tx = call.read().await?;
    let workspace = call.workspace(&mut tx).await?;
    Ok(view(&call, find(&call, &mut tx, &workspace).await?))
}

/// Installs a server. It is asked for its tools first, outside the lane: a slow server holds nobody
/// up, and one that does not answer is installed with a warning.
pub(super) async fn install(call: Call, request: InstallRequest) -> Result<InstalledReply, ApiError> {
    let reference: Reference = request.server.parse()?;
    let server = {
        let mut tx = call.read().await?;
        let workspace = call.workspace(&mut tx).await?;
        let (server, owner) = find_server(&call, &mut tx, &workspace, &reference).await?;
        let slug = request.alias.as_ref().unwrap_or(&server.slug);
        if let Some(existing) = find_existing(&mut tx, &workspace, slug, &server).await? {
            return Ok(already_installed(&call, existing));
        }
        if server.stdio.is_some() {
            stdio::may_run(&call, &owner)?;
        }
        server
    };
    // Secrets belong to an install, and there is none yet: a server that needs one is not asked.
    let credential = Credential::open(&call.app.vault, &server, []);
    let target = lists::target_of_server(&call.app, &server, credential);
    let answer = ask(&call, target).await;

    let (mut order, now) = call.order().await?;
    let workspace = call.lock_workspace(&mut order.tx).await?;
    // Looked up again: it may have been edited, deleted or installed meanwhile.
    let (server, owner) = find_server(&call, &mut order.tx, &workspace, &reference).await?;
    let slug = request.alias.unwrap_or_else(|| server.slug.clone());
    if let Some(existing) = find_existing(&mut order.tx, &workspace, &slug, &server).await? {
        return Ok(already_installed(&call, existing));
    }
    if server.stdio.is_some() {
        stdio::may_run(&call, &owner)?;
    }
    if store::install::count_of_workspace(&mut order.tx, &workspace.id).await? >= INSTALLS_MAX {
        let message = format!("a workspace has at most {INSTALLS_MAX} servers");
        return Err(ApiError::new(ErrorCode::LimitReached, message)
            .with_hint("uninstall a server that nobody uses any more".to_owned()));
    }
    let install = Install {
        id: InstallId::new(now, &mut call.app.rng()),
        workspace: workspace.id.clone(),
        source: Source::Server(server.id.clone()),
        slug,
        enabled: true,
        withdrawn: false,
        disabled_tools: Vec::new(),
        created_at: now,
    };
    store::install::insert(&mut order.tx, &install).await?;
    let warning = save_answer(&mut order, &workspace, &install.id, &answer, now).await?;
    let object = format!("@{}/{}", owner.username, server.slug);
    let deed = Deed { action: Action::ServerInstalled, object: &object, detail: install.slug.to_string() };
    call.audit_workspace(&mut order.tx, &workspace, now, deed).await?;
    let summary = store::install::find_by_slug(&mut order.tx, &workspace.id, &install.slug).await?;
    let summary =
        summary.ok_or_else(|| ApiError::internal("an install vanished in a transaction".to_owned()))?;
    order.commit(vec![Publication::Workspace(workspace.id)]).await?;
    Ok(InstalledReply { install: view(&call, summary), already_installed: false, warning })
}

/// Removes a server or a skill from a workspace.
pub(super) async fn uninstall(call: Call, _request: Empty) -> Result<Uninstalled, ApiError> {
    let (mut order, now) = call.order().await?;
    let workspace = call.lock_workspace(&mut order.tx).await?;
    let found = find(&call, &mut order.tx, &workspace).await?;
    store::install::delete(&mut order.tx, &found.install.id).await?;
    let detail = found.install.slug.to_string();
    let action = match found.install.source {
        Source::Server(_) => Action::ServerUninstalled,
        Source::Skill(_) => Action::SkillUninstalled,
    };
    let deed = Deed { action, object: &found.reference(), detail };
    call.audit_workspace(&mut order.tx, &workspace, now, deed).await?;
    order.commit(vec![Publication::Workspace(workspace.id)]).await?;
    Ok(Uninstalled { slug: found.install.slug })
}

/// The install of the path.
pub(super) async fn find(
    call: &Call,
    tx: &mut Tx,
    workspace: &Workspace,
) -> Result<InstallSummary, ApiError> {
    let text = call.parameter(1);
    let found = match Slug::parse(text) {
        Ok(slug) => store::install::find_by_slug(tx, &workspace.id, &slug).await?,
        Err(_) => None,
    };
    if let Some(found) = found {
        return Ok(found);
    }
    let known = store::install::list_page(tx, &workspace.id, None, i64::from(INSTALLS_MAX)).await?;
    let hint = suggest::hint(text, known.iter().map(|summary| summary.install.slug.as_str()));
    let message = format!("no server '{}' is installed in '{}'", shown(text), workspace.slug);
    Err(ApiError::not_found(message).with_hint(hint))
}

/// The server a reference names, and whose it is: of the workspace owner's catalogue, or the caller's.
async fn find_server(
    call: &Call,
    tx: &mut Tx,
    workspace: &Workspace,
    reference: &Reference,
) -> Result<(Server, Account), ApiError> {
    let owner = match &reference.username {
        None => store::account::find(tx, &workspace.owner).await?,
        Some(username) => store::account::find_by_username(tx, username).await?,
    };
    let may_install = |owner: &Account| owner.id == workspace.owner || owner.id == call.caller.account.id;
    let owner = owner.filter(may_install).ok_or_else(|| no_server(reference))?;
    if let Some(server) = store::server::find_by_slug(tx, &owner.id, &reference.name).await? {
        return Ok((server, owner));
    }
    let known = store::server::slugs_of_owner(tx, &owner.id).await?;
    Err(match suggest::hint(reference.name.as_str(), known.iter().map(Slug::as_str)) {
        Some(hint) => no_server(reference).with_hint(hint),
        None => no_server(reference),
    })
}

fn no_server(reference: &Reference) -> ApiError {
    let name = &reference.name;
    let shown =
        reference.username.as_ref().map_or_else(|| name.to_string(), |user| format!("@{user}/{name}"));
    ApiError::not_found(format!("there is no server '{shown}'"))
        .with_hint("see the catalogue with: aerostack mcp catalog".to_owned())
}

/// Asks a server or skill for its tools.
pub(super) async fn ask(call: &Call, target: Target) -> Result<FreshList, UpstreamError> {
    Ok(FreshList::of(lists::ask(&call.app, target).await?, None).await)
}

/// Keeps what it answered; gives what to warn of.
pub(super) async fn save_answer(
    order: &mut Order<'_>,
    workspace: &Workspace,
    install: &InstallId,
    answer: &Result<FreshList, UpstreamError>,
    now: Timestamp,
) -> Result<Option<String>, ApiError> {
    match answer {
        Ok(list) => {
            order.save_list(&workspace.id, install, list, now).await?;
            Ok(list.note.clone())
        }
        Err(error) => {
            store::install::save_failure(&mut order.tx, install, &error.to_string(), now).await?;
            Ok(Some(format!("its tools are not known yet: {error}")))
        }
    }
}

/// What stands under the slug already: the same server is a success, another one a refusal.
async fn find_existing(
    tx: &mut Tx,
    workspace: &Workspace,
    slug: &Slug,
    server: &Server,
) -> Result<Option<InstallSummary>, ApiError> {
    match store::install::find_by_slug(tx, &workspace.id, slug).await? {
        Some(existing) if existing.install.source != Source::Server(server.id.clone()) => {
            let message = format!("'{slug}' is {} in this workspace", existing.reference());
            Err(ApiError::new(ErrorCode::NameTaken, message)
                .with_hint("install it under another name: --as other-slug".to_owned()))
        }
        existing => Ok(existing),
    }
}

fn already_installed(call: &Call, existing: InstallSummary) -> InstalledReply {
    InstalledReply { install: view(call, existing), already_installed: true, warning: None }
}

/// An install as it is shown, with the numbers of what callers are offered of it now.
pub(super) fn view(call: &Call, summary: InstallSummary) -> InstallView {
    let Counts { tools, prompts, resources } = Counts::of(call, &summary.install);
    let is_kept_off = summary.is_stdio && call.app.config.stdio.is_none();
    let status = match &summary {
        summary if summary.install.withdrawn => InstallStatus::Withdrawn,
        summary if !summary.install.enabled || is_kept_off => InstallStatus::Disabled,
        summary if summary.status.failed_at.is_some() => InstallStatus::Failing,
        summary if summary.status.listed_at.is_none() => InstallStatus::Pending,
        _ => InstallStatus::Ok,
    };
    InstallView {
        server: summary.reference(),
        version: summary.skill.as_ref().map(|skill| skill.version),
        yanked: summary.skill.as_ref().is_some_and(|skill| skill.yanked),
        id: summary.install.id,
        slug: summary.install.slug,
        status,
        tools,
        prompts,
        resources,
        disabled_tools: summary.install.disabled_tools,
        last_error: if is_kept_off { Some(STDIO_SWITCHED_OFF.to_owned()) } else { summary.status.last_error },
        listed_at: summary.status.listed_at,
        created_at: summary.install.created_at,
    }
}

/// How much of an install callers are offered now.
#[derive(Default)]
struct Counts {
    tools: u32,
    prompts: u32,
    resources: u32,
}

impl Counts {
    fn of(call: &Call, install: &Install) -> Self {
        let Some(snapshot) = call.app.grants.snapshot(&install.workspace) else {
            return Self::default();
        };
        let is_of =
            |index: usize| snapshot.installs.get(index).is_some_and(|found| found.install.id == install.id);
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let items = |kind| snapshot.listed_items(kind).filter(|item| is_of(item.install)).count();
        Self {
            tools: number(snapshot.listed().filter(|tool| is_of(tool.install)).count()),
            prompts: number(items(Kind::Prompt)),
            resources: number(items(Kind::Resource) + items(Kind::Template)),
        }
    }
}
