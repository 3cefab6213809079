//! Reading an answer: one JSON document or an event stream becomes frames.
//!
//! What is small enough is held, checked and handed on whole; what is larger passes by, and only its
//! outline is watched, to know what it was. What does not belong to the caller
//! (requests of the server, announcements, responses to others) is dealt with here and never seen above.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;

use super::again::Again;
use super::aside::Aside;
use super::document::Document;
use super::error::UpstreamError;
use super::frame::{Frame, Framing, Whole};
use super::http::next_chunk;
use super::message::{Message, Outcome, RpcError, is_id};
use super::outline::{Kind, Outline};
use super::passing::{Passed, Passing};
use super::question::OpenQuestions;
use super::response::Response;
use super::shared::Pending;
use crate::http::sse::{Decoder, Oversize, Piece};

/// Time and bytes granted to the end of a body after the response was read, so that its connection
/// can be used again.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);
const DRAIN_LIMIT_BYTES: usize = 64 * 1_024;

/// How an answer is to be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expect {
    /// The id of the request.
    pub(super) id: u64,
    /// Time without a byte after which it is given up.
    pub(super) idle: Duration,
    /// Size up to which a message is held.
    pub(super) whole_bytes: usize,
    /// What becomes of larger ones.
    pub(super) oversize: Oversize,
    /// Which errors are answers.
    pub(super) errors: Errors,
    /// What becomes of what the server asks meanwhile.
    pub(super) questions: Questions,
}

/// What becomes of a server's questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Questions {
    /// Whoever waits for the answer is handed them, where the session is a caller's own.
    HandedOn,
    /// They are refused.
    Refused,
}

/// Which errors are answers to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Errors {
    /// Those under its id.
    OfItsId,
    /// All: a probe may be refused by a server that cannot even read its id.
    Any,
}

impl Expect {
    /// Whether a message is the answer.
    pub(super) fn is_met_by(&self, whole: &Whole) -> bool {
        whole.responds_to(self.id) || whole.shape.error.is_some() && self.errors == Errors::Any
    }
}

/// An answer that is being read.
pub(super) struct Answer {
    body: Option<Response>,
    reader: Reader,
    ready: VecDeque<Frame>,
    fault: Option<UpstreamError>,
    expect: Expect,
    aside: Aside,
    /// Where its event stream is asked for again if it ends too early.
    again: Option<Again>,
    /// What is said to it on the session's stream of notices.
    beside: Option<Pending>,
    open: OpenQuestions,
}

enum Reader {
    Json { held: Document, passing: Option<Outline> },
    Events { decoder: Decoder, passing: Passing },
}

impl Answer {
    pub(super) fn new(body: Response, framing: Framing, expect: Expect, aside: Aside) -> Self {
        let reader = match framing {
            Framing::Json => Reader::Json { held: Document::default(), passing: None },
            Framing::Events => Reader::Events {
                decoder: Decoder::new(expect.whole_bytes, expect.oversize),
                passing: Passing::default(),
            },
        };
        let aside = aside.handing_on(aside.hands_on() && expect.questions == Questions::HandedOn);
        let (ready, open) = (VecDeque::new(), OpenQuestions::default());
        let (fault, again, beside) = (None, None, None);
        Self { body: Some(body), reader, ready, fault, expect, aside, open, again, beside }
    }

    /// The same, to which something may be said beside its own stream.
    pub(super) fn with_beside(self, beside: Option<Pending>) -> Self {
        let open = beside.as_ref().map_or(self.open, Pending::open);
        Self { beside, open, ..self }
    }

    /// The same, whose event stream may be resumed.
    pub(super) fn resumed_by(self, again: Option<Again>) -> Self {
        Self { again, ..self }
    }

    /// The next frame. After an error, or the response, nothing follows.
    pub(super) async fn next(&mut self) -> Option<Result<Frame, UpstreamError>> {
        loop {
            if let Some(frame) = self.ready.pop_front() {
                return Some(Ok(frame));
            }
            if let Some(fault) = self.fault.take() {
                return Some(Err(fault));
            }
            // Nothing is said within a large message.
            let is_between = !self.is_within_message();
            let body = self.body.as_mut()?;
            let chunk = tokio::select! {
                biased;
                Some(frame) = said(&mut self.beside), if is_between => return Some(Ok(frame)),
                chunk = next_chunk(body, self.expect.idle) => chunk,
            };
            let is_cut_off = matches!(chunk, Ok(None) | Err(UpstreamError::BadAnswer(_)));
            // Boxed, so that an answer does not carry what asking for the rest of it takes.
            if is_cut_off && Box::pin(self.goes_on()).await {
                continue;
            }
            let read = match chunk {
                Ok(Some(bytes)) => self.read(&bytes),
                Ok(None) => self.end(),
                // It waits for us.
                Err(UpstreamError::TimedOut(_)) if self.open.count() > 0 => continue,
                Err(error) => Err(error),
            };
            match read {
                Ok(Progress::More) => {}
                Ok(Progress::Complete) => drain(self.body.take()),
                Err(error) => {
                    self.body = None;
                    self.fault = Some(error);
                }
            }
        }
    }

