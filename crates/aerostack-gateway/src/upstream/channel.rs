//! The 2024-11-05 transport, HTTP+SSE: one long event stream carries everything the server says;
//! messages to it are posted to an address the stream names first.
//!
//! One task reads the stream and hands each message to the request it belongs to. It never waits for a
//! slow one: a response has a place of its own, and progress beyond a small queue is dropped. When the
//! stream ends, so do all requests on it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use reqwest::Response;
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::aside::Aside;
use super::error::UpstreamError;
use super::exchange;
use super::frame::Frame;
use super::http::{Endpoint, next_chunk, silent};
use super::message::Message;
use crate::http::sse::{Decoder, Oversize, Piece};

/// Notifications that wait for one request.
const NOTIFICATIONS_WAITING: usize = 64;

/// A stream and the requests on it.
pub(super) struct Channel {
    endpoint: Endpoint,
    shared: Arc<Shared>,
    reader: AbortHandle,
}

/// The requests on a stream that they share.
pub(super) struct Shared {
    state: Mutex<State>,
    closed: CancellationToken,
}

struct State {
    waiters: HashMap<u64, Waiter>,
    is_open: bool,
    last_byte: Instant,
    /// Why it ended.
    reason: Option<String>,
}

struct Waiter {
    notifications: mpsc::Sender<Bytes>,
    response: oneshot::Sender<Bytes>,
}

