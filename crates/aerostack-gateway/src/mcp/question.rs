//! Questions to legacy clients: requests of ours on the stream of the call that caused them, and the responses
//! that are posted to them.
//!
//! A question goes under an id that nobody can guess, and is answered only by the token and in the session
//! that it went to. To anybody else, and to an id that is not waited for, a response means nothing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aerostack_core::id::TokenId;
use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::app::App;
use crate::grants::Grant;
use crate::jsonrpc::{Object, Splice};
use crate::upstream::Question;

/// Notices of progress that a client may give about one question; more are dropped.
const PROGRESS_MAX: u32 = 256;
const ID_BYTES: usize = 16;

/// Questions that wait for a legacy client, of everybody. As many as calls under way have asked, which are
/// bounded, and which bound what one may ask.
#[derive(Clone, Default)]
pub struct Questions(Arc<Mutex<HashMap<String, Waiting>>>);

struct Waiting {
    token: TokenId,
    session: Arc<str>,
    progress_token: Option<String>,
    progress_left: u32,
    asker: Asker,
}

/// Who is told the answer.
pub(super) enum Asker {
    /// A legacy server.
    Server(Question),
    /// A call of a modern one, which is repeated when all it asked for is there: the key, and the result.
    Call(String, mpsc::Sender<(String, Option<String>)>),
}

impl Questions {
    /// Takes a response of a client, `text` with the raw id `id`; what nobody waits for changes nothing.
    pub fn answer(&self, app: &App, grant: &Grant, session: &str, id: &str, text: &str) {
        if !grant.may_send(&app.clock) {
            return;
        }
        let Some(waiting) = self.take(id, &grant.token, session) else { return };
        match waiting.asker {
            Asker::Server(question) => {
                let mut splice = Splice::new(text);
                splice.replace(id, question.id());
                // Without room the server is told that nobody answered.
                if let Ok(response) = app.budget.of(&grant.held).keep(splice.finish()) {
                    question.answer(response);
                }
            }
            Asker::Call(key, answers) => {
                let result =
                    Object::parse(text).and_then(|response| response.raw("result").map(str::to_owned));
                // The call may be over.
                let _ = answers.try_send((key, result));
            }
        }
    }

    /// Takes a notice of progress of a client: `params` are its own.
    pub fn progress(&self, grant: &Grant, session: &str, text: &str, params: &Object<'_>) {
        let Some(token) = params.raw("progressToken") else { return };
        let Ok(id) = serde_json::from_str::<String>(token) else { return };
        let mut all = self.lock();
        let Some(waiting) = all.get_mut(&id).filter(|waiting| waiting.is_of(&grant.token, session)) else {
            return;
        };
        let (Asker::Server(question), Some(theirs)) = (&waiting.asker, &waiting.progress_token) else {
            return;
        };
        let Some(left) = waiting.progress_left.checked_sub(1) else { return };
        let mut splice = Splice::new(text);
        splice.replace(token, theirs);
        question.tell(splice.finish());
        waiting.progress_left = left;
    }

    fn take(&self, raw_id: &str, token: &TokenId, session: &str) -> Option<Waiting> {
        let id: String = serde_json::from_str(raw_id).ok()?;
        let mut all = self.lock();
        all.get(&id).filter(|waiting| waiting.is_of(token, session))?;
        all.remove(&id)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn is_of(&self, token: &TokenId, session: &str) -> bool {
        self.token == *token && *self.session == *session
    }
}

/// The questions of one call. Dropped, none of them is answered any more.
pub(super) struct CallQuestions {
    all: Questions,
    patience: Duration,
    asked: Vec<Asked>,
}

struct Asked {
    id: String,
    /// The server's id, raw, of a question that it may take back.
    theirs: Option<Box<str>>,
    until: Instant,
}

impl CallQuestions {
    /// Begins with none; each is given so much time.
    pub(super) fn new(all: &Questions, patience: Duration) -> Self {
        Self { all: all.clone(), patience, asked: Vec::new() }
    }

    /// These, and none are left here.
    pub(super) fn take(&mut self) -> Self {
        let asked = std::mem::take(&mut self.asked);
        Self { all: self.all.clone(), patience: self.patience, asked }
    }

