//! Replacing a token, and what a full or lowered plan means for it.

use std::time::Duration;

use aerostack_core::api::error::ErrorCode;
use aerostack_core::plan::Plan;
use aerostack_core::token::TokenStatus;
use aerostack_tests::person::token_named;
use aerostack_tests::scene::Scene;
use aerostack_tests::story::story;
use aerostack_tests::upstream::Setup;
use serde_json::json;

use super::token::status;

#[tokio::test]
async fn a_rotation_overlaps_and_then_only_the_new_token_works() {
    story(async |world| {
        let scene = Scene::set_in(world.gateway_out_of_time().await, Setup::legacy()).await;
        scene.gateway.clock.advance(Duration::from_millis(1));
        let fresh = scene.owner.rotates("name:Alice Chen", Some(600)).await.unwrap();
        let fresh = scene.owner.caller(&fresh);
        assert_eq!((status(&scene.alice).await, status(&fresh).await), (200, 200));
        assert_eq!(scene.owner.tokens().await.seats.used, 1);
        scene.gateway.clock.advance(Duration::from_millis(599_999));
        assert_eq!((status(&scene.alice).await, status(&fresh).await), (200, 200));
        scene.gateway.clock.advance(Duration::from_millis(1));
        assert_eq!((status(&scene.alice).await, status(&fresh).await), (401, 200));
        let listed = scene.owner.tokens().await;
        assert_eq!(listed.seats.used, 1);
        let statuses: Vec<_> = listed.items.iter().map(|token| token.status).collect();
        assert_eq!(statuses, [TokenStatus::Revoked, TokenStatus::Active]);
    })
    .await;
}

#[tokio::test]
async fn a_rotation_works_at_a_full_plan_and_without_overlap_ends_the_old_token_at_once() {
    story(async |world| {
        let gateway = world.gateway().await;
        let mut owner = gateway.owner_on(Plan::Free).await;
        owner.creates_workspace("engineering").await;
        let alice = owner.creates_token("Alice").await;
        owner.creates_token("Bob").await;
        owner.creates_token("Carol").await;
        let full = owner.is_refused(&token_named("Dave")).await;
        let expected = (ErrorCode::SeatLimitReached, "3 of 3 tokens used (Free plan)");
        assert_eq!((full.code, full.message.as_str()), expected);
        let fresh = owner.rotates("name:Alice", None).await.unwrap();
        assert_eq!(fresh.seats.used, 3);
        assert_eq!(alice.asks("ping", json!({})).await.status(), 401);
        assert_eq!(owner.caller(&fresh).asks("ping", json!({})).await.status(), 200);
        let overlapping = owner.rotates("name:Bob", Some(600)).await.unwrap();
        assert_eq!(overlapping.seats.used, 3);
        let full = owner.is_refused(&token_named("Dave")).await;
        assert_eq!(full.code, ErrorCode::SeatLimitReached);
    })
    .await;
}

#[tokio::test]
async fn a_lowered_plan_leaves_what_exists_working_and_refuses_new_tokens() {
    story(async |world| {
        let gateway = world.gateway().await;
        let mut owner = gateway.owner_on(Plan::Enterprise).await;
        owner.creates_workspace("engineering").await;
        let mut callers = Vec::new();
        for name in ["Alice", "Bob", "Carol", "Dave"] {
            callers.push(owner.creates_token(name).await);
        }
        assert_eq!(owner.tokens().await.seats.line(), "4 tokens used (Enterprise plan)");
        owner.sets_plan("acme", Plan::Free).await.unwrap();
        for caller in &callers {
            assert_eq!(caller.asks("ping", json!({})).await.status(), 200);
        }
        let eve = token_named("Eve");
        assert_eq!(owner.is_refused(&eve).await.message, "4 of 3 tokens used (Free plan)");
        owner.revokes("name:Alice").await.unwrap();
        assert_eq!(owner.is_refused(&eve).await.code, ErrorCode::SeatLimitReached);
        owner.revokes("name:Bob").await.unwrap();
        owner.orders_token(&eve).await.unwrap();
    })
    .await;
}
