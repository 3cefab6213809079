//! When tokens were last used: a table apart, written every few seconds by the recorder.

use aerostack_core::id::TokenId;
use aerostack_core::time::Timestamp;

use super::error::StoreError;
use super::sql::{Tx, execute, fetch_optional};

#[derive(sqlx::FromRow)]
struct LastUsedRow {
    last_used_at_ms: i64,
}

/// When a request with the token was last accepted.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn last_used_at(tx: &mut Tx, id: &TokenId) -> Result<Option<Timestamp>, StoreError> {
    const SQL: &str = "SELECT last_used_at_ms FROM token_activity WHERE token_id = $1";
    let row = fetch_optional!(tx, LastUsedRow, SQL, id.as_str())?;
    Ok(row.map(|row| Timestamp::from_millis(row.last_used_at_ms)))
}

/// Notes when tokens were last used; never backwards.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn touch(tx: &mut Tx, uses: &[(TokenId, Timestamp)]) -> Result<(), StoreError> {
    for (token, at) in uses {
        execute!(
            tx,
            "INSERT INTO token_activity (token_id, last_used_at_ms) VALUES ($1, $2)
             ON CONFLICT (token_id) DO UPDATE SET last_used_at_ms = excluded.last_used_at_ms
             WHERE token_activity.last_used_at_ms < excluded.last_used_at_ms",
            token.as_str(),
            at.as_millis(),
        )?;
    }
    Ok(())
}
