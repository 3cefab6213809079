//! The latest moment that the database remembers: no clock that serves it may begin before.

use aerostack_core::time::Timestamp;

use super::codec;
use super::error::StoreError;
use super::sql::{Tx, fetch_one};

#[derive(sqlx::FromRow)]
struct LatestRow {
    at_ms: Option<i64>,
}

/// When something was last done or used; `None` in a database where nothing ever was.
///
/// Whatever is done leaves an audit event, so the ends of the chains tell. It looks at one event of
/// each chain, and at when each token was last used.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn moment(tx: &mut Tx) -> Result<Option<Timestamp>, StoreError> {
    let latest = fetch_one!(
        tx,
        LatestRow,
        "SELECT MAX(latest.at_ms) AS at_ms FROM (
             SELECT (SELECT at_ms FROM audit WHERE chain = w.id ORDER BY sequence DESC LIMIT 1) AS at_ms
             FROM workspaces w
             UNION ALL
             SELECT (SELECT at_ms FROM audit WHERE chain = a.id ORDER BY sequence DESC LIMIT 1) FROM accounts a
             UNION ALL
             SELECT MAX(last_used_at_ms) FROM token_activity
             UNION ALL
             SELECT MAX(last_used_at_ms) FROM account_keys
         ) AS latest",
    )?;
    Ok(codec::moment(latest.at_ms))
}
