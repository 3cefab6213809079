//! Single calls, newest first, a page at a time.

use std::collections::HashMap;

use aerostack_core::api::analytics::{CallView, CallsQuery, millis};
use aerostack_core::api::page::Page;
use aerostack_core::id::TokenId;
use aerostack_core::time::Timestamp;

use super::scope::Scope;
use crate::admin::error::ApiError;
use crate::admin::paging::Paging;
use crate::store::usage::calls::{self, NumberedCall, Place};
use crate::store::usage::names;
use crate::store::{StoreError, Tx};

/// Calls that are read at once.
const STEP_CALLS: i64 = 1_000;
/// Calls that are looked through for one page; then the page is given as it is.
const LOOK_THROUGH_MAX: usize = 50_000;

/// What clients call themselves, by number.
pub(super) type ClientNames = HashMap<i64, String>;

/// Reads what clients call themselves.
pub(super) async fn client_names(tx: &mut Tx) -> Result<ClientNames, StoreError> {
    Ok(names::clients(tx).await?.into_iter().collect())
}

/// A page of the scope's calls.
pub(super) async fn page(tx: &mut Tx, scope: &Scope, query: &CallsQuery) -> Result<Page<CallView>, ApiError> {
    let paging = Paging::read(query.limit, query.cursor.as_deref())?;
    let end = Place { at: scope.to.plus(std::time::Duration::from_millis(1)), id: 0 };
    let mut before = paging.after.as_deref().map_or(Ok(end), read_place)?;
    let wanted = usize::try_from(paging.fetch()).unwrap_or(usize::MAX);
    let mut found: Vec<NumberedCall> = Vec::new();
    let (mut looked_through, mut is_end) = (0, scope.workspace.is_none());
    while let (Some(workspace), true, false) = (scope.workspace, found.len() < wanted, is_end) {
        if looked_through >= LOOK_THROUGH_MAX {
            break;
        }
        let step = calls::backwards(tx, workspace, scope.from, before, STEP_CALLS).await?;
        is_end = step.len() < usize::try_from(STEP_CALLS).unwrap_or(usize::MAX);
        looked_through += step.len();
        if let Some(last) = step.last() {
            before = place_of(last);
        }
        found.extend(step.into_iter().filter(|call| scope.holds_call(call)));
    }
    let is_short = found.len() < wanted;
    let (found, next) = paging.cut(found, |call| write_place(place_of(call)));
    let next_cursor = if is_short && !is_end { Some(paging.cursor(&write_place(before))) } else { next };
    let clients = client_names(tx).await?;
    Ok(Page { items: found.iter().filter_map(|call| view(scope, &clients, call)).collect(), next_cursor })
}

fn place_of(call: &NumberedCall) -> Place {
    Place { at: call.measured.at, id: call.id }
}

fn write_place(place: Place) -> String {
    format!("{}.{}", place.at.as_millis(), place.id)
}

fn read_place(text: &str) -> Result<Place, ApiError> {
    let place = text.split_once('.').and_then(|(at, id)| {
        Some(Place { at: Timestamp::from_millis(at.parse().ok()?), id: id.parse().ok()? })
    });
    place.ok_or_else(|| ApiError::invalid("the cursor is not one of this list"))
}

/// A call as it is shown; `None` if its names are forgotten.
pub(super) fn view(scope: &Scope, clients: &ClientNames, call: &NumberedCall) -> Option<CallView> {
    let (token, tool) = (scope.tokens.get(&call.token)?, scope.tools.get(&call.tool)?);
    let measured = &call.measured;
    Some(CallView {
        at: measured.at,
        user: token.name.clone(),
        email: token.person.clone(),
        token_id: TokenId::from_stored(token.token_id.clone()),
        server: tool.server.clone(),
        tool: tool.tool.clone(),
        client: clients.get(&call.client).cloned(),
        outcome: measured.outcome,
        total_ms: millis(measured.total_us),
        upstream_ms: measured.upstream_us.map(millis),
        bytes_in: measured.bytes_in,
        bytes_out: measured.bytes_out,
    })
}
