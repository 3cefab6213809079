//! Tasks: calls that go on behind an id, in the way of either era.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

use super::answer;
use super::message::{META_CAPABILITIES, META_VERSION, Message, RpcError};
use super::state::State;

/// The extension of 2026-07-28.
pub(super) const EXTENSION: &str = "io.modelcontextprotocol/tasks";
const RELATED: &str = "io.modelcontextprotocol/related-task";
const MOMENT: &str = "2026-03-17T11:15:00Z";

/// The tasks of one server, and whose session each was made in.
#[derive(Debug, Default)]
pub(super) struct Tasks(Mutex<BTreeMap<String, Task>>);

#[derive(Clone, Debug)]
struct Task {
    session: String,
    is_cancelled: bool,
    /// The result, once it is there, as JSON text.
    result: watch::Receiver<Option<String>>,
}

impl Task {
    fn status(&self) -> &'static str {
        match (self.is_cancelled, self.result.borrow().is_some()) {
            (true, _) => "cancelled",
            (false, true) => "completed",
            (false, false) => "working",
        }
    }

    /// As up to 2025-11-25.
    fn as_legacy(&self, id: &str) -> Value {
        json!({ "taskId": id, "status": self.status(), "createdAt": MOMENT, "lastUpdatedAt": MOMENT, "ttl": 60000 })
    }

    /// As the extension has it.
    fn as_modern(&self, id: &str) -> Value {
        json!({ "taskId": id, "status": self.status(), "createdAt": MOMENT, "lastUpdatedAt": MOMENT, "ttlMs": 60000 })
    }
}

impl Tasks {
    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Task>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether this call is to become a task.
pub(super) fn is_wanted(request: &Message) -> bool {
    if request.meta(META_VERSION).is_null() {
        return request.params["task"].is_object();
    }
    request.meta(META_CAPABILITIES)["extensions"].get(EXTENSION).is_some()
}

/// Makes a task of a call.
pub(super) fn create(state: &Arc<State>, request: &Message) -> String {
    let (done, result) = watch::channel(None);
    let session = request.session.clone().unwrap_or_default();
    let task = Task { session, is_cancelled: false, result };
    let mut all = state.tasks_made.all();
    let id = format!("task-{}", all.len() + 1);
    all.insert(id.clone(), task.clone());
    drop(all);
    let (state, mut request) = (Arc::clone(state), request.clone());
    let is_old = request.meta(META_VERSION).is_null();
    request.params["task"] = Value::Null;
    request.params["_meta"][META_CAPABILITIES] = json!({});
    tokio::spawn(async move {
        let (notes, _) = mpsc::channel(1);
        let answer = answer::whole(state, request, notes, answer::as_it_is).await;
        let answer: Value = serde_json::from_str(&answer).unwrap_or_default();
        done.send_replace(Some(answer["result"].to_string()));
    });
    if is_old {
        return json!({ "task": task.as_legacy(&id), "odd": 2.5 }).to_string();
    }
    let mut made = task.as_modern(&id);
    made["resultType"] = json!("task");
    made.to_string()
}

/// Answers a request about tasks.
pub(super) async fn answer(state: &State, request: &Message) -> Result<String, RpcError> {
    let id = request.params["taskId"].as_str().unwrap_or_default();
    let session = request.session.clone().unwrap_or_default();
    if request.method_name() == "tasks/list" {
        return Ok(list(state, &session, &request.params["cursor"]));
    }
    let unknown = || RpcError::new(-32602, "Failed to retrieve task: Task not found");
    let found = state.tasks_made.all().get(id).filter(|task| task.session == session).cloned();
    let mut task = found.ok_or_else(unknown)?;
    let is_old = request.meta(META_VERSION).is_null();
    match request.method_name() {
        "tasks/get" if is_old => Ok(task.as_legacy(id).to_string()),
        "tasks/get" => {
            let mut told = task.as_modern(id);
            if let Some(result) = task.result.borrow().as_deref() {
                told["result"] = serde_json::from_str(result).unwrap_or_default();
            }
            Ok(told.to_string())
        }
        "tasks/result" => {
            let result = task.result.wait_for(Option::is_some).await;
            let text = result.ok().and_then(|result| result.clone()).unwrap_or_default();
            let mut result: Value = serde_json::from_str(&text).unwrap_or_default();
            result["_meta"][RELATED] = json!({ "taskId": id });
            Ok(result.to_string())
        }
        "tasks/cancel" => {
            task.is_cancelled = true;
            state.tasks_made.all().insert(id.to_owned(), task.clone());
            Ok(if is_old { task.as_legacy(id).to_string() } else { "{}".to_owned() })
        }
        _ => Ok("{}".to_owned()),
    }
}

/// One task a page.
fn list(state: &State, session: &str, cursor: &Value) -> String {
    let all = state.tasks_made.all();
    let own: Vec<Value> =
        all.iter().filter(|(_, task)| task.session == session).map(|(id, task)| task.as_legacy(id)).collect();
    let start: usize = cursor.as_str().and_then(|cursor| cursor.parse().ok()).unwrap_or_default();
    let mut result = json!({ "tasks": own.get(start..own.len().min(start + 1)).unwrap_or_default() });
    if start + 1 < own.len() {
        result["nextCursor"] = json!((start + 1).to_string());
    }
    result.to_string()
}
