//! Streams of events that outlive their connection: what is said on one is kept for a while, and whoever
//! it was meant for may come back with the id of the last event that reached them.
//!
//! Here are both ends that a request meets: a stream begins, or is resumed; its reader writes it. What
//! moves it stands in `pump`, what is kept in `replay`.
//! Source: MCP 2025-11-25, "Resumability and Redelivery"; SEP-1699.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::OptionFuture;
use http::{HeaderMap, HeaderName};
use tokio::time::Instant;

use super::answer::Piece;
use super::bell::Bell;
use super::error::Refusal;
use super::pump::{Carried, Pump};
use super::replay::{EventId, KeptEvent, Kind, Part, Replays, Resumed, StreamName};
use super::revision::Legacy;
use super::seat::{Reading, seat};
use crate::app::App;
use crate::grants::{Grant, StreamPermit};
use crate::http::body::StreamFault;
use crate::http::sse;

/// The header in which a client names the last event that reached it.
const LAST_EVENT_HEADER: HeaderName = HeaderName::from_static("last-event-id");
/// How long a client is to wait before it comes back.
const RETRY_MS: u64 = 1_000;

/// Whose streams may be resumed, and what their client understands.
#[derive(Clone, Copy)]
pub(super) struct Terms<'a> {
    replays: &'a Arc<Replays>,
    session: &'a str,
    revision: Legacy,
}

impl<'a> Terms<'a> {
    /// `None` where nothing can be resumed: without a session, or before there were ids.
    pub(super) fn of(replays: &'a Arc<Replays>, session: Option<&'a str>, revision: Legacy) -> Option<Self> {
        let session = session.filter(|_| revision >= Legacy::V2025_03_26)?;
        Some(Self { replays, session, revision })
    }

    /// Whether clients of the revision know that a stream may end to be asked for again.
    fn has_polling(&self) -> bool {
        self.revision >= Legacy::V2025_11_25
    }

    /// When the connection of a stream is closed, to be opened again.
    fn ends_at(&self, app: &App, kind: Kind) -> Option<Instant> {
        let may_end = kind == Kind::Call && self.has_polling();
        may_end.then(|| Instant::now() + app.config.limits.call_stream_for)
    }
}

/// The last event that reached a client, as it says.
pub(super) fn last_event(headers: &HeaderMap) -> Option<&str> {
    headers.get(LAST_EVENT_HEADER)?.to_str().ok()
}

/// A stream that is about to begin and can be resumed.
pub(super) struct Opening<'a> {
    app: &'a Arc<App>,
    grant: &'a Arc<Grant>,
    terms: Terms<'a>,
    kind: Kind,
    name: StreamName,
    bell: Arc<Bell>,
}

impl<'a> Opening<'a> {
    /// Opens a stream; `None` where nothing can be resumed, or there is no room for one more.
    pub(super) fn new(
        app: &'a Arc<App>,
        grant: &'a Arc<Grant>,
        terms: Option<Terms<'a>>,
        kind: Kind,
    ) -> Option<Self> {
        let (terms, name) = (terms?, StreamName::random(&mut app.rng()));
        let bell = terms.replays.open(kind, &grant.token, terms.session, name)?;
        Some(Self { app, grant, terms, kind, name, bell })
    }

    /// Lets it begin, with what was said already, and gives its reader.
    pub(super) fn begin(self, mut carried: Carried, first: Option<Piece>) -> Reader {
        let Self { app, grant, terms, kind, name, bell } = self;
        let id = EventId { stream: name, number: 0 }.to_string();
        let greeting = if terms.has_polling() {
            sse::prime(&id, RETRY_MS)
        } else {
            // Older clients take an event without data for a broken one.
            Bytes::from_static(sse::KEEP_ALIVE)
        };
        let permit = match &mut carried {
            Carried::Call(_) => None,
            Carried::Notices(notices) => notices.take_permit(),
        };
        let (link, rest) = seat(1);
        let pump = Box::new(Pump {
            app: Arc::clone(app),
            grant: Arc::clone(grant),
            replays: Arc::clone(terms.replays),
            name,
            carried,
            bell,
        });
        app.tasks.spawn(pump.run(link, first));
        let ends_at = terms.ends_at(app, kind);
        let rest = Reader::new(name, Vec::new(), Some(rest));
        Reader { greeting: Some(greeting), ends_at, _permit: permit, ..rest }
    }
}

