//! Forgetting calls and sums that are old, in small steps between which everybody else comes to turn.

use aerostack_core::time::Timestamp;
use aerostack_core::usage::Grain;

use super::open::UsageStore;
use super::partitions;
use super::tallies::grain_number;
use crate::store::error::StoreError;
use crate::store::open::Pools;
use crate::store::sql::{Count, Tx, execute, fetch_one, fetch_optional};

/// Calls that SQLite forgets in one transaction.
const STEP_CALLS: i64 = 5_000;

#[derive(sqlx::FromRow)]
struct OldestShelf {
    workspace: i64,
    grain: i64,
    kind: i64,
    bucket: i64,
}

/// Forgets some of what is before `cutoff`; `false` if there is nothing left to forget.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn step(store: &UsageStore, cutoff: Timestamp) -> Result<bool, StoreError> {
    let calls = match store.pools() {
        Pools::Sqlite { .. } => forget_calls(store, cutoff).await?,
        Pools::Postgres(pool) => partitions::drop_oldest(pool, cutoff).await?,
    };
    Ok(forget_tallies(store, cutoff).await? || calls)
}

/// By number, which is nearly the order of time: a call that was recorded late goes when those recorded
/// with it do.
async fn forget_calls(store: &UsageStore, cutoff: Timestamp) -> Result<bool, StoreError> {
    const OLDEST: &str = "SELECT id AS n FROM usage_calls ORDER BY id LIMIT 1";
    const OLD: &str = "SELECT COUNT(*) AS n FROM usage_calls WHERE id >= $1 AND id < $2 AND at_ms < $3";
    let mut tx = store.write().await?;
    let Some(first) = fetch_optional!(&mut tx, Count, OLDEST)? else {
        return Ok(false);
    };
    let (first, end, before) = (first.n, first.n.saturating_add(STEP_CALLS), cutoff.as_millis());
    if fetch_one!(&mut tx, Count, OLD, first, end, before)?.n == 0 {
        return Ok(false);
    }
    const FORGET: &str = "DELETE FROM usage_calls WHERE id >= $1 AND id < $2 AND at_ms < $3";
    let forgotten = execute!(&mut tx, FORGET, first, end, before)?;
    tx.commit().await?;
    Ok(forgotten > 0)
}

/// One hour, day or week of one kind at a time.
async fn forget_tallies(store: &UsageStore, cutoff: Timestamp) -> Result<bool, StoreError> {
    let mut tx = store.write().await?;
    for grain in [Grain::Hour, Grain::Day, Grain::Week] {
        if let Some(shelf) = oldest_shelf(&mut tx, grain, first_kept(grain, cutoff)).await? {
            const FORGET: &str = "DELETE FROM usage_tallies
                WHERE workspace = $1 AND grain = $2 AND kind = $3 AND bucket = $4";
            execute!(&mut tx, FORGET, shelf.workspace, shelf.grain, shelf.kind, shelf.bucket)?;
            tx.commit().await?;
            return Ok(true);
        }
    }
    Ok(false)
}

/// The first hour, day or week that is kept. A week is read whole or not at all, so one that has begun
/// before all that may still be asked for is of no use.
fn first_kept(grain: Grain, cutoff: Timestamp) -> i64 {
    // Periods begin with an hour.
    let asked_from = Grain::Hour.start(Grain::Hour.bucket(cutoff));
    let begun = grain.bucket(asked_from);
    match grain {
        Grain::Week if grain.start(begun) < asked_from => begun + 1,
        _ => begun,
    }
}

async fn oldest_shelf(tx: &mut Tx, grain: Grain, before: i64) -> Result<Option<OldestShelf>, StoreError> {
    // For each workspace and kind the beginning of the key's range, so that no range is read whole.
    const SQL: &str = "SELECT w.id AS workspace, CAST($1 AS BIGINT) AS grain, k.kind AS kind,
            (SELECT MIN(t.bucket) FROM usage_tallies t
             WHERE t.workspace = w.id AND t.grain = $1 AND t.kind = k.kind) AS bucket
        FROM usage_workspaces w
        CROSS JOIN (SELECT CAST(0 AS BIGINT) AS kind UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3) k
        WHERE (SELECT MIN(t.bucket) FROM usage_tallies t
               WHERE t.workspace = w.id AND t.grain = $1 AND t.kind = k.kind) < $2
        LIMIT 1";
    fetch_optional!(tx, OldestShelf, SQL, grain_number(grain), before)
}
