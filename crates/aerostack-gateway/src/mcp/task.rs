//! Requests about tasks: calls that go on behind a handle, which is asked for later.
//!
//! They go to the server that has the task, in the session that its caller has there. Lists of tasks are
//! given page by page, server after server.
//! Source: MCP 2025-11-25, "Tasks"; the extension `io.modelcontextprotocol/tasks` of 2026-07-28.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;

use super::answer::Answer;
use super::asked::Asked;
use super::catalog;
use super::dispatch::Order;
use super::error::Refusal;
use super::handle::{EXTENSION, Handles, lists};
use super::in_flight::CallEntry;
use super::relay;
use super::revision::{CallerEra, declares};
use crate::jsonrpc::message::{Body, Message, read};
use crate::snapshot::{OwnTask, Snapshot, Subject};

const LIST: &str = "tasks/list";

/// Serves a request about tasks; `None` if it is about something else.
///
/// # Errors
/// [`Refusal::UnknownMethod`] where no server has tasks, [`Refusal::MissingCapability`] for a modern caller
/// that has not declared the extension, [`Refusal::InvalidParams`] for a handle that leads nowhere.
pub(super) fn serve(
    order: &Order<'_>,
    snapshot: &Snapshot,
    era: CallerEra,
    entry: impl FnOnce() -> Option<CallEntry>,
) -> Option<Result<Answer, Refusal>> {
    let method = method(&order.request.method, era)?;
    let offered = snapshot.capabilities().tasks;
    let is_offered = if era == CallerEra::Legacy { offered.calls } else { offered.extension };
    if !is_offered {
        return Some(Err(Refusal::UnknownMethod { modern: era == CallerEra::Modern }));
    }
    let handles = Handles { app: Arc::clone(order.app), token: order.grant.token.clone(), era };
    Some(if method == LIST {
        list(order, snapshot, &handles, entry)
    } else {
        about(order, method, &handles, entry)
    })
}

fn method(method: &str, era: CallerEra) -> Option<&'static str> {
    let of_both = ["tasks/get", "tasks/cancel"];
    let own = match era {
        CallerEra::Legacy => ["tasks/result", LIST],
        CallerEra::Modern => ["tasks/update", "tasks/update"],
    };
    of_both.into_iter().chain(own).find(|known| *known == method)
}

fn invalid(what: &str) -> Refusal {
    Refusal::InvalidParams { message: format!("Invalid params: {what}"), bad_request: false }
}

/// A request about one task.
fn about(
    order: &Order<'_>,
    method: &'static str,
    handles: &Handles,
    entry: impl FnOnce() -> Option<CallEntry>,
) -> Result<Answer, Refusal> {
    if handles.era == CallerEra::Modern && !declares(order.request, EXTENSION)? {
        return Err(Refusal::MissingCapability(EXTENSION));
    }
    let params = order.request.params.as_ref();
    let named = params.and_then(|params| Some((params.raw("taskId")?, params.string("taskId")?)));
    let (raw, handle) = named.ok_or_else(|| invalid("taskId must be a string"))?;
    let task = handles.open_task(&handle).ok_or_else(Refusal::unknown_task)?;
    let asked = Asked { method, subject: Subject::Task(task), raw };
    relay::relay(order, Ok(asked), handles.era, entry())
}

/// One page of the tasks of one server. The request is written anew: its cursor is not the server's.
fn list(
    order: &Order<'_>,
    snapshot: &Snapshot,
    handles: &Handles,
    entry: impl FnOnce() -> Option<CallEntry>,
) -> Result<Answer, Refusal> {
    let request = order.request;
    let id = request.id.unwrap_or("null");
    let cursor = request.params.as_ref().and_then(|params| params.raw("cursor")).filter(|raw| *raw != "null");
    let page = match cursor {
        Some(raw) => {
            let text = serde_json::from_str::<String>(raw).ok();
            let opened = text.and_then(|text| handles.open_cursor(&text));
            opened.ok_or_else(|| invalid("unknown cursor"))?
        }
        None => match lists(snapshot).next() {
            Some(first) => OwnTask { install: first.clone(), own: String::new() },
            None => return Ok(Answer::ok(catalog::response(id, r#"{"tasks":[]}"#))),
        },
    };
    let own = (!page.own.is_empty()).then(|| format!(r#""cursor":{}"#, Value::from(page.own.as_str())));
    let meta = request.params.as_ref().and_then(|params| params.raw("_meta"));
    let meta = meta.map(|meta| format!(r#""_meta":{meta}"#));
    let params: Vec<String> = own.into_iter().chain(meta).collect();
    let text =
        format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{LIST}","params":{{{}}}}}"#, params.join(","));
    let body = Bytes::from(text);
    let Ok(Body::Single(Message::Request(written))) = read(&body, order.app.config.limits.json_depth) else {
        return Err(invalid("_meta is nested too deep"));
    };
    let raw = written.params.as_ref().map_or("", |params| params.raw("cursor").unwrap_or(&params.text[..0]));
    let asked = Asked { method: LIST, subject: Subject::Tasks(page), raw };
    let order = Order { body: &body, request: &written, ..*order };
    relay::relay(&order, Ok(asked), handles.era, entry())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_era_has_its_own_methods() {
        for (name, legacy, modern) in [
            ("tasks/get", true, true),
            ("tasks/cancel", true, true),
            ("tasks/result", true, false),
            ("tasks/list", true, false),
            ("tasks/update", false, true),
            ("tasks/other", false, false),
            ("tools/call", false, false),
        ] {
            let has = |era| method(name, era).is_some();
            assert_eq!((has(CallerEra::Legacy), has(CallerEra::Modern)), (legacy, modern), "{name}");
        }
    }
}
