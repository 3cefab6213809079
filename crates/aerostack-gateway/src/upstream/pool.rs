//! The sessions with one server: who has which, made on demand, bounded in number, ended when idle.
//!
//! A server that keeps state gets one session per caller, so that nobody drives another's browser tab;
//! one that keeps none, or was installed as shared, gets one for all. A session is made once however
//! many wait for it, and its making goes on when they give up: a session the server has made and we
//! forgot would stay there for ever.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use aerostack_core::id::TokenId;
use aerostack_core::server::SessionMode;
use futures_util::StreamExt;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard, watch};

use super::connect::{Connector, Verdict};
use super::error::UpstreamError;
use super::lease::Lease;
use super::session::{SendError, Session};
use super::slots::{Key, Slot, Slots};
use super::target::{Caller, Era};

/// How many times idle sessions are looked for in the time that makes them idle.
const SWEEPS_PER_IDLE_TIMEOUT: u32 = 4;
/// Sessions ended at the same time.
const ENDING_AT_ONCE: usize = 64;

/// Whether a request that failed may be sent once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    Sensible,
    Senseless,
}

/// The limits of a pool.
#[derive(Clone, Copy, Debug)]
pub(super) struct PoolLimits {
    /// Sessions at the same time.
    pub(super) sessions: usize,
    /// Time without use after which one is ended.
    pub(super) idle: Duration,
    /// Time for establishing one, all in all.
    pub(super) establish: Duration,
}

/// All sessions with one server.
pub(super) struct Pool {
    connector: Connector,
    mode: SessionMode,
    limits: PoolLimits,
    slots: Mutex<Slots>,
    /// Held while the first session shows what kind of server it is.
    deciding: Arc<AsyncMutex<()>>,
    /// Counts the sessions made for the gateway itself, for those that wait for a new one.
    made: watch::Sender<u64>,
    /// Whether a task looks for idle sessions.
    is_swept: AtomicBool,
}

impl Pool {
    pub(super) fn new(connector: Connector, mode: SessionMode, limits: PoolLimits) -> Arc<Self> {
        Arc::new(Self {
            connector,
            mode,
            limits,
            slots: Mutex::default(),
            deciding: Arc::default(),
            made: watch::channel(0).0,
            is_swept: AtomicBool::new(false),
        })
    }

    pub(super) fn connector(&self) -> &Connector {
        &self.connector
    }

    /// Whether callers have sessions of their own, where the server keeps any.
    pub(super) fn is_per_caller(&self) -> bool {
        self.mode == SessionMode::PerCaller
    }

    /// Counts the sessions made for the gateway itself.
    pub(super) fn made(&self) -> watch::Receiver<u64> {
        self.made.subscribe()
    }

    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The caller's session, made if need be.
    ///
    /// *Cancellation*: a session under way is still made, for the next one who asks.
    ///
    /// # Errors
    /// When none can be made, or the limit of sessions is reached and all are in use.
    pub(super) async fn lease(self: &Arc<Self>, caller: &Caller) -> Result<Lease, UpstreamError> {
        let failures = self.slots().failures();
        // A session for everybody belongs to nobody who could be asked.
        let unasked = (self.mode == SessionMode::Shared).then(|| caller.unasked());
        let caller = unasked.as_ref().unwrap_or(caller);
        if let Some(lease) = self.existing(caller).await? {
            return Ok(lease);
        }
        loop {
            // Boxed, so that calls which find a session do not carry what making one takes.
            if let Some(lease) = Box::pin(self.try_lease(caller, failures)).await? {
                return Ok(lease);
            }
        }
    }

    /// As `lease`, but `None` where others, in the meantime, found out that the session belongs elsewhere.
    async fn try_lease(
        self: &Arc<Self>,
        caller: &Caller,
        failures: u64,
    ) -> Result<Option<Lease>, UpstreamError> {
        if let Some(lease) = self.existing(caller).await? {
            return Ok(Some(lease));
        }
        let mut deciding = None;
        if self.slots().verdict().is_none() {
            deciding = Some(self.deciding.clone().lock_owned().await);
            // Whoever held the lock before may have made what is needed here, or failed to.
            if let Some(lease) = self.existing(caller).await? {
                return Ok(Some(lease));
            }
            self.failed_after(failures)?;
            deciding = deciding.filter(|_| self.slots().verdict().is_none());
        }
        let (key, slot) = self.place(caller)?;
        let place = slot.clone().lock_owned().await;
        if let Some(lease) = usable(place.as_ref()) {
            return Ok(Some(lease));
        }
        self.failed_after(failures)?;
        if !self.slots().is_at(&key, &slot) {
            return Ok(None);
        }
        let making = Making { caller: caller.clone(), key, slot, place, _deciding: deciding };
        let made = tokio::spawn(making.run(self.clone())).await;
        made.map_err(|_| UpstreamError::Unreachable("connecting broke off".into()))?.map(Some)
    }

