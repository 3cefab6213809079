//! The team of an account: who is in it, and how somebody leaves it.

use std::collections::BTreeSet;

use aerostack_core::account::{Account, Email};
use aerostack_core::api::error::ErrorCode;
use aerostack_core::api::page::Empty;
use aerostack_core::api::team::{MemberStatus, RemovedMember, TeamMemberView, TeamView};
use aerostack_core::audit::Action;
use aerostack_core::id::{AccountId, WorkspaceId};
use aerostack_core::member::TeamRole;
use aerostack_core::suggest;
use aerostack_core::time::Timestamp;

use super::call::{Call, Deed, shown};
use super::error::ApiError;
use super::team_invite::{self, status_of};
use crate::app::Publication;
use crate::store::member::TeamMember;
use crate::store::{self, Tx};

/// Lists everybody who is in the team or invited into it.
pub(super) async fn show(call: Call, _request: Empty) -> Result<TeamView, ApiError> {
    let now = call.app.clock.now();
    let mut tx = call.read().await?;
    let team = call.team(&mut tx).await?;
    let active = store::member::list(&mut tx, &team.id).await?.into_iter().map(active);
    let invited = store::invite::list_open(&mut tx, &team.id, None).await?;
    let invited = invited.into_iter().map(|invite| TeamMemberView {
        status: status_of(&invite, now),
        email: invite.email,
        username: None,
        role: invite.role,
        invited_at: Some(invite.created_at),
        joined_at: None,
    });
    let mut members: Vec<TeamMemberView> = active.chain(invited).collect();
    members.sort_by(|one, other| one.email.cmp(&other.email));
    Ok(TeamView { team: team.username, members })
}

fn active(member: TeamMember) -> TeamMemberView {
    TeamMemberView {
        email: member.email,
        username: Some(member.username),
        role: member.membership.role,
        status: MemberStatus::Active,
        invited_at: None,
        joined_at: Some(member.membership.joined_at),
    }
}

/// Removes somebody from the team, or the invitation that waits for them.
///
/// When the answer is out, nothing of the team accepts them any more: membership and sessions are
/// read at every request, and the tokens tied to them have ended.
pub(super) async fn remove(call: Call, _request: Empty) -> Result<RemovedMember, ApiError> {
    let email = address_of(&call)?;
    let (mut order, now) = call.order().await?;
    let team = call.lock_team(&mut order.tx).await?;
    if email == team.email {
        return Err(ApiError::new(ErrorCode::Conflict, "the owner cannot be removed from the team"));
    }
    let Some((person, role)) = member(&mut order.tx, &team, &email).await? else {
        let Some(was) = team_invite::end(&call, &mut order.tx, &team, &email, now).await? else {
            return Err(nobody(&mut order.tx, &team, &email).await?);
        };
        order.commit(Vec::new()).await?;
        return Ok(RemovedMember { email, was, tokens_revoked: 0, invites_ended: 1 });
    };
    if role == TeamRole::Admin {
        call.must_manage_admins(&mut order.tx, &team.id).await?;
    }
    store::member::delete(&mut order.tx, &team.id, &person.id).await?;
    let for_them = store::invite::end_all(&mut order.tx, &team.id, &email, now).await?;
    // Whoever was shown a link could still follow it, under another address.
    let shown = store::invite::end_all_shown_to(&mut order.tx, &team.id, &person.id, now).await?;
    let invites_ended = for_them.saturating_add(shown);
    store::session::end_all(&mut order.tx, &person.id, now).await?;
    end_places(&call, &mut order.tx, &team, &person, now).await?;
    let mut publications = revoke_tokens(&call, &mut order.tx, &team, &email, now).await?;
    let tokens_revoked = u32::try_from(publications.len()).unwrap_or(u32::MAX);
    let deed = Deed {
        action: Action::MemberRemoved,
        object: email.as_str(),
        detail: format!("{}; {invites_ended} invitations ended", role.word()),
    };
    call.audit_account(&mut order.tx, &team.id, now, deed).await?;
    publications.extend(concerned_workspaces(&mut order.tx, &team.id, &person.id).await?);
    order.commit(publications).await?;
    Ok(RemovedMember { email, was: MemberStatus::Active, tokens_revoked, invites_ended })
}

