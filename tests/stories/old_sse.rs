//! The transport of 2024-11-05: a stream, and an address to post to.

use aerostack_tests::client::{notification, rpc};
use aerostack_tests::scene::Scene;
use aerostack_tests::story::story;
use aerostack_tests::upstream::{Setup, Tool};
use serde_json::json;

#[tokio::test]
async fn the_old_event_stream_carries_a_whole_conversation() {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        for root in ["/ws/engineering", "/api/gateway/ws/engineering"] {
            let (mut events, post) = scene.alice.at(root).opens_sse().await;
            assert!(post.path.starts_with(&format!("{root}/sse?")), "{}", post.path);
            assert_eq!(events.head.header("cache-control"), Some("no-cache, no-transform"));
            let hello = json!({ "protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": { "name": "s", "version": "1" } });
            assert_eq!(post.posts(&rpc(0, "initialize", &hello)).await.status(), 202);
            assert_eq!(events.json().await["result"]["protocolVersion"], "2024-11-05");
            assert_eq!(post.posts(&notification("notifications/initialized", &json!({}))).await.status(), 202);
            post.posts(&rpc("list", "tools/list", &json!({}))).await;
            let list = events.json().await;
            assert_eq!((list["id"].as_str(), list["result"]["tools"].as_array().unwrap().len()), (Some("list"), 5));
            let call = json!({
                "name": "desk__slow", "arguments": { "steps": 2, "pause_ms": 1 }, "_meta": { "progressToken": "t" }
            });
            post.posts(&rpc(2, "tools/call", &call)).await;
            for step in 1..=2 {
                let told = events.json().await;
                assert_eq!((&told["params"]["progressToken"], &told["params"]["progress"]), (&json!("t"), &json!(step)));
            }
            assert_eq!(events.json().await["id"], 2);
            post.posts(&rpc(3, "nothing", &json!({}))).await;
            assert_eq!(events.json().await["error"]["code"], -32601);
        }
    })
    .await;
}

#[tokio::test]
async fn a_stream_is_found_by_its_own_token_only_and_ends_with_its_client() {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        let bob = scene.owner.creates_token("Bob").await;
        let (events, post) = scene.alice.opens_sse().await;
        let ping = rpc(1, "ping", &json!({}));
        assert_eq!(post.holding(&bob.token).posts(&ping).await.status(), 404);
        assert_eq!(post.holding("mwt_x").posts(&ping).await.status(), 401);
        let made_up = scene.alice.at("/ws/engineering/sse?sessionId=0123456789abcdef0123456789abcdef");
        assert_eq!(made_up.posts(&ping).await.status(), 404);
        drop(events);
        aerostack_tests::patience::eventually("the stream is forgotten", async || {
            post.posts(&ping).await.status() == 404
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn a_client_that_reconnects_goes_on_without_a_handshake() {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy().tools([Tool::echo(), Tool::held("wait")])).await;
        drop(scene.alice.opens_sse().await);
        let (mut events, post) = scene.alice.opens_sse().await;
        let call = json!({ "name": "desk__echo", "arguments": { "text": "again" } });
        post.clone().with("MCP-Protocol-Version", "2025-11-25").posts(&rpc(9, "tools/call", &call)).await;
        assert_eq!(events.json().await["result"]["content"][0]["text"], "again");
        let held = json!({ "name": "desk__wait", "arguments": {} });
        post.posts(&rpc("held", "tools/call", &held)).await;
        scene.upstream.until("the call is held", |seen| seen.calls().len() == 2).await;
        post.posts(&notification("notifications/cancelled", &json!({ "requestId": "held" }))).await;
        assert_eq!(events.json().await["error"]["code"], -32800);
    })
    .await;
}
