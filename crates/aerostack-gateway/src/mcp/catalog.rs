//! What is answered from memory: `initialize`, `server/discover`, `ping`, and lists.

use aerostack_core::capability::Capabilities;
use aerostack_core::server::Install;
use bytes::Bytes;
use serde_json::{Value, json};

use super::answer::Answer;
use super::error::Refusal;
use super::handle::EXTENSION;
use super::revision::{CallerEra, Legacy, META_SERVER_INFO, MODERN};
use crate::definition::{Form, Kind};
use crate::jsonrpc::Request;
use crate::snapshot::{Snapshot, ToolEntry};

/// For how long a modern client may keep a list without asking again.
const LIST_TTL_MS: u64 = 5_000;
/// Longest instructions taken over from one server, and from all together, in characters.
const INSTRUCTIONS_MAX: usize = 4_096;
const ALL_INSTRUCTIONS_MAX: usize = 16_384;

/// A successful response with the raw id `id` and the JSON text `result`.
#[must_use]
pub fn response(id: &str, result: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)
}

/// The result of `initialize`, and the revision agreed on.
#[must_use]
pub fn initialize(snapshot: &Snapshot, request: &Request<'_>) -> (Legacy, String) {
    let asked = request.params.as_ref().and_then(|params| params.string("protocolVersion"));
    let revision = Legacy::negotiate(asked.as_deref().unwrap_or_default());
    let mut result = json!({
        "protocolVersion": revision.date(),
        "capabilities": capabilities(snapshot, CallerEra::Legacy),
        "serverInfo": server_info(snapshot),
    });
    if let Some(instructions) = instructions(snapshot) {
        result["instructions"] = Value::String(instructions);
    }
    (revision, result.to_string())
}

/// The result of `server/discover`.
#[must_use]
pub fn discover(snapshot: &Snapshot) -> String {
    let mut result = json!({
        "resultType": "complete",
        "supportedVersions": [MODERN],
        "capabilities": capabilities(snapshot, CallerEra::Modern),
        "ttlMs": LIST_TTL_MS,
        "cacheScope": "private",
        "_meta": { META_SERVER_INFO: server_info(snapshot) },
    });
    if let Some(instructions) = instructions(snapshot) {
        result["instructions"] = Value::String(instructions);
    }
    result.to_string()
}

/// What the workspace's servers offer together. Tools always: the next server may bring some.
fn capabilities(snapshot: &Snapshot, era: CallerEra) -> Value {
    let Capabilities { prompts, resources, subscriptions, completions, logging, tasks } =
        snapshot.capabilities();
    let mut offered = json!({ "tools": { "listChanged": true } });
    if prompts {
        offered["prompts"] = json!({ "listChanged": true });
    }
    if resources {
        offered["resources"] = json!({ "listChanged": true });
    }
    if resources && subscriptions {
        offered["resources"]["subscribe"] = json!(true);
    }
    for (name, _) in [("completions", completions), ("logging", logging)].iter().filter(|(_, is)| *is) {
        offered[*name] = json!({});
    }
    match era {
        CallerEra::Legacy if tasks.calls => {
            offered["tasks"] = json!({ "requests": { "tools": { "call": {} } } });
            for (name, _) in [("list", tasks.list), ("cancel", tasks.cancel)].iter().filter(|(_, is)| *is) {
                offered["tasks"][*name] = json!({});
            }
        }
        CallerEra::Modern if tasks.extension => offered["extensions"] = json!({ EXTENSION: {} }),
        CallerEra::Legacy | CallerEra::Modern => {}
    }
    offered
}

/// The answer to a request for a list: everything in one page, in a stable order.
///
/// # Errors
/// [`Refusal::InvalidParams`] for a cursor: we never give one.
pub fn list(
    snapshot: &Snapshot,
    kind: Kind,
    request: &Request<'_>,
    era: CallerEra,
) -> Result<Answer, Refusal> {
    let cursor = request.params.as_ref().and_then(|params| params.raw("cursor"));
    if cursor.is_some_and(|cursor| cursor != "null") {
        return Err(Refusal::InvalidParams {
            message: "Invalid params: unknown cursor".to_owned(),
            bad_request: false,
        });
    }
    let id = request.id.unwrap_or("null");
    let begin = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":"#).into();
    Ok(Answer::List { begin, rest: rest_of_list(snapshot, kind, era) })
}

/// The result of a list, and the brace that ends its response: the same for everybody.
fn rest_of_list(snapshot: &Snapshot, kind: Kind, era: CallerEra) -> Bytes {
    let kept = match era {
        CallerEra::Legacy => &snapshot.legacy_lists,
        CallerEra::Modern => &snapshot.modern_lists,
    };
    kept.text(kind, || make_rest_of_list(snapshot, kind, era))
}

