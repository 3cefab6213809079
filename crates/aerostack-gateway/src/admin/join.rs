//! Following an invitation's link: looking where it leads, and entering.
//!
//! The link itself is what is proven here, so nobody has to be signed in to look. It makes an account
//! where its address has none; an account that exists enters only when it is signed in.

use std::sync::Arc;

use aerostack_core::account::{Account, AccountKind, IssuedKey, issue_key};
use aerostack_core::api::error::ErrorCode;
use aerostack_core::api::page::Empty;
use aerostack_core::api::team::{AcceptRequest, InvitePreview, Joined};
use aerostack_core::audit::Action;
use aerostack_core::bearer::{RawToken, TokenKind};
use aerostack_core::id::AccountId;
use aerostack_core::invite::{DeadLink, Guest, Invite, enter, open};
use aerostack_core::member::Membership;
use aerostack_core::plan::Plan;
use aerostack_core::slug::Slug;
use aerostack_core::time::Timestamp;
use aerostack_core::workspace::Workspace;

use super::account;
use super::call::{Deed, record, shown};
use super::caller::{self, Caller};
use super::error::ApiError;
use super::member_join;
use super::team::concerned_workspaces;
use super::visit::Visit;
use crate::app::{App, Publication};
use crate::store::{self, Tx};

/// Name of the key that comes with a new account.
const FIRST_KEY: &str = "first key";

/// Shows where a link leads.
pub(super) async fn show(visit: Visit, _request: Empty) -> Result<InvitePreview, ApiError> {
    look(visit.app(), visit.parameter(0)).await
}

/// Accepts an invitation.
pub(super) async fn accept(visit: Visit, request: AcceptRequest) -> Result<Joined, ApiError> {
    let link = visit.parameter(0).to_owned();
    accept_link(visit.app(), &link, visit.caller(), request.username).await
}

/// Where a link leads. It changes nothing: scanners of mail follow links.
///
/// # Errors
/// Dead links, all in the same words; or what the database reports.
pub(crate) async fn look(app: &App, link: &str) -> Result<InvitePreview, ApiError> {
    let mut tx = app.store.read().await?;
    let invite = find(&mut tx, link, app.clock.now()).await?;
    let now = app.clock.now();
    let (team, workspace) = place(&mut tx, &invite).await?;
    let seats = match &workspace {
        Some(workspace) => Some(member_join::seats(app, &mut tx, workspace, &team, now).await?),
        None => None,
    };
    let has_account = store::account::find_by_email(&mut tx, &invite.email).await?.is_some();
    Ok(InvitePreview {
        team: team.username,
        workspace: workspace.map(|workspace| workspace.slug),
        seats,
        email: invite.email,
        role: invite.role,
        expires_at: invite.expires_at,
        has_account,
    })
}

/// Accepts an invitation, as the account that is signed in or as a new person of this username.
///
/// # Errors
/// Dead links, an account that is not signed in or is another's, a username that is missing or taken.
pub(crate) async fn accept_link(
    app: &Arc<App>,
    link: &str,
    caller: Option<&Caller>,
    username: Option<Slug>,
) -> Result<Joined, ApiError> {
    // Links of a stranger's own making hold nobody up: what leads nowhere gets no turn.
    find(&mut app.store.read().await?, link, app.clock.now()).await?;
    let mut order = app.order().await?;
    let now = app.clock.now();
    let tx = &mut order.tx;
    if let Some(caller) = caller {
        caller::still_accepted(tx, caller).await?;
    }
    let invite = find(tx, link, now).await?;
    let team = store::account::lock(tx, &invite.team).await?.ok_or(DeadLink)?;
    let workspace = lock_workspace(tx, &invite).await?;
    let holder = store::account::find_by_email(tx, &invite.email).await?;
    let guest = enter(holder.as_ref(), caller.map(|caller| &caller.account))?;
    // Before anything is made: who finds no seat leaves nothing behind.
    if let Some(workspace) = &workspace {
        let seats = member_join::seats(app, tx, workspace, &team, now).await?;
        if !seats.has_room() {
            return Err(member_join::refuse(app, order, &invite, workspace, seats, now).await?);
        }
    }
    let (account, key) = match guest {
        Guest::New => {
            let (account, issued) = make_account(app, tx, &invite, username, now).await?;
            (account, Some(issued.raw))
        }
        Guest::Existing => (holder.ok_or(DeadLink)?, None),
    };
    if !invite.is_handed_over && !account.email_verified {
        store::account::set_email_verified(tx, &account.id).await?;
    }
    // Whoever comes second at the same moment meets a dead link.
    if !store::invite::accept(tx, &invite.id, now).await? {
        return Err(DeadLink.into());
    }
    let (publications, token) = match &workspace {
        None => (enter_team(app, tx, &invite, &team, &account, now).await?, None),
        Some(workspace) => member_join::enter(app, tx, workspace, &team, &account, now).await?,
    };
    order.commit(publications).await?;
    Ok(Joined {
        team: team.username,
        workspace: workspace.map(|workspace| workspace.slug),
        token,
        role: invite.role,
        account: account::view(&account),
        key: key.map(|key| key.expose().to_owned()),
    })
}

