//! What arrives beside an answer and concerns no caller: announcements that a list changed or a resource
//! was updated, and requests of a legacy server, which a pooled session answers itself.
//!
//! Whoever reads an answer never waits for this: what a server is told, it is told in a task beside.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use tokio::sync::{Notify, Semaphore};

use super::http::Endpoint;
use super::message;
use super::stdio::Lines;
use super::subscriptions::Subscriptions;

/// Time for a message that nobody waits for.
pub(super) const ASIDE_TIMEOUT: Duration = Duration::from_secs(5);
/// Requests of one server that are answered at the same time; further ones go unanswered.
pub(super) const ANSWERS_AT_ONCE: usize = 16;

/// Where to turn with what is not part of an answer. Clones share the limit of answers at once.
#[derive(Clone)]
pub(super) struct Aside {
    changed: Arc<Notify>,
    subscriptions: Arc<Subscriptions>,
    answering: Arc<Semaphore>,
    answers: Option<Answers>,
}

/// Where answers to a server's requests go.
#[derive(Clone)]
enum Answers {
    Posted(Box<(Endpoint, HeaderMap)>),
    Written(Lines),
}

impl Aside {
    /// For modern servers, which ask nothing on a stream.
    pub(super) fn new(changed: Arc<Notify>, subscriptions: Arc<Subscriptions>) -> Self {
        Self { changed, subscriptions, answering: Arc::new(Semaphore::new(ANSWERS_AT_ONCE)), answers: None }
    }

    /// The same for a legacy session: answers are posted to `endpoint` with `headers`.
    pub(super) fn answering_at(&self, endpoint: Endpoint, headers: HeaderMap) -> Self {
        Self { answers: Some(Answers::Posted(Box::new((endpoint, headers)))), ..self.clone() }
    }

    /// The same for a program: answers are written to it.
    pub(super) fn answering_on(&self, lines: Lines) -> Self {
        Self { answers: Some(Answers::Written(lines)), ..self.clone() }
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
            let telling = async {
                match answers {
                    Answers::Posted(place) => {
                        let (endpoint, headers) = *place;
                        drop(endpoint.post(headers, answer).await);
                    }
                    Answers::Written(lines) => lines.tell(answer).await,
                }
            };
            let _ = tokio::time::timeout(ASIDE_TIMEOUT, telling).await;
            drop(permit);
        });
    }
}
