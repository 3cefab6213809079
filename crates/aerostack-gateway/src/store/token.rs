//! Workspace tokens. Status is computed from the stored moments and
//! the time that the caller gives; no status is stored.

use aerostack_core::account::Email;
use aerostack_core::bearer::TokenDigest;
use aerostack_core::id::{AccountId, TokenId, WorkspaceId};
use aerostack_core::time::Timestamp;
use aerostack_core::token::{Token, TokenStatus};

use super::codec;
use super::error::StoreError;
use super::seat;
use super::sql::{Count, Tx, execute, fetch_all, fetch_one, fetch_optional};

pub use super::seat::count_seats;
pub use super::token_activity::{last_used_at, touch};
pub use super::unended::{LiveToken, each_unended, unended};

macro_rules! columns {
    () => {
        "t.id, t.workspace_id, t.name, t.digest, t.person, t.rate_limit_per_minute, t.takes_seat, t.created_by,
         t.created_at_ms, t.expires_at_ms, t.revoked_at_ms"
    };
}

/// The token is active at the moment of the parameter.
macro_rules! active_at {
    ($now:literal) => {
        concat!(
            "(t.revoked_at_ms IS NULL OR t.revoked_at_ms > ",
            $now,
            ") AND (t.expires_at_ms IS NULL OR t.expires_at_ms > ",
            $now,
            ")"
        )
    };
}

pub(super) use {active_at, columns as token_columns};

#[derive(sqlx::FromRow)]
pub(super) struct TokenRow {
    pub(super) id: String,
    pub(super) workspace_id: String,
    pub(super) name: String,
    pub(super) digest: Vec<u8>,
    pub(super) person: Option<String>,
    pub(super) rate_limit_per_minute: Option<i64>,
    pub(super) takes_seat: i64,
    pub(super) created_by: String,
    pub(super) created_at_ms: i64,
    pub(super) expires_at_ms: Option<i64>,
    pub(super) revoked_at_ms: Option<i64>,
}

impl TryFrom<TokenRow> for Token {
    type Error = StoreError;

    fn try_from(row: TokenRow) -> Result<Self, StoreError> {
        let rate_limit = |value| codec::number(value, "tokens.rate_limit_per_minute");
        Ok(Self {
            id: TokenId::from_stored(row.id),
            workspace: WorkspaceId::from_stored(row.workspace_id),
            name: row.name,
            digest: codec::digest(&row.digest, "tokens.digest")?,
            person: row.person.map(Email::from_stored),
            rate_limit_per_minute: row.rate_limit_per_minute.map(rate_limit).transpose()?,
            takes_seat: codec::flag(row.takes_seat, "tokens.takes_seat")?,
            created_by: AccountId::from_stored(row.created_by),
            created_at: Timestamp::from_millis(row.created_at_ms),
            expires_at: codec::moment(row.expires_at_ms),
            revoked_at: codec::moment(row.revoked_at_ms),
        })
    }
}

/// A token in a list, with when it was last used.
#[derive(Clone, Debug)]
pub struct ListedToken {
    /// The token.
    pub token: Token,
    /// When a request with it was last accepted.
    pub last_used_at: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct ListedRow {
    #[sqlx(flatten)]
    token: TokenRow,
    last_used_at_ms: Option<i64>,
}

impl TryFrom<ListedRow> for ListedToken {
    type Error = StoreError;

    fn try_from(row: ListedRow) -> Result<Self, StoreError> {
        Ok(Self { token: row.token.try_into()?, last_used_at: codec::moment(row.last_used_at_ms) })
    }
}

/// Inserts a token.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn insert(tx: &mut Tx, token: &Token) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO tokens (id, workspace_id, name, digest, person, rate_limit_per_minute, takes_seat, created_by,
                             created_at_ms, expires_at_ms, revoked_at_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        token.id.as_str(),
        token.workspace.as_str(),
        token.name.as_str(),
        &token.digest.as_bytes()[..],
        token.person.as_ref().map(Email::as_str),
        token.rate_limit_per_minute.map(i64::from),
        i64::from(token.takes_seat),
        token.created_by.as_str(),
        token.created_at.as_millis(),
        codec::millis(token.expires_at),
        codec::millis(token.revoked_at),
    )?;
    seat::begins(tx, &token.id).await
}