/// Goes on with a stream after an event of it; `None` unless it is there, of this token and this session.
///
/// # Errors
/// [`Refusal::TooManyStreams`] for one more stream of notices than the token may read.
pub(super) fn resume(
    app: &App,
    grant: &Arc<Grant>,
    terms: Terms<'_>,
    last_event: &str,
) -> Result<Option<Reader>, Refusal> {
    let find = |after: EventId| {
        let resumed = terms.replays.resume(&grant.token, terms.session, after)?;
        Some((after.stream, resumed))
    };
    let Some((name, resumed)) = EventId::parse(last_event).and_then(find) else { return Ok(None) };
    let Resumed { kind, missed, rest } = resumed;
    let permit = match kind {
        Kind::Call => None,
        Kind::Notices => {
            let limit = app.config.limits.streams_per_token;
            Some(grant.open_stream(limit).ok_or(Refusal::TooManyStreams)?)
        }
    };
    let greeting = Some(Bytes::from_static(sse::KEEP_ALIVE));
    let ends_at = terms.ends_at(app, kind);
    Ok(Some(Reader { greeting, ends_at, _permit: permit, ..Reader::new(name, missed, rest) }))
}

/// The connection's end of a stream.
pub(super) struct Reader {
    name: StreamName,
    greeting: Option<Bytes>,
    missed: VecDeque<KeptEvent>,
    rest: Option<Reading<Part>>,
    ends_at: Option<Instant>,
    is_within: bool,
    _permit: Option<StreamPermit>,
}

impl Reader {
    fn new(name: StreamName, missed: Vec<KeptEvent>, rest: Option<Reading<Part>>) -> Self {
        let missed = missed.into();
        Self { name, greeting: None, missed, rest, ends_at: None, is_within: false, _permit: None }
    }

    /// The next bytes to write; `None` when the stream is over, or is to be asked for again.
    pub(super) async fn next(&mut self) -> Option<Result<Bytes, StreamFault>> {
        if let Some(greeting) = self.greeting.take() {
            return Some(Ok(greeting));
        }
        if let Some(event) = self.missed.pop_front() {
            return Some(Ok(self.encode(&event)));
        }
        let ends_at = self.ends_at.filter(|_| !self.is_within);
        let rest = self.rest.as_mut()?;
        let part = tokio::select! {
            biased;
            part = rest.next() => part,
            Some(()) = OptionFuture::from(ends_at.map(tokio::time::sleep_until)) => return None,
        };
        match part {
            Some(Part::Event(event)) => Some(Ok(self.encode(&event))),
            Some(Part::Begin(number, bytes)) => {
                self.is_within = true;
                let id = EventId { stream: self.name, number }.to_string();
                Some(Ok([&sse::head(Some(&id))[..], b"data: ", &bytes].concat().into()))
            }
            Some(Part::More(bytes)) => Some(Ok(bytes)),
            Some(Part::End) => {
                self.is_within = false;
                Some(Ok(Bytes::from_static(b"\n\n")))
            }
            Some(Part::Over) => None,
            // Without a word: another reader has taken its place, or the gateway stops.
            Some(Part::Broken) | None => Some(Err(StreamFault::Upstream)),
        }
    }

    /// Whether the bytes written last end inside a message.
    pub(super) const fn is_within_message(&self) -> bool {
        self.is_within
    }

    fn encode(&self, event: &KeptEvent) -> Bytes {
        let id = EventId { stream: self.name, number: event.number }.to_string();
        sse::encode_with(Some(&id), &event.text)
    }
}
