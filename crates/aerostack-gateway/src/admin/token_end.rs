//! The end of a token: revoked, or replaced by another. When the answer is out, nothing accepts a
//! revoked token any more.

use std::time::Duration;

use aerostack_core::api::error::ErrorCode;
use aerostack_core::api::page::Empty;
use aerostack_core::api::token::{CreatedToken, ReplacedToken, RevokedToken, RotateTokenRequest};
use aerostack_core::audit::Action;
use aerostack_core::time::{Timestamp, format_span};
use aerostack_core::token::{
    Revocation, Token, TokenStatus, revoke as decide_revocation, rotate as decide_rotation,
};

use super::call::{Call, Deed};
use super::error::ApiError;
use super::token::created;
use super::token_reference::{Resolved, resolve};
use crate::app::Publication;
use crate::store::{self, Tx};

/// Revokes a token. Twice is a no-op that says so.
///
/// Named by name, it ends every active token of that name: a token that a rotation still lets work
/// would otherwise go on opening the workspace for the person who was just shut out.
pub(super) async fn revoke(call: Call, _request: Empty) -> Result<RevokedToken, ApiError> {
    let (mut order, now) = call.order().await?;
    let workspace = call.lock_workspace(&mut order.tx).await?;
    let Resolved { token, namesakes } = resolve(&mut order.tx, &workspace.id, call.parameter(1), now).await?;
    let at = match decide_revocation(&token, now) {
        Revocation::Revoke { at } => at,
        Revocation::AlreadyInactive(status) => return Ok(revoked(token, status, AlreadyInactive::Yes)),
    };
    let mut publications = Vec::new();
    for ended in std::iter::once(&token).chain(&namesakes) {
        store::token::set_revoked(&mut order.tx, &ended.id, at).await?;
        publications.push(Publication::token_ends(ended, at));
    }
    if token.takes_seat {
        store::token::hand_on_seat(&mut order.tx, &workspace.id, &token.name, at).await?;
    }
    let ids: Vec<&str> = std::iter::once(&token).chain(&namesakes).map(|ended| ended.id.as_str()).collect();
    let deed = Deed { action: Action::TokenRevoked, object: &token.name, detail: ids.join(", ") };
    call.audit_workspace(&mut order.tx, &workspace, now, deed).await?;
    order.commit(publications).await?;
    let token = Token { revoked_at: Some(at), ..token };
    Ok(revoked(token, TokenStatus::Revoked, AlreadyInactive::No))
}

enum AlreadyInactive {
    Yes,
    No,
}

fn revoked(token: Token, status: TokenStatus, already_inactive: AlreadyInactive) -> RevokedToken {
    RevokedToken {
        id: token.id,
        name: token.name,
        status,
        revoked_at: token.revoked_at,
        already_inactive: matches!(already_inactive, AlreadyInactive::Yes),
    }
}

/// Replaces a token. The replacement takes over its seat, so this works at a full plan.
pub(super) async fn rotate(call: Call, request: RotateTokenRequest) -> Result<CreatedToken, ApiError> {
    let overlap = Duration::from_secs(request.overlap.unwrap_or(0));
    let (mut order, now) = call.order().await?;
    let workspace = call.lock_workspace(&mut order.tx).await?;
    let old = resolve(&mut order.tx, &workspace.id, call.parameter(1), now).await?.token;
    refuse_unrotatable(&old, now)?;
    let rotation = decide_rotation(&old, overlap, call.caller.account.id.clone(), now, &mut call.app.rng())?;
    if !overlap.is_zero() {
        refuse_second_overlap(&mut order.tx, &old, now).await?;
    }
    let (issued, at) = (rotation.issued, rotation.old_ends_at);
    store::token::give_up_seat(&mut order.tx, &old.id).await?;
    store::token::set_revoked(&mut order.tx, &old.id, at).await?;
    store::token::insert(&mut order.tx, &issued.token).await?;
    let mut detail = format!("{} replaces {}", issued.token.id, old.id);
    if !overlap.is_zero() {
        detail.push_str(&format!(", which works for another {}", format_span(overlap)));
    }
    let deed = Deed { action: Action::TokenRotated, object: &old.name, detail };
    call.audit_workspace(&mut order.tx, &workspace, now, deed).await?;
    let seats = call.seats_of(&mut order.tx, &workspace, now).await?;
    let publications = vec![Publication::token_issued(&issued.token), Publication::token_ends(&old, at)];
    order.commit(publications).await?;
    let ends_at = old.expires_at.map_or(at, |expires_at| expires_at.min(at));
    Ok(created(&call.app, &workspace, issued, seats, Some(ReplacedToken { id: old.id, ends_at })))
}

/// A token that is over has no seat to hand on, and one that was rotated has handed it on already.
fn refuse_unrotatable(token: &Token, now: Timestamp) -> Result<(), ApiError> {
    let status = token.status(now);
    if status != TokenStatus::Active {
        let message = format!("the token '{}' is {} and cannot be rotated", token.name, status.word());
        return Err(ApiError::new(ErrorCode::Conflict, message).with_hint("create a new one".to_owned()));
    }
    if !token.takes_seat {
        let message =
            format!("the token '{}' was rotated already; this one only works out its overlap", token.name);
        return Err(ApiError::new(ErrorCode::Conflict, message)
            .with_hint("rotate the one that replaced it, by name or id".to_owned()));
    }
    Ok(())
}

/// A seat is for one token, and for the one it replaces while that overlaps: not for a row of them.
async fn refuse_second_overlap(tx: &mut Tx, old: &Token, now: Timestamp) -> Result<(), ApiError> {
    let namesakes = store::token::find_active_by_name(tx, &old.workspace, &old.name, now).await?;
    if namesakes.iter().all(|token| token.takes_seat) {
        return Ok(());
    }
    let message = format!("the token that '{}' replaced still works out its own overlap", old.name);
    Err(ApiError::new(ErrorCode::Conflict, message)
        .with_hint("rotate without an overlap, or revoke the older one first, by its id".to_owned()))
}
