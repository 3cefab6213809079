//! The transport of 2024-11-05: a stream, and an address to post to.

use std::time::Duration;

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

#[tokio::test]
async fn what_is_under_way_when_the_gateway_drains_is_answered_before_the_stream_ends() {
    story(async |world| {
        let mut scene = Scene::set(world, Setup::legacy().tools([Tool::held("wait")])).await;
        let mut notices = scene.alice.listens().await;
        let (mut idle, _) = scene.alice.opens_sse().await;
        let (mut events, post) = scene.alice.opens_sse().await;
        for id in ["first", "second"] {
            post.posts(&rpc(id, "tools/call", &json!({ "name": "desk__wait", "arguments": {} }))).await;
        }
        scene.upstream.until("both are held", |seen| seen.calls().len() == 2).await;
        let Scene { gateway, upstream, .. } = &mut scene;
        let finishing = async {
            assert_eq!(notices.next().await.unwrap(), None, "the gateway drains");
            assert_eq!(idle.next().await.unwrap(), None, "a stream without requests ends at once");
            let late = post.posts(&rpc(3, "ping", &json!({}))).await;
            assert_eq!((late.status(), late.error_code()), (503, Some(-32005)));
            upstream.release();
            let mut answered = [events.json().await, events.json().await].map(|answer| {
                assert_eq!(answer["result"]["content"][0]["text"], "let go");
                answer["id"].as_str().unwrap().to_owned()
            });
            answered.sort_unstable();
            assert_eq!(answered, ["first", "second"]);
            assert_eq!(events.next().await.unwrap(), None, "then the stream ends politely");
        };
        tokio::join!(gateway.stops(), finishing);
    })
    .await;
}

#[tokio::test]
async fn a_stream_ends_with_the_time_to_drain_whatever_is_under_way() {
    story(async |world| {
        let gateway =
            world.gateway_with(|config| config.limits.drain_timeout = Duration::from_millis(200)).await;
        let mut scene = Scene::set_in(gateway, Setup::legacy().tools([Tool::held("wait")])).await;
        let (mut events, post) = scene.alice.opens_sse().await;
        post.posts(&rpc(1, "tools/call", &json!({ "name": "desk__wait", "arguments": {} }))).await;
        scene.upstream.until("it is held", |seen| seen.calls().len() == 1).await;
        let ((), over) = tokio::join!(scene.gateway.stops(), events.until_over());
        assert_eq!(over, []);
    })
    .await;
}
