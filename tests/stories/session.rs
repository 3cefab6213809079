//! The legacy era: handshake, sessions, batches, notices.

use std::time::Duration;

use aerostack_gateway::config::Config;
use aerostack_tests::client::{Caller, notification, rpc};
use aerostack_tests::scene::Scene;
use aerostack_tests::story::story;
use aerostack_tests::upstream::{Answers, Setup};
use serde_json::{Value, json};

#[tokio::test]
async fn each_revision_is_agreed_on_and_an_unknown_one_gets_the_newest_legacy() {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy().instructions("Be kind.")).await;
        for (asked, agreed) in [
            ("2024-11-05", "2024-11-05"),
            ("2025-03-26", "2025-03-26"),
            ("2025-06-18", "2025-06-18"),
            ("2025-11-25", "2025-11-25"),
            ("2026-07-28", "2025-11-25"),
            ("1999-01-01", "2025-11-25"),
        ] {
            let (inside, answer) = scene.alice.initializes(asked).await;
            let result = &answer.json()["result"];
            assert_eq!(result["protocolVersion"], agreed);
            assert_eq!(result["capabilities"]["tools"]["listChanged"], true);
            assert_eq!(result["serverInfo"]["name"], "aerostack/engineering");
            assert!(result["instructions"].as_str().unwrap().contains("Be kind."));
            let session = answer.header("mcp-session-id").unwrap();
            assert!(session.bytes().all(|byte| (0x21..=0x7e).contains(&byte)), "{session}");
            let pong = inside.asks("ping", json!({})).await;
            assert_eq!(pong.text(), r#"{"jsonrpc":"2.0","id":1,"result":{}}"#);
            assert_eq!(pong.header("mcp-session-id"), None);
            let echo = inside.calls("desk__echo", json!({ "text": asked })).await;
            assert_eq!(echo.tool_text().as_deref(), Some(asked));
        }
    })
    .await;
}

fn assert_unknown(answer: &aerostack_tests::answer::Answer) {
    assert_eq!((answer.status(), answer.error_code()), (404, Some(-32600)), "{answer:?}");
}

#[tokio::test]
async fn a_session_is_its_tokens_own_ends_with_delete_and_survives_a_restart() {
    story(async |world| {
        let mut scene = Scene::set(world, Setup::legacy()).await;
        let bob = scene.owner.creates_token("Bob").await;
        let (inside, _) = scene.alice.initializes("2025-11-25").await;
        assert_unknown(&inside.holding(&bob.token).asks("ping", json!({})).await);
        assert_unknown(&inside.holding(&bob.token).sends("DELETE", "").await);
        assert_unknown(&scene.alice.clone().with("Mcp-Session-Id", "made-up").asks("ping", json!({})).await);
        assert_unknown(&scene.alice.clone().with("Mcp-Session-Id", "made-up").sends("GET", "").await);
        let (ended, _) = scene.alice.initializes("2025-11-25").await;
        assert_eq!(ended.sends("DELETE", "").await.status(), 204);
        for method in ["POST", "GET", "DELETE"] {
            assert_unknown(&ended.sends(method, &rpc(1, "ping", &json!({}))).await);
        }
        scene.gateway.restarts().await;
        let inside = Caller { address: scene.gateway.address(), ..inside };
        let echo = inside.calls("desk__echo", json!({ "text": "after" })).await;
        assert_eq!(echo.tool_text().as_deref(), Some("after"));
        assert_eq!(inside.tools().await.len(), 5);
        let unknown = inside.clone().with("MCP-Protocol-Version", "2020-01-01");
        let unknown = Caller { headers: unknown.headers.into_iter().rev().collect(), ..unknown };
        assert_eq!(unknown.asks("ping", json!({})).await.status(), 400);
    })
    .await;
}