/// Finds a token by its identifier, in whichever workspace.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn find(tx: &mut Tx, id: &TokenId) -> Result<Option<Token>, StoreError> {
    const SQL: &str = concat!("SELECT ", columns!(), " FROM tokens t WHERE t.id = $1");
    fetch_optional!(tx, TokenRow, SQL, id.as_str())?.map(Token::try_from).transpose()
}

/// Finds the tokens of a workspace whose identifiers begin with `prefix`, at most `limit`.
///
/// *Shape*: `prefix` is of the identifiers' alphabet, which ends before `~`.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn find_by_prefix(
    tx: &mut Tx,
    workspace: &WorkspaceId,
    prefix: &str,
    limit: i64,
) -> Result<Vec<Token>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM tokens t WHERE t.workspace_id = $1 AND t.id >= $2 AND t.id < $3 ORDER BY t.id LIMIT $4"
    );
    let rows = fetch_all!(tx, TokenRow, SQL, workspace.as_str(), prefix, format!("{prefix}~"), limit)?;
    rows.into_iter().map(Token::try_from).collect()
}

/// Finds a token of a workspace by the digest of its text.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn find_by_digest(
    tx: &mut Tx,
    workspace: &WorkspaceId,
    digest: &TokenDigest,
) -> Result<Option<Token>, StoreError> {
    const SQL: &str =
        concat!("SELECT ", columns!(), " FROM tokens t WHERE t.workspace_id = $1 AND t.digest = $2");
    let row = fetch_optional!(tx, TokenRow, SQL, workspace.as_str(), &digest.as_bytes()[..])?;
    row.map(Token::try_from).transpose()
}

/// The active tokens of a name: one, or during a rotation's overlap the replacement and then the old one.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn find_active_by_name(
    tx: &mut Tx,
    workspace: &WorkspaceId,
    name: &str,
    now: Timestamp,
) -> Result<Vec<Token>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM tokens t WHERE t.workspace_id = $1 AND t.name = $2 AND ",
        active_at!("$3"),
        " ORDER BY t.takes_seat DESC, t.id DESC"
    );
    let rows = fetch_all!(tx, TokenRow, SQL, workspace.as_str(), name, now.as_millis())?;
    rows.into_iter().map(Token::try_from).collect()
}

/// Tells whether the name is taken: an active token has it that is not on its way out of a rotation.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn is_name_taken(
    tx: &mut Tx,
    workspace: &WorkspaceId,
    name: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    Ok(find_active_by_name(tx, workspace, name, now).await?.iter().any(|token| token.takes_seat))
}

/// The latest token of a name, whatever its status.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn find_latest_by_name(
    tx: &mut Tx,
    workspace: &WorkspaceId,
    name: &str,
) -> Result<Option<Token>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM tokens t WHERE t.workspace_id = $1 AND t.name = $2 ORDER BY t.id DESC LIMIT 1"
    );
    fetch_optional!(tx, TokenRow, SQL, workspace.as_str(), name)?.map(Token::try_from).transpose()
}

#[derive(sqlx::FromRow)]
struct NameRow {
    name: String,
}

/// The names of a workspace's active tokens, sorted, at most `limit`.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn active_names(
    tx: &mut Tx,
    workspace: &WorkspaceId,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<String>, StoreError> {
    const SQL: &str = concat!(
        "SELECT DISTINCT t.name FROM tokens t WHERE t.workspace_id = $1 AND ",
        active_at!("$2"),
        " ORDER BY t.name LIMIT $3"
    );
    let rows = fetch_all!(tx, NameRow, SQL, workspace.as_str(), now.as_millis(), limit)?;
    Ok(rows.into_iter().map(|row| row.name).collect())
}

