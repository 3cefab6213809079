//! Tokens over all workspaces of one account, as offboarding asks for them.

use aerostack_core::account::Email;
use aerostack_core::id::AccountId;
use aerostack_core::offboard::TeamToken;
use aerostack_core::slug::Slug;
use aerostack_core::time::Timestamp;

use super::error::StoreError;
use super::sql::{Tx, fetch_all};
use super::token::{TokenRow, active_at, token_columns};

#[derive(sqlx::FromRow)]
struct TeamTokenRow {
    #[sqlx(flatten)]
    token: TokenRow,
    slug: String,
}

impl TryFrom<TeamTokenRow> for TeamToken {
    type Error = StoreError;

    fn try_from(row: TeamTokenRow) -> Result<Self, StoreError> {
        Ok(Self { token: row.token.try_into()?, workspace: Slug::from_stored(row.slug) })
    }
}

/// The tokens of an account's workspaces that are active, are of a name, or are tied to a person,
/// by workspace and then in order of creation. Tokens of deleted workspaces have ended.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn list(
    tx: &mut Tx,
    owner: &AccountId,
    name: Option<&str>,
    person: Option<&Email>,
    now: Timestamp,
) -> Result<Vec<TeamToken>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        token_columns!(),
        ", w.slug FROM tokens t JOIN workspaces w ON w.id = t.workspace_id
         WHERE w.owner_id = $1 AND w.deleted_at_ms IS NULL
           AND (t.name = $2 OR t.person = $3 OR (",
        active_at!("$4"),
        ")) ORDER BY w.slug, t.id"
    );
    let person = person.map(Email::as_str);
    let rows = fetch_all!(tx, TeamTokenRow, SQL, owner.as_str(), name, person, now.as_millis())?;
    rows.into_iter().map(TeamToken::try_from).collect()
}
