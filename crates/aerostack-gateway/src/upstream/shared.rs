//! The requests on one stream that they share: the event stream of 2024-11-05, or a program's output.
//!
//! Whoever reads the stream hands each message to the request it belongs to, and never waits for a slow one: a
//! response has a place of its own, and progress beyond a small queue is dropped. When the stream ends, so do
//! all requests on it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::answer::{Expect, Questions};
use super::aside::Aside;
use super::error::UpstreamError;
use super::frame::{Frame, Whole};
use super::http::silent;
use super::message::Message;
use super::question::{OpenQuestions, Question};

/// Notifications that wait for one request.
const NOTIFICATIONS_WAITING: usize = 64;
/// Questions that wait for a call, asked while there was none.
const QUESTIONS_WAITING: usize = 16;

/// The requests on a stream that they share.
pub(super) struct Shared {
    state: Mutex<State>,
    closed: CancellationToken,
    open: OpenQuestions,
}

struct State {
    waiters: HashMap<u64, Waiter>,
    unclaimed: VecDeque<Question>,
    is_open: bool,
    last_byte: Instant,
    /// Why it ended.
    reason: Option<String>,
}

struct Waiter {
    notes: mpsc::Sender<Note>,
    response: oneshot::Sender<Whole>,
    is_asked: bool,
}

/// What comes before a response.
enum Note {
    Message(Whole),
    Question(Question),
}

impl Shared {
    /// A stream that stands.
    pub(super) fn open() -> Arc<Self> {
        let state = State {
            waiters: HashMap::new(),
            unclaimed: VecDeque::new(),
            is_open: true,
            last_byte: Instant::now(),
            reason: None,
        };
        let (closed, open) = (CancellationToken::new(), OpenQuestions::default());
        Arc::new(Self { state: Mutex::new(state), closed, open })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the stream still stands.
    pub(super) fn is_open(&self) -> bool {
        self.state().is_open
    }

    /// Waits until it has ended.
    pub(super) async fn closed(&self) {
        self.closed.cancelled().await;
    }

    /// Notes that something came.
    pub(super) fn touch(&self) {
        self.state().last_byte = Instant::now();
    }

    /// Whether somebody waits for the response to this request.
    pub(super) fn is_waited_for(&self, id: u64) -> bool {
        self.state().waiters.contains_key(&id)
    }

    /// Registers a request, before it is sent. `None` if the stream has ended.
    pub(super) fn expect(self: &Arc<Self>, expect: Expect) -> Option<Pending> {
        let Expect { id, whole_bytes, idle, questions, .. } = expect;
        let (notes, noted) = mpsc::channel(NOTIFICATIONS_WAITING);
        let (response, responded) = oneshot::channel();
        let mut state = self.state();
        if !state.is_open {
            return None;
        }
        let is_asked = questions == Questions::HandedOn;
        if is_asked {
            for question in std::mem::take(&mut state.unclaimed) {
                // There is room for all of them.
                let _ = notes.try_send(Note::Question(question));
            }
        }
        state.waiters.insert(id, Waiter { notes, response, is_asked });
        drop(state);
        Some(Pending {
            id,
            whole_bytes,
            idle,
            since: Instant::now(),
            shared: self.clone(),
            noted,
            responded: Some(responded),
            last: None,
            end: false,
            given_up: None,
        })
    }

    /// Takes note of a question that came on it, if there is one: its call is the oldest under way, or the
    /// next. All calls of a session that can be asked are one person's.
    pub(super) fn ask(&self, aside: &Aside, raw_id: &str, method: &str, message: &Bytes) {
        let Some(question) = aside.question(raw_id, method, message, &self.open) else { return };
        let mut state = self.state();
        let asked = state.waiters.iter().filter(|(_, waiter)| waiter.is_asked);
        match asked.min_by_key(|(id, _)| **id).map(|(_, waiter)| waiter.notes.clone()) {
            // One that finds no room is dropped, and answered with that.
            Some(notes) => drop(notes.try_send(Note::Question(question))),
            None if state.is_open && state.unclaimed.len() < QUESTIONS_WAITING => {
                state.unclaimed.push_back(question);
            }
            None => {}
        }
    }

    /// Hands a message to whom it concerns.
    pub(super) fn dispatch(&self, whole: &Whole, message: &Message<'_>) {
        let mut state = self.state();
        match message {
            Message::Response { id: Some(raw), .. } => {
                if let Some(waiter) = own_id(raw).and_then(|id| state.waiters.remove(&id)) {
                    // A request given up in this moment needs no response.
                    let _ = waiter.response.send(whole.clone());
                }
            }
            Message::Notification { progress_token: Some(raw) } => {
                if let Some(waiter) = own_id(raw).and_then(|id| state.waiters.get(&id)) {
                    let _ = waiter.notes.try_send(Note::Message(whole.clone()));
                }
            }
            // It names no request: certain whose it is only while there is one.
            Message::Notification { progress_token: None } if state.waiters.len() == 1 => {
                for waiter in state.waiters.values() {
                    let _ = waiter.notes.try_send(Note::Message(whole.clone()));
                }
            }
            // Whose question it was is known to whom it was handed.
            Message::Cancelled => {
                for waiter in state.waiters.values().filter(|waiter| waiter.is_asked) {
                    let _ = waiter.notes.try_send(Note::Message(whole.clone()));
                }
            }
            _ => {}
        }
    }

    /// Ends the stream, which broke off.
    pub(super) fn close(&self) {
        self.close_because("the event stream broke off".into());
    }

    /// Ends the stream, and with it all requests on it; the first reason counts.
    pub(super) fn close_because(&self, reason: String) {
        let mut state = self.state();
        state.reason.get_or_insert(reason);
        state.is_open = false;
        state.waiters.clear();
        state.unclaimed.clear();
        self.closed.cancel();
    }

    /// Why it ended.
    pub(super) fn reason(&self) -> String {
        self.state().reason.clone().unwrap_or_else(|| "the stream broke off".into())
    }
}

fn own_id(raw: &str) -> Option<u64> {
    raw.parse().ok().filter(|id| super::message::is_id(raw, *id))
}

/// A request on the stream, and what came for it.
pub(super) struct Pending {
    id: u64,
    whole_bytes: usize,
    idle: Duration,
    since: Instant,
    shared: Arc<Shared>,
    noted: mpsc::Receiver<Note>,
    responded: Option<oneshot::Receiver<Whole>>,
    /// The response, while what was said before it is told.
    last: Option<Result<Note, UpstreamError>>,
    end: bool,
    /// Told if it is dropped before its response came.
    given_up: Option<Box<dyn FnOnce(u64) + Send>>,
}

impl Pending {
    /// The same, telling when it is dropped before its response came.
    pub(super) fn told_when_given_up(mut self, tell: Box<dyn FnOnce(u64) + Send>) -> Self {
        self.given_up = Some(tell);
        self
    }

