//! The lease of a PostgreSQL database: an advisory lock of a session of its own, watched by a task.
//!
//! The lock ends with the session, so a broken connection means that the lease may be somebody else's.
//! The task tries to take it again for a short while. It counts as kept only if nobody had it in
//! between: each taking draws a number from a sequence, and the new one must follow the old one. Else,
//! or when the time is over, the lease is lost.

use std::str::FromStr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::holder::{Doing, Holder};
use super::{LeaseError, News};

/// One lock for each schema of a database. Two installations may share a database by schemas.
const TRY_LOCK: &str =
    "SELECT pg_try_advisory_lock(hashtextextended('aerostack lease ' || current_schema(), 0))";
/// The session that has the lock, by the two halves in which `pg_locks` shows the key.
const WHO: &str = "SELECT a.application_name, a.pid FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND (l.classid::bigint << 32) | l.objid::bigint
        = hashtextextended('aerostack lease ' || current_schema(), 0)";
/// Wait between two attempts to take a lost lock again.
const RETRY_EVERY: Duration = Duration::from_millis(250);

/// How a held lock is watched.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Time between two looks at the session.
    pub ping_every: Duration,
    /// Time for PostgreSQL to answer one.
    pub ping_timeout: Duration,
    /// Time for taking a lost lock again.
    pub regain_within: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            ping_every: Duration::from_secs(1),
            ping_timeout: Duration::from_secs(2),
            regain_within: Duration::from_secs(10),
        }
    }
}

/// A lock, and the task that keeps it.
#[derive(Debug)]
pub(super) struct SessionLock {
    holder: watch::Sender<Holder>,
    released: CancellationToken,
    keeper: JoinHandle<()>,
}

impl Drop for SessionLock {
    fn drop(&mut self) {
        self.released.cancel();
    }
}

impl SessionLock {
    /// Takes the lock, or tells whose it is.
    pub(super) async fn take(
        url: &SecretString,
        holder: Holder,
        patience: Duration,
        pace: Pace,
        news: News,
    ) -> Result<Self, LeaseError> {
        let options = PgConnectOptions::from_str(url.expose_secret())?.disable_statement_logging();
        let taken = timeout(patience, attempt(&options, &holder)).await;
        let taken = match taken.map_err(|_| LeaseError::TooSlow(patience))?? {
            Attempt::Taken(taken) => taken,
            Attempt::Held { line, .. } => {
                return Err(LeaseError::Held { holder: Holder::parse(&line), place: "database" });
            }
        };
        let (sender, receiver) = watch::channel(holder);
        let released = CancellationToken::new();
        let keeper = Keeper { options, pace, holder: receiver, taken };
        let keeper = tokio::spawn(keeper.run(released.clone(), news));
        Ok(Self { holder: sender, released, keeper })
    }

    /// Renames the session for others to read.
    pub(super) fn announce(&mut self, doing: Doing) {
        self.holder.send_modify(|holder| *holder = holder.clone().doing(doing));
    }

    /// Ends the session and with it the lock.
    pub(super) async fn release(mut self) {
        self.released.cancel();
        // It ends within a ping's time; that it might have panicked changes nothing here.
        let _ = (&mut self.keeper).await;
    }
}

/// What the task needs to take the lock again.
struct Keeper {
    options: PgConnectOptions,
    pace: Pace,
    holder: watch::Receiver<Holder>,
    taken: Taken,
}

