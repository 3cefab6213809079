//! Requests that servers answer: there and back.
//!
//! A call outlives its caller's connection in the legacy era and is taken back by it in the modern one.
//! When access ends, every call is taken back.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use tokio::time::Instant;

use super::answer::{Answer, Piece};
use super::asked::Asked;
use super::behind;
use super::dispatch::Order;
use super::error::Refusal;
use super::forward::Forward;
use super::in_flight::{self, CallEntry};
use super::inputs::{Gathering, NotGiven, ROUNDS_MAX};
use super::parked::{self, Parked, ParkedCall};
use super::question::CallQuestions;
use super::reach::Reach;
use super::record::CallRecord;
use super::revision::CallerEra;
use super::rewriter::Rewriter;
use super::translate::Translated;
use super::underway::{Sending, Underway};
use crate::upstream::{Frame, Framing, Question, UpstreamError};

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
    let Order { app, grant, headers, body, request, reach, .. } = order;
    if era == CallerEra::Modern
        && let (Ok(asked), Some(state)) = (&asked, parked::state_of(request))
        && let Some(call) =
            order.in_hand.parked.take(app, grant, state, &parked::purpose(asked.method, &asked.subject))
    {
        return resume(order, asked, call?);
    }
    let is_call = request.method == "tools/call";
    let mut record = is_call.then(|| CallRecord::begin(app, grant, request, headers));
    let sending = asked.and_then(|asked| {
        let caller = reach.caller(&grant.token);
        Sending::prepare(app, grant, &asked.subject, era, caller, |route| {
            if let Some(record) = &mut record {
                record.goes_to(route);
            }
            Forward::new(body, (request, &asked), era, route, headers, (grant, reach), app)
        })
    });
    let sending = sending.inspect_err(|refusal| {
        if let Some(record) = &mut record {
            record.fails(refusal);
        }
    })?;
    let forward = Arc::clone(&sending.forward);
    let underway = Underway::begin(sending, record);
    let mut stream = CallStream::new(order, underway, forward);
    stream.entry = entry;
    Ok(Answer::Call(Box::new(stream)))
}

/// Goes on with a call whose server asked something that the caller has come back with.
fn resume(order: &Order<'_>, asked: &Asked<'_>, call: ParkedCall) -> Result<Answer, Refusal> {
    let Order { app, grant, headers, body, request, reach, .. } = order;
    let ParkedCall { mut underway, questions, .. } = call;
    let prepared = {
        let snapshot = grant.workspace.snapshot();
        let route = snapshot.route(&asked.subject);
        let route = route.ok_or_else(|| Refusal::unknown(&asked.subject, CallerEra::Modern));
        route.and_then(|route| {
            Forward::new(body, (request, asked), CallerEra::Modern, &route, headers, (grant, reach), app)
        })
    };
    let forward = match prepared {
        Ok(forward) if grant.may_send(&app.clock) => Arc::new(forward),
        Ok(_) => {
            underway.take_back();
            return Err(Refusal::Draining);
        }
        Err(refusal) => {
            underway.take_back();
            return Err(refusal);
        }
    };
    underway.answers(&forward);
    let left = parked::answer(questions, request);
    let mut stream = CallStream::new(order, underway, forward);
    // What was not answered is asked again.
    stream.parks_at = (!left.is_empty()).then(Instant::now);
    stream.asked = left;
    Ok(Answer::Call(Box::new(stream)))
}

/// The answer to a call, message by message, with the caller's ids.
pub struct CallStream {
    pub(super) forward: Arc<Forward>,
    /// What was sent at first.
    sending: Arc<Sending>,
    /// `None` after the last piece.
    pub(super) underway: Option<Underway>,
    /// Rewrites the large message that has begun and not ended.
    large: Option<Rewriter>,
    entry: Option<CallEntry>,
    pub(super) reach: Reach,
    /// What a legacy caller was asked.
    pub(super) questions: CallQuestions,
    /// Pieces that come before all others.
    pub(super) waiting: VecDeque<Piece>,
    /// What a modern server wants to know of a legacy caller.
    pub(super) gathering: Option<Gathering>,
    pub(super) rounds_left: u32,
    /// What a modern caller is to be asked, and when.
    pub(super) asked: Vec<Question>,
    pub(super) parks_at: Option<Instant>,
    pub(super) parked: Parked,
}

/// What happens next in a call.
enum Event {
    Frame(Option<Result<Frame, Refusal>>),
    /// What its server wants to know is there, or will not be.
    Given(Result<String, NotGiven>),
    /// The caller is told something.
    Told(Bytes),
    Parks,
    Cancelled,
}

