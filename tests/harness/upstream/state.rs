//! What one running server knows: its setup, its tools of the moment, its script, its sessions.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use super::fault::{Fault, Rule, strike};
use super::message::Message;
use super::notice::Notice;
use super::prompt::Prompt;
use super::record::Record;
use super::resource::Resource;
use super::setup::Setup;
use super::task::Tasks;
use super::tool::Tool;

/// Notices that wait for a slow listener.
const NOTICES: usize = 256;

/// Sessions of a server since it started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionCounts {
    /// Opened by `initialize`, or by a 2024-11-05 stream.
    pub opened: usize,
    /// Ended by the client.
    pub closed: usize,
    /// Known now.
    pub open: usize,
}

/// Shared by all connections of a server.
#[derive(Debug)]
pub(super) struct State {
    pub(super) setup: Setup,
    pub(super) record: Arc<Record>,
    /// What is offered now.
    pub(super) tools: watch::Sender<Vec<Tool>>,
    pub(super) prompts: watch::Sender<Vec<Prompt>>,
    pub(super) resources: watch::Sender<Vec<Resource>>,
    /// What has happened, for whoever listens.
    pub(super) notices: broadcast::Sender<Notice>,
    /// Raised to let held tools go.
    pub(super) released: watch::Sender<u64>,
    rules: Mutex<Vec<Rule>>,
    sessions: Mutex<Sessions>,
    /// By session, or by listening.
    subscriptions: Mutex<HashMap<String, Vec<String>>>,
    levels: Mutex<HashMap<String, String>>,
    /// Questions that wait for their answer, by session and id.
    asked: Mutex<HashMap<(String, String), oneshot::Sender<Value>>>,
    /// What is said next, by whatever says what a test wants.
    said: Mutex<String>,
    /// Calls that became tasks.
    pub(super) tasks_made: Tasks,
    /// Answers that wait to be asked for again, by the id of the event before them.
    kept: Mutex<HashMap<String, String>>,
    streams: AtomicUsize,
}

#[derive(Debug, Default)]
struct Sessions {
    opened: usize,
    closed: usize,
    /// Of 2024-11-05 sessions the sender to their stream.
    known: HashMap<String, Option<mpsc::Sender<String>>>,
    /// The text of the last call in each.
    told: HashMap<String, String>,
}

impl State {
    pub(super) fn new(setup: Setup) -> Arc<Self> {
        Arc::new(Self {
            record: Record::new(),
            tools: watch::Sender::new(setup.tools.clone()),
            prompts: watch::Sender::new(setup.prompts.clone()),
            resources: watch::Sender::new(setup.resources.clone()),
            notices: broadcast::Sender::new(NOTICES),
            subscriptions: Mutex::default(),
            levels: Mutex::default(),
            asked: Mutex::default(),
            said: Mutex::new("{}".to_owned()),
            released: watch::Sender::new(0),
            kept: Mutex::default(),
            tasks_made: Tasks::default(),
            rules: Mutex::default(),
            sessions: Mutex::default(),
            streams: AtomicUsize::new(0),
            setup,
        })
    }

    /// The fault that strikes at a request.
    pub(super) fn strike(&self, method: Option<&str>) -> Option<Fault> {
        strike(&mut locked(&self.rules), method)
    }

    pub(super) fn add_rule(&self, rule: Rule) {
        locked(&self.rules).push(rule);
    }

    pub(super) fn clear_rules(&self) {
        locked(&self.rules).clear();
    }

    /// Opens a session and gives its id.
    pub(super) fn open_session(&self, stream: Option<mpsc::Sender<String>>) -> String {
        let mut sessions = locked(&self.sessions);
        sessions.opened += 1;
        let id = format!("{}-{:016x}", sessions.opened, rand::random::<u64>());
        sessions.known.insert(id.clone(), stream);
        drop(sessions);
        self.record.ring();
        id
    }

    /// Ends a session at the client's wish; tells whether it was known.
    pub(super) fn close_session(&self, id: &str) -> bool {
        let mut sessions = locked(&self.sessions);
        let known = sessions.known.remove(id).is_some();
        sessions.closed += usize::from(known);
        drop(sessions);
        self.record.ring();
        known
    }

    /// Forgets all sessions, as a restart does.
    pub(super) fn forget_sessions(&self) {
        locked(&self.sessions).known.clear();
        locked(&self.subscriptions).clear();
        locked(&self.levels).clear();
    }