/// The invitation under a link, while it leads somewhere.
async fn find(tx: &mut Tx, link: &str, now: Timestamp) -> Result<Invite, ApiError> {
    // Noise is refused without asking the database.
    let raw = RawToken::parse(TokenKind::JoinLink, link).ok_or(DeadLink)?;
    Ok(open(store::invite::find_by_digest(tx, &raw.digest()).await?, now)?)
}

/// The team an invitation leads into, and the workspace if it leads into one.
async fn place(tx: &mut Tx, invite: &Invite) -> Result<(Account, Option<Workspace>), ApiError> {
    let team = store::account::find(tx, &invite.team).await?.ok_or(DeadLink)?;
    let Some(id) = &invite.workspace else { return Ok((team, None)) };
    let workspace = store::workspace::find_by_id(tx, id).await?;
    let workspace = workspace.filter(|workspace| workspace.deleted_at.is_none()).ok_or(DeadLink)?;
    Ok((team, Some(workspace)))
}

/// The workspace an invitation leads into, if it does, with its revision raised.
async fn lock_workspace(tx: &mut Tx, invite: &Invite) -> Result<Option<Workspace>, ApiError> {
    let Some(id) = &invite.workspace else { return Ok(None) };
    Ok(Some(store::workspace::lock(tx, id).await?.ok_or(DeadLink)?))
}

/// Makes the account of a new person, with its first key.
async fn make_account(
    app: &App,
    tx: &mut Tx,
    invite: &Invite,
    username: Option<Slug>,
    now: Timestamp,
) -> Result<(Account, IssuedKey), ApiError> {
    let username = username.ok_or_else(|| {
        ApiError::invalid("a new person chooses a username")
            .with_hint("2 to 32 of a-z and 0-9, with single hyphens between them".to_owned())
    })?;
    if store::account::find_by_username(tx, &username).await?.is_some() {
        let message = format!("the username '{}' is taken", shown(username.as_str()));
        return Err(ApiError::new(ErrorCode::NameTaken, message).with_hint("choose another one".to_owned()));
    }
    let account = Account {
        id: AccountId::new(now, &mut app.rng()),
        email: invite.email.clone(),
        email_verified: !invite.is_handed_over,
        username,
        plan: Plan::Free,
        kind: AccountKind::Person,
        revision: 0,
        created_at: now,
    };
    let issued = issue_key(account.id.clone(), FIRST_KEY, now, &mut app.rng())?;
    store::account::insert(tx, &account).await?;
    store::account::insert_key(tx, &issued.key).await?;
    let (chain, actor) = (account.id.as_str(), account.email.to_string());
    let made = Deed {
        action: Action::AccountCreated,
        object: account.username.as_str(),
        detail: format!("by invitation {}", invite.id),
    };
    record(app, tx, chain, actor.clone(), now, made).await?;
    let keyed = Deed { action: Action::KeyCreated, object: FIRST_KEY, detail: issued.key.id.to_string() };
    record(app, tx, chain, actor, now, keyed).await?;
    Ok((account, issued))
}

/// Writes the membership. Somebody who is in already keeps the role they have.
async fn enter_team(
    app: &App,
    tx: &mut Tx,
    invite: &Invite,
    team: &Account,
    account: &Account,
    now: Timestamp,
) -> Result<Vec<Publication>, ApiError> {
    if store::member::role(tx, &team.id, &account.id).await?.is_none() {
        let membership = Membership {
            team: team.id.clone(),
            account: account.id.clone(),
            role: invite.role,
            joined_at: now,
        };
        store::member::put(tx, &membership).await?;
    }
    let actor = format!("{}@{}", account.username, team.username);
    let deed = Deed {
        action: Action::MemberJoined,
        object: account.email.as_str(),
        detail: format!("as {}", invite.role.word()),
    };
    record(app, tx, team.id.as_str(), actor, now, deed).await?;
    concerned_workspaces(tx, &team.id, &account.id).await
}
