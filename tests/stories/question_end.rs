//! How questions end: handles that are good once, time that is over, tokens and sessions that end, calls that are
//! taken back.

use std::time::Duration;

use aerostack_tests::client::{Caller, notification};
use aerostack_tests::patience::eventually;
use aerostack_tests::scene::{Scene, story_behind};
use aerostack_tests::story::story;
use aerostack_tests::upstream::{Setup, Upstream};
use serde_json::{Value, json};

use super::question::{LEGACY, asking_once, asks, begins, everything, repeated, text_of};

#[tokio::test]
async fn a_handle_is_good_once_for_its_caller_and_its_request() {
    story_behind(&[asking_once(Setup::legacy())], async |scene| {
        let bob = scene.owner.creates_token("Bob").await;
        let first = asks(&scene.alice, json!({})).await;
        let mut again = repeated(&first["result"]);
        let state = again["requestState"].as_str().unwrap().to_owned();
        let refused = async |caller: &Caller, repeat: &Value| {
            let answer = asks(caller, repeat.clone()).await;
            assert_eq!(answer["error"]["code"], -32602, "{answer}");
            assert_eq!(
                answer["error"]["message"],
                "Invalid params: requestState is unknown, used, or too old"
            );
        };
        refused(&bob, &again).await;
        again["requestState"] = json!(format!("{state}-TAMPERED"));
        refused(&scene.alice, &again).await;
        let other = json!({ "name": "desk__echo", "arguments": {}, "requestState": state });
        let other = scene.alice.asks_modern_with(&everything(), "tools/call", other).await;
        assert_eq!(other.error_code(), Some(-32602), "another tool");
        again["requestState"] = json!(state);
        // What is not answered is asked again, under a new handle.
        let unanswered = json!({ "inputResponses": { "other": {} }, "requestState": state });
        let asked_again = asks(&scene.alice, unanswered).await;
        assert_eq!(asked_again["result"]["inputRequests"], first["result"]["inputRequests"]);
        refused(&scene.alice, &again).await;
        let done = asks(&scene.alice, repeated(&asked_again["result"])).await;
        assert!(text_of(&done).contains("Who?"));
        refused(&scene.alice, &repeated(&asked_again["result"])).await;
        assert_eq!(scene.upstream.calls().len(), 1, "it was one call all the time");
    })
    .await;
}

#[tokio::test]
async fn a_parked_call_outlives_its_first_request_and_ends_with_its_time() {
    story(async |world| {
        let gateway =
            world.gateway_with(|config| config.limits.question_timeout = Duration::from_secs(1)).await;
        let scene = Scene::set_in(gateway, asking_once(Setup::legacy())).await;
        let first = asks(&scene.alice, json!({})).await;
        let is_told = |seen: &Upstream| !seen.requests_of("notifications/cancelled").is_empty();
        assert!(!is_told(&scene.upstream), "its request is over, the call is not");
        scene.upstream.until("the server is told of its end", is_told).await;
        let late = asks(&scene.alice, repeated(&first["result"])).await;
        assert_eq!(late["error"]["code"], -32602, "{late}");
        // The same for a legacy client that does not answer: the server is told, and decides.
        let (session, _) = scene.alice.initializes_with(LEGACY, everything()).await;
        let mut events = begins(&session).await;
        let question = events.json().await;
        let notice = events.json().await;
        assert_eq!(notice["method"], "notifications/cancelled");
        assert_eq!(notice["params"]["requestId"], question["id"]);
        assert!(text_of(&events.json().await).contains("-32001"));
    })
    .await;
}

#[tokio::test]
async fn an_answer_of_a_token_that_was_revoked_does_not_get_through() {
    for setup in [Setup::legacy(), Setup::old_sse(), Setup::modern()] {
        story_behind(&[asking_once(setup)], async |scene| {
            let bob = scene.owner.creates_token("Bob").await;
            let (session, _) = bob.initializes_with(LEGACY, everything()).await;
            let mut events = begins(&session).await;
            let id = events.json().await["id"].clone();
            let parked = asks(&bob, json!({})).await;
            scene.owner.revokes("name:Bob").await.unwrap();
            assert_eq!(session.responds(&id, json!({ "from": "Bob" })).await.status(), 401);
            let repeat = repeated(&parked["result"]);
            let params = json!({ "name": "desk__ask", "arguments": {}, "inputResponses": repeat["inputResponses"], "requestState": repeat["requestState"] });
            assert_eq!(bob.asks_modern_with(&everything(), "tools/call", params).await.status(), 401);
            assert!(events.until_over().await.is_empty(), "the stream says nothing more");
            let got_through = |seen: &Upstream| {
                seen.requests().iter().any(|request| request.text().contains("\"from\""))
            };
            assert!(!got_through(&scene.upstream));
        })
        .await;
    }
}

#[tokio::test]
async fn a_session_of_ones_own_ends_with_the_clients_or_when_it_is_idle() {
    story(async |world| {
        let gateway = world
            .gateway_with(|config| config.limits.session_idle_timeout = Duration::from_millis(200))
            .await;
        let scene = Scene::set_in(gateway, asking_once(Setup::legacy())).await;
        let (session, _) = scene.alice.initializes_with(LEGACY, everything()).await;
        let echo = session.calls("desk__echo", json!({ "text": "hi" })).await;
        assert_eq!(echo.tool_text().as_deref(), Some("hi"));
        let own = scene.upstream.calls()[0].header("mcp-session-id").unwrap().to_owned();
        let is_ended = |seen: &Upstream| {
            let is_its = |header: Option<&str>| header == Some(own.as_str());
            let mut requests = seen.requests().into_iter();
            requests.any(|request| request.method == "DELETE" && is_its(request.header("mcp-session-id")))
        };
        scene.upstream.until("it has ended", is_ended).await;
    })
    .await;
    story_behind(&[asking_once(Setup::legacy())], async |scene| {
        let (session, _) = scene.alice.initializes_with(LEGACY, everything()).await;
        session.calls("desk__echo", json!({ "text": "hi" })).await;
        let before = scene.upstream.sessions();
        session.posts(&notification("notifications/roots/list_changed", &json!({}))).await;
        let is_told = |seen: &Upstream| seen.requests_of("notifications/roots/list_changed").len() == 1;
        scene.upstream.until("its own server is told of its roots", is_told).await;
        assert_eq!(session.sends("DELETE", "").await.status(), 204);
        scene.upstream.until("it has ended", |seen| seen.sessions().closed == before.closed + 1).await;
    })
    .await;
}

#[tokio::test]
async fn a_call_that_is_taken_back_takes_its_question_along() {
    story_behind(&[asking_once(Setup::legacy())], async |scene| {
        let (session, _) = scene.alice.initializes_with(LEGACY, everything()).await;
        let mut events = begins(&session).await;
        let id = events.json().await["id"].clone();
        session.posts(&notification("notifications/cancelled", &json!({ "requestId": "c" }))).await;
        assert_eq!(events.json().await["error"]["code"], -32800);
        session.responds(&id, json!({ "from": "Alice" })).await;
        eventually("the server is told that nobody answers", async || {
            let told = scene.upstream.requests();
            told.iter().any(|request| request.json()["error"]["code"] == -32001)
        })
        .await;
    })
    .await;
}
