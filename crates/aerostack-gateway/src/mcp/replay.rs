//! What was said on streams that can be resumed, kept for as long as somebody may ask for it.
//!
//! A stream belongs to one token and one session, and its name cannot be guessed; nobody else finds it.
//! How much is kept is bounded for each stream, for each token and in all. To make room, streams nobody
//! waits for are forgotten, the oldest first, and the earliest events of a stream before its later ones.
//! A stream under way is never forgotten for another: where there is no room, that one cannot be resumed.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aerostack_core::id::TokenId;
use bytes::Bytes;
use rand::Rng;

use super::bell::Bell;
use super::seat::{Giver, Reading, seat};

/// How much is kept.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    /// Events of one stream.
    events: usize,
    /// Bytes of one stream.
    stream_bytes: usize,
    /// Bytes of one token's streams.
    token_bytes: usize,
    /// Bytes of all streams.
    all_bytes: usize,
    /// Streams of one token.
    token_streams: usize,
    /// All streams.
    all_streams: usize,
}

impl Bounds {
    /// The gateway's.
    const OURS: Self = Self {
        events: 256,
        stream_bytes: 1_024 * 1_024,
        token_bytes: 4 * 1_024 * 1_024,
        all_bytes: 32 * 1_024 * 1_024,
        token_streams: 64,
        all_streams: 4_096,
    };
}

/// Messages that may wait for a slow reader; then the stream waits.
const READER_QUEUE_LEN: usize = 4;
/// Memory that an event takes beside its text.
const EVENT_BYTES: usize = 64;

/// The name of a stream: 16 random bytes, told in hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct StreamName(u128);

/// Digits of a name.
const NAME_DIGITS: usize = 32;

impl StreamName {
    /// One that nobody can guess.
    pub(super) fn random(rng: &mut impl Rng) -> Self {
        let mut bytes = [0; size_of::<u128>()];
        rng.fill_bytes(&mut bytes);
        Self(u128::from_be_bytes(bytes))
    }

    fn parse(text: &str) -> Option<Self> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let is_name = text.len() == NAME_DIGITS && text.bytes().all(is_digit);
        u128::from_str_radix(text, 16).ok().filter(|_| is_name).map(Self)
    }
}

impl std::fmt::Display for StreamName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:0NAME_DIGITS$x}", self.0)
    }
}

/// The name of an event: that of its stream, and its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EventId {
    /// The stream.
    pub(super) stream: StreamName,
    /// Which of its events.
    pub(super) number: u64,
}

impl EventId {
    /// Reads an id as a client sends it back; `None` if it is none of ours by its form.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (stream, number) = text.rsplit_once('-')?;
        Some(Self { stream: StreamName::parse(stream)?, number: number.parse().ok()? })
    }
}

impl std::fmt::Display for EventId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.stream, self.number)
    }
}

/// One event that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeptEvent {
    /// Its number in its stream.
    pub(super) number: u64,
    /// Its message.
    pub(super) text: Bytes,
}

/// A part of a stream, on its way to the reader.
pub(super) enum Part {
    /// A whole event.
    Event(KeptEvent),
    /// The beginning of a large one, with its number.
    Begin(u64, Bytes),
    /// More of it.
    More(Bytes),
    /// Its end.
    End,
    /// It broke off.
    Broken,
    /// Nothing follows.
    Over,
}

/// What a stream carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The answer to a call.
    Call,
    /// Notices.
    Notices,
}

/// Streams that can be resumed, of everybody.
pub(super) struct Replays {
    bounds: Bounds,
    shelf: Mutex<Shelf>,
}

/// What whoever resumes a stream gets.
pub(super) struct Resumed {
    /// What the stream carries.
    pub(super) kind: Kind,
    /// What was missed, as far as it is kept.
    pub(super) missed: Vec<KeptEvent>,
    /// What follows; `None` if the stream is over.
    pub(super) rest: Option<Reading<Part>>,
}

/// Where an event was kept.
pub(super) struct Recorded {
    /// Whether it is kept.
    pub(super) is_kept: bool,
    /// A reader who came since the event before, and is to get this one.
    pub(super) reader: Option<Giver<Part>>,
}

