//! What legacy clients have asked for that outlasts a request: which resources a session wants to be told
//! of, and which log messages. A session's id holds no such state, so it is kept here, with its token.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// Sessions of a token that are remembered; those that asked for something longest ago are forgotten first.
pub const SESSIONS_MAX: usize = 256;
/// Resources that one session may want to be told of.
pub const URIS_PER_SESSION: usize = 256;
/// The same of all sessions of a token, and what its open streams are told of.
pub const URIS_PER_TOKEN: usize = 1_024;
/// Longest URI that is subscribed to, in bytes.
pub const URI_MAX_BYTES: usize = 2_048;

/// The wishes of a token's sessions.
///
/// Most tokens have none, and of a million tokens what wishes need would be half of the memory; so it is made
/// when the first is.
#[derive(Debug, Default)]
pub struct SessionWishes(OnceLock<Box<Wishes>>);

/// Those of a token that has, or had, any; oldest first.
#[derive(Debug)]
struct Wishes {
    sessions: Mutex<VecDeque<Session>>,
    changed: watch::Sender<u64>,
    told: Arc<Semaphore>,
}

/// A resource of which a listener is told, counted among those of its token until it is dropped.
pub struct Told(#[expect(dead_code, reason = "it is held")] OwnedSemaphorePermit);

#[derive(Debug)]
struct Session {
    /// The session's id as it was sent; empty of callers without one.
    id: String,
    uris: Vec<String>,
    log_level: Option<&'static str>,
}

impl Default for Wishes {
    fn default() -> Self {
        let told = Arc::new(Semaphore::new(URIS_PER_TOKEN));
        Self { sessions: Mutex::default(), changed: watch::Sender::new(0), told }
    }
}

/// More is subscribed to than may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many subscriptions")]
pub struct TooMany;

impl SessionWishes {
    /// Adds a resource that a session wants to be told of.
    ///
    /// # Errors
    /// [`TooMany`].
    pub fn subscribe(&self, session: &str, uri: &str) -> Result<(), TooMany> {
        let wishes = self.made();
        let mut sessions = wishes.sessions();
        let all = sessions.iter().map(|session| session.uris.len()).sum::<usize>();
        let own = of(&mut sessions, session);
        if own.uris.iter().any(|other| other == uri) {
            return Ok(());
        }
        if uri.len() > URI_MAX_BYTES || all >= URIS_PER_TOKEN || own.uris.len() >= URIS_PER_SESSION {
            sessions.retain(Session::wants_anything);
            return Err(TooMany);
        }
        own.uris.push(uri.to_owned());
        drop(sessions);
        wishes.announce();
        Ok(())
    }

    /// Takes a resource away; one that was not there is no matter.
    pub fn unsubscribe(&self, session: &str, uri: &str) {
        let Some(wishes) = self.0.get() else { return };
        let mut sessions = wishes.sessions();
        if let Some(wishes) = sessions.iter_mut().find(|wishes| wishes.id == session) {
            wishes.uris.retain(|other| other != uri);
        }
        sessions.retain(Session::wants_anything);
        drop(sessions);
        wishes.announce();
    }

    /// The resources that a session wants to be told of.
    #[must_use]
    pub fn uris(&self, session: &str) -> Vec<String> {
        self.find(session, |own| own.uris.clone()).unwrap_or_default()
    }

    /// Sets the least level of log messages that a session wants.
    pub fn set_log_level(&self, session: &str, level: &'static str) {
        of(&mut self.made().sessions(), session).log_level = Some(level);
    }

    /// The least level of log messages that a session wants, if it said so.
    #[must_use]
    pub fn log_level(&self, session: &str) -> Option<&'static str> {
        self.find(session, |own| own.log_level)?
    }

    /// Forgets a session that has ended.
    pub fn end(&self, session: &str) {
        let Some(wishes) = self.0.get() else { return };
        wishes.sessions().retain(|wishes| wishes.id != session);
        wishes.announce();
    }

    /// Counts a resource that a stream is told of; `None` if the token has as many as it may have.
    #[must_use]
    pub fn tell(&self) -> Option<Told> {
        Arc::clone(&self.made().told).try_acquire_owned().ok().map(Told)
    }

    /// Tells of every change of what is subscribed to.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.made().changed.subscribe()
    }

    fn made(&self) -> &Wishes {
        self.0.get_or_init(Box::default)
    }

    fn find<T>(&self, session: &str, read: impl FnOnce(&Session) -> T) -> Option<T> {
        self.0.get()?.sessions().iter().find(|wishes| wishes.id == session).map(read)
    }
}

