//! Skills installed into a workspace: listing, installing, upgrading, removing.
//!
//! At install the caller and the workspace's owner must both have the right to the skill. Afterwards the
//! owner's right counts, and it is looked at whenever the workspace is read (`docs/decisions/0030`).

use aerostack_core::account::Account;
use aerostack_core::api::error::ErrorCode;
use aerostack_core::api::page::{Empty, Page, PageQuery};
use aerostack_core::api::server::{InstallView, Uninstalled};
use aerostack_core::api::skill::{
    InstallSkillRequest, InstalledSkillReply, UpgradeSkillRequest, UpgradedSkill,
};
use aerostack_core::audit::Action;
use aerostack_core::id::{InstallId, SkillId};
use aerostack_core::role::Power;
use aerostack_core::server::{INSTALLS_MAX, Install, Source};
use aerostack_core::skill::{InstallRefusal, Skill, SkillReference, SkillVersion, Version, may_install};
use aerostack_core::slug::Slug;
use aerostack_core::suggest;
use aerostack_core::workspace::Workspace;

use super::call::{Call, Deed, forbidden, shown};
use super::error::ApiError;
use super::install::{ask, save_answer, view};
use super::paging::Paging;
use super::secret::left_behind;
use super::skill::{no_skill, not_a_member, relation};
use crate::app::Publication;
use crate::lists;
use crate::store::install::InstallSummary;
use crate::store::skill_install::place;
use crate::store::{self, Tx};
use crate::upstream::{Credential, Target};

/// A skill somebody may install, the version that is meant, and whose it is.
struct Found {
    skill: Skill,
    version: SkillVersion,
    owner: Account,
}

impl Found {
    fn reference(&self) -> String {
        format!("@{}/{}", self.owner.username, self.skill.name)
    }

    /// Where its tools are asked for, installed or not.
    fn target(&self, call: &Call) -> Target {
        let place = place(&self.version, self.owner.id.clone(), self.skill.name.clone());
        let function = self.version.function_tools().map(<[_]>::to_vec);
        let credential = Credential::open(&call.app.vault, &place, []);
        Target { function, ..lists::target_of_server(&call.app, &place, credential) }
    }
}

/// Lists the skills installed into a workspace.
pub(super) async fn list(call: Call, query: PageQuery) -> Result<Page<InstallView>, ApiError> {
    let paging = Paging::read(query.limit, query.cursor.as_deref())?;
    let mut tx = call.read().await?;
    let workspace = call.workspace(&mut tx).await?;
    let after = paging.after.as_deref();
    let found =
        store::install_summary::list_skills_page(&mut tx, &workspace.id, after, paging.fetch()).await?;
    let (found, next_cursor) = paging.cut(found, |summary| summary.install.id.to_string());
    Ok(Page { items: found.into_iter().map(|summary| view(&call, summary)).collect(), next_cursor })
}

