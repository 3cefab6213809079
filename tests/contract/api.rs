//! The admin API and its description.

use std::path::Path;

use aerostack_core::api::alert::SetAlertRequest;
use aerostack_core::api::openapi::document;
use aerostack_core::api::operation::{Method, Needs, Operation, endpoint};
use aerostack_core::skill::Visibility;
use aerostack_tests::function::Function;
use aerostack_tests::golden::UPDATE_VARIABLE;
use aerostack_tests::scene::Scene;
use aerostack_tests::story::{short_story, story};
use aerostack_tests::upstream::Setup;
use aerostack_tests::wire::ask;
use serde_json::Value;

#[test]
fn the_description_in_the_documents_is_the_one_the_code_gives() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
    let mut expected = serde_json::to_string_pretty(&document(env!("CARGO_PKG_VERSION"))).unwrap();
    expected.push('\n');
    if std::env::var_os(UPDATE_VARIABLE).is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == expected, "docs/openapi.json is not of this code: `cargo xtask openapi` writes it");
}

#[tokio::test]
async fn a_gateway_serves_its_description_to_everybody() {
    short_story(async |world| {
        let gateway = world.gateway().await;
        let answer = ask(gateway.address(), "GET", "/api/openapi.json", &[], b"").await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.json(), document(env!("CARGO_PKG_VERSION")));
        for path in ["/healthz", "/readyz"] {
            assert_eq!(ask(gateway.address(), "GET", path, &[], b"").await.status(), 200);
        }
    })
    .await;
}

/// What stands in the place of a parameter.
fn parameter(name: &str, operation: Operation, token: &str) -> String {
    match (name, operation) {
        ("slug", _) => "engineering".to_owned(),
        ("server", _) => "desk".to_owned(),
        ("username", _) => "acme".to_owned(),
        ("owner", _) => "acme".to_owned(),
        ("skill", _)
        | (
            "name",
            Operation::UpdateSkill
            | Operation::YankSkillVersion
            | Operation::ShowSkill
            | Operation::ListSkillVersions,
        ) => "crm".to_owned(),
        ("version", _) => "1.0.0".to_owned(),
        ("name", _) => "KEY".to_owned(),
        ("email", _) => "nobody@example.com".to_owned(),
        // There is no key of this number; that is another 404 than that of an unknown path.
        ("id", Operation::RevokeKey) => "key_00000000000000000000000000".to_owned(),
        ("id", _) => token.to_owned(),
        (other, _) => panic!("{other}"),
    }
}

#[tokio::test]
async fn every_operation_is_served_and_none_to_strangers() {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        scene.owner.publishes("crm", Visibility::Team, &Function::starts().await).await;
        let alert = SetAlertRequest {
            url: Some("https://hooks.example.com/x".to_owned()),
            calls: Some(1_000),
            ..SetAlertRequest::default()
        };
        scene.owner.asks::<endpoint::SetAlert>(&["engineering"], &alert).await.expect("an alert is set");
        let bearer = format!("Bearer {}", scene.owner.key);
        // A link is all that those need who follow one: they are looked at below.
        for &operation in Operation::ALL.iter().filter(|operation| operation.needs() != Needs::Nobody) {
            let parameters: Vec<String> =
                operation.parameters().map(|name| parameter(name, operation, &scene.alice.id)).collect();
            let parameters: Vec<&str> = parameters.iter().map(String::as_str).collect();
            let path = operation.fill(&parameters);
            let method = operation.method().word();
            let json = ("Content-Type", "application/json");
            for stranger in [None, Some("Bearer nonsense"), Some(&*scene.alice.bearer())] {
                let headers: Vec<_> = [Some(json), stranger.map(|bearer| ("Authorization", bearer))]
                    .into_iter()
                    .flatten()
                    .collect();
                let answer = ask(scene.gateway.address(), method, &path, &headers, b"{}").await;
                // One's own usage is shown to whoever calls: a workspace's token is no stranger there.
                if operation == Operation::ShowOwnUsage && stranger == Some(&*scene.alice.bearer()) {
                    assert_eq!(answer.status(), 200);
                    continue;
                }
                assert_eq!(
                    (answer.status(), &answer.json()["error"]["code"]),
                    (401, &Value::from("unauthorized"))
                );
            }
            // Words that no operation takes, so that nothing is changed on the way.
            let headers = [("Authorization", bearer.as_str()), json];
            let body: &[u8] = br#"{"no such field":1}"#;
            let (path, body) = match operation.method() {
                Method::Get => (path, &b""[..]),
                Method::Delete => (format!("{path}?nosuchfield=1"), &b""[..]),
                Method::Post | Method::Patch | Method::Put => (path, body),
            };
            let answer = ask(scene.gateway.address(), method, &path, &headers, body).await;
            assert!(!matches!(answer.status(), 404 | 405 | 500..), "{operation:?}: {answer:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn whoever_follows_a_link_that_leads_nowhere_is_told_so_without_a_key() {
    story(async |world| {
        let gateway = world.gateway().await;
        let open = Operation::ALL.iter().filter(|operation| operation.needs() == Needs::Nobody);
        let mut asked = 0;
        for &operation in open {
            let path = operation.fill(&["jl_0123456789"]);
            let json = [("Content-Type", "application/json")];
            let answer = ask(gateway.address(), operation.method().word(), &path, &json, b"{}").await;
            let error = &answer.json()["error"];
            assert_eq!((answer.status(), &error["code"]), (404, &Value::from("not_found")), "{operation:?}");
            assert_eq!(error["message"], "this invitation is not valid any more", "{operation:?}");
            asked += 1;
        }
        assert_eq!(asked, 2);
    })
    .await;
}