    /// Those who waited for an attempt share its failure; else they would fail one after the other,
    /// each in its own time.
    fn failed_after(&self, failures: u64) -> Result<(), UpstreamError> {
        self.slots().failure_after(failures).map_or(Ok(()), Err)
    }

    /// The caller's session, if there is one or one is being made.
    async fn existing(&self, caller: &Caller) -> Result<Option<Lease>, UpstreamError> {
        let slot = {
            let mut slots = self.slots();
            if slots.is_closed() {
                return Err(closed());
            }
            let verdict = slots.verdict();
            slots.of(caller).or_else(|| slots.at(&self.key(caller, verdict)).cloned())
        };
        let Some(slot) = slot else { return Ok(None) };
        let place = slot.lock().await;
        Ok(usable(place.as_ref()))
    }

    /// Where the caller's session belongs, as far as is known.
    fn place(&self, caller: &Caller) -> Result<(Key, Slot), UpstreamError> {
        let mut slots = self.slots();
        if slots.is_closed() {
            return Err(closed());
        }
        let verdict = slots.verdict();
        let key = self.key(caller, verdict);
        let limit = self.limits.sessions;
        let slot = slots.place(&key, limit);
        slot.map(|slot| (key, slot))
            .ok_or_else(|| UpstreamError::Busy(format!("{limit} sessions are in use")))
    }

    fn key(&self, caller: &Caller, verdict: Option<Verdict>) -> Key {
        let is_own = matches!(caller, Caller::Own(_));
        match (self.mode, verdict) {
            (SessionMode::Shared, _) | (_, Some(Verdict::Modern)) => Key::Everybody,
            // What a caller can be asked for is said once, even if the server keeps nothing else.
            (_, Some(Verdict::Sessionless)) if !is_own => Key::Everybody,
            // Modern programs are told with every request.
            (_, Some(Verdict::Stdio(Era::Modern))) => Key::Of(caller.unasked()),
            _ => Key::Of(caller.clone()),
        }
    }

    fn start_sweeping(self: &Arc<Self>) {
        if !self.is_swept.swap(true, Ordering::AcqRel) {
            let every = self.limits.idle / SWEEPS_PER_IDLE_TIMEOUT;
            tokio::spawn(sweep(Arc::downgrade(self), every.max(Duration::from_millis(1))));
        }
    }

    /// Draws the conclusions from a failed request: what is known of the server may be out of date.
    /// Says whether another attempt makes sense.
    pub(super) fn learn(&self, session: &Session, error: &SendError) -> Repeat {
        match error {
            SendError::SessionGone => {
                session.forget();
                Repeat::Sensible
            }
            SendError::SessionRefused(_) => {
                session.retire();
                Repeat::Sensible
            }
            SendError::VersionRefused => {
                session.retire();
                self.slots().forget_verdict();
                Repeat::Sensible
            }
            SendError::Unfitting(_) => {
                self.slots().forget_verdict();
                Repeat::Senseless
            }
            // The same headers would be refused again: whoever made them has to make others.
            SendError::HeadersRefused | SendError::Failed(_) => Repeat::Senseless,
        }
    }

    /// Ends the caller's session as soon as nothing of it is under way.
    pub(super) fn end_caller(&self, caller: &Caller) {
        let sessions = self.slots().take_of(|theirs| theirs.unasked() == *caller);
        drop(sessions);
    }

    /// Ends the sessions that belong to one session of a caller with us, in the same way.
    pub(super) fn end_session(&self, token: &TokenId, session: &str) {
        let sessions = self.slots().take_of(|theirs| is_of_session(theirs, token, session));
        drop(sessions);
    }

