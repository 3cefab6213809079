//! Account keys. They are read from the database at every use, so that a key made or revoked by
//! another process counts at once.

use aerostack_core::account::AccountKey;
use aerostack_core::bearer::TokenDigest;
use aerostack_core::id::{AccountId, KeyId};
use aerostack_core::time::Timestamp;

use super::codec;
use super::error::StoreError;
use super::sql::{Tx, execute, fetch_all, fetch_optional};

macro_rules! columns {
    () => {
        "id, account_id, name, digest, created_at_ms, last_used_at_ms, revoked_at_ms"
    };
}

#[derive(sqlx::FromRow)]
struct KeyRow {
    id: String,
    account_id: String,
    name: String,
    digest: Vec<u8>,
    created_at_ms: i64,
    last_used_at_ms: Option<i64>,
    revoked_at_ms: Option<i64>,
}

impl TryFrom<KeyRow> for AccountKey {
    type Error = StoreError;

    fn try_from(row: KeyRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: KeyId::from_stored(row.id),
            account: AccountId::from_stored(row.account_id),
            name: row.name,
            digest: codec::digest(&row.digest, "account_keys.digest")?,
            created_at: Timestamp::from_millis(row.created_at_ms),
            last_used_at: codec::moment(row.last_used_at_ms),
            revoked_at: codec::moment(row.revoked_at_ms),
        })
    }
}

/// Inserts an account key.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn insert_key(tx: &mut Tx, key: &AccountKey) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO account_keys (id, account_id, name, digest, created_at_ms, last_used_at_ms, revoked_at_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        key.id.as_str(),
        key.account.as_str(),
        key.name.as_str(),
        &key.digest.as_bytes()[..],
        key.created_at.as_millis(),
        codec::millis(key.last_used_at),
        codec::millis(key.revoked_at),
    )?;
    Ok(())
}

/// Finds a key that was not revoked by the digest of its text.
pub(super) async fn find_live(tx: &mut Tx, digest: &TokenDigest) -> Result<Option<AccountKey>, StoreError> {
    const SQL: &str =
        concat!("SELECT ", columns!(), " FROM account_keys WHERE digest = $1 AND revoked_at_ms IS NULL");
    let row = fetch_optional!(tx, KeyRow, SQL, &digest.as_bytes()[..])?;
    let key = row.map(AccountKey::try_from).transpose()?;
    // The index compared the bytes; this compares them in constant time.
    Ok(key.filter(|key| key.digest == *digest))
}

/// Finds a key of an account by its identifier, revoked or not.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn find_key_by_id(
    tx: &mut Tx,
    account: &AccountId,
    id: &KeyId,
) -> Result<Option<AccountKey>, StoreError> {
    const SQL: &str = concat!("SELECT ", columns!(), " FROM account_keys WHERE id = $1 AND account_id = $2");
    fetch_optional!(tx, KeyRow, SQL, id.as_str(), account.as_str())?.map(AccountKey::try_from).transpose()
}

/// One page of an account's keys, revoked ones too, in order of creation; `after` is where the page
/// before ended.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn list_keys(
    tx: &mut Tx,
    account: &AccountId,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<AccountKey>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM account_keys WHERE account_id = $1 AND ($2 IS NULL OR id > $2) ORDER BY id LIMIT $3"
    );
    let rows = fetch_all!(tx, KeyRow, SQL, account.as_str(), after, limit)?;
    rows.into_iter().map(AccountKey::try_from).collect()
}

/// All keys of an account that were not revoked; bounded by `KEYS_MAX`.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn live_keys(tx: &mut Tx, account: &AccountId) -> Result<Vec<AccountKey>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM account_keys WHERE account_id = $1 AND revoked_at_ms IS NULL ORDER BY id"
    );
    fetch_all!(tx, KeyRow, SQL, account.as_str())?.into_iter().map(AccountKey::try_from).collect()
}

/// Revokes a key. One that was revoked before keeps its moment.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn revoke_key(tx: &mut Tx, id: &KeyId, at: Timestamp) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE account_keys SET revoked_at_ms = $2 WHERE id = $1 AND revoked_at_ms IS NULL",
        id.as_str(),
        at.as_millis(),
    )?;
    Ok(())
}

/// Notes when a key was last used; never backwards.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn touch_key(tx: &mut Tx, id: &KeyId, at: Timestamp) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE account_keys SET last_used_at_ms = $2
         WHERE id = $1 AND (last_used_at_ms IS NULL OR last_used_at_ms < $2)",
        id.as_str(),
        at.as_millis(),
    )?;
    Ok(())
}
