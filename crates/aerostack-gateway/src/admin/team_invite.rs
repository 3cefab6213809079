//! Invitations into the team. The link goes to the address's mailbox, or, where no mail can be sent, to
//! whoever invited; in that case it proves no address.

use aerostack_core::account::{Account, Email};
use aerostack_core::api::operation::Needs;
use aerostack_core::api::page::{Empty, Page, PageQuery};
use aerostack_core::api::team::{
    Delivery, InviteRequest, InviteSent, InviteView, MemberStatus, RemovedInvite,
};
use aerostack_core::audit::Action;
use aerostack_core::bearer::RawToken;
use aerostack_core::invite::{
    INVITE_WINDOW, Invite, InviteOrder, InvitePlace, InviteStatus, IssuedInvite, invite as decide,
};
use aerostack_core::member::TeamRole;
use aerostack_core::time::Timestamp;

use super::call::{Call, Deed, shown};
use super::error::ApiError;
use super::paging::Paging;
use super::team::address_of;
use crate::app::App;
use crate::mail::{self, Letter, MailError};
use crate::store::{self, Tx};

/// Invites somebody. An invitation that waits for the same address is replaced: its link is dead.
pub(super) async fn invite(call: Call, request: InviteRequest) -> Result<InviteSent, ApiError> {
    let (mut order, now) = call.order().await?;
    let tx = &mut order.tx;
    let team = call.lock_team(tx).await?;
    if request.role == TeamRole::Admin {
        call.must_manage_admins(tx, &team.id).await?;
    }
    let place = place(tx, &team, &request.email, now).await?;
    let wanted = InviteOrder {
        team: team.id.clone(),
        workspace: None,
        email: request.email.clone(),
        role: request.role,
        is_handed_over: call.app.config.mail.is_none(),
        invited_by: call.caller.account.id.clone(),
    };
    let IssuedInvite { invite, link } = decide(wanted, place, now, &mut call.app.rng())?;
    let replaced = end(&call, tx, &team, &request.email, now).await?.is_some();
    store::invite::insert(tx, &invite).await?;
    let detail = format!("as {}", request.role.word());
    let deed = Deed { action: Action::MemberInvited, object: request.email.as_str(), detail };
    call.audit_account(tx, &team.id, now, deed).await?;
    order.commit(Vec::new()).await?;
    let letter = Letter::invitation(&invite, &join_url(&call.app, &link), &team.username, None);
    let Delivered { delivery, link, failure } = deliver(&call, &invite, &link, letter).await?;
    let Invite { email, role, expires_at, .. } = invite;
    Ok(InviteSent { email, role, expires_at, replaced, delivery, link, failure })
}

/// What is known of the team that somebody is invited into.
async fn place(tx: &mut Tx, team: &Account, email: &Email, now: Timestamp) -> Result<InvitePlace, ApiError> {
    let is_member = match store::account::find_by_email(tx, email).await? {
        Some(account) => store::member::role(tx, &team.id, &account.id).await?.is_some(),
        None => false,
    };
    let members = store::member::count(tx, &team.id).await?;
    let invited = store::invite::count_open_others(tx, &team.id, None, email).await?;
    Ok(InvitePlace {
        is_owner: *email == team.email,
        is_member,
        people: members.saturating_add(invited),
        invited_lately: invited_lately(tx, team, now).await?,
    })
}

/// Invitations that a team made within the window, into itself and into its workspaces.
pub(super) async fn invited_lately(tx: &mut Tx, team: &Account, now: Timestamp) -> Result<u32, ApiError> {
    let window = i64::try_from(INVITE_WINDOW.as_millis()).unwrap_or(i64::MAX);
    let after = Timestamp::from_millis(now.as_millis().saturating_sub(window));
    Ok(store::invite::count_since(tx, &team.id, after).await?)
}

/// How a link found its way.
pub(super) struct Delivered {
    pub(super) delivery: Delivery,
    /// The address to hand over, where nothing was mailed.
    pub(super) link: Option<String>,
    /// Why nothing was mailed.
    pub(super) failure: Option<String>,
}

/// The address that an invitation's link is.
pub(super) fn join_url(app: &App, link: &RawToken) -> String {
    format!("{}/join/{}", app.base_url(), link.expose())
}