    /// Asks for the rest of an event stream that ended before its response, where the server has given a
    /// way to. What of a large message was handed on cannot be taken back, so that one is not gone on with.
    async fn goes_on(&mut self) -> bool {
        let (Some(again), Reader::Events { decoder, passing }) = (&mut self.again, &mut self.reader) else {
            return false;
        };
        let Some(last_id) = decoder.last_id().filter(|_| !passing.is_handed_on()).map(str::to_owned) else {
            return false;
        };
        let Some(body) = again.open(&last_id, decoder.retry_ms()).await else { return false };
        *decoder = decoder.anew();
        *passing = Passing::default();
        self.body = Some(body);
        true
    }

    fn is_within_message(&self) -> bool {
        match &self.reader {
            Reader::Json { passing, .. } => passing.is_some(),
            Reader::Events { passing, .. } => passing.is_handed_on(),
        }
    }

    fn read(&mut self, bytes: &Bytes) -> Result<Progress, UpstreamError> {
        let mut found = VecDeque::new();
        match &mut self.reader {
            Reader::Json { held, passing } => {
                let fits = held.len() + bytes.len() <= self.expect.whole_bytes;
                return read_json(held, passing, bytes, fits, self.expect.oversize, &mut self.ready);
            }
            Reader::Events { decoder, .. } => decoder.push(bytes, &mut found).map_err(too_large)?,
        }
        if let Some(again) = self.again.as_mut().filter(|_| !found.is_empty()) {
            again.heard();
        }
        for piece in found {
            if matches!(self.read_piece(piece)?, Progress::Complete) {
                return Ok(Progress::Complete);
            }
        }
        Ok(Progress::More)
    }

    fn read_piece(&mut self, piece: Piece) -> Result<Progress, UpstreamError> {
        let Reader::Events { passing, .. } = &mut self.reader else {
            return Ok(Progress::More);
        };
        match piece {
            // Servers open streams with empty events; other names are not of this protocol.
            Piece::Event(event) if event.data.is_empty() || !event.is_message() => Ok(Progress::More),
            Piece::Event(event) => self.read_message(event.data),
            Piece::Begin(bytes) | Piece::More(bytes) => {
                let Expect { id, whole_bytes, .. } = self.expect;
                self.ready.extend(passing.push(bytes, id, whole_bytes));
                Ok(Progress::More)
            }
            Piece::End => {
                let passed = passing.end();
                self.end_passing(passed)
            }
        }
    }

    /// A large message has passed by; only now it is known for certain what it was.
    fn end_passing(&mut self, passed: Passed) -> Result<Progress, UpstreamError> {
        let bad = |reason: &str| Err(UpstreamError::BadAnswer(reason.into()));
        let progress = match passed {
            Passed::HandedOn(Kind::Broken) | Passed::Dropped(Kind::Broken) => {
                return bad("a large event is not JSON-RPC");
            }
            Passed::HandedOn(Kind::Response(Some(id))) if is_id(&id, self.expect.id) => Progress::Complete,
            Passed::HandedOn(Kind::Response(_)) => return Err(foreign()),
            Passed::HandedOn(Kind::Request(..)) => return bad("a large notification has an id"),
            Passed::HandedOn(Kind::Notification) => Progress::More,
            Passed::Dropped(Kind::Response(Some(id))) if is_id(&id, self.expect.id) => {
                return bad("a large answer does not show what it is");
            }
            Passed::Dropped(Kind::Response(_) | Kind::Notification) => return Ok(Progress::More),
            Passed::Dropped(Kind::Request(id, method)) => {
                self.aside.answer(&id, &method);
                return Ok(Progress::More);
            }
        };
        self.ready.push_back(Frame::End);
        Ok(progress)
    }