/// Installs a skill. Its tools are asked for first, outside the lane, where a server tells them.
pub(super) async fn install(
    call: Call,
    request: InstallSkillRequest,
) -> Result<InstalledSkillReply, ApiError> {
    let reference: SkillReference = request.skill.parse()?;
    let (pinned, target) = {
        let mut tx = call.read().await?;
        let workspace = call.workspace(&mut tx).await?;
        let found = find(&call, &mut tx, &workspace, &reference).await?;
        let slug = request.alias.as_ref().unwrap_or(&found.skill.name);
        if let Some(existing) = find_existing(&mut tx, &workspace, slug, &found, &reference).await? {
            return Ok(already_installed(&call, existing, &found));
        }
        check_power(&call, &mut tx, &workspace, &found).await?;
        check_offered(&mut tx, &found).await?;
        // The version that is asked is the one that is installed, whatever is published meanwhile.
        (reference.at(found.version.version), found.target(&call))
    };
    let answer = ask(&call, target).await;

    let (mut order, now) = call.order().await?;
    let workspace = call.lock_workspace(&mut order.tx).await?;
    // Looked up again: the right may have ended, or somebody installed it meanwhile.
    let found = find(&call, &mut order.tx, &workspace, &pinned).await?;
    let slug = request.alias.unwrap_or_else(|| found.skill.name.clone());
    if let Some(existing) = find_existing(&mut order.tx, &workspace, &slug, &found, &reference).await? {
        return Ok(already_installed(&call, existing, &found));
    }
    check_power(&call, &mut order.tx, &workspace, &found).await?;
    check_offered(&mut order.tx, &found).await?;
    if store::install::count_of_workspace(&mut order.tx, &workspace.id).await? >= INSTALLS_MAX {
        let message = format!("a workspace has at most {INSTALLS_MAX} servers and skills");
        return Err(ApiError::new(ErrorCode::LimitReached, message)
            .with_hint("uninstall what nobody uses any more".to_owned()));
    }
    let install = Install {
        id: InstallId::new(now, &mut call.app.rng()),
        workspace: workspace.id.clone(),
        source: Source::Skill(found.version.id.clone()),
        slug,
        enabled: true,
        withdrawn: false,
        disabled_tools: Vec::new(),
        created_at: now,
    };
    store::install::insert(&mut order.tx, &install).await?;
    let warning = save_answer(&mut order, &workspace, &install.id, &answer, now).await?;
    let detail = format!("{} as {}", found.version.version, install.slug);
    let deed = Deed { action: Action::SkillInstalled, object: &found.reference(), detail };
    call.audit_workspace(&mut order.tx, &workspace, now, deed).await?;
    let summary = installed(&mut order.tx, &workspace, &install.slug).await?;
    order.commit(vec![Publication::Workspace(workspace.id)]).await?;
    let visibility = found.skill.visibility;
    Ok(InstalledSkillReply { install: view(&call, summary), visibility, already_installed: false, warning })
}

/// Moves an install to another version. Nothing else of it changes.
pub(super) async fn upgrade(call: Call, request: UpgradeSkillRequest) -> Result<UpgradedSkill, ApiError> {
    let (reference, target, source) = {
        let mut tx = call.read().await?;
        let workspace = call.workspace(&mut tx).await?;
        let (existing, before) = find_installed(&call, &mut tx, &workspace).await?;
        let reference = reference_of(&existing, request.version);
        let found = find(&call, &mut tx, &workspace, &reference).await?;
        if found.version.version == before {
            return Ok(UpgradedSkill { install: view(&call, existing), before, warning: None });
        }
        check_offered(&mut tx, &found).await?;
        (reference.at(found.version.version), found.target(&call), existing.install.source)
    };
    let answer = ask(&call, target).await;

    let (mut order, now) = call.order().await?;
    let workspace = call.lock_workspace(&mut order.tx).await?;
    let (existing, before) = find_installed(&call, &mut order.tx, &workspace).await?;
    if existing.install.source != source {
        let message = format!("'{}' was changed meanwhile", existing.install.slug);
        return Err(ApiError::new(ErrorCode::Conflict, message).with_hint("try again".to_owned()));
    }
    let found = find(&call, &mut order.tx, &workspace, &reference).await?;
    check_offered(&mut order.tx, &found).await?;
    let id = &existing.install.id;
    store::skill_install::update_version(&mut order.tx, id, &found.version.id).await?;
    let unlisted = save_answer(&mut order, &workspace, id, &answer, now).await?;
    let warning = left_behind(&mut order.tx, &workspace, id).await?.or(unlisted);
    let detail = format!("{before} to {} as {}", found.version.version, existing.install.slug);
    let deed = Deed { action: Action::SkillUpgraded, object: &found.reference(), detail };
    call.audit_workspace(&mut order.tx, &workspace, now, deed).await?;
    let summary = installed(&mut order.tx, &workspace, &existing.install.slug).await?;
    order.commit(vec![Publication::Workspace(workspace.id)]).await?;
    Ok(UpgradedSkill { install: view(&call, summary), before, warning })
}

