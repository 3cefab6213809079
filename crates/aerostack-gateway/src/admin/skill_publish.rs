//! Publishing skills, and changing who may use them.

use aerostack_core::account::Account;
use aerostack_core::api::error::ErrorCode;
use aerostack_core::api::skill::{PublishSkillRequest, PublishedSkill, SkillView, UpdateSkillRequest};
use aerostack_core::audit::Action;
use aerostack_core::id::{SkillId, SkillVersionId};
use aerostack_core::manifest::{Manifest, Package};
use aerostack_core::skill::{
    Publishing, SKILLS_MAX, Skill, SkillVersion, VERSIONS_MAX, Visibility, may_publish,
};
use aerostack_core::slug::Slug;
use aerostack_core::time::Timestamp;

use super::call::{Call, Deed, shown};
use super::error::ApiError;
use super::skill::{no_skill, view_of};
use crate::app::Publication;
use crate::store::{self, Tx};
use crate::upstream::try_schemas;

/// Most workspaces whose right one change of visibility begins or ends.
const CONCERNED_WORKSPACES_MAX: usize = 10_000;

/// Publishes a version. The newest one once more is a success that writes nothing, but for the visibility.
pub(super) async fn publish(call: Call, request: PublishSkillRequest) -> Result<PublishedSkill, ApiError> {
    let PublishSkillRequest { name, version, description, tools, function_url, mcp_url, visibility } =
        request;
    let package = Manifest { name, version, description, tools, function_url, mcp_url }.check()?;
    let package = with_schemas_tried(package).await?;

    let (mut order, now) = call.order().await?;
    let team = call.lock_team(&mut order.tx).await?;
    let before = store::skill::find(&mut order.tx, &team.id, &package.name).await?;
    check_privacy(&call, &team, before.as_ref(), visibility)?;
    let (skill, newest) = match before {
        None => (create(&call, &mut order.tx, &team, &package, visibility, now).await?, None),
        Some(skill) => {
            let newest = store::skill_version::newest(&mut order.tx, &skill.id).await?;
            (skill, newest)
        }
    };
    let publishing = may_publish(newest.as_ref(), &package)?;
    if publishing == Publishing::New {
        add_version(&call, &mut order.tx, &team, &skill, package, now).await?;
    }
    let wanted = visibility.unwrap_or(skill.visibility);
    let publications = set_visibility(&call, &mut order.tx, &team, &skill, wanted, now).await?;
    let view = view_of(&mut order.tx, &skill).await?;
    order.commit(publications).await?;
    Ok(PublishedSkill { skill: view, already_published: publishing == Publishing::Same })
}

/// Changes who may use a skill.
pub(super) async fn update(call: Call, request: UpdateSkillRequest) -> Result<SkillView, ApiError> {
    let (mut order, now) = call.order().await?;
    let team = call.lock_team(&mut order.tx).await?;
    let skill = find_own(&call, &mut order.tx, &team).await?;
    check_privacy(&call, &team, Some(&skill), Some(request.visibility))?;
    let publications = set_visibility(&call, &mut order.tx, &team, &skill, request.visibility, now).await?;
    let view = view_of(&mut order.tx, &skill).await?;
    order.commit(publications).await?;
    Ok(view)
}

/// The skill of the path among the team's, if the caller may know of it.
pub(super) async fn find_own(call: &Call, tx: &mut Tx, team: &Account) -> Result<Skill, ApiError> {
    let missing = || no_skill(team.username.as_str(), &shown(call.parameter(0)));
    let name = Slug::parse(call.parameter(0)).map_err(|_| missing())?;
    let skill = store::skill::find(tx, &team.id, &name).await?.ok_or_else(missing)?;
    if skill.visibility == Visibility::Private && !is_own(call, team) {
        return Err(missing());
    }
    Ok(skill)
}

/// Compiling takes its time, so it is tried before the order begins and off the executor.
async fn with_schemas_tried(package: Package) -> Result<Package, ApiError> {
    let tried = tokio::task::spawn_blocking(move || try_schemas(&package.tools).map(|()| package)).await;
    let tried = tried.map_err(|error| ApiError::internal(format!("trying a schema broke off: {error}")))?;
    tried.map_err(|fault| ApiError::invalid(fault.to_string()))
}

fn is_own(call: &Call, team: &Account) -> bool {
    call.caller.account.id == team.id
}

