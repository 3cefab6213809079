//! What moves a stream that can be resumed: a task that takes what is said, keeps it, and hands it to the
//! reader there is.
//!
//! When a reader has gone, a call goes on as the calls of legacy callers do, and notices are collected. A
//! reader who comes back takes the place of one before. Nothing is said to a reader before it is kept, so
//! that whoever comes meanwhile misses nothing; but for large messages, which are kept at their end.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::{Either, OptionFuture};
use tokio::time::{Instant, sleep_until};

use super::answer::Piece;
use super::bell::{Bell, Rung};
use super::error::Refusal;
use super::listen::Listening;
use super::relay::CallStream;
use super::replay::{KeptEvent, Kind, Part, Replays, StreamName};
use super::seat::Giver;
use crate::app::App;
use crate::grants::Grant;
use crate::upstream::UpstreamError;

/// Largest message that is kept.
const LARGE_BYTES: usize = 1_000 * 1_024;

/// What a stream carries.
pub(super) enum Carried {
    /// The answer to a call.
    Call(Box<CallStream>),
    /// Notices.
    Notices(Box<Listening>),
}

impl Carried {
    /// What it is.
    pub(super) const fn kind(&self) -> Kind {
        match self {
            Self::Call(_) => Kind::Call,
            Self::Notices(_) => Kind::Notices,
        }
    }
}

/// A stream that can be resumed, under way.
pub(super) struct Pump {
    /// The hall.
    pub(super) app: Arc<App>,
    /// Whose it is.
    pub(super) grant: Arc<Grant>,
    /// Where what is said is kept.
    pub(super) replays: Arc<Replays>,
    /// Its name there.
    pub(super) name: StreamName,
    /// What is said.
    pub(super) carried: Carried,
    /// Tells that a reader has come, or that it was forgotten.
    pub(super) bell: Arc<Bell>,
}

/// What happens next on a stream.
enum Next {
    Said(Option<Piece>),
    Arrived,
    Unread,
    Forgotten,
}

/// How a part came to its reader.
#[derive(PartialEq, Eq)]
enum Handed {
    /// It is taken, or there is nobody to take it.
    Over,
    /// Another reader has come instead.
    Interrupted,
}

/// A large message that has begun and not ended.
struct Large {
    number: u64,
    /// What came of it; `None` once it is more than can be kept.
    pieces: Option<Vec<Bytes>>,
    bytes: usize,
    /// Whether the reader there is has had it from its beginning.
    is_read: bool,
}

/// The way to the reader.
struct Link {
    reader: Option<Giver<Part>>,
    unread_since: Instant,
    /// The number of the next event.
    next: u64,
    large: Option<Large>,
}

impl Link {
    fn number(&mut self) -> u64 {
        let number = self.next;
        self.next += 1;
        number
    }

    fn to(&mut self, reader: Giver<Part>) {
        self.reader = Some(reader);
        if let Some(large) = &mut self.large {
            large.is_read = false;
        }
    }

    fn is_within_what_is_read(&self) -> bool {
        self.reader.is_some() && self.large.as_ref().is_some_and(|large| large.is_read)
    }
}

impl Pump {
    /// Moves the stream, from `first` on, until it is over and forgotten. Runs as a task of its own.
    pub(super) async fn run(mut self: Box<Self>, reader: Giver<Part>, first: Option<Piece>) {
        let mut link = Link { reader: Some(reader), unread_since: Instant::now(), next: 1, large: None };
        let mut said = first;
        loop {
            if let Some(piece) = said.take() {
                // Boxed, so that a stream on which nothing is said does not carry its size.
                Box::pin(self.take(&mut link, piece)).await;
            }
            match self.wait(&link).await {
                Next::Said(Some(piece)) => said = Some(piece),
                Next::Said(None) => break,
                Next::Arrived => self.meet(&mut link),
                Next::Unread => self.rest(&mut link),
                Next::Forgotten => return (*self).leave(),
            }
        }
        while self.hand_over(&mut link, Part::Over).await == Handed::Interrupted {}
        if let Some(reader) = self.replays.end(self.name) {
            // There is room: nothing was handed to it yet.
            reader.give(Part::Over);
        }
        drop(link);
        let Self { app, grant, replays, name, bell, carried } = *self;
        drop(carried);
        tokio::select! {
            () = tokio::time::sleep(app.config.limits.replay_timeout) => {}
            () = grant.until_ended(&app.clock) => {}
            () = app.stopping.cancelled() => {}
            () = bell.until_forgotten() => {}
        }
        replays.forget(name);
    }

