//! Skills: listing, searching and showing what the caller may use.

use aerostack_core::account::Account;
use aerostack_core::api::error::ErrorCode;
use aerostack_core::api::page::{Empty, Page, PageQuery};
use aerostack_core::api::skill::{
    SEARCH_MAX_CHARS, SearchSkillsQuery, SkillToolView, SkillVersionView, SkillView,
};
use aerostack_core::id::AccountId;
use aerostack_core::skill::{Relation, Skill, SkillVersion, Visibility};
use aerostack_core::slug::Slug;
use aerostack_core::text::clean_line;

use super::call::{Call, shown};
use super::error::ApiError;
use super::paging::Paging;
use crate::store::skill::SkillSummary;
use crate::store::{self, Tx};

/// Lists the caller's own skills and those of their teams.
pub(super) async fn list(call: Call, query: PageQuery) -> Result<Page<SkillView>, ApiError> {
    let paging = Paging::read(query.limit, query.cursor.as_deref())?;
    let mut tx = call.read().await?;
    let account = &call.caller.account.id;
    let found =
        store::skill::list_of_account(&mut tx, account, paging.after.as_deref(), paging.fetch()).await?;
    let (found, next_cursor) = paging.cut(found, place);
    Ok(Page { items: found.into_iter().map(view).collect(), next_cursor })
}

/// Looks for skills the caller may use.
pub(super) async fn search(call: Call, query: SearchSkillsQuery) -> Result<Page<SkillView>, ApiError> {
    let paging = Paging::read(query.limit, query.cursor.as_deref())?;
    let text = clean_line(&query.query.unwrap_or_default(), SEARCH_MAX_CHARS);
    let mut tx = call.read().await?;
    let account = &call.caller.account.id;
    let found =
        store::skill::search(&mut tx, account, &text, paging.after.as_deref(), paging.fetch()).await?;
    let (found, next_cursor) = paging.cut(found, place);
    Ok(Page { items: found.into_iter().map(view).collect(), next_cursor })
}

/// Shows a skill.
pub(super) async fn show(call: Call, _request: Empty) -> Result<SkillView, ApiError> {
    let mut tx = call.read().await?;
    let (skill, _) = find(&call, &mut tx).await?;
    view_of(&mut tx, &skill).await
}

/// Lists the versions of a skill, newest first.
pub(super) async fn versions(call: Call, query: PageQuery) -> Result<Page<SkillVersionView>, ApiError> {
    let paging = Paging::read(query.limit, query.cursor.as_deref())?;
    let before = paging.after.as_deref().map(str::parse).transpose();
    let before = before.map_err(|_| ApiError::invalid("cursor: it is none of ours"))?;
    let mut tx = call.read().await?;
    let (skill, _) = find(&call, &mut tx).await?;
    let found = store::skill_version::list(&mut tx, &skill.id, before, paging.fetch()).await?;
    let (found, next_cursor) = paging.cut(found, |version| version.version.number().to_string());
    Ok(Page { items: found.into_iter().map(version_view).collect(), next_cursor })
}

/// The skill of the path and whose it is, if the caller may use it.
async fn find(call: &Call, tx: &mut Tx) -> Result<(Skill, Account), ApiError> {
    let (owner, name) = (call.parameter(0), call.parameter(1));
    let missing = || no_skill(&shown(owner), &shown(name));
    let (Ok(owner), Ok(name)) = (Slug::parse(owner), Slug::parse(name)) else { return Err(missing()) };
    let owner = store::account::find_by_username(tx, &owner).await?.ok_or_else(missing)?;
    let skill = store::skill::find(tx, &owner.id, &name).await?.ok_or_else(missing)?;
    let relation = relation(tx, &call.caller.account.id, &owner.id).await?;
    match skill.visibility {
        visibility if visibility.opens_to(relation) => Ok((skill, owner)),
        Visibility::Team => Err(not_a_member(&owner.username)),
        Visibility::Private | Visibility::Public => Err(missing()),
    }
}

/// What an account is to the account of a skill.
pub(super) async fn relation(
    tx: &mut Tx,
    account: &AccountId,
    owner: &AccountId,
) -> Result<Relation, ApiError> {
    let is_member = account != owner && store::member::role(tx, owner, account).await?.is_some();
    Ok(Relation::of(account, owner, is_member))
}

/// The answer where there is no skill, or one that is private to somebody else: the same words for both.
pub(super) fn no_skill(owner: &str, name: &str) -> ApiError {
    ApiError::not_found(format!("there is no skill '@{owner}/{name}'"))
        .with_hint("look for it with: aerostack skill search".to_owned())
}

/// The answer to somebody outside the team whose skill it is.
pub(super) fn not_a_member(team: &Slug) -> ApiError {
    ApiError::new(ErrorCode::NotAMember, format!("You are not a member of @{team}"))
}

/// A skill with the version that is offered, as it is shown.
pub(super) async fn view_of(tx: &mut Tx, skill: &Skill) -> Result<SkillView, ApiError> {
    let summary = store::skill::summary(tx, &skill.id).await?;
    let summary = summary.ok_or_else(|| ApiError::internal("a skill has no version".to_owned()))?;
    Ok(view(summary))
}

/// Where a skill stands in a list.
fn place(summary: &SkillSummary) -> String {
    format!("{}/{}", summary.owner_username, summary.skill.name)
}

/// An address is shown by its host alone: the rest may hold a key.
fn view(summary: SkillSummary) -> SkillView {
    let tools = summary.tools.into_iter();
    SkillView {
        id: summary.skill.id,
        owner: summary.owner_username,
        name: summary.skill.name,
        visibility: summary.skill.visibility,
        version: summary.version,
        yanked: summary.yanked,
        description: summary.description,
        backing: summary.backing.word().to_owned(),
        host: summary.backing.url().host_str().unwrap_or_default().to_owned(),
        tools: tools.map(|tool| SkillToolView { name: tool.name, description: tool.description }).collect(),
        published_at: summary.published_at,
    }
}

pub(super) fn version_view(version: SkillVersion) -> SkillVersionView {
    SkillVersionView {
        version: version.version,
        description: version.description,
        backing: version.backing.word().to_owned(),
        host: version.backing.url().host_str().unwrap_or_default().to_owned(),
        published_at: version.published_at,
        yanked_at: version.yanked_at,
    }
}
