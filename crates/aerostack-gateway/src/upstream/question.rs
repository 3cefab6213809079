//! What a legacy server asks its client in a caller's own session: handed to the floor above, which relays
//! it, and answered once, whatever becomes of the call. While one is open, the server may be silent.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::aside::Answers;

/// Time for the server to take the answer to its question.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// What a server is told when nobody answered: the official SDKs say the same when they waited in vain.
const NO_ANSWER: i64 = -32_001;

/// A question of a server. Dropped, it is answered with an error.
pub struct Question {
    id: Box<str>,
    method: Box<str>,
    message: Bytes,
    /// Taken by the answer.
    way: Option<Answers>,
    _open: Open,
}

impl Question {
    pub(super) fn new(id: &str, method: &str, message: Bytes, way: Answers, open: &OpenQuestions) -> Self {
        let open = open.add();
        Self { id: id.into(), method: method.into(), message, way: Some(way), _open: open }
    }

    /// The server's id of it, raw.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What it asks for.
    #[must_use]
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The whole request, as the server wrote it.
    #[must_use]
    pub const fn message(&self) -> &Bytes {
        &self.message
    }

    /// Answers it with a whole response under the server's id; to be called within the runtime.
    pub fn answer(mut self, response: Bytes) {
        self.send(response);
    }

    /// Answers it with a result, given raw.
    pub fn answer_with(self, result: &str) {
        let response = format!(r#"{{"jsonrpc":"2.0","id":{},"result":{result}}}"#, self.id);
        self.answer(response.into());
    }

    /// Answers it with an error.
    pub fn refuse(mut self, code: i64, message: &str) {
        self.send(error(&self.id, code, message));
    }

    /// Tells the server nothing: it has taken the question back.
    pub fn forget(mut self) {
        self.way = None;
    }

    /// Tells the server something about it before the answer.
    pub fn tell(&self, notification: Bytes) {
        if let Some(way) = &self.way {
            spawn(way.clone(), notification);
        }
    }

    fn send(&mut self, response: Bytes) {
        if let Some(way) = self.way.take() {
            spawn(way, response);
        }
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        self.send(error(&self.id, NO_ANSWER, "The question was not answered"));
    }
}

fn error(id: &str, code: i64, message: &str) -> Bytes {
    let error = json!({ "code": code, "message": message });
    format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#).into()
}

/// A failure is the server's loss: whoever answered cannot do it again.
fn spawn(way: Answers, message: Bytes) {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    runtime.spawn(async move {
        if tokio::time::timeout(ANSWER_TIMEOUT, way.say(message)).await.is_err() {
            tracing::debug!("a server did not take the answer to its question");
        }
    });
}

impl std::fmt::Debug for Question {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Question").field("id", &self.id).field("method", &self.method).finish_non_exhaustive()
    }
}

impl PartialEq for Question {
    fn eq(&self, other: &Self) -> bool {
        self.message == other.message
    }
}

/// How many questions are open that came with one answer, or on one stream.
#[derive(Clone, Default)]
pub(super) struct OpenQuestions(Arc<Counted>);

#[derive(Default)]
struct Counted {
    count: AtomicUsize,
    closed_at: Mutex<Option<Instant>>,
}

struct Open(OpenQuestions);

impl OpenQuestions {
    /// How many these are.
    pub(super) fn count(&self) -> usize {
        self.0.count.load(Ordering::Acquire)
    }

    /// When one was closed last.
    pub(super) fn closed_at(&self) -> Option<Instant> {
        *self.0.closed_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self) -> Open {
        self.0.count.fetch_add(1, Ordering::AcqRel);
        Open(self.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let counted = &self.0.0;
        *counted.closed_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        counted.count.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The notice that the caller's roots are others now.
pub(super) fn roots_changed() -> Bytes {
    Value::to_string(&json!({ "jsonrpc": "2.0", "method": "notifications/roots/list_changed" })).into()
}
