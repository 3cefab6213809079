//! Invitations. One is *open* while it was neither accepted nor ended; whether its time ran out is
//! for the caller to say, who knows the time.

use aerostack_core::account::Email;
use aerostack_core::bearer::TokenDigest;
use aerostack_core::id::{AccountId, InviteId, WorkspaceId};
use aerostack_core::invite::Invite;
use aerostack_core::time::Timestamp;

use super::codec;
use super::error::StoreError;
use super::sql::{Count, Tx, execute, fetch_all, fetch_one, fetch_optional};

macro_rules! columns {
    () => {
        "id, team_id, workspace_id, email, role, digest, handed_over, invited_by, created_at_ms, expires_at_ms,
         accepted_at_ms, ended_at_ms"
    };
}

/// Open, and into the place of the parameter: a workspace, or (null) the team itself.
macro_rules! open_in {
    ($place:literal) => {
        concat!(
            "accepted_at_ms IS NULL AND ended_at_ms IS NULL AND ((",
            $place,
            " IS NULL AND workspace_id IS NULL) OR workspace_id = ",
            $place,
            ")"
        )
    };
}

#[derive(sqlx::FromRow)]
struct InviteRow {
    id: String,
    team_id: String,
    workspace_id: Option<String>,
    email: String,
    role: String,
    digest: Vec<u8>,
    handed_over: i64,
    invited_by: String,
    created_at_ms: i64,
    expires_at_ms: i64,
    accepted_at_ms: Option<i64>,
    ended_at_ms: Option<i64>,
}

impl TryFrom<InviteRow> for Invite {
    type Error = StoreError;

    fn try_from(row: InviteRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: InviteId::from_stored(row.id),
            team: AccountId::from_stored(row.team_id),
            workspace: row.workspace_id.map(WorkspaceId::from_stored),
            email: Email::from_stored(row.email),
            role: codec::word(&row.role, "invites.role")?,
            digest: codec::digest(&row.digest, "invites.digest")?,
            is_handed_over: codec::flag(row.handed_over, "invites.handed_over")?,
            invited_by: AccountId::from_stored(row.invited_by),
            created_at: Timestamp::from_millis(row.created_at_ms),
            expires_at: Timestamp::from_millis(row.expires_at_ms),
            accepted_at: codec::moment(row.accepted_at_ms),
            ended_at: codec::moment(row.ended_at_ms),
        })
    }
}

/// Inserts an invitation.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn insert(tx: &mut Tx, invite: &Invite) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO invites (id, team_id, workspace_id, email, role, digest, handed_over, invited_by,
                              created_at_ms, expires_at_ms, accepted_at_ms, ended_at_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        invite.id.as_str(),
        invite.team.as_str(),
        invite.workspace.as_ref().map(WorkspaceId::as_str),
        invite.email.as_str(),
        invite.role.word(),
        &invite.digest.as_bytes()[..],
        i64::from(invite.is_handed_over),
        invite.invited_by.as_str(),
        invite.created_at.as_millis(),
        invite.expires_at.as_millis(),
        codec::millis(invite.accepted_at),
        codec::millis(invite.ended_at),
    )?;
    Ok(())
}

/// Finds an invitation by the digest of its link, whatever became of it.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn find_by_digest(tx: &mut Tx, digest: &TokenDigest) -> Result<Option<Invite>, StoreError> {
    const SQL: &str = concat!("SELECT ", columns!(), " FROM invites WHERE digest = $1");
    let row = fetch_optional!(tx, InviteRow, SQL, &digest.as_bytes()[..])?;
    let invite = row.map(Invite::try_from).transpose()?;
    // The index compared the bytes; this compares them in constant time.
    Ok(invite.filter(|invite| invite.digest == *digest))
}

/// The open invitations into a team (`workspace` is `None`) or into one workspace of it, in order of
/// their addresses; bounded by `TEAM_MAX`.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn list_open(
    tx: &mut Tx,
    team: &AccountId,
    workspace: Option<&WorkspaceId>,
) -> Result<Vec<Invite>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM invites WHERE team_id = $1 AND ",
        open_in!("$2"),
        " ORDER BY email, id"
    );
    let workspace = workspace.map(WorkspaceId::as_str);
    let rows = fetch_all!(tx, InviteRow, SQL, team.as_str(), workspace)?;
    rows.into_iter().map(Invite::try_from).collect()
}

