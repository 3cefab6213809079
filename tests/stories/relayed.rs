//! What holds for every request that a server answers, not for calls of tools alone: progress, taking
//! back, and the end of access, in every crossing.

use std::time::Duration;

use aerostack_tests::client::{Caller, modern_params, notification, rpc};
use aerostack_tests::events::Events;
use aerostack_tests::person::Person;
use aerostack_tests::scene::{Scene, story_behind};
use aerostack_tests::upstream::{Ended, Fault, Prompt, Resource, Setup, Upstream};
use aerostack_tests::wire::Wire;
use serde_json::{Value, json};

fn setups() -> [Setup; 4] {
    [Setup::legacy(), Setup::old_sse(), Setup::modern(), Setup::dual()]
        .map(|setup| setup.prompts([Prompt::greet()]).resources([Resource::at("file:///a")]))
}

/// Methods, their parameters, and what modern requests repeat in a header.
fn methods() -> [(&'static str, Value, Option<&'static str>); 3] {
    let reference = json!({ "type": "ref/prompt", "name": "desk__greet" });
    [
        ("prompts/get", json!({ "name": "desk__greet" }), Some("desk__greet")),
        ("resources/read", json!({ "uri": "file:///a" }), Some("file:///a")),
        (
            "completion/complete",
            json!({ "ref": reference, "argument": { "name": "who", "value": "B" } }),
            None,
        ),
    ]
}

/// Sends a request of the id 7 that the server does not answer, and waits until it is there.
async fn held(scene: &Scene, caller: &Caller, method: &str, params: &Value) -> Wire {
    let before = scene.upstream.requests_of(method).len();
    let wire = caller.begins("POST", &rpc(7, method, params)).await;
    scene.upstream.until("it has arrived", |seen| seen.requests_of(method).len() > before).await;
    wire
}

/// How often a server was told that nobody waits any more, in its own way.
fn taken_back(seen: &Upstream, method: &str) -> usize {
    let hung_up =
        seen.requests_of(method).iter().filter(|one| one.outcome() == Some(Ended::Abandoned)).count();
    hung_up.max(seen.requests_of("notifications/cancelled").len())
}

#[tokio::test]
async fn progress_is_told_under_the_callers_own_token() {
    story_behind(&setups(), async |scene| {
        for (method, params, name) in methods() {
            let token = json!("mine\u{e9}");
            let mut asked = params.clone();
            asked["_meta"]["progressToken"] = token.clone();
            let old = (scene.alice.clone(), asked.clone());
            let new = (scene.alice.modern(method, name), modern_params(asked));
            for (caller, asked) in [old, new] {
                let mut events = Events::open(caller.begins("POST", &rpc(7, method, &asked)).await).await;
                let progress = events.json().await;
                assert_eq!(progress["method"], "notifications/progress", "{method}");
                assert_eq!(progress["params"], json!({ "progressToken": token, "progress": 1.5 }));
                let answer = events.json().await;
                assert_eq!((&answer["id"], answer["result"].is_object()), (&json!(7), true), "{method}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_request_that_is_taken_back_is_taken_back_at_its_server() {
    story_behind(&setups(), async |scene| {
        let (inside, _) = scene.alice.initializes("2025-11-25").await;
        for (method, ..) in methods() {
            scene.upstream.misbehave(Fault::NeverAnswers.on(method));
        }
        for (place, (method, params, name)) in methods().into_iter().enumerate() {
            let told = |seen: &Upstream| taken_back(seen, method);
            let so_far =
                if scene.upstream.requests_of("notifications/cancelled").is_empty() { 0 } else { 2 * place };
            let mut wire = held(scene, &inside, method, &params).await;
            let cancelled = notification("notifications/cancelled", &json!({ "requestId": 7 }));
            assert_eq!(inside.posts(&cancelled).await.status(), 202);
            let answer = wire.answer().await.unwrap();
            assert!(answer.text().contains(r#""code":-32800"#), "{method} {answer:?}");
            scene.upstream.until("the first is taken back", |seen| told(seen) == so_far + 1).await;
            let modern = scene.alice.modern(method, name);
            drop(held(scene, &modern, method, &modern_params(params)).await);
            scene.upstream.until("hanging up takes the second back", |seen| told(seen) == so_far + 2).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_request_under_way_ends_with_the_right_to_it() {
    story_behind(&setups(), async |scene| {
        for (method, params, name) in methods() {
            scene.upstream.misbehave(Fault::NeverAnswers.on(method));
            let bob = scene.owner.creates_token("Bob").await;
            let mut old = held(scene, &bob, method, &params).await;
            let modern = bob.modern(method, name);
            let mut new = held(scene, &modern, method, &modern_params(params.clone())).await;
            scene.owner.revokes(&bob.id).await.unwrap();
            for wire in [&mut old, &mut new] {
                let answer = wire.answer().await.unwrap();
                assert_eq!((answer.status(), answer.error_code()), (401, Some(-32001)), "{method}");
            }
            let before = scene.upstream.requests_of(method).len();
            assert_eq!(bob.asks(method, params).await.status(), 401);
            assert_eq!(scene.upstream.requests_of(method).len(), before);
        }
    })
    .await;
}

#[tokio::test]
async fn a_request_that_waits_for_a_session_is_not_sent_once_its_server_was_taken_away() {
    let setups = &setups()[..1];
    is_not_sent_after(setups, async |owner| drop(owner.switches("desk", None, false).await.unwrap())).await;
    is_not_sent_after(setups, async |owner| owner.uninstalls("desk").await).await;
}

async fn is_not_sent_after(setups: &[Setup], takes_away: impl AsyncFn(&Person)) {
    for (method, params, _) in methods() {
        story_behind(setups, async |scene| {
            let upstream = &scene.upstream;
            let before = upstream.requests_of("initialize").len();
            upstream.misbehave(Fault::Delays(Duration::from_secs(3)).on("initialize"));
            let meanwhile = async {
                let asked = |it: &Upstream| it.requests_of("initialize").len() > before;
                upstream.until("a session is asked for", asked).await;
                takes_away(&scene.owner).await;
            };
            let (answer, ()) = tokio::join!(scene.alice.asks(method, params.clone()), meanwhile);
            let code = if method == "resources/read" { -32002 } else { -32602 };
            assert_eq!((answer.status(), answer.error_code()), (200, Some(code)), "{method}");
            assert_eq!(upstream.requests_of(method).len(), 0);
        })
        .await;
    }
}
