//! Questions back: what a server wants to know during a call is asked of the caller who caused it, in whichever
//! eras the two are, and of nobody else.

use std::collections::HashSet;

use aerostack_core::api::token::CreateTokenRequest;
use aerostack_core::server::SessionMode;
use aerostack_tests::client::{Caller, META_CAPABILITIES, rpc};
use aerostack_tests::events::Events;
use aerostack_tests::person::token_named;
use aerostack_tests::scene::{Scene, story_behind};
use aerostack_tests::story::{rounds, story, tell_figures};
use aerostack_tests::upstream::{Ask, Inquiry, Received, Setup, Tool, Upstream};
use futures_util::future::join;
use serde_json::{Value, json};

pub(super) const LEGACY: &str = "2025-11-25";

/// What a client declares that can be asked for everything.
pub(super) fn everything() -> Value {
    json!({ "sampling": {}, "elicitation": { "form": {}, "url": {} }, "roots": { "listChanged": true } })
}

/// One of each kind, then one more.
fn inquiry() -> Inquiry {
    let first = vec![Ask::form("who", "Who?"), Ask::url("where"), Ask::sampling("what", "What?")];
    Inquiry::new([first, vec![Ask::roots("roots")]])
}

fn asking(setup: Setup) -> Setup {
    setup.tools([Tool::inquiring("ask", inquiry()), Tool::echo()])
}

/// A tool that asks one thing.
pub(super) fn asking_once(setup: Setup) -> Setup {
    setup.tools([Tool::inquiring("ask", Inquiry::new([vec![Ask::form("who", "Who?")]])), Tool::echo()])
}

pub(super) fn call() -> String {
    rpc("c", "tools/call", &json!({ "name": "desk__ask", "arguments": {} }))
}

/// Begins the call; what comes is read on its stream.
pub(super) async fn begins(caller: &Caller) -> Events {
    Events::open(caller.begins("POST", &call()).await).await
}

pub(super) fn text_of(message: &Value) -> String {
    message["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{message}")).to_owned()
}

/// What the gateway told the server that its clients can be asked for, session by session.
fn declared(upstream: &Upstream) -> Vec<Value> {
    let greetings = upstream.requests_of("initialize");
    greetings.iter().map(|greeting| greeting.json()["params"]["capabilities"].clone()).collect()
}

#[tokio::test]
async fn a_legacy_client_is_asked_on_the_stream_of_its_call_whatever_is_behind() {
    for setup in [Setup::legacy(), Setup::legacy().asking_beside(), Setup::old_sse(), Setup::modern()] {
        story_behind(&[asking(setup)], async |scene| {
            let (session, _) = scene.alice.initializes_with(LEGACY, everything()).await;
            let mut events = begins(&session).await;
            let methods = answers(&mut events, &session, 4).await;
            let expected =
                ["elicitation/create", "elicitation/create", "roots/list", "sampling/createMessage"];
            assert_eq!(methods, expected);
            let answer = events.json().await;
            assert_eq!(answer["id"], "c");
            assert_eq!(answered(&answer), 4, "{answer}");
            assert_eq!(events.next().await.unwrap(), None, "nothing follows the answer");
            let said = declared(&scene.upstream);
            if let Some((own, others)) = said.split_last() {
                assert_eq!(*own, everything(), "exactly what was declared");
                assert!(
                    others.iter().all(|other| *other == json!({})),
                    "nothing of anybody else: {others:?}"
                );
            } else {
                let calls = scene.upstream.calls();
                assert!(
                    calls
                        .iter()
                        .all(|call| { call.json()["params"]["_meta"][META_CAPABILITIES] == everything() })
                );
            }
        })
        .await;
    }
}

/// Answers what is asked on a stream, each with itself; gives the methods, sorted.
async fn answers(events: &mut Events, caller: &Caller, count: usize) -> Vec<String> {
    let mut methods = Vec::new();
    for _ in 0..count {
        let question = events.json().await;
        let method = question["method"].as_str().unwrap_or_else(|| panic!("no question: {question}"));
        methods.push(method.to_owned());
        let accepted = caller.responds(&question["id"], json!({ "to": question["params"] })).await;
        assert_eq!((accepted.status(), accepted.text().as_str()), (202, ""));
    }
    methods.sort();
    methods
}