/// Sets from when on a token is revoked. A later moment than the one that stands changes nothing.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn set_revoked(tx: &mut Tx, id: &TokenId, at: Timestamp) -> Result<(), StoreError> {
    seat::ends(tx, id).await?;
    execute!(
        tx,
        "UPDATE tokens SET revoked_at_ms = $2 WHERE id = $1 AND (revoked_at_ms IS NULL OR revoked_at_ms > $2)",
        id.as_str(),
        at.as_millis(),
    )?;
    Ok(())
}

/// Takes a token's seat away: its replacement has it now.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn give_up_seat(tx: &mut Tx, id: &TokenId) -> Result<(), StoreError> {
    seat::ends(tx, id).await?;
    execute!(tx, "UPDATE tokens SET takes_seat = 0 WHERE id = $1", id.as_str())?;
    Ok(())
}

/// Gives the seat of a token that has ended back to the one it replaced, if that still overlaps.
///
/// One that overlaps has an end, so it is not among the seats that last.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn hand_on_seat(
    tx: &mut Tx,
    workspace: &WorkspaceId,
    name: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    const SQL: &str = concat!(
        "UPDATE tokens SET takes_seat = 1 WHERE id =
            (SELECT MAX(t.id) FROM tokens t WHERE t.workspace_id = $1 AND t.name = $2 AND t.takes_seat = 0 AND ",
        active_at!("$3"),
        ")"
    );
    execute!(tx, SQL, workspace.as_str(), name, now.as_millis())?;
    Ok(())
}

/// One page of a workspace's tokens in order of creation, of one status or of all; `after` is the
/// identifier where the page before ended.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn list_page(
    tx: &mut Tx,
    workspace: &WorkspaceId,
    status: Option<TokenStatus>,
    now: Timestamp,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<ListedToken>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        ", u.last_used_at_ms
         FROM tokens t LEFT JOIN token_activity u ON u.token_id = t.id
         WHERE t.workspace_id = $1
           AND ($2 IS NULL OR t.id > $2)
           AND ($3 IS NULL OR $3 =
                CASE WHEN t.revoked_at_ms <= $4 THEN 'revoked' WHEN t.expires_at_ms <= $4 THEN 'expired'
                     ELSE 'active' END)
         ORDER BY t.id LIMIT $5"
    );
    let status = status.map(TokenStatus::word);
    let rows = fetch_all!(tx, ListedRow, SQL, workspace.as_str(), after, status, now.as_millis(), limit)?;
    rows.into_iter().map(ListedToken::try_from).collect()
}

/// Counts a workspace's active tokens, those on their way out of a rotation too.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn count_active(tx: &mut Tx, workspace: &WorkspaceId, now: Timestamp) -> Result<u32, StoreError> {
    const SQL: &str =
        concat!("SELECT COUNT(*) AS n FROM tokens t WHERE t.workspace_id = $1 AND ", active_at!("$2"));
    codec::number(fetch_one!(tx, Count, SQL, workspace.as_str(), now.as_millis())?.n, "the count of tokens")
}

/// The tokens of an account's workspaces that are tied to a person and have not ended.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn unended_of_person(
    tx: &mut Tx,
    owner: &AccountId,
    person: &Email,
    now: Timestamp,
) -> Result<Vec<Token>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM tokens t JOIN workspaces w ON w.id = t.workspace_id
         WHERE w.owner_id = $1 AND t.person = $2 AND w.deleted_at_ms IS NULL AND ",
        active_at!("$3"),
        " ORDER BY t.id"
    );
    let rows = fetch_all!(tx, TokenRow, SQL, owner.as_str(), person.as_str(), now.as_millis())?;
    rows.into_iter().map(Token::try_from).collect()
}