impl Wishes {
    fn announce(&self) {
        self.changed.send_modify(|version| *version += 1);
    }

    fn sessions(&self) -> MutexGuard<'_, VecDeque<Session>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    fn wants_anything(&self) -> bool {
        !self.uris.is_empty() || self.log_level.is_some()
    }
}

/// The wishes of a session, which has just asked for something; it is the last to be forgotten.
fn of<'a>(sessions: &'a mut VecDeque<Session>, id: &str) -> &'a mut Session {
    let known = sessions.iter().position(|wishes| wishes.id == id).and_then(|place| sessions.remove(place));
    if sessions.len() >= SESSIONS_MAX {
        sessions.pop_front();
    }
    sessions.push_back(known.unwrap_or_else(|| Session {
        id: id.to_owned(),
        uris: Vec::new(),
        log_level: None,
    }));
    sessions.back_mut().expect("one was just added")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_session_has_its_own_wishes_until_it_ends() {
        let wishes = SessionWishes::default();
        wishes.subscribe("a", "x:1").unwrap();
        wishes.subscribe("a", "x:1").unwrap();
        wishes.subscribe("b", "x:2").unwrap();
        wishes.set_log_level("b", "error");
        assert_eq!((wishes.uris("a"), wishes.uris("b")), (vec!["x:1".to_owned()], vec!["x:2".to_owned()]));
        assert_eq!((wishes.log_level("a"), wishes.log_level("b")), (None, Some("error")));
        wishes.unsubscribe("a", "x:1");
        wishes.unsubscribe("none", "x:1");
        assert_eq!(wishes.uris("a"), Vec::<String>::new());
        wishes.end("b");
        assert_eq!((wishes.uris("b"), wishes.log_level("b")), (Vec::new(), None));
        assert_eq!(wishes.made().sessions().len(), 0);
    }

    #[test]
    fn who_wants_nothing_holds_nothing() {
        let wishes = SessionWishes::default();
        wishes.unsubscribe("a", "x:1");
        wishes.end("a");
        assert_eq!((wishes.uris("a"), wishes.log_level("a")), (Vec::new(), None));
        assert!(wishes.0.get().is_none());
    }

    #[test]
    fn sessions_and_uris_are_bounded() {
        let wishes = SessionWishes::default();
        for number in 0..2 * SESSIONS_MAX {
            wishes.set_log_level(&number.to_string(), "debug");
        }
        assert_eq!(wishes.made().sessions().len(), SESSIONS_MAX);
        assert_eq!(wishes.log_level("0"), None);
        let taken = (0..).take_while(|number| wishes.subscribe("a", &format!("x:{number}")).is_ok()).count();
        assert_eq!(taken, URIS_PER_SESSION);
        let taken =
            (0..10_000).filter(|n| wishes.subscribe(&format!("s{}", n % 20), &format!("x:{n}")).is_ok());
        assert_eq!(taken.count(), URIS_PER_TOKEN - URIS_PER_SESSION);
        assert_eq!(wishes.subscribe("s0", "x:0"), Ok(()), "it is there already");
        assert_eq!(wishes.subscribe("z", &"x".repeat(URI_MAX_BYTES + 1)), Err(TooMany));
    }
}
