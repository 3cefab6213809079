//! What arrives beside an answer and concerns no caller: announcements that a list changed or a resource
//! was updated, and requests of a legacy server, which a pooled session answers itself.
//!
//! Whoever reads an answer never waits for this: what a server is told, it is told in a task beside.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use tokio::sync::{Notify, Semaphore};

use super::http::Endpoint;
use super::message;
use super::question::{self, OpenQuestions, Question};
use super::stdio::Lines;
use super::subscriptions::Subscriptions;

/// Time for a message that nobody waits for.
pub(super) const ASIDE_TIMEOUT: Duration = Duration::from_secs(5);
/// Requests of one server that are answered at the same time; further ones go unanswered.
pub(super) const ANSWERS_AT_ONCE: usize = 16;
/// Questions that came with one answer, or on one stream, and are open at the same time.
const OPEN_QUESTIONS_MAX: usize = 16;
/// Largest question that is handed on, wherever it comes from.
const QUESTION_MAX_BYTES: usize = 64 * 1_024;

/// Where to turn with what is not part of an answer. Clones share the limit of answers at once.
#[derive(Clone)]
pub(super) struct Aside {
    changed: Arc<Notify>,
    subscriptions: Arc<Subscriptions>,
    answering: Arc<Semaphore>,
    answers: Option<Answers>,
    /// Whether what the server asks is handed to its caller, whose own session this is.
    hands_on: bool,
}

/// Where answers to a server's requests go.
#[derive(Clone)]
pub(super) enum Answers {
    Posted(Arc<(Endpoint, HeaderMap)>),
    Written(Lines),
}

impl Aside {
    /// For modern servers, which ask nothing on a stream.
    pub(super) fn new(changed: Arc<Notify>, subscriptions: Arc<Subscriptions>) -> Self {
        let answering = Arc::new(Semaphore::new(ANSWERS_AT_ONCE));
        Self { changed, subscriptions, answering, answers: None, hands_on: false }
    }

    /// The same for a legacy session: answers are posted to `endpoint` with `headers`.
    pub(super) fn answering_at(&self, endpoint: Endpoint, headers: HeaderMap) -> Self {
        Self { answers: Some(Answers::Posted(Arc::new((endpoint, headers)))), ..self.clone() }
    }

    /// The same for a program: answers are written to it.
    pub(super) fn answering_on(&self, lines: Lines) -> Self {
        Self { answers: Some(Answers::Written(lines)), ..self.clone() }
    }

    /// The same for a caller's own session, if it is one.
    pub(super) fn handing_on(&self, hands_on: bool) -> Self {
        Self { hands_on, ..self.clone() }
    }

    /// Whether what the server asks is handed on.
    pub(super) fn hands_on(&self) -> bool {
        self.hands_on
    }

    /// A request of the server as a question for its caller; `None` if it was answered here, because nobody
    /// can be asked or too much is asked.
    pub(super) fn question(
        &self,
        raw_id: &str,
        method: &str,
        message: &Bytes,
        open: &OpenQuestions,
    ) -> Option<Question> {
        let fits = message.len() <= QUESTION_MAX_BYTES && open.count() < OPEN_QUESTIONS_MAX;
        let way = self.answers.clone().filter(|_| self.hands_on && fits && method != "ping");
        if way.is_none() {
            self.answer(raw_id, method);
        }
        way.map(|way| Question::new(raw_id, method, message.clone(), way, open))
    }

    /// The server says that a resource was updated; `params` are the notice's, raw.
    pub(super) fn updated(&self, params: &str) {
        self.subscriptions.updated(params);
    }

    /// The server says that its list changed.
    pub(super) fn list_changed(&self) {
        self.changed.notify_one();
    }

    /// Answers a request of the server behind: a ping with a pong, anything else with a refusal. Bounded
    /// in time and number; a failure is the server's loss.
    pub(super) fn answer(&self, raw_id: &str, method: &str) {
        let Some(answers) = self.answers.clone() else {
            return;
        };
        let Ok(permit) = self.answering.clone().try_acquire_owned() else {
            tracing::debug!("a server asks more than it is answered at once");
            return;
        };
        let answer = message::answer(raw_id, method);
        tokio::spawn(async move {
            let _ = tokio::time::timeout(ASIDE_TIMEOUT, answers.say(answer)).await;
            drop(permit);
        });
    }

    /// Tells the server behind that the roots of its caller changed; too often at once, not every time.
    pub(super) fn roots_changed(&self) {
        let permit = self.answering.clone().try_acquire_owned();
        let (Some(answers), Ok(permit)) = (self.answers.clone(), permit) else { return };
        tokio::spawn(async move {
            let _ = tokio::time::timeout(ASIDE_TIMEOUT, answers.say(question::roots_changed())).await;
            drop(permit);
        });
    }
}

impl Answers {
    /// Says something to the server.
    pub(super) async fn say(self, message: Bytes) {
        match self {
            Self::Posted(place) => {
                let (endpoint, headers) = &*place;
                drop(endpoint.post(headers.clone(), message).await);
            }
            Self::Written(lines) => lines.tell(message).await,
        }
    }
}