/// A private skill is the account's alone: nobody else publishes one for it, or into one.
fn check_privacy(
    call: &Call,
    team: &Account,
    before: Option<&Skill>,
    visibility: Option<Visibility>,
) -> Result<(), ApiError> {
    if is_own(call, team) {
        return Ok(());
    }
    if let Some(taken) = before.filter(|skill| skill.visibility == Visibility::Private) {
        let message = format!("the name '{}' is taken in @{}", taken.name, team.username);
        return Err(ApiError::new(ErrorCode::NameTaken, message));
    }
    if visibility == Some(Visibility::Private) {
        let message = format!("a private skill of @{0} is @{0}'s alone to make", team.username);
        return Err(ApiError::new(ErrorCode::Forbidden, message)
            .with_hint("publish it for the team: --private team".to_owned()));
    }
    Ok(())
}

async fn create(
    call: &Call,
    tx: &mut Tx,
    team: &Account,
    package: &Package,
    visibility: Option<Visibility>,
    now: Timestamp,
) -> Result<Skill, ApiError> {
    if store::skill::count_of_owner(tx, &team.id).await? >= SKILLS_MAX {
        return Err(ApiError::new(
            ErrorCode::LimitReached,
            format!("an account has at most {SKILLS_MAX} skills"),
        ));
    }
    let skill = Skill {
        id: SkillId::new(now, &mut call.app.rng()),
        owner: team.id.clone(),
        name: package.name.clone(),
        visibility: visibility.unwrap_or_default(),
        created_at: now,
    };
    store::skill::insert(tx, &skill).await?;
    Ok(skill)
}

async fn add_version(
    call: &Call,
    tx: &mut Tx,
    team: &Account,
    skill: &Skill,
    package: Package,
    now: Timestamp,
) -> Result<(), ApiError> {
    if store::skill_version::count(tx, &skill.id).await? >= VERSIONS_MAX {
        let message = format!("a skill has at most {VERSIONS_MAX} versions");
        return Err(ApiError::new(ErrorCode::LimitReached, message)
            .with_hint("publish it under another name".to_owned()));
    }
    let version = SkillVersion {
        id: SkillVersionId::new(now, &mut call.app.rng()),
        skill: skill.id.clone(),
        version: package.version,
        description: package.description,
        backing: package.backing,
        tools: package.tools,
        trusted: call.is_operator(),
        published_at: now,
        yanked_at: None,
    };
    store::skill_version::insert(tx, &version).await?;
    let host = version.backing.url().host_str().unwrap_or_default();
    let detail = format!("{}, {} at {host}", version.version, version.backing.word());
    let deed = Deed { action: Action::SkillPublished, object: &reference(team, skill), detail };
    call.audit_account(tx, &team.id, now, deed).await
}

/// Writes who may use a skill; gives what to publish: every workspace whose right begins or ends by it.
async fn set_visibility(
    call: &Call,
    tx: &mut Tx,
    team: &Account,
    skill: &Skill,
    wanted: Visibility,
    now: Timestamp,
) -> Result<Vec<Publication>, ApiError> {
    if skill.visibility == wanted {
        return Ok(Vec::new());
    }
    let places = store::skill_install::workspaces_with(tx, &skill.id).await?;
    let concerned: Vec<_> = places
        .into_iter()
        .filter(|(_, owner)| skill.visibility.opens_to(*owner) != wanted.opens_to(*owner))
        .collect();
    if concerned.len() > CONCERNED_WORKSPACES_MAX {
        let message =
            format!("'{}' is installed in more than {CONCERNED_WORKSPACES_MAX} workspaces", skill.name);
        return Err(ApiError::new(ErrorCode::LimitReached, message));
    }
    let mut publications = Vec::with_capacity(concerned.len());
    for (workspace, _) in concerned {
        store::workspace::lock(tx, &workspace).await?;
        publications.push(Publication::Workspace(workspace));
    }
    let changed = Skill { visibility: wanted, ..skill.clone() };
    store::skill::update_visibility(tx, &changed).await?;
    let detail = format!("{} to {}", skill.visibility.word(), wanted.word());
    let deed = Deed { action: Action::SkillUpdated, object: &reference(team, skill), detail };
    call.audit_account(tx, &team.id, now, deed).await?;
    Ok(publications)
}

pub(super) fn reference(team: &Account, skill: &Skill) -> String {
    format!("@{}/{}", team.username, skill.name)
}
