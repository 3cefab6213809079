//! What a team knows of an address, whether it has an account or not.

use aerostack_core::account::Email;
use aerostack_core::audit::Action;
use aerostack_core::id::AccountId;
use aerostack_core::time::Timestamp;

use super::error::StoreError;
use super::sql::{Count, Tx, fetch_all, fetch_one};
use super::token::active_at;

#[derive(sqlx::FromRow)]
struct AddressRow {
    email: String,
}

/// Tells whether an address has or ever had anything of a team: a token tied to it, an invitation, or a
/// membership that ended. Deleted workspaces count.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn is_known(tx: &mut Tx, team: &AccountId, email: &Email) -> Result<bool, StoreError> {
    const SQL: &str = "SELECT COUNT(*) AS n FROM (
        SELECT t.id FROM tokens t JOIN workspaces w ON w.id = t.workspace_id
         WHERE w.owner_id = $1 AND t.person = $2
        UNION ALL
        SELECT id FROM invites WHERE team_id = $1 AND email = $2
        UNION ALL
        SELECT chain FROM audit WHERE chain = $1 AND object = $2 AND action IN ($3, $4)
    ) AS traces";
    let (removed, offboarded) = (Action::MemberRemoved.word(), Action::PersonOffboarded.word());
    Ok(fetch_one!(tx, Count, SQL, team.as_str(), email.as_str(), removed, offboarded)?.n > 0)
}

/// The addresses that have something of a team now, in order: members, those with an open invitation, and
/// those that active tokens are tied to.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn addresses(tx: &mut Tx, team: &AccountId, now: Timestamp) -> Result<Vec<Email>, StoreError> {
    const SQL: &str = concat!(
        "SELECT email FROM (
            SELECT a.email FROM team_members m JOIN accounts a ON a.id = m.account_id WHERE m.team_id = $1
            UNION
            SELECT email FROM invites
             WHERE team_id = $1 AND accepted_at_ms IS NULL AND ended_at_ms IS NULL AND expires_at_ms > $2
            UNION
            SELECT t.person AS email FROM tokens t JOIN workspaces w ON w.id = t.workspace_id
             WHERE w.owner_id = $1 AND w.deleted_at_ms IS NULL AND t.person IS NOT NULL AND ",
        active_at!("$2"),
        ") AS known ORDER BY email"
    );
    let rows = fetch_all!(tx, AddressRow, SQL, team.as_str(), now.as_millis())?;
    Ok(rows.into_iter().map(|row| Email::from_stored(row.email)).collect())
}
