//! Sessions of servers behind: one per caller, unless they are shared on purpose.

use std::collections::HashSet;

use aerostack_core::api::token::CreateTokenRequest;
use aerostack_core::server::SessionMode;
use aerostack_tests::client::Caller;
use aerostack_tests::person::token_named;
use aerostack_tests::scene::Scene;
use aerostack_tests::story::{rounds, story, tell_figures};
use aerostack_tests::upstream::{Received, Setup, Tool, Upstream};
use futures_util::future::join;
use serde_json::json;

fn sessions(upstream: &Upstream) -> Vec<String> {
    let calls = upstream.calls();
    calls.iter().filter_map(|call| call.header("mcp-session-id").map(str::to_owned)).collect()
}

#[tokio::test]
async fn nobody_drives_the_session_of_another() {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        let bob = scene.owner.creates_token("Bob").await;
        for caller in [&scene.alice, &bob, &scene.alice, &bob] {
            caller.calls("desk__echo", json!({ "text": "hi" })).await;
        }
        let used = sessions(&scene.upstream);
        assert_eq!((&used[0], &used[1]), (&used[2], &used[3]));
        assert_ne!(used[0], used[1]);
    })
    .await;
}

#[tokio::test]
async fn a_shared_session_is_shared() {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        scene.owner.adds("shared", &scene.upstream.url(), SessionMode::Shared, None).await;
        scene.owner.installs_known("shared", None).await.unwrap();
        let bob = scene.owner.creates_token("Bob").await;
        for caller in [&scene.alice, &bob, &scene.alice] {
            caller.calls("shared__echo", json!({ "text": "hi" })).await;
        }
        let used: HashSet<String> = sessions(&scene.upstream).into_iter().collect();
        assert_eq!(used.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_session_ends_with_the_token_it_was_for() {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        let bob = scene.owner.creates_token("Bob").await;
        bob.calls("desk__echo", json!({ "text": "hi" })).await;
        let session = sessions(&scene.upstream).remove(0);
        scene.owner.revokes("name:Bob").await.unwrap();
        scene
            .upstream
            .until("the session is ended", |seen| {
                seen.requests().iter().any(|request| {
                    request.method == http::Method::DELETE
                        && request.header("mcp-session-id") == Some(session.as_str())
                })
            })
            .await;
    })
    .await;
}

#[tokio::test]
async fn a_server_that_forgot_its_sessions_is_greeted_again_and_the_call_goes_through() {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        scene.alice.calls("desk__echo", json!({ "text": "hi" })).await;
        scene.upstream.forget_sessions();
        let answer = scene.alice.calls("desk__echo", json!({ "text": "again" })).await;
        assert_eq!(answer.tool_text().as_deref(), Some("again"));
        let used = sessions(&scene.upstream);
        assert_eq!(used.len(), 3, "the second call was written twice: {used:?}");
        assert_ne!(used[1], used[2]);
    })
    .await;
}

/// Somebody who calls in every era: without a session, in one of their own, and in the modern era.
struct Everywhere {
    name: &'static str,
    plain: Caller,
    inside: Caller,
}

impl Everywhere {
    async fn enters(scene: &Scene, name: &'static str) -> Self {
        // A thousand rounds are more than a minute's quota.
        let order = CreateTokenRequest { rate_limit_per_minute: Some(1_000_000), ..token_named(name) };
        let plain = scene.owner.caller(&scene.owner.orders_token(&order).await.unwrap());
        let (inside, _) = plain.initializes("2025-11-25").await;
        Self { name, plain, inside }
    }

    /// Tells the server a line, and is answered the line of their own that they told before, in
    /// whichever era that was.
    async fn is_recalled(&self, round: usize) {
        let line = |round: usize| if round == 0 { String::new() } else { format!("{} {round}", self.name) };
        let arguments = json!({ "text": line(round) });
        let answer = match round % 3 {
            0 => self.plain.calls_modern("desk__recall", arguments).await,
            1 => self.plain.calls("desk__recall", arguments).await,
            _ => self.inside.calls("desk__recall", arguments).await,
        };
        assert_eq!(answer.tool_text(), Some(line(round - 1)), "{answer:?}");
    }
}

/// The session of each call: a header, or for the old transport a part of the address.
fn sessions_in_every_form(upstream: &Upstream) -> Vec<String> {
    let calls = upstream.calls().into_iter();
    let of = |call: Received| {
        let header = call.header("mcp-session-id").map(str::to_owned);
        header.or_else(|| call.path.split_once("sessionId=").map(|(_, id)| id.to_owned()))
    };
    calls.filter_map(of).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn prove_a_server_that_remembers_never_mixes_two_people() {
    for setup in [Setup::legacy(), Setup::old_sse()] {
        story(async |world| {
            let scene = Scene::set(world, setup.clone().tools([Tool::recall()])).await;
            let (alice, bob) =
                (Everywhere::enters(&scene, "Alice").await, Everywhere::enters(&scene, "Bob").await);
            let rounds = rounds(100, 1_000);
            for round in 1..=rounds {
                join(alice.is_recalled(round), bob.is_recalled(round)).await;
            }
            let used = sessions_in_every_form(&scene.upstream);
            let distinct: HashSet<&String> = used.iter().collect();
            assert_eq!((used.len(), distinct.len()), (2 * rounds, 2));
            tell_figures(&format!("two people, {rounds} rounds each, {:?}: never mixed", world.place.engine));
        })
        .await;
    }
}
