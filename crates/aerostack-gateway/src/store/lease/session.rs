//! The lease of a PostgreSQL database: an advisory lock of a session of its own, watched by a task.
//!
//! The lock ends with the session, so a broken connection means that the lease may be somebody else's.
//! The task tries to take the lock again for a short while. The lease counts as kept only if nobody had
//! it in between, which the holders' numbers tell. Else, or when the time is over, it is lost.

use std::str::FromStr;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::LeaseError;
use super::holder::{Doing, Holder};
use super::row::{self, Before};
use super::term::{Term, uptime};

/// One lock for each schema of a database. Two installations may share a database by schemas.
const TRY_LOCK: &str = "SELECT
    pg_try_advisory_lock(hashtextextended('aerostack lease ' || current_schema(), 0)), pg_backend_pid()";
/// The session that has the lock, by the two halves in which `pg_locks` shows the key. Names of other
/// roles' sessions may be hidden.
const WHO: &str = "SELECT COALESCE(a.application_name, ''), a.pid
    FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND (l.classid::bigint << 32) | l.objid::bigint
        = hashtextextended('aerostack lease ' || current_schema(), 0)";
/// After how many seconds of silence PostgreSQL asks whether our machine is still there, how long it
/// waits for an answer, and how often it asks: one that lost its power holds nobody up for long.
pub(in crate::store) const KEEPALIVE: &str =
    "SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 2";
/// Wait between two attempts to take a lock.
const RETRY_EVERY: Duration = Duration::from_millis(250);
/// What is waited beyond another holder's term.
const SLACK: Duration = Duration::from_millis(100);

/// How a held lock is watched. It must be the same for all that share a database.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Time between two looks at the session.
    pub ping_every: Duration,
    /// How long what one look has shown is relied on.
    pub valid_for: Duration,
    /// Time for PostgreSQL to answer one question.
    pub answer_within: Duration,
    /// Time for taking a lost lock again.
    pub regain_within: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            ping_every: Duration::from_millis(500),
            valid_for: Duration::from_secs(3),
            answer_within: Duration::from_secs(3),
            regain_within: Duration::from_secs(10),
        }
    }
}

/// A lock, and the task that keeps it.
#[derive(Debug)]
pub(super) struct SessionLock {
    holder: watch::Sender<Holder>,
    release: oneshot::Sender<()>,
    keeper: JoinHandle<()>,
}

impl SessionLock {
    /// Takes the lock and a number, or tells who has it; then waits out a holder of whom nobody knows
    /// whether it is still there. `patience` bounds each wait for PostgreSQL.
    pub(super) async fn take(
        url: &SecretString,
        holder: Holder,
        patience: Duration,
        pace: Pace,
    ) -> Result<(Self, Term), LeaseError> {
        let options = PgConnectOptions::from_str(url.expose_secret())?.disable_statement_logging();
        let too_slow = |_| LeaseError::TooSlow(patience);
        let mut locked = timeout(patience, lock(&options, &holder, pace)).await.map_err(too_slow)??;
        let entered = timeout(patience, row::enter(&mut locked.session)).await;
        let (number, before) = entered.map_err(too_slow)??;
        let term = Term::numbered(number);
        term.extend_to(locked.asked_at + pace.valid_for);
        let (sender, receiver) = watch::channel(holder);
        let (release, released) = oneshot::channel();
        let keeper = Keeper { options, pace, holder: receiver, locked, number, term: term.clone() };
        let keeper = tokio::spawn(keeper.run(released));
        if before == Before::Unknown {
            let wait = pace.valid_for + SLACK;
            tracing::info!(
                wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
                "the gateway before did not give this database back; waiting until it must have noticed"
            );
            sleep(wait).await;
        }
        if term.lost().is_cancelled() {
            return Err(LeaseError::Held { holder: None, place: PLACE });
        }
        Ok((Self { holder: sender, release, keeper }, term))
    }

    /// Renames the session for others to read.
    pub(super) fn announce(&mut self, doing: Doing) {
        self.holder.send_modify(|holder| *holder = holder.clone().doing(doing));
    }

    /// Notes that everything has ended, and ends the session and with it the lock.
    pub(super) async fn release(self) {
        // The task has ended before if the lease was lost; that it might have panicked changes nothing.
        let _ = self.release.send(());
        let _ = self.keeper.await;
    }
}

/// What two gateways would share, in a word for people.
const PLACE: &str = "database";

/// Takes the lock, or tells who has it.
async fn lock(options: &PgConnectOptions, holder: &Holder, pace: Pace) -> Result<Locked, LeaseError> {
    loop {
        match attempt(options, holder, pace).await? {
            Attempt::Taken(locked) => return Ok(locked),
            Attempt::Held { line, .. } => {
                return Err(LeaseError::Held { holder: Holder::parse(&line), place: PLACE });
            }
            Attempt::GivenBack => sleep(RETRY_EVERY).await,
        }
    }
}

