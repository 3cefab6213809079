//! What a server wants to know during a call, and how the caller is asked: a legacy one on the stream of the
//! call, a modern one with the answer to it. Nobody is asked for what they did not declare.

use std::time::Duration;

use aerostack_core::client_capability::Need;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::answer::Piece;
use super::inputs::Wanted;
use super::parked;
use super::question::Asker;
use super::relay::CallStream;
use super::revision::CallerEra;
use crate::upstream::{Question, Whole};

/// For how long further questions are waited for, so that a modern caller is asked them together.
const ASKED_TOGETHER: Duration = Duration::from_millis(50);
const CANCELLED: &str = "notifications/cancelled";
const UNKNOWN_METHOD: i64 = -32_601;
const INVALID_PARAMS: i64 = -32_602;

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    params: Value,
}

#[derive(Deserialize)]
struct Notice<'a> {
    #[serde(borrow)]
    method: Option<std::borrow::Cow<'a, str>>,
    #[serde(borrow)]
    params: Option<Cancelled<'a>>,
}

#[derive(Deserialize)]
struct Cancelled<'a> {
    #[serde(borrow, rename = "requestId")]
    id: Option<&'a RawValue>,
}

impl CallStream {
    /// The server of an older era asks something: what its caller is told at once, if it is asked at all.
    pub(super) fn is_asked(&mut self, question: Question) -> Option<Piece> {
        let asked = serde_json::from_slice::<Asked>(question.message()).ok()?;
        match self.reach.open().need(question.method(), &asked.params) {
            Need::NoSuchMethod => question.refuse(UNKNOWN_METHOD, "Method not found"),
            Need::NotInThisWay => question.refuse(INVALID_PARAMS, "The client did not declare that it can"),
            Need::Met if self.forward.era() == CallerEra::Modern => {
                self.asked.push(question);
                self.parks_at.get_or_insert_with(|| Instant::now() + ASKED_TOGETHER);
            }
            Need::Met => {
                let sending = &self.underway.as_ref()?.sending;
                // A question that is dropped is refused.
                let session = self.reach.session.as_ref()?;
                let text = self.questions.relay(&sending.app, &sending.grant.token, session, question)?;
                metrics::counter!("aerostack_questions_total", "way" => "request").increment(1);
                return Some(Piece::Notification(text));
            }
        }
        None
    }

    /// The raw id of a question that the server takes back with this message, if it does.
    pub(super) fn taken_back(&self, message: &Whole) -> Option<String> {
        if message.shape.method.is_none() || !self.reach.declared.any() {
            return None;
        }
        let Notice { method, params } = serde_json::from_slice(&message.text).ok()?;
        let id = params.and_then(|params| params.id).filter(|_| method.as_deref() == Some(CANCELLED));
        id.map(|id| id.get().to_owned())
    }

    /// Asks no longer what the server has taken back; gives what the caller is told.
    pub(super) fn forget(&mut self, theirs: &str) -> Option<Piece> {
        if let Some(place) = self.asked.iter().position(|question| question.id() == theirs) {
            self.asked.swap_remove(place).forget();
        }
        self.questions.taken_back(theirs).map(Piece::Notification)
    }

    /// A modern server wants input before it answers a legacy caller, who is asked for all of it.
    ///
    /// # Errors
    /// Why that cannot be, in the owner's words.
    pub(super) fn wants_input(&mut self, message: &Whole) -> Result<(), &'static str> {
        let wanted = Wanted::read(&message.text).ok_or("neither a result nor a wish for input")?;
        self.rounds_left = self.rounds_left.checked_sub(1).ok_or("wants input again and again")?;
        let can = self.reach.open();
        let is_met = |method: &str, params: Option<&str>| {
            let params: Value = params.and_then(|raw| serde_json::from_str(raw).ok()).unwrap_or_default();
            can.need(method, &params) == Need::Met
        };
        if !wanted.inputs.iter().all(|input| is_met(&input.method, input.params.as_deref())) {
            return Err("wants input that the caller cannot give");
        }
        let sending = &self.underway.as_ref().ok_or("the call is over")?.sending;
        let (gathering, sender) = wanted.gather();
        for input in wanted.inputs {
            let session = self.reach.session.as_ref().ok_or("wants input of nobody")?;
            let method = Value::from(input.method).to_string();
            let asker = Asker::Call(input.key, sender.clone());
            let whom = (&sending.grant.token, session);
            let text = self.questions.ask(&sending.app, whom, (&method, input.params.as_deref()), asker);
            metrics::counter!("aerostack_questions_total", "way" => "request").increment(1);
            self.waiting.push_back(Piece::Notification(text));
        }
        self.gathering = Some(gathering);
        Ok(())
    }

    /// Answers a modern caller with what its server asked; the call waits until it comes back. Where too many
    /// wait, the questions are refused and the call goes on.
    pub(super) fn park(&mut self) -> Option<Piece> {
        self.parks_at = None;
        let questions = std::mem::take(&mut self.asked);
        if questions.is_empty() {
            return None;
        }
        let asked = parked::input_requests(&questions);
        match self.parked.park(self.underway.take()?, questions) {
            Ok(handle) => {
                metrics::counter!("aerostack_questions_total", "way" => "result").increment(1);
                let text = parked::input_required(self.forward.id(), &asked, &handle);
                Some(Piece::Response { status: http::StatusCode::OK, text: text.into() })
            }
            Err(underway) => {
                self.underway = Some(*underway);
                None
            }
        }
    }
}
