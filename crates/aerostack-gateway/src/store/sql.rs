//! One SQL text, two engines: a transaction of either, and the macros that run a text on it.
//!
//! Columns are only TEXT, BIGINT and BLOB/BYTEA, parameters `$1, $2 …`, so that the same text and the
//! same row type serve both. See `docs/architecture.md` for what a text may use.

use sqlx::{Postgres, Sqlite, Transaction};

use super::error::StoreError;

/// A transaction on either engine. Dropped without [`Tx::commit`], it changes nothing.
pub enum Tx {
    /// On SQLite.
    Sqlite(Transaction<'static, Sqlite>),
    /// On PostgreSQL.
    Postgres(Transaction<'static, Postgres>),
}

impl Tx {
    /// Makes everything done in the transaction last.
    ///
    /// # Errors
    /// [`StoreError::OutcomeUnknown`] when the connection broke while committing: then only reading
    /// back tells what holds.
    pub async fn commit(self) -> Result<(), StoreError> {
        let result = match self {
            Self::Sqlite(tx) => tx.commit().await,
            Self::Postgres(tx) => tx.commit().await,
        };
        result.map_err(|error| match &error {
            sqlx::Error::Database(database) if database.code().is_none_or(|code| !ends_session(&code)) => {
                StoreError::from(error)
            }
            _ => StoreError::OutcomeUnknown(error),
        })
    }
}

/// The engine ended the session over it: PostgreSQL may do so after the commit, while it waits for a
/// standby, in the same words as before it.
fn ends_session(code: &str) -> bool {
    code.starts_with("57P") || code.starts_with("08")
}

/// Runs a statement; gives the number of rows it changed.
macro_rules! execute {
    ($tx:expr, $sql:expr $(, $bind:expr)* $(,)?) => {
        match $tx {
            $crate::store::Tx::Sqlite(tx) => sqlx::query($sql)$(.bind($bind))*.execute(&mut **tx).await
                .map(|done| done.rows_affected()).map_err($crate::store::StoreError::from),
            $crate::store::Tx::Postgres(tx) => sqlx::query($sql)$(.bind($bind))*.execute(&mut **tx).await
                .map(|done| done.rows_affected()).map_err($crate::store::StoreError::from),
        }
    };
}

/// Reads all rows as `$row`, which derives `sqlx::FromRow`.
macro_rules! fetch_all {
    ($tx:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        match $tx {
            $crate::store::Tx::Sqlite(tx) => sqlx::query_as::<_, $row>($sql)$(.bind($bind))*
                .fetch_all(&mut **tx).await.map_err($crate::store::StoreError::from),
            $crate::store::Tx::Postgres(tx) => sqlx::query_as::<_, $row>($sql)$(.bind($bind))*
                .fetch_all(&mut **tx).await.map_err($crate::store::StoreError::from),
        }
    };
}

/// Reads at most one row as `$row`.
macro_rules! fetch_optional {
    ($tx:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        match $tx {
            $crate::store::Tx::Sqlite(tx) => sqlx::query_as::<_, $row>($sql)$(.bind($bind))*
                .fetch_optional(&mut **tx).await.map_err($crate::store::StoreError::from),
            $crate::store::Tx::Postgres(tx) => sqlx::query_as::<_, $row>($sql)$(.bind($bind))*
                .fetch_optional(&mut **tx).await.map_err($crate::store::StoreError::from),
        }
    };
}

/// Reads exactly one row as `$row`: for counts and other questions that always have an answer.
macro_rules! fetch_one {
    ($tx:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        match $tx {
            $crate::store::Tx::Sqlite(tx) => sqlx::query_as::<_, $row>($sql)$(.bind($bind))*
                .fetch_one(&mut **tx).await.map_err($crate::store::StoreError::from),
            $crate::store::Tx::Postgres(tx) => sqlx::query_as::<_, $row>($sql)$(.bind($bind))*
                .fetch_one(&mut **tx).await.map_err($crate::store::StoreError::from),
        }
    };
}

/// The answer to a question that counts, `AS n`.
#[derive(sqlx::FromRow)]
pub(super) struct Count {
    /// How many.
    pub(super) n: i64,
}

pub(crate) use {execute, fetch_all, fetch_one, fetch_optional};
