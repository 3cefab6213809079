//! Workspace tokens: creating, listing, showing. Their ends are in `token_end`.

use std::time::Duration;

use aerostack_core::api::page::Empty;
use aerostack_core::api::token::{
    CreateTokenRequest, CreatedToken, ListTokensQuery, ReplacedToken, TokenPage, TokenView, mcp_json,
};
use aerostack_core::audit::Action;
use aerostack_core::plan::Seats;
use aerostack_core::text::parse_name;
use aerostack_core::time::Timestamp;
use aerostack_core::token::{Issued, TokenOrder, issue};
use aerostack_core::workspace::Workspace;

use super::call::{Call, Deed};
use super::error::ApiError;
use super::paging::Paging;
use super::token_reference::resolve;
use crate::app::{App, Publication};
use crate::store;
use crate::store::token::ListedToken;

/// Creates a token. Counting the seats and inserting are one step: the workspace's revision is held.
pub(super) async fn create(call: Call, request: CreateTokenRequest) -> Result<CreatedToken, ApiError> {
    let (mut order, now) = call.order().await?;
    let workspace = call.lock_workspace(&mut order.tx).await?;
    let seats = call.seats_of(&mut order.tx, &workspace, now).await?;
    // Compared as it will be stored; a name that cannot be one is refused by `issue` with its reason.
    let name = parse_name(&request.name).unwrap_or_default();
    let name_is_taken = store::token::is_name_taken(&mut order.tx, &workspace.id, &name, now).await?;
    let wanted = TokenOrder {
        workspace: workspace.id.clone(),
        name: request.name,
        person: request.person,
        expires_in: request.expires_in.map(Duration::from_secs),
        rate_limit_per_minute: request.rate_limit_per_minute,
        created_by: call.caller.account.id.clone(),
    };
    let issued = issue(wanted, seats, name_is_taken, now, &mut call.app.rng())?;
    store::token::insert(&mut order.tx, &issued.token).await?;
    let deed = Deed {
        action: Action::TokenCreated,
        object: &issued.token.name,
        detail: issued.token.id.to_string(),
    };
    call.audit_workspace(&mut order.tx, &workspace, now, deed).await?;
    order.commit(vec![Publication::token_issued(&issued.token)]).await?;
    Ok(created(&call.app, &workspace, issued, seats.taken(), None))
}

/// Lists a workspace's tokens of every status.
pub(super) async fn list(call: Call, query: ListTokensQuery) -> Result<TokenPage, ApiError> {
    let paging = Paging::read(query.limit, query.cursor.as_deref())?;
    call.app.recorder.flush().await;
    let now = call.app.clock.now();
    let mut tx = call.read().await?;
    let workspace = call.workspace(&mut tx).await?;
    let after = paging.after.as_deref();
    let found =
        store::token::list_page(&mut tx, &workspace.id, query.status, now, after, paging.fetch()).await?;
    let (found, next_cursor) = paging.cut(found, |listed| listed.token.id.to_string());
    let seats = call.seats_of(&mut tx, &workspace, now).await?;
    Ok(TokenPage { items: found.into_iter().map(|listed| view(listed, now)).collect(), next_cursor, seats })
}

/// Shows one token.
pub(super) async fn show(call: Call, _request: Empty) -> Result<TokenView, ApiError> {
    let now = call.app.clock.now();
    let mut tx = call.read().await?;
    let workspace = call.workspace(&mut tx).await?;
    let token = resolve(&mut tx, &workspace.id, call.parameter(1), now).await?.token;
    let last_used_at = store::token::last_used_at(&mut tx, &token.id).await?;
    Ok(view(ListedToken { token, last_used_at }, now))
}

/// The one reply that holds a token's text.
pub(super) fn created(
    app: &App,
    workspace: &Workspace,
    issued: Issued,
    seats: Seats,
    replaces: Option<ReplacedToken>,
) -> CreatedToken {
    let gateway_url = app.gateway_url(&workspace.slug);
    CreatedToken {
        id: issued.token.id,
        name: issued.token.name,
        mcp_json: mcp_json(&workspace.slug, &gateway_url, issued.raw.expose()),
        token: issued.raw.expose().to_owned(),
        created_at: issued.token.created_at,
        expires_at: issued.token.expires_at,
        person: issued.token.person,
        gateway_url,
        seats,
        replaces,
    }
}

fn view(listed: ListedToken, now: Timestamp) -> TokenView {
    let token = listed.token;
    TokenView {
        status: token.status(now),
        id: token.id,
        name: token.name,
        person: token.person,
        rate_limit_per_minute: token.rate_limit_per_minute,
        created_at: token.created_at,
        expires_at: token.expires_at,
        last_used_at: listed.last_used_at,
        revoked_at: token.revoked_at,
    }
}
