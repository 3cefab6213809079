//! Old clients reach new servers, and new clients old servers.

use aerostack_tests::client::{META_CAPABILITIES, META_VERSION, modern_params, rpc};
use aerostack_tests::scene::{Scene, story_behind};
use aerostack_tests::story::story;
use aerostack_tests::upstream::{Answers, Fault, Setup, Tool};
use serde_json::json;

#[tokio::test]
async fn a_legacy_client_reaches_a_modern_server() {
    story(async |world| {
        let schema = json!({
            "type": "object",
            "properties": {
                "region": { "type": "string", "x-mcp-header": "Region" },
                "count": { "type": "integer", "x-mcp-header": "Count" }
            }
        });
        let tools = [Tool::echo().with("inputSchema", schema), Tool::slow()];
        let scene = Scene::set(world, Setup::modern().tools(tools)).await;
        let (inside, _) = scene.alice.initializes("2025-06-18").await;
        for caller in [&scene.alice, &inside] {
            let arguments = json!({ "text": "hi", "region": " Köln", "count": 42 });
            let answer = caller.calls("desk__echo", arguments.clone()).await;
            assert_eq!(answer.tool_text().as_deref(), Some("hi"));
            let call = scene.upstream.calls().pop().unwrap();
            let meta = &call.json()["params"]["_meta"];
            assert_eq!((&meta[META_VERSION], &meta[META_CAPABILITIES]), (&json!("2026-07-28"), &json!({})));
            assert_eq!(call.json()["params"]["arguments"], arguments);
            assert_eq!(call.header("mcp-protocol-version"), Some("2026-07-28"));
            assert_eq!(
                (call.header("mcp-method"), call.header("mcp-name")),
                (Some("tools/call"), Some("echo"))
            );
            assert_eq!(call.header("mcp-param-region"), Some("=?base64?IEvDtmxu?="));
            assert_eq!(call.header("mcp-param-count"), Some("42"));
            assert_eq!(call.header("mcp-session-id"), None);
        }
        // A `_meta` of the caller's own stays beside ours.
        let params = json!({ "name": "desk__echo", "arguments": { "text": "hi" }, "_meta": { "mine": [1] } });
        scene.alice.posts(&rpc(1, "tools/call", &params)).await;
        let meta = scene.upstream.calls().pop().unwrap().json()["params"]["_meta"].clone();
        assert_eq!((&meta["mine"], &meta[META_VERSION]), (&json!([1]), &json!("2026-07-28")));
        // One that nothing can be added to is replaced.
        let params = json!({ "name": "desk__echo", "arguments": { "text": "hi" }, "_meta": null });
        let answer = scene.alice.posts(&rpc(1, "tools/call", &params)).await;
        assert_eq!(answer.tool_text().as_deref(), Some("hi"));
    })
    .await;
}

#[tokio::test]
async fn a_modern_client_reaches_an_old_server() {
    story_behind(&[Setup::legacy(), Setup::old_sse()], async |scene| {
        let answer = scene.alice.calls_modern("desk__add", json!({ "a": 1, "b": 2 })).await;
        let result = &answer.json()["result"];
        assert_eq!(result["resultType"], "complete");
        assert_eq!(result["structuredContent"], json!({ "sum": 3 }));
        let call = scene.upstream.calls().pop().unwrap();
        for header in ["mcp-method", "mcp-name"] {
            assert_eq!(call.header(header), None);
        }
        assert_ne!(call.header("mcp-protocol-version"), Some("2026-07-28"));
        let failed = scene.alice.calls_modern("desk__fail", json!({})).await;
        assert_eq!(failed.json()["result"]["isError"], true);
    })
    .await;
}