    async fn wait(&mut self, link: &Link) -> Next {
        let limits = &self.app.config.limits;
        let (patience, next) = match &mut self.carried {
            // Boxed: most streams carry notices, and would have its size as well.
            Carried::Call(call) => (limits.abandoned_call_timeout, Either::Left(Box::pin(call.next()))),
            Carried::Notices(notices) => {
                let next = async move { notices.next().await.map(Piece::Notification) };
                (limits.replay_timeout, Either::Right(next))
            }
        };
        let is_left = OptionFuture::from(link.reader.as_ref().map(Giver::until_gone));
        // Boxed, since most have a reader.
        let until = link.reader.is_none().then(|| Box::pin(sleep_until(link.unread_since + patience)));
        let is_unread = OptionFuture::from(until);
        tokio::select! {
            biased;
            () = self.grant.until_ended(&self.app.clock) => Next::Forgotten,
            () = self.app.stopping.cancelled() => Next::Forgotten,
            rung = self.bell.rings() => match rung {
                Rung::Forgotten => Next::Forgotten,
                Rung::Arrived => Next::Arrived,
            },
            Some(()) = is_left => Next::Unread,
            Some(()) = is_unread => Next::Forgotten,
            said = next => Next::Said(said),
        }
    }

    /// Nobody reads any more.
    fn rest(&self, link: &mut Link) {
        link.reader = None;
        link.unread_since = Instant::now();
        if self.carried.kind() == Kind::Notices {
            self.replays.rest(self.name);
        }
    }

    /// A reader has come.
    fn meet(&self, link: &mut Link) {
        if let Some(reader) = self.replays.reader(self.name) {
            link.to(reader);
        }
    }

    /// Ends before the stream does: a call is taken back, unless the gateway stops.
    fn leave(mut self) {
        self.replays.forget(self.name);
        if let Carried::Call(call) = &mut self.carried
            && !self.app.stopping.is_cancelled()
        {
            tracing::debug!(server = call.server(), "a call that nobody waits for is taken back");
            call.give_up();
        }
    }

    async fn take(&mut self, link: &mut Link, piece: Piece) {
        match piece {
            Piece::Notification(text) => {
                let number = link.number();
                self.tell(link, KeptEvent { number, text }).await;
            }
            Piece::Response { text, .. } => self.respond(link, text).await,
            Piece::Begin(bytes) => {
                let number = link.number();
                let is_read = link.reader.is_some();
                link.large = Some(Large { number, pieces: Some(Vec::new()), bytes: 0, is_read });
                let bytes = on_one_line(bytes);
                self.gather(link, &bytes);
                self.hand_over(link, Part::Begin(number, bytes)).await;
            }
            Piece::More(bytes) => {
                let bytes = on_one_line(bytes);
                self.gather(link, &bytes);
                if link.is_within_what_is_read() {
                    self.hand_over(link, Part::More(bytes)).await;
                }
            }
            Piece::End { is_response } => self.end_large(link, is_response).await,
            Piece::Broken => {
                // Another reader who has come meanwhile was not within it.
                if link.is_within_what_is_read() && self.hand_over(link, Part::Broken).await == Handed::Over {
                    self.rest(link);
                }
                link.large = None;
                if let Some(text) = self.lost("the answer broke off") {
                    self.respond(link, text).await;
                }
            }
        }
    }

    /// Tells the response. Where it cannot be kept, what is kept says so.
    async fn respond(&mut self, link: &mut Link, text: Bytes) {
        let number = link.number();
        if !self.tell(link, KeptEvent { number, text }).await {
            self.keep_loss(link, number);
        }
    }

