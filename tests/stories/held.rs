//! What one token can make the gateway hold is bounded in sum, and what all can.

use aerostack_core::api::analytics::AnalyticsQuery;
use aerostack_core::api::operation::endpoint;
use aerostack_tests::client::{Caller, rpc};
use aerostack_tests::gateway::Gateway;
use aerostack_tests::patience::eventually;
use aerostack_tests::scene::Scene;
use aerostack_tests::story::{World, story};
use aerostack_tests::upstream::{Answers, Sessions, Setup, Tool};
use aerostack_tests::wire::{Wire, request};
use serde_json::{Value, json};

use super::refusal::{assert_told, error};

const KIB: usize = 1_024;
const MIB: usize = 1_024 * KIB;
const OF_TOKEN: &str = "Too many bytes under way for this token";
const OF_ALL: &str = "Too many bytes under way";

/// A gateway that holds 3 MiB, and 2 of one token.
async fn narrow(world: &World) -> Gateway {
    let narrow = world.gateway_with(|config| {
        config.limits.held_bytes = 3 * MIB;
        config.limits.held_per_token_bytes = 2 * MIB;
    });
    narrow.await
}

async fn until_held(gateway: &Gateway, bytes: usize) {
    let held = || gateway.app().budget.held_bytes();
    eventually(&format!("{bytes} bytes are held"), async || held() == bytes).await;
}

/// Sends a part of a request whose length is declared, or which comes in chunks.
async fn begins(caller: &Caller, framing: (&str, &str), part: &[u8]) -> Wire {
    let bearer = caller.bearer();
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json"), framing];
    let mut wire = Wire::open(caller.address).await;
    wire.write(&request("POST", &caller.path, &headers, part)).await.unwrap();
    wire
}

fn length(bytes: usize) -> String {
    bytes.to_string()
}

#[tokio::test]
async fn bodies_that_do_not_fit_beside_others_are_refused_until_those_are_gone() {
    story(async |world| {
        let scene = Scene::set_in(narrow(world).await, Setup::legacy()).await;
        let bob = scene.owner.creates_token("Bob").await;
        let ping = rpc(1, "ping", &json!({}));
        let padded = format!("{ping}{}", " ".repeat(1_100 * KIB - ping.len()));
        let declared = length(padded.len());
        let mut alices = begins(&scene.alice, ("Content-Length", &declared), b"{").await;
        until_held(&scene.gateway, padded.len()).await;
        let refused = scene.alice.posts(&padded).await;
        assert_told(&refused, 429, &error(&Value::Null, -32004, OF_TOKEN));
        assert_eq!((refused.header("retry-after"), refused.header("connection")), (Some("1"), Some("close")));
        let mut bobs = begins(&bob, ("Content-Length", &declared), b"{").await;
        until_held(&scene.gateway, 2 * padded.len()).await;
        let carol = scene.owner.creates_token("Carol").await;
        let refused = carol.posts(&padded).await;
        assert_told(&refused, 503, &error(&Value::Null, -32004, OF_ALL));
        assert_eq!((refused.header("retry-after"), refused.header("connection")), (Some("1"), Some("close")));
        for caller in [&scene.alice, &carol] {
            assert_eq!(caller.posts(&ping).await.status(), 200, "little always passes");
        }
        bobs.write(&padded.as_bytes()[1..]).await.unwrap();
        assert_eq!(bobs.answer().await.unwrap().status(), 200);
        assert_eq!(carol.posts(&padded).await.status(), 200);
        alices.write(&padded.as_bytes()[1..]).await.unwrap();
        assert_eq!(alices.answer().await.unwrap().status(), 200);
        until_held(&scene.gateway, 0).await;
    })
    .await;
}

#[tokio::test]
async fn a_body_in_chunks_is_counted_as_it_comes() {
    story(async |world| {
        let scene = Scene::set_in(narrow(world).await, Setup::legacy()).await;
        let declared = length(MIB);
        let first = begins(&scene.alice, ("Content-Length", &declared), b"{").await;
        let chunk = [format!("{:x}\r\n", 800 * KIB).into_bytes(), vec![b' '; 800 * KIB], b"\r\n".to_vec()];
        let chunk = chunk.concat();
        let mut second = begins(&scene.alice, ("Transfer-Encoding", "chunked"), &chunk).await;
        until_held(&scene.gateway, MIB + 800 * KIB).await;
        // The refusal may come before all is written.
        let _ = second.write(&chunk).await;
        let refused = second.answer().await.unwrap();
        assert_told(&refused, 429, &error(&Value::Null, -32004, OF_TOKEN));
        drop(first);
        until_held(&scene.gateway, 0).await;
    })
    .await;
}

#[tokio::test]
async fn answers_of_a_batch_that_do_not_fit_are_errors_of_their_own() {
    story(async |world| {
        let scene = Scene::set_in(narrow(world).await, Setup::legacy().sessions(Sessions::None)).await;
        let call =
            |id: usize| rpc(id, "tools/call", &json!({ "name": "desk__big", "arguments": { "kib": 900 } }));
        let batch: Vec<String> = (0..6).map(call).collect();
        let answer = scene.alice.posts(&format!("[{}]", batch.join(","))).await;
        assert_eq!((answer.status(), answer.header("content-type")), (200, Some("application/json")));
        let answers = answer.json();
        let answers = answers.as_array().unwrap();
        let mut fitted = 0;
        for (id, answer) in answers.iter().enumerate() {
            if answer.get("result").is_some() {
                assert_eq!((&answer["id"], text_len(answer)), (&json!(id), 900 * KIB));
                fitted += 1;
            } else {
                assert_eq!(*answer, error(&json!(id), -32004, OF_TOKEN));
            }
        }
        assert_eq!(answers.len(), 6);
        assert!((1..=2).contains(&fitted), "{fitted}");
        until_held(&scene.gateway, 0).await;
    })
    .await;
}

