//! Accounts.

use aerostack_core::account::{Account, AccountKey, Email};
use aerostack_core::bearer::TokenDigest;
use aerostack_core::id::AccountId;
use aerostack_core::plan::Plan;
use aerostack_core::slug::Slug;
use aerostack_core::time::Timestamp;

use super::account_key;
use super::codec;
use super::error::StoreError;
use super::sql::{Count, Tx, execute, fetch_one, fetch_optional};

pub use super::account_key::{find_key_by_id, insert_key, list_keys, live_keys, revoke_key, touch_key};

macro_rules! columns {
    () => {
        "id, email, email_verified, username, plan, kind, revision, created_at_ms"
    };
}

#[derive(sqlx::FromRow)]
pub(super) struct AccountRow {
    id: String,
    email: String,
    email_verified: i64,
    username: String,
    plan: String,
    kind: String,
    revision: i64,
    created_at_ms: i64,
}

impl TryFrom<AccountRow> for Account {
    type Error = StoreError;

    fn try_from(row: AccountRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: AccountId::from_stored(row.id),
            email: Email::from_stored(row.email),
            email_verified: codec::flag(row.email_verified, "accounts.email_verified")?,
            username: Slug::from_stored(row.username),
            plan: codec::word(&row.plan, "accounts.plan")?,
            kind: codec::account_kind(&row.kind)?,
            revision: row.revision,
            created_at: Timestamp::from_millis(row.created_at_ms),
        })
    }
}

/// Inserts an account.
///
/// # Errors
/// [`StoreError::Conflict`] when the e-mail address or username is taken.
pub async fn insert(tx: &mut Tx, account: &Account) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO accounts (id, email, username, plan, kind, revision, created_at_ms, email_verified)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        account.id.as_str(),
        account.email.as_str(),
        account.username.as_str(),
        account.plan.word(),
        codec::account_kind_word(account.kind),
        account.revision,
        account.created_at.as_millis(),
        i64::from(account.email_verified),
    )?;
    Ok(())
}

/// Finds an account by its identifier.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn find(tx: &mut Tx, id: &AccountId) -> Result<Option<Account>, StoreError> {
    const SQL: &str = concat!("SELECT ", columns!(), " FROM accounts WHERE id = $1");
    fetch_optional!(tx, AccountRow, SQL, id.as_str())?.map(Account::try_from).transpose()
}

/// Finds an account by its namespace.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn find_by_username(tx: &mut Tx, username: &Slug) -> Result<Option<Account>, StoreError> {
    const SQL: &str = concat!("SELECT ", columns!(), " FROM accounts WHERE username = $1");
    fetch_optional!(tx, AccountRow, SQL, username.as_str())?.map(Account::try_from).transpose()
}

/// Finds an account by its address.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn find_by_email(tx: &mut Tx, email: &Email) -> Result<Option<Account>, StoreError> {
    const SQL: &str = concat!("SELECT ", columns!(), " FROM accounts WHERE email = $1");
    fetch_optional!(tx, AccountRow, SQL, email.as_str())?.map(Account::try_from).transpose()
}

/// Counts all accounts.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn count(tx: &mut Tx) -> Result<i64, StoreError> {
    Ok(fetch_one!(tx, Count, "SELECT COUNT(*) AS n FROM accounts")?.n)
}

/// Raises the account's revision, which holds its row until the transaction ends, and reads it.
///
/// First in every transaction that decides over something counted per account.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn lock(tx: &mut Tx, id: &AccountId) -> Result<Option<Account>, StoreError> {
    const SQL: &str =
        concat!("UPDATE accounts SET revision = revision + 1 WHERE id = $1 RETURNING ", columns!());
    fetch_optional!(tx, AccountRow, SQL, id.as_str())?.map(Account::try_from).transpose()
}

/// Raises the revision of every account: nobody appends to their chains until the transaction ends.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn lock_all(tx: &mut Tx) -> Result<(), StoreError> {
    execute!(tx, "UPDATE accounts SET revision = revision + 1")?;
    Ok(())
}

/// Sets an account's plan.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn set_plan(tx: &mut Tx, id: &AccountId, plan: Plan) -> Result<(), StoreError> {
    execute!(tx, "UPDATE accounts SET plan = $2 WHERE id = $1", id.as_str(), plan.word())?;
    Ok(())
}

/// Notes that an account's holder has shown to read mail at its address.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn set_email_verified(tx: &mut Tx, id: &AccountId) -> Result<(), StoreError> {
    execute!(tx, "UPDATE accounts SET email_verified = 1 WHERE id = $1", id.as_str())?;
    Ok(())
}

/// Finds a key that was not revoked by the digest of its text, with the account it signs in.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn find_key_by_digest(
    tx: &mut Tx,
    digest: &TokenDigest,
) -> Result<Option<(AccountKey, Account)>, StoreError> {
    let Some(key) = account_key::find_live(tx, digest).await? else {
        return Ok(None);
    };
    Ok(find(tx, &key.account).await?.map(|account| (key, account)))
}