#[derive(Default)]
struct Shelf {
    streams: HashMap<StreamName, Stream>,
    /// Streams nobody waits for, in the order in which they came to be so.
    idle: BTreeMap<u64, StreamName>,
    moment: u64,
    bytes: usize,
    tokens: HashMap<TokenId, Share>,
}

#[derive(Default)]
struct Share {
    streams: usize,
    bytes: usize,
}

struct Stream {
    kind: Kind,
    token: TokenId,
    session: String,
    events: VecDeque<KeptEvent>,
    bytes: usize,
    is_over: bool,
    /// Its place among those nobody waits for.
    idle_since: Option<u64>,
    /// Who came and has not been met yet.
    reader: Option<Giver<Part>>,
    bell: Arc<Bell>,
}

impl Default for Replays {
    fn default() -> Self {
        Self::new(Bounds::OURS)
    }
}

impl Replays {
    fn new(bounds: Bounds) -> Self {
        Self { bounds, shelf: Mutex::default() }
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a stream of this name resumable, and gives what its pump is told by; `None` where there is no room
    /// for one more.
    pub(super) fn open(
        &self,
        kind: Kind,
        token: &TokenId,
        session: &str,
        name: StreamName,
    ) -> Option<Arc<Bell>> {
        let mut shelf = self.shelf();
        while shelf.tokens.get(token).is_some_and(|share| share.streams >= self.bounds.token_streams) {
            shelf.forget_idle(Some(token))?;
        }
        while shelf.streams.len() >= self.bounds.all_streams {
            shelf.forget_idle(None)?;
        }
        let bell = Arc::new(Bell::default());
        let stream = Stream {
            kind,
            token: token.clone(),
            session: session.to_owned(),
            events: VecDeque::new(),
            bytes: 0,
            is_over: false,
            idle_since: None,
            reader: None,
            bell: Arc::clone(&bell),
        };
        shelf.tokens.entry(token.clone()).or_default().streams += 1;
        shelf.streams.insert(name, stream);
        Some(bell)
    }

    /// Keeps an event of a stream, if there is room.
    pub(super) fn record(&self, name: StreamName, event: KeptEvent) -> Recorded {
        let mut shelf = self.shelf();
        let is_kept = shelf.keep(name, event, &self.bounds);
        let reader = shelf.streams.get_mut(&name).and_then(|stream| stream.reader.take());
        Recorded { is_kept, reader }
    }

    /// The reader who came last, if it has not been met yet.
    pub(super) fn reader(&self, name: StreamName) -> Option<Giver<Part>> {
        self.shelf().streams.get_mut(&name)?.reader.take()
    }

    /// Nobody waits for the stream any more: it may be forgotten for another. Not if a reader has come.
    pub(super) fn rest(&self, name: StreamName) {
        self.shelf().rest(name);
    }

    /// Nothing follows on the stream. What was said stays until it is forgotten. Gives a reader who has come
    /// and has not been met.
    pub(super) fn end(&self, name: StreamName) -> Option<Giver<Part>> {
        let mut shelf = self.shelf();
        let stream = shelf.streams.get_mut(&name)?;
        stream.is_over = true;
        let reader = stream.reader.take();
        shelf.rest(name);
        reader
    }

    /// Forgets a stream.
    pub(super) fn forget(&self, name: StreamName) {
        self.shelf().forget(name);
    }

    /// Forgets what a session was told.
    pub(super) fn forget_session(&self, token: &TokenId, session: &str) {
        let mut shelf = self.shelf();
        let is_its = |stream: &Stream| stream.token == *token && stream.session == session;
        let theirs = shelf.streams.iter().filter(|(_, stream)| is_its(stream));
        let names: Vec<StreamName> = theirs.map(|(name, _)| *name).collect();
        names.into_iter().for_each(|name| shelf.forget(name));
    }

    /// Resumes a stream after an event; `None` unless it is one of this token's, in this session.
    pub(super) fn resume(&self, token: &TokenId, session: &str, after: EventId) -> Option<Resumed> {
        let mut shelf = self.shelf();
        let stream = shelf.streams.get_mut(&after.stream)?;
        if stream.token != *token || stream.session != session {
            return None;
        }
        let kind = stream.kind;
        let missed = stream.events.iter().filter(|event| event.number > after.number).cloned().collect();
        if stream.is_over {
            return Some(Resumed { kind, missed, rest: None });
        }
        let (reader, rest) = seat(READER_QUEUE_LEN);
        stream.reader = Some(reader);
        stream.bell.arrive();
        if let Some(since) = stream.idle_since.take() {
            shelf.idle.remove(&since);
        }
        Some(Resumed { kind, missed, rest: Some(rest) })
    }
}

impl Shelf {
    fn rest(&mut self, name: StreamName) {
        let Some(stream) = self.streams.get_mut(&name) else { return };
        if stream.idle_since.is_none() && stream.reader.is_none() {
            self.moment += 1;
            stream.idle_since = Some(self.moment);
            self.idle.insert(self.moment, name);
        }
    }

