//! Browsers that are signed in. Read at every request of a page, so that an ended one counts at once.

use aerostack_core::bearer::TokenDigest;
use aerostack_core::id::{AccountId, SessionId};
use aerostack_core::sign_in::{SESSION_IDLE, SESSION_LIFE, Session};
use aerostack_core::time::Timestamp;

use super::codec;
use super::error::StoreError;
use super::sql::{Tx, execute, fetch_all, fetch_optional};

macro_rules! columns {
    () => {
        "id, account_id, digest, browser, created_at_ms, last_used_at_ms, ended_at_ms"
    };
}

#[derive(sqlx::FromRow)]
struct SessionRow {
    id: String,
    account_id: String,
    digest: Vec<u8>,
    browser: String,
    created_at_ms: i64,
    last_used_at_ms: i64,
    ended_at_ms: Option<i64>,
}

impl TryFrom<SessionRow> for Session {
    type Error = StoreError;

    fn try_from(row: SessionRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: SessionId::from_stored(row.id),
            account: AccountId::from_stored(row.account_id),
            digest: codec::digest(&row.digest, "sessions.digest")?,
            browser: row.browser,
            created_at: Timestamp::from_millis(row.created_at_ms),
            last_used_at: Timestamp::from_millis(row.last_used_at_ms),
            ended_at: codec::moment(row.ended_at_ms),
        })
    }
}

/// Inserts a session.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn insert(tx: &mut Tx, session: &Session) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO sessions (id, account_id, digest, browser, created_at_ms, last_used_at_ms, ended_at_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        session.id.as_str(),
        session.account.as_str(),
        &session.digest.as_bytes()[..],
        session.browser.as_str(),
        session.created_at.as_millis(),
        session.last_used_at.as_millis(),
        codec::millis(session.ended_at),
    )?;
    Ok(())
}

/// Finds a session by the digest of what its cookie holds, whatever became of it.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn find_by_digest(tx: &mut Tx, digest: &TokenDigest) -> Result<Option<Session>, StoreError> {
    const SQL: &str = concat!("SELECT ", columns!(), " FROM sessions WHERE digest = $1");
    let row = fetch_optional!(tx, SessionRow, SQL, &digest.as_bytes()[..])?;
    let session = row.map(Session::try_from).transpose()?;
    // The index compared the bytes; this compares them in constant time.
    Ok(session.filter(|session| session.digest == *digest))
}

/// Finds a session of an account by its identifier, whatever became of it.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn find(tx: &mut Tx, account: &AccountId, id: &SessionId) -> Result<Option<Session>, StoreError> {
    const SQL: &str = concat!("SELECT ", columns!(), " FROM sessions WHERE account_id = $1 AND id = $2");
    fetch_optional!(tx, SessionRow, SQL, account.as_str(), id.as_str())?.map(Session::try_from).transpose()
}

/// One page of an account's sessions that are accepted at `now`, in order of their beginning.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn list_live(
    tx: &mut Tx,
    account: &AccountId,
    now: Timestamp,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<Session>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM sessions WHERE account_id = $1 AND ended_at_ms IS NULL AND last_used_at_ms > $2
           AND created_at_ms > $3 AND ($4 IS NULL OR id > $4) ORDER BY id LIMIT $5"
    );
    let (idle, life) = limits(now);
    let rows = fetch_all!(tx, SessionRow, SQL, account.as_str(), idle, life, after, limit)?;
    rows.into_iter().map(Session::try_from).collect()
}

/// Notes when a session was last used; never backwards.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn touch(tx: &mut Tx, id: &SessionId, at: Timestamp) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE sessions SET last_used_at_ms = $2 WHERE id = $1 AND last_used_at_ms < $2",
        id.as_str(),
        at.as_millis(),
    )?;
    Ok(())
}

/// Ends a session; tells whether it had not been ended before.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn end(tx: &mut Tx, id: &SessionId, at: Timestamp) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE sessions SET ended_at_ms = $2 WHERE id = $1 AND ended_at_ms IS NULL";
    Ok(execute!(tx, SQL, id.as_str(), at.as_millis())? > 0)
}

/// Ends every session of an account; tells how many had not been ended before.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn end_all(tx: &mut Tx, account: &AccountId, at: Timestamp) -> Result<u64, StoreError> {
    const SQL: &str = "UPDATE sessions SET ended_at_ms = $2 WHERE account_id = $1 AND ended_at_ms IS NULL";
    execute!(tx, SQL, account.as_str(), at.as_millis())
}

/// Forgets an account's sessions that nobody could use any more.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn forget_dead(tx: &mut Tx, account: &AccountId, now: Timestamp) -> Result<u64, StoreError> {
    const SQL: &str = "DELETE FROM sessions
        WHERE account_id = $1 AND (ended_at_ms IS NOT NULL OR last_used_at_ms <= $2 OR created_at_ms <= $3)";
    let (idle, life) = limits(now);
    execute!(tx, SQL, account.as_str(), idle, life)
}

/// The moments up to which a session must have been used, and begun, to be over at `now`.
fn limits(now: Timestamp) -> (i64, i64) {
    let before = |span: std::time::Duration| {
        now.as_millis().saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX))
    };
    (before(SESSION_IDLE), before(SESSION_LIFE))
}
