//! What every client is to do, as the JSON its script reads.

use serde_json::{Value, json};

/// Longest time a tool of the plan takes by itself, in seconds.
const LONG_RUNNING_S: u32 = 1;

/// The plan of one client.
pub(crate) fn plan(
    url: &str,
    token: &str,
    era: &str,
    transport: &str,
    version: Option<&str>,
    desk: &str,
) -> Value {
    let text = json!({ "message": "hello from afar" });
    json!({
        "url": url,
        "token": token,
        "era": era,
        "transport": transport,
        "version": version,
        "tools": [
            "everything__echo", "everything-sse__echo", "time__get_current_time", "example__add",
            "files-stdio__read_text_file", "memory-stdio__read_graph", "everything-stdio__echo",
            "git-stdio__git_status", "time-stdio__get_current_time"
        ],
        "calls": [
            called("everything: echo", "everything__echo", text.clone(), "hello from afar"),
            called("everything-sse: echo", "everything-sse__echo", text, "hello from afar"),
            called("time: get_current_time", "time__get_current_time", json!({ "timezone": "UTC" }), "UTC"),
            called("example: add", "example__add", json!({ "a": 40, "b": 2 }), "42"),
            called("filesystem, stdio: list", "files-stdio__list_allowed_directories", json!({}), "desk"),
            called("memory, stdio: read", "memory-stdio__read_graph", json!({}), "entities"),
            called("everything, stdio: echo", "everything-stdio__echo", json!({ "message": "hello pipe" }), "hello pipe"),
            called("git, stdio: status", "git-stdio__git_status", json!({ "repo_path": desk }), "note.txt"),
            called("time, stdio: now", "time-stdio__get_current_time", json!({ "timezone": "UTC" }), "UTC"),
        ],
        "asks": asks(),
        "progress": [
            followed("everything: progress", "everything__trigger-long-running-operation"),
            followed("everything, stdio: progress", "everything-stdio__trigger-long-running-operation"),
            followed("everything-sse: progress", "everything-sse__trigger-long-running-operation"),
            {
                "check": "example: progress", "tool": "example__slow", "arguments": { "steps": 5, "pause_ms": 20 },
                "expect": "done after 5", "at_least": 4
            },
        ],
        "concurrent": { "tool": "everything__echo", "arguments": {}, "vary": "message", "count": 10 },
        "failing": { "tool": "example__fail", "arguments": { "reason": "as planned" } },
        "gone": "time__get_current_time"
    })
}

/// Of prompts and resources. Three servers have the same URIs: those of the later ones say whose they are.
fn asks() -> Value {
    let document = "demo://resource/static/document/features.md";
    let completable = json!({ "type": "ref/prompt", "name": "everything__completable-prompt" });
    let argument = json!({ "name": "department", "value": "Eng" });
    json!([
        asked("prompts: list", "prompts/list", json!({}), "everything-sse__args-prompt"),
        asked(
            "everything: prompt",
            "prompts/get",
            json!({ "name": "everything__args-prompt", "arguments": { "city": "Oslo" } }),
            "What's weather in Oslo?"
        ),
        asked(
            "example: prompt",
            "prompts/get",
            json!({ "name": "example__greet", "arguments": { "who": "Bob" } }),
            "Say hello to Bob."
        ),
        asked(
            "resources: list",
            "resources/list",
            json!({}),
            &format!("aerostack+everything-sse:{document}")
        ),
        asked("templates: list", "resources/templates/list", json!({}), "file:///{name}/raw"),
        asked("everything: resource", "resources/read", json!({ "uri": document }), "Everything Server"),
        asked(
            "everything-sse: resource",
            "resources/read",
            json!({ "uri": "aerostack+everything-sse:demo://resource/dynamic/text/7" }),
            "Resource 7"
        ),
        asked("example: resource", "resources/read", json!({ "uri": "file:///x/raw" }), "file:///x/raw"),
        asked(
            "everything: completion",
            "completion/complete",
            json!({ "ref": completable, "argument": argument }),
            "Engineering"
        ),
    ])
}

fn asked(check: &str, method: &str, params: Value, expect: &str) -> Value {
    json!({ "check": check, "method": method, "params": params, "expect": expect })
}

fn called(check: &str, tool: &str, arguments: Value, expect: &str) -> Value {
    json!({ "check": check, "tool": tool, "arguments": arguments, "expect": expect })
}

/// A long-running operation. One step fewer than it has is asked for: a client may be handed the
/// last one together with the result, and drops it then.
fn followed(check: &str, tool: &str) -> Value {
    json!({
        "check": check, "tool": tool, "arguments": { "duration": LONG_RUNNING_S, "steps": 4 },
        "expect": "Long running operation completed", "at_least": 3
    })
}
