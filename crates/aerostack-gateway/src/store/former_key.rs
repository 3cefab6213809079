//! What is kept of master keys that were replaced, sealed under the present one.

use aerostack_core::time::Timestamp;

use super::error::StoreError;
use super::sql::{Tx, execute, fetch_all};
use crate::vault::FormerKey;

#[derive(sqlx::FromRow)]
struct FormerRow {
    id: String,
    sealed_by: String,
    sealed: Vec<u8>,
    retired_at_ms: i64,
}

/// All of them, the oldest first.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn all(tx: &mut Tx) -> Result<Vec<FormerKey>, StoreError> {
    const SQL: &str =
        "SELECT id, sealed_by, sealed, retired_at_ms FROM former_keys ORDER BY retired_at_ms, id";
    let rows = fetch_all!(tx, FormerRow, SQL)?;
    let key = |row: FormerRow| FormerKey {
        id: row.id,
        sealed_by: row.sealed_by,
        sealed: row.sealed,
        retired_at: Timestamp::from_millis(row.retired_at_ms),
    };
    Ok(rows.into_iter().map(key).collect())
}

/// Writes one, over the one that has its name.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn put(tx: &mut Tx, key: &FormerKey) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO former_keys (id, sealed_by, sealed, retired_at_ms) VALUES ($1, $2, $3, $4)
         ON CONFLICT (id) DO UPDATE SET sealed_by = excluded.sealed_by, sealed = excluded.sealed",
        key.id.as_str(),
        key.sealed_by.as_str(),
        &key.sealed[..],
        key.retired_at.as_millis(),
    )?;
    Ok(())
}

/// Deletes all of them, when nobody can open them any more.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn delete_all(tx: &mut Tx) -> Result<(), StoreError> {
    execute!(tx, "DELETE FROM former_keys")?;
    Ok(())
}