impl Shared {
    /// A stream that stands.
    pub(super) fn open() -> Arc<Self> {
        let state = State { waiters: HashMap::new(), is_open: true, last_byte: Instant::now(), reason: None };
        Arc::new(Self { state: Mutex::new(state), closed: CancellationToken::new() })
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
    pub(super) fn expect(self: &Arc<Self>, id: u64, whole_bytes: usize, idle: Duration) -> Option<Pending> {
        let (notifications, notified) = mpsc::channel(NOTIFICATIONS_WAITING);
        let (response, responded) = oneshot::channel();
        let mut state = self.state();
        if !state.is_open {
            return None;
        }
        state.waiters.insert(id, Waiter { notifications, response });
        drop(state);
        Some(Pending {
            id,
            whole_bytes,
            idle,
            since: Instant::now(),
            shared: self.clone(),
            notified,
            responded: Some(responded),
            end: false,
            given_up: None,
        })
    }

    /// Hands a message to whom it concerns.
    pub(super) fn dispatch(&self, data: Bytes, message: &Message<'_>) {
        let mut state = self.state();
        match message {
            Message::Response { id: Some(raw), .. } => {
                if let Some(waiter) = own_id(raw).and_then(|id| state.waiters.remove(&id)) {
                    // A request given up in this moment needs no response.
                    let _ = waiter.response.send(data);
                }
            }
            Message::Notification { progress_token: Some(raw) } => {
                if let Some(waiter) = own_id(raw).and_then(|id| state.waiters.get(&id)) {
                    let _ = waiter.notifications.try_send(data);
                }
            }
            // It names no request: certain whose it is only while there is one.
            Message::Notification { progress_token: None } if state.waiters.len() == 1 => {
                for waiter in state.waiters.values() {
                    let _ = waiter.notifications.try_send(data.clone());
                }
            }
            _ => {}
        }
    }

    fn close(&self) {
        self.close_because("the event stream broke off".into());
    }

    /// Ends the stream, and with it all requests on it; the first reason counts.
    pub(super) fn close_because(&self, reason: String) {
        let mut state = self.state();
        state.reason.get_or_insert(reason);
        state.is_open = false;
        state.waiters.clear();
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

impl Channel {
    /// Opens the stream and waits for the address to post to. `None` if the server has no such stream.
    ///
    /// # Errors
    /// Network errors, a refused credential, an address elsewhere.
    pub(super) async fn open(
        endpoint: &Endpoint,
        event_limit_bytes: usize,
        aside: impl FnOnce(Endpoint) -> Aside,
    ) -> Result<Option<Self>, UpstreamError> {
        let response = endpoint.get_events(HeaderMap::new()).await?;
        let Some(mut body) = exchange::event_stream(endpoint, response).await? else {
            return Ok(None);
        };
        let mut decoder = Decoder::new(event_limit_bytes, Oversize::Refuse);
        let mut found = VecDeque::new();
        let target = loop {
            let chunk = next_chunk(&mut body, endpoint.idle()).await?;
            let chunk = chunk.ok_or_else(|| bad("the event stream ended before it named an address"))?;
            decoder.push(&chunk, &mut found).map_err(|error| bad(&error.to_string()))?;
            if let Some(target) = take_address(&mut found) {
                break target;
            }
        };
        let url = endpoint.url().join(&target).map_err(|_| bad("the event stream named no address"))?;
        if url.origin() != endpoint.url().origin() {
            return Err(bad("the event stream named an address on another origin"));
        }
        let endpoint = endpoint.at(url);
        let shared = Shared::open();
        let reader = Reader { body, decoder, found, shared: shared.clone(), aside: aside(endpoint.clone()) };
        let reader = tokio::spawn(reader.run()).abort_handle();
        Ok(Some(Self { endpoint, shared, reader }))
    }

    /// Where messages are posted to.
    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Whether the stream still stands.
    pub(super) fn is_open(&self) -> bool {
        self.shared.is_open()
    }

    /// Waits until the stream has ended.
    pub(super) async fn closed(&self) {
        self.shared.closed().await;
    }

    /// Registers a request, before it is posted. `None` if the stream has ended.
    pub(super) fn expect(&self, id: u64, whole_bytes: usize) -> Option<Pending> {
        self.shared.expect(id, whole_bytes, self.endpoint.idle())
    }

    /// Closes the stream, which ends the session.
    pub(super) fn close(&self) {
        self.reader.abort();
        self.shared.close();
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.close();
    }
}

fn bad(reason: &str) -> UpstreamError {
    UpstreamError::BadAnswer(reason.into())
}

/// The data of the `endpoint` event, once it is there; what came before it is dropped.
fn take_address(found: &mut VecDeque<Piece>) -> Option<String> {
    while let Some(piece) = found.pop_front() {
        if let Piece::Event(event) = piece
            && event.name.as_deref() == Some("endpoint")
        {
            return Some(String::from_utf8_lossy(&event.data).into_owned());
        }
    }
    None
}

struct Reader {
    body: Response,
    decoder: Decoder,
    found: VecDeque<Piece>,
    shared: Arc<Shared>,
    aside: Aside,
}

impl Reader {
    async fn run(mut self) {
        loop {
            while let Some(piece) = self.found.pop_front() {
                if let Piece::Event(event) = piece
                    && event.is_message()
                {
                    self.read_message(event.data);
                }
            }
            // A silent stream is no fault while nobody waits for an answer on it.
            let Ok(Some(bytes)) = self.body.chunk().await else {
                break;
            };
            self.shared.touch();
            if self.decoder.push(&bytes, &mut self.found).is_err() {
                break;
            }
        }
        self.shared.close();
    }

    fn read_message(&self, data: Bytes) {
        match Message::read(&data) {
            None => {}
            Some(Message::ListChanged) => self.aside.list_changed(),
            Some(Message::Updated { params }) => self.aside.updated(params),
            Some(Message::Request { id, method }) => self.aside.answer(id, &method),
            Some(message) => self.shared.dispatch(data.clone(), &message),
        }
    }
}

/// A request on the stream, and what came for it.
pub(super) struct Pending {
    id: u64,
    whole_bytes: usize,
    idle: Duration,
    since: Instant,
    shared: Arc<Shared>,
    notified: mpsc::Receiver<Bytes>,
    responded: Option<oneshot::Receiver<Bytes>>,
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
        Some(arrived.map(|bytes| {
            if bytes.len() <= self.whole_bytes {
                Frame::Whole(bytes)
            } else {
                self.end = true;
                Frame::Begin(bytes)
            }
        }))
    }

    /// The next whole message.
    async fn arrived(&mut self) -> Option<Result<Bytes, UpstreamError>> {
        let responded = self.responded.as_mut()?;
        loop {
            let deadline = self.since.max(self.shared.state().last_byte) + self.idle;
            tokio::select! {
                biased;
                Some(bytes) = self.notified.recv() => return Some(Ok(bytes)),
                response = &mut *responded => {
                    self.responded = None;
                    return Some(response.map_err(|_| bad(&self.shared.reason())));
                }
                () = tokio::time::sleep_until(deadline) => {
                    if self.shared.state().last_byte + self.idle <= Instant::now() {
                        self.responded = None;
                        return Some(Err(silent(self.idle)));
                    }
                }
            }
        }
    }

    /// Waits for the response and drops what comes before it.
    ///
    /// # Errors
    /// When none comes.
    pub(super) async fn response(mut self) -> Result<Bytes, UpstreamError> {
        while let Some(arrived) = self.arrived().await {
            let bytes = arrived?;
            if self.responded.is_none() {
                return Ok(bytes);
            }
        }
        Err(bad(&self.shared.reason()))
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let waited = self.shared.state().waiters.remove(&self.id);
        if let (Some(_), Some(tell)) = (waited, self.given_up.take()) {
            tell(self.id);
        }
    }
}