#[tokio::test]
async fn a_mirrored_argument_must_be_the_one_in_the_body() {
    story(async |world| {
        let schema = json!({ "type": "object", "properties": { "region": { "type": "string", "x-mcp-header": "Region" } } });
        let scene = Scene::set(world, Setup::modern().tools([Tool::echo().with("inputSchema", schema)])).await;
        let alice = scene.alice.modern("tools/call", Some("desk__echo"));
        let call = |region: &str| {
            modern_params(json!({ "name": "desk__echo", "arguments": { "text": "hi", "region": region } }))
        };
        let right = alice.clone().with("Mcp-Param-Region", "eu").asks("tools/call", call("eu")).await;
        assert_eq!(right.tool_text().as_deref(), Some("hi"));
        assert_eq!(scene.upstream.calls()[0].header("mcp-param-region"), Some("eu"));
        for wrong in [alice.clone().with("Mcp-Param-Region", "us"), alice.clone()] {
            let answer = wrong.asks("tools/call", call("eu")).await;
            assert_eq!((answer.status(), answer.error_code()), (400, Some(-32020)));
        }
        // What no tool asks for passes by.
        let more = alice.with("Mcp-Param-Region", "eu").with("Mcp-Param-Other", "x");
        assert_eq!(more.asks("tools/call", call("eu")).await.status(), 200);
        assert_eq!(scene.upstream.calls().len(), 2);
        assert_eq!(scene.upstream.calls()[1].header("mcp-param-other"), Some("x"));
    })
    .await;
}

