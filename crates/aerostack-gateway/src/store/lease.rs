//! The lease: which process may serve a database. What a gateway holds in memory (grants, tool lists)
//! is true only while nobody else changes the database behind its back.
//!
//! On SQLite it is a locked file beside the database, on PostgreSQL a session's advisory lock. Serving,
//! migrating and restoring take it; `owner create`, `check` and `backup` work beside a running gateway
//! and do not. Reasons are in `docs/decisions/0012-one-serving-process.md`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aerostack_core::time::Timestamp;
use tokio_util::sync::CancellationToken;

mod file;
mod holder;
mod row;
mod session;
mod term;

use file::FileLock;
pub use holder::{Doing, Holder};
pub(super) use row::{Fence, fence};
pub(super) use session::KEEPALIVE;
pub use session::Pace;
use session::SessionLock;
pub use term::Term;

use crate::config::Database;

/// Why the lease could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// Somebody has it. The name is missing when it cannot be read.
    #[error("{} is using this {place}", .holder.as_ref().map_or("another gateway".to_owned(), ToString::to_string))]
    Held {
        /// Who.
        holder: Option<Holder>,
        /// What the two would share, in a word for people.
        place: &'static str,
    },
    /// The lock file cannot be made or locked.
    #[error("the lock file {} cannot be used", .path.display())]
    File {
        /// Which file.
        path: std::path::PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// PostgreSQL cannot be reached, or refuses.
    #[error("the database is not available")]
    Database(#[from] sqlx::Error),
    /// PostgreSQL did not answer in time.
    #[error("the database did not answer within {} s", .0.as_secs())]
    TooSlow(Duration),
}

/// The right to serve a database, held until it is released. Dropped, it ends as well, but whoever takes
/// it next does not know whether this process still serves, and waits.
#[derive(Debug)]
pub struct Lease {
    hold: Hold,
    term: Term,
}

#[derive(Debug)]
enum Hold {
    File(FileLock),
    Session(SessionLock),
}

impl Lease {
    /// Takes the lease, or says who has it. `timeout` bounds the wait for PostgreSQL.
    ///
    /// # Errors
    /// [`LeaseError::Held`] when somebody else has it; the others when it cannot be known.
    pub async fn take(
        database: &Database,
        doing: Doing,
        now: Timestamp,
        timeout: Duration,
    ) -> Result<Self, LeaseError> {
        Self::take_with_pace(database, doing, now, timeout, Pace::default()).await
    }

    /// [`Lease::take`] with other times between looking whether PostgreSQL still holds it.
    ///
    /// # Errors
    /// As [`Lease::take`].
    pub async fn take_with_pace(
        database: &Database,
        doing: Doing,
        now: Timestamp,
        timeout: Duration,
        pace: Pace,
    ) -> Result<Self, LeaseError> {
        let holder = Holder::this_process(doing, now);
        Ok(match database {
            Database::Sqlite(path) => {
                let lock = FileLock::take(&lock_file(path), &holder)?;
                Self { hold: Hold::File(lock), term: Term::endless() }
            }
            Database::Postgres(url) => {
                let (lock, term) = SessionLock::take(url, holder, timeout, pace).await?;
                Self { hold: Hold::Session(lock), term }
            }
        })
    }

    /// Lets others see at which address this process serves, once it is known.
    pub fn announce(&mut self, address: SocketAddr) {
        match &mut self.hold {
            Hold::File(lock) => lock.announce(Doing::Serve(address)),
            Hold::Session(lock) => lock.announce(Doing::Serve(address)),
        }
    }

    /// Is cancelled when somebody else may serve the database from now on.
    ///
    /// What follows is to stop serving. A file stays locked as long as the process lives.
    #[must_use]
    pub fn lost(&self) -> CancellationToken {
        self.term.lost()
    }

    /// Until when it certainly holds: nothing may be accepted beyond that.
    #[must_use]
    pub fn term(&self) -> Term {
        self.term.clone()
    }

    /// Gives the lease back, so that another process can take it at once. Nothing may be accepted any
    /// more by then.
    pub async fn release(self) {
        match self.hold {
            Hold::File(lock) => lock.release(),
            Hold::Session(lock) => lock.release().await,
        }
    }
}

/// The file to lock for a database, the same whichever way leads to it: SQLite follows links too.
fn lock_file(database: &Path) -> PathBuf {
    // A database that is not there yet has no other names.
    let database = database.canonicalize().unwrap_or_else(|_| database.to_owned());
    database.with_extension("lock")
}

#[cfg(test)]
mod tests;
