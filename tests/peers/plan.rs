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
