//! A token that expires is refused at the moment, not a moment later.

use std::time::Duration;

use aerostack_core::api::token::CreateTokenRequest;
use aerostack_core::time::Timestamp;
use aerostack_core::token::TokenStatus;
use aerostack_gateway::clock::Clock;
use aerostack_tests::client::Caller;
use aerostack_tests::person::token_named;
use aerostack_tests::scene::Scene;
use aerostack_tests::story::{BEGINNING, story};
use aerostack_tests::upstream::{Ended, Setup, Tool};
use serde_json::json;

/// A caller whose token lives so many seconds.
async fn caller_for(scene: &Scene, name: &str, secs: u64) -> Caller {
    let order = CreateTokenRequest { expires_in: Some(secs), ..token_named(name) };
    scene.owner.caller(&scene.owner.orders_token(&order).await.unwrap())
}

#[tokio::test]
async fn a_token_is_refused_from_the_moment_it_expires() {
    story(async |world| {
        let scene = Scene::set_in(world.gateway_out_of_time().await, Setup::legacy()).await;
        let bot = caller_for(&scene, "CI Bot", 86_400).await;
        scene.gateway.clock.advance(Duration::from_millis(86_399_999));
        assert_eq!(bot.calls("desk__echo", json!({ "text": "hi" })).await.status(), 200);
        scene.gateway.clock.advance(Duration::from_millis(1));
        assert_eq!(bot.calls("desk__echo", json!({ "text": "hi" })).await.status(), 401);
        let listed = scene.owner.tokens().await;
        let status = listed.items.iter().find(|token| token.name == "CI Bot").map(|token| token.status);
        assert_eq!(status, Some(TokenStatus::Expired));
        assert_eq!(listed.seats.used, 1, "an expired token gives its seat back");
        assert_eq!(scene.alice.calls("desk__echo", json!({ "text": "hi" })).await.status(), 200);
        // Its name is free again.
        scene.owner.creates_token("CI Bot").await;
    })
    .await;
}

#[tokio::test]
async fn open_streams_and_calls_in_flight_end_when_the_token_expires() {
    story(async |world| {
        let gateway = world.gateway_out_of_time().await;
        let scene = Scene::set_in(gateway, Setup::legacy().tools([Tool::held("wait")])).await;
        let demo = caller_for(&scene, "Demo", 60).await;
        let mut notices = demo.listens().await;
        let mut listening = demo.listens_modern().await;
        listening.json().await;
        let (mut old, _) = demo.opens_sse().await;
        let call = tokio::spawn(async move { demo.calls("desk__wait", json!({})).await });
        scene.upstream.until("the call is held", |seen| seen.calls().len() == 1).await;
        scene.gateway.clock.advance(Duration::from_secs(60));
        for stream in [&mut notices, &mut listening, &mut old] {
            assert_eq!(stream.until_over().await, []);
        }
        assert_eq!(call.await.unwrap().status(), 401);
        let given_up =
            |seen: &aerostack_tests::upstream::Upstream| seen.calls()[0].outcome() == Some(Ended::Abandoned);
        scene.upstream.until("the call is given up", given_up).await;
    })
    .await;
}

#[tokio::test]
async fn an_expiry_survives_a_restart() {
    story(async |world| {
        let mut scene = Scene::set_in(world.gateway_out_of_time().await, Setup::legacy()).await;
        let demo = caller_for(&scene, "Demo", 60).await;
        scene.gateway.restarts().await;
        let demo = Caller { address: scene.gateway.address(), ..demo };
        assert_eq!(demo.asks("ping", json!({})).await.status(), 200);
        scene.gateway.clock.advance(Duration::from_secs(60));
        assert_eq!(demo.asks("ping", json!({})).await.status(), 401);
    })
    .await;
}

#[tokio::test]
async fn a_clock_that_is_set_back_over_a_restart_lets_nobody_in_again() {
    story(async |world| {
        let mut scene = Scene::set_in(world.gateway_out_of_time().await, Setup::legacy()).await;
        let demo = caller_for(&scene, "Demo", 60).await;
        let bob = scene.owner.creates_token("Bob").await;
        scene.gateway.clock.advance(Duration::from_secs(61));
        scene.owner.revokes("name:Alice Chen").await.unwrap();
        let replaced = scene.owner.rotates("name:Bob", Some(600)).await.unwrap();
        scene.gateway.stops().await;
        scene.gateway.clock = Clock::manual(Timestamp::from_millis(BEGINNING.as_millis() - 3_600_000));
        scene.gateway.starts().await;
        let address = scene.gateway.address();
        let status = async |caller: &Caller| {
            Caller { address, ..caller.clone() }.asks("ping", json!({})).await.status()
        };
        assert_eq!(status(&scene.alice).await, 401, "what was revoked stays revoked");
        assert_eq!(status(&demo).await, 401, "what has expired stays expired");
        assert_eq!(status(&bob).await, 200, "what is to end later ends later");
        let listed = scene.owner.at(address).tokens().await.items;
        let mut shown: Vec<_> = listed.iter().map(|token| (token.name.as_str(), token.status)).collect();
        shown.sort_unstable_by_key(|(name, _)| *name);
        let (active, revoked, expired) = (TokenStatus::Active, TokenStatus::Revoked, TokenStatus::Expired);
        assert_eq!(shown, [("Alice Chen", revoked), ("Bob", active), ("Bob", active), ("Demo", expired)]);
        scene.gateway.clock.advance(Duration::from_secs(600));
        assert_eq!(status(&bob).await, 401);
        assert_eq!(status(&scene.owner.caller(&replaced)).await, 200);
    })
    .await;
}
