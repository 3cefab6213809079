//! A thousand answers that nobody would write by hand, through the gateway and straight from the server:
//! equal but for the published list of edits.

use aerostack_tests::answer::Answer;
use aerostack_tests::client::{Caller, modern_params, rpc};
use aerostack_tests::scene::Scene;
use aerostack_tests::story::{World, story};
use aerostack_tests::upstream::{Answers, Prompt, Resource, Sessions, Setup, Tool, Upstream};
use aerostack_tests::wire::ask;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

/// Answers of each method in each crossing: 4 crossings of 3 methods make over 1,000.
const ANSWERS: usize = 90;
const DEPTH_MAX: usize = 5;
const ODD: [&str; 12] = [
    "2.50",
    "1e2",
    "-0.0",
    "1E+2",
    "123456789012345678901234567890",
    "0.1000",
    "null",
    "true",
    r#""\u00e9é\/""#,
    r#""\ud83d\ude00 \" \\ }{][ ,:""#,
    r#""uri""#,
    "[ ]",
];

/// JSON as it should not be written, but may be.
fn odd(rng: &mut StdRng, depth: usize) -> String {
    let blank = |rng: &mut StdRng| ["", "", " ", "\t", " \n "][rng.random_range(0..5)];
    let kind = if depth == DEPTH_MAX { 0 } else { rng.random_range(0..4) };
    let len = rng.random_range(0..4usize);
    let text = match kind {
        0 | 1 => ODD[rng.random_range(0..ODD.len())].to_owned(),
        2 => {
            let items: Vec<String> = (0..len).map(|_| odd(rng, depth + 1)).collect();
            format!("[{}]", items.join(","))
        }
        _ => {
            let keys = ["id", "result", "uri", "x-1", "\\u0061", "é"];
            let start = rng.random_range(0..keys.len());
            let fields: Vec<String> = (0..len)
                .map(|n| {
                    format!(r#""{}"{}:{}"#, keys[(start + n) % keys.len()], blank(rng), odd(rng, depth + 1))
                })
                .collect();
            format!("{{{}}}", fields.join(","))
        }
    };
    format!("{}{text}{}", blank(rng), blank(rng))
}

/// A result with the field its method demands, among others, in any order; some are large.
fn result(rng: &mut StdRng, field: &str) -> String {
    let filler = if rng.random_range(0..10) == 0 { "x".repeat(100_000) } else { "x".to_owned() };
    let block = format!(
        r#"{{"type":"new-kind-{}","text":"{filler}","uri":"file:///a","resource":{{"uri":"file:///a","o":{}}}}}"#,
        rng.random_range(0..9),
        odd(rng, 1)
    );
    let mut fields = [
        format!(r#""{field}":[{block}]"#),
        format!(r#""unknown":{}"#, odd(rng, 0)),
        format!(r#""_meta":{{"x/y":{}}}"#, odd(rng, 0)),
        format!(r#""z":{}"#, odd(rng, 0)),
    ];
    let turned = rng.random_range(0..fields.len());
    fields.rotate_left(turned);
    format!("{{{}}}", fields.join(" , "))
}

/// The message of an answer, however it was framed.
fn message(answer: &Answer) -> String {
    let text = answer.text();
    let text =
        text.strip_prefix("event: message\ndata: ").map_or(text.as_str(), |rest| rest.trim_end_matches('\n'));
    text.to_owned()
}

/// A method, its parameters through the gateway and straight, and the field of its result.
fn methods() -> [(&'static str, Value, Value, &'static str); 3] {
    let named = |name: &str| json!({ "name": name });
    let at = json!({ "uri": "file:///said" });
    [
        ("tools/call", named("desk__say"), named("say"), "content"),
        ("prompts/get", named("desk__say"), named("say"), "messages"),
        ("resources/read", at.clone(), at, "contents"),
    ]
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Era {
    Legacy,
    Modern,
}

fn params(era: Era, params: Value) -> Value {
    if era == Era::Modern { modern_params(params) } else { params }
}

/// What the server says itself, under the same id.
async fn straight(upstream: &Upstream, era: Era, method: &str, given: &Value) -> String {
    let body = rpc("same id", method, &params(era, given.clone()));
    let name = given["name"].as_str().or(given["uri"].as_str()).unwrap_or_default();
    let mut headers =
        vec![("Content-Type", "application/json"), ("Accept", "application/json, text/event-stream")];
    if era == Era::Modern {
        headers.extend([("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", method), ("Mcp-Name", name)]);
    }
    message(&ask(upstream.address(), "POST", "/mcp", &headers, body.as_bytes()).await)
}

/// What the gateway makes of it.
async fn through(caller: &Caller, era: Era, method: &str, given: &Value) -> String {
    let body = rpc("same id", method, &params(era, given.clone()));
    let name = given["name"].as_str().or(given["uri"].as_str());
    let caller = if era == Era::Modern { caller.modern(method, name) } else { caller.clone() };
    message(&caller.posts(&body).await)
}

/// The published edits of a crossing, made to what the server said.
fn edited(text: &str, caller: Era, server: Era, method: &str) -> String {
    let begins = r#"{"jsonrpc":"2.0","id":"same id","result":{"#;
    let rest = text.strip_prefix(begins).unwrap_or_else(|| panic!("{text}"));
    let cached = r#","ttlMs":0,"cacheScope":"private""#;
    let added = match (caller, server, method) {
        (Era::Modern, Era::Legacy, "resources/read") => format!(r#""resultType":"complete"{cached},"#),
        (Era::Modern, Era::Legacy, _) => r#""resultType":"complete","#.to_owned(),
        _ => String::new(),
    };
    format!("{begins}{added}{rest}")
}

async fn compare(world: &World, server: Era, answers: Answers) {
    let setup =
        if server == Era::Legacy { Setup::legacy().sessions(Sessions::None) } else { Setup::modern() };
    let setup = setup.answers(answers).tools([Tool::saying("say")]);
    let setup = setup.prompts([Prompt::saying("say")]).resources([Resource::saying("file:///said")]);
    let gateway = world.gateway_with(|config| config.limits.rate_limit_per_minute = 1_000_000).await;
    let scene = Scene::set_in(gateway, setup).await;
    let mut rng = StdRng::seed_from_u64(43);
    for (method, exposed, own, field) in methods() {
        for _ in 0..ANSWERS {
            scene.upstream.will_say(&result(&mut rng, field).replace('\n', " "));
            let said = straight(&scene.upstream, server, method, &own).await;
            let same = through(&scene.alice, server, method, &exposed).await;
            assert!(same == said, "within an era nothing changes:\n{said}\n{same}");
            let other = if server == Era::Legacy { Era::Modern } else { Era::Legacy };
            let crossed = through(&scene.alice, other, method, &exposed).await;
            if server == Era::Legacy {
                let expected = edited(&said, other, server, method);
                assert!(crossed == expected, "{method}:\n{expected}\n{crossed}");
            } else {
                // What only the newer era has is taken off where the answer is held whole.
                let (mut expected, crossed): (Value, Value) =
                    (serde_json::from_str(&said).unwrap(), serde_json::from_str(&crossed).unwrap());
                if said.len() <= 64 * 1_024 {
                    let result = expected["result"].as_object_mut().unwrap();
                    result.retain(|key, _| !["resultType", "ttlMs", "cacheScope"].contains(&key.as_str()));
                }
                assert_eq!(crossed, expected, "{method}");
            }
        }
    }
}

#[tokio::test]
async fn a_thousand_odd_answers_pass_as_their_servers_wrote_them() {
    story(async |world| {
        compare(world, Era::Legacy, Answers::Json).await;
    })
    .await;
    story(async |world| {
        compare(world, Era::Modern, Answers::Json).await;
    })
    .await;
}
