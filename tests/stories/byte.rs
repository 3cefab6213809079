//! What passes a gateway passes byte for byte, but for a closed list of edits.

use aerostack_tests::client::rpc;
use aerostack_tests::scene::{Scene, story_behind};
use aerostack_tests::story::{short_story, story};
use aerostack_tests::upstream::{Answers, Ended, Fault, Sessions, Setup, Tool, Upstream};
use serde_json::json;

/// A result that a reader which parses and writes again would change.
const RESULT: &str = r#"{"z":2.50,"content":[ {"text":"\u00e9é","type":"text"} ],"a":1e2,"big":123456789012345678901234567890,"unknown":{"b":-0.0,"a":null},"resultType":"complete"}"#;
/// Parameters that such a reader would change, with the name to be filled in.
const PARAMS: &str = r#"{ "z":1E+2, "name":"{name}" ,"arguments":{"n":2.50,"big":9007199254740993,"é":"\u00e9\/","b":1,"a":[ ]},"unknown":{"k":1.0}{meta}}"#;

fn call(id: &str, name: &str, meta: &str) -> String {
    let params = PARAMS.replace("{name}", name).replace("{meta}", meta);
    format!(
        "{{\"x-before\":[1, 2],\"method\":\"tools/call\",\r\n \"id\" : {id},\t\"params\":{params} ,\"jsonrpc\":\"2.0\"}}"
    )
}

fn last_call(upstream: &Upstream) -> (String, String) {
    let text = upstream.calls().pop().unwrap().text();
    let id = serde_json::from_str::<serde_json::Value>(&text).unwrap()["id"].to_string();
    (text, id)
}

#[tokio::test]
async fn a_legacy_call_and_its_answer_are_unchanged_but_for_id_and_name() {
    let setups = [Setup::legacy(), Setup::legacy().answers(Answers::Stream), Setup::old_sse()];
    let setups = setups.map(|setup| setup.tools([Tool::answering("odd.one", RESULT)]));
    story_behind(&setups, async |scene| {
        let answer = scene.alice.posts(&call("7.0", "desk__odd_one", "")).await;
        let text = answer.text();
        let text = text.strip_prefix("event: message\ndata: ").map_or(text.as_str(), str::trim_end);
        assert_eq!(text, format!(r#"{{"jsonrpc":"2.0","id":7.0,"result":{RESULT}}}"#));
        let (sent, id) = last_call(&scene.upstream);
        assert_eq!(sent, call(&id, "odd.one", ""));
    })
    .await;
}

#[tokio::test]
async fn a_modern_call_and_its_answer_are_unchanged_but_for_id_name_and_progress_token() {
    story(async |world| {
        let scene = Scene::set(world, Setup::modern().tools([Tool::answering("odd.one", RESULT)])).await;
        let meta = |token: &str| {
            format!(
                r#","_meta":{{"x":1.50,"io.modelcontextprotocol/protocolVersion":"2026-07-28", "progressToken": {token},"io.modelcontextprotocol/clientCapabilities":{{"sampling":{{}}}}}}"#
            )
        };
        let alice = scene.alice.modern("tools/call", Some("desk__odd_one"));
        let body = call("\"i\\u0064\"", "desk__odd_one", &meta("\"mine\""));
        let answer = alice.posts(&body).await.text();
        // This server tells its name in every result, in front.
        let begins = r#"{"jsonrpc":"2.0","id":"i\u0064","result":{"_meta":{"#;
        assert!(answer.starts_with(begins) && answer.ends_with(&format!(",{}}}", &RESULT[1..])), "{answer}");
        let (sent, id) = last_call(&scene.upstream);
        assert_eq!(sent, call(&id, "odd.one", &meta(&id)));
        let headers = &scene.upstream.calls()[0];
        assert_eq!(headers.header("mcp-name"), Some("odd.one"));
        assert_eq!(headers.header("mcp-method"), Some("tools/call"));
        assert_eq!(headers.header("mcp-protocol-version"), Some("2026-07-28"));
    })
    .await;
}

#[tokio::test]
async fn a_list_shows_tools_as_their_server_wrote_them_but_for_the_name() {
    story(async |world| {
        let tool = Tool::echo()
            .with("zeta", json!({ "b": 2.5, "a": [1] }))
            .with("annotations", json!({ "x": true }));
        let scene = Scene::set(world, Setup::legacy().tools([tool.clone()])).await;
        let list = scene.alice.asks("tools/list", json!({})).await.text();
        let definition = tool.definition().to_string().replace(r#""name":"echo""#, r#""name":"desk__echo""#);
        assert_eq!(list, format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"tools":[{definition}]}}}}"#));
    })
    .await;
}