    /// Forgets the oldest stream that nobody waits for, of one token or of anybody; `None` if there is none.
    fn forget_idle(&mut self, token: Option<&TokenId>) -> Option<()> {
        let is_theirs = |name: &&StreamName| {
            token.is_none_or(|token| self.streams.get(*name).is_some_and(|stream| stream.token == *token))
        };
        let name = *self.idle.values().find(is_theirs)?;
        self.forget(name);
        Some(())
    }

    fn forget(&mut self, name: StreamName) {
        let Some(stream) = self.streams.remove(&name) else { return };
        if let Some(since) = stream.idle_since {
            self.idle.remove(&since);
        }
        stream.bell.forget();
        self.bytes -= stream.bytes;
        if let Some(share) = self.tokens.get_mut(&stream.token) {
            share.bytes -= stream.bytes;
            share.streams -= 1;
            if share.streams == 0 {
                self.tokens.remove(&stream.token);
            }
        }
    }

    fn keep(&mut self, name: StreamName, event: KeptEvent, bounds: &Bounds) -> bool {
        let bytes = event.text.len() + EVENT_BYTES;
        let Some(stream) = self.streams.get(&name) else { return false };
        let token = stream.token.clone();
        let limit = bounds.stream_bytes.min(bounds.token_bytes).min(bounds.all_bytes);
        if bytes > limit {
            return false;
        }
        loop {
            let Some(stream) = self.streams.get(&name) else { return false };
            let is_full = stream.events.len() >= bounds.events || stream.bytes + bytes > bounds.stream_bytes;
            let held = self.tokens.get(&token).map_or(0, |share| share.bytes);
            let has_room = if is_full {
                self.drop_earliest(name)
            } else if held + bytes > bounds.token_bytes {
                self.forget_idle(Some(&token)).is_some() || self.drop_earliest(name)
            } else if self.bytes + bytes > bounds.all_bytes {
                self.forget_idle(None).is_some() || self.drop_earliest(name)
            } else {
                break;
            };
            if !has_room {
                return false;
            }
        }
        self.add(name, event, bytes);
        true
    }

    fn add(&mut self, name: StreamName, event: KeptEvent, bytes: usize) {
        let Some(stream) = self.streams.get_mut(&name) else { return };
        stream.events.push_back(event);
        stream.bytes += bytes;
        self.bytes += bytes;
        self.tokens.entry(stream.token.clone()).or_default().bytes += bytes;
    }

    /// Drops the earliest event of a stream; `false` if it has none.
    fn drop_earliest(&mut self, name: StreamName) -> bool {
        let Some(stream) = self.streams.get_mut(&name) else { return false };
        let Some(event) = stream.events.pop_front() else { return false };
        let bytes = event.text.len() + EVENT_BYTES;
        stream.bytes -= bytes;
        self.bytes -= bytes;
        if let Some(share) = self.tokens.get_mut(&stream.token) {
            share.bytes -= bytes;
        }
        true
    }
}

#[cfg(test)]
mod tests;