    /// Keeps the text of a call in its session; gives that of the call before.
    pub(super) fn tell(&self, session: &str, text: &str) -> Option<String> {
        locked(&self.sessions).told.insert(session.to_owned(), text.to_owned())
    }

    pub(super) fn knows_session(&self, id: &str) -> bool {
        locked(&self.sessions).known.contains_key(id)
    }

    /// The stream of a 2024-11-05 session.
    pub(super) fn session_stream(&self, id: &str) -> Option<mpsc::Sender<String>> {
        locked(&self.sessions).known.get(id).cloned().flatten()
    }

    pub(super) fn session_counts(&self) -> SessionCounts {
        let sessions = locked(&self.sessions);
        SessionCounts { opened: sessions.opened, closed: sessions.closed, open: sessions.known.len() }
    }

    /// Adds a subscription, or takes it away.
    pub(super) fn subscribe(&self, who: &str, uri: &str, wanted: bool) {
        let mut subscriptions = locked(&self.subscriptions);
        let own = subscriptions.entry(who.to_owned()).or_default();
        own.retain(|other| other != uri);
        if wanted {
            own.push(uri.to_owned());
        }
        drop(subscriptions);
        self.record.ring();
    }

    /// Takes all subscriptions of somebody away.
    pub(super) fn unsubscribe_all(&self, who: &str) {
        locked(&self.subscriptions).remove(who);
        self.record.ring();
    }

    /// The subscriptions of somebody.
    pub(super) fn subscriptions_of(&self, who: &str) -> Vec<String> {
        locked(&self.subscriptions).get(who).cloned().unwrap_or_default()
    }

    /// Everybody's subscriptions, sorted.
    pub(super) fn subscriptions(&self) -> Vec<String> {
        let mut all: Vec<String> = locked(&self.subscriptions).values().flatten().cloned().collect();
        all.sort();
        all
    }

    /// Sets what is said from now on.
    pub(super) fn will_say(&self, result: &str) {
        result.clone_into(&mut locked(&self.said));
    }

    /// What is said now.
    pub(super) fn said(&self) -> String {
        locked(&self.said).clone()
    }

    /// Keeps an answer; gives the id to ask for it.
    pub(super) fn keep_answer(&self, answer: String) -> String {
        let mut kept = locked(&self.kept);
        let id = format!("event-{}", kept.len() + 1);
        kept.insert(id.clone(), answer);
        id
    }

    /// The answer that waits behind an event.
    pub(super) fn kept_answer(&self, id: &str) -> Option<String> {
        locked(&self.kept).get(id).cloned()
    }

    /// Sets the least level of log messages in a session.
    pub(super) fn set_level(&self, session: &str, level: &str) {
        locked(&self.levels).insert(session.to_owned(), level.to_owned());
    }

    /// The least level of log messages in a session, if it was set.
    pub(super) fn level(&self, session: &str) -> Option<String> {
        locked(&self.levels).get(session).cloned()
    }

    /// Waits for the answer to a question in a session.
    pub(super) fn asks(&self, session: &str, id: &str) -> oneshot::Receiver<Value> {
        let (sender, answer) = oneshot::channel();
        locked(&self.asked).insert((session.to_owned(), id.to_owned()), sender);
        answer
    }

    /// Takes the answer to a question: its result, or what it is answered with instead.
    pub(super) fn answered(&self, session: &str, message: &Message) {
        let id: String = serde_json::from_str(message.id_text()).unwrap_or_default();
        let sender = locked(&self.asked).remove(&(session.to_owned(), id));
        let error = || serde_json::json!({ "error": message.error });
        let answer = if message.result.is_null() { error() } else { message.result.clone() };
        if let Some(sender) = sender {
            // The call may be over.
            let _ = sender.send(answer);
        }
    }

    /// Counts one open stream for as long as the guard lives.
    pub(super) fn stream_opened(self: &Arc<Self>) -> OpenStream {
        self.streams.fetch_add(1, Ordering::SeqCst);
        self.record.ring();
        OpenStream(Arc::clone(self))
    }

    pub(super) fn open_streams(&self) -> usize {
        self.streams.load(Ordering::SeqCst)
    }
}

/// An open stream of change notices.
#[derive(Debug)]
pub(super) struct OpenStream(Arc<State>);

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.streams.fetch_sub(1, Ordering::SeqCst);
        self.0.record.ring();
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
