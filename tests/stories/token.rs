//! Tokens: names, revocation by every reference, what is listed of them.

use std::time::Duration;

use aerostack_core::api::error::ErrorCode;
use aerostack_core::api::token::CreateTokenRequest;
use aerostack_core::bearer::TokenDigest;
use aerostack_core::token::TokenStatus;
use aerostack_tests::cli::Terminal;
use aerostack_tests::client::Caller;
use aerostack_tests::golden::assert_golden;
use aerostack_tests::patience::eventually;
use aerostack_tests::person::token_named;
use aerostack_tests::scene::Scene;
use aerostack_tests::story::story;
use aerostack_tests::upstream::Setup;
use serde_json::json;

/// The status of a call.
pub(super) async fn status(caller: &Caller) -> u16 {
    caller.calls("desk__echo", json!({ "text": "hi" })).await.status()
}

#[tokio::test]
async fn a_token_is_revoked_by_its_name_its_id_the_beginning_of_it_or_its_text() {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        let mut terminal = Terminal::of(&scene.owner);
        for way in ["name", "id", "beginning", "text"] {
            let caller = scene.owner.creates_token("Bob Singh").await;
            assert_eq!(status(&caller).await, 200);
            let reference = match way {
                "name" => vec!["--name", "Bob Singh"],
                "id" => vec![caller.id.as_str()],
                "beginning" => vec![&caller.id[..caller.id.len() - 1]],
                _ => vec![caller.token.as_str()],
            };
            let line = [&["workspace", "token", "revoke", "engineering"], reference.as_slice()].concat();
            let ran = terminal.runs(&line).await;
            let said = "✓ Token revoked. Bob's gateway access is immediately disabled.\n";
            assert_eq!((ran.code, ran.stderr.as_str()), (0, said), "{way}");
            assert_eq!(status(&caller).await, 401, "{way}");
        }
    })
    .await;
}

#[tokio::test]
async fn revoking_twice_says_so_and_changes_nothing() {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        let first = scene.owner.revokes(&scene.alice.id).await.unwrap();
        let before = scene.owner.verifies_audit().await;
        let again = scene.owner.revokes(&scene.alice.id).await.unwrap();
        assert!(!first.already_inactive && again.already_inactive);
        assert_eq!((again.status, again.revoked_at), (TokenStatus::Revoked, first.revoked_at));
        assert_eq!(scene.owner.verifies_audit().await, before);
        let digest = format!("sha256:{}", TokenDigest::of(&scene.alice.token).to_hex());
        assert!(scene.owner.revokes(&digest).await.unwrap().already_inactive);
        // By name only the active one is meant.
        let refused = scene.owner.revokes("name:Alice Chen").await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::NotFound);
    })
    .await;
}

#[tokio::test]
async fn an_unknown_name_is_answered_with_the_closest_ones() {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        let mut terminal = Terminal::of(&scene.owner);
        let ran =
            terminal.runs(&["workspace", "token", "revoke", "engineering", "--name", "Alice Chan"]).await;
        assert_eq!(ran.code, 1);
        assert!(ran.stderr.contains("hint:") && ran.stderr.contains("Alice Chen"), "{}", ran.stderr);
        assert_golden("token-unknown-name", &ran.transcript());
    })
    .await;
}

#[tokio::test]
async fn a_name_is_unique_among_active_tokens_only() {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        let refused = scene.owner.is_refused(&token_named("Alice Chen")).await;
        assert_eq!(refused.code, ErrorCode::NameTaken);
        assert!(refused.hint.is_some());
        scene.owner.revokes("name:Alice Chen").await.unwrap();
        assert_eq!(status(&scene.owner.creates_token("Alice Chen").await).await, 200);
    })
    .await;
}

#[tokio::test]
async fn an_order_that_cannot_be_meant_is_refused_with_the_reason() {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        let order = |change: fn(&mut CreateTokenRequest)| {
            let mut order = token_named("Bob");
            change(&mut order);
            order
        };
        for wrong in [
            order(|order| order.name.clear()),
            order(|order| order.name = "x".repeat(101)),
            order(|order| order.name = "a\u{7}b".to_owned()),
            order(|order| order.expires_in = Some(59)),
            order(|order| order.expires_in = Some(u64::MAX)),
            order(|order| order.rate_limit_per_minute = Some(0)),
        ] {
            let refused = scene.owner.is_refused(&wrong).await;
            assert_eq!(refused.code, ErrorCode::InvalidRequest, "{wrong:?}");
        }
        let foreign = scene.owner.within("nowhere").is_refused(&token_named("Bob")).await;
        assert_eq!(foreign.code, ErrorCode::NotFound);
        assert_eq!(scene.owner.tokens().await.items.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn the_list_shows_every_status_and_when_each_was_last_used() {
    story(async |world| {
        let scene = Scene::set_in(world.gateway_out_of_time().await, Setup::legacy()).await;
        // Tokens of one millisecond are listed in any order.
        let moment = Duration::from_millis(1);
        scene.gateway.clock.advance(moment);
        let short = CreateTokenRequest { expires_in: Some(3_600), ..token_named("CI Bot") };
        scene.owner.orders_token(&short).await.unwrap();
        scene.gateway.clock.advance(moment);
        scene.owner.creates_token("Bob Singh").await;
        scene.owner.revokes("name:Bob Singh").await.unwrap();
        scene.gateway.clock.advance(moment);
        scene.owner.creates_token("Carol Wu").await;
        assert_eq!(status(&scene.alice).await, 200);
        eventually("the use is written", async || scene.owner.tokens().await.items[0].last_used_at.is_some())
            .await;
        scene.gateway.clock.advance(Duration::from_secs(3_600));
        let mut terminal = Terminal::of(&scene.owner);
        let ran = terminal.runs(&["workspace", "token", "list", "engineering"]).await;
        assert_golden("token-list", &ran.transcript());
        let line = ["workspace", "token", "list", "engineering", "--active", "--output", "csv"];
        assert_golden("token-list-active-csv", &terminal.does(&line).await);
    })
    .await;
}

#[tokio::test]
async fn the_text_of_a_token_is_shown_once_and_stored_nowhere() {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        let mut terminal = Terminal::of(&scene.owner);
        let listed = terminal.does(&["workspace", "token", "list", "engineering", "--output", "json"]).await;
        let audit = terminal.does(&["workspace", "audit", "engineering", "--output", "json"]).await;
        let secret = scene.alice.token.rsplit('_').next().unwrap();
        assert!(!listed.contains(secret) && !audit.contains(secret));
        for entry in std::fs::read_dir(&scene.gateway.config.data_dir).unwrap().flatten() {
            let bytes = std::fs::read(entry.path()).unwrap_or_default();
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{}", entry.path().display());
        }
    })
    .await;
}
