//! What arrives beside an answer and concerns no caller: announcements that the list changed, and
//! requests of a legacy server, which a pooled session answers itself.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use tokio::sync::Notify;

use super::http::Endpoint;
use super::message;

/// Time for a message that nobody waits for.
pub(super) const ASIDE_TIMEOUT: Duration = Duration::from_secs(5);

/// Where to turn with what is not part of an answer.
#[derive(Clone)]
pub(super) struct Aside {
    changed: Arc<Notify>,
    answers: Option<(Endpoint, HeaderMap)>,
}

impl Aside {
    /// For modern servers, which ask nothing on a stream.
    pub(super) fn modern(changed: Arc<Notify>) -> Self {
        Self { changed, answers: None }
    }

    /// For legacy servers: answers are posted to `endpoint` with `headers`.
    pub(super) fn legacy(changed: Arc<Notify>, endpoint: Endpoint, headers: HeaderMap) -> Self {
        Self { changed, answers: Some((endpoint, headers)) }
    }

    /// The server says that its list changed.
    pub(super) fn list_changed(&self) {
        self.changed.notify_one();
    }

    /// Answers a request of the server: a ping with a pong, anything else with a refusal. Bounded in
    /// time; a failure is the server's loss.
    pub(super) async fn answer(&self, raw_id: &str, method: &str) {
        let Some((endpoint, headers)) = &self.answers else {
            return;
        };
        let post = endpoint.post(headers.clone(), message::answer(raw_id, method));
        let _ = tokio::time::timeout(ASIDE_TIMEOUT, post).await;
    }
}