/// How many questions were answered with what was asked.
fn answered(message: &Value) -> usize {
    let text = text_of(message);
    let answers: Value = serde_json::from_str(text.strip_prefix("state-ok ").unwrap()).unwrap();
    assert_eq!(answers["who"]["to"]["message"], "Who?");
    assert_eq!(answers["where"]["to"]["url"], "https://example.com/connect?odd=2.50");
    assert_eq!(answers["what"]["to"]["maxTokens"], 100);
    answers.as_object().unwrap().len()
}

#[tokio::test]
async fn the_old_transport_carries_questions_both_ways() {
    for setup in [Setup::legacy(), Setup::old_sse(), Setup::modern()] {
        story_behind(&[asking_once(setup)], async |scene| {
            let (mut events, poster) = scene.alice.opens_sse().await;
            let hello = json!({
                "protocolVersion": "2024-11-05", "capabilities": everything(),
                "clientInfo": { "name": "story", "version": "1" }
            });
            poster.posts(&rpc(1, "initialize", &hello)).await;
            assert_eq!(events.json().await["id"], 1);
            poster.posts(&call()).await;
            assert_eq!(answers(&mut events, &poster, 1).await, ["elicitation/create"]);
            assert!(text_of(&events.json().await).contains("Who?"));
        })
        .await;
    }
}

/// Asks in the modern era, as somebody who can be asked for everything.
pub(super) async fn asks(caller: &Caller, more: Value) -> Value {
    let mut params = json!({ "name": "desk__ask", "arguments": {} });
    for (key, value) in more.as_object().unwrap() {
        params[key] = value.clone();
    }
    caller.asks_modern_with(&everything(), "tools/call", params).await.json()
}

/// The answers to what a result asks for, each with itself, and its state.
pub(super) fn repeated(result: &Value) -> Value {
    assert_eq!(result["resultType"], "input_required", "{result}");
    let asked = result["inputRequests"].as_object().unwrap();
    let answers = asked.iter().map(|(key, request)| (key.clone(), json!({ "to": request["params"] })));
    json!({ "inputResponses": answers.collect::<serde_json::Map<_, _>>(), "requestState": result["requestState"] })
}

#[tokio::test]
async fn a_modern_client_is_asked_with_the_answer_and_comes_back() {
    for setup in [Setup::modern(), Setup::dual(), Setup::legacy(), Setup::old_sse()] {
        story_behind(&[asking(setup)], async |scene| {
            let mut answer = asks(&scene.alice, json!({})).await;
            let mut asked = serde_json::Map::new();
            // A legacy server's questions come together only if it asks them at once.
            while answer["result"]["resultType"] == "input_required" {
                asked.extend(answer["result"]["inputRequests"].as_object().unwrap().clone());
                answer = asks(&scene.alice, repeated(&answer["result"])).await;
            }
            assert_eq!((&answer["id"], &answer["result"]["resultType"]), (&json!(1), &json!("complete")));
            assert_eq!(asked.len(), 4, "{asked:?}");
            assert_eq!(asked["roots"], json!({ "method": "roots/list", "params": {} }));
            assert_eq!(asked["where"]["params"]["url"], "https://example.com/connect?odd=2.50");
            assert_eq!(answered(&answer), 4);
        })
        .await;
    }
}

#[tokio::test]
async fn who_declares_nothing_is_asked_nothing_and_shares_the_session_of_the_token() {
    story_behind(&[asking_once(Setup::legacy()), asking_once(Setup::old_sse())], async |scene| {
        let (session, _) = scene.alice.initializes(LEGACY).await;
        let (form_only, _) = scene.alice.initializes_with(LEGACY, json!({ "roots": {} })).await;
        for caller in [&scene.alice, &session, &form_only] {
            let answer = caller.posts(&call()).await;
            assert!(text_of(&answer.json()).contains("-32601"));
        }
        let modern = scene.alice.calls_modern("desk__ask", json!({})).await.text();
        assert!(modern.contains("-32601"), "{modern}");
        let said = declared(&scene.upstream);
        let (own, others) = said.split_last().unwrap();
        assert_eq!(*own, json!({ "roots": {} }));
        assert!(others.iter().all(|other| *other == json!({})), "{others:?}");
        let session_of =
            |call: &Received| (call.path.clone(), call.header("mcp-session-id").map(str::to_owned));
        let sessions: HashSet<_> = scene.upstream.calls().iter().map(session_of).collect();
        assert_eq!(sessions.len(), 2, "one of the token, one of her who declared roots");
        // Whoever takes no event stream cannot be asked either.
        let (inside, _) = scene.alice.initializes_with(LEGACY, everything()).await;
        let answer = inside.with("Accept", "application/json").posts(&call()).await;
        assert!(text_of(&answer.json()).contains("-32601"));
    })
    .await;
}

