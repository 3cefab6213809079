//! Calls of modern callers whose legacy server has asked something: kept where they stand until the caller comes
//! back with the answer, or the time for it is over.
//!
//! What the caller comes back with is a sealed handle, good once, for the same token and the same request. It
//! leads to what is in memory: a restart ends parked calls as it ends all others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aerostack_core::id::TokenId;
use serde_json::Value;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::error::Refusal;
use super::underway::Underway;
use crate::app::App;
use crate::grants::Grant;
use crate::jsonrpc::{Object, Request};
use crate::snapshot::Subject;
use crate::upstream::Question;

const NUMBER_BYTES: usize = 16;
/// Longest `requestState` that may be a handle of ours.
const HANDLE_MAX_BYTES: usize = 8 * 1_024;

type Number = [u8; NUMBER_BYTES];

/// Parked calls, by numbers that nobody can guess.
#[derive(Clone, Default)]
pub struct Parked(Arc<Mutex<HashMap<Number, ParkedCall>>>);

/// A call that waits for its caller.
pub(super) struct ParkedCall {
    /// The call.
    pub(super) underway: Underway,
    /// What its server asked.
    pub(super) questions: Vec<Question>,
    token: TokenId,
    purpose: String,
    /// Dropped with it, it ends the wait.
    _wait: DropGuard,
}

/// What a handle is good for: this method and subject, with whatever arguments.
#[must_use]
pub(super) fn purpose(method: &str, subject: &Subject) -> String {
    let name = match subject {
        Subject::Tool(name) | Subject::Prompt(name) | Subject::Resource(name) | Subject::Template(name) => {
            name
        }
        Subject::Task(task) | Subject::Tasks(task) => &task.own,
    };
    format!("{method} {name}")
}

/// What a request repeats of an answer before, as it was written.
#[must_use]
pub(super) fn state_of<'a>(request: &Request<'a>) -> Option<&'a str> {
    request.params.as_ref()?.raw("requestState").filter(|raw| *raw != "null")
}

/// No call waits under this handle, for this caller, for this request.
#[must_use]
pub(super) fn unknown_state() -> Refusal {
    let message = "Invalid params: requestState is unknown, used, or too old".to_owned();
    Refusal::InvalidParams { message, bad_request: false }
}

impl Parked {
    /// Parks a call; gives its handle.
    ///
    /// # Errors
    /// The call, if as many are parked as may be.
    pub(super) fn park(&self, underway: Underway, questions: Vec<Question>) -> Result<String, Box<Underway>> {
        let purpose = underway.sending.purpose();
        let (app, grant) = (Arc::clone(&underway.sending.app), Arc::clone(&underway.sending.grant));
        let limits = &app.config.limits;
        let mut number = Number::default();
        rand::Rng::fill_bytes(&mut app.rng(), &mut number);
        let mut calls = self.lock();
        let of_token = calls.values().filter(|call| call.token == grant.token).count();
        if calls.len() >= limits.parked_calls || of_token >= limits.parked_calls_per_token {
            return Err(Box::new(underway));
        }
        let wait = CancellationToken::new();
        let plain = plain(&number, &grant.token, &purpose);
        let call = ParkedCall {
            underway,
            questions,
            token: grant.token.clone(),
            purpose,
            _wait: wait.clone().drop_guard(),
        };
        calls.insert(number, call);
        drop(calls);
        let handle = app.vault.seal_parked(&plain, &mut app.rng());
        let tasks = app.tasks.clone();
        tasks.spawn(self.clone().watch(number, wait, app, grant));
        Ok(handle)
    }

    /// Ends a call whose caller does not come back, or may not.
    async fn watch(self, number: Number, wait: CancellationToken, app: Arc<App>, grant: Arc<Grant>) {
        tokio::select! {
            () = wait.cancelled() => return,
            () = tokio::time::sleep(app.config.limits.question_timeout) => {}
            () = grant.until_ended(&app.clock) => {}
            () = app.draining.cancelled() => {}
            () = app.stopping.cancelled() => {}
        }
        let call = self.lock().remove(&number);
        if let Some(call) = call {
            call.underway.take_back();
        }
    }

    /// Takes the call that a request comes back to; `None` if its `requestState` is none of ours.
    ///
    /// # Errors
    /// [`Refusal::InvalidParams`] when there is no such call of this caller and this request.
    pub(super) fn take(
        &self,
        app: &App,
        grant: &Grant,
        raw_state: &str,
        purpose: &str,
    ) -> Option<Result<ParkedCall, Refusal>> {
        if raw_state.len() > HANDLE_MAX_BYTES {
            return None;
        }
        let handle: String = serde_json::from_str(raw_state).ok()?;
        let opened = app.vault.open_parked(&handle)?;
        let (number, _) = opened.split_first_chunk::<NUMBER_BYTES>()?;
        let mut calls = self.lock();
        let is_meant = opened == plain(number, &grant.token, purpose)
            && calls.get(number).is_some_and(|call| call.token == grant.token && call.purpose == purpose);
        let call = if is_meant { calls.remove(number) } else { None };
        drop(calls);
        Some(call.ok_or_else(unknown_state))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Number, ParkedCall>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn plain(number: &Number, token: &TokenId, purpose: &str) -> Vec<u8> {
    [number, token.as_str().as_bytes(), b"\n", purpose.as_bytes()].concat()
}

/// What a modern caller is asked for, as one JSON object.
#[must_use]
pub(super) fn input_requests(questions: &[Question]) -> String {
    let request = |(key, question): (String, &Question)| {
        let text = std::str::from_utf8(question.message()).unwrap_or_default();
        let params = Object::parse(text).and_then(|request| request.raw("params"));
        let params = params.map(|params| format!(r#","params":{params}"#)).unwrap_or_default();
        let (key, method) = (Value::from(key), Value::from(question.method()));
        format!(r#"{key}:{{"method":{method}{params}}}"#)
    };
    let requests: Vec<String> = keys(questions).into_iter().zip(questions).map(request).collect();
    format!("{{{}}}", requests.join(","))
}

/// The answer that asks a modern caller, with the raw id of its request.
#[must_use]
pub(super) fn input_required(id: &str, requests: &str, handle: &str) -> String {
    let result =
        format!(r#"{{"resultType":"input_required","inputRequests":{requests},"requestState":"{handle}"}}"#);
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)
}

/// Answers what is answered, and gives back what is not.
pub(super) fn answer(questions: Vec<Question>, request: &Request<'_>) -> Vec<Question> {
    let params = request.params.as_ref();
    let responses = params.and_then(|params| params.object("inputResponses").ok().flatten());
    let keys = keys(&questions);
    let mut left = Vec::new();
    for (key, question) in keys.into_iter().zip(questions) {
        let given = responses.as_ref().and_then(|responses| responses.raw(&key));
        match given.filter(|raw| raw.starts_with('{')) {
            Some(result) => question.answer_with(result),
            None => left.push(question),
        }
    }
    left
}

/// What each question is known by to the caller: the server's own id, whether it is a text or a number.
fn keys(questions: &[Question]) -> Vec<String> {
    let mut keys: Vec<String> = Vec::with_capacity(questions.len());
    for question in questions {
        let mut key = serde_json::from_str(question.id()).unwrap_or_else(|_| question.id().to_owned());
        while keys.contains(&key) {
            key.push('_');
        }
        keys.push(key);
    }
    keys
}
