//! What a server received: one entry per HTTP request, kept for assertions.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::Value;
use tokio::sync::watch;

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was answered to the last byte.
    Answered,
    /// The client hung up first, or the script let it down.
    Abandoned,
}

/// One HTTP request that arrived.
#[derive(Clone, Debug)]
pub struct Received {
    /// Its method.
    pub method: Method,
    /// Its path and query.
    pub path: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, byte for byte.
    pub body: Bytes,
    /// The body's JSON-RPC method, where there is one.
    pub rpc_method: Option<String>,
    /// When it had arrived whole.
    pub arrived_at: Instant,
    /// How and when it ended; `None` while it is open.
    pub ended: Option<(Ended, Instant)>,
}

impl Received {
    /// The text of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as JSON; `null` if it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// How it ended, if it has.
    #[must_use]
    pub fn outcome(&self) -> Option<Ended> {
        self.ended.map(|(ended, _)| ended)
    }
}

/// All requests of one server, and a bell that rings at every change.
#[derive(Debug)]
pub(super) struct Record {
    entries: Mutex<Vec<Received>>,
    bell: watch::Sender<u64>,
}

impl Record {
    /// Begins an empty one.
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { entries: Mutex::default(), bell: watch::Sender::new(0) })
    }

    /// Notes a request; the ticket tells how it ends.
    pub(super) fn note(self: &Arc<Self>, received: Received) -> Ticket {
        let mut entries = self.entries();
        entries.push(received);
        let index = entries.len() - 1;
        drop(entries);
        self.ring();
        Ticket { record: Arc::clone(self), index, answered: false }
    }

    /// Everything so far, in order of arrival.
    pub(super) fn all(&self) -> Vec<Received> {
        self.entries().clone()
    }

    /// Tells waiters that something has changed.
    pub(super) fn ring(&self) {
        self.bell.send_modify(|count| *count += 1);
    }

    /// Hears every change from now on.
    pub(super) fn listen(&self) -> watch::Receiver<u64> {
        self.bell.subscribe()
    }

    fn entries(&self) -> MutexGuard<'_, Vec<Received>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An open request. Dropped before [`Ticket::answered`], it notes that the client went away.
#[derive(Debug)]
pub(super) struct Ticket {
    record: Arc<Record>,
    index: usize,
    answered: bool,
}

impl Ticket {
    /// Notes that the last byte has been handed over.
    pub(super) fn answered(mut self) {
        self.answered = true;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let ended = if self.answered { Ended::Answered } else { Ended::Abandoned };
        if let Some(entry) = self.record.entries().get_mut(self.index) {
            entry.ended = Some((ended, Instant::now()));
        }
        self.record.ring();
    }
}
