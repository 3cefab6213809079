//! Opening the store of calls.
//!
//! Opening it connects to nothing: a gateway starts, serves and revokes while it cannot be reached.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use secrecy::ExposeSecret;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use crate::config::Database;
use crate::store::error::StoreError;
use crate::store::lease::Term;
use crate::store::migrate;
use crate::store::open::{NO_NEWS, Pools, Store, sound};
use crate::store::sql::Tx;

/// Reading connections to SQLite; it has one writer beside them.
const SQLITE_READERS: u32 = 4;
/// Connections to PostgreSQL: one writes, the others read.
const POSTGRES_CONNECTIONS: u32 = 5;
/// Rows that SQLite's thread reads ahead of whoever asked: a report reads thousands, and the two need not take
/// turns at every few of them.
const SQLITE_ROWS_AHEAD: usize = 1_024;
/// How long SQLite waits for somebody else's write.
const SQLITE_BUSY: Duration = Duration::from_secs(1);
/// How long a connection that nobody uses is kept, so that an idle gateway holds no memory for it.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// Apart from the database's own, which may be the same one.
const MIGRATIONS_TABLE: &str = "_sqlx_migrations_usage";

static SQLITE: LazyLock<Migrator> = LazyLock::new(|| named(sqlx::migrate!("migrations/usage/sqlite")));
static POSTGRES: LazyLock<Migrator> = LazyLock::new(|| named(sqlx::migrate!("migrations/usage/postgres")));

fn named(mut migrator: Migrator) -> Migrator {
    migrator.dangerous_set_table_name(MIGRATIONS_TABLE);
    migrator
}

/// The store of calls.
#[derive(Clone, Debug)]
pub struct UsageStore {
    store: Store,
    is_migrated: Arc<AtomicBool>,
    numbering: Arc<AtomicU64>,
}

impl UsageStore {
    /// Makes the store of calls that belongs to a database. Nothing is connected yet.
    ///
    /// `timeout` bounds every wait for a connection.
    ///
    /// # Errors
    /// [`StoreError`] when the database's address cannot be read.
    pub fn new(database: &Database, timeout: Duration) -> Result<Self, StoreError> {
        let pools = match database {
            Database::Sqlite(path) => sqlite(&file_beside(path), timeout),
            Database::Postgres(url) => postgres(url.expose_secret(), timeout)?,
        };
        // Whoever served before may still append: it waits its turn, and its calls were made.
        let store = Store { pools, term: Term::endless() };
        Ok(Self { store, is_migrated: Arc::default(), numbering: Arc::default() })
    }

    /// Brings the schema up to date; gives the number of migrations it had to apply.
    ///
    /// # Errors
    /// [`StoreError::SchemaIsNewer`] when it is newer than this program,
    /// [`StoreError::Migration`] when a migration fails.
    pub async fn migrate(&self) -> Result<usize, StoreError> {
        const IN_SQLITE: &str = "SELECT COUNT(*) FROM sqlite_master WHERE name = '_sqlx_migrations_usage'";
        const IN_POSTGRES: &str =
            "SELECT CASE WHEN to_regclass(quote_ident(current_schema()) || '._sqlx_migrations_usage') IS NULL
             THEN 0 ELSE 1 END::BIGINT";
        let applied = match &self.store.pools {
            Pools::Sqlite { writer, .. } => {
                let mut connection = writer.acquire().await?;
                let exists: i64 = sqlx::query_scalar(IN_SQLITE).fetch_one(&mut *connection).await?;
                migrate::apply(&SQLITE, &mut *connection, exists > 0).await?
            }
            Pools::Postgres(pool) => {
                // A connection of its own: a failed migration would leave its lock on a pooled one.
                let mut connection = pool.acquire().await?.detach();
                let exists: i64 = sqlx::query_scalar(IN_POSTGRES).fetch_one(&mut connection).await?;
                migrate::apply(&POSTGRES, &mut connection, exists > 0).await?
            }
        };
        self.is_migrated.store(true, Ordering::Release);
        Ok(applied)
    }

    /// Tells whether the schema was brought up to date.
    #[must_use]
    pub fn is_migrated(&self) -> bool {
        self.is_migrated.load(Ordering::Acquire)
    }

    /// Says that numbers of names may be gone: whoever remembers some looks them up anew.
    pub(super) fn renumber(&self) {
        self.numbering.fetch_add(1, Ordering::AcqRel);
    }

    /// Another number than before says that numbers of names may be gone. To be asked under
    /// [`lock`](super::calls::lock).
    #[must_use]
    pub fn numbering(&self) -> u64 {
        self.numbering.load(Ordering::Acquire)
    }

    /// Begins a transaction that writes.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when no connection is free in time.
    pub async fn write(&self) -> Result<Tx, StoreError> {
        self.store.write().await
    }

    /// Begins a transaction that only reads, and sees one state throughout.
    ///
    /// # Errors
    /// [`StoreError::SchemaIsMissing`] before [`UsageStore::migrate`], [`StoreError::Unavailable`] when no
    /// connection is free in time.
    pub async fn read(&self) -> Result<Tx, StoreError> {
        if !self.is_migrated() {
            return Err(StoreError::SchemaIsMissing);
        }
        self.store.read().await
    }

    /// Closes every connection, after those in use are given back.
    pub async fn close(&self) {
        self.store.close().await;
    }

    /// The connections, for what must stand outside a transaction.
    pub(super) const fn pools(&self) -> &Pools {
        &self.store.pools
    }
}

/// `analytics.db` beside the database; a database of another name keeps its own apart by it.
#[must_use]
pub fn file_beside(database: &Path) -> PathBuf {
    match database.file_stem().and_then(|stem| stem.to_str()) {
        None | Some("aerostack") => database.with_file_name("analytics.db"),
        Some(stem) => database.with_file_name(format!("{stem}-analytics.db")),
    }
}

fn sqlite(path: &Path, timeout: Duration) -> Pools {
    // A program that is killed loses nothing that was committed; a machine that loses power may lose
    // the last seconds of calls, and nothing is damaged.
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(SQLITE_BUSY)
        .row_buffer_size(SQLITE_ROWS_AHEAD);
    let pool = |connections: u32| {
        sound(SqlitePoolOptions::new())
            .max_connections(connections)
            .acquire_timeout(timeout)
            .idle_timeout(IDLE_TIMEOUT)
            .test_before_acquire(false)
            .connect_lazy_with(options.clone())
    };
    Pools::Sqlite { writer: pool(1), readers: pool(SQLITE_READERS) }
}

fn postgres(url: &str, timeout: Duration) -> Result<Pools, StoreError> {
    let options = PgConnectOptions::from_str(url)?.application_name("aerostack-gateway analytics");
    let settings = format!("SET lock_timeout = {}; {NO_NEWS}", timeout.as_millis());
    let pool = PgPoolOptions::new()
        .max_connections(POSTGRES_CONNECTIONS)
        .acquire_timeout(timeout)
        .idle_timeout(IDLE_TIMEOUT)
        .after_connect(move |connection, _| {
            let settings = sqlx::raw_sql(sqlx::AssertSqlSafe(settings.clone()));
            Box::pin(async move { settings.execute(connection).await.map(drop) })
        })
        .connect_lazy_with(options);
    Ok(Pools::Postgres(pool))
}
