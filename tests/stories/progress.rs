//! Calls that take their time: progress, cancellation, hanging up.

use std::time::Duration;

use aerostack_tests::client::{Caller, modern_params, notification, rpc};
use aerostack_tests::events::Events;
use aerostack_tests::scene::{Scene, story_behind};
use aerostack_tests::story::story;
use aerostack_tests::upstream::{Answers, Ended, Setup, Tool, Upstream};
use serde_json::{Value, json};

/// Asks `slow` for progress and gives the progress tokens told, and the answer.
async fn progress(caller: &Caller, token: &Value) -> (Vec<Value>, Value) {
    let params = json!({
        "name": "desk__slow", "arguments": { "steps": 3, "pause_ms": 1 }, "_meta": { "progressToken": token }
    });
    let is_modern = caller.headers.iter().any(|(name, _)| name == "Mcp-Method");
    let params = if is_modern { modern_params(params) } else { params };
    let mut events = Events::open(caller.begins("POST", &rpc("p", "tools/call", &params)).await).await;
    let mut tokens = Vec::new();
    loop {
        let message = events.json().await;
        if message["method"] != "notifications/progress" {
            assert_eq!(events.next().await.unwrap(), None, "nothing follows the answer");
            return (tokens, message);
        }
        tokens.push(message["params"]["progressToken"].clone());
    }
}

#[tokio::test]
async fn progress_is_told_under_the_callers_own_token_whatever_its_kind() {
    story_behind(&[Setup::legacy(), Setup::modern(), Setup::old_sse()], async |scene| {
        let modern = scene.alice.modern("tools/call", Some("desk__slow"));
        let (session, _) = scene.alice.initializes("2025-11-25").await;
        for caller in [&scene.alice, &session, &modern] {
            for token in [json!("my-token"), json!(7), json!(0)] {
                let (tokens, answer) = progress(caller, &token).await;
                assert_eq!(tokens, vec![token; 3]);
                assert_eq!(answer["id"], "p");
                assert_eq!(answer["result"]["content"][0]["text"], "done after 3 steps");
            }
        }
    })
    .await;
}

/// Begins a call that is held upstream.
async fn holds(scene: &Scene, caller: &Caller) -> aerostack_tests::wire::Wire {
    let params = json!({ "name": "desk__wait", "arguments": {} });
    let is_modern = caller.headers.iter().any(|(name, _)| name == "Mcp-Method");
    let params = if is_modern { modern_params(params) } else { params };
    let before = scene.upstream.calls().len();
    let wire = caller.begins("POST", &rpc("held", "tools/call", &params)).await;
    scene.upstream.until("the call is held", |seen| seen.calls().len() == before + 1).await;
    wire
}

fn last_outcome(seen: &Upstream) -> Option<Ended> {
    seen.calls().last().and_then(aerostack_tests::upstream::Received::outcome)
}

#[tokio::test]
async fn a_cancelled_legacy_call_is_cancelled_upstream_under_the_upstreams_own_id() {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy().tools([Tool::held("wait")])).await;
        let (inside, _) = scene.alice.initializes("2025-11-25").await;
        let mut wire = holds(&scene, &inside).await;
        let upstream_id = scene.upstream.calls()[0].json()["id"].clone();
        // Somebody else's id of the same text takes nothing back.
        let cancel = notification("notifications/cancelled", &json!({ "requestId": "held" }));
        let bob = scene.owner.creates_token("Bob").await;
        assert_eq!(bob.posts(&cancel).await.status(), 202);
        assert_eq!(last_outcome(&scene.upstream), None);
        assert_eq!(inside.posts(&cancel).await.status(), 202);
        let answer = wire.answer().await.unwrap();
        assert_eq!((answer.status(), answer.error_code()), (200, Some(-32800)));
        scene
            .upstream
            .until("it is told", |seen| !seen.requests_of("notifications/cancelled").is_empty())
            .await;
        let told = scene.upstream.requests_of("notifications/cancelled")[0].json();
        assert_eq!(told["params"]["requestId"], upstream_id);
    })
    .await;
}

