//! Calls as they are recorded: those since a mark, in the order of their commits. A call that took long
//! arrived before others that are shown already, and is shown all the same.

use aerostack_core::api::analytics::NewCalls;

use super::scope::Scope;
use super::single::{client_names, view};
use crate::admin::error::ApiError;
use crate::store::Tx;
use crate::store::usage::calls;

/// Calls that are read at once.
const STEP_CALLS: i64 = 5_000;
/// Calls that are looked through for one reply.
const LOOK_THROUGH_MAX: i64 = 50_000;
/// Most calls of one reply.
const CALLS_MAX: usize = 1_000;

/// The scope's calls that were recorded after `mark`; without one, the mark of now.
pub(super) async fn since(tx: &mut Tx, scope: &Scope, mark: Option<&str>) -> Result<NewCalls, ApiError> {
    let state = calls::state(tx).await?;
    let Some(mark) = mark else {
        return Ok(NewCalls { items: Vec::new(), mark: state.last_id.to_string(), has_more: false });
    };
    let mark: Option<i64> = mark.parse().ok().filter(|&mark| mark >= 0);
    let begin = mark.ok_or_else(|| ApiError::invalid("the mark is not one of this list"))?;
    // A mark of a store that was replaced may be ahead of it.
    let begin = begin.min(state.last_id);
    let end = state.last_id.min(begin.saturating_add(LOOK_THROUGH_MAX));
    let (mut found, mut after) = (Vec::new(), begin);
    while after < end && found.len() < CALLS_MAX {
        let up_to = end.min(after.saturating_add(STEP_CALLS));
        for call in calls::by_number(tx, after, up_to).await? {
            if found.len() == CALLS_MAX {
                break;
            }
            after = call.id;
            if Some(call.workspace) == scope.workspace && scope.holds(call.token, call.tool) {
                found.push(call);
            }
        }
        if found.len() < CALLS_MAX {
            after = up_to;
        }
    }
    let clients = client_names(tx).await?;
    Ok(NewCalls {
        items: found.iter().filter_map(|call| view(scope, &clients, call)).collect(),
        mark: after.to_string(),
        has_more: after < state.last_id,
    })
}
