//! What a workspace token opens, until it ends.
//!
//! A grant that has ended never lives again; a token that must come back gets a new grant.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};

use aerostack_core::account::Email;
use aerostack_core::bearer::TokenDigest;
use aerostack_core::id::TokenId;
use aerostack_core::time::Timestamp;
use futures_util::future::select;
use tokio::sync::Notify;

use super::live_workspace::LiveWorkspace;
use super::session_wishes::SessionWishes;
use crate::clock::Clock;
use crate::http::budget::Tally;
use crate::limiter::Meter;
use crate::store::lease::Term;
use crate::store::token::LiveToken;

/// A moment that never comes.
const NEVER: i64 = i64::MAX;

/// What a workspace token opens, until it ends.
pub struct Grant {
    /// The token.
    pub token: TokenId,
    /// Its name.
    pub name: String,
    /// The person it is tied to.
    pub person: Option<Email>,
    /// The workspace it opens.
    pub workspace: Arc<LiveWorkspace>,
    /// Its requests of the last minute.
    pub meter: Meter,
    /// Bytes held for its requests and answers.
    pub held: Arc<Tally>,
    /// What its legacy sessions asked for.
    pub wishes: SessionWishes,
    /// The digest it is found by.
    pub digest: TokenDigest,
    own_rate_limit: Option<u32>,
    ends_at_ms: AtomicI64,
    end_moved: Notify,
    streams: AtomicU32,
    last_used_ms: AtomicI64,
    last_use_unwritten: AtomicBool,
    term: Term,
}

impl Grant {
    /// The grant of a token, by a gateway that serves for a term.
    #[must_use]
    pub fn new(token: LiveToken, workspace: Arc<LiveWorkspace>, term: Term) -> Self {
        Self {
            token: token.id,
            name: token.name,
            person: token.person,
            workspace,
            meter: Meter::default(),
            held: Arc::default(),
            wishes: SessionWishes::default(),
            digest: token.digest,
            own_rate_limit: token.rate_limit_per_minute,
            ends_at_ms: AtomicI64::new(token.ends_at.map_or(NEVER, Timestamp::as_millis)),
            end_moved: Notify::new(),
            streams: AtomicU32::new(0),
            last_used_ms: AtomicI64::new(0),
            last_use_unwritten: AtomicBool::new(false),
            term,
        }
    }

    /// Tells whether the token is accepted at `now`.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        now.as_millis() < self.ends_at_ms.load(Ordering::SeqCst)
    }

    /// Tells whether the token is accepted by now. Most do not expire, and need not know what time it is.
    #[must_use]
    pub fn is_live_by(&self, clock: &Clock) -> bool {
        self.ends_at_ms.load(Ordering::SeqCst) == NEVER || self.is_live(clock.now())
    }

    /// Tells whether something may still be sent for the token: it is accepted, and nobody but this
    /// gateway can have ended it.
    #[must_use]
    pub fn may_send(&self, clock: &Clock) -> bool {
        self.term.holds() && self.is_live_by(clock)
    }

    /// Waits until the token is no longer accepted: revoked, expired, or its workspace gone.
    ///
    /// Runs beside everything in flight, so that it ends when access does.
    pub async fn until_ended(&self, clock: &Clock) {
        loop {
            let moved = self.end_moved.notified();
            tokio::pin!(moved);
            // Enabled before the end is read: an end that moves in between is not missed.
            moved.as_mut().enable();
            let ends_at = self.ends_at_ms.load(Ordering::SeqCst);
            // Most tokens do not expire, and need not know what time it is.
            if ends_at == NEVER {
                moved.await;
            } else if !self.is_live(clock.now()) {
                return;
            } else {
                // Boxed, so that what is in flight for the others does not carry its size.
                select(moved, Box::pin(clock.reached(Timestamp::from_millis(ends_at)))).await;
            }
        }
    }

    /// Requests per minute this token may make: its own limit, its plan's, or the gateway's.
    #[must_use]
    pub fn rate_limit(&self, gateway_limit: u32) -> u32 {
        self.own_rate_limit.or_else(|| self.workspace.plan_rate_limit()).unwrap_or(gateway_limit)
    }

    /// Opens a stream unless `limit` are open already. It is given back when the permit is dropped.
    #[must_use]
    pub fn open_stream(self: &Arc<Self>, limit: u32) -> Option<StreamPermit> {
        let admit = |open| (open < limit).then_some(open + 1);
        self.streams.fetch_update(Ordering::SeqCst, Ordering::SeqCst, admit).ok()?;
        Some(StreamPermit(Arc::clone(self)))
    }

    /// Notes an accepted request. `true` when nobody has noted one since the last [`Grant::take_last_use`].
    pub fn note_use(&self, now: Timestamp) -> bool {
        self.last_used_ms.fetch_max(now.as_millis(), Ordering::Relaxed);
        !self.last_use_unwritten.swap(true, Ordering::AcqRel)
    }

    /// The last accepted request, to be written.
    pub fn take_last_use(&self) -> Timestamp {
        self.last_use_unwritten.store(false, Ordering::Release);
        Timestamp::from_millis(self.last_used_ms.load(Ordering::Relaxed))
    }

    /// When the grant ends by itself, if it does.
    #[must_use]
    pub fn ends_at(&self) -> Option<Timestamp> {
        Some(self.ends_at_ms.load(Ordering::SeqCst))
            .filter(|&moment| moment != NEVER)
            .map(Timestamp::from_millis)
    }

    /// Ends the grant for good, wherever the clock goes.
    pub fn end(&self) {
        self.end_at(Timestamp::from_millis(i64::MIN));
    }

    /// Lets the grant end at `moment`, unless it ends before.
    pub fn end_at(&self, moment: Timestamp) {
        self.ends_at_ms.fetch_min(moment.as_millis(), Ordering::SeqCst);
        self.end_moved.notify_waiters();
    }
}

/// One open stream of a token.
pub struct StreamPermit(Arc<Grant>);

impl Drop for StreamPermit {
    fn drop(&mut self) {
        self.0.streams.fetch_sub(1, Ordering::SeqCst);
    }
}
