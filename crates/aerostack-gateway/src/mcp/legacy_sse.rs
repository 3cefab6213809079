//! The transport of 2024-11-05: a GET stream that names an address, POSTs there, answers on the stream.
//!
//! The stream belongs to the token that opened it; POSTs of another token do not find it. Messages are
//! written whole, one after the other; one that is larger than `Limits::event_limit_bytes` is an error.
//! When the gateway drains, the stream ends once everything under way is answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use aerostack_core::client_capability::ClientCapabilities;
use aerostack_core::id::TokenId;
use bytes::Bytes;
use futures_util::stream;
use http::Response;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::answer::{Answer, Piece};
use super::error::Refusal;
use super::listen::Listening;
use super::relay::CallStream;
use super::streamable::event_stream_response;
use crate::app::App;
use crate::grants::Grant;
use crate::http::body::{Body, StreamFault};
use crate::http::budget::Tally;
use crate::http::kept_alive::{KeptAlive, Part};
use crate::http::sse;
use crate::upstream::UpstreamError;

/// Messages that may wait for a slow reader; then calls wait.
const QUEUE_LEN: usize = 64;
/// Requests of one stream under way; further ones are refused.
const REQUESTS_MAX: usize = 64;
const NAME_BYTES: usize = 16;

/// Open streams by name. Bounded by `Limits::streams_per_token` for each token.
#[derive(Clone, Default)]
pub struct SseStreams(Arc<papaya::HashMap<String, Arc<SseStream>>>);

/// The writing end of one stream.
pub struct SseStream {
    token: TokenId,
    held: Arc<Tally>,
    messages: mpsc::Sender<Bytes>,
    requests: Arc<Semaphore>,
    /// What its client declared in its handshake, as bits.
    declared: AtomicU8,
}

impl SseStreams {
    /// Opens a stream; its first event names the address to post to.
    ///
    /// *Shape*: `address` is the path of the stream itself; clients refuse another origin, so it is
    /// told without one.
    ///
    /// # Errors
    /// [`Refusal::TooManyStreams`] when the token has as many open as it may.
    pub fn open(&self, app: &Arc<App>, grant: &Arc<Grant>, address: &str) -> Result<Response<Body>, Refusal> {
        let name = random_name(app);
        let listening = Listening::legacy(app, grant, &name)?;
        let (messages, receiver) = mpsc::channel(QUEUE_LEN);
        let requests = Arc::new(Semaphore::new(REQUESTS_MAX));
        let (token, held) = (grant.token.clone(), Arc::clone(&grant.held));
        let declared = AtomicU8::new(0);
        let stream = SseStream { token, held, messages, requests: Arc::clone(&requests), declared };
        self.0.pin().insert(name.clone(), Arc::new(stream));
        let endpoint = format!("event: endpoint\ndata: {address}?sessionId={name}\n\n");
        let open = Open {
            first: Some(endpoint.into()),
            receiver,
            listening,
            requests,
            is_draining: false,
            app: Arc::clone(app),
            grant: Arc::clone(grant),
            _entry: Entry { name, app: Arc::clone(app), grant: Arc::clone(grant), streams: self.clone() },
        };
        let parts = stream::unfold(Some(Box::new(open)), |open| async {
            let mut open = open?;
            match open.next().await? {
                Ok(bytes) => Some((Ok(Part { bytes, is_within_message: false }), Some(open))),
                Err(fault) => Some((Err(fault), None)),
            }
        });
        let every = app.config.limits.keep_alive_every;
        Ok(event_stream_response(Body::stream(KeptAlive::new(parts, every))))
    }

    /// Finds a stream of the token.
    ///
    /// # Errors
    /// [`Refusal::UnknownSession`] when there is none; [`Refusal::Draining`] when it may just have ended.
    pub fn find(&self, app: &App, name: &str, token: &TokenId) -> Result<Arc<SseStream>, Refusal> {
        let found = self.0.pin().get(name).filter(|stream| stream.token == *token).cloned();
        found.ok_or(if app.is_draining() { Refusal::Draining } else { Refusal::UnknownSession })
    }
}