#[tokio::test]
async fn a_big_answer_streams_through_with_the_callers_id() {
    for setup in
        [Setup::legacy(), Setup::modern(), Setup::legacy().answers(Answers::Stream), Setup::old_sse()]
    {
        short_story(async |world| {
            let scene = Scene::set(world, setup.clone().sessions(Sessions::None)).await;
            let params = json!({ "name": "desk__big", "arguments": { "kib": 8_192 } });
            let body = rpc("big one", "tools/call", &params);
            let answer = scene.alice.posts(&body).await;
            let text = answer.text();
            let text = text.strip_prefix("event: message\ndata: ").map_or(text.as_str(), str::trim_end);
            let message: serde_json::Value = serde_json::from_str(text).unwrap();
            assert_eq!(message["id"], "big one");
            assert_eq!(message["result"]["content"][0]["text"].as_str().map(str::len), Some(8_192 * 1_024));
            let (mut events, post) = scene.alice.opens_sse().await;
            post.posts(&body).await;
            let message = events.json().await;
            assert_eq!(message["id"], "big one");
            assert_eq!(message["result"]["content"][0]["text"].as_str().map(str::len), Some(8_192 * 1_024));
        })
        .await;
    }
}

#[tokio::test]
async fn a_big_answer_that_breaks_off_ends_the_connection_and_a_small_one_is_told() {
    short_story(async |world| {
        let scene = Scene::set(world, Setup::legacy().sessions(Sessions::None)).await;
        scene.upstream.misbehave(Fault::DropsMidBody.on("tools/call"));
        let small = scene.alice.calls("desk__echo", json!({ "text": "hi" })).await;
        assert_eq!(small.error_code(), Some(-32012));
        let params = json!({ "name": "desk__big", "arguments": { "kib": 1_024 } });
        let broken = scene.alice.tries("POST", &rpc(1, "tools/call", &params)).await;
        assert!(broken.is_err(), "half an answer must not look whole");
        scene.upstream.behave();
        assert_eq!(scene.alice.calls("desk__echo", json!({ "text": "hi" })).await.status(), 200);
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_is_passed_on_is_cut_at_its_limit() {
    for setup in [Setup::legacy().sessions(Sessions::None), Setup::modern().answers(Answers::Stream)] {
        short_story(async |world| {
            let gateway = world.gateway_with(|config| config.limits.answer_limit_bytes = 1_024 * 1_024).await;
            let scene = Scene::set_in(gateway, setup.clone()).await;
            let big = |kib: usize| {
                rpc(1, "tools/call", &json!({ "name": "desk__big", "arguments": { "kib": kib } }))
            };
            assert_eq!(scene.alice.posts(&big(1_000)).await.status(), 200);
            assert!(
                scene.alice.tries("POST", &big(1_024)).await.is_err(),
                "half an answer must not look whole"
            );
            scene.upstream.misbehave(Fault::Endless.on("tools/call"));
            assert!(scene.alice.tries("POST", &big(1)).await.is_err());
            let closed = |seen: &Upstream| seen.calls()[2].outcome() == Some(Ended::Abandoned);
            scene.upstream.until("nobody reads it any more", closed).await;
        })
        .await;
    }
}

#[tokio::test]
async fn an_answer_that_never_ends_is_cut() {
    short_story(async |world| {
        let gateway = world.gateway_with(|config| config.limits.event_limit_bytes = 1_024 * 1_024).await;
        let scene = Scene::set_in(gateway, Setup::legacy().sessions(Sessions::None)).await;
        scene.upstream.misbehave(Fault::Endless.on("tools/call"));
        let (mut events, post) = scene.alice.opens_sse().await;
        post.posts(&rpc(1, "tools/call", &json!({ "name": "desk__echo", "arguments": {} }))).await;
        assert_eq!(events.json().await["error"]["code"], -32012);
        let closed = |seen: &Upstream| seen.calls()[0].outcome() == Some(Ended::Abandoned);
        scene.upstream.until("nobody reads it any more", closed).await;
    })
    .await;
}
