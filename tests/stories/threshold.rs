//! Who may come over the threshold: streams and connections are counted, strangers' pages are not let in.

use aerostack_tests::client::{Caller, rpc};
use aerostack_tests::patience::eventually;
use aerostack_tests::scene::Scene;
use aerostack_tests::story::{short_story, story};
use aerostack_tests::upstream::Setup;
use aerostack_tests::wire::Wire;
use serde_json::{Value, json};

use super::refusal::{ADDRESSES, assert_told, error};

#[tokio::test]
async fn too_many_streams_of_a_token_are_refused_until_one_ends() {
    story(async |world| {
        let gateway = world.gateway_with(|config| config.limits.streams_per_token = 2).await;
        let scene = Scene::set_in(gateway, Setup::legacy()).await;
        let first = scene.alice.listens().await;
        let second = scene.alice.listens_modern().await;
        let expected = error(&Value::Null, -32004, "Too many open streams");
        for path in ADDRESSES {
            let answer = scene.alice.at(path).sends("GET", "").await;
            assert_told(&answer, 429, &expected);
            assert!(answer.header("retry-after").is_some_and(|secs| secs.parse::<u32>().is_ok()));
        }
        let bob = scene.owner.creates_token("Bob").await;
        let _others = bob.listens().await;
        drop((first, second));
        eventually("the streams are given back", async || {
            let mut wire = scene.alice.begins("GET", "").await;
            wire.head().await.is_ok_and(|head| head.status == 200)
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn over_the_connection_limit_one_is_told_to_come_back() {
    short_story(async |world| {
        let gateway = world.gateway_with(|config| config.limits.connections = 4).await;
        let address = gateway.address();
        let mut held = Vec::new();
        for _ in 0..4 {
            let mut wire = Wire::open(address).await;
            assert_eq!(wire.ask("GET", "/healthz", &[], b"").await.unwrap().status(), 200);
            held.push(wire);
        }
        let caller = Caller {
            address,
            path: "/ws/engineering".to_owned(),
            token: "mwt_x".to_owned(),
            id: String::new(),
            headers: Vec::new(),
        };
        let answer = caller.posts(&rpc(1, "ping", &json!({}))).await;
        assert_eq!((answer.status(), answer.error_code()), (503, Some(-32004)));
        assert!(answer.header("retry-after").is_some());
        drop(held);
        eventually("there is room again", async || {
            caller.tries("POST", "{}").await.is_ok_and(|answer| answer.status() == 401)
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn a_foreign_origin_or_host_is_refused_and_a_local_one_is_not() {
    short_story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        let expected = error(&Value::Null, -32003, "Origin not allowed");
        let foreign =
            [("Origin", "https://evil.example.com"), ("Host", "evil.example.com"), ("Origin", "null")];
        for path in ADDRESSES {
            let caller = scene.alice.at(path);
            for (name, value) in foreign {
                let answer = caller.clone().with(name, value).asks("ping", json!({})).await;
                assert_told(&answer, 403, &expected);
            }
            for origin in ["http://localhost:5173", "http://127.0.0.1", "http://[::1]:8080"] {
                let answer = caller.clone().with("Origin", origin).asks("ping", json!({})).await;
                assert_eq!(answer.status(), 200);
                assert_eq!(answer.header("access-control-allow-origin"), Some(origin));
            }
        }
    })
    .await;
}