fn make_rest_of_list(snapshot: &Snapshot, kind: Kind, era: CallerEra) -> String {
    let list = match kind {
        Kind::Tool => array(snapshot.listed().map(|tool| (form(tool, era), tool.exposed.as_str()))),
        kind => array(snapshot.listed_items(kind).map(|entry| (&entry.item.form, entry.exposed.as_str()))),
    };
    let field = kind.field();
    match era {
        CallerEra::Legacy => format!(r#"{{"{field}":{list}}}}}"#),
        CallerEra::Modern => {
            let meta = json!({ META_SERVER_INFO: server_info(snapshot) });
            format!(
                r#"{{"resultType":"complete","{field}":{list},"ttlMs":{LIST_TTL_MS},"cacheScope":"private","_meta":{meta}}}}}"#
            )
        }
    }
}

/// Definitions under what they are exposed as.
fn array<'a>(entries: impl Iterator<Item = (&'a Form, &'a str)>) -> String {
    let mut list = String::from("[");
    for (form, exposed) in entries {
        if list.len() > 1 {
            list.push(',');
        }
        form.write(exposed, &mut list);
    }
    list.push(']');
    list
}

/// The result of `completion/complete` of a server that completes nothing.
#[must_use]
pub const fn no_completion(era: CallerEra) -> &'static str {
    match era {
        CallerEra::Legacy => r#"{"completion":{"values":[]}}"#,
        CallerEra::Modern => r#"{"resultType":"complete","completion":{"values":[]}}"#,
    }
}

fn form(tool: &ToolEntry, era: CallerEra) -> &Form {
    let definition = &tool.definition;
    match era {
        CallerEra::Modern => &definition.form,
        CallerEra::Legacy => definition.legacy_form.as_ref().unwrap_or(&definition.form),
    }
}

/// Our name towards clients. Each workspace has its own, since some clients cache by it.
#[must_use]
pub fn server_info(snapshot: &Snapshot) -> Value {
    json!({
        "name": format!("aerostack/{}", snapshot.slug),
        "title": snapshot.name,
        "version": env!("CARGO_PKG_VERSION"),
    })
}

/// The servers' instructions under a heading each, bounded.
fn instructions(snapshot: &Snapshot) -> Option<String> {
    let mut joined = String::new();
    let mut room = ALL_INSTRUCTIONS_MAX;
    for install in &snapshot.installs {
        let Some(text) = install.instructions().filter(|_| install.install.is_active()) else {
            continue;
        };
        let section = section(&install.install, text, room);
        room -= section.chars().count().min(room);
        joined.push_str(&section);
    }
    (!joined.is_empty()).then(|| joined.trim_end().to_owned())
}

fn section(install: &Install, text: &str, room: usize) -> String {
    let kept: String = text.trim().chars().take(INSTRUCTIONS_MAX.min(room)).collect();
    if kept.is_empty() { kept } else { format!("# {}\n{kept}\n\n", install.slug) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tests::Hall;
    use crate::store::testing::on_both_engines;

    #[tokio::test]
    async fn a_list_is_made_once_and_anew_when_anything_of_it_changes() {
        on_both_engines(|store| async move {
            let hall = Hall::open(store, |_| {}).await;
            let placed = hall.installs("github").await;
            hall.lists(&placed, "old").await;
            let rest = |kind, era| rest_of_list(&hall.snapshot().unwrap(), kind, era);
            let legacy = rest(Kind::Tool, CallerEra::Legacy);
            assert_eq!(legacy, legacy_text("github__old"));
            for (kind, era) in Kind::ALL
                .into_iter()
                .flat_map(|kind| [CallerEra::Legacy, CallerEra::Modern].map(|era| (kind, era)))
            {
                let (first, second) = (rest(kind, era), rest(kind, era));
                assert_eq!(first.as_ptr(), second.as_ptr());
                assert_eq!(first, make_rest_of_list(&hall.snapshot().unwrap(), kind, era));
            }
            hall.lists(&placed, "new").await;
            assert_eq!(rest(Kind::Tool, CallerEra::Legacy), legacy_text("github__new"));
            let second = hall.installs("gitlab").await;
            hall.lists(&second, "more").await;
            let both = rest(Kind::Prompt, CallerEra::Legacy);
            assert_eq!(both, r#"{"prompts":[{"name":"github__new"},{"name":"gitlab__more"}]}}"#);
            hall.closes().await;
        })
        .await;
    }

    fn legacy_text(tool: &str) -> String {
        format!(r#"{{"tools":[{{"name":"{tool}","inputSchema":{{"type":"object"}}}}]}}}}"#)
    }
}
