//! Single calls: appended in batches, read in the order of time or of their commit.

use aerostack_core::time::Timestamp;
use aerostack_core::usage::{Measured, Outcome};

use super::{bulk, partitions};
use crate::store::error::StoreError;
use crate::store::sql::{Tx, execute, fetch_all, fetch_one};

/// A call whose names are numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumberedCall {
    /// Its own number, in the order of commits; not yet known of a new one.
    pub id: i64,
    /// The workspace.
    pub workspace: i64,
    /// The token.
    pub token: i64,
    /// The tool.
    pub tool: i64,
    /// The client; 0 if it did not name itself.
    pub client: i64,
    /// What was measured.
    pub measured: Measured,
}

/// Up to where calls were appended and added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct State {
    /// The number of the newest call.
    pub last_id: i64,
    /// The number of the newest call that is added up.
    pub added_up_to: i64,
    /// The first week that every call of it was added up to; older ones were there before sums by week.
    pub weeks_from: i64,
}

#[derive(sqlx::FromRow)]
struct CallRow {
    id: i64,
    workspace: i64,
    at_ms: i64,
    token: i64,
    tool: i64,
    client: i64,
    outcome: i64,
    total_us: i64,
    upstream_us: Option<i64>,
    bytes_in: i64,
    bytes_out: i64,
}

impl TryFrom<CallRow> for NumberedCall {
    type Error = StoreError;

    fn try_from(row: CallRow) -> Result<Self, StoreError> {
        let outcome = Outcome::of_number(row.outcome);
        let whole = |value: i64| u64::try_from(value).unwrap_or(0);
        Ok(Self {
            id: row.id,
            workspace: row.workspace,
            token: row.token,
            tool: row.tool,
            client: row.client,
            measured: Measured {
                at: Timestamp::from_millis(row.at_ms),
                outcome: outcome.ok_or(StoreError::Unreadable { what: "usage_calls.outcome" })?,
                total_us: whole(row.total_us),
                upstream_us: row.upstream_us.map(whole),
                bytes_in: whole(row.bytes_in),
                bytes_out: whole(row.bytes_out),
            },
        })
    }
}

fn numbered(rows: Vec<CallRow>) -> Result<Vec<NumberedCall>, StoreError> {
    rows.into_iter().map(NumberedCall::try_from).collect()
}

/// Reads up to where calls were appended and added up.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn state(tx: &mut Tx) -> Result<State, StoreError> {
    fetch_one!(tx, State, "SELECT last_id, added_up_to, weeks_from FROM usage_state WHERE one = 1")
}

/// Has whoever else appends or adds up wait until this transaction ends: what a name's number is, and which
/// calls come next, is decided by one after the other.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn lock(tx: &mut Tx) -> Result<(), StoreError> {
    execute!(tx, "UPDATE usage_state SET last_id = last_id WHERE one = 1")?;
    Ok(())
}

/// Appends calls and gives each its number. Whoever writes here waits for whoever else does, so that
/// numbers are in the order of commits.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn append(tx: &mut Tx, calls: &mut [NumberedCall]) -> Result<(), StoreError> {
    let count = i64::try_from(calls.len()).expect("a batch is small");
    const RAISE: &str = "UPDATE usage_state SET last_id = last_id + $1 WHERE one = 1";
    execute!(tx, RAISE, count)?;
    let last = state(tx).await?.last_id;
    for (call, id) in calls.iter_mut().zip(last - count + 1..) {
        call.id = id;
    }
    partitions::make_for(tx, calls).await?;
    bulk::insert_calls(tx, calls).await
}

/// Reads calls by number: those after `after`, up to `up_to`.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn by_number(tx: &mut Tx, after: i64, up_to: i64) -> Result<Vec<NumberedCall>, StoreError> {
    const SQL: &str = "SELECT id, workspace, at_ms, token, tool, client, outcome, total_us, upstream_us,
        bytes_in, bytes_out FROM usage_calls WHERE id > $1 AND id <= $2 ORDER BY id";
    numbered(fetch_all!(tx, CallRow, SQL, after, up_to)?)
}

#[derive(sqlx::FromRow)]
struct MinuteRow {
    minute: i64,
    outcome: i64,
    n: i64,
}

/// Counts calls of a workspace that arrived at `since` or later, by minute (from 1970) and outcome.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn by_minute(
    tx: &mut Tx,
    workspace: i64,
    since: Timestamp,
) -> Result<Vec<(i64, Outcome, u64)>, StoreError> {
    const SQL: &str = "SELECT at_ms / 60000 AS minute, outcome, COUNT(*) AS n FROM usage_calls
        WHERE workspace = $1 AND at_ms >= $2 GROUP BY at_ms / 60000, outcome ORDER BY minute, outcome";
    let rows = fetch_all!(tx, MinuteRow, SQL, workspace, since.as_millis())?;
    let read = |row: MinuteRow| {
        let outcome = Outcome::of_number(row.outcome);
        let outcome = outcome.ok_or(StoreError::Unreadable { what: "usage_calls.outcome" })?;
        Ok((row.minute, outcome, u64::try_from(row.n).unwrap_or(0)))
    };
    rows.into_iter().map(read).collect()
}

/// A place between two calls in the order of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// When.
    pub at: Timestamp,
    /// The number, among calls of the same moment.
    pub id: i64,
}

/// Reads calls of a workspace in the order of time: those after `after`, at most `limit`.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn forwards(
    tx: &mut Tx,
    workspace: i64,
    after: Place,
    limit: i64,
) -> Result<Vec<NumberedCall>, StoreError> {
    const SQL: &str = "SELECT id, workspace, at_ms, token, tool, client, outcome, total_us, upstream_us,
        bytes_in, bytes_out FROM usage_calls
        WHERE workspace = $1 AND at_ms >= $2 AND (at_ms > $2 OR id > $3) ORDER BY at_ms, id LIMIT $4";
    numbered(fetch_all!(tx, CallRow, SQL, workspace, after.at.as_millis(), after.id, limit)?)
}

/// Reads calls of a workspace against the order of time: those before `before` and not before `since`,
/// at most `limit`.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn backwards(
    tx: &mut Tx,
    workspace: i64,
    since: Timestamp,
    before: Place,
    limit: i64,
) -> Result<Vec<NumberedCall>, StoreError> {
    const SQL: &str = "SELECT id, workspace, at_ms, token, tool, client, outcome, total_us, upstream_us,
        bytes_in, bytes_out FROM usage_calls
        WHERE workspace = $1 AND at_ms >= $2 AND at_ms <= $3 AND (at_ms < $3 OR id < $4)
        ORDER BY at_ms DESC, id DESC LIMIT $5";
    let (since, at) = (since.as_millis(), before.at.as_millis());
    numbered(fetch_all!(tx, CallRow, SQL, workspace, since, at, before.id, limit)?)
}
