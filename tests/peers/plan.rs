//! What every client is to do, as the JSON its script reads.

use serde_json::{Value, json};

use crate::server::{EXAMPLES, Server};

/// Longest time a tool of the plan takes by itself, in seconds.
const LONG_RUNNING_S: u32 = 1;

/// Who connects, and how.
pub(crate) struct Connection<'a> {
    /// Where the workspace is.
    pub(crate) url: &'a str,
    /// What lets it in.
    pub(crate) token: &'a str,
    /// `legacy`, or `auto` where the client finds out.
    pub(crate) era: &'a str,
    /// `http`, `sse`, or the program that stands between.
    pub(crate) transport: &'a str,
    /// The revision that has to be agreed on.
    pub(crate) version: Option<&'a str>,
}

/// The plan of one client: all checks but those of what it does not have.
pub(crate) fn plan(connection: &Connection<'_>, without: &[&str], desk: &str) -> Value {
    let checks: Vec<Value> = checks(desk)
        .into_iter()
        .filter(|check| !without.iter().any(|feature| check["feature"] == *feature))
        .collect();
    json!({
        "url": connection.url,
        "token": connection.token,
        "era": connection.era,
        "transport": connection.transport,
        "version": connection.version,
        "checks": checks,
        "concurrent": { "tool": "everything__echo", "arguments": {}, "vary": "message", "count": 10 },
        "failing": { "tool": "example__fail", "arguments": { "reason": "as planned" } },
        "gone": "time__get_current_time"
    })
}

/// One check after the other; several of one server and feature make one mark of the table.
fn checks(desk: &str) -> Vec<Value> {
    let mut checks = tools(desk);
    for everything in ["everything", "everything-sse", "everything-stdio"] {
        checks.extend(of_everything(everything));
    }
    for (example, _) in EXAMPLES {
        checks.extend(of_example(example));
    }
    let order = |check: &Value| Server::ALL.iter().position(|server| check["server"] == server.slug);
    checks.sort_by_key(order);
    checks
}

fn tools(desk: &str) -> Vec<Value> {
    let text = || json!({ "message": "hello from afar" });
    let mut checks = vec![
        called("everything", "echo", text(), "hello from afar"),
        called("everything-sse", "echo", text(), "hello from afar"),
        called("everything-stdio", "echo", text(), "hello from afar"),
        called("time", "get_current_time", json!({ "timezone": "UTC" }), "UTC"),
        called("files-stdio", "list_allowed_directories", json!({}), "desk"),
        called("memory-stdio", "read_graph", json!({}), "entities"),
        called("git-stdio", "git_status", json!({ "repo_path": desk }), "note.txt"),
        called("time-stdio", "get_current_time", json!({ "timezone": "UTC" }), "UTC"),
    ];
    checks.extend(EXAMPLES.map(|(example, _)| called(example, "add", json!({ "a": 40, "b": 2 }), "42")));
    checks
}

/// Three servers have the same URIs: those of the later ones say whose they are.
fn of_everything(slug: &str) -> Vec<Value> {
    let uri =
        |own: &str| if slug == "everything" { own.to_owned() } else { format!("aerostack+{slug}:{own}") };
    let prompt = |name: &str| format!("{slug}__{name}");
    let weather = json!({ "name": prompt("args-prompt"), "arguments": { "city": "Oslo" } });
    let completed = json!({
        "ref": { "type": "ref/prompt", "name": prompt("completable-prompt") },
        "argument": { "name": "department", "value": "Eng" }
    });
    let document = uri("demo://resource/static/document/features.md");
    vec![
        asked(slug, "prompts", "prompts/list", json!({}), &prompt("args-prompt")),
        asked(slug, "prompts", "prompts/get", weather, "What's weather in Oslo?"),
        asked(slug, "resources", "resources/list", json!({}), &document),
        asked(slug, "resources", "resources/read", json!({ "uri": document }), "Everything Server"),
        asked(
            slug,
            "templates",
            "resources/templates/list",
            json!({}),
            &uri("demo://resource/dynamic/text/{resourceId}"),
        ),
        asked(
            slug,
            "templates",
            "resources/read",
            json!({ "uri": uri("demo://resource/dynamic/text/7") }),
            "Resource 7",
        ),
        asked(slug, "completion", "completion/complete", completed, "Engineering"),
        followed(
            slug,
            "trigger-long-running-operation",
            json!({ "duration": LONG_RUNNING_S, "steps": 4 }),
            "Long running operation completed",
        ),
    ]
}

fn of_example(slug: &str) -> Vec<Value> {
    let prompt = format!("{slug}__greet");
    let notes = format!("file:///{slug}/notes");
    let raw = format!("file:///{slug}/x/raw");
    let greeted = json!({ "name": prompt, "arguments": { "who": "Bob" } });
    let completed = json!({
        "ref": { "type": "ref/prompt", "name": prompt },
        "argument": { "name": "who", "value": "B" }
    });
    vec![
        asked(slug, "prompts", "prompts/list", json!({}), &prompt),
        asked(slug, "prompts", "prompts/get", greeted, "Say hello to Bob."),
        asked(slug, "resources", "resources/list", json!({}), &notes),
        asked(slug, "resources", "resources/read", json!({ "uri": notes }), &notes),
        asked(
            slug,
            "templates",
            "resources/templates/list",
            json!({}),
            &format!("file:///{slug}/{{name}}/raw"),
        ),
        asked(slug, "templates", "resources/read", json!({ "uri": raw }), &raw),
        asked(slug, "completion", "completion/complete", completed, "values"),
        check(slug, "subscriptions", "subscribe", json!({ "uri": notes })),
        check(slug, "logging", "log", json!({ "tool": format!("{slug}__talk"), "level": "error" })),
        followed(slug, "slow", json!({ "steps": 5, "pause_ms": 20 }), "done after 5"),
        check(slug, "cancel", "cancel", json!({ "tool": format!("{slug}__hold"), "arguments": {} })),
    ]
}

fn check(slug: &str, feature: &str, what: &str, how: Value) -> Value {
    let mut check = how;
    check["server"] = json!(slug);
    check["feature"] = json!(feature);
    check["do"] = json!(what);
    check
}

fn asked(slug: &str, feature: &str, method: &str, params: Value, expect: &str) -> Value {
    check(slug, feature, "ask", json!({ "method": method, "params": params, "expect": expect }))
}

fn called(slug: &str, tool: &str, arguments: Value, expect: &str) -> Value {
    let tool = format!("{slug}__{tool}");
    check(slug, "tools", "call", json!({ "tool": tool, "arguments": arguments, "expect": expect }))
}

/// A call that tells how far it is. Fewer steps than it has are asked for: a client may be handed the
/// last one together with the result, and drops it then.
fn followed(slug: &str, tool: &str, arguments: Value, expect: &str) -> Value {
    let tool = format!("{slug}__{tool}");
    let how = json!({ "tool": tool, "arguments": arguments, "expect": expect, "at_least": 3 });
    check(slug, "progress", "follow", how)
}
