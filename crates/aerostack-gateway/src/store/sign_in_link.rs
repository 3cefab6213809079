//! Links that sign a browser in, once.

use aerostack_core::bearer::TokenDigest;
use aerostack_core::id::AccountId;
use aerostack_core::sign_in::SignInLink;
use aerostack_core::time::Timestamp;

use super::codec;
use super::error::StoreError;
use super::sql::{Count, Tx, execute, fetch_one, fetch_optional};

#[derive(sqlx::FromRow)]
struct LinkRow {
    digest: Vec<u8>,
    account_id: String,
    created_at_ms: i64,
    expires_at_ms: i64,
    used_at_ms: Option<i64>,
}

impl TryFrom<LinkRow> for SignInLink {
    type Error = StoreError;

    fn try_from(row: LinkRow) -> Result<Self, StoreError> {
        Ok(Self {
            digest: codec::digest(&row.digest, "sign_in_links.digest")?,
            account: AccountId::from_stored(row.account_id),
            created_at: Timestamp::from_millis(row.created_at_ms),
            expires_at: Timestamp::from_millis(row.expires_at_ms),
            used_at: codec::moment(row.used_at_ms),
        })
    }
}

/// Inserts a link.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn insert(tx: &mut Tx, link: &SignInLink) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO sign_in_links (digest, account_id, created_at_ms, expires_at_ms, used_at_ms)
         VALUES ($1, $2, $3, $4, $5)",
        &link.digest.as_bytes()[..],
        link.account.as_str(),
        link.created_at.as_millis(),
        link.expires_at.as_millis(),
        codec::millis(link.used_at),
    )?;
    Ok(())
}

/// Finds a link by the digest of its text, used or not.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn find(tx: &mut Tx, digest: &TokenDigest) -> Result<Option<SignInLink>, StoreError> {
    const SQL: &str = "SELECT digest, account_id, created_at_ms, expires_at_ms, used_at_ms
        FROM sign_in_links WHERE digest = $1";
    let row = fetch_optional!(tx, LinkRow, SQL, &digest.as_bytes()[..])?;
    let link = row.map(SignInLink::try_from).transpose()?;
    // The index compared the bytes; this compares them in constant time.
    Ok(link.filter(|link| link.digest == *digest))
}

/// Uses a link up; tells whether nobody had before.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn consume(tx: &mut Tx, digest: &TokenDigest, at: Timestamp) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE sign_in_links SET used_at_ms = $2 WHERE digest = $1 AND used_at_ms IS NULL";
    Ok(execute!(tx, SQL, &digest.as_bytes()[..], at.as_millis())? > 0)
}

/// Uses up every link of an account that nobody used yet.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn consume_all(tx: &mut Tx, account: &AccountId, at: Timestamp) -> Result<u64, StoreError> {
    const SQL: &str = "UPDATE sign_in_links SET used_at_ms = $2 WHERE account_id = $1 AND used_at_ms IS NULL";
    execute!(tx, SQL, account.as_str(), at.as_millis())
}

/// Counts the links an account was given after a moment, whatever became of them.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn count_since(tx: &mut Tx, account: &AccountId, after: Timestamp) -> Result<u32, StoreError> {
    const SQL: &str = "SELECT COUNT(*) AS n FROM sign_in_links WHERE account_id = $1 AND created_at_ms > $2";
    let count = fetch_one!(tx, Count, SQL, account.as_str(), after.as_millis())?;
    codec::number(count.n, "the count of links")
}

/// Forgets an account's links that expired before a moment.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn forget_expired(tx: &mut Tx, account: &AccountId, before: Timestamp) -> Result<u64, StoreError> {
    const SQL: &str = "DELETE FROM sign_in_links WHERE account_id = $1 AND expires_at_ms < $2";
    execute!(tx, SQL, account.as_str(), before.as_millis())
}
