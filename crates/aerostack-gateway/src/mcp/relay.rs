//! Requests that servers answer: there and back.
//!
//! A call outlives its caller's connection in the legacy era and is taken back by it in the modern one.
//! When access ends, every call is taken back.

use std::sync::Arc;

use super::answer::{Answer, Piece};
use super::asked::Asked;
use super::behind;
use super::dispatch::Order;
use super::error::Refusal;
use super::forward::Forward;
use super::in_flight::{self, CallEntry};
use super::record::CallRecord;
use super::revision::CallerEra;
use super::rewriter::Rewriter;
use super::underway::{Sending, Underway};
use crate::upstream::{Frame, Framing, UpstreamError};

/// Finds where a request goes. It is sent as soon as its answer is asked for.
///
/// # Errors
/// A [`Refusal`] when what it asks for is unknown, or the request does not fit it.
pub fn relay(
    order: &Order<'_>,
    asked: Result<Asked<'_>, Refusal>,
    era: CallerEra,
    entry: Option<CallEntry>,
) -> Result<Answer, Refusal> {
    let Order { app, grant, headers, body, request } = order;
    let is_call = request.method == "tools/call";
    let mut record = is_call.then(|| CallRecord::begin(app, grant, request, headers));
    let sending = asked.and_then(|asked| {
        Sending::prepare(app, grant, &asked.subject, era, |route| {
            if let Some(record) = &mut record {
                record.goes_to(route);
            }
            Forward::new(body, (request, &asked), era, route, headers, grant, app)
        })
    });
    let sending = sending.inspect_err(|refusal| {
        if let Some(record) = &mut record {
            record.fails(refusal);
        }
    })?;
    Ok(Answer::Call(Box::new(CallStream {
        forward: Arc::clone(&sending.forward),
        server: sending.server.clone(),
        underway: Some(Underway::begin(sending, record)),
        large: None,
        entry,
    })))
}

/// The answer to a call, message by message, with the caller's ids.
pub struct CallStream {
    forward: Arc<Forward>,
    server: String,
    /// `None` after the last piece.
    underway: Option<Underway>,
    /// Rewrites the large message that has begun and not ended.
    large: Option<Rewriter>,
    entry: Option<CallEntry>,
}

impl CallStream {
    /// How the server chose to answer; JSON as long as that is not known.
    #[must_use]
    pub fn framing(&self) -> Framing {
        self.underway.as_ref().and_then(Underway::begun).map_or(Framing::Json, |begun| begun.framing)
    }

    /// Whether a large message has begun and not ended.
    #[must_use]
    pub const fn is_within_message(&self) -> bool {
        self.large.is_some()
    }

    /// The slug of the server that answers.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.server
    }

    /// The next piece; `None` after the last.
    ///
    /// *Cancellation*: dropped while waiting, it loses nothing.
    pub async fn next(&mut self) -> Option<Piece> {
        loop {
            let underway = self.underway.as_mut()?;
            let frame = tokio::select! {
                frame = underway.next() => frame,
                () = in_flight::cancelled(self.entry.as_ref()) => {
                    self.give_up();
                    return Some(self.failed(&Refusal::Cancelled));
                }
            };
            let piece = match frame {
                Some(Ok(frame)) => self.accept(frame),
                Some(Err(refusal)) => Some(self.failed(&refusal)),
                None => Some(self.bad_answer("the answer ended without a response")),
            };
            if piece.is_some() {
                return piece;
            }
        }
    }

    /// Takes the call back: its answer is of no use to anybody.
    pub fn give_up(&mut self) {
        self.underway.take().into_iter().for_each(Underway::take_back);
    }

    fn accept(&mut self, frame: Frame) -> Option<Piece> {
        let translator = &self.underway.as_ref()?.begun()?.translator;
        match frame {
            Frame::Whole(message) => match translator.translate(&message) {
                Ok(piece) => {
                    if matches!(piece, Some(Piece::Response { .. })) {
                        self.underway = None;
                    }
                    piece
                }
                Err(error) => Some(self.upstream_failed(error)),
            },
            Frame::Begin(piece) => {
                let mut rewriter = translator.rewriter_of_large();
                let begun = rewriter.push(&piece);
                self.large = Some(rewriter);
                Some(Piece::Begin(begun.into()))
            }
            Frame::More(piece) => Some(Piece::More(self.large.as_mut()?.push(&piece).into())),
            Frame::End => {
                let met = self.large.take()?.met();
                if met.id == met.method || !met.complete {
                    self.underway = None;
                    return Some(Piece::Broken);
                }
                if met.id {
                    self.underway = None;
                }
                Some(Piece::End { is_response: met.id })
            }
        }
    }

    fn bad_answer(&mut self, reason: &str) -> Piece {
        self.upstream_failed(UpstreamError::BadAnswer(reason.to_owned()))
    }

    fn upstream_failed(&mut self, error: UpstreamError) -> Piece {
        self.failed(&Refusal::Upstream { server: self.server.clone(), error })
    }

    /// A refusal as the last piece.
    fn failed(&mut self, refusal: &Refusal) -> Piece {
        self.underway = None;
        if let Refusal::Upstream { server, error } = refusal {
            tracing::debug!(%error, server, "a call failed");
        }
        if self.large.is_some() {
            return Piece::Broken;
        }
        let text = refusal.message(Some(self.forward.id()));
        Piece::Response { status: refusal.status(), text: text.into() }
    }
}

impl Drop for CallStream {
    fn drop(&mut self) {
        let Some(underway) = self.underway.take() else { return };
        let (app, grant) = (&underway.sending.app, &underway.sending.grant);
        if self.forward.era() == CallerEra::Legacy && grant.is_live(app.clock.now()) {
            behind::go_on(underway, self.entry.take());
        } else {
            underway.take_back();
        }
    }
}