    fn read_message(&mut self, data: Bytes) -> Result<Progress, UpstreamError> {
        let unreadable = || UpstreamError::BadAnswer("an event is not JSON-RPC".into());
        let whole = Whole::read(data).ok_or_else(unreadable)?;
        if self.expect.is_met_by(&whole) {
            self.ready.push_back(Frame::Whole(whole));
            return Ok(Progress::Complete);
        }
        match whole.message().ok_or_else(unreadable)? {
            Message::Response { id: None, outcome: Outcome::Error(raw) } => return Err(unaddressed(raw)),
            Message::Notification { .. } | Message::Cancelled => self.ready.push_back(Frame::Whole(whole)),
            Message::Response { .. } | Message::Acknowledged => {}
            Message::ListChanged => self.aside.list_changed(),
            Message::Updated { params } => self.aside.updated(params),
            Message::Request { id, method } => {
                let question = self.aside.question(id, &method, &whole.text, &self.open);
                self.ready.extend(question.map(Frame::Question));
            }
        }
        Ok(Progress::More)
    }

    /// The body ended.
    fn end(&mut self) -> Result<Progress, UpstreamError> {
        let Reader::Json { held, passing } = &mut self.reader else {
            return Err(UpstreamError::BadAnswer("the event stream ended without the answer".into()));
        };
        if let Some(passing) = passing {
            match passing.kind() {
                Kind::Response(Some(id)) if is_id(&id, self.expect.id) => self.ready.push_back(Frame::End),
                Kind::Response(_) => return Err(foreign()),
                _ => return Err(UpstreamError::BadAnswer("a large answer is not JSON-RPC".into())),
            }
            return Ok(Progress::Complete);
        }
        let response = response_of(held.take(), self.expect)?;
        self.ready.push_back(Frame::Whole(response));
        Ok(Progress::Complete)
    }
}

#[derive(Clone, Copy)]
enum Progress {
    More,
    /// The response is there, whatever follows in the body.
    Complete,
}

fn read_json(
    held: &mut Document,
    passing: &mut Option<Outline>,
    bytes: &Bytes,
    fits: bool,
    oversize: Oversize,
    ready: &mut VecDeque<Frame>,
) -> Result<Progress, UpstreamError> {
    if let Some(passing) = passing {
        passing.push(bytes);
        ready.push_back(Frame::More(bytes.clone()));
    } else if fits {
        held.push(bytes);
    } else if oversize == Oversize::Refuse {
        return Err(too_large("the answer is too large"));
    } else {
        let outline = passing.insert(Outline::default());
        let held = held.take();
        outline.push(&held);
        outline.push(bytes);
        if !held.is_empty() {
            ready.push_back(Frame::Begin(held));
            ready.push_back(Frame::More(bytes.clone()));
        } else {
            ready.push_back(Frame::Begin(bytes.clone()));
        }
    }
    Ok(Progress::More)
}

/// Reads a whole document that must be the response.
fn response_of(body: Bytes, expect: Expect) -> Result<Whole, UpstreamError> {
    let unreadable = || UpstreamError::BadAnswer("the answer is not JSON-RPC".into());
    let whole = Whole::read(body).ok_or_else(unreadable)?;
    if expect.is_met_by(&whole) {
        return Ok(whole);
    }
    Err(match whole.message() {
        Some(Message::Response { id: None, outcome: Outcome::Error(raw) }) => unaddressed(raw),
        _ => foreign(),
    })
}

fn unaddressed(raw_error: &str) -> UpstreamError {
    UpstreamError::BadAnswer(RpcError::read(raw_error).to_string())
}

fn foreign() -> UpstreamError {
    UpstreamError::BadAnswer("the answer is to another request".into())
}

fn too_large(reason: impl ToString) -> UpstreamError {
    UpstreamError::BadAnswer(reason.to_string())
}

async fn said(beside: &mut Option<Pending>) -> Option<Frame> {
    match beside {
        Some(beside) => beside.beside().await,
        None => std::future::pending().await,
    }
}

/// Reads what is left of a body whose message is complete, usually nothing but its end: an unread end
/// would cost the connection, and the next call a new one.
fn drain(body: Option<Response>) {
    let Some(mut body) = body else { return };
    if let Some(Ok(None) | Err(_)) = body.chunk().now_or_never() {
        return;
    }
    let rest = async move {
        let mut left_bytes = DRAIN_LIMIT_BYTES;
        while let Ok(Some(bytes)) = body.chunk().await {
            match left_bytes.checked_sub(bytes.len()) {
                Some(left) => left_bytes = left,
                None => return,
            }
        }
    };
    tokio::spawn(tokio::time::timeout(DRAIN_TIMEOUT, rest));
}
