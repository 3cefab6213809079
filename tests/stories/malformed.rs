//! Malformed bodies: each gets the documented refusal, and the process serves on.

use aerostack_tests::answer::Answer;
use aerostack_tests::client::Caller;
use aerostack_tests::scene::Scene;
use aerostack_tests::story::short_story;
use aerostack_tests::upstream::Setup;
use aerostack_tests::wire::Wire;
use serde_json::json;

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
    (
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","name":"b"}}"#,
        (400, -32600, "1"),
    ),
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

#[tokio::test]
async fn what_a_caller_makes_long_is_neither_kept_nor_echoed() {
    short_story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        let ping = |id: &str| format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
        let (longest, longer) = (format!("\"{}\"", "x".repeat(1_022)), format!("\"{}\"", "x".repeat(1_023)));
        assert_eq!(scene.alice.posts(&ping(&longest)).await.status(), 200);
        assert_eq!(told(&scene.alice.posts(&ping(&longer)).await), (400, -32600, "null".to_owned()));
        let fields = |count: usize| {
            let fields: Vec<String> = (0..count).map(|number| format!(r#""{number}":0"#)).collect();
            format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{{}}}}}"#, fields.join(","))
        };
        assert_eq!(scene.alice.posts(&fields(1_024)).await.status(), 200);
        assert_eq!(told(&scene.alice.posts(&fields(1_025)).await), (400, -32600, "1".to_owned()));
        let tool = "é".repeat(1_000_000);
        let answer = scene.alice.calls(&tool, json!({})).await;
        let message = format!("Unknown tool: {}…", "é".repeat(200));
        assert_eq!((answer.status(), &answer.json()["error"]["message"]), (200, &json!(message)));
    })
    .await;
}

/// Status, JSON-RPC code and raw id of an answer.
pub(super) fn told(answer: &Answer) -> (u16, i64, String) {
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
        let deep = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"a":{}1{}}}}}"#,
            "[".repeat(200),
            "]".repeat(200)
        );
        assert_eq!(told(&scene.alice.posts(&deep).await), (400, -32600, "null".to_owned()));
        let invalid = [&br#"{"jsonrpc":"2.0","id":1,"method":""#[..], &[0xff, 0xfe], br#""}"#].concat();
        assert_eq!(raw_post(&scene.alice, &[], &invalid).await.status(), 400);
        assert_serves(&scene).await;
    })
    .await;
}

/// The gateway has survived.
pub(super) async fn assert_serves(scene: &Scene) {
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
pub(super) async fn raw_post(caller: &Caller, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let bearer = caller.bearer();
    let standard = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    let headers = [&standard, headers].concat();
    let mut wire = Wire::open(caller.address).await;
    wire.write(&aerostack_tests::wire::request("POST", &caller.path, &headers, body)).await.unwrap();
    wire.answer().await.unwrap()
}
