//! Members of a workspace: inviting, listing and removing them. How they enter is in `member_join`.

use std::collections::{BTreeMap, HashMap};

use aerostack_core::account::{Account, Email};
use aerostack_core::api::member::{
    InviteWorkspaceMemberRequest, MemberToken, RemovedWorkspaceMember, WorkspaceInviteSent,
    WorkspaceMemberView, WorkspaceMembersView,
};
use aerostack_core::api::page::Empty;
use aerostack_core::api::team::MemberStatus;
use aerostack_core::audit::Action;
use aerostack_core::id::InviteId;
use aerostack_core::invite::{
    Invite, InviteOrder, InvitePlace, InviteRefusal, IssuedInvite, invite as decide,
};
use aerostack_core::member::TeamRole;
use aerostack_core::suggest;
use aerostack_core::time::Timestamp;
use aerostack_core::token::Token;
use aerostack_core::workspace::Workspace;

use super::analytics::calls_by_person;
use super::call::{Call, Deed, shown};
use super::error::ApiError;
use super::team_invite::{Delivered, deliver, invited_lately, join_url, status_of};
use crate::app::Publication;
use crate::mail::Letter;
use crate::store::workspace_member::WorkspaceMember;
use crate::store::{self, Tx};

/// Invites somebody into a workspace. An invitation that waits for the same address is replaced.
pub(super) async fn invite(
    call: Call,
    request: InviteWorkspaceMemberRequest,
) -> Result<WorkspaceInviteSent, ApiError> {
    let (mut order, now) = call.order().await?;
    let tx = &mut order.tx;
    let found = call.workspace(tx).await?;
    // Invitations are counted per account, so that is held first.
    let team = store::account::lock(tx, &found.owner).await?;
    let team = team.ok_or_else(|| ApiError::internal("a workspace has no owner".to_owned()))?;
    let workspace = call.lock_workspace(tx).await?;
    let place = place(tx, &team, &workspace, &request.email, now).await?;
    let wanted = InviteOrder {
        team: team.id.clone(),
        workspace: Some(workspace.id.clone()),
        email: request.email,
        role: TeamRole::Member,
        is_handed_over: call.app.config.mail.is_none(),
        invited_by: call.caller.account.id.clone(),
    };
    let IssuedInvite { invite, link } = decide(wanted, place, now, &mut call.app.rng()).map_err(refused)?;
    let replaced = store::invite::end(tx, &team.id, Some(&workspace.id), &invite.email, now).await?;
    store::invite::insert(tx, &invite).await?;
    let deed =
        Deed { action: Action::MemberInvited, object: invite.email.as_str(), detail: invite.id.to_string() };
    call.audit_workspace(tx, &workspace, now, deed).await?;
    let seats = call.seats_of(tx, &workspace, now).await?;
    order.commit(Vec::new()).await?;
    let url = join_url(&call.app, &link);
    let letter = Letter::invitation(&invite, &url, &team.username, Some(&workspace.slug));
    let Delivered { delivery, link, failure } = deliver(&call, &invite, &link, letter).await?;
    let Invite { email, expires_at, .. } = invite;
    Ok(WorkspaceInviteSent {
        workspace: workspace.slug,
        email,
        expires_at,
        replaced,
        delivery,
        link,
        failure,
        seats,
    })
}

/// A refusal with what helps in a workspace, where nobody has a role.
fn refused(refusal: InviteRefusal) -> ApiError {
    let hint = match refusal {
        InviteRefusal::Owner => "a token of one's own: aerostack workspace token create",
        InviteRefusal::Member => "another token for them: aerostack workspace token create --for <email>",
        InviteRefusal::Full | InviteRefusal::TooMany => return refusal.into(),
    };
    ApiError::from(refusal).with_hint(hint.to_owned())
}

/// What is known of the workspace that somebody is invited into.
async fn place(
    tx: &mut Tx,
    team: &Account,
    workspace: &Workspace,
    email: &Email,
    now: Timestamp,
) -> Result<InvitePlace, ApiError> {
    let is_member = match store::account::find_by_email(tx, email).await? {
        Some(account) => store::workspace_member::is_member(tx, &workspace.id, &account.id).await?,
        None => false,
    };
    let members = store::workspace_member::count(tx, &workspace.id).await?;
    let invited = store::invite::count_open_others(tx, &team.id, Some(&workspace.id), email).await?;
    Ok(InvitePlace {
        is_owner: *email == team.email,
        is_member,
        people: members.saturating_add(invited),
        invited_lately: invited_lately(tx, team, now).await?,
    })
}

/// Lists the members of a workspace and who is invited into it.
pub(super) async fn list(call: Call, _request: Empty) -> Result<WorkspaceMembersView, ApiError> {
    tokio::join!(call.app.recorder.flush(), call.app.recorder.flush_calls());
    let now = call.app.clock.now();
    let mut tx = call.read().await?;
    let workspace = call.workspace(&mut tx).await?;
    // A list of people is worth having without it.
    let calls = calls_by_person(&call.app, &workspace.id).await.ok();
    let mut tokens: BTreeMap<Email, Vec<MemberToken>> = BTreeMap::new();
    for Token { id, name, person, .. } in
        store::workspace_member::tied_tokens(&mut tx, &workspace.id, now).await?
    {
        tokens.entry(person.expect("tied tokens are asked for")).or_default().push(MemberToken { id, name });
    }
    let no_seats = store::full_house::list(&mut tx, &workspace.owner, &workspace.id).await?;
    let no_seats: BTreeMap<InviteId, Timestamp> = no_seats.into_iter().collect();
    let joined = store::workspace_member::list(&mut tx, &workspace.id).await?;
    let invited = store::invite::list_open(&mut tx, &workspace.owner, Some(&workspace.id)).await?;
    let joined = joined.into_iter().map(|member| active(member, &mut tokens, calls.as_ref()));
    let mut members: Vec<WorkspaceMemberView> = joined.collect();
    members.extend(invited.into_iter().map(|invite| waiting(invite, &no_seats, now)));
    members.sort_by(|one, other| one.email.cmp(&other.email));
    let seats = call.seats_of(&mut tx, &workspace, now).await?;
    Ok(WorkspaceMembersView { workspace: workspace.slug, members, seats })
}

