//! Adding calls up to hours, days and weeks, behind a watermark that moves in the same transaction: whatever
//! breaks off, a call is counted once.
//!
//! The watermark is a number in the order of commits, not a moment: calls that are recorded late are
//! merged into the hour they belong to. Whoever has just appended the next calls hands them over, and they are
//! not read again; their numbers tell whether they are the next ones, all of them, and no others.

use std::collections::{BTreeMap, HashMap};

use aerostack_core::time::Timestamp;
use aerostack_core::usage::{Grain, Tally};

use super::calls::{self, NumberedCall};
use super::tallies::{self, Kind, Shelf};
use crate::store::error::StoreError;
use crate::store::sql::{Tx, execute};

/// Calls that are read and added up in one transaction.
pub const STEP_CALLS: i64 = 20_000;
/// Cells of one shelf that are looked up one by one; for more the whole shelf is read.
const SINGLE_LOOKUPS_MAX: usize = 32;

/// Calls of a workspace that were made and not recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// The workspace's number.
    pub workspace: i64,
    /// When.
    pub at: Timestamp,
    /// How many.
    pub calls: u64,
}

/// What a step has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Added {
    /// The number of the newest call that is added up now.
    pub up_to: i64,
    /// How many calls are left.
    pub left: i64,
}

type Shelves = BTreeMap<Shelf, HashMap<(i64, i64), Tally>>;

/// Adds up the next calls and what was dropped. `fresh` are calls that stand in the store for certain, by
/// number; if the next ones are among them, it is those, else at most [`STEP_CALLS`] that are read.
///
/// # Errors
/// [`StoreError`] when the database fails; then the transaction must not be committed.
pub async fn step(tx: &mut Tx, fresh: &[NumberedCall], dropped: &[Dropped]) -> Result<Added, StoreError> {
    calls::lock(tx).await?;
    let state = calls::state(tx).await?;
    let mut shelves = Shelves::new();
    let known = next_of(fresh, state.added_up_to);
    // A database that was set back knows nothing of what was written after.
    let up_to = match known.last().filter(|last| last.id <= state.last_id) {
        Some(last) => {
            add_calls(&mut shelves, known);
            last.id
        }
        None => {
            let up_to = state.last_id.min(state.added_up_to.saturating_add(STEP_CALLS));
            add_calls(&mut shelves, &calls::by_number(tx, state.added_up_to, up_to).await?);
            up_to
        }
    };
    dropped.iter().for_each(|dropped| add_dropped(&mut shelves, dropped));
    merge(tx, shelves).await?;
    execute!(tx, "UPDATE usage_state SET added_up_to = $1 WHERE one = 1", up_to)?;
    Ok(Added { up_to, left: state.last_id - up_to })
}

/// The calls that follow on `after` without a gap.
fn next_of(fresh: &[NumberedCall], after: i64) -> &[NumberedCall] {
    let rest = &fresh[fresh.partition_point(|call| call.id <= after)..];
    let len = rest.iter().zip(after.saturating_add(1)..).take_while(|(call, id)| call.id == *id).count();
    &rest[..len]
}

/// Calls of a token with a tool in an hour are added up first: what they come to goes into many sums.
fn add_calls(shelves: &mut Shelves, calls: &[NumberedCall]) {
    let mut alike: HashMap<(i64, i64, i64, i64), (Timestamp, Tally)> = HashMap::new();
    for NumberedCall { workspace, token, tool, measured, .. } in calls {
        let hour = Grain::Hour.bucket(measured.at);
        let sum = alike.entry((*workspace, *token, *tool, hour));
        sum.or_insert_with(|| (measured.at, Tally::default())).1.add(measured);
    }
    for ((workspace, token, tool, _), (at, sum)) in &alike {
        for kind in Kind::ALL {
            let key = key_of(kind, *token, *tool);
            for &grain in kind.grains() {
                let shelf = Shelf { workspace: *workspace, grain, kind, bucket: grain.bucket(*at) };
                shelves.entry(shelf).or_default().entry(key).or_default().merge(sum);
            }
        }
    }
}

fn add_dropped(shelves: &mut Shelves, dropped: &Dropped) {
    let kind = Kind::Whole;
    for &grain in kind.grains() {
        let bucket = grain.bucket(dropped.at);
        let shelf = Shelf { workspace: dropped.workspace, grain, kind, bucket };
        shelves.entry(shelf).or_default().entry((0, 0)).or_default().dropped += dropped.calls;
    }
}

/// Which sum of a kind a call belongs to.
#[must_use]
pub const fn key_of(kind: Kind, token: i64, tool: i64) -> (i64, i64) {
    match kind {
        Kind::Whole => (0, 0),
        Kind::Token => (token, 0),
        Kind::Tool => (0, tool),
        Kind::TokenAndTool => (token, tool),
    }
}

async fn merge(tx: &mut Tx, shelves: Shelves) -> Result<(), StoreError> {
    for (shelf, mut sums) in shelves {
        if sums.len() <= SINGLE_LOOKUPS_MAX {
            for (&(token, tool), sum) in &mut sums {
                if let Some(before) = tallies::find(tx, shelf, token, tool).await? {
                    sum.merge(&before);
                }
            }
        } else {
            let (grain, kind, bucket) = (shelf.grain, shelf.kind, shelf.bucket);
            for cell in tallies::range(tx, shelf.workspace, grain, kind, bucket, bucket + 1).await? {
                if let Some(sum) = sums.get_mut(&(cell.token, cell.tool)) {
                    sum.merge(&cell.tally);
                }
            }
        }
        let cells: Vec<_> =
            sums.into_iter().map(|((token, tool), sum)| (shelf, token, tool, sum.encode())).collect();
        tallies::put(tx, &cells).await?;
    }
    Ok(())
}