/// Ends the person's places in single workspaces of the team: they would be left without a token.
async fn end_places(
    call: &Call,
    tx: &mut Tx,
    team: &Account,
    person: &Account,
    now: Timestamp,
) -> Result<(), ApiError> {
    for place in store::workspace_member::in_team(tx, &team.id, &person.id).await? {
        let id = &place.membership.workspace;
        store::workspace_member::delete(tx, id, &person.id).await?;
        let locked = store::workspace::lock(tx, id).await?;
        let workspace = locked.ok_or_else(|| ApiError::internal("a place has no workspace".to_owned()))?;
        let detail = "removed from the team".to_owned();
        let deed = Deed { action: Action::MemberRemoved, object: person.email.as_str(), detail };
        call.audit_workspace(tx, &workspace, now, deed).await?;
    }
    Ok(())
}

/// The address of the path.
pub(super) fn address_of(call: &Call) -> Result<Email, ApiError> {
    Email::parse(call.parameter(0)).map_err(|error| ApiError::invalid(error.to_string()))
}

/// The account of an address and its role, if it is in the team.
async fn member(tx: &mut Tx, team: &Account, email: &Email) -> Result<Option<(Account, TeamRole)>, ApiError> {
    let Some(account) = store::account::find_by_email(tx, email).await? else { return Ok(None) };
    Ok(store::member::role(tx, &team.id, &account.id).await?.map(|role| (account, role)))
}

/// Ends the tokens of the team's workspaces that are tied to the person: never those of a look-alike
/// name.
async fn revoke_tokens(
    call: &Call,
    tx: &mut Tx,
    team: &Account,
    person: &Email,
    now: Timestamp,
) -> Result<Vec<Publication>, ApiError> {
    let tokens = store::token::unended_of_person(tx, &team.id, person, now).await?;
    let places: BTreeSet<WorkspaceId> = tokens.iter().map(|token| token.workspace.clone()).collect();
    for workspace in &places {
        store::workspace::lock(tx, workspace).await?;
    }
    let mut ends = Vec::with_capacity(tokens.len());
    for token in tokens {
        store::token::set_revoked(tx, &token.id, now).await?;
        let workspace = store::workspace::find_by_id(tx, &token.workspace).await?;
        let workspace = workspace.ok_or_else(|| ApiError::internal("a token has no workspace".to_owned()))?;
        let detail = format!("{}, removed from the team", token.id);
        let deed = Deed { action: Action::TokenRevoked, object: &token.name, detail };
        call.audit_workspace(tx, &workspace, now, deed).await?;
        ends.push(Publication::token_ends(&token, now));
    }
    Ok(ends)
}

/// The person's own workspaces that have skills of the team, to be published anew: what the membership
/// allows there changes.
pub(super) async fn concerned_workspaces(
    tx: &mut Tx,
    team: &AccountId,
    person: &AccountId,
) -> Result<Vec<Publication>, ApiError> {
    let mut publications = Vec::new();
    for workspace in store::skill_install::workspaces_concerned(tx, team, person).await? {
        store::workspace::lock(tx, &workspace).await?;
        publications.push(Publication::Workspace(workspace));
    }
    Ok(publications)
}

/// Nobody of this address, with the closest addresses there are.
pub(super) async fn nobody(tx: &mut Tx, team: &Account, email: &Email) -> Result<ApiError, ApiError> {
    let members = store::member::list(tx, &team.id).await?.into_iter().map(|member| member.email);
    let invited = store::invite::list_open(tx, &team.id, None).await?.into_iter().map(|invite| invite.email);
    let known: Vec<Email> = members.chain(invited).collect();
    let hint = suggest::hint(email.as_str(), known.iter().map(Email::as_str));
    let message = format!("nobody in @{} has the address {}", team.username, shown(email.as_str()));
    Ok(ApiError::not_found(message).with_hint(hint))
}