    /// Keeps an event and hands it to the reader; says whether it is kept.
    async fn tell(&mut self, link: &mut Link, event: KeptEvent) -> bool {
        let is_kept = self.keep(link, &event);
        let handed = self.hand_over(link, Part::Event(event.clone())).await;
        if handed == Handed::Interrupted && !is_kept {
            self.hand_over(link, Part::Event(event)).await;
        }
        is_kept
    }

    /// Keeps, in place of a response that is lost, that it is; gives it.
    fn keep_loss(&self, link: &mut Link, number: u64) -> Option<KeptEvent> {
        let text = self.lost("the answer was too large to be kept for its caller")?;
        let event = KeptEvent { number, text };
        self.keep(link, &event);
        Some(event)
    }

    /// Keeps an event, as far as there is room, and meets a reader who came before it.
    fn keep(&self, link: &mut Link, event: &KeptEvent) -> bool {
        let Ok(text) = self.app.budget.of(&self.grant.held).keep(event.text.clone()) else { return false };
        let recorded = self.replays.record(self.name, KeptEvent { number: event.number, text });
        if let Some(reader) = recorded.reader {
            link.to(reader);
        }
        recorded.is_kept
    }

    fn gather(&self, link: &mut Link, bytes: &Bytes) {
        let Some(large) = &mut link.large else { return };
        large.bytes += bytes.len();
        let room = self.app.budget.of(&self.grant.held);
        let kept = room.keep(bytes.clone()).ok().filter(|_| large.bytes <= LARGE_BYTES);
        large.pieces = large.pieces.take().zip(kept).map(|(mut pieces, kept)| {
            pieces.push(kept);
            pieces
        });
    }

    async fn end_large(&mut self, link: &mut Link, is_response: bool) {
        let Some(large) = &mut link.large else { return };
        let (number, pieces) = (large.number, large.pieces.take());
        let event = pieces.map(|pieces| KeptEvent { number, text: pieces.concat().into() });
        let is_kept = event.as_ref().is_some_and(|event| self.keep(link, event));
        let mut is_read = link.is_within_what_is_read();
        link.large = None;
        if is_read {
            is_read = self.hand_over(link, Part::End).await != Handed::Interrupted;
        } else if let Some(event) = event {
            self.hand_over(link, Part::Event(event)).await;
        }
        if is_response
            && !is_kept
            && let Some(event) = self.keep_loss(link, number)
            && !is_read
        {
            self.hand_over(link, Part::Event(event)).await;
        }
    }

    /// What a caller is told in place of an answer that is not there any more.
    fn lost(&self, reason: &str) -> Option<Bytes> {
        let Carried::Call(call) = &self.carried else { return None };
        let error = UpstreamError::BadAnswer(reason.to_owned());
        let refusal = Refusal::Upstream { server: call.server().to_owned(), error };
        Some(refusal.message(Some(call.id())).into())
    }

    /// Hands a part to the reader, as soon as that one takes it. A reader who comes meanwhile has what was
    /// kept, and takes its place.
    async fn hand_over(&mut self, link: &mut Link, part: Part) -> Handed {
        loop {
            let Some(reader) = &link.reader else { return Handed::Over };
            let is_gone = match tokio::select! {
                biased;
                () = self.grant.until_ended(&self.app.clock) => return Handed::Over,
                () = self.app.stopping.cancelled() => return Handed::Over,
                rung = self.bell.rings() => match rung {
                    Rung::Forgotten => return Handed::Over,
                    Rung::Arrived => None,
                },
                room = reader.has_room() => Some(room),
            } {
                Some(Ok(())) => {
                    reader.give(part);
                    return Handed::Over;
                }
                Some(Err(_)) => true,
                None => false,
            };
            if is_gone {
                self.rest(link);
                return Handed::Over;
            }
            // The bell may still ring for one who was met already.
            if let Some(reader) = self.replays.reader(self.name) {
                link.to(reader);
                return Handed::Interrupted;
            }
        }
    }
}

/// Line breaks, which JSON allows between its tokens only, become blanks.
fn on_one_line(bytes: Bytes) -> Bytes {
    if !bytes.iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
        return bytes;
    }
    bytes.iter().map(|&byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { byte }).collect()
}