#[tokio::test]
async fn old_clients_are_spared_what_breaks_them() {
    story(async |world| {
        let list = json!({ "type": "array", "items": { "type": "integer" } });
        let result = r#"{"resultType":"complete","content":[],"structuredContent":[1,2.50]}"#;
        let odd = Tool::answering("odd", result).with("outputSchema", list);
        let scene = Scene::set(world, Setup::modern().tools([odd, Tool::add()])).await;
        let old = scene.alice.asks("tools/list", json!({})).await.json();
        assert_eq!(old["result"]["tools"][0]["outputSchema"], json!(null));
        assert_eq!(old["result"]["tools"][1]["outputSchema"]["type"], "object");
        let new = scene.alice.asks_modern("tools/list", json!({})).await.json();
        assert_eq!(new["result"]["tools"][0]["outputSchema"]["type"], "array");
        let text = scene.alice.calls("desk__odd", json!({})).await.text();
        assert!(text.contains(r#""structuredContent":{"result":[1,2.50]}"#), "{text}");
        let text = scene.alice.calls_modern("desk__odd", json!({})).await.text();
        assert!(text.contains(r#""structuredContent":[1,2.50]"#), "{text}");
    })
    .await;
}

#[tokio::test]
async fn a_tool_with_wrong_annotations_vanishes_and_the_others_stay() {
    story(async |world| {
        let wrong =
            json!({ "type": "object", "properties": { "n": { "type": "number", "x-mcp-header": "N" } } });
        let tools = [Tool::echo(), Tool::add().with("inputSchema", wrong)];
        let scene = Scene::set(world, Setup::modern().tools(tools)).await;
        assert_eq!(scene.alice.tools().await, ["desk__echo"]);
    })
    .await;
}

/// `echo`, whose `text` is mirrored in a header.
fn marked() -> Tool {
    let text = json!({ "type": "string", "x-mcp-header": "Text" });
    Tool::echo().with("inputSchema", json!({ "type": "object", "properties": { "text": text } }))
}

#[tokio::test]
async fn a_call_refused_for_headers_that_are_out_of_date_is_made_anew() {
    story(async |world| {
        let scene = Scene::set(world, Setup::modern().tools([Tool::echo()])).await;
        scene.upstream.until("its notices are listened to", |seen| seen.open_streams() == 1).await;
        scene.upstream.set_tools_quietly([marked()]);
        let answer = scene.alice.calls("desk__echo", json!({ "text": "hi" })).await;
        assert_eq!(answer.tool_text().as_deref(), Some("hi"), "{answer:?}");
        let sent: Vec<Option<String>> = scene
            .upstream
            .calls()
            .iter()
            .map(|call| call.header("mcp-param-text").map(str::to_owned))
            .collect();
        assert_eq!(sent, [None, Some("hi".to_owned())]);
        scene.upstream.set_tools_quietly([Tool::add()]);
        let gone = scene.alice.calls("desk__echo", json!({ "text": "hi" })).await;
        assert_eq!(gone.error_code(), Some(-32602), "the server says itself that it has no such tool");
    })
    .await;
}

#[tokio::test]
async fn a_modern_caller_is_told_which_header_a_changed_tool_wants() {
    story(async |world| {
        let scene = Scene::set(world, Setup::modern().tools([Tool::echo()])).await;
        scene.upstream.until("its notices are listened to", |seen| seen.open_streams() == 1).await;
        scene.upstream.set_tools_quietly([marked()]);
        let answer = scene.alice.calls_modern("desk__echo", json!({ "text": "hi" })).await;
        assert_eq!((answer.status(), answer.error_code()), (400, Some(-32020)), "{answer:?}");
        assert_eq!(answer.json()["id"], 1);
        let fitting = scene.alice.clone().with("Mcp-Param-Text", "hi");
        let answer = fitting.calls_modern("desk__echo", json!({ "text": "hi" })).await;
        assert_eq!(answer.tool_text().as_deref(), Some("hi"));
        assert_eq!(scene.upstream.calls().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_server_that_refuses_right_headers_is_asked_twice_and_no_more() {
    story(async |world| {
        let scene = Scene::set(world, Setup::modern()).await;
        scene.upstream.misbehave(Fault::HeaderMismatch.on("tools/call"));
        let old = scene.alice.calls("desk__echo", json!({ "text": "hi" })).await;
        assert_eq!((old.status(), old.error_code()), (200, Some(-32012)), "{old:?}");
        assert_eq!(scene.upstream.calls().len(), 2);
        let new = scene.alice.calls_modern("desk__echo", json!({ "text": "hi" })).await;
        assert_eq!((new.status(), new.error_code()), (200, Some(-32012)), "{new:?}");
        assert_eq!(scene.upstream.calls().len(), 4);
    })
    .await;
}

#[tokio::test]
async fn structured_content_that_is_no_object_is_wrapped_for_old_clients_whatever_its_size() {
    for answers in [Answers::Json, Answers::Stream] {
        story(async |world| {
            let tool = |name: &str, kib: usize| {
                let content = format!(r#"["{}",2.50]"#, "x".repeat(kib * 1_024));
                let result =
                    format!(r#"{{"resultType":"complete","structuredContent":{content},"content":[]}}"#);
                (Tool::answering(name, result), content)
            };
            let ((small, little), (big, much)) = (tool("small", 1), tool("big", 300));
            let listed = big.with("outputSchema", json!({ "type": "array" }));
            let scene = Scene::set(world, Setup::modern().answers(answers).tools([small, listed])).await;
            for (name, content) in [("desk__small", little), ("desk__big", much)] {
                let wrapped = format!(r#""structuredContent":{{"result":{content}}},"content":[]"#);
                assert!(scene.alice.calls(name, json!({})).await.text().contains(&wrapped), "{name}");
                let (mut events, post) = scene.alice.opens_sse().await;
                post.posts(&rpc(1, "tools/call", &json!({ "name": name, "arguments": {} }))).await;
                assert!(events.next().await.unwrap().unwrap().data.contains(&wrapped), "{name}");
                let plain = format!(r#""structuredContent":{content},"content":[]"#);
                assert!(scene.alice.calls_modern(name, json!({})).await.text().contains(&plain), "{name}");
            }
        })
        .await;
    }
}

#[tokio::test]
async fn an_old_client_is_not_given_a_question_for_a_result() {
    story(async |world| {
        let question = r#"{"resultType":"input_required","inputRequests":{}}"#;
        let tool = Tool::answering("ask", question);
        let scene = Scene::set(world, Setup::modern().tools([tool])).await;
        assert_eq!(scene.alice.calls("desk__ask", json!({})).await.error_code(), Some(-32012));
        let new = scene.alice.calls_modern("desk__ask", json!({})).await.json();
        assert_eq!(new["result"]["resultType"], "input_required");
    })
    .await;
}

#[tokio::test]
async fn codes_of_the_new_era_mean_nothing_in_an_old_servers_error() {
    story_behind(&[Setup::legacy(), Setup::old_sse()], async |scene| {
        for code in [-32020, -32021, -32022] {
            scene.upstream.behave();
            scene.upstream.misbehave(Fault::Error(code).on("tools/call"));
            let old = scene.alice.calls("desk__echo", json!({})).await;
            let new = scene.alice.calls_modern("desk__echo", json!({})).await;
            for answer in [old, new] {
                assert!(answer.text().contains(&format!(r#""code":{code}"#)), "{answer:?}");
                assert_eq!(answer.status(), 200);
            }
        }
    })
    .await;
}