fn random_name(app: &App) -> String {
    let mut bytes = [0u8; NAME_BYTES];
    rand::Rng::fill_bytes(&mut app.rng(), &mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl SseStream {
    /// Takes so many more requests under way.
    ///
    /// # Errors
    /// [`Refusal::TooManyStreams`] when as many are under way as there may be; [`Refusal::Draining`] when
    /// the stream is about to end.
    pub fn begin(&self, app: &App, requests: usize) -> Result<OwnedSemaphorePermit, Refusal> {
        if app.is_draining() {
            return Err(Refusal::Draining);
        }
        let requests = u32::try_from(requests).map_err(|_| Refusal::TooManyStreams)?;
        Arc::clone(&self.requests).try_acquire_many_owned(requests).map_err(|_| Refusal::TooManyStreams)
    }

    /// Notes what its client can be asked for.
    pub fn declare(&self, capabilities: ClientCapabilities) {
        self.declared.store(capabilities.bits(), Ordering::Release);
    }

    /// What its client can be asked for.
    #[must_use]
    pub fn declared(&self) -> ClientCapabilities {
        ClientCapabilities::of_bits(self.declared.load(Ordering::Acquire))
    }

    /// Waits until nobody reads the stream any more.
    pub async fn closed(&self) {
        self.messages.closed().await;
    }

    /// Writes what a request of the raw id `id` comes to.
    pub async fn write(&self, app: &App, id: &str, outcome: Result<Answer, Refusal>) {
        let written = match outcome {
            Err(refusal) => Err(refusal),
            Ok(Answer::Message { text, .. }) => self.send(app, &text).await,
            Ok(Answer::List { begin, rest }) => self.send(app, &[begin, rest].concat()).await,
            Ok(Answer::Call(call)) => self.write_call(app, *call).await,
            Ok(Answer::Accepted | Answer::Listen(_)) => Ok(()),
        };
        if let Err(refusal) = written {
            // Small, so it is not counted.
            self.queue(sse::encode(refusal.message(Some(id)).as_bytes())).await;
        }
    }

    async fn write_call(&self, app: &App, mut call: CallStream) -> Result<(), Refusal> {
        let room = app.budget.of(&self.held);
        let gather = || room.gather(0).map_err(Refusal::NoRoom);
        let mut large = gather()?;
        while let Some(piece) = call.next().await {
            match piece {
                // A notice that does not fit is left out.
                Piece::Notification(text) => drop(self.send(app, &text).await),
                Piece::Response { text, .. } => self.send(app, &text).await?,
                Piece::Begin(bytes) | Piece::More(bytes)
                    if large.len() + bytes.len() <= app.config.limits.event_limit_bytes =>
                {
                    if let Err(no_room) = large.push(bytes) {
                        call.give_up();
                        return Err(Refusal::NoRoom(no_room));
                    }
                }
                Piece::End { .. } => {
                    let whole = std::mem::replace(&mut large, gather()?).finish();
                    self.send(app, &whole).await?;
                }
                Piece::Begin(_) | Piece::More(_) | Piece::Broken => {
                    call.give_up();
                    let server = call.server().to_owned();
                    let error = UpstreamError::BadAnswer("too large or broken off".to_owned());
                    return Err(Refusal::Upstream { server, error });
                }
            }
        }
        Ok(())
    }

    /// Queues a message; what waits for the reader is counted among what the token holds.
    async fn send(&self, app: &App, message: &[u8]) -> Result<(), Refusal> {
        let room = app.budget.of(&self.held);
        self.queue(room.keep(sse::encode(message)).map_err(Refusal::NoRoom)?).await;
        Ok(())
    }

    async fn queue(&self, event: Bytes) {
        // The reader may be gone; then nobody misses the message.
        let _ = self.messages.send(event).await;
    }
}

/// The reading end of one stream.
struct Open {
    first: Option<Bytes>,
    receiver: mpsc::Receiver<Bytes>,
    listening: Listening,
    requests: Arc<Semaphore>,
    is_draining: bool,
    app: Arc<App>,
    grant: Arc<Grant>,
    _entry: Entry,
}

struct Entry {
    name: String,
    app: Arc<App>,
    grant: Arc<Grant>,
    streams: SseStreams,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.streams.0.pin().remove(&self.name);
        // It was the session; nobody comes back to it.
        self.grant.wishes.end(&self.name);
        self.app.upstreams.end_session(&self.grant.token, &self.name);
    }
}

impl Open {
    async fn next(&mut self) -> Option<Result<Bytes, StreamFault>> {
        if let Some(first) = self.first.take() {
            return Some(Ok(first));
        }
        loop {
            tokio::select! {
                biased;
                () = self.grant.until_ended(&self.app.clock) => return Some(Err(StreamFault::AccessEnded)),
                message = self.receiver.recv() => return message.map(Ok),
                notice = self.listening.next(), if !self.is_draining => match notice {
                    Some(notice) => return Some(Ok(sse::encode(&notice))),
                    None => self.is_draining = true,
                },
                () = all_are_done(&self.requests), if self.is_draining => {
                    // Answers are queued before their requests count as done.
                    return self.receiver.try_recv().ok().map(Ok);
                }
            }
        }
    }
}

/// Waits until no request of a stream is under way.
async fn all_are_done(requests: &Semaphore) {
    let all = u32::try_from(REQUESTS_MAX).expect("the limit is small");
    // The semaphore is never closed.
    let _ = requests.acquire_many(all).await;
}
