//! Before any handler: paths, methods, keys, bodies.

use aerostack_core::api::error::ErrorCode;
use aerostack_core::api::operation::endpoint;
use aerostack_core::api::page::Empty;
use bytes::Bytes;
use http::Request;
use http_body_util::Full;

use super::person::{Person, error_of, in_a_hall, send};
use crate::store;

fn request(method: &str, uri: &str, headers: &[(&str, &str)], body: &str) -> Request<Full<Bytes>> {
    let mut builder = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(Full::from(body.to_owned())).unwrap()
}

impl Person {
    /// Waits until the use of the key is written, which happens behind.
    async fn is_noted(&self) {
        loop {
            let mut tx = self.app.store.read().await.unwrap();
            let keys = store::account::live_keys(&mut tx, &self.account.id).await.unwrap();
            if let Some(at) = keys[0].last_used_at {
                assert_eq!(at, self.app.clock.now());
                return;
            }
            tokio::task::yield_now().await;
        }
    }
}

async fn code(person: &Person, method: &str, uri: &str, kind: &str, body: &str) -> ErrorCode {
    let headers = [("x-api-key", person.key.as_str()), ("content-type", kind)];
    error_of(send(&person.app, request(method, uri, &headers, body)).await).await.code
}

#[tokio::test]
async fn whatever_is_wrong_with_a_key_the_answer_is_the_same() {
    in_a_hall(|hall| async move {
        let acme = hall.person("acme").await;
        let stranger = aerostack_core::bearer::RawToken::generate(
            aerostack_core::bearer::TokenKind::AccountKey,
            "",
            &mut rand::rng(),
        );
        let unknown = format!("Bearer {}", stranger.expose());
        let (basic, cut) =
            (format!("Basic {}", acme.key), format!("Bearer {}", &acme.key[..acme.key.len() - 1]));
        let mut seen = Vec::new();
        for headers in [
            vec![],
            vec![("authorization", unknown.as_str())],
            vec![("authorization", basic.as_str())],
            vec![("authorization", cut.as_str())],
            vec![("authorization", unknown.as_str()), ("x-api-key", acme.key.as_str())],
        ] {
            let response = send(&hall.app, request("GET", "/api/v1/account", &headers, "")).await;
            assert!(response.headers()["www-authenticate"].to_str().unwrap().starts_with("Bearer"));
            let error = error_of(response).await;
            seen.push((error.code, error.message, error.hint));
        }
        assert_eq!(seen[0].0, ErrorCode::Unauthorized);
        assert!(seen.iter().all(|answer| *answer == seen[0]));
    })
    .await;
}

#[tokio::test]
async fn both_headers_carry_a_key_and_its_use_is_noted() {
    in_a_hall(|hall| async move {
        let acme = hall.person("acme").await;
        let view = acme.calls::<endpoint::ShowAccount>(&[], &Empty {}).await.unwrap();
        assert_eq!(view.email, acme.account.email);
        let headers = [("x-api-key", acme.key.as_str())];
        let response = send(&hall.app, request("GET", "/api/v1/account", &headers, "")).await;
        assert_eq!(response.status(), 200);
        acme.is_noted().await;
    })
    .await;
}

#[tokio::test]
async fn paths_methods_and_bodies_are_refused_each_with_its_code() {
    in_a_hall(|hall| async move {
        let acme = hall.person("acme").await;
        let json = "application/json; charset=utf-8";
        let large = format!(r#"{{"name":"{}"}}"#, "x".repeat(1_100_000));
        for (method, uri, kind, body, expected) in [
            ("GET", "/api/v1/nothing", json, "", ErrorCode::NotFound),
            ("PUT", "/api/v1/workspaces", json, "", ErrorCode::MethodNotAllowed),
            ("POST", "/api/v1/workspaces", "text/plain", "{}", ErrorCode::UnsupportedMediaType),
            ("POST", "/api/v1/workspaces", json, "{", ErrorCode::InvalidRequest),
            ("POST", "/api/v1/workspaces", json, "", ErrorCode::InvalidRequest),
            ("POST", "/api/v1/workspaces", json, &large, ErrorCode::BodyTooLarge),
            ("GET", "/api/v1/workspaces?limit=0", json, "", ErrorCode::InvalidRequest),
            ("GET", "/api/v1/workspaces?cursor=%21", json, "", ErrorCode::InvalidRequest),
            ("GET", "/api/v1/workspaces?other=1", json, "", ErrorCode::InvalidRequest),
        ] {
            assert_eq!(code(&acme, method, uri, kind, body).await, expected, "{method} {uri} {kind}");
        }
        let response = send(&hall.app, request("DELETE", "/api/v1/workspaces", &[], "")).await;
        assert_eq!(response.headers()["allow"], "GET, POST");
    })
    .await;
}

#[tokio::test]
async fn a_client_that_goes_away_cancels_no_change() {
    in_a_hall(|hall| async move {
        let background = hall.app.tasks.len();
        let acme = hall.person("acme").await;
        acme.creates_workspace("team").await;
        acme.is_noted().await;
        while hall.app.tasks.len() > background {
            tokio::task::yield_now().await;
        }
        // Somebody else's order keeps the change waiting while its client goes away.
        let order = hall.app.order().await.unwrap();
        let client = tokio::spawn({
            let acme = acme.clone();
            async move { acme.creates_token("team", "Alice").await.is_ok() }
        });
        while hall.app.tasks.len() == background {
            tokio::task::yield_now().await;
        }
        client.abort();
        assert!(client.await.unwrap_err().is_cancelled());
        drop(order);
        while hall.app.tasks.len() > background {
            tokio::task::yield_now().await;
        }
        let page = acme.calls::<endpoint::ListTokens>(&["team"], &Default::default()).await.unwrap();
        assert_eq!(page.items.len(), 1);
    })
    .await;
}