/// Of the text of a tool's result.
fn text_len(answer: &Value) -> usize {
    answer["result"]["content"][0]["text"].as_str().map_or(0, str::len)
}

#[tokio::test]
async fn an_answer_that_must_be_gathered_and_does_not_fit_is_refused() {
    story(async |world| {
        let setup = Setup::legacy().sessions(Sessions::None).answers(Answers::Stream);
        let scene = Scene::set_in(narrow(world).await, setup).await;
        let alice = scene.alice.clone().with("Accept", "application/json");
        let call = json!({ "name": "desk__big", "arguments": { "kib": 1_500 } });
        assert_eq!(text_len(&alice.asks("tools/call", call.clone()).await.json()), 1_500 * KIB);
        // Whoever has the last byte may know of it before the gateway does.
        until_held(&scene.gateway, 0).await;
        let declared = length(MIB);
        let other = begins(&scene.alice, ("Content-Length", &declared), b"{").await;
        until_held(&scene.gateway, MIB).await;
        let refused = alice.asks("tools/call", call).await;
        assert_told(&refused, 429, &error(&json!(1), -32004, OF_TOKEN));
        assert_eq!(refused.header("retry-after"), Some("1"));
        drop(other);
        until_held(&scene.gateway, 0).await;
    })
    .await;
}

#[tokio::test]
async fn a_list_that_does_not_fit_is_refused() {
    story(async |world| {
        let schema = json!({ "type": "object", "description": "x".repeat(600 * KIB) });
        let tool = Tool::echo().with("inputSchema", schema);
        let tools = ["a", "b"].map(|name| tool.clone().named(name));
        let scene = Scene::set_in(narrow(world).await, Setup::legacy().tools(tools)).await;
        assert_eq!(scene.alice.tools().await.len(), 2);
        // Whoever has the last byte may know of it before the gateway does.
        until_held(&scene.gateway, 0).await;
        let declared = length(MIB);
        let other = begins(&scene.alice, ("Content-Length", &declared), b"{").await;
        until_held(&scene.gateway, MIB).await;
        let refused = scene.alice.asks("tools/list", json!({})).await;
        assert_told(&refused, 429, &error(&json!(1), -32004, OF_TOKEN));
        let definitions = scene.alice.at("/ws/engineering/openai-tools");
        let refused = definitions.sends("GET", "").await;
        assert_told(&refused, 429, &error(&Value::Null, -32004, OF_TOKEN));
        drop(other);
        until_held(&scene.gateway, 0).await;
        assert_eq!(definitions.sends("GET", "").await.json().as_array().map(Vec::len), Some(2));
    })
    .await;
}

#[tokio::test]
async fn an_old_stream_counts_every_message_of_a_batch() {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy().tools([Tool::held("wait")])).await;
        let (mut events, post) = scene.alice.opens_sse().await;
        let call = |id: usize| rpc(id, "tools/call", &json!({ "name": "desk__wait", "arguments": {} }));
        let batch =
            |ids: std::ops::Range<usize>| format!("[{}]", ids.map(call).collect::<Vec<_>>().join(","));
        let refused = error(&Value::Null, -32004, "Too many open streams");
        assert_eq!(post.posts(&batch(0..40)).await.status(), 202);
        assert_told(&post.posts(&batch(40..65)).await, 429, &refused);
        assert_eq!(post.posts(&batch(40..64)).await.status(), 202);
        assert_told(&post.posts(&call(64)).await, 429, &refused);
        scene.upstream.until("all are held", |seen| seen.calls().len() == 64).await;
        scene.upstream.release();
        let mut ids = Vec::new();
        for _ in 0..64 {
            ids.push(events.json().await["id"].as_u64().unwrap());
        }
        ids.sort_unstable();
        assert_eq!(ids, (0..64).collect::<Vec<u64>>());
        assert_eq!(post.posts(&call(64)).await.status(), 202);
    })
    .await;
}

#[tokio::test]
async fn messages_that_wait_on_an_old_stream_are_counted() {
    story(async |world| {
        let scene = Scene::set_in(narrow(world).await, Setup::legacy().sessions(Sessions::None)).await;
        let (mut events, post) = scene.alice.opens_sse().await;
        let held = || scene.gateway.app().budget.held_bytes();
        let call =
            |id: usize| rpc(id, "tools/call", &json!({ "name": "desk__big", "arguments": { "kib": 700 } }));
        let batch = format!("[{}]", (0..20).map(call).collect::<Vec<_>>().join(","));
        assert_eq!(post.posts(&batch).await.status(), 202);
        // Nothing is read before all have ended, so that not all find room.
        let query = AnalyticsQuery::default();
        eventually("all calls have ended", async || {
            let told = scene.owner.asks::<endpoint::ShowAnalytics>(&["engineering"], &query).await;
            told.is_ok_and(|told| told.totals.calls == 20)
        })
        .await;
        let mut fitted = 0;
        for _ in 0..20 {
            assert!(held() <= 2 * MIB);
            let answer = events.json().await;
            if answer.get("result").is_some() {
                assert_eq!(text_len(&answer), 700 * KIB);
                fitted += 1;
            } else {
                assert_eq!(answer, error(&answer["id"], -32004, OF_TOKEN));
            }
        }
        assert!((1..20).contains(&fitted), "{fitted}");
        until_held(&scene.gateway, 0).await;
        assert_eq!(post.posts(&call(20)).await.status(), 202);
        assert_eq!(text_len(&events.json().await), 700 * KIB);
    })
    .await;
}
