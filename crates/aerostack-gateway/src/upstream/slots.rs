//! The places of sessions with one server, and what is known of the server: plain bookkeeping, behind
//! the lock of the pool and never waiting.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex as AsyncMutex;
use tokio::time::Instant;

use super::connect::Verdict;
use super::error::UpstreamError;
use super::session::Session;
use super::target::Caller;

/// How long it is believed how a server is reached.
const VERDICT_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// Whose a session is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Everybody,
    Of(Caller),
}

/// The place of a session; locked while it is being made.
pub(super) type Slot = Arc<AsyncMutex<Option<Arc<Session>>>>;

/// All places, and what is known.
#[derive(Default)]
pub(super) struct Slots {
    verdict: Option<(Verdict, Instant)>,
    everybodys: Option<Slot>,
    callers: HashMap<Caller, Slot>,
    is_closed: bool,
    /// Attempts that failed so far, and how the last one did.
    failures: u64,
    failure: Option<UpstreamError>,
}

impl Slots {
    /// What is known of the server; knowledge that is too old goes, and with it what rests on it alone.
    pub(super) fn verdict(&mut self) -> Option<Verdict> {
        let (verdict, since) = self.verdict?;
        if since.elapsed() < VERDICT_LIFETIME {
            return Some(verdict);
        }
        self.forget_verdict();
        None
    }

    pub(super) fn remember(&mut self, verdict: Verdict) {
        self.verdict = Some((verdict, Instant::now()));
    }

    /// Forgets how the server is reached, so that the next request finds out again.
    pub(super) fn forget_verdict(&mut self) {
        if self.verdict.take().is_some_and(|(verdict, _)| verdict.is_stateless()) {
            self.everybodys = None;
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_closed
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count() == 0
    }

    fn count(&self) -> usize {
        self.callers.len() + usize::from(self.everybodys.is_some())
    }

    /// The place of a caller's own session.
    pub(super) fn of(&self, caller: &Caller) -> Option<Slot> {
        self.callers.get(caller).cloned()
    }

    /// What is at a key.
    pub(super) fn at(&self, key: &Key) -> Option<&Slot> {
        match key {
            Key::Everybody => self.everybodys.as_ref(),
            Key::Of(caller) => self.callers.get(caller),
        }
    }

    /// Takes away what belongs to certain callers.
    pub(super) fn take_of(&mut self, is_theirs: impl Fn(&Caller) -> bool) -> Vec<Slot> {
        self.callers.extract_if(|caller, _| is_theirs(caller)).map(|(_, slot)| slot).collect()
    }

    /// The sessions of certain callers, but for those that are being made.
    pub(super) fn sessions_of(&self, is_theirs: impl Fn(&Caller) -> bool) -> Vec<Arc<Session>> {
        let theirs = self.callers.iter().filter(|(caller, _)| is_theirs(caller));
        theirs.filter_map(|(_, slot)| slot.try_lock().ok()?.clone()).collect()
    }

    /// The place of a session, made if need be: then the longest idle one goes if there are `limit`
    /// already. `None` if all are in use.
    pub(super) fn place(&mut self, key: &Key, limit: usize) -> Option<Slot> {
        if let Some(slot) = self.at(key) {
            return Some(slot.clone());
        }
        if self.count() >= limit {
            let longest = self.longest_idle()?;
            self.remove(&longest);
        }
        let slot = Slot::default();
        self.put(key.clone(), slot.clone());
        Some(slot)
    }

    fn longest_idle(&self) -> Option<Key> {
        let everybodys = self.everybodys.iter().map(|slot| (None, slot));
        let callers = self.callers.iter().map(|(caller, slot)| (Some(caller), slot));
        let idle = everybodys.chain(callers).filter_map(|(whose, slot)| Some((idle_since(slot)?, whose)));
        let (_, whose) = idle.min_by_key(|(since, _)| *since)?;
        Some(whose.map_or(Key::Everybody, |caller| Key::Of(caller.clone())))
    }

    /// Puts a place where it belongs; nobody's own session is replaced.
    pub(super) fn put(&mut self, key: Key, slot: Slot) {
        match key {
            Key::Everybody => {
                self.everybodys.get_or_insert(slot);
            }
            Key::Of(caller) => {
                self.callers.entry(caller).or_insert(slot);
            }
        }
    }

    pub(super) fn remove(&mut self, key: &Key) {
        match key {
            Key::Everybody => self.everybodys = None,
            Key::Of(caller) => drop(self.callers.remove(caller)),
        }
    }

    /// Whether this is still the place of `key`.
    pub(super) fn is_at(&self, key: &Key, slot: &Slot) -> bool {
        self.at(key).is_some_and(|current| Arc::ptr_eq(current, slot))
    }

    /// Takes all places away, for good.
    pub(super) fn close(&mut self) -> Vec<Slot> {
        self.is_closed = true;
        self.take_all()
    }

    /// Takes all places away.
    pub(super) fn take_all(&mut self) -> Vec<Slot> {
        let callers = self.callers.drain().map(|(_, slot)| slot);
        callers.chain(self.everybodys.take()).collect()
    }

    /// Takes away what nobody has used for `limit`.
    pub(super) fn take_idle(&mut self, limit: Duration) -> Vec<Slot> {
        let is_over = |since: Option<Instant>| since.is_none_or(|since| since.elapsed() >= limit);
        let is_idle = |slot: &Slot| idle_since(slot).is_some_and(is_over);
        let everybodys = self.everybodys.take_if(|slot| is_idle(slot));
        let callers = self.callers.extract_if(|_, slot| is_idle(slot)).map(|(_, slot)| slot);
        callers.chain(everybodys).collect()
    }

    /// Counts the attempts that failed.
    pub(super) fn failures(&self) -> u64 {
        self.failures
    }

    pub(super) fn fail(&mut self, error: &UpstreamError) {
        self.failures += 1;
        self.failure = Some(error.clone());
    }

    /// The last failure, if there were more than `failures`.
    pub(super) fn failure_after(&self, failures: u64) -> Option<UpstreamError> {
        self.failure.clone().filter(|_| self.failures > failures)
    }
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
