//! A gateway that is killed, asked to end, or started twice.

use aerostack_core::token::TokenStatus;
use aerostack_gateway::clock::Clock;
use aerostack_gateway::commands::serve;
use aerostack_tests::client::Caller;
use aerostack_tests::person::{Person, token_named};
use aerostack_tests::program::{Process, runs_gateway};
use aerostack_tests::scene::Scene;
use aerostack_tests::story::{rounds, short_story, story};
use aerostack_tests::upstream::{Setup, Tool};
use futures_util::StreamExt;
use futures_util::stream;
use serde_json::json;

const CREATES: usize = 200;
const AT_ONCE: usize = 8;

#[tokio::test]
async fn prove_what_was_answered_before_a_crash_holds_after_it() {
    short_story(async |world| {
        let mut process = Process::starts(&world.place).await;
        let mut owner = process.owner(&world.place).await;
        owner.creates_workspace("engineering").await;
        for round in 0..rounds(1, 20) {
            let revoked = owner.creates_token(&format!("Revoked {round}")).await;
            owner.revokes(&revoked.id).await.unwrap();
            let alice = owner.creates_token(&format!("Alice {round}")).await;
            let (session, _) = alice.initializes("2025-11-25").await;
            let created = creates_until_killed(&owner, &mut process, round).await;
            assert!(
                (CREATES / 4..CREATES).contains(&created.len()),
                "{} creates were answered",
                created.len()
            );
            process = Process::starts(&world.place).await;
            owner = owner.at(process.address);
            let now = |caller: &Caller| Caller { address: process.address, ..caller.clone() };
            for caller in &created {
                assert_eq!(now(caller).asks("ping", json!({})).await.status(), 200);
            }
            assert_eq!(now(&revoked).asks("ping", json!({})).await.status(), 401);
            assert_eq!(now(&session).asks("ping", json!({})).await.status(), 200, "the session goes on");
            let listed = owner.tokens().await.items;
            assert!(created.iter().all(|caller| {
                listed
                    .iter()
                    .any(|token| token.id.as_str() == caller.id && token.status == TokenStatus::Active)
            }));
            let verified = owner.verifies_audit().await;
            assert!(verified.ok, "{verified:?}");
        }
    })
    .await;
}

/// Creates tokens, and kills the process when half are answered; gives those that were answered.
async fn creates_until_killed(owner: &Person, process: &mut Process, round: usize) -> Vec<Caller> {
    let orders = stream::iter(0..CREATES).map(|number| {
        let owner = owner.clone();
        tokio::spawn(async move {
            owner.tries_to_order_token(&token_named(&format!("Token {round} {number}"))).await
        })
    });
    let mut answers = orders.buffer_unordered(AT_ONCE);
    let mut created = Vec::new();
    while let Some(answer) = answers.next().await {
        // Whoever is not answered any more is told so by the connection.
        if let Ok(answer) = answer.expect("an order does not panic") {
            created.push(owner.caller(&answer.expect("a token is created")));
        }
        if created.len() == CREATES / 4 {
            process.is_killed();
        }
    }
    created
}

#[tokio::test]
async fn a_gateway_that_is_asked_to_end_finishes_what_is_under_way() {
    story(async |world| {
        let process = Process::starts(&world.place).await;
        let mut owner = process.owner(&world.place).await;
        owner.creates_workspace("engineering").await;
        let upstream = Setup::legacy().tools([Tool::held("wait")]).start().await;
        owner.installs("desk", &upstream).await;
        let alice = owner.creates_token("Alice Chen").await;
        let mut notices = alice.listens().await;
        let mut listening = alice.listens_modern().await;
        listening.json().await;
        let caller = alice.clone();
        let call = tokio::spawn(async move { caller.calls("desk__wait", json!({})).await });
        upstream.until("the call is held", |seen| seen.calls().len() == 1).await;
        process.is_asked_to_end();
        assert_eq!(notices.next().await.unwrap(), None, "the stream ends politely");
        let goodbye = listening.json().await;
        assert_eq!(
            (&goodbye["id"], &goodbye["result"]["resultType"]),
            (&json!("listen:0"), &json!("complete"))
        );
        let refused = alice.asks("ping", json!({})).await;
        assert_eq!((refused.status(), refused.error_code()), (503, Some(-32005)));
        assert_eq!((refused.header("retry-after"), refused.header("connection")), (Some("1"), Some("close")));
        upstream.release();
        assert_eq!(call.await.unwrap().tool_text().as_deref(), Some("let go"));
        assert_eq!(process.ends().await.code(), Some(0));
    })
    .await;
}

#[tokio::test]
async fn a_second_gateway_on_the_same_data_is_refused_and_told_who_is_there() {
    story(async |world| {
        let mut scene = Scene::set(world, Setup::legacy()).await;
        let refused = serve::start(scene.gateway.config.clone(), Clock::system()).await.err().unwrap();
        let told = format!("{refused:#}");
        assert!(told.contains(&std::process::id().to_string()), "{told}");
        let program = runs_gateway(&world.place, &["serve"]).await;
        let told = String::from_utf8_lossy(&program.stderr).into_owned();
        assert_eq!((program.status.code(), program.stdout.as_slice()), (Some(1), &b""[..]), "{told}");
        assert!(told.contains(&std::process::id().to_string()), "{told}");
        assert_eq!(scene.alice.asks("ping", json!({})).await.status(), 200);
        scene.gateway.restarts().await;
    })
    .await;
}

#[tokio::test]
async fn an_owner_is_made_beside_a_running_gateway_and_may_administer_at_once() {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        let line = ["owner", "create", "--email", "second@co.com", "--username", "second", "--plan", "pro"];
        let made = runs_gateway(&world.place, &line).await;
        let (key, talk) = (String::from_utf8_lossy(&made.stdout), String::from_utf8_lossy(&made.stderr));
        assert!(made.status.success(), "{talk}");
        let secret = key.strip_prefix("ak_").and_then(|rest| rest.strip_suffix('\n')).unwrap();
        assert_eq!(secret.len(), 48, "the key alone is printed");
        let mut second = Person::new(scene.gateway.address(), "second", key.trim(), Clock::system());
        second.creates_workspace("second-place").await;
        let caller = second.creates_token("Bob").await;
        assert_eq!(caller.asks("ping", json!({})).await.status(), 200);
        let again = runs_gateway(&world.place, &line).await;
        assert_eq!((again.status.code(), again.stdout.as_slice()), (Some(1), &b""[..]));
    })
    .await;
}
