//! 120 requests in any 60 seconds for each token.

use std::time::Duration;

use aerostack_core::api::token::CreateTokenRequest;
use aerostack_tests::answer::Answer;
use aerostack_tests::client::{Caller, notification, rpc};
use aerostack_tests::person::token_named;
use aerostack_tests::scene::Scene;
use aerostack_tests::story::story;
use aerostack_tests::upstream::Setup;
use aerostack_tests::wire::Wire;
use serde_json::{Value, json};

const LIMIT: usize = 120;

/// Makes requests over one connection.
async fn pings(caller: &Caller, count: usize) -> Vec<u16> {
    let mut wire = Wire::open(caller.address).await;
    let bytes = caller.bytes("POST", &rpc(1, "ping", &json!({})));
    let mut statuses = Vec::new();
    for _ in 0..count {
        wire.write(&bytes).await.unwrap();
        statuses.push(wire.answer().await.unwrap().status());
    }
    statuses
}

fn assert_refused(answer: &Answer, id: &Value, retry_after: &str) {
    assert_eq!(answer.status(), 429);
    assert_eq!(answer.header("retry-after"), Some(retry_after));
    let error = json!({ "code": -32000, "message": "Rate limit exceeded" });
    assert_eq!(answer.json(), json!({ "jsonrpc": "2.0", "id": id, "error": error }));
}

#[tokio::test]
async fn the_hundred_and_twenty_first_call_of_a_minute_is_refused_until_the_time_it_is_told() {
    story(async |world| {
        let scene = Scene::set_in(world.gateway_out_of_time().await, Setup::legacy()).await;
        let clock = &scene.gateway.clock;
        assert_eq!(pings(&scene.alice, LIMIT / 2).await, [200; LIMIT / 2]);
        clock.advance(Duration::from_millis(10_250));
        assert_eq!(pings(&scene.alice, LIMIT / 2).await, [200; LIMIT / 2]);
        let call = |id: Value| {
            rpc(id, "tools/call", &json!({ "name": "desk__echo", "arguments": { "text": "hi" } }))
        };
        assert_refused(&scene.alice.posts(&call(json!("seven"))).await, &json!("seven"), "50");
        assert_eq!(scene.upstream.calls().len(), 0);
        // 49.75 s are left: one millisecond earlier it is refused, then accepted.
        clock.advance(Duration::from_millis(49_749));
        assert_refused(&scene.alice.posts(&call(json!(8))).await, &json!(8), "1");
        clock.advance(Duration::from_millis(1));
        assert_eq!(scene.alice.posts(&call(json!(9))).await.tool_text().as_deref(), Some("hi"));
        // The first half has left the window, the second has not.
        assert_eq!(pings(&scene.alice, LIMIT / 2 - 1).await, [200; LIMIT / 2 - 1]);
        assert_eq!(pings(&scene.alice, 1).await, [429]);
    })
    .await;
}

#[tokio::test]
async fn one_token_does_not_spend_the_quota_of_another_and_may_have_its_own() {
    story(async |world| {
        let scene = Scene::set_in(world.gateway_out_of_time().await, Setup::legacy()).await;
        let bob = scene.owner.creates_token("Bob").await;
        let slow = CreateTokenRequest { rate_limit_per_minute: Some(2), ..token_named("Slow") };
        let slow = scene.owner.caller(&scene.owner.orders_token(&slow).await.unwrap());
        pings(&scene.alice, LIMIT).await;
        assert_eq!(pings(&scene.alice, 1).await, [429]);
        assert_eq!(pings(&bob, 1).await, [200]);
        assert_eq!(pings(&slow, 3).await, [200, 200, 429]);
    })
    .await;
}

#[tokio::test]
async fn batches_count_by_element_and_notifications_and_refusals_do_not_count() {
    story(async |world| {
        let scene = Scene::set_in(world.gateway_out_of_time().await, Setup::legacy()).await;
        let quiet = notification("notifications/initialized", &json!({}));
        let batch = |requests: usize| {
            let mut items = vec![rpc(1, "ping", &json!({})); requests];
            items.push(quiet.clone());
            format!("[{}]", items.join(","))
        };
        for _ in 0..2 {
            assert_eq!(scene.alice.posts(&batch(49)).await.status(), 200);
        }
        for _ in 0..30 {
            assert_eq!(scene.alice.posts(&quiet).await.status(), 202);
        }
        // 98 are spent; 23 do not fit, and none of them is counted.
        assert_eq!(scene.alice.posts(&batch(23)).await.status(), 429);
        assert_eq!(scene.alice.posts(&batch(22)).await.status(), 200);
        assert_eq!(pings(&scene.alice, 1).await, [429]);
        // A refused request does not lengthen the wait.
        scene.gateway.clock.advance(Duration::from_secs(60));
        assert_eq!(pings(&scene.alice, 1).await, [200]);
    })
    .await;
}
