//! Which resources of a server somebody wants to be told of, and who: shared by all listeners of an
//! install, so that the server is asked once for each.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aerostack_core::id::InstallId;
use aerostack_core::resource::concerns;
use bytes::Bytes;
use serde::Deserialize;
use tokio::sync::{Notify, watch};

/// Resources of one server that are subscribed to at the same time.
pub const SUBSCRIPTIONS_MAX: usize = 4_096;
/// Notices that wait for one listener; what comes beyond that is dropped.
pub const NOTICES_WAITING: usize = 256;
/// Longest `params` of a notice that are kept; of longer ones only the URI is.
pub const NOTICE_MAX_BYTES: usize = 4 * 1_024;

/// All subscriptions of one server.
pub(super) struct Subscriptions {
    install: InstallId,
    by_uri: Mutex<HashMap<String, Vec<Listener>>>,
    changed: watch::Sender<u64>,
    numbers: AtomicU64,
}

struct Listener {
    number: u64,
    /// What it calls the resource.
    exposed: String,
    mailbox: Mailbox,
}

/// One listener's wish to be told of one resource. Dropped, it is taken back.
pub struct Subscription {
    uri: String,
    number: u64,
    of: Arc<Subscriptions>,
}

/// Where notices wait for one listener, each resource once.
#[derive(Clone, Default)]
pub struct Mailbox(Arc<Inner>);

#[derive(Default)]
struct Inner {
    waiting: Mutex<Vec<Update>>,
    arrived: Notify,
}

/// A notice that a resource was updated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// The install whose resource it is.
    pub install: InstallId,
    /// The server's URI: of the resource that was subscribed to, or of something below it.
    pub uri: String,
    /// What the listener calls that resource; `None` of what is below it.
    pub exposed: Option<String>,
    /// The notice's `params`, as the server wrote them.
    pub params: Bytes,
}

#[derive(Deserialize)]
struct About {
    uri: String,
}

impl Subscriptions {
    pub(super) fn new(install: InstallId) -> Arc<Self> {
        Arc::new(Self {
            install,
            by_uri: Mutex::default(),
            changed: watch::Sender::new(0),
            numbers: AtomicU64::new(0),
        })
    }

    /// Adds a listener; `None` if the server has as many subscriptions as it may have.
    pub(super) fn add(self: &Arc<Self>, uri: &str, exposed: &str, mailbox: &Mailbox) -> Option<Subscription> {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let mut by_uri = self.by_uri();
        if !by_uri.contains_key(uri) && by_uri.len() >= SUBSCRIPTIONS_MAX {
            return None;
        }
        let listener = Listener { number, exposed: exposed.to_owned(), mailbox: mailbox.clone() };
        let listeners = by_uri.entry(uri.to_owned()).or_default();
        listeners.push(listener);
        let is_new = listeners.len() == 1;
        drop(by_uri);
        if is_new {
            self.changed.send_modify(|version| *version += 1);
        }
        Some(Subscription { uri: uri.to_owned(), number, of: Arc::clone(self) })
    }

    /// What is subscribed to now.
    pub(super) fn uris(&self) -> BTreeSet<String> {
        self.by_uri().keys().cloned().collect()
    }

    /// Tells of every change of that.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Hands a notice to whom it concerns, by its raw `params`.
    pub(super) fn updated(&self, params: &str) {
        let Ok(About { uri }) = serde_json::from_str(params) else { return };
        if uri.len() > NOTICE_MAX_BYTES {
            return;
        }
        let bare = || serde_json::json!({ "uri": uri }).to_string();
        let params: Bytes = if params.len() <= NOTICE_MAX_BYTES { params.to_owned() } else { bare() }.into();
        for (own, listeners) in self.by_uri().iter().filter(|(own, _)| concerns(&uri, own)) {
            for listener in listeners {
                listener.mailbox.put(Update {
                    install: self.install.clone(),
                    exposed: (*own == uri).then(|| listener.exposed.clone()),
                    uri: uri.clone(),
                    params: params.clone(),
                });
            }
        }
    }

    fn remove(&self, uri: &str, number: u64) {
        let mut by_uri = self.by_uri();
        let Some(listeners) = by_uri.get_mut(uri) else { return };
        listeners.retain(|listener| listener.number != number);
        if listeners.is_empty() {
            by_uri.remove(uri);
            drop(by_uri);
            self.changed.send_modify(|version| *version += 1);
        }
    }

    fn by_uri(&self) -> MutexGuard<'_, HashMap<String, Vec<Listener>>> {
        self.by_uri.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.of.remove(&self.uri, self.number);
    }
}

impl Mailbox {
    fn put(&self, update: Update) {
        let mut waiting = self.waiting();
        let is_same = |other: &Update| {
            other.install == update.install && other.uri == update.uri && other.exposed == update.exposed
        };
        match waiting.iter().position(is_same) {
            // The newer says as much as both.
            Some(place) => waiting[place] = update,
            None if waiting.len() < NOTICES_WAITING => waiting.push(update),
            None => tracing::debug!(uri_len = update.uri.len(), "a notice was dropped: its listener is slow"),
        }
        drop(waiting);
        self.0.arrived.notify_one();
    }

