//! Seats: the active tokens of a workspace that take one, counted without looking at every token.
//!
//! Most tokens last until somebody ends them. How many of those take a seat stands beside the
//! workspace and is kept by whatever writes tokens; those that end by themselves, or have an end,
//! are counted when somebody asks, by indexes that hold no others.

use aerostack_core::id::{TokenId, WorkspaceId};
use aerostack_core::time::Timestamp;

use super::codec;
use super::error::StoreError;
use super::sql::{Count, Tx, execute, fetch_one};

/// The seats that the tokens of workspace `w` take at the moment of the parameter.
macro_rules! seats_at {
    ($now:literal) => {
        concat!(
            "(w.lasting_seats
              + (SELECT COUNT(*) FROM tokens t WHERE t.workspace_id = w.id AND t.takes_seat = 1
                     AND t.expires_at_ms > ",
            $now,
            " AND (t.revoked_at_ms IS NULL OR t.revoked_at_ms > ",
            $now,
            "))
              + (SELECT COUNT(*) FROM tokens t WHERE t.workspace_id = w.id AND t.takes_seat = 1
                     AND t.expires_at_ms IS NULL AND t.revoked_at_ms > ",
            $now,
            "))"
        )
    };
}

pub(super) use seats_at;

/// Counts the seats a workspace's tokens take. After the workspace's [`lock`](super::workspace::lock)
/// the count cannot change until the transaction ends.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn count_seats(tx: &mut Tx, workspace: &WorkspaceId, now: Timestamp) -> Result<u32, StoreError> {
    const SQL: &str = concat!("SELECT ", seats_at!("$2"), " AS n FROM workspaces w WHERE w.id = $1");
    codec::number(fetch_one!(tx, Count, SQL, workspace.as_str(), now.as_millis())?.n, "the count of tokens")
}

/// Counts a token that has been inserted, if it takes a seat and lasts.
pub(super) async fn begins(tx: &mut Tx, id: &TokenId) -> Result<(), StoreError> {
    change(tx, id, 1).await
}

/// Counts a token no more that is about to be given an end, or to lose its seat; one that was not
/// counted changes nothing.
pub(super) async fn ends(tx: &mut Tx, id: &TokenId) -> Result<(), StoreError> {
    change(tx, id, -1).await
}

async fn change(tx: &mut Tx, id: &TokenId, by: i64) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE workspaces SET lasting_seats = lasting_seats + $2 WHERE id =
            (SELECT t.workspace_id FROM tokens t WHERE t.id = $1 AND t.takes_seat = 1
                AND t.expires_at_ms IS NULL AND t.revoked_at_ms IS NULL)",
        id.as_str(),
        by,
    )?;
    Ok(())
}