#[tokio::test]
async fn batches_are_taken_until_the_revision_that_removed_them() {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        let call = json!({ "name": "desk__echo", "arguments": { "text": "in a batch" } });
        let items = [
            rpc(1, "ping", &json!({})),
            rpc("two", "tools/call", &call),
            notification("notifications/initialized", &json!({})),
            rpc(3, "nothing", &json!({})),
            "7".to_owned(),
        ];
        let batch = format!("[{}]", items.join(","));
        for revision in ["2024-11-05", "2025-03-26"] {
            let (inside, _) = scene.alice.initializes(revision).await;
            let answer = inside.posts(&batch).await;
            assert_eq!(answer.status(), 200);
            let by_id = |id: Value| {
                let answers = answer.json();
                answers.as_array().unwrap().iter().find(|answer| answer["id"] == id).cloned().unwrap()
            };
            assert_eq!(answer.json().as_array().unwrap().len(), 4);
            assert_eq!(by_id(json!(1))["result"], json!({}));
            assert_eq!(by_id(json!("two"))["result"]["content"][0]["text"], "in a batch");
            assert_eq!(by_id(json!(3))["error"]["code"], -32601);
            assert_eq!(by_id(Value::Null)["error"]["code"], -32600);
            let quiet = format!("[{}]", notification("notifications/initialized", &json!({})));
            assert_eq!(inside.posts(&quiet).await.status(), 202);
        }
        for revision in ["2025-06-18", "2025-11-25"] {
            let (inside, _) = scene.alice.initializes(revision).await;
            let answer = inside.posts(&batch).await;
            assert_eq!((answer.status(), answer.error_code()), (400, Some(-32600)));
        }
        let many = format!("[{}]", vec![rpc(1, "ping", &json!({})); 51].join(","));
        assert_eq!(scene.alice.posts(&many).await.status(), 400);
        let hello = format!("[{}]", rpc(1, "initialize", &json!({})));
        assert_eq!(scene.alice.posts(&hello).await.status(), 400);
    })
    .await;
}

#[tokio::test]
async fn notifications_and_responses_are_accepted_without_a_word() {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        let (inside, _) = scene.alice.initializes("2025-11-25").await;
        for body in [
            notification("notifications/initialized", &json!({})),
            notification("notifications/cancelled", &json!({ "requestId": 99 })),
            notification("notifications/roots/list_changed", &json!({})),
            r#"{"jsonrpc":"2.0","id":5,"result":{}}"#.to_owned(),
        ] {
            for caller in [&scene.alice, &inside, &scene.alice.modern("notifications/cancelled", None)] {
                let answer = caller.posts(&body).await;
                assert_eq!((answer.status(), answer.text().as_str()), (202, ""), "{body}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_change_of_the_tools_is_told_to_who_listens_and_stands_in_the_very_next_list() {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        let (inside, _) = scene.alice.initializes("2025-11-25").await;
        let mut notices = inside.listens().await;
        let mut listening = scene.alice.listens_modern().await;
        assert_eq!(listening.json().await["method"], "notifications/subscriptions/acknowledged");
        let (mut old, _) = scene.alice.opens_sse().await;
        scene.owner.switches("desk", Some("add"), false).await.unwrap();
        assert!(!scene.alice.tools().await.contains(&"desk__add".to_owned()));
        for stream in [&mut notices, &mut listening, &mut old] {
            assert_eq!(stream.json().await["method"], "notifications/tools/list_changed");
        }
        scene.owner.switches("desk", Some("desk__add"), true).await.unwrap();
        assert!(scene.alice.tools().await.contains(&"desk__add".to_owned()));
        for stream in [&mut notices, &mut listening, &mut old] {
            assert_eq!(stream.json().await["method"], "notifications/tools/list_changed");
        }
        scene.owner.uninstalls("desk").await;
        assert_eq!(scene.alice.tools().await, Vec::<String>::new());
        assert_eq!(notices.json().await["method"], "notifications/tools/list_changed");
        scene.owner.installs_known("desk", Some("other")).await.unwrap();
        assert_eq!(scene.alice.tools().await.len(), 5);
        let echo = scene.alice.calls("other__echo", json!({ "text": "hi" })).await;
        assert_eq!(echo.tool_text().as_deref(), Some("hi"));
    })
    .await;
}

#[tokio::test]
async fn a_large_batch_whose_answers_come_in_pieces_is_answered() {
    story(async |world| {
        // Nothing else wakes whoever sleeps through its answers.
        let patient = |config: &mut Config| config.limits.header_timeout = Duration::from_secs(600);
        let setup = Setup::legacy().answers(Answers::Stream);
        let scene = Scene::set_in(world.gateway_with(patient).await, setup).await;
        // With more than 30 whoever waits for all asks only those that were woken.
        let call = |id: usize| {
            let params = json!({
                "name": "desk__slow", "arguments": { "steps": 2, "pause_ms": 20 },
                "_meta": { "progressToken": id }
            });
            rpc(id, "tools/call", &params)
        };
        let batch = format!("[{}]", (0..40).map(call).collect::<Vec<_>>().join(","));
        let answer = scene.alice.posts(&batch).await;
        let all = answer.json();
        let results = all.as_array().unwrap().iter().filter(|answer| answer["result"].is_object()).count();
        assert_eq!((answer.status(), results), (200, 40));
    })
    .await;
}