    /// A legacy server's question as the client of a session is to see it; `None` if it cannot be read, which
    /// the server is told.
    pub(super) fn relay(
        &mut self,
        app: &App,
        token: &TokenId,
        session: &Arc<str>,
        question: Question,
    ) -> Option<Bytes> {
        let id = new_id(app);
        let message = question.message().clone();
        let text = std::str::from_utf8(&message).ok()?;
        let request = Object::parse(text)?;
        let mut splice = Splice::new(text);
        splice.replace(request.raw("id")?, format!("\"{id}\""));
        let params = request.object("params").ok()?;
        let meta = params.map_or(Ok(None), |params| params.object("_meta")).ok()?;
        let progress_token = meta.as_ref().and_then(|meta| meta.raw("progressToken"));
        if let Some(theirs) = progress_token {
            splice.replace(theirs, format!("\"{id}\""));
        }
        let progress_token = progress_token.map(str::to_owned);
        self.put(id, Some(question.id().into()), (token, session), progress_token, Asker::Server(question));
        Some(splice.finish())
    }

    /// Asks the client of a session for what a modern server wants: a method and parameters, both raw.
    pub(super) fn ask(
        &mut self,
        app: &App,
        whom: (&TokenId, &Arc<str>),
        wanted: (&str, Option<&str>),
        asker: Asker,
    ) -> Bytes {
        let id = new_id(app);
        let (method, params) = wanted;
        let params = params.map(|params| format!(r#","params":{params}"#)).unwrap_or_default();
        let message = format!(r#"{{"jsonrpc":"2.0","id":"{id}","method":{method}{params}}}"#);
        self.put(id, None, whom, None, asker);
        message.into()
    }

    fn put(
        &mut self,
        id: String,
        theirs: Option<Box<str>>,
        (token, session): (&TokenId, &Arc<str>),
        progress_token: Option<String>,
        asker: Asker,
    ) {
        let waiting = Waiting {
            token: token.clone(),
            session: Arc::clone(session),
            progress_token,
            progress_left: PROGRESS_MAX,
            asker,
        };
        let mut all = self.all.lock();
        // What was answered is not kept.
        self.asked.retain(|asked| all.contains_key(&asked.id));
        all.insert(id.clone(), waiting);
        drop(all);
        self.asked.push(Asked { id, theirs, until: Instant::now() + self.patience });
    }

    /// The server takes the question of this raw id back: what its client is told, if it still waits.
    pub(super) fn taken_back(&mut self, theirs: &str) -> Option<Bytes> {
        let place = self.asked.iter().position(|asked| asked.theirs.as_deref() == Some(theirs))?;
        let id = self.asked.swap_remove(place).id;
        let waiting = self.all.lock().remove(&id)?;
        if let Asker::Server(question) = waiting.asker {
            question.forget();
        }
        Some(cancelled(&id, "the server no longer asks"))
    }

    /// Waits until a question was not answered in time: what its client is told. For ever without one.
    ///
    /// *Cancellation*: dropped while waiting, it loses nothing.
    pub(super) async fn overdue(&mut self) -> Bytes {
        loop {
            let next = self.asked.iter().enumerate().min_by_key(|(_, asked)| asked.until);
            let Some((place, until)) = next.map(|(place, asked)| (place, asked.until)) else {
                return std::future::pending().await;
            };
            tokio::time::sleep_until(until).await;
            let id = self.asked.swap_remove(place).id;
            let waiting = self.all.lock().remove(&id);
            if waiting.is_some() {
                return cancelled(&id, "the time for an answer is over");
            }
        }
    }
}

impl Drop for CallQuestions {
    fn drop(&mut self) {
        let waiting: Vec<Waiting> = {
            let mut all = self.all.lock();
            self.asked.iter().filter_map(|asked| all.remove(&asked.id)).collect()
        };
        // The servers are told that nobody answered.
        drop(waiting);
    }
}

fn new_id(app: &App) -> String {
    let mut bytes = [0u8; ID_BYTES];
    rand::Rng::fill_bytes(&mut app.rng(), &mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn cancelled(id: &str, reason: &str) -> Bytes {
    let params = format!(r#"{{"requestId":"{id}","reason":"{reason}"}}"#);
    format!(r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{params}}}"#).into()
}
