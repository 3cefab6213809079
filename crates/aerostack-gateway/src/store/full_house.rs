//! Invitations whose holder met a full plan: they stay good, and the owner is told.

use aerostack_core::id::{AccountId, InviteId, WorkspaceId};
use aerostack_core::time::Timestamp;

use super::error::StoreError;
use super::sql::{Tx, execute, fetch_all};

#[derive(sqlx::FromRow)]
struct NoSeatRow {
    id: String,
    no_seat_at_ms: i64,
}

/// Notes that the holder of an invitation found no free seat; tells whether it is the first time
/// after `quiet_since`.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn note(
    tx: &mut Tx,
    invite: &InviteId,
    at: Timestamp,
    quiet_since: Timestamp,
) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE invites SET no_seat_at_ms = $2
        WHERE id = $1 AND (no_seat_at_ms IS NULL OR no_seat_at_ms <= $3)";
    Ok(execute!(tx, SQL, invite.as_str(), at.as_millis(), quiet_since.as_millis())? > 0)
}

/// The open invitations into a workspace whose holders found no free seat, each with when.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn list(
    tx: &mut Tx,
    team: &AccountId,
    workspace: &WorkspaceId,
) -> Result<Vec<(InviteId, Timestamp)>, StoreError> {
    const SQL: &str = "SELECT id, no_seat_at_ms FROM invites
        WHERE team_id = $1 AND workspace_id = $2 AND no_seat_at_ms IS NOT NULL
          AND accepted_at_ms IS NULL AND ended_at_ms IS NULL";
    let rows = fetch_all!(tx, NoSeatRow, SQL, team.as_str(), workspace.as_str())?;
    let read = |row: NoSeatRow| (InviteId::from_stored(row.id), Timestamp::from_millis(row.no_seat_at_ms));
    Ok(rows.into_iter().map(read).collect())
}
