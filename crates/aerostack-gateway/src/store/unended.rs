//! Every token that has not ended, for what stands in memory. A gateway reads them all when it starts, so
//! columns are read by their places: to find each of each row by its name would be a sixth of that.

use aerostack_core::id::WorkspaceId;
use aerostack_core::time::Timestamp;
use aerostack_core::token::Token;

use super::error::StoreError;
use super::sql::{Tx, fetch_all};
use super::token::{TokenRow, active_at, token_columns};

/// The columns of a token, in order.
type PlainRow = (
    String,
    String,
    String,
    Vec<u8>,
    Option<String>,
    Option<i64>,
    i64,
    String,
    i64,
    Option<i64>,
    Option<i64>,
);

fn read(row: PlainRow) -> Result<Token, StoreError> {
    let (id, workspace_id, name, digest, person, rate_limit_per_minute, takes_seat, created_by, ..) = row;
    let (.., created_at_ms, expires_at_ms, revoked_at_ms) = row;
    TokenRow {
        id,
        workspace_id,
        name,
        digest,
        person,
        rate_limit_per_minute,
        takes_seat,
        created_by,
        created_at_ms,
        expires_at_ms,
        revoked_at_ms,
    }
    .try_into()
}

/// All tokens that have not ended, of one workspace or of all. Tokens of deleted workspaces have ended.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn unended(
    tx: &mut Tx,
    workspace: Option<&WorkspaceId>,
    now: Timestamp,
) -> Result<Vec<Token>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        token_columns!(),
        " FROM tokens t JOIN workspaces w ON w.id = t.workspace_id
         WHERE w.deleted_at_ms IS NULL AND ($1 IS NULL OR t.workspace_id = $1) AND ",
        active_at!("$2"),
        " ORDER BY t.id"
    );
    let rows = fetch_all!(tx, PlainRow, SQL, workspace.map(WorkspaceId::as_str), now.as_millis())?;
    rows.into_iter().map(read).collect()
}