/// All open invitations of an address by one team: into the team and into its workspaces.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn list_open_of(tx: &mut Tx, team: &AccountId, email: &Email) -> Result<Vec<Invite>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM invites WHERE team_id = $1 AND email = $2 AND accepted_at_ms IS NULL AND ended_at_ms IS NULL
         ORDER BY id"
    );
    let rows = fetch_all!(tx, InviteRow, SQL, team.as_str(), email.as_str())?;
    rows.into_iter().map(Invite::try_from).collect()
}

/// Counts the open invitations into a team or one workspace that are for other addresses than `email`.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn count_open_others(
    tx: &mut Tx,
    team: &AccountId,
    workspace: Option<&WorkspaceId>,
    email: &Email,
) -> Result<u32, StoreError> {
    const SQL: &str =
        concat!("SELECT COUNT(*) AS n FROM invites WHERE team_id = $1 AND email <> $3 AND ", open_in!("$2"));
    let workspace = workspace.map(WorkspaceId::as_str);
    let count = fetch_one!(tx, Count, SQL, team.as_str(), workspace, email.as_str())?;
    codec::number(count.n, "the count of invitations")
}

/// Counts the invitations that a team made after a moment, whatever became of them.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn count_since(tx: &mut Tx, team: &AccountId, after: Timestamp) -> Result<u32, StoreError> {
    const SQL: &str = "SELECT COUNT(*) AS n FROM invites WHERE team_id = $1 AND created_at_ms > $2";
    let count = fetch_one!(tx, Count, SQL, team.as_str(), after.as_millis())?;
    codec::number(count.n, "the count of invitations")
}

/// Ends the open invitation of an address into a team or one workspace; tells whether there was one.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn end(
    tx: &mut Tx,
    team: &AccountId,
    workspace: Option<&WorkspaceId>,
    email: &Email,
    at: Timestamp,
) -> Result<bool, StoreError> {
    const SQL: &str =
        concat!("UPDATE invites SET ended_at_ms = $4 WHERE team_id = $1 AND email = $3 AND ", open_in!("$2"));
    let workspace = workspace.map(WorkspaceId::as_str);
    let ended = execute!(tx, SQL, team.as_str(), workspace, email.as_str(), at.as_millis())?;
    Ok(ended > 0)
}

/// Ends every open invitation of an address by one team; tells how many there were.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn end_all(tx: &mut Tx, team: &AccountId, email: &Email, at: Timestamp) -> Result<u64, StoreError> {
    const SQL: &str = "UPDATE invites SET ended_at_ms = $3
        WHERE team_id = $1 AND email = $2 AND accepted_at_ms IS NULL AND ended_at_ms IS NULL";
    execute!(tx, SQL, team.as_str(), email.as_str(), at.as_millis())
}

/// Ends every open invitation of a team whose link a member was shown when they made it; tells how many
/// there were.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn end_all_shown_to(
    tx: &mut Tx,
    team: &AccountId,
    member: &AccountId,
    at: Timestamp,
) -> Result<u64, StoreError> {
    const SQL: &str = "UPDATE invites SET ended_at_ms = $3
        WHERE team_id = $1 AND invited_by = $2 AND handed_over = 1
          AND accepted_at_ms IS NULL AND ended_at_ms IS NULL";
    execute!(tx, SQL, team.as_str(), member.as_str(), at.as_millis())
}

/// Uses an open invitation up; tells whether it was still open, so that of two who come at the same
/// moment one is told that it is gone.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn accept(tx: &mut Tx, id: &InviteId, at: Timestamp) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE invites SET accepted_at_ms = $2
        WHERE id = $1 AND accepted_at_ms IS NULL AND ended_at_ms IS NULL";
    Ok(execute!(tx, SQL, id.as_str(), at.as_millis())? > 0)
}

/// Notes that somebody else than the mailbox sees the link.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn set_handed_over(tx: &mut Tx, id: &InviteId) -> Result<(), StoreError> {
    execute!(tx, "UPDATE invites SET handed_over = 1 WHERE id = $1", id.as_str())?;
    Ok(())
}