fn active(
    member: WorkspaceMember,
    tokens: &mut BTreeMap<Email, Vec<MemberToken>>,
    calls: Option<&HashMap<String, u64>>,
) -> WorkspaceMemberView {
    WorkspaceMemberView {
        calls: calls.map(|calls| calls.get(member.email.as_str()).copied().unwrap_or_default()),
        tokens: tokens.remove(&member.email).unwrap_or_default(),
        email: member.email,
        status: MemberStatus::Active,
        invited_at: None,
        joined_at: Some(member.membership.joined_at),
        last_active_at: member.last_active_at,
        no_seat_at: None,
    }
}

fn waiting(invite: Invite, no_seats: &BTreeMap<InviteId, Timestamp>, now: Timestamp) -> WorkspaceMemberView {
    WorkspaceMemberView {
        status: status_of(&invite, now),
        no_seat_at: no_seats.get(&invite.id).copied(),
        email: invite.email,
        invited_at: Some(invite.created_at),
        joined_at: None,
        last_active_at: None,
        calls: None,
        tokens: Vec::new(),
    }
}

/// Removes somebody from a workspace, or the invitation that waits for them. When the answer is out,
/// nothing accepts their tokens of it any more.
pub(super) async fn remove(call: Call, _request: Empty) -> Result<RemovedWorkspaceMember, ApiError> {
    let email = Email::parse(call.parameter(1)).map_err(|error| ApiError::invalid(error.to_string()))?;
    let (mut order, now) = call.order().await?;
    let workspace = call.lock_workspace(&mut order.tx).await?;
    let invited = end_invite(&call, &mut order.tx, &workspace, &email, now).await?;
    let was_member = match store::account::find_by_email(&mut order.tx, &email).await? {
        Some(account) => store::workspace_member::delete(&mut order.tx, &workspace.id, &account.id).await?,
        None => false,
    };
    let mut publications = Vec::new();
    if was_member {
        let deed = Deed { action: Action::MemberRemoved, object: email.as_str(), detail: String::new() };
        call.audit_workspace(&mut order.tx, &workspace, now, deed).await?;
        publications = revoke_tokens(&call, &mut order.tx, &workspace, &email, now).await?;
    }
    let was = match (was_member, invited) {
        (true, _) => MemberStatus::Active,
        (false, Some(was)) => was,
        (false, None) => return Err(nobody(&mut order.tx, &workspace, &email).await?),
    };
    let tokens_revoked = u32::try_from(publications.len()).unwrap_or(u32::MAX);
    order.commit(publications).await?;
    Ok(RemovedWorkspaceMember { workspace: workspace.slug, email, was, tokens_revoked })
}

async fn end_invite(
    call: &Call,
    tx: &mut Tx,
    workspace: &Workspace,
    email: &Email,
    now: Timestamp,
) -> Result<Option<MemberStatus>, ApiError> {
    let open = store::invite::list_open_of(tx, &workspace.owner, email).await?;
    let Some(invite) = open.into_iter().find(|invite| invite.workspace.as_ref() == Some(&workspace.id))
    else {
        return Ok(None);
    };
    store::invite::end(tx, &workspace.owner, Some(&workspace.id), email, now).await?;
    let detail = format!("of {}", invite.created_at.date());
    let deed = Deed { action: Action::InviteRemoved, object: email.as_str(), detail };
    call.audit_workspace(tx, workspace, now, deed).await?;
    Ok(Some(status_of(&invite, now)))
}

async fn revoke_tokens(
    call: &Call,
    tx: &mut Tx,
    workspace: &Workspace,
    person: &Email,
    now: Timestamp,
) -> Result<Vec<Publication>, ApiError> {
    let tied = store::workspace_member::tied_tokens(tx, &workspace.id, now).await?;
    let mut ends = Vec::new();
    for token in tied.into_iter().filter(|token| token.person.as_ref() == Some(person)) {
        store::token::set_revoked(tx, &token.id, now).await?;
        let detail = format!("{}, removed from the workspace", token.id);
        let deed = Deed { action: Action::TokenRevoked, object: &token.name, detail };
        call.audit_workspace(tx, workspace, now, deed).await?;
        ends.push(Publication::token_ends(&token, now));
    }
    Ok(ends)
}

/// Nobody of this address, with the closest addresses there are.
async fn nobody(tx: &mut Tx, workspace: &Workspace, email: &Email) -> Result<ApiError, ApiError> {
    let members = store::workspace_member::list(tx, &workspace.id).await?;
    let invited = store::invite::list_open(tx, &workspace.owner, Some(&workspace.id)).await?;
    let known: Vec<Email> = members
        .into_iter()
        .map(|member| member.email)
        .chain(invited.into_iter().map(|invite| invite.email))
        .collect();
    let hint = suggest::hint(email.as_str(), known.iter().map(Email::as_str));
    let message =
        format!("nobody in the workspace '{}' has the address {}", workspace.slug, shown(email.as_str()));
    Ok(ApiError::not_found(message).with_hint(hint))
}
