//! Backups: one SQLite file with the same tables, whichever engine it came from, and it can be read
//! into either. So a backup is also how an installation moves from SQLite to PostgreSQL.
//!
//! Writing one sees a single state of a database that is in use. Reading one fills an *empty*
//! database in one transaction, or changes nothing; nothing is ever overwritten. The master key is not
//! in a backup: with it a stolen backup would be worth more than the database.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use super::error::StoreError;
use super::lease::Lease;
use super::open::Store;
use super::sql::Tx;
use crate::config::Database;

mod copy;
mod draft;
mod tables;

use draft::Draft;
use tables::Table;

/// Why a backup could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The file to be written exists.
    #[error("{} exists; a backup never overwrites a file", .0.display())]
    FileExists(PathBuf),
    /// The file cannot be made, written or read.
    #[error("{} cannot be used", .path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is no backup, or it is damaged.
    #[error("{} is not a backup of an Aerostack gateway, or it is damaged: {reason}", .path.display())]
    NotABackup {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The database to be filled holds something.
    #[error(
        "the database is not empty: table {table} has rows. A backup is restored into a new data folder or database"
    )]
    NotEmpty {
        /// A table with rows.
        table: String,
    },
    /// The database to be saved has another schema than this program.
    #[error("the database's schema is not this program's; run `aerostack-gateway migrate` first")]
    OtherSchema,
    /// Fewer or more rows arrived than were read.
    #[error("table {table} has {found} rows after copying {expected}")]
    Miscounted {
        /// Which table.
        table: String,
        /// Rows in the source.
        expected: i64,
        /// Rows in the target.
        found: i64,
    },
    /// A database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for BackupError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(StoreError::from(error))
    }
}

/// What was copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Tables.
    pub tables: usize,
    /// Rows of all of them.
    pub rows: i64,
}

/// Writes a backup into a file that does not exist yet (mode 0600). It appears whole or not at all.
///
/// # Errors
/// [`BackupError`]; nothing is left behind.
pub async fn write(database: &Database, file: &Path, timeout: Duration) -> Result<Copied, BackupError> {
    if file.try_exists().map_err(|source| at(file, source))? {
        return Err(BackupError::FileExists(file.to_owned()));
    }
    let draft = Draft::beside(file).map_err(|source| at(file, source))?;
    let copied = match database {
        Database::Sqlite(path) => vacuum(path, draft.path()).await?,
        Database::Postgres(_) => copy_out(database, draft.path(), timeout).await?,
    };
    draft.publish(file).map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => BackupError::FileExists(file.to_owned()),
        _ => at(file, source),
    })?;
    Ok(copied)
}

/// Fills an empty database from a backup, of this or an older schema, as long as its lease holds.
///
/// `workspace` is a folder for a private copy of the file while it is brought up to date.
///
/// # Errors
/// [`BackupError`]; then the database is as empty as before.
pub async fn read(
    file: &Path,
    database: &Database,
    workspace: &Path,
    timeout: Duration,
    lease: &Lease,
) -> Result<Copied, BackupError> {
    let draft = Draft::beside(&workspace.join("restore")).map_err(|source| at(workspace, source))?;
    fs::copy(file, draft.path()).map_err(|source| at(file, source))?;
    check_integrity(file, draft.path()).await?;
    let source = Store::open(&Database::Sqlite(draft.path().to_owned()), timeout).await?;
    source.migrate().await?;
    let target = Store::open(database, timeout).await?.under(lease.term());
    target.migrate().await?;
    let copied = fill(&source, &target).await;
    source.close().await;
    target.close().await;
    copied
}

async fn fill(source: &Store, target: &Store) -> Result<Copied, BackupError> {
    let (mut from, mut to) = (source.read().await?, target.write().await?);
    let tables = tables::of_sqlite(&mut from).await?;
    for table in &tables {
        if table.count(&mut to).await? > 0 {
            return Err(BackupError::NotEmpty { table: table.name.clone() });
        }
    }
    let copied = copy_all(&tables, &mut from, &mut to).await?;
    to.commit().await?;
    Ok(copied)
}

/// From PostgreSQL: the tables are made by our own migrations, the rows copied in one transaction.
async fn copy_out(database: &Database, draft: &Path, timeout: Duration) -> Result<Copied, BackupError> {
    let source = Store::open(database, timeout).await?;
    if !source.schema_is_current().await? {
        return Err(BackupError::OtherSchema);
    }
    let target = Store::open(&Database::Sqlite(draft.to_owned()), timeout).await?;
    target.migrate().await?;
    let (mut from, mut to) = (source.read().await?, target.write().await?);
    let tables = tables::of_sqlite(&mut to).await?;
    let copied = copy_all(&tables, &mut from, &mut to).await?;
    to.commit().await?;
    drop(from);
    source.close().await;
    target.close().await;
    // One file that needs no other beside it.
    let options = SqliteConnectOptions::new().filename(draft).journal_mode(SqliteJournalMode::Delete);
    options.connect().await?.close().await?;
    Ok(copied)
}

async fn copy_all(tables: &[Table], from: &mut Tx, to: &mut Tx) -> Result<Copied, BackupError> {
    let mut rows = 0;
    for table in tables {
        copy::rows(table, from, to).await?;
        let (expected, found) = (table.count(from).await?, table.count(to).await?);
        if expected != found {
            return Err(BackupError::Miscounted { table: table.name.clone(), expected, found });
        }
        rows += found;
    }
    Ok(Copied { tables: tables.len(), rows })
}

/// From SQLite: its own way to copy itself, which works for any schema.
async fn vacuum(database: &Path, draft: &Path) -> Result<Copied, BackupError> {
    let path = draft.to_str().ok_or_else(|| at(draft, io::ErrorKind::InvalidFilename.into()))?;
    let options = SqliteConnectOptions::new().filename(database).busy_timeout(Duration::from_secs(5));
    let mut connection = options.connect().await?;
    sqlx::query("VACUUM INTO $1").bind(path).execute(&mut connection).await?;
    connection.close().await?;
    let mut copy = open_existing(draft).await?;
    let copied = tables::count_all(&mut copy).await?;
    copy.close().await?;
    Ok(copied)
}

/// Refuses what is no SQLite file, not whole, or not ours.
async fn check_integrity(file: &Path, copy: &Path) -> Result<(), BackupError> {
    let refused = |reason: String| BackupError::NotABackup { path: file.to_owned(), reason };
    let looked = async {
        let mut connection = open_existing(copy).await?;
        let verdict: String = sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&mut connection).await?;
        let ours =
            "SELECT COUNT(*) FROM sqlite_schema WHERE name IN ('accounts', 'audit', '_sqlx_migrations')";
        let ours: i64 = sqlx::query_scalar(ours).fetch_one(&mut connection).await?;
        let orphans = sqlx::query("PRAGMA foreign_key_check").fetch_all(&mut connection).await?.len();
        connection.close().await?;
        Ok::<_, sqlx::Error>((verdict, ours, orphans))
    };
    match looked.await.map_err(|error| refused(error.to_string()))? {
        (verdict, _, _) if verdict != "ok" => Err(refused(verdict)),
        (_, ours, _) if ours != 3 => Err(refused("its tables are missing".to_owned())),
        (_, _, orphans) if orphans > 0 => {
            Err(refused(format!("{orphans} rows refer to rows that are missing")))
        }
        _ => Ok(()),
    }
}

async fn open_existing(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    SqliteConnectOptions::new().filename(path).connect().await
}

fn at(path: &Path, source: io::Error) -> BackupError {
    BackupError::File { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests;
