//! Forgetting names of tokens and tools of which no call is kept: a token for every run of a pipeline would
//! grow their tables for ever, and reports read them whole.

use std::collections::HashSet;

use super::calls;
use super::open::UsageStore;
use crate::store::error::StoreError;
use crate::store::sql::{Count, Tx, execute, fetch_all};

/// Names that are forgotten in one transaction.
const STEP_NAMES: usize = 500;

#[derive(sqlx::FromRow)]
struct NumberRow {
    id: i64,
}

/// The numbers of every workspace of which calls were recorded.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn workspaces(tx: &mut Tx) -> Result<Vec<i64>, StoreError> {
    let rows = fetch_all!(tx, NumberRow, "SELECT id FROM usage_workspaces ORDER BY id")?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Forgets some names of a workspace that are in no sum and no call; gives their number.
///
/// What is looked for is found in a transaction that reads; the one that writes only looks at the calls
/// that were recorded since, so that nobody waits for the search.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn forget(store: &UsageStore, workspace: i64) -> Result<usize, StoreError> {
    let mut tx = store.read().await?;
    let seen = calls::state(&mut tx).await?;
    let mut tokens = unused_tokens(&mut tx, workspace).await?;
    let mut tools = unused_tools(&mut tx, workspace).await?;
    if tokens.is_empty() && tools.is_empty() {
        return Ok(0);
    }
    leave_called(&mut tx, seen.added_up_to, seen.last_id, &mut tokens, &mut tools).await?;
    drop(tx);
    tokens.truncate(STEP_NAMES);
    tools.truncate(STEP_NAMES);

    let mut tx = store.write().await?;
    calls::lock(&mut tx).await?;
    let now = calls::state(&mut tx).await?;
    leave_called(&mut tx, seen.last_id, now.last_id, &mut tokens, &mut tools).await?;
    for token in &tokens {
        execute!(&mut tx, "DELETE FROM usage_tokens WHERE id = $1", *token)?;
    }
    for tool in &tools {
        execute!(&mut tx, "DELETE FROM usage_tools WHERE id = $1", *tool)?;
    }
    // Before the commit: whoever writes next looks their numbers up anew.
    store.renumber();
    tx.commit().await?;
    Ok(tokens.len() + tools.len())
}

async fn unused_tokens(tx: &mut Tx, workspace: i64) -> Result<Vec<i64>, StoreError> {
    const SQL: &str = "SELECT id AS n FROM usage_tokens WHERE workspace = $1 AND id NOT IN
        (SELECT token FROM usage_tallies WHERE workspace = $1 AND grain = 1 AND kind = 1) ORDER BY id";
    Ok(fetch_all!(tx, Count, SQL, workspace)?.into_iter().map(|row| row.n).collect())
}

async fn unused_tools(tx: &mut Tx, workspace: i64) -> Result<Vec<i64>, StoreError> {
    const SQL: &str = "SELECT id AS n FROM usage_tools WHERE workspace = $1 AND id NOT IN
        (SELECT tool FROM usage_tallies WHERE workspace = $1 AND grain = 1 AND kind = 2) ORDER BY id";
    Ok(fetch_all!(tx, Count, SQL, workspace)?.into_iter().map(|row| row.n).collect())
}

/// Leaves out what calls were made with, of those after one up to another.
async fn leave_called(
    tx: &mut Tx,
    after: i64,
    up_to: i64,
    tokens: &mut Vec<i64>,
    tools: &mut Vec<i64>,
) -> Result<(), StoreError> {
    let calls = calls::by_number(tx, after, up_to).await?;
    let (with, of): (HashSet<i64>, HashSet<i64>) = calls.iter().map(|call| (call.token, call.tool)).unzip();
    tokens.retain(|token| !with.contains(token));
    tools.retain(|tool| !of.contains(tool));
    Ok(())
}