/// What the task needs to take the lock again.
struct Keeper {
    options: PgConnectOptions,
    pace: Pace,
    holder: watch::Receiver<Holder>,
    locked: Locked,
    number: i64,
    term: Term,
}

impl Keeper {
    async fn run(mut self, mut released: oneshot::Receiver<()>) {
        let politely = loop {
            let rename = tokio::select! {
                politely = &mut released => break politely.is_ok(),
                changed = self.holder.changed() => changed.is_ok(),
                () = sleep(self.pace.ping_every) => false,
            };
            let line = rename.then(|| self.holder.borrow_and_update().line());
            let asked_at = uptime();
            match timeout(self.pace.answer_within, ping(&mut self.locked.session, line)).await {
                Ok(Ok(())) => {
                    self.term.extend_to(asked_at + self.pace.valid_for);
                    continue;
                }
                Ok(Err(error)) => tracing::warn!(%error, "the session that holds the lease broke"),
                Err(_) => tracing::warn!("the session that holds the lease does not answer"),
            }
            self.term.doubt();
            let regained = tokio::select! {
                _ = &mut released => return,
                regained = timeout(self.pace.regain_within, self.regain()) => regained.ok().flatten(),
            };
            let Some(locked) = regained else {
                tracing::error!("the lease is lost: another gateway may be serving this database");
                self.term.lose();
                return;
            };
            tracing::info!("the lease is held again; nobody had it in between");
            self.locked = locked;
            self.term.extend_to(self.locked.asked_at + self.pace.valid_for);
        };
        // The server ends the session also when this goodbye does not reach it.
        let _ = timeout(self.pace.answer_within, self.give_back(politely)).await;
    }

    /// Takes the lock again; `None` when somebody else has it, or had it in between.
    async fn regain(&self) -> Option<Locked> {
        let holder = self.holder.borrow().clone();
        loop {
            match timeout(self.pace.answer_within, attempt(&self.options, &holder, self.pace)).await {
                Ok(Ok(Attempt::Taken(mut locked))) => {
                    let asked = row::is_last(&mut locked.session, self.number);
                    if let Ok(Ok(is_last)) = timeout(self.pace.answer_within, asked).await {
                        return is_last.then_some(locked);
                    }
                }
                Ok(Ok(Attempt::Held { mut session, line, pid })) => {
                    let is_ours = Holder::parse(&line).is_some_and(|other| other.is_same_process(&holder));
                    if pid != self.locked.pid || !is_ours {
                        return None;
                    }
                    // Our own old session, whose end PostgreSQL has not noticed.
                    let ended =
                        sqlx::query("SELECT pg_terminate_backend($1)").bind(pid).execute(&mut session);
                    let _ = timeout(self.pace.answer_within, ended).await;
                }
                Ok(Ok(Attempt::GivenBack) | Err(_)) | Err(_) => {}
            }
            sleep(RETRY_EVERY).await;
        }
    }

    /// Unlocks before hanging up, because the server may take its time to notice the latter.
    async fn give_back(mut self, politely: bool) -> Result<(), sqlx::Error> {
        if politely {
            row::leave(&mut self.locked.session, self.number).await?;
        }
        sqlx::query("SELECT pg_advisory_unlock_all()").execute(&mut self.locked.session).await?;
        self.locked.session.close().await
    }
}

/// A session that holds the lock.
struct Locked {
    session: PgConnection,
    /// PostgreSQL's process for the session.
    pid: i32,
    /// When it was asked for; from then on nobody else has had it.
    asked_at: Duration,
}

enum Attempt {
    Taken(Locked),
    Held {
        session: PgConnection,
        line: String,
        pid: i32,
    },
    /// Just now. Whoever asks again will get it.
    GivenBack,
}

/// Opens a session and tries to take the lock in it.
async fn attempt(options: &PgConnectOptions, holder: &Holder, pace: Pace) -> Result<Attempt, sqlx::Error> {
    let mut session = options.clone().application_name(&holder.line()).connect().await?;
    // An answer that nobody waits for any more must not keep the lock there either.
    let settings = format!("{KEEPALIVE}; SET statement_timeout = {}", pace.answer_within.as_millis());
    sqlx::raw_sql(AssertSqlSafe(settings)).execute(&mut session).await?;
    let asked_at = uptime();
    let (taken, pid): (bool, i32) = sqlx::query_as(TRY_LOCK).fetch_one(&mut session).await?;
    if taken {
        return Ok(Attempt::Taken(Locked { session, pid, asked_at }));
    }
    let who: Option<(String, i32)> = sqlx::query_as(WHO).fetch_optional(&mut session).await?;
    Ok(match who {
        Some((line, pid)) => Attempt::Held { session, line, pid },
        None => Attempt::GivenBack,
    })
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
