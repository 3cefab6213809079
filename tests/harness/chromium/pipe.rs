//! The DevTools protocol over two pipes: JSON messages, each ended by a NUL byte.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, ChildStdout};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::notes::Notes;
use crate::wire::PATIENCE;

/// Both ends of the conversation; clones speak over the same.
#[derive(Clone)]
pub(super) struct Pipe {
    outgoing: mpsc::Sender<Vec<u8>>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    last: AtomicU64,
    waiting: Mutex<HashMap<u64, oneshot::Sender<Value>>>,
    sessions: Mutex<HashMap<String, Arc<Notes>>>,
}

impl Pipe {
    /// Speaks over the pipes of a browser, in threads that end with it.
    pub(super) fn over(mut input: ChildStdin, output: ChildStdout) -> Self {
        let (outgoing, messages) = mpsc::channel::<Vec<u8>>();
        std::thread::spawn(move || {
            // A browser that is gone reads nothing any more.
            while let Ok(message) = messages.recv() {
                if input.write_all(&message).is_err() {
                    break;
                }
            }
        });
        let shared = Arc::new(Shared::default());
        let heard = shared.clone();
        std::thread::spawn(move || heard.hears(BufReader::new(output)));
        Self { outgoing, shared }
    }

    /// Keeps what happens in a session.
    pub(super) fn listens(&self, session: &str, notes: Arc<Notes>) {
        let mut sessions = self.shared.sessions.lock().expect("nobody panics holding it");
        sessions.insert(session.to_owned(), notes);
    }

    /// Sends a command and waits for what it comes to.
    ///
    /// # Errors
    /// What the browser says no with, or that it is gone.
    ///
    /// # Panics
    /// When no answer comes in time.
    pub(super) async fn asks(
        &self,
        session: Option<&str>,
        method: &str,
        params: Value,
    ) -> Result<Value, String> {
        let id = self.shared.last.fetch_add(1, Ordering::Relaxed) + 1;
        let mut message = json!({ "id": id, "method": method, "params": params });
        if let Some(session) = session {
            message["sessionId"] = json!(session);
        }
        let (answers, answer) = oneshot::channel();
        self.shared.waiting.lock().expect("nobody panics holding it").insert(id, answers);
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.outgoing.send(bytes).map_err(|_| "the browser is gone".to_owned())?;
        let answer = tokio::time::timeout(PATIENCE, answer).await;
        let answer = answer.unwrap_or_else(|_| panic!("{method} was never answered"));
        let mut answer = answer.map_err(|_| "the browser is gone".to_owned())?;
        match answer["error"]["message"].as_str() {
            Some(error) => Err(error.to_owned()),
            None => Ok(answer["result"].take()),
        }
    }
}

impl Shared {
    fn hears(&self, mut output: BufReader<ChildStdout>) {
        let mut bytes = Vec::new();
        while matches!(output.read_until(0, &mut bytes), Ok(length) if length > 0) {
            bytes.pop();
            if let Ok(message) = serde_json::from_slice::<Value>(&bytes) {
                self.takes(message);
            }
            bytes.clear();
        }
        // Whoever waits hears that nothing comes any more.
        self.waiting.lock().expect("nobody panics holding it").clear();
    }

    fn takes(&self, message: Value) {
        if let Some(id) = message["id"].as_u64() {
            let answers = self.waiting.lock().expect("nobody panics holding it").remove(&id);
            // Who has given up does not hear it.
            let _ = answers.map(|answers| answers.send(message));
        } else if let (Some(session), Some(method)) =
            (message["sessionId"].as_str(), message["method"].as_str())
        {
            let notes = self.sessions.lock().expect("nobody panics holding it").get(session).cloned();
            if let Some(notes) = notes {
                notes.hears(method, &message["params"]);
            }
        }
    }
}
