//! The modern era: every request stands alone.

use aerostack_tests::client::{META_CAPABILITIES, META_SUBSCRIPTION, META_VERSION, notification, rpc};
use aerostack_tests::scene::{Scene, story_behind};
use aerostack_tests::story::story;
use aerostack_tests::upstream::{Setup, Tool};
use serde_json::json;

const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";

#[tokio::test]
async fn a_modern_client_discovers_lists_and_calls() {
    story_behind(&[Setup::modern(), Setup::dual(), Setup::legacy()], async |scene| {
        let found = scene.alice.asks_modern("server/discover", json!({})).await;
        let result = &found.json()["result"];
        assert_eq!(result["supportedVersions"], json!(["2026-07-28"]));
        assert_eq!((&result["resultType"], &result["cacheScope"]), (&json!("complete"), &json!("private")));
        assert!(result["ttlMs"].is_u64());
        assert_eq!(result["_meta"][SERVER_INFO]["name"], "aerostack/engineering");
        assert_eq!(found.header("mcp-session-id"), None);
        let list = scene.alice.asks_modern("tools/list", json!({})).await.json();
        let result = &list["result"];
        assert_eq!(result["tools"].as_array().unwrap().len(), 5);
        assert_eq!((&result["resultType"], &result["cacheScope"]), (&json!("complete"), &json!("private")));
        let called = scene.alice.calls_modern("desk__echo", json!({ "text": "hi" })).await;
        assert_eq!(called.json()["result"]["resultType"], "complete");
        assert_eq!(called.tool_text().as_deref(), Some("hi"));
    })
    .await;
}

#[tokio::test]
async fn methods_that_the_era_removed_or_never_had_are_not_found() {
    story(async |world| {
        let scene = Scene::set(world, Setup::modern()).await;
        for method in [
            "initialize",
            "ping",
            "logging/setLevel",
            "resources/subscribe",
            "resources/unsubscribe",
            "unknown/method",
            "tools/LIST",
        ] {
            let answer = scene.alice.asks_modern(method, json!({})).await;
            assert_eq!((answer.status(), answer.error_code()), (404, Some(-32601)), "{method}");
            assert_eq!(answer.json()["id"], 1);
        }
        for method in ["GET", "DELETE"] {
            let answer = scene.alice.modern("tools/list", None).sends(method, "").await;
            assert_eq!((answer.status(), answer.header("allow")), (405, Some("POST")));
        }
    })
    .await;
}

#[tokio::test]
async fn every_refusal_of_the_era_is_told_as_it_prescribes() {
    story(async |world| {
        let scene = Scene::set(world, Setup::modern()).await;
        let alice = scene.alice.modern("tools/list", None);
        let version = json!({ "_meta": { META_VERSION: "2026-07-28" } });
        let capabilities = json!({ "_meta": { META_CAPABILITIES: {} } });
        for params in [json!({}), version, capabilities, json!({ "_meta": {} })] {
            let answer = alice.asks("tools/list", params.clone()).await;
            assert_eq!((answer.status(), answer.error_code()), (400, Some(-32602)), "{params}");
        }
        let old = json!({ "_meta": { META_VERSION: "v999.0.0", META_CAPABILITIES: {} } });
        let strange =
            scene.alice.clone().with("MCP-Protocol-Version", "v999.0.0").with("Mcp-Method", "tools/list");
        let answer = strange.asks("tools/list", old).await;
        let data = json!({ "supported": ["2026-07-28"], "requested": "v999.0.0" });
        assert_eq!((answer.status(), &answer.json()["error"]["data"]), (400, &data));
        assert_eq!(answer.error_code(), Some(-32022));
        let right = json!({ "_meta": { META_VERSION: "2026-07-28", META_CAPABILITIES: {} } });
        let answer = scene.alice.asks("tools/list", right.clone()).await;
        assert_eq!((answer.status(), answer.error_code()), (400, Some(-32020)), "no version header");
        let batch = format!("[{}]", rpc(1, "tools/list", &right));
        let answer = alice.posts(&batch).await;
        assert_eq!((answer.status(), answer.error_code()), (400, Some(-32600)));
        let quiet = alice.posts(&notification("notifications/cancelled", &json!({ "requestId": 1 }))).await;
        assert_eq!(quiet.status(), 202);
    })
    .await;
}

#[tokio::test]
async fn a_listening_is_acknowledged_first_and_tagged_with_its_own_id() {
    story(async |world| {
        let scene = Scene::set(world, Setup::modern()).await;
        let mut listening = scene.alice.listens_modern().await;
        let tag = json!({ META_SUBSCRIPTION: "listen:0" });
        let acknowledged = listening.json().await;
        assert_eq!(acknowledged["method"], "notifications/subscriptions/acknowledged");
        assert_eq!(
            acknowledged["params"],
            json!({ "_meta": tag, "notifications": { "toolsListChanged": true } })
        );
        assert_eq!(listening.head.header("x-accel-buffering"), Some("no"));
        scene.upstream.until("the gateway listens upstream", |seen| seen.open_streams() == 1).await;
        scene.upstream.set_tools([Tool::echo(), Tool::held("new")]);
        let notice = listening.json().await;
        assert_eq!(notice["method"], "notifications/tools/list_changed");
        assert_eq!(notice["params"]["_meta"], tag);
        assert_eq!(scene.alice.tools().await, ["desk__echo", "desk__new"]);
        let unfiltered = scene.alice.asks_modern("subscriptions/listen", json!({})).await;
        assert_eq!(unfiltered.error_code(), Some(-32602));
    })
    .await;
}
