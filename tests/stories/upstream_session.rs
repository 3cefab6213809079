//! Sessions of servers behind: one per caller, unless they are shared on purpose.

use std::collections::HashSet;

use aerostack_core::server::SessionMode;
use aerostack_tests::client::Caller;
use aerostack_tests::scene::Scene;
use aerostack_tests::story::{rounds, story};
use aerostack_tests::upstream::{Setup, Tool, Upstream};
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

/// Tells the server a line, and is answered the line of its own that it told before.
async fn is_recalled(caller: &Caller, name: &str, round: usize) {
    let line = |round: usize| if round == 0 { String::new() } else { format!("{name} {round}") };
    let answer = caller.calls("desk__recall", json!({ "text": line(round) })).await;
    assert_eq!(answer.tool_text(), Some(line(round - 1)), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn prove_a_server_that_remembers_never_mixes_two_people() {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy().tools([Tool::recall()])).await;
        let bob = scene.owner.creates_token("Bob").await;
        let rounds = rounds(100, 1_000);
        for round in 1..=rounds {
            join(is_recalled(&scene.alice, "Alice", round), is_recalled(&bob, "Bob", round)).await;
        }
        let used = sessions(&scene.upstream);
        let distinct: HashSet<&String> = used.iter().collect();
        assert_eq!((used.len(), distinct.len()), (2 * rounds, 2));
    })
    .await;
}
