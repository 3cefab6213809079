//! Opening the database, bringing its schema up to date, and beginning transactions.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use secrecy::ExposeSecret;
use sqlx::Connection;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

use super::error::StoreError;
use super::lease::{self, Fence, Term};
use super::migrate;
use super::sql::Tx;
use crate::config::Database;

/// Reading connections to SQLite; it has one writer beside them.
const SQLITE_READERS: u32 = 4;
/// Connections to PostgreSQL.
const POSTGRES_CONNECTIONS: u32 = 10;
/// Statements that say IF NOT EXISTS mean it: that something did exist is no news, and none for the log.
pub(super) const NO_NEWS: &str = "SET client_min_messages = warning";
/// Rows that SQLite's thread reads ahead of whoever asked for them.
const SQLITE_ROWS_AHEAD: usize = 4_096;
/// How long SQLite waits for another process's write, such as `owner create`.
const SQLITE_BUSY: Duration = Duration::from_secs(5);

/// An open database.
#[derive(Clone, Debug)]
pub struct Store {
    pub(super) pools: Pools,
    /// The term of the lease it is changed under.
    pub(super) term: Term,
}

/// Connections of either engine.
#[derive(Clone, Debug)]
pub(super) enum Pools {
    Sqlite { writer: SqlitePool, readers: SqlitePool },
    Postgres(PgPool),
}

impl Store {
    /// Opens the database. The schema is not touched; see [`Store::migrate`].
    ///
    /// `timeout` bounds every wait for a connection.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be opened or reached.
    pub async fn open(database: &Database, timeout: Duration) -> Result<Self, StoreError> {
        let pools = match database {
            Database::Sqlite(path) => open_sqlite(path, timeout).await?,
            Database::Postgres(url) => open_postgres(url.expose_secret(), timeout).await?,
        };
        Ok(Self { pools, term: Term::endless() })
    }

    /// The same, changed only as long as a lease is held. Without one it is changed as `owner create`
    /// does it, beside a running gateway.
    #[must_use]
    pub fn under(self, term: Term) -> Self {
        Self { term, ..self }
    }

    /// Until when nobody else may be changing what this process holds in memory.
    #[must_use]
    pub fn term(&self) -> &Term {
        &self.term
    }

    /// Brings the schema up to date; gives the number of migrations it had to apply.
    ///
    /// # Errors
    /// [`StoreError::SchemaIsNewer`] when the database is newer than this program,
    /// [`StoreError::Migration`] when a migration fails.
    pub async fn migrate(&self) -> Result<usize, StoreError> {
        match &self.pools {
            Pools::Sqlite { writer, .. } => migrate::apply_sqlite(&mut *writer.acquire().await?).await,
            // A connection of its own: a failed migration would leave its lock on a pooled one.
            Pools::Postgres(pool) => migrate::apply_postgres(&mut pool.acquire().await?.detach()).await,
        }
    }

    /// Tells whether the schema is the one this program has. Changes nothing.
    ///
    /// # Errors
    /// [`StoreError::SchemaIsNewer`] when the database is newer than this program.
    pub async fn schema_is_current(&self) -> Result<bool, StoreError> {
        match &self.pools {
            Pools::Sqlite { writer, .. } => migrate::is_current_sqlite(&mut *writer.acquire().await?).await,
            Pools::Postgres(pool) => migrate::is_current_postgres(&mut *pool.acquire().await?).await,
        }
    }

    /// Begins a transaction that writes. On SQLite it holds the one write lock from its beginning.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when no connection is free in time, [`StoreError::LeaseLost`] when
    /// somebody else has the lease by now.
    pub async fn write(&self) -> Result<Tx, StoreError> {
        self.begin(Fence::Shared).await
    }

    /// The same with every other one that writes under this lease over, also those whose connection
    /// broke: what it reads is what came of them. Dropped, it changes nothing.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub async fn write_alone(&self) -> Result<Tx, StoreError> {
        self.begin(Fence::Alone).await
    }

    async fn begin(&self, fence: Fence) -> Result<Tx, StoreError> {
        let pool = match &self.pools {
            // It has one writer at a time anyway.
            Pools::Sqlite { writer, .. } => {
                return Ok(Tx::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?));
            }
            Pools::Postgres(pool) => pool,
        };
        let mut tx = pool.begin().await?;
        if let Some(number) = self.term.number()
            && !lease::fence(&mut tx, number, fence).await?
        {
            self.term.lose();
            return Err(StoreError::LeaseLost);
        }
        Ok(Tx::Postgres(tx))
    }

    /// Begins a transaction that only reads, and sees one state throughout.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when no connection is free in time.
    pub async fn read(&self) -> Result<Tx, StoreError> {
        Ok(match &self.pools {
            Pools::Sqlite { readers, .. } => Tx::Sqlite(readers.begin().await?),
            Pools::Postgres(pool) => {
                Tx::Postgres(pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?)
            }
        })
    }

    /// Closes every connection, after those in use are given back.
    pub async fn close(&self) {
        match &self.pools {
            Pools::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Pools::Postgres(pool) => pool.close().await,
        }
    }
}

/// Has a connection that is still inside a transaction closed instead of given out: SQLite ends a
/// transaction by itself where a disk is full or fails, and the driver goes on believing in it.
pub(super) fn sound(options: SqlitePoolOptions) -> SqlitePoolOptions {
    options.before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
}

async fn open_sqlite(path: &Path, timeout: Duration) -> Result<Pools, StoreError> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .row_buffer_size(SQLITE_ROWS_AHEAD)
        .busy_timeout(SQLITE_BUSY);
    let pool = |connections: u32| {
        sound(SqlitePoolOptions::new())
            .max_connections(connections)
            .acquire_timeout(timeout)
            .test_before_acquire(false)
    };
    let writer = pool(1).connect_with(options.clone()).await?;
    let readers = pool(SQLITE_READERS).connect_with(options).await?;
    Ok(Pools::Sqlite { writer, readers })
}

async fn open_postgres(url: &str, timeout: Duration) -> Result<Pools, StoreError> {
    let options = PgConnectOptions::from_str(url)?.application_name("aerostack-gateway");
    // A program or machine that died inside a transaction must not keep a workspace locked for ever.
    let settings = format!("{}; SET lock_timeout = {}; {NO_NEWS}", lease::KEEPALIVE, timeout.as_millis());
    let pool = PgPoolOptions::new()
        .max_connections(POSTGRES_CONNECTIONS)
        .acquire_timeout(timeout)
        .after_connect(move |connection, _| {
            let settings = sqlx::raw_sql(sqlx::AssertSqlSafe(settings.clone()));
            Box::pin(async move { settings.execute(connection).await.map(drop) })
        })
        .connect_with(options)
        .await?;
    Ok(Pools::Postgres(pool))
}
