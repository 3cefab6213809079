//! Who belongs to a single workspace.

use aerostack_core::account::Email;
use aerostack_core::id::{AccountId, WorkspaceId};
use aerostack_core::member::WorkspaceMembership;
use aerostack_core::slug::Slug;
use aerostack_core::time::Timestamp;
use aerostack_core::token::Token;

use super::codec;
use super::error::StoreError;
use super::sql::{Count, Tx, execute, fetch_all, fetch_one};
use super::token::{TokenRow, active_at, token_columns};

/// A member of a workspace, as its list shows them.
#[derive(Clone, Debug)]
pub struct WorkspaceMember {
    /// Their place in it.
    pub membership: WorkspaceMembership,
    /// Their address.
    pub email: Email,
    /// When a request with any of their tokens of the workspace was last accepted.
    pub last_active_at: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct MemberRow {
    workspace_id: String,
    account_id: String,
    joined_at_ms: i64,
    email: String,
    last_active_at_ms: Option<i64>,
}

impl From<MemberRow> for WorkspaceMember {
    fn from(row: MemberRow) -> Self {
        Self {
            membership: WorkspaceMembership {
                workspace: WorkspaceId::from_stored(row.workspace_id),
                account: AccountId::from_stored(row.account_id),
                joined_at: Timestamp::from_millis(row.joined_at_ms),
            },
            email: Email::from_stored(row.email),
            last_active_at: codec::moment(row.last_active_at_ms),
        }
    }
}

/// Somebody's place in a workspace of a team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeamPlace {
    /// The place.
    pub membership: WorkspaceMembership,
    /// The workspace's slug.
    pub slug: Slug,
}

#[derive(sqlx::FromRow)]
struct PlaceRow {
    workspace_id: String,
    account_id: String,
    joined_at_ms: i64,
    slug: String,
}

/// Writes a membership; a second one of the same account changes nothing.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn put(tx: &mut Tx, membership: &WorkspaceMembership) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO workspace_members (workspace_id, account_id, joined_at_ms) VALUES ($1, $2, $3)
         ON CONFLICT (workspace_id, account_id) DO NOTHING",
        membership.workspace.as_str(),
        membership.account.as_str(),
        membership.joined_at.as_millis(),
    )?;
    Ok(())
}

/// Removes an account from a workspace; tells whether it was in it.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn delete(tx: &mut Tx, workspace: &WorkspaceId, account: &AccountId) -> Result<bool, StoreError> {
    const SQL: &str = "DELETE FROM workspace_members WHERE workspace_id = $1 AND account_id = $2";
    Ok(execute!(tx, SQL, workspace.as_str(), account.as_str())? > 0)
}

/// Tells whether an account belongs to a workspace.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn is_member(
    tx: &mut Tx,
    workspace: &WorkspaceId,
    account: &AccountId,
) -> Result<bool, StoreError> {
    const SQL: &str =
        "SELECT COUNT(*) AS n FROM workspace_members WHERE workspace_id = $1 AND account_id = $2";
    Ok(fetch_one!(tx, Count, SQL, workspace.as_str(), account.as_str())?.n > 0)
}

/// Counts the members of a workspace.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn count(tx: &mut Tx, workspace: &WorkspaceId) -> Result<u32, StoreError> {
    const SQL: &str = "SELECT COUNT(*) AS n FROM workspace_members WHERE workspace_id = $1";
    codec::number(fetch_one!(tx, Count, SQL, workspace.as_str())?.n, "the count of members")
}

/// All members of a workspace in order of their addresses; bounded by `TEAM_MAX`.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn list(tx: &mut Tx, workspace: &WorkspaceId) -> Result<Vec<WorkspaceMember>, StoreError> {
    const SQL: &str = "SELECT m.workspace_id, m.account_id, m.joined_at_ms, a.email,
            (SELECT MAX(u.last_used_at_ms) FROM tokens t JOIN token_activity u ON u.token_id = t.id
             WHERE t.workspace_id = m.workspace_id AND t.person = a.email) AS last_active_at_ms
        FROM workspace_members m JOIN accounts a ON a.id = m.account_id
        WHERE m.workspace_id = $1 ORDER BY a.email";
    Ok(fetch_all!(tx, MemberRow, SQL, workspace.as_str())?.into_iter().map(WorkspaceMember::from).collect())
}

/// The places of an account in the workspaces of a team that are not deleted, by slug.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn in_team(
    tx: &mut Tx,
    team: &AccountId,
    account: &AccountId,
) -> Result<Vec<TeamPlace>, StoreError> {
    const SQL: &str = "SELECT m.workspace_id, m.account_id, m.joined_at_ms, w.slug
        FROM workspace_members m JOIN workspaces w ON w.id = m.workspace_id
        WHERE w.owner_id = $1 AND w.deleted_at_ms IS NULL AND m.account_id = $2 ORDER BY w.slug";
    let rows = fetch_all!(tx, PlaceRow, SQL, team.as_str(), account.as_str())?;
    Ok(rows
        .into_iter()
        .map(|row| TeamPlace {
            membership: WorkspaceMembership {
                workspace: WorkspaceId::from_stored(row.workspace_id),
                account: AccountId::from_stored(row.account_id),
                joined_at: Timestamp::from_millis(row.joined_at_ms),
            },
            slug: Slug::from_stored(row.slug),
        })
        .collect())
}

/// The active tokens of a workspace that are tied to anybody, in order of creation.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn tied_tokens(
    tx: &mut Tx,
    workspace: &WorkspaceId,
    now: Timestamp,
) -> Result<Vec<Token>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        token_columns!(),
        " FROM tokens t WHERE t.workspace_id = $1 AND t.person IS NOT NULL AND ",
        active_at!("$2"),
        " ORDER BY t.id"
    );
    let rows = fetch_all!(tx, TokenRow, SQL, workspace.as_str(), now.as_millis())?;
    rows.into_iter().map(Token::try_from).collect()
}
