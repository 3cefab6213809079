//! How much each person called, for lists of people.

use std::collections::HashMap;

use aerostack_core::id::WorkspaceId;
use aerostack_core::time::Timestamp;
use aerostack_core::usage::Grain;

use super::scope::{Scope, Wanted, Whose};
use super::sums::{self, Tail};
use crate::admin::error::ApiError;
use crate::app::App;
use crate::store::usage::tallies::{Cell, Kind};

/// How far back lists of people count.
const PERIOD: &str = "30d";

/// Calls of the last 30 days with tokens that are tied to somebody, by address.
pub(in crate::admin) async fn calls_by_person(
    app: &App,
    workspace: &WorkspaceId,
) -> Result<HashMap<String, u64>, ApiError> {
    let mut tx = app.usage.read().await?;
    let wanted = Wanted { period: Some(PERIOD.to_owned()), ..Wanted::default() };
    let scope = Scope::find(&mut tx, workspace, &Whose::All, &wanted, app.clock.now()).await?;
    let tail = Tail::read(&mut tx, &scope).await?;
    let mut calls: HashMap<String, u64> = HashMap::new();
    let mut visit = |_: Timestamp, cell: &Cell| {
        let token = scope.tokens.get(&cell.token);
        if let Some(person) = token.and_then(|token| token.person.as_ref()) {
            let sum = calls.entry(person.clone()).or_default();
            *sum = sum.saturating_add(cell.tally.calls());
        }
    };
    sums::walk(&mut tx, &scope, &tail, Kind::Token, Grain::Week, &mut visit).await?;
    Ok(calls)
}