    /// The next notice.
    ///
    /// *Cancellation*: dropped while waiting, it loses nothing.
    pub async fn next(&self) -> Update {
        loop {
            let arrived = self.0.arrived.notified();
            if let Some(update) = self.take() {
                return update;
            }
            arrived.await;
        }
    }

    fn take(&self) -> Option<Update> {
        let mut waiting = self.waiting();
        (!waiting.is_empty()).then(|| waiting.remove(0))
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Update>> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    fn subscriptions() -> Arc<Subscriptions> {
        Subscriptions::new(InstallId::from_stored("ins_1".to_owned()))
    }

    #[test]
    fn a_server_is_asked_as_long_as_anybody_listens() {
        let (subscriptions, mailbox) = (subscriptions(), Mailbox::default());
        let changes = subscriptions.changes();
        let first = subscriptions.add("a:1", "a:1", &mailbox).unwrap();
        let second = subscriptions.add("a:1", "a:1", &Mailbox::default()).unwrap();
        assert_eq!((subscriptions.uris().len(), *changes.borrow()), (1, 1));
        drop(first);
        assert_eq!((subscriptions.uris().len(), *changes.borrow()), (1, 1));
        drop(second);
        assert_eq!((subscriptions.uris().len(), *changes.borrow()), (0, 2));
    }

    #[test]
    fn a_notice_reaches_whom_it_concerns_and_waits_once() {
        let (subscriptions, alice, bob) = (subscriptions(), Mailbox::default(), Mailbox::default());
        let _alice = subscriptions.add("a:/x", "aerostack+desk:a:/x", &alice).unwrap();
        let _bob = subscriptions.add("a:/y", "a:/y", &bob).unwrap();
        for params in [r#"{"uri":"a:/x"}"#, r#"{"uri":"a:/x","n":2.50}"#, r#"{"uri":"a:/x/1"}"#, "{}", "7"] {
            subscriptions.updated(params);
        }
        let update = |uri: &str, exposed: Option<&str>, params: &'static str| Update {
            install: InstallId::from_stored("ins_1".to_owned()),
            uri: uri.to_owned(),
            exposed: exposed.map(str::to_owned),
            params: Bytes::from_static(params.as_bytes()),
        };
        let exact = update("a:/x", Some("aerostack+desk:a:/x"), r#"{"uri":"a:/x","n":2.50}"#);
        assert_eq!(alice.next().now_or_never(), Some(exact));
        assert_eq!(alice.next().now_or_never(), Some(update("a:/x/1", None, r#"{"uri":"a:/x/1"}"#)));
        assert_eq!(alice.next().now_or_never(), None);
        assert_eq!(bob.next().now_or_never(), None);
    }

    #[test]
    fn a_notice_that_says_much_is_told_without_what_it_says() {
        let (subscriptions, alice, bob) = (subscriptions(), Mailbox::default(), Mailbox::default());
        let _held = (subscriptions.add("a:/x", "a:/x", &alice), subscriptions.add("a:/x", "a:/x", &bob));
        let room = NOTICE_MAX_BYTES - r#"{"uri":"a:/x","x":""}"#.len();
        let told = |x: usize| {
            subscriptions.updated(&format!(r#"{{"uri":"a:/x","x":"{}"}}"#, "x".repeat(x)));
            [&alice, &bob].map(|mailbox| mailbox.next().now_or_never().unwrap().params)
        };
        let [alices, bobs] = told(room);
        assert_eq!((alices.len(), alices.as_ptr()), (NOTICE_MAX_BYTES, bobs.as_ptr()), "held once for all");
        assert_eq!(told(room + 1)[0], r#"{"uri":"a:/x"}"#);
        subscriptions.updated(&format!(r#"{{"uri":"a:/x/{}"}}"#, "x".repeat(NOTICE_MAX_BYTES)));
        assert_eq!(alice.next().now_or_never(), None, "a URI of that length is nobody's");
    }

    #[test]
    fn a_slow_listener_and_a_greedy_one_are_bounded() {
        let (subscriptions, mailbox) = (subscriptions(), Mailbox::default());
        let held: Vec<_> = (0..=SUBSCRIPTIONS_MAX)
            .map_while(|number| subscriptions.add(&format!("a:/{number}"), "x", &mailbox))
            .collect();
        assert_eq!(held.len(), SUBSCRIPTIONS_MAX);
        for number in 0..2 * NOTICES_WAITING {
            subscriptions.updated(&format!(r#"{{"uri":"a:/1/{number}"}}"#));
        }
        let waiting = std::iter::from_fn(|| mailbox.next().now_or_never()).count();
        assert_eq!(waiting, NOTICES_WAITING);
    }
}