/// Removes a skill from a workspace.
pub(super) async fn uninstall(call: Call, _request: Empty) -> Result<Uninstalled, ApiError> {
    let (mut order, now) = call.order().await?;
    let workspace = call.lock_workspace(&mut order.tx).await?;
    let (found, version) = find_installed(&call, &mut order.tx, &workspace).await?;
    store::install::delete(&mut order.tx, &found.install.id).await?;
    let detail = format!("{version} as {}", found.install.slug);
    let deed = Deed { action: Action::SkillUninstalled, object: &found.reference(), detail };
    call.audit_workspace(&mut order.tx, &workspace, now, deed).await?;
    order.commit(vec![Publication::Workspace(workspace.id)]).await?;
    Ok(Uninstalled { slug: found.install.slug })
}

/// The skill a reference names, if the caller may install it into the workspace.
async fn find(
    call: &Call,
    tx: &mut Tx,
    workspace: &Workspace,
    reference: &SkillReference,
) -> Result<Found, ApiError> {
    let owner = match &reference.username {
        None => store::account::find(tx, &workspace.owner).await?,
        Some(username) => store::account::find_by_username(tx, username).await?,
    };
    let named = reference.username.as_ref().or(owner.as_ref().map(|owner| &owner.username));
    let missing = no_skill(named.map_or("", Slug::as_str), reference.name.as_str());
    let Some(owner) = owner else { return Err(missing) };
    let Some(skill) = store::skill::find(tx, &owner.id, &reference.name).await? else {
        return Err(missing);
    };
    let caller = relation(tx, &call.caller.account.id, &owner.id).await?;
    let workspace_owner = relation(tx, &workspace.owner, &owner.id).await?;
    match may_install(skill.visibility, caller, workspace_owner) {
        Ok(()) => {}
        Err(InstallRefusal::Unknown) => return Err(missing),
        Err(InstallRefusal::NotAMember) => return Err(not_a_member(&owner.username)),
        Err(InstallRefusal::OwnerNotAMember) => {
            let message = format!("The owner of '{}' is not a member of @{}", workspace.slug, owner.username);
            return Err(ApiError::new(ErrorCode::NotAMember, message));
        }
        Err(InstallRefusal::OwnersAlone) => {
            let message = format!("'{}' is private: it works in your own workspaces only", skill.name);
            return Err(ApiError::new(ErrorCode::Forbidden, message));
        }
    }
    let version = match reference.version {
        None => store::skill_version::offered(tx, &skill.id).await?,
        Some(version) => store::skill_version::find(tx, &skill.id, version).await?,
    };
    match version {
        Some(version) => Ok(Found { skill, version, owner }),
        None => {
            let wanted =
                reference.version.ok_or_else(|| ApiError::internal("a skill has no version".to_owned()))?;
            let name = format!("@{}/{}", owner.username, skill.name);
            Err(no_version(tx, &skill.id, &name, wanted).await?)
        }
    }
}

/// A version that was never published, with the one to take in its place.
pub(super) async fn no_version(
    tx: &mut Tx,
    skill: &SkillId,
    name: &str,
    wanted: Version,
) -> Result<ApiError, ApiError> {
    let hint = hint_of_offered(tx, skill).await?;
    Ok(ApiError::not_found(format!("'{name}' has no version {wanted}")).with_hint(hint))
}

async fn hint_of_offered(tx: &mut Tx, skill: &SkillId) -> Result<Option<String>, ApiError> {
    let offered = store::skill_version::offered(tx, skill).await?;
    let offered = offered.filter(|version| version.yanked_at.is_none());
    Ok(offered.map(|version| format!("the newest is {}", version.version)))
}