impl CallStream {
    fn new(order: &Order<'_>, underway: Underway, forward: Arc<Forward>) -> Self {
        Self {
            sending: Arc::clone(&underway.sending),
            forward,
            underway: Some(underway),
            large: None,
            entry: None,
            reach: order.reach.clone(),
            questions: CallQuestions::new(&order.in_hand.questions, order.app.config.limits.question_timeout),
            waiting: VecDeque::new(),
            gathering: None,
            rounds_left: ROUNDS_MAX,
            asked: Vec::new(),
            parks_at: None,
            parked: order.in_hand.parked.clone(),
        }
    }

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
        self.sending.server()
    }

    /// The caller's id of it, raw.
    #[must_use]
    pub fn id(&self) -> &str {
        self.forward.id()
    }

    /// The next piece; `None` after the last.
    ///
    /// *Cancellation*: dropped while waiting, it loses nothing.
    pub async fn next(&mut self) -> Option<Piece> {
        loop {
            if let Some(piece) = self.waiting.pop_front() {
                return Some(piece);
            }
            let event = self.event().await?;
            let piece = match event {
                Event::Frame(Some(Ok(frame))) => self.accept(frame),
                Event::Frame(Some(Err(refusal))) => Some(self.failed(&refusal)),
                Event::Frame(None) => Some(self.bad_answer("the answer ended without a response")),
                Event::Given(Ok(fields)) => {
                    self.gathering = None;
                    self.underway.as_mut()?.repeat_with(fields);
                    None
                }
                Event::Given(Err(NotGiven)) => {
                    Some(self.failed(&Refusal::Unanswered { server: self.server().to_owned() }))
                }
                Event::Told(message) => Some(Piece::Notification(message)),
                Event::Parks => self.park(),
                Event::Cancelled => {
                    self.give_up();
                    Some(self.failed(&Refusal::Cancelled))
                }
            };
            if piece.is_some() {
                return piece;
            }
        }
    }

    async fn event(&mut self) -> Option<Event> {
        let underway = self.underway.as_mut()?;
        let (gathering, questions, parks_at) = (&mut self.gathering, &mut self.questions, self.parks_at);
        let is_gathering = gathering.is_some();
        // Nothing is written into a large message.
        let is_between = self.large.is_none();
        Some(tokio::select! {
            given = given(gathering) => Event::Given(given),
            frame = underway.next(), if !is_gathering => Event::Frame(frame),
            told = questions.overdue(), if is_between => Event::Told(told),
            () = reached(parks_at), if is_between => Event::Parks,
            () = in_flight::cancelled(self.entry.as_ref()) => Event::Cancelled,
        })
    }

    /// Takes the call back: its answer is of no use to anybody.
    pub fn give_up(&mut self) {
        self.underway.take().into_iter().for_each(Underway::take_back);
    }

    fn accept(&mut self, frame: Frame) -> Option<Piece> {
        if let Frame::Whole(message) = &frame
            && let Some(theirs) = self.taken_back(message)
        {
            return self.forget(&theirs);
        }
        let translator = &self.underway.as_ref()?.begun()?.translator;
        match frame {
            Frame::Question(question) => self.is_asked(question),
            Frame::Whole(message) => match translator.translate(message) {
                Ok(Translated::Piece(piece)) => {
                    if matches!(piece, Piece::Response { .. }) {
                        self.underway = None;
                    }
                    Some(piece)
                }
                Ok(Translated::Nothing) => None,
                Ok(Translated::NoResult(message)) => {
                    let wanted = self.wants_input(&message);
                    wanted.err().map(|reason| self.bad_answer(reason))
                }
                Err(error) => Some(self.upstream_failed(error)),
            },
            Frame::Begin(_) if translator.needs_whole() => Some(self.bad_answer("the list is too large")),
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
        self.failed(&Refusal::Upstream { server: self.server().to_owned(), error })
    }

    /// A refusal as the last piece.
    fn failed(&mut self, refusal: &Refusal) -> Piece {
        if let Some(mut underway) = self.underway.take() {
            underway.fails(refusal);
        }
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

async fn given(gathering: &mut Option<Gathering>) -> Result<String, NotGiven> {
    match gathering {
        Some(gathering) => gathering.all().await,
        None => std::future::pending().await,
    }
}

async fn reached(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

impl Drop for CallStream {
    fn drop(&mut self) {
        let Some(underway) = self.underway.take() else { return };
        let (app, grant) = (&underway.sending.app, &underway.sending.grant);
        if self.forward.era() == CallerEra::Legacy && grant.is_live_by(&app.clock) {
            behind::go_on(underway, self.entry.take(), self.questions.take());
        } else {
            underway.take_back();
        }
    }
}