/// Mails the link of an invitation that is committed. Where that cannot be done, the link is given to
/// whoever invited, and the invitation no longer proves its address.
pub(super) async fn deliver(
    call: &Call,
    invite: &Invite,
    link: &RawToken,
    letter: Letter,
) -> Result<Delivered, ApiError> {
    let app = &call.app;
    let Some(mail) = &app.config.mail else {
        let link = Some(join_url(app, link));
        return Ok(Delivered { delivery: Delivery::NotConfigured, link, failure: None });
    };
    let limit = app.config.limits.mail_timeout;
    // The wait for a turn is part of the time a mail has.
    let sent = tokio::time::timeout(limit, async {
        let _turn = app.mails.acquire().await;
        mail::send(mail, &invite.email, letter, limit).await
    });
    match sent.await.unwrap_or(Err(MailError::TooSlow)) {
        Ok(()) => Ok(Delivered { delivery: Delivery::Mailed, link: None, failure: None }),
        Err(error) => {
            tracing::warn!(invite = %invite.id, %error, "an invitation could not be mailed");
            // Written before the link is shown: the other way round, it would pass as proof.
            let (mut order, _) = call.order().await?;
            // The mail server took its time: who may not invite any more is shown no link.
            may_still_invite(call, &mut order.tx).await?;
            store::invite::set_handed_over(&mut order.tx, &invite.id).await?;
            order.commit(Vec::new()).await?;
            let (link, failure) = (Some(join_url(app, link)), Some(error.to_string()));
            Ok(Delivered { delivery: Delivery::Failed, link, failure })
        }
    }
}

/// Refuses a caller whose right to invite has ended since they asked.
async fn may_still_invite(call: &Call, tx: &mut Tx) -> Result<(), ApiError> {
    match call.operation.needs() {
        Needs::Workspace(_) => call.workspace(tx).await.map(drop),
        Needs::Team(_) | Needs::Installation | Needs::Nothing | Needs::Nobody => {
            call.team(tx).await.map(drop)
        }
    }
}

/// Lists the invitations into the team that were not accepted.
pub(super) async fn list(call: Call, query: PageQuery) -> Result<Page<InviteView>, ApiError> {
    let paging = Paging::read(query.limit, query.cursor.as_deref())?;
    let now = call.app.clock.now();
    let mut tx = call.read().await?;
    let team = call.team(&mut tx).await?;
    let open = store::invite::list_open(&mut tx, &team.id, None).await?.into_iter();
    let after = |invite: &Invite| paging.after.as_deref().is_none_or(|after| invite.email.as_str() > after);
    let found = open.filter(after).collect();
    let (found, next_cursor) = paging.cut(found, |invite: &Invite| invite.email.to_string());
    let view = |invite: Invite| InviteView {
        status: status_of(&invite, now),
        email: invite.email,
        role: invite.role,
        invited_at: invite.created_at,
        expires_at: invite.expires_at,
    };
    Ok(Page { items: found.into_iter().map(view).collect(), next_cursor })
}

/// Removes an invitation; its link is dead when the answer is out.
pub(super) async fn remove(call: Call, _request: Empty) -> Result<RemovedInvite, ApiError> {
    let email = address_of(&call)?;
    let (mut order, now) = call.order().await?;
    let team = call.lock_team(&mut order.tx).await?;
    if end(&call, &mut order.tx, &team, &email, now).await?.is_none() {
        let message = format!("no invitation waits for {}", shown(email.as_str()));
        return Err(
            ApiError::not_found(message).with_hint("`aerostack team list` shows who is invited".to_owned())
        );
    }
    order.commit(Vec::new()).await?;
    Ok(RemovedInvite { email })
}

/// Ends the open invitation of an address, and tells what it was; `None` if there is none.
///
/// An invitation to become an admin is ended by those who may make one.
pub(super) async fn end(
    call: &Call,
    tx: &mut Tx,
    team: &Account,
    email: &Email,
    now: Timestamp,
) -> Result<Option<MemberStatus>, ApiError> {
    let open = store::invite::list_open_of(tx, &team.id, email).await?;
    let Some(invite) = open.into_iter().find(|invite| invite.workspace.is_none()) else { return Ok(None) };
    if invite.role == TeamRole::Admin {
        call.must_manage_admins(tx, &team.id).await?;
    }
    store::invite::end(tx, &team.id, None, email, now).await?;
    let deed = Deed {
        action: Action::InviteRemoved,
        object: email.as_str(),
        detail: format!("of {}", invite.created_at.date()),
    };
    call.audit_account(tx, &team.id, now, deed).await?;
    Ok(Some(status_of(&invite, now)))
}

/// What an open invitation is called.
pub(super) fn status_of(invite: &Invite, now: Timestamp) -> MemberStatus {
    match invite.status(now) {
        InviteStatus::Expired => MemberStatus::Expired,
        InviteStatus::Waiting | InviteStatus::Accepted | InviteStatus::Ended => MemberStatus::Pending,
    }
}
