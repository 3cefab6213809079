//! Malformed requests: each gets the documented refusal, and the process serves on.

use std::time::Duration;

use aerostack_tests::client::{Caller, META_CAPABILITIES, META_VERSION};
use aerostack_tests::scene::Scene;
use aerostack_tests::story::short_story;
use aerostack_tests::upstream::Setup;
use aerostack_tests::wire::{Answer, Wire};
use serde_json::json;

const MIB: usize = 1_024 * 1_024;

/// What a request comes to: status, JSON-RPC code, and the raw id that is echoed.
type Told<'a> = (u16, i64, &'a str);

/// Bodies of a POST, each with what it comes to.
const BODIES: [(&str, Told<'static>); 38] = [
    ("", (400, -32700, "null")),
    ("nonsense", (400, -32700, "null")),
    ("{", (400, -32700, "null")),
    (r#"{"jsonrpc":"2.0","id":1,"method":"ping""#, (400, -32700, "null")),
    (r#"{"jsonrpc":"2.0","id":1,"method":"ping"} x"#, (400, -32700, "null")),
    (r#"{"jsonrpc":"2.0","id":1,"method":"ping",}"#, (400, -32700, "null")),
    (r#"{'jsonrpc':'2.0','id':1,'method':'ping'}"#, (400, -32700, "null")),
    ("\u{feff}{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}", (400, -32700, "null")),
    ("{\"jsonrpc\":\"2.0\",\"id\":\"\u{1}\",\"method\":\"ping\"}", (400, -32700, "null")),
    (r#"{"jsonrpc":"2.0","id":01,"method":"ping"}"#, (400, -32700, "null")),
    (r#"{"jsonrpc":"2.0","id":NaN,"method":"ping"}"#, (400, -32700, "null")),
    ("null", (400, -32600, "null")),
    ("1", (400, -32600, "null")),
    (r#""ping""#, (400, -32600, "null")),
    ("{}", (400, -32600, "null")),
    ("[]", (400, -32600, "null")),
    (r#"{"jsonrpc":"2.0"}"#, (400, -32600, "null")),
    (r#"{"id":1,"method":"ping"}"#, (400, -32600, "1")),
    (r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, (400, -32600, "1")),
    (r#"{"jsonrpc":2.0,"id":1,"method":"ping"}"#, (400, -32600, "1")),
    (r#"{"jsonrpc":"2.0","id":1}"#, (400, -32600, "1")),
    (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, (400, -32600, "1")),
    (r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[1]}"#, (400, -32600, "1")),
    (r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":"x"}"#, (400, -32600, "1")),
    (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, (400, -32600, "null")),
    (r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, (400, -32600, "null")),
    (r#"{"jsonrpc":"2.0","id":[1],"method":"ping"}"#, (400, -32600, "null")),
    (r#"{"jsonrpc":"2.0","id":true,"method":"ping"}"#, (400, -32600, "null")),
    (r#"{"jsonrpc":"2.0","jsonrpc":"2.0","id":1,"method":"ping"}"#, (400, -32600, "null")),
    (r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#, (400, -32600, "null")),
    (r#"{"jsonrpc":"2.0","id":1,"method":"ping","m\u0065thod":"tools/list"}"#, (400, -32600, "null")),
    (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","name":"b"}}"#, (400, -32600, "1")),
    (r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":{"a":1,"a":2}}}"#, (400, -32600, "1")),
    (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":7}}"#, (200, -32602, "1")),
    (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#, (200, -32602, "1")),
    (r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":"x"}}"#, (200, -32602, "1")),
    (r#"{"jsonrpc":"2.0","id":1,"method":"nothing/here"}"#, (200, -32601, "1")),
    (r#"{"jsonrpc":"2.0","id":1,"method":""}"#, (200, -32601, "1")),
];

/// Ids of every kind that are allowed: they come back as they were written.
const IDS: [&str; 12] = [
    "0",
    "-1",
    "1.0",
    "1e3",
    "2.50",
    "9223372036854775808",
    "18446744073709551616",
    r#""""#,
    r#""seven""#,
    r#""\u0061\n\"\\""#,
    r#""日本語 🚀""#,
    r#""null""#,
];

fn told(answer: &Answer) -> (u16, i64, String) {
    let text = answer.text();
    let id = text.split_once(r#""id":"#).and_then(|(_, rest)| rest.split_once(r#","error""#));
    let id = id.map_or("-", |(id, _)| id).to_owned();
    (answer.status(), answer.error_code().unwrap_or_default(), id)
}

#[tokio::test]
async fn what_is_no_request_is_refused_and_the_gateway_serves_on() {
    short_story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        for (body, (status, code, id)) in BODIES {
            let answer = scene.alice.posts(body).await;
            assert_eq!(told(&answer), (status, code, id.to_owned()), "{body}: {}", answer.text());
        }
        let deep = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"a":{}1{}}}}}"#, "[".repeat(200), "]".repeat(200));
        assert_eq!(told(&scene.alice.posts(&deep).await), (400, -32600, "null".to_owned()));
        let invalid = [&br#"{"jsonrpc":"2.0","id":1,"method":""#[..], &[0xff, 0xfe], br#""}"#].concat();
        assert_eq!(raw_post(&scene.alice, &[], &invalid).await.status(), 400);
        assert_serves(&scene).await;
    })
    .await;
}

async fn assert_serves(scene: &Scene) {
    let answer = scene.alice.calls("desk__echo", json!({ "text": "still here" })).await;
    assert_eq!(answer.tool_text().as_deref(), Some("still here"));
}

#[tokio::test]
async fn an_id_of_any_kind_comes_back_as_it_was_written() {
    short_story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        for id in IDS {
            let params = r#"{"name":"desk__echo","arguments":{"text":"hi"}}"#;
            let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{params}}}"#);
            let text = scene.alice.posts(&body).await.text();
            let begins = text.starts_with(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":"#));
            assert!(begins, "{id}: {text}");
            let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"nothing"}}"#);
            assert_eq!(told(&scene.alice.posts(&body).await).2, id);
            let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
            let expected = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#);
            assert_eq!(scene.alice.posts(&body).await.text(), expected);
        }
        let own: Vec<_> = scene.upstream.calls().iter().map(|call| call.json()["id"].clone()).collect();
        assert!(own.iter().all(serde_json::Value::is_u64), "towards the server ids are our own: {own:?}");
    })
    .await;
}

/// A POST of any bytes, with further headers.
async fn raw_post(caller: &Caller, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let bearer = caller.bearer();
    let standard = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    let headers = [&standard, headers].concat();
    let mut wire = Wire::open(caller.address).await;
    wire.write(&aerostack_tests::wire::request("POST", &caller.path, &headers, body)).await.unwrap();
    wire.answer().await.unwrap()
}

#[tokio::test]
async fn a_body_that_is_too_large_or_too_slow_is_refused() {
    short_story(async |world| {
        let gateway = world.gateway_with(|config| {
            config.limits.body_timeout = Duration::from_millis(300);
            config.limits.header_timeout = Duration::from_millis(300);
        });
        let scene = Scene::set_in(gateway.await, Setup::legacy()).await;
        let declared = (17 * MIB).to_string();
        let answer = raw_post(&scene.alice, &[("Content-Length", declared.as_str())], b"").await;
        assert_eq!(told(&answer), (413, -32600, "null".to_owned()));
        assert_eq!(answer.header("connection"), Some("close"));
        let answer = too_many_chunks(&scene.alice).await;
        assert_eq!(told(&answer), (413, -32600, "null".to_owned()));
        let answer = raw_post(&scene.alice, &[("Content-Length", "100")], b"{").await;
        assert_eq!(told(&answer), (408, -32600, "null".to_owned()));
        let answer = raw_post(&scene.alice, &[("Transfer-Encoding", "chunked")], b"1\r\n{\r\n").await;
        assert_eq!(told(&answer), (408, -32600, "null".to_owned()));
        let mut wire = Wire::open(scene.gateway.address()).await;
        wire.write(b"POST /ws/engineering HTTP/1.1\r\nHost: localhost\r\nX-Slow: ").await.unwrap();
        match wire.answer().await {
            Ok(answer) => assert_eq!(answer.status(), 408),
            Err(error) => assert_ne!(error.kind(), std::io::ErrorKind::TimedOut),
        }
        let whole = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"x":"{}"}}}}"#, "x".repeat(15 * MIB));
        assert_eq!(scene.alice.posts(&whole).await.status(), 200);
        assert_serves(&scene).await;
    })
    .await;
}

/// 17 MiB in chunks; the refusal may come before all are written.
async fn too_many_chunks(caller: &Caller) -> Answer {
    let mut wire = Wire::open(caller.address).await;
    let headers = [
        ("Authorization", caller.bearer()),
        ("Content-Type", "application/json".to_owned()),
        ("Transfer-Encoding", "chunked".to_owned()),
    ];
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    wire.write(&aerostack_tests::wire::request("POST", &caller.path, &headers, b"")).await.unwrap();
    let chunk = [b"100000\r\n".to_vec(), vec![b' '; MIB], b"\r\n".to_vec()].concat();
    for _ in 0..17 {
        if wire.write(&chunk).await.is_err() {
            break;
        }
    }
    wire.answer().await.unwrap()
}

/// Requests as text, to be given the bearer, each with the status it comes to.
const REQUESTS: [(&str, u16); 24] = [
    ("PUT /ws/engineering HTTP/1.1\r\nHost: localhost\r\n{auth}Content-Length: 0\r\n\r\n", 405),
    ("PATCH /ws/engineering HTTP/1.1\r\nHost: localhost\r\n{auth}Content-Length: 0\r\n\r\n", 405),
    ("BREW /ws/engineering/sse HTTP/1.1\r\nHost: localhost\r\n{auth}\r\n", 405),
    ("DELETE /ws/engineering HTTP/1.1\r\nHost: localhost\r\n{auth}\r\n", 405),
    ("GET /ws/engineering HTTP/1.1\r\nHost: localhost\r\n{auth}Accept: application/json\r\n\r\n", 406),
    ("POST /ws/engineering HTTP/1.1\r\nHost: localhost\r\n{auth}Content-Length: 2\r\n\r\n{}", 415),
    ("POST /ws/engineering HTTP/1.1\r\nHost: localhost\r\n{auth}Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}", 415),
    ("POST /ws/engineering HTTP/1.1\r\nHost: localhost\r\n{auth}Content-Type: application/jsonp\r\nContent-Length: 2\r\n\r\n{}", 415),
    ("POST /ws/engineering/ HTTP/1.1\r\nHost: localhost\r\n{auth}Content-Length: 0\r\n\r\n", 404),
    ("POST /ws/engineering/other HTTP/1.1\r\nHost: localhost\r\n{auth}Content-Length: 0\r\n\r\n", 404),
    ("POST /ws/ HTTP/1.1\r\nHost: localhost\r\n{auth}Content-Length: 0\r\n\r\n", 404),
    ("POST //ws/engineering HTTP/1.1\r\nHost: localhost\r\n{auth}Content-Length: 0\r\n\r\n", 404),
    ("POST /WS/engineering HTTP/1.1\r\nHost: localhost\r\n{auth}Content-Length: 0\r\n\r\n", 404),
    ("GET /api/v1/nothing HTTP/1.1\r\nHost: localhost\r\n{auth}\r\n", 404),
    ("POST /ws/engineering HTTP/1.1\r\nHost: evil.example\r\n{auth}{json}Content-Length: 2\r\n\r\n{}", 403),
    ("POST /ws/engineering HTTP/1.1\r\n{auth}{json}Content-Length: {length}\r\n\r\n{ping}", 200),
    ("POST http://localhost/ws/engineering HTTP/1.1\r\nHost: localhost\r\n{auth}{json}Content-Length: {length}\r\n\r\n{ping}", 200),
    ("POST /ws/engineering HTTP/1.0\r\nHost: localhost\r\n{auth}{json}Content-Length: {length}\r\n\r\n{ping}", 200),
    ("POST /ws/engineering?x=%zz#y HTTP/1.1\r\nHost: localhost\r\n{auth}{json}Content-Length: {length}\r\n\r\n{ping}", 400),
    ("POST /ws/engineering HTTP/1.1\r\nHost: localhost\r\n{auth}{json}X-Bad: a\u{1}b\r\nContent-Length: {length}\r\n\r\n{ping}", 400),
    ("POST /ws/engineering HTTP/1.1\r\nHost: localhost\r\nBad Header: x\r\n{auth}{json}Content-Length: {length}\r\n\r\n{ping}", 400),
    ("POST /ws/engineering HTTP/1.1\r\nHost: localhost\r\n{auth}{json}Transfer-Encoding: chunked\r\n\r\nzz\r\n{ping}\r\n0\r\n\r\n", 400),
    ("POST /ws/engineering HTTP/1.1\r\nHost: localhost\r\n{auth}{json}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400),
    ("NONSENSE\r\n\r\n", 400),
];

#[tokio::test]
async fn a_request_that_http_does_not_allow_is_refused() {
    short_story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
        for (template, status) in REQUESTS {
            let text = template
                .replace("{auth}", &format!("Authorization: {}\r\n", scene.alice.bearer()))
                .replace("{json}", "Content-Type: application/json\r\n")
                .replace("{length}", &ping.len().to_string())
                .replace("{ping}", ping);
            let mut wire = Wire::open(scene.gateway.address()).await;
            wire.write(text.as_bytes()).await.unwrap();
            let answer = wire.answer().await.unwrap_or_else(|error| panic!("{template}: {error}"));
            assert_eq!(answer.status(), status, "{template}: {}", answer.text());
            if status == 405 {
                assert!(answer.header("allow").is_some(), "{template}");
            }
        }
        assert_serves(&scene).await;
    })
    .await;
}

#[tokio::test]
async fn huge_headers_are_refused_and_pipelined_requests_are_answered_in_order() {
    short_story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        for size in [40_000, 200_000, 2_000_000] {
            let huge = "x".repeat(size);
            let mut wire = Wire::open(scene.gateway.address()).await;
            let bytes = scene.alice.clone().with("X-Huge", &huge).bytes("POST", r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#);
            // The refusal may come before everything is written.
            let _ = wire.write(&bytes).await;
            match wire.answer().await {
                Ok(answer) => assert_eq!(answer.status(), 431, "{size}"),
                Err(error) => assert_ne!(error.kind(), std::io::ErrorKind::TimedOut, "{size}"),
            }
        }
        let pings: Vec<u8> = (0..5)
            .flat_map(|id| scene.alice.bytes("POST", &format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#)))
            .collect();
        let mut wire = Wire::open(scene.gateway.address()).await;
        wire.write(&pings).await.unwrap();
        for id in 0..5 {
            assert_eq!(wire.answer().await.unwrap().json()["id"], json!(id));
        }
        assert_serves(&scene).await;
    })
    .await;
}

#[tokio::test]
async fn headers_that_do_not_say_what_the_body_says_are_refused_in_the_modern_era() {
    short_story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        let meta = json!({ META_VERSION: "2026-07-28", META_CAPABILITIES: {} });
        let call = json!({ "name": "desk__echo", "arguments": { "text": "hi" }, "_meta": meta });
        let right = [("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", "tools/call"), ("Mcp-Name", "desk__echo")];
        let send = async |headers: &[(&str, &str)], params: &serde_json::Value| {
            let mut caller = scene.alice.clone();
            for (name, value) in headers {
                caller = caller.with(name, value);
            }
            told(&caller.asks("tools/call", params.clone()).await)
        };
        let mismatch = (400, -32020, "1".to_owned());
        for wrong in 0..right.len() {
            let mut headers = right.to_vec();
            headers[wrong].1 = "TOOLS/CALL";
            assert_eq!(send(&headers, &call).await, mismatch, "{headers:?}");
            headers.remove(wrong);
            assert_eq!(send(&headers, &call).await, mismatch, "{headers:?}");
            let twice = [right.as_slice(), &right[wrong..=wrong]].concat();
            assert_eq!(send(&twice, &call).await, mismatch, "{twice:?}");
        }
        for name in ["=?base64?ZGVza19fZWNobw?=", "=?base64?%%%?=", "=?base64?ZGVza19fYWRk?="] {
            let headers = [right[0], right[1], ("Mcp-Name", name)];
            assert_eq!(send(&headers, &call).await, mismatch, "{name}");
        }
        let encoded = [right[0], right[1], ("Mcp-Name", "=?base64?ZGVza19fZWNobw==?=")];
        assert_eq!(send(&encoded, &call).await.0, 200);
        let unknown = json!({ "name": "desk__echo", "_meta": { META_VERSION: "v999.0.0", META_CAPABILITIES: {} } });
        assert_eq!(send(&right, &unknown).await, mismatch);
        let headers = [("MCP-Protocol-Version", "v999.0.0"), right[1], right[2]];
        assert_eq!(send(&headers, &unknown).await, (400, -32022, "1".to_owned()));
        let incomplete = json!({ "name": "desk__echo", "_meta": { META_VERSION: "2026-07-28" } });
        assert_eq!(send(&right, &incomplete).await, (400, -32602, "1".to_owned()));
        assert_eq!(send(&right, &json!({ "name": "desk__echo" })).await, (400, -32602, "1".to_owned()));
        assert_serves(&scene).await;
    })
    .await;
}