    /// The next frame; after the response, or an error, nothing follows.
    pub(super) async fn next(&mut self) -> Option<Result<Frame, UpstreamError>> {
        if std::mem::take(&mut self.end) {
            return Some(Ok(Frame::End));
        }
        let arrived = self.arrived().await?;
        Some(arrived.map(|note| match note {
            Note::Question(question) => Frame::Question(question),
            Note::Message(whole) if whole.text.len() <= self.whole_bytes => Frame::Whole(whole),
            Note::Message(whole) => {
                self.end = true;
                Frame::Begin(whole.text)
            }
        }))
    }

    /// What comes before the response to a call that is answered elsewhere; `None` when nothing will any more.
    pub(super) async fn beside(&mut self) -> Option<Frame> {
        Some(match self.noted.recv().await? {
            Note::Question(question) => Frame::Question(question),
            Note::Message(whole) => Frame::Whole(whole),
        })
    }

    /// How many questions of the stream are open.
    pub(super) fn open(&self) -> OpenQuestions {
        self.shared.open.clone()
    }

    /// The next whole message.
    async fn arrived(&mut self) -> Option<Result<Note, UpstreamError>> {
        let Some(responded) = self.responded.as_mut() else { return self.rest() };
        loop {
            let deadline = silent_until(&self.shared, self.since, self.idle);
            tokio::select! {
                biased;
                Some(note) = self.noted.recv() => return Some(Ok(note)),
                response = &mut *responded => {
                    self.responded = None;
                    self.last = Some(response.map(Note::Message).map_err(|_| bad(&self.shared.reason())));
                    return self.rest();
                }
                () = tokio::time::sleep_until(deadline) => {
                    if silent_until(&self.shared, self.since, self.idle) <= Instant::now() {
                        self.responded = None;
                        return Some(Err(silent(self.idle)));
                    }
                }
            }
        }
    }

    /// What is left when the response is there. What was said before it may have come, from another thread, after
    /// that was looked for.
    fn rest(&mut self) -> Option<Result<Note, UpstreamError>> {
        self.last.as_ref()?;
        self.noted.try_recv().ok().map(Ok).or_else(|| self.last.take())
    }

    /// Waits for the response and drops what comes before it.
    ///
    /// # Errors
    /// When none comes.
    pub(super) async fn response(mut self) -> Result<Bytes, UpstreamError> {
        while let Some(arrived) = self.arrived().await {
            if let (Note::Message(whole), None, None) = (arrived?, &self.responded, &self.last) {
                return Ok(whole.text);
            }
        }
        Err(bad(&self.shared.reason()))
    }
}

fn bad(reason: &str) -> UpstreamError {
    UpstreamError::BadAnswer(reason.into())
}

/// When the silence is too long; while a question is open, the server waits for us.
fn silent_until(shared: &Shared, since: Instant, idle: Duration) -> Instant {
    if shared.open.count() > 0 {
        return Instant::now() + idle;
    }
    let since = since.max(shared.state().last_byte);
    shared.open.closed_at().map_or(since, |closed_at| since.max(closed_at)) + idle
}

impl Drop for Pending {
    fn drop(&mut self) {
        let waited = self.shared.state().waiters.remove(&self.id);
        if let (Some(_), Some(tell)) = (waited, self.given_up.take()) {
            tell(self.id);
        }
    }
}
