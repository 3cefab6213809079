//! The sessions with one server: who has which, made on demand, bounded in number, ended when idle.
//!
//! A server that keeps state gets one session per caller, so that nobody drives another's browser tab;
//! one that keeps none, or was installed as shared, gets one for all. A session is made once however
//! many wait for it, and its making goes on when they give up: a session the server has made and we
//! forgot would stay there for ever.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use aerostack_core::server::SessionMode;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard, watch};
use tokio::time::Instant;

use super::connect::{Connector, Verdict};
use super::error::UpstreamError;
use super::session::{Lease, SendError, Session};
use super::target::Caller;

/// How long it is believed how a server is reached.
const VERDICT_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
/// Time for establishing a session, all in all.
const ESTABLISH_TIMEOUT: Duration = Duration::from_secs(30);
/// How many times idle sessions are looked for in the time that makes them idle.
const SWEEPS_PER_IDLE_TIMEOUT: u32 = 4;

/// Whose a session is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Everybody,
    Of(Caller),
}

/// The place of a session; locked while it is being made.
type Slot = Arc<AsyncMutex<Option<Arc<Session>>>>;

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
}

/// All sessions with one server.
pub(super) struct Pool {
    connector: Connector,
    mode: SessionMode,
    limits: PoolLimits,
    state: Mutex<State>,
    /// Held while the first session shows what kind of server it is.
    deciding: Arc<AsyncMutex<()>>,
    /// Counts the sessions made for the gateway itself, for those that wait for a new one.
    made: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    verdict: Option<(Verdict, Instant)>,
    slots: HashMap<Key, Slot>,
    is_closed: bool,
    is_swept: bool,
    /// Attempts that failed so far, and how the last one did.
    failures: u64,
    failure: Option<UpstreamError>,
}

impl State {
    /// What is known of the server; knowledge that is too old goes, and with it what rests on it alone.
    fn verdict(&mut self) -> Option<Verdict> {
        let (verdict, since) = self.verdict?;
        if since.elapsed() < VERDICT_LIFETIME {
            return Some(verdict);
        }
        self.forget_verdict();
        None
    }

    fn forget_verdict(&mut self) {
        let stateless = matches!(self.verdict, Some((Verdict::Modern | Verdict::Sessionless, _)));
        self.verdict = None;
        if stateless {
            self.slots.remove(&Key::Everybody);
        }
    }
}

/// What had happened when a session was asked for.
struct Asked {
    failures: u64,
}

impl Pool {
    pub(super) fn new(connector: Connector, mode: SessionMode, limits: PoolLimits) -> Arc<Self> {
        let (made, _) = watch::channel(0);
        let (state, deciding) = (Mutex::default(), Arc::default());
        Arc::new(Self {
            connector,
            mode,
            limits,
            state,
            deciding,
            made,
        })
    }

    pub(super) fn connector(&self) -> &Connector {
        &self.connector
    }