/// Refuses a version that was taken back. What is installed already never comes here.
async fn check_offered(tx: &mut Tx, found: &Found) -> Result<(), ApiError> {
    let Some(at) = found.version.yanked_at else { return Ok(()) };
    let (name, version) = (found.reference(), found.version.version);
    let hint = hint_of_offered(tx, &found.skill.id).await?;
    let message = format!("version {version} of '{name}' was yanked on {}", at.date());
    Err(ApiError::new(ErrorCode::Conflict, message)
        .with_hint(hint.unwrap_or_else(|| "every version of it was; ask whoever publishes it".to_owned())))
}

/// A team's own skills may be installed by all its members, everything else by those who manage.
async fn check_power(call: &Call, tx: &mut Tx, workspace: &Workspace, found: &Found) -> Result<(), ApiError> {
    if found.skill.owner == workspace.owner {
        return Ok(());
    }
    let standing = call.standing(tx, &workspace.owner).await?;
    if standing.is_some_and(|standing| standing.permits(Power::ManageWorkspace)) {
        return Ok(());
    }
    Err(forbidden().with_hint("members install the team's own skills; ask an admin for others".to_owned()))
}

/// What stands under the slug already: the same skill is a success, another one or a server a refusal.
async fn find_existing(
    tx: &mut Tx,
    workspace: &Workspace,
    slug: &Slug,
    found: &Found,
    reference: &SkillReference,
) -> Result<Option<InstallSummary>, ApiError> {
    let Some(existing) = store::install::find_by_slug(tx, &workspace.id, slug).await? else {
        return Ok(None);
    };
    let Some(skill) = existing.skill.as_ref().filter(|_| existing.reference() == found.reference()) else {
        let message = format!("'{slug}' is {} in this workspace", existing.reference());
        return Err(ApiError::new(ErrorCode::NameTaken, message)
            .with_hint("install it under another name: --as other-slug".to_owned()));
    };
    if let Some(wanted) = reference.version.filter(|wanted| *wanted != skill.version) {
        let message = format!("'{slug}' is installed at {}", skill.version);
        return Err(ApiError::new(ErrorCode::Conflict, message)
            .with_hint(format!("move it with: aerostack skill upgrade {slug} --version {wanted}")));
    }
    Ok(Some(existing))
}

fn already_installed(call: &Call, existing: InstallSummary, found: &Found) -> InstalledSkillReply {
    let visibility = found.skill.visibility;
    InstalledSkillReply { install: view(call, existing), visibility, already_installed: true, warning: None }
}

/// The installed skill of the path, by its slug there or its reference, and its version.
async fn find_installed(
    call: &Call,
    tx: &mut Tx,
    workspace: &Workspace,
) -> Result<(InstallSummary, Version), ApiError> {
    let text = call.parameter(1);
    let limit = i64::from(INSTALLS_MAX);
    let known = store::install_summary::list_skills_page(tx, &workspace.id, None, limit).await?;
    let is_meant = |summary: &&InstallSummary| {
        let reference = summary.reference();
        summary.install.slug.as_str() == text || reference == text || reference[1..] == *text
    };
    if let Some(summary) = known.iter().find(is_meant)
        && let Some(skill) = &summary.skill
    {
        return Ok((summary.clone(), skill.version));
    }
    let hint = suggest::hint(text, known.iter().map(|summary| summary.install.slug.as_str()));
    let message = format!("no skill '{}' is installed in '{}'", shown(text), workspace.slug);
    Err(ApiError::not_found(message).with_hint(hint))
}

fn reference_of(installed: &InstallSummary, version: Option<Version>) -> SkillReference {
    let (username, name) = (installed.server_owner.clone(), installed.server_slug.clone());
    SkillReference { username: Some(username), name, version }
}

async fn installed(tx: &mut Tx, workspace: &Workspace, slug: &Slug) -> Result<InstallSummary, ApiError> {
    let summary = store::install::find_by_slug(tx, &workspace.id, slug).await?;
    summary.ok_or_else(|| ApiError::internal("an install vanished in a transaction".to_owned()))
}
