//! The lease: which process may serve a database. What a gateway holds in memory (grants, tool lists)
//! is true only while nobody else changes the database behind its back.
//!
//! On SQLite it is a locked file beside the database, on PostgreSQL a session's advisory lock. Serving,
//! migrating and restoring take it; `owner create`, `check` and `backup` work beside a running gateway
//! and do not.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use aerostack_core::time::Timestamp;
use tokio_util::sync::CancellationToken;

mod file;
mod holder;
mod session;

use file::FileLock;
pub use holder::{Doing, Holder};
pub use session::Pace;
use session::SessionLock;

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

/// The right to serve a database, held until it is released or dropped.
#[derive(Debug)]
pub struct Lease {
    hold: Hold,
    news: News,
}

/// What the keeper of a lease tells whoever serves by it.
#[derive(Clone, Debug, Default)]
pub(crate) struct News {
    /// Set while it is not known whether the lease is still held.
    pub(crate) in_doubt: Arc<AtomicBool>,
    /// Cancelled when it is lost.
    pub(crate) lost: CancellationToken,
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
        let news = News::default();
        let hold = match database {
            Database::Sqlite(path) => Hold::File(FileLock::take(&path.with_extension("lock"), &holder)?),
            Database::Postgres(url) => {
                Hold::Session(SessionLock::take(url, holder, timeout, pace, news.clone()).await?)
            }
        };
        Ok(Self { hold, news })
    }

    /// Lets others see at which address this process serves, once it is known.
    pub fn announce(&mut self, address: SocketAddr) {
        match &mut self.hold {
            Hold::File(lock) => lock.announce(Doing::Serve(address)),
            Hold::Session(lock) => lock.announce(Doing::Serve(address)),
        }
    }

    /// Is cancelled when it is no longer certain that this process alone serves the database.
    ///
    /// What follows is to stop serving. A file stays locked as long as the process lives.
    #[must_use]
    pub fn lost(&self) -> CancellationToken {
        self.news.lost.clone()
    }

    /// Is set while it is not known whether the lease is still held: nothing may be served meanwhile,
    /// since another process may be changing what this one has in memory.
    #[must_use]
    pub fn in_doubt(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.news.in_doubt)
    }

    /// Gives the lease back, so that another process can take it at once.
    pub async fn release(self) {
        match self.hold {
            Hold::File(lock) => lock.release(),
            Hold::Session(lock) => lock.release().await,
        }
    }
}

#[cfg(test)]
mod tests;
