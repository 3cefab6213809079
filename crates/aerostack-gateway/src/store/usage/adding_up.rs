//! Adding calls up to hours, days and weeks, behind a watermark that moves in the same transaction: whatever
//! breaks off, a call is counted once.
//!
//! The watermark is a number in the order of commits, not a moment: calls that are recorded late are
//! merged into the hour they belong to.

use std::collections::{BTreeMap, HashMap};

use aerostack_core::time::Timestamp;
use aerostack_core::usage::Tally;

use super::calls::{self, NumberedCall};
use super::tallies::{self, Kind, Shelf};
use crate::store::error::StoreError;
use crate::store::sql::{Tx, execute};

/// Calls that are added up in one transaction.
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

type Shelves = BTreeMap<Shelf, HashMap<(i64, i64), Tally>>;

/// Adds up the next calls, at most [`STEP_CALLS`], and what was dropped; gives how many calls are left.
///
/// # Errors
/// [`StoreError`] when the database fails; then the transaction must not be committed.
pub async fn step(tx: &mut Tx, dropped: &[Dropped]) -> Result<i64, StoreError> {
    calls::lock(tx).await?;
    let state = calls::state(tx).await?;
    let up_to = state.last_id.min(state.added_up_to.saturating_add(STEP_CALLS));
    let mut shelves = Shelves::new();
    let waiting = calls::by_number(tx, state.added_up_to, up_to).await?;
    waiting.iter().for_each(|call| add_call(&mut shelves, call));
    dropped.iter().for_each(|dropped| add_dropped(&mut shelves, dropped));
    merge(tx, shelves).await?;
    execute!(tx, "UPDATE usage_state SET added_up_to = $1 WHERE one = 1", up_to)?;
    Ok(state.last_id - up_to)
}

fn add_call(shelves: &mut Shelves, call: &NumberedCall) {
    for kind in Kind::ALL {
        let key = key_of(kind, call.token, call.tool);
        for &grain in kind.grains() {
            let bucket = grain.bucket(call.measured.at);
            let shelf = Shelf { workspace: call.workspace, grain, kind, bucket };
            shelves.entry(shelf).or_default().entry(key).or_default().add(&call.measured);
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
