//! Entering a workspace by an invitation: a place, and a personal token that takes a seat in the same
//! transaction. A full plan refuses, tells the owner, and leaves the invitation as it is.

use std::time::Duration;

use aerostack_core::account::Account;
use aerostack_core::api::error::ErrorCode;
use aerostack_core::api::token::CreatedToken;
use aerostack_core::audit::Action;
use aerostack_core::invite::Invite;
use aerostack_core::member::WorkspaceMembership;
use aerostack_core::plan::Seats;
use aerostack_core::time::Timestamp;
use aerostack_core::workspace::Workspace;
use aerostack_core::workspace_member::admit;

use super::call::{Deed, record};
use super::error::ApiError;
use super::token::created;
use crate::app::{App, Order, Publication};
use crate::store::{self, Tx};

/// Between two notes in the audit log that one invitation met a full plan: whoever holds a link could
/// otherwise fill it.
const TELL_AGAIN_AFTER: Duration = Duration::from_secs(3_600);
/// Most names of active tokens that a new one is told apart from.
const NAMES_MAX: i64 = 1_000_000;

/// Seats of a workspace of a team.
pub(super) async fn seats(
    app: &App,
    tx: &mut Tx,
    workspace: &Workspace,
    team: &Account,
    now: Timestamp,
) -> Result<Seats, ApiError> {
    let used = store::token::count_seats(tx, &workspace.id, now).await?;
    Ok(Seats { used, limit: app.config.plans.limits(team.plan).tokens, plan: team.plan })
}

/// Tells the owner that somebody found no seat, and gives what the person is told.
pub(super) async fn refuse(
    app: &App,
    mut order: Order<'_>,
    invite: &Invite,
    workspace: &Workspace,
    seats: Seats,
    now: Timestamp,
) -> Result<ApiError, ApiError> {
    let quiet_since =
        now.as_millis().saturating_sub(i64::try_from(TELL_AGAIN_AFTER.as_millis()).unwrap_or(0));
    let quiet_since = Timestamp::from_millis(quiet_since);
    if store::full_house::note(&mut order.tx, &invite.id, now, quiet_since).await? {
        let actor = invite.email.to_string();
        let deed = Deed { action: Action::JoinRefused, object: &actor, detail: seats.line() };
        record(app, &mut order.tx, workspace.id.as_str(), actor.clone(), now, deed).await?;
        order.commit(Vec::new()).await?;
    }
    let message = format!("no seat is free in '{}': {}", workspace.slug, seats.line());
    let until = invite.expires_at.minute();
    Ok(ApiError::new(ErrorCode::SeatLimitReached, message)
        .with_hint(format!("whoever invited you can see this; your link stays good until {until}")))
}

/// Writes the place and the personal token of somebody who was let in.
pub(super) async fn enter(
    app: &App,
    tx: &mut Tx,
    workspace: &Workspace,
    team: &Account,
    account: &Account,
    now: Timestamp,
) -> Result<(Vec<Publication>, Option<CreatedToken>), ApiError> {
    let seats = seats(app, tx, workspace, team, now).await?;
    let names = store::token::active_names(tx, &workspace.id, now, NAMES_MAX).await?;
    let taken = names.into_iter().collect();
    let (id, email) = (workspace.id.clone(), &account.email);
    let issued = admit(id, email, account.id.clone(), seats, &taken, now, &mut app.rng())?;
    let membership =
        WorkspaceMembership { workspace: workspace.id.clone(), account: account.id.clone(), joined_at: now };
    store::workspace_member::put(tx, &membership).await?;
    store::token::insert(tx, &issued.token).await?;
    let actor = email.to_string();
    let joined = Deed { action: Action::MemberJoined, object: &actor, detail: String::new() };
    record(app, tx, workspace.id.as_str(), actor.clone(), now, joined).await?;
    let detail = issued.token.id.to_string();
    let made = Deed { action: Action::TokenCreated, object: &issued.token.name, detail };
    record(app, tx, workspace.id.as_str(), actor.clone(), now, made).await?;
    let publications = vec![Publication::token_issued(&issued.token)];
    Ok((publications, Some(created(app, workspace, issued, seats.taken(), None))))
}