impl Keeper {
    async fn run(mut self, released: CancellationToken, news: News) {
        loop {
            let rename = tokio::select! {
                () = released.cancelled() => break,
                changed = self.holder.changed() => changed.is_ok(),
                () = sleep(self.pace.ping_every) => false,
            };
            let line = rename.then(|| self.holder.borrow_and_update().line());
            match timeout(self.pace.ping_timeout, ping(&mut self.taken.session, line)).await {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => tracing::warn!(%error, "the session that holds the lease broke"),
                Err(_) => tracing::warn!("the session that holds the lease does not answer"),
            }
            news.in_doubt.store(true, Ordering::Release);
            let regained = tokio::select! {
                () = released.cancelled() => return,
                regained = timeout(self.pace.regain_within, self.regain()) => regained.ok().flatten(),
            };
            let Some(taken) = regained else {
                tracing::error!("the lease is lost: another gateway may be serving this database");
                news.lost.cancel();
                return;
            };
            tracing::info!("the lease is held again; nobody had it in between");
            self.taken = taken;
            news.in_doubt.store(false, Ordering::Release);
        }
        // The server ends the session also when this goodbye does not reach it.
        let _ = timeout(self.pace.ping_timeout, give_back(self.taken.session)).await;
    }

    /// Takes the lock again; `None` when somebody else has it, or had it in between.
    async fn regain(&self) -> Option<Taken> {
        let holder = self.holder.borrow().clone();
        loop {
            match timeout(self.pace.ping_timeout, attempt(&self.options, &holder)).await {
                Ok(Ok(Attempt::Taken(taken))) => {
                    return (taken.number == self.taken.number + 1).then_some(taken);
                }
                Ok(Ok(Attempt::Held { mut session, line, pid })) => {
                    if line.is_empty() {
                        continue;
                    }
                    let is_ours = Holder::parse(&line).is_some_and(|other| other.is_same_process(&holder));
                    if pid != self.taken.pid || !is_ours {
                        return None;
                    }
                    // Our own old session, whose end PostgreSQL has not noticed.
                    let ended =
                        sqlx::query("SELECT pg_terminate_backend($1)").bind(pid).execute(&mut session);
                    let _ = timeout(self.pace.ping_timeout, ended).await;
                }
                Ok(Err(_)) | Err(_) => {}
            }
            sleep(RETRY_EVERY).await;
        }
    }
}

/// A session that holds the lock.
struct Taken {
    session: PgConnection,
    /// PostgreSQL's process for the session.
    pid: i32,
    /// How many times the lock had been taken, this time included.
    number: i64,
}

enum Attempt {
    Taken(Taken),
    Held { session: PgConnection, line: String, pid: i32 },
}

/// Opens a session and tries to take the lock in it.
async fn attempt(options: &PgConnectOptions, holder: &Holder) -> Result<Attempt, sqlx::Error> {
    let mut session = options.clone().application_name(&holder.line()).connect().await?;
    if sqlx::query_scalar::<_, bool>(TRY_LOCK).fetch_one(&mut session).await? {
        let pid = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut session).await?;
        let number = draw_number(&mut session).await?;
        return Ok(Attempt::Taken(Taken { session, pid, number }));
    }
    let who: Option<(String, i32)> = sqlx::query_as(WHO).fetch_optional(&mut session).await?;
    // No row: it was given back just now. Whoever asks again will get it.
    let (line, pid) = who.unwrap_or_default();
    Ok(Attempt::Held { session, line, pid })
}

/// Unlocks before hanging up, because the server may take its time to notice the latter.
async fn give_back(mut session: PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT pg_advisory_unlock_all()").execute(&mut session).await?;
    session.close().await
}

/// Counts the takings. Called with the lock held, so nobody makes the sequence at the same time.
async fn draw_number(session: &mut PgConnection) -> Result<i64, sqlx::Error> {
    let exists: bool = sqlx::query_scalar("SELECT to_regclass('lease_takings') IS NOT NULL")
        .fetch_one(&mut *session)
        .await?;
    if !exists {
        sqlx::query("CREATE SEQUENCE lease_takings").execute(&mut *session).await?;
    }
    sqlx::query_scalar("SELECT nextval('lease_takings')").fetch_one(session).await
}

/// Asks whether the session lives, and gives it a new name where there is one.
async fn ping(session: &mut PgConnection, line: Option<String>) -> Result<(), sqlx::Error> {
    match line {
        None => session.ping().await,
        Some(line) => {
            let renamed = sqlx::query("SELECT set_config('application_name', $1, false)").bind(line);
            renamed.execute(session).await.map(drop)
        }
    }
}
