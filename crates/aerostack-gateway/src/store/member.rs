//! Who belongs to whose team.

use aerostack_core::account::{Account, Email};
use aerostack_core::id::AccountId;
use aerostack_core::member::{Membership, TeamRole};
use aerostack_core::slug::Slug;
use aerostack_core::time::Timestamp;

use super::codec;
use super::error::StoreError;
use super::sql::{Count, Tx, execute, fetch_all, fetch_one, fetch_optional};

#[derive(sqlx::FromRow)]
struct RoleRow {
    role: String,
}

/// A member of a team, as its list shows them.
#[derive(Clone, Debug)]
pub struct TeamMember {
    /// Their place in it.
    pub membership: Membership,
    /// Their address.
    pub email: Email,
    /// Their namespace.
    pub username: Slug,
}

#[derive(sqlx::FromRow)]
struct MemberRow {
    team_id: String,
    account_id: String,
    role: String,
    joined_at_ms: i64,
    email: String,
    username: String,
}

impl TryFrom<MemberRow> for TeamMember {
    type Error = StoreError;

    fn try_from(row: MemberRow) -> Result<Self, StoreError> {
        Ok(Self {
            membership: Membership {
                team: AccountId::from_stored(row.team_id),
                account: AccountId::from_stored(row.account_id),
                role: codec::word(&row.role, "team_members.role")?,
                joined_at: Timestamp::from_millis(row.joined_at_ms),
            },
            email: Email::from_stored(row.email),
            username: Slug::from_stored(row.username),
        })
    }
}

/// The role of an account in a team; `None` if it is not in it.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn role(
    tx: &mut Tx,
    team: &AccountId,
    account: &AccountId,
) -> Result<Option<TeamRole>, StoreError> {
    const SQL: &str = "SELECT role FROM team_members WHERE team_id = $1 AND account_id = $2";
    let row = fetch_optional!(tx, RoleRow, SQL, team.as_str(), account.as_str())?;
    row.map(|row| codec::word(&row.role, "team_members.role")).transpose()
}

/// An account's place in a team, as far as it has one.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn find(
    tx: &mut Tx,
    team: &AccountId,
    account: &AccountId,
) -> Result<Option<Membership>, StoreError> {
    const SQL: &str = "SELECT m.team_id, m.account_id, m.role, m.joined_at_ms, a.email, a.username
        FROM team_members m JOIN accounts a ON a.id = m.account_id
        WHERE m.team_id = $1 AND m.account_id = $2";
    let row = fetch_optional!(tx, MemberRow, SQL, team.as_str(), account.as_str())?;
    Ok(row.map(TeamMember::try_from).transpose()?.map(|member| member.membership))
}

/// Writes a membership; a second one of the same account in the same team sets its role.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn put(tx: &mut Tx, membership: &Membership) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO team_members (team_id, account_id, role, joined_at_ms) VALUES ($1, $2, $3, $4)
         ON CONFLICT (team_id, account_id) DO UPDATE SET role = excluded.role",
        membership.team.as_str(),
        membership.account.as_str(),
        membership.role.word(),
        membership.joined_at.as_millis(),
    )?;
    Ok(())
}

/// Removes an account from a team; tells whether it was in it.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn delete(tx: &mut Tx, team: &AccountId, account: &AccountId) -> Result<bool, StoreError> {
    const SQL: &str = "DELETE FROM team_members WHERE team_id = $1 AND account_id = $2";
    Ok(execute!(tx, SQL, team.as_str(), account.as_str())? > 0)
}

/// Counts the members of a team.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn count(tx: &mut Tx, team: &AccountId) -> Result<u32, StoreError> {
    const SQL: &str = "SELECT COUNT(*) AS n FROM team_members WHERE team_id = $1";
    codec::number(fetch_one!(tx, Count, SQL, team.as_str())?.n, "the count of members")
}

/// All members of a team in order of their addresses; bounded by `TEAM_MAX`.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn list(tx: &mut Tx, team: &AccountId) -> Result<Vec<TeamMember>, StoreError> {
    const SQL: &str = "SELECT m.team_id, m.account_id, m.role, m.joined_at_ms, a.email, a.username
        FROM team_members m JOIN accounts a ON a.id = m.account_id WHERE m.team_id = $1 ORDER BY a.email";
    fetch_all!(tx, MemberRow, SQL, team.as_str())?.into_iter().map(TeamMember::try_from).collect()
}

/// The teams an account belongs to, with its role in each, in order of their usernames.
///
/// *Shape*: the account of each team.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn teams_of(tx: &mut Tx, account: &AccountId) -> Result<Vec<(Account, TeamRole)>, StoreError> {
    const SQL: &str = "SELECT m.team_id, m.account_id, m.role, m.joined_at_ms, a.email, a.username
        FROM team_members m JOIN accounts a ON a.id = m.team_id WHERE m.account_id = $1 ORDER BY a.username";
    let mut teams = Vec::new();
    for row in fetch_all!(tx, MemberRow, SQL, account.as_str())? {
        let member = TeamMember::try_from(row)?;
        if let Some(team) = super::account::find(tx, &member.membership.team).await? {
            teams.push((team, member.membership.role));
        }
    }
    Ok(teams)
}