#[tokio::test]
async fn a_cancelled_legacy_call_closes_the_request_of_a_modern_upstream() {
    story(async |world| {
        let scene = Scene::set(world, Setup::modern().tools([Tool::held("wait")])).await;
        let (inside, _) = scene.alice.initializes("2025-11-25").await;
        let mut wire = holds(&scene, &inside).await;
        inside.posts(&notification("notifications/cancelled", &json!({ "requestId": "held" }))).await;
        assert_eq!(wire.answer().await.unwrap().error_code(), Some(-32800));
        scene.upstream.until("it is closed", |seen| last_outcome(seen) == Some(Ended::Abandoned)).await;
        assert_eq!(scene.upstream.requests_of("notifications/cancelled").len(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_modern_caller_who_hangs_up_takes_the_call_back() {
    for (setup, told) in [(Setup::modern(), 0), (Setup::legacy(), 1)] {
        story_behind(&[setup.tools([Tool::held("wait")])], async |scene| {
            drop(holds(scene, &scene.alice.modern("tools/call", Some("desk__wait"))).await);
            scene.upstream.until("it is closed", |seen| last_outcome(seen) == Some(Ended::Abandoned)).await;
            let is_told = |seen: &Upstream| seen.requests_of("notifications/cancelled").len() == told;
            scene.upstream.until("it is told in its own way", is_told).await;
        })
        .await;
    }
}

#[tokio::test]
async fn over_the_old_transport_of_a_server_hanging_up_takes_back_modern_calls_alone() {
    story_behind(&[Setup::old_sse().tools([Tool::held("wait")])], async |scene| {
        drop(holds(scene, &scene.alice).await);
        drop(holds(scene, &scene.alice.modern("tools/call", Some("desk__wait"))).await);
        // The second call's alone: the first is left running.
        is_told(&scene.upstream).await;
    })
    .await;
}

/// Begins a call that is held upstream, and hangs up.
async fn holds_and_hangs_up(scene: &Scene, caller: &Caller) {
    drop(holds(scene, caller).await);
    // The gateway has noticed by the time it has answered others.
    for _ in 0..5 {
        caller.asks("ping", json!({})).await;
    }
    assert_eq!(last_outcome(&scene.upstream), None);
}

/// A server that holds its call: before its answer begins, and with an answer that has begun.
fn holding() -> [Setup; 2] {
    [Answers::Json, Answers::Stream]
        .map(|answers| Setup::legacy().answers(answers).tools([Tool::held("wait")]))
}

/// Waits until the server is told that its last call is not wanted any more.
async fn is_told(upstream: &Upstream) {
    let told = |seen: &Upstream| seen.requests_of("notifications/cancelled").len() == 1;
    upstream.until("it is told", told).await;
    let told = upstream.requests_of("notifications/cancelled")[0].json();
    assert_eq!(told["params"]["requestId"], upstream.calls().pop().unwrap().json()["id"]);
}

#[tokio::test]
async fn a_call_whose_legacy_caller_hung_up_can_still_be_taken_back() {
    story_behind(&holding(), async |scene| {
        let (inside, _) = scene.alice.initializes("2025-11-25").await;
        holds_and_hangs_up(scene, &inside).await;
        let cancel = notification("notifications/cancelled", &json!({ "requestId": "held" }));
        assert_eq!(inside.posts(&cancel).await.status(), 202);
        is_told(&scene.upstream).await;
    })
    .await;
}

#[tokio::test]
async fn a_call_whose_legacy_caller_hung_up_is_taken_back_when_its_token_ends() {
    story_behind(&holding(), async |scene| {
        let bob = scene.owner.creates_token("Bob").await;
        holds_and_hangs_up(scene, &bob).await;
        scene.owner.revokes(&bob.id).await.unwrap();
        is_told(&scene.upstream).await;
    })
    .await;
}

#[tokio::test]
async fn a_call_without_its_caller_ends_when_its_time_is_over() {
    for setup in [Setup::legacy(), Setup::legacy().answers(Answers::Stream), Setup::old_sse()] {
        story(async |world| {
            let limit = Duration::from_millis(100);
            let gateway = world.gateway_with(|config| config.limits.abandoned_call_timeout = limit).await;
            let scene = Scene::set_in(gateway, setup.clone().tools([Tool::held("wait")])).await;
            drop(holds(&scene, &scene.alice).await);
            is_told(&scene.upstream).await;
        })
        .await;
    }
}

#[tokio::test]
async fn a_call_over_the_old_transport_goes_on_without_its_stream_until_its_time_is_over() {
    story(async |world| {
        let limit = Duration::from_millis(100);
        let gateway = world.gateway_with(|config| config.limits.abandoned_call_timeout = limit).await;
        let scene = Scene::set_in(gateway, Setup::legacy().tools([Tool::held("wait")])).await;
        let (events, post) = scene.alice.opens_sse().await;
        post.posts(&rpc("held", "tools/call", &json!({ "name": "desk__wait", "arguments": {} }))).await;
        scene.upstream.until("the call is held", |seen| seen.calls().len() == 1).await;
        drop(events);
        is_told(&scene.upstream).await;
    })
    .await;
}

#[tokio::test]
async fn a_silent_server_keeps_its_caller_waiting_on_an_event_stream() {
    for setup in [Setup::legacy(), Setup::modern()] {
        story(async |world| {
            let pause = Duration::from_millis(50);
            let gateway = world.gateway_with(|config| config.limits.keep_alive_every = pause).await;
            let scene = Scene::set_in(gateway, setup.clone().tools([Tool::held("wait")])).await;
            for caller in [&scene.alice, &scene.alice.modern("tools/call", Some("desk__wait"))] {
                let mut events = Events::open(holds(&scene, caller).await).await;
                scene.upstream.release();
                let answer = events.json().await;
                assert_eq!(
                    (&answer["id"], &answer["result"]["content"][0]["text"]),
                    (&json!("held"), &json!("let go"))
                );
                assert_eq!(events.next().await.unwrap(), None);
            }
        })
        .await;
    }
}

#[tokio::test]
async fn a_legacy_caller_who_hangs_up_leaves_the_call_running() {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy().tools([Tool::held("wait")])).await;
        holds_and_hangs_up(&scene, &scene.alice).await;
        scene.upstream.release();
        scene.upstream.until("it is answered", |seen| last_outcome(seen) == Some(Ended::Answered)).await;
        assert_eq!(scene.upstream.requests_of("notifications/cancelled").len(), 0);
    })
    .await;
}
