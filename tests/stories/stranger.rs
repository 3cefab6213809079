//! Who may not come in learns nothing: every reason is the same answer, byte for byte.

use std::time::Duration;

use aerostack_core::api::token::CreateTokenRequest;
use aerostack_core::plan::Plan;
use aerostack_tests::answer::Answer;
use aerostack_tests::client::{rpc, stranger_posts};
use aerostack_tests::person::token_named;
use aerostack_tests::scene::Scene;
use aerostack_tests::story::story;
use aerostack_tests::upstream::Setup;
use aerostack_tests::wire::Wire;
use serde_json::json;

const BODY: &str = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"Unauthorized"}}"#;

/// Everything a stranger sees, but the moment and the request's own number.
fn seen(mut answer: Answer) -> Answer {
    answer.head.headers.retain(|(name, _)| {
        let number = name.eq_ignore_ascii_case("x-request-id");
        !number && !name.eq_ignore_ascii_case("date")
    });
    answer
}

#[tokio::test]
async fn every_reason_why_a_credential_is_not_accepted_is_the_same_answer() {
    story(async |world| {
        let scene = Scene::set_in(world.gateway_out_of_time().await, Setup::legacy()).await;
        let short = CreateTokenRequest { expires_in: Some(60), ..token_named("Short") };
        let expired = scene.owner.orders_token(&short).await.unwrap().token;
        scene.gateway.clock.advance(Duration::from_secs(60));
        let revoked = scene.owner.creates_token("Revoked").await.token;
        scene.owner.revokes("name:Revoked").await.unwrap();
        let mut stranger = scene.gateway.somebody("globex", Plan::Pro).await;
        stranger.creates_workspace("foreign").await;
        let foreign = stranger.creates_token("Foreign").await.token;
        let alice = scene.alice.token.clone();
        let unknown =
            format!("{}{}", &alice[..alice.len() - 1], if alice.ends_with('0') { '1' } else { '0' });
        let call = rpc(7, "tools/call", &json!({ "name": "desk__echo", "arguments": {} }));
        let bearer = |token: &str| vec![format!("Bearer {token}")];
        let mut answers = Vec::new();
        for (path, credentials) in [
            ("/ws/engineering", vec![]),
            ("/ws/engineering", bearer(&expired)),
            ("/ws/engineering", bearer(&revoked)),
            ("/ws/engineering", bearer(&foreign)),
            ("/ws/engineering", bearer(&unknown)),
            ("/ws/engineering", bearer("mwt_nonsense")),
            ("/ws/engineering", bearer("")),
            ("/ws/engineering", bearer(&scene.owner.key)),
            ("/ws/engineering", vec![format!("Basic {alice}")]),
            ("/ws/engineering", vec![alice.clone()]),
            ("/ws/engineering", [bearer(&alice), bearer(&alice)].concat()),
            ("/ws/nowhere", bearer(&alice)),
            ("/ws/foreign", bearer(&alice)),
            ("/ws/NO%20SLUG", bearer(&alice)),
            ("/ws/engineering/sse", bearer(&revoked)),
            ("/api/gateway/ws/engineering", bearer(&revoked)),
            ("/api/gateway/ws/engineering/sse", bearer(&revoked)),
        ] {
            let mut headers: Vec<(&str, &str)> =
                credentials.iter().map(|value| ("Authorization", value.as_str())).collect();
            headers.push(("Content-Type", "application/json"));
            answers.push(seen(stranger_posts(scene.gateway.address(), path, &headers, &call).await));
        }
        let first = &answers[0];
        assert_eq!((first.status(), first.text().as_str()), (401, BODY));
        let challenge = r#"Bearer realm="aerostack", error="invalid_token""#;
        assert_eq!(first.header("www-authenticate"), Some(challenge));
        for (place, answer) in answers.iter().enumerate() {
            assert_eq!(answer, first, "{place}");
        }
        assert_eq!(scene.upstream.calls().len(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_stranger_is_refused_before_the_body_is_read() {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        for method in ["POST", "GET", "DELETE", "PUT"] {
            let mut wire = Wire::open(scene.gateway.address()).await;
            let head = format!(
                "{method} /ws/engineering HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"
            );
            wire.write(head.as_bytes()).await.unwrap();
            let answer = wire.answer().await.unwrap();
            assert_eq!((answer.status(), answer.text().as_str()), (401, BODY), "{method}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_workspace_of_others_does_not_exist_for_who_has_no_part_in_it() {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        let stranger = scene.gateway.somebody("globex", Plan::Pro).await;
        let token = format!("/tokens/{}", scene.alice.id);
        for (method, below, body) in [
            ("GET", "", ""),
            ("PATCH", "", r#"{"name":"Mine"}"#),
            ("DELETE", "", ""),
            ("GET", "/tokens", ""),
            ("POST", "/tokens", r#"{"name":"Mine"}"#),
            ("GET", token.as_str(), ""),
            ("POST", "/tokens/name:Alice%20Chen/revoke", "{}"),
            ("POST", "/tokens/name:Alice%20Chen/rotate", "{}"),
            ("GET", "/servers", ""),
            ("POST", "/servers", r#"{"server":"desk"}"#),
            ("DELETE", "/servers/desk", ""),
            ("GET", "/tools", ""),
            ("GET", "/audit", ""),
            ("GET", "/audit/verify", ""),
        ] {
            let bearer = format!("Bearer {}", stranger.key);
            let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
            let ask = async |slug: &str| {
                let target = format!("/api/v1/workspaces/{slug}{below}");
                let answer =
                    aerostack_tests::wire::ask(stranger.address, method, &target, &headers, body.as_bytes());
                let mut answer = answer.await.json();
                answer["error"]["request_id"] = json!(null);
                answer.to_string().replace(slug, "<slug>")
            };
            let (foreign, unknown) = (ask("engineering").await, ask("nowhere").await);
            assert_eq!(foreign, unknown, "{method} {below}");
            assert!(foreign.contains("not_found"), "{method} {below}: {foreign}");
        }
        assert_eq!(scene.alice.asks("ping", json!({})).await.status(), 200);
    })
    .await;
}