    /// Counts the sessions made for the gateway itself.
    pub(super) fn made(&self) -> watch::Receiver<u64> {
        self.made.subscribe()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The caller's session, made if need be.
    ///
    /// *Cancellation*: a session under way is still made, for the next one who asks.
    ///
    /// # Errors
    /// When none can be made, or the limit of sessions is reached and all are in use.
    pub(super) async fn lease(self: &Arc<Self>, caller: &Caller) -> Result<Lease, UpstreamError> {
        let asked = Asked {
            failures: self.state().failures,
        };
        if let Some(lease) = self.existing(caller).await? {
            return Ok(lease);
        }
        let mut deciding = None;
        if self.state().verdict().is_none() {
            deciding = Some(self.deciding.clone().lock_owned().await);
            // Whoever held the lock before may have made what is needed here, or failed to.
            if let Some(lease) = self.existing(caller).await? {
                return Ok(lease);
            }
            self.failed_since(&asked)?;
            deciding = deciding.filter(|_| self.state().verdict().is_none());
        }
        let (key, slot) = self.place(caller)?;
        let place = slot.clone().lock_owned().await;
        if let Some(lease) = usable(place.as_ref()) {
            return Ok(lease);
        }
        self.failed_since(&asked)?;
        let making = tokio::spawn(self.clone().make(key, slot, place, deciding));
        making
            .await
            .map_err(|_| UpstreamError::Unreachable("connecting broke off".into()))?
    }

    /// Those who waited for an attempt share its failure; else they would fail one after the other,
    /// each in its own time.
    fn failed_since(&self, asked: &Asked) -> Result<(), UpstreamError> {
        let state = self.state();
        match &state.failure {
            Some(failure) if state.failures > asked.failures => Err(failure.clone()),
            _ => Ok(()),
        }
    }

    /// The caller's session, if there is one or one is being made.
    async fn existing(&self, caller: &Caller) -> Result<Option<Lease>, UpstreamError> {
        let slot = {
            let mut state = self.state();
            if state.is_closed {
                return Err(closed());
            }
            let _ = state.verdict();
            let own = state.slots.get(&Key::Of(caller.clone()));
            own.or_else(|| state.slots.get(&Key::Everybody)).cloned()
        };
        let Some(slot) = slot else { return Ok(None) };
        let place = slot.lock().await;
        Ok(usable(place.as_ref()))
    }

    /// Where the caller's session belongs, as far as is known.
    fn place(&self, caller: &Caller) -> Result<(Key, Slot), UpstreamError> {
        let mut state = self.state();
        if state.is_closed {
            return Err(closed());
        }
        let stateless = matches!(state.verdict(), Some(Verdict::Modern | Verdict::Sessionless));
        let key = match self.mode {
            SessionMode::PerCaller if !stateless => Key::Of(caller.clone()),
            SessionMode::PerCaller | SessionMode::Shared => Key::Everybody,
        };
        if let Some(slot) = state.slots.get(&key) {
            return Ok((key, slot.clone()));
        }
        if state.slots.len() >= self.limits.sessions {
            let idle = state
                .slots
                .iter()
                .filter_map(|(key, slot)| Some((idle_since(slot)?, key)));
            let longest = idle.min_by_key(|(since, _)| *since).map(|(_, key)| key.clone());
            let limit = self.limits.sessions;
            let longest =
                longest.ok_or_else(|| UpstreamError::Busy(format!("{limit} sessions are in use")))?;
            state.slots.remove(&longest);
        }
        let slot = Slot::default();
        state.slots.insert(key.clone(), slot.clone());
        Ok((key, slot))
    }

    async fn make(
        self: Arc<Self>,
        key: Key,
        slot: Slot,
        mut place: OwnedMutexGuard<Option<Arc<Session>>>,
        _deciding: Option<OwnedMutexGuard<()>>,
    ) -> Result<Lease, UpstreamError> {
        let known = self.state().verdict();
        let connecting = tokio::time::timeout(ESTABLISH_TIMEOUT, self.connector.connect(known)).await;
        let connected = connecting.unwrap_or_else(|_| {
            let limit = ESTABLISH_TIMEOUT.as_secs();
            Err(UpstreamError::TimedOut(format!("no session within {limit} s")))
        });
        let session = match connected {
            Ok(session) => Arc::new(session),
            Err(error) => {
                self.give_up(&key, &slot, &error);
                return Err(error);
            }
        };
        *place = Some(session.clone());
        // Unlocked before anybody can find it elsewhere: nobody ever waits for two places.
        drop(place);
        if matches!(key, Key::Everybody | Key::Of(Caller::Gateway)) {
            self.made.send_modify(|count| *count += 1);
        }
        self.keep(key, slot, &session);
        Ok(Lease::new(session))
    }

    fn give_up(&self, key: &Key, slot: &Slot, error: &UpstreamError) {
        let mut state = self.state();
        state.failures += 1;
        state.failure = Some(error.clone());
        if matches!(error, UpstreamError::BadAnswer(_)) {
            state.forget_verdict();
        }
        if state
            .slots
            .get(key)
            .is_some_and(|current| Arc::ptr_eq(current, slot))
        {
            state.slots.remove(key);
        }
    }

    /// Remembers what the session showed, and puts it where it belongs.
    fn keep(self: &Arc<Self>, key: Key, slot: Slot, session: &Session) {
        let mut state = self.state();
        state.verdict = Some((Verdict::of(session), Instant::now()));
        let is_placed = state
            .slots
            .get(&key)
            .is_some_and(|current| Arc::ptr_eq(current, &slot));
        if state.is_closed || !is_placed {
            // Its owner was sent away meanwhile: it ends with the lease.
            return;
        }
        if !session.has_state() && key != Key::Everybody {
            state.slots.remove(&key);
            state.slots.insert(Key::Everybody, slot);
        }
        if !std::mem::replace(&mut state.is_swept, true) {
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
            SendError::VersionRefused => {
                session.forget();
                self.state().forget_verdict();
                Repeat::Sensible
            }
            SendError::Unfitting(_) => {
                self.state().forget_verdict();
                Repeat::Senseless
            }
            SendError::Failed(_) => Repeat::Senseless,
        }
    }

    /// Ends the caller's session as soon as nothing of it is under way.
    pub(super) fn end_caller(&self, caller: &Caller) {
        let slot = self.state().slots.remove(&Key::Of(caller.clone()));
        drop(slot);
    }

    /// Makes no further sessions and lets go of all there are: each ends when nothing of it is under way.
    pub(super) fn close(&self) {
        drop(self.take_all());
    }

    /// Makes no further sessions and ends all there are.
    pub(super) async fn shutdown(&self) {
        for slot in self.take_all() {
            if let Some(session) = slot.lock().await.take() {
                session.end().await;
            }
        }
    }

    fn take_all(&self) -> Vec<Slot> {
        let mut state = self.state();
        state.is_closed = true;
        state.slots.drain().map(|(_, slot)| slot).collect()
    }

    /// Ends what has not been used for long. Returns whether anything is left.
    fn end_idle(&self) -> bool {
        let mut ended = Vec::new();
        let mut state = self.state();
        state.slots.retain(|_, slot| {
            let is_idle =
                |since: Option<Instant>| since.is_none_or(|since| since.elapsed() >= self.limits.idle);
            let ends = idle_since(slot).is_some_and(is_idle);
            if ends {
                ended.push(slot.clone());
            }
            !ends
        });
        state.is_swept = !state.slots.is_empty();
        state.is_swept
    }
}

fn closed() -> UpstreamError {
    UpstreamError::Unreachable("the server was changed or removed".into())
}

fn usable(session: Option<&Arc<Session>>) -> Option<Lease> {
    session
        .filter(|session| session.is_usable())
        .cloned()
        .map(Lease::new)
}

/// Whether nobody uses what is in a slot, or makes it; and since when, `Some(None)` if never used.
fn idle_since(slot: &Slot) -> Option<Option<Instant>> {
    let place = slot.try_lock().ok()?;
    match place.as_ref() {
        None if Arc::strong_count(slot) == 1 => Some(None),
        Some(session) if Arc::strong_count(session) == 1 => Some(Some(session.last_used())),
        None | Some(_) => None,
    }
}

async fn sweep(pool: Weak<Pool>, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        let Some(pool) = pool.upgrade() else { return };
        if !pool.end_idle() {
            return;
        }
    }
}