#[tokio::test]
async fn a_modern_server_is_not_told_of_what_a_caller_cannot_be_asked() {
    story_behind(&[asking_once(Setup::modern()).tools([Tool::needing("ask", "sampling")])], async |scene| {
        let (session, _) = scene.alice.initializes_with(LEGACY, json!({ "roots": {} })).await;
        assert_eq!(session.posts(&call()).await.error_code(), Some(-32021));
        let modern = scene.alice.calls_modern("desk__ask", json!({})).await;
        assert_eq!((modern.status(), modern.error_code()), (400, Some(-32021)));
    })
    .await;
}

#[tokio::test]
async fn a_shared_session_asks_nobody() {
    story(async |world| {
        let scene = Scene::set(world, asking_once(Setup::legacy())).await;
        scene.owner.adds("shared", &scene.upstream.url(), SessionMode::Shared, None).await;
        scene.owner.installs_known("shared", None).await.unwrap();
        let (session, _) = scene.alice.initializes_with(LEGACY, everything()).await;
        let body = rpc("c", "tools/call", &json!({ "name": "shared__ask", "arguments": {} }));
        assert!(text_of(&session.posts(&body).await.json()).contains("-32601"));
        assert!(declared(&scene.upstream).iter().all(|declared| *declared == json!({})));
    })
    .await;
}

#[tokio::test]
async fn only_who_was_asked_can_answer() {
    for setup in [Setup::legacy(), Setup::modern()] {
        story_behind(&[asking_once(setup)], async |scene| {
            let bob = scene.owner.creates_token("Bob").await;
            let (bobs, _) = bob.initializes_with(LEGACY, everything()).await;
            let (session, _) = scene.alice.initializes_with(LEGACY, everything()).await;
            let (other, _) = scene.alice.initializes_with(LEGACY, everything()).await;
            let mut events = begins(&session).await;
            let id = events.json().await["id"].clone();
            for stranger in [&bob, &bobs, &scene.alice, &other] {
                assert_eq!(stranger.responds(&id, json!({ "from": "a stranger" })).await.status(), 202);
            }
            for made_up in [json!("made up"), json!(1), json!("who")] {
                assert_eq!(session.responds(&made_up, json!({ "from": "a guess" })).await.status(), 202);
            }
            session.responds(&id, json!({ "from": "Alice" })).await;
            session.responds(&id, json!({ "from": "Alice, too late" })).await;
            assert_eq!(text_of(&events.json().await), r#"state-ok {"who":{"from":"Alice"}}"#);
        })
        .await;
    }
}

/// Somebody who is asked at the same time as others, and answers with their name.
async fn is_asked(name: &str, session: &Caller, plain: &Caller, round: usize) {
    let expected = format!(r#"state-ok {{"who":{{"from":"{name} {round}"}}}}"#);
    let answer = json!({ "from": format!("{name} {round}") });
    let mut events = begins(session).await;
    let question = events.json().await;
    assert_eq!(question["params"]["message"], "Who?", "{question}");
    session.responds(&question["id"], answer.clone()).await;
    assert_eq!(text_of(&events.json().await), expected);
    let first = asks(plain, json!({})).await;
    let state = first["result"]["requestState"].clone();
    let last = asks(plain, json!({ "inputResponses": { "who": answer }, "requestState": state })).await;
    assert_eq!(text_of(&last), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn prove_two_people_are_each_asked_their_own_question() {
    for setup in [Setup::legacy(), Setup::legacy().asking_beside(), Setup::old_sse(), Setup::modern()] {
        story(async |world| {
            let scene = Scene::set(world, asking_once(setup.clone())).await;
            let mut people = Vec::new();
            for name in ["Alice", "Bob"] {
                let order =
                    CreateTokenRequest { rate_limit_per_minute: Some(1_000_000), ..token_named(name) };
                let plain = scene.owner.caller(&scene.owner.orders_token(&order).await.unwrap());
                let (session, _) = plain.initializes_with(LEGACY, everything()).await;
                people.push((session, plain));
            }
            let rounds = rounds(20, 1_000);
            for round in 0..rounds {
                join(
                    is_asked("Alice", &people[0].0, &people[0].1, round),
                    is_asked("Bob", &people[1].0, &people[1].1, round),
                )
                .await;
            }
            tell_figures(&format!("two people, {rounds} rounds each, {:?}: never mixed", world.place.engine));
        })
        .await;
    }
}
