//! What can go wrong with the database, told apart as far as somebody decides by it.

use sqlx::migrate::MigrateError;

/// A failed question or order to the database.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A unique column has the value already.
    #[error("a row with this value exists")]
    Conflict,
    /// The outcome of a commit is not known: the connection broke while it was under way.
    #[error("the outcome of a commit is not known")]
    OutcomeUnknown(#[source] sqlx::Error),
    /// Another process has taken the lease since: nothing was changed, and nothing may be any more.
    #[error("another gateway has taken this database over")]
    LeaseLost,
    /// The database did not answer in time, or cannot be reached.
    #[error("the database is not available")]
    Unavailable(#[source] sqlx::Error),
    /// A stored row cannot be read back: somebody else wrote it, or a migration is missing.
    #[error("stored {what} cannot be read")]
    Unreadable {
        /// Which column of which table.
        what: &'static str,
    },
    /// The schema was written by a newer program, which this one would not understand.
    #[error(
        "the database has migration {version}, which this program does not know: it is newer than the program"
    )]
    SchemaIsNewer {
        /// The first migration that is not known.
        version: i64,
    },
    /// The schema is not made yet: whoever makes it could not so far.
    #[error("the database's schema is not made yet")]
    SchemaIsMissing,
    /// A migration failed, or one that was applied is not the one this program has.
    #[error("a migration failed")]
    Migration(#[source] MigrateError),
    /// Anything else the engine reports.
    #[error("the database failed")]
    Engine(#[source] sqlx::Error),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(database) if database.is_unique_violation() => Self::Conflict,
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) => {
                Self::Unavailable(error)
            }
            sqlx::Error::Database(database) if database.code().is_some_and(|code| is_passing(&code)) => {
                Self::Unavailable(error)
            }
            _ => Self::Engine(error),
        }
    }
}

impl From<MigrateError> for StoreError {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::VersionMissing(version) => Self::SchemaIsNewer { version },
            MigrateError::Execute(error) => Self::from(error),
            error => Self::Migration(error),
        }
    }
}

/// The same order may succeed later: SQLite is busy; PostgreSQL waited too long for a lock, found a
/// deadlock, has no connection left, or is starting or stopping.
fn is_passing(code: &str) -> bool {
    matches!(code, "5" | "517" | "55P03" | "40001" | "40P01" | "53300" | "57P01" | "57P02" | "57P03")
}