    /// Tells the servers of these sessions that the roots of their caller changed.
    pub(super) fn roots_changed(&self, token: &TokenId, session: &str) {
        let is_told =
            |theirs: &Caller| theirs.capabilities().tells_of_roots() && is_of_session(theirs, token, session);
        let sessions = self.slots().sessions_of(is_told);
        for session in sessions.iter().filter(|session| session.is_usable()) {
            session.roots_changed();
        }
    }

    /// Lets go of all sessions: each ends when nothing of it is under way. Others may be made.
    pub(super) fn let_go(&self) {
        let slots = self.slots().take_all();
        drop(slots);
    }

    /// Makes no further sessions and lets go of all there are: each ends when nothing of it is under way.
    pub(super) fn close(&self) {
        let slots = self.slots().close();
        drop(slots);
    }

    /// Makes no further sessions and ends all there are.
    pub(super) async fn shutdown(&self) {
        let slots = self.slots().close();
        let ending =
            futures_util::stream::iter(slots).for_each_concurrent(ENDING_AT_ONCE, |slot| async move {
                if let Some(session) = slot.lock().await.take() {
                    session.end().await;
                }
            });
        ending.await;
    }
}

fn is_of_session(caller: &Caller, token: &TokenId, session: &str) -> bool {
    matches!(caller, Caller::Own(own) if own.token == *token && own.session.as_deref() == Some(session))
}

fn closed() -> UpstreamError {
    UpstreamError::Unreachable("the server was changed or removed".into())
}

fn usable(session: Option<&Arc<Session>>) -> Option<Lease> {
    session.filter(|session| session.is_usable()).cloned().map(Lease::new)
}

/// A session being made, and the locks that keep others from making it too.
struct Making {
    caller: Caller,
    key: Key,
    slot: Slot,
    place: OwnedMutexGuard<Option<Arc<Session>>>,
    _deciding: Option<OwnedMutexGuard<()>>,
}

impl Making {
    async fn run(self, pool: Arc<Pool>) -> Result<Lease, UpstreamError> {
        let known = pool.slots().verdict();
        let limit = pool.limits.establish;
        let connecting =
            tokio::time::timeout(limit, Box::pin(pool.connector.connect(known, &self.caller))).await;
        let connected = connecting.unwrap_or_else(|_| {
            Err(UpstreamError::TimedOut(format!("no session within {} s", limit.as_secs())))
        });
        match connected {
            Ok(session) => Ok(self.keep(&pool, Arc::new(session))),
            Err(error) => {
                self.give_up(&pool, &error);
                Err(error)
            }
        }
    }

    fn give_up(&self, pool: &Pool, error: &UpstreamError) {
        let mut slots = pool.slots();
        slots.fail(error);
        if matches!(error, UpstreamError::BadAnswer(_)) {
            slots.forget_verdict();
        }
        if slots.is_at(&self.key, &self.slot) {
            slots.remove(&self.key);
        }
    }

    /// Remembers what the session showed, and puts it where it belongs: only now it is known whether
    /// the server keeps state.
    fn keep(mut self, pool: &Arc<Pool>, session: Arc<Session>) -> Lease {
        if matches!(self.key, Key::Everybody | Key::Of(Caller::Gateway)) {
            pool.made.send_modify(|count| *count += 1);
        }
        let belongs = pool.key(&self.caller, Some(Verdict::of(&session)));
        let mut slots = pool.slots();
        slots.remember(Verdict::of(&session));
        // Not there any more: its owner was sent away meanwhile, and it ends with the lease.
        if !slots.is_closed() && slots.is_at(&self.key, &self.slot) {
            if belongs == self.key {
                *self.place = Some(session.clone());
            } else {
                // Those who wait at the wrong place find it empty and start over.
                slots.remove(&self.key);
                slots.put(belongs, Arc::new(AsyncMutex::new(Some(session.clone()))));
            }
            pool.start_sweeping();
        }
        drop(slots);
        Lease::new(session)
    }
}

async fn sweep(pool: Weak<Pool>, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        let Some(pool) = pool.upgrade() else { return };
        let idle = pool.slots().take_idle(pool.limits.idle);
        drop(idle);
        if pool.slots().is_empty() {
            pool.is_swept.store(false, Ordering::Release);
            return;
        }
    }
}
