//! Today's calls of every workspace at once: one sum each, and the calls that are in no sum yet.
//!
//! A report would tell the same of one workspace, and much more; a list of workspaces cannot wait for a
//! report of each.

use std::collections::{HashMap, HashSet};

use aerostack_core::api::analytics::CallsToday;
use aerostack_core::api::page::{Page, PageQuery};
use aerostack_core::id::WorkspaceId;
use aerostack_core::role::Power;
use aerostack_core::time::Timestamp;
use aerostack_core::usage::Grain;

use super::proven;
use crate::admin::call::Call;
use crate::admin::error::ApiError;
use crate::admin::workspace;
use crate::store::usage::adding_up::STEP_CALLS;
use crate::store::usage::{calls, names, tallies};
use crate::store::{StoreError, Tx};

/// Calls and errors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    calls: u64,
    errors: u64,
}

impl Counts {
    fn add(&mut self, calls: u64, errors: u64) {
        self.calls = self.calls.saturating_add(calls);
        self.errors = self.errors.saturating_add(errors);
    }
}

/// Whose calls count, by the numbers of workspaces and tokens.
struct Seen {
    /// Workspaces of which all calls are seen.
    whole: HashMap<i64, WorkspaceId>,
    /// Other workspaces.
    partly: HashMap<i64, WorkspaceId>,
    /// The caller's own tokens.
    tokens: HashSet<i64>,
}

/// Counts today's calls of the caller's workspaces, in the order and by the pages of their list.
pub(in crate::admin) async fn today(call: Call, query: PageQuery) -> Result<Page<CallsToday>, ApiError> {
    let (mut listed, mut whole, mut partly) = (Vec::new(), Vec::new(), Vec::new());
    let mut tx = call.read().await?;
    let (found, next_cursor) = workspace::page(&call, &mut tx, &query).await?;
    for summary in found {
        let workspace = summary.workspace;
        let standing = call.standing(&mut tx, &workspace.owner).await?;
        let sees_all = standing.is_some_and(|standing| standing.permits(Power::ManageWorkspace));
        if sees_all { &mut whole } else { &mut partly }.push(workspace.id.clone());
        listed.push(workspace);
    }
    drop(tx);
    let app = &call.app;
    app.recorder.flush_calls().await;
    let mut tx = app.usage.read().await?;
    let person = proven(&call.caller.account).filter(|_| !partly.is_empty());
    let person = person.as_ref().map(aerostack_core::account::Email::as_str);
    let counts = count(&mut tx, &whole, &partly, person, app.clock.now()).await?;
    let items = listed.into_iter().map(|workspace| {
        let Counts { calls, errors } = counts.get(&workspace.id).copied().unwrap_or_default();
        CallsToday { workspace: workspace.slug, calls, errors }
    });
    Ok(Page { items: items.collect(), next_cursor })
}

async fn count(
    tx: &mut Tx,
    whole: &[WorkspaceId],
    partly: &[WorkspaceId],
    person: Option<&str>,
    now: Timestamp,
) -> Result<HashMap<WorkspaceId, Counts>, StoreError> {
    let day = Grain::Day.bucket(now);
    let own = match person {
        Some(person) => names::tokens_of(tx, person).await?,
        None => Vec::new(),
    };
    let seen = Seen {
        whole: names::find_workspaces(tx, whole).await?.into_iter().collect(),
        partly: names::find_workspaces(tx, partly).await?.into_iter().collect(),
        tokens: own.into_iter().map(|token| token.id).collect(),
    };
    let mut counts: HashMap<WorkspaceId, Counts> = HashMap::new();
    let numbers: Vec<i64> = seen.whole.keys().copied().collect();
    let mut sums = tallies::day_of_workspaces(tx, day, &numbers).await?;
    if let Some(person) = person {
        let own = tallies::day_of_person(tx, day, person).await?;
        sums.extend(own.into_iter().filter(|(workspace, _)| seen.partly.contains_key(workspace)));
    }
    for (workspace, tally) in sums {
        if let Some(id) = seen.whole.get(&workspace).or_else(|| seen.partly.get(&workspace)) {
            counts.entry(id.clone()).or_default().add(tally.calls(), tally.errors());
        }
    }
    add_unsummed(tx, &seen, day, &mut counts).await?;
    Ok(counts)
}

/// Adds the calls beyond the watermark.
async fn add_unsummed(
    tx: &mut Tx,
    seen: &Seen,
    day: i64,
    counts: &mut HashMap<WorkspaceId, Counts>,
) -> Result<(), StoreError> {
    let state = calls::state(tx).await?;
    let mut after = state.added_up_to;
    while after < state.last_id {
        let up_to = state.last_id.min(after + STEP_CALLS);
        for call in calls::by_number(tx, after, up_to).await? {
            let own = || seen.partly.get(&call.workspace).filter(|_| seen.tokens.contains(&call.token));
            let workspace = seen.whole.get(&call.workspace).or_else(own);
            if let Some(id) = workspace.filter(|_| Grain::Day.bucket(call.measured.at) == day) {
                let is_error = call.measured.outcome.is_error();
                counts.entry(id.clone()).or_default().add(1, u64::from(is_error));
            }
        }
        after = up_to;
    }
    Ok(())
}
