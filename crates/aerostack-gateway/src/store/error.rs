//! What can go wrong with the database, told apart as far as somebody decides by it.

/// A failed question or order to the database.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A unique column has the value already.
    #[error("a row with this value exists")]
    Conflict,
    /// The outcome of a commit is not known: the connection broke while it was under way.
    #[error("the outcome of a commit is not known")]
    OutcomeUnknown(#[source] sqlx::Error),
    /// The database did not answer in time, or cannot be reached.
    #[error("the database is not available")]
    Unavailable(#[source] sqlx::Error),
    /// A stored row cannot be read back: somebody else wrote it, or a migration is missing.
    #[error("stored {what} cannot be read")]
    Unreadable {
        /// Which column of which table.
        what: &'static str,
    },
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
            // SQLITE_BUSY and PostgreSQL's "shutting down" classes: the same order may succeed later.
            sqlx::Error::Database(database)
                if database
                    .code()
                    .is_some_and(|code| matches!(code.as_ref(), "5" | "517" | "57P01" | "57P03")) =>
            {
                Self::Unavailable(error)
            }
            _ => Self::Engine(error),
        }
    }
}
