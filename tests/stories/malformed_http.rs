//! Requests that HTTP does not allow, or that are too large or too slow.

use std::time::Duration;

use aerostack_tests::answer::Answer;
use aerostack_tests::client::Caller;
use aerostack_tests::scene::Scene;
use aerostack_tests::story::short_story;
use aerostack_tests::upstream::Setup;
use aerostack_tests::wire::Wire;
use serde_json::json;

use super::malformed::{assert_serves, raw_post, told};

const MIB: usize = 1_024 * 1_024;

#[tokio::test]
async fn a_body_that_is_too_large_or_too_slow_is_refused() {
    short_story(async |world| {
        let gateway = world.gateway_with(|config| {
            config.limits.body_timeout = Duration::from_secs(2);
            config.limits.header_timeout = Duration::from_secs(2);
        });
        let scene = Scene::set_in(gateway.await, Setup::legacy()).await;
        let declared = (17 * MIB).to_string();
        let answer = raw_post(&scene.alice, &[("Content-Length", declared.as_str())], b"").await;
        assert_eq!(told(&answer), (413, -32600, "null".to_owned()));
        assert_eq!(answer.header("connection"), Some("close"));
        let answer = too_many_chunks(&scene.alice).await;
        assert_eq!(told(&answer), (413, -32600, "null".to_owned()));
        let answer = raw_post(&scene.alice, &[("Content-Length", "100")], b"{").await;
        assert_eq!(told(&answer), (408, -32600, "null".to_owned()));
        let answer = raw_post(&scene.alice, &[("Transfer-Encoding", "chunked")], b"1\r\n{\r\n").await;
        assert_eq!(told(&answer), (408, -32600, "null".to_owned()));
        let mut wire = Wire::open(scene.gateway.address()).await;
        wire.write(b"POST /ws/engineering HTTP/1.1\r\nHost: localhost\r\nX-Slow: ").await.unwrap();
        match wire.answer().await {
            Ok(answer) => assert_eq!(answer.status(), 408),
            Err(error) => assert_ne!(error.kind(), std::io::ErrorKind::TimedOut),
        }
        let whole = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"x":"{}"}}}}"#,
            "x".repeat(15 * MIB)
        );
        assert_eq!(scene.alice.posts(&whole).await.status(), 200);
        assert_serves(&scene).await;
    })
    .await;
}

/// 17 MiB in chunks; the refusal may come before all are written.
async fn too_many_chunks(caller: &Caller) -> Answer {
    let mut wire = Wire::open(caller.address).await;
    let headers = [
        ("Authorization", caller.bearer()),
        ("Content-Type", "application/json".to_owned()),
        ("Transfer-Encoding", "chunked".to_owned()),
    ];
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    wire.write(&aerostack_tests::wire::request("POST", &caller.path, &headers, b"")).await.unwrap();
    let chunk = [b"100000\r\n".to_vec(), vec![b' '; MIB], b"\r\n".to_vec()].concat();
    for _ in 0..17 {
        if wire.write(&chunk).await.is_err() {
            break;
        }
    }
    wire.answer().await.unwrap()
}

/// Requests as text, to be given the bearer, each with the status it comes to.
const REQUESTS: [(&str, u16); 26] = [
    ("PUT /ws/engineering HTTP/1.1\r\nHost: localhost\r\n{auth}Content-Length: 0\r\n\r\n", 405),
    ("PATCH /ws/engineering HTTP/1.1\r\nHost: localhost\r\n{auth}Content-Length: 0\r\n\r\n", 405),
    ("BREW /ws/engineering/sse HTTP/1.1\r\nHost: localhost\r\n{auth}\r\n", 405),
    ("DELETE /ws/engineering HTTP/1.1\r\nHost: localhost\r\n{auth}\r\n", 405),
    ("GET /ws/engineering HTTP/1.1\r\nHost: localhost\r\n{auth}Accept: application/json\r\n\r\n", 406),
    ("POST /ws/engineering HTTP/1.1\r\nHost: localhost\r\n{auth}Content-Length: 2\r\n\r\n{}", 415),
    (
        "POST /ws/engineering HTTP/1.1\r\nHost: localhost\r\n{auth}Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}",
        415,
    ),
    (
        "POST /ws/engineering HTTP/1.1\r\nHost: localhost\r\n{auth}Content-Type: application/jsonp\r\nContent-Length: 2\r\n\r\n{}",
        415,
    ),
    ("POST /ws/engineering/ HTTP/1.1\r\nHost: localhost\r\n{auth}Content-Length: 0\r\n\r\n", 404),
    ("POST /ws/engineering/other HTTP/1.1\r\nHost: localhost\r\n{auth}Content-Length: 0\r\n\r\n", 404),
    ("POST /ws/ HTTP/1.1\r\nHost: localhost\r\n{auth}Content-Length: 0\r\n\r\n", 404),
    ("POST //ws/engineering HTTP/1.1\r\nHost: localhost\r\n{auth}Content-Length: 0\r\n\r\n", 404),
    ("POST /WS/engineering HTTP/1.1\r\nHost: localhost\r\n{auth}Content-Length: 0\r\n\r\n", 404),
    ("GET /api/v1/nothing HTTP/1.1\r\nHost: localhost\r\n{auth}\r\n", 404),
    ("POST /ws/engineering HTTP/1.1\r\nHost: evil.example\r\n{auth}{json}Content-Length: 2\r\n\r\n{}", 403),
    (
        "POST /ws/engineering HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n{auth}{json}Content-Length: 2\r\n\r\n{}",
        403,
    ),
    (
        "POST /ws/engineering HTTP/1.1\r\nOrigin: http://localhost\r\nOrigin: http://evil.example\r\n{auth}{json}Content-Length: 2\r\n\r\n{}",
        403,
    ),
    ("POST /ws/engineering HTTP/1.1\r\n{auth}{json}Content-Length: {length}\r\n\r\n{ping}", 200),
    (
        "POST http://localhost/ws/engineering HTTP/1.1\r\nHost: localhost\r\n{auth}{json}Content-Length: {length}\r\n\r\n{ping}",
        200,
    ),
    (
        "POST /ws/engineering HTTP/1.0\r\nHost: localhost\r\n{auth}{json}Content-Length: {length}\r\n\r\n{ping}",
        200,
    ),
    (
        "POST /ws/engineering ? HTTP/1.1\r\nHost: localhost\r\n{auth}{json}Content-Length: {length}\r\n\r\n{ping}",
        400,
    ),
    (
        "POST /ws/engineering HTTP/1.1\r\nHost: localhost\r\n{auth}{json}X-Bad: a\u{1}b\r\nContent-Length: {length}\r\n\r\n{ping}",
        400,
    ),
    (
        "POST /ws/engineering HTTP/1.1\r\nHost: localhost\r\nBad Header: x\r\n{auth}{json}Content-Length: {length}\r\n\r\n{ping}",
        400,
    ),
    (
        "POST /ws/engineering HTTP/1.1\r\nHost: localhost\r\n{auth}{json}Transfer-Encoding: chunked\r\n\r\nzz\r\n{ping}\r\n0\r\n\r\n",
        400,
    ),
    (
        "POST /ws/engineering HTTP/1.1\r\nHost: localhost\r\n{auth}{json}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        400,
    ),
    ("NONSENSE\r\n\r\n", 400),
];

#[tokio::test]
async fn a_request_that_http_does_not_allow_is_refused() {
    short_story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
        for (template, status) in REQUESTS {
            let text = template
                .replace("{auth}", &format!("Authorization: {}\r\n", scene.alice.bearer()))
                .replace("{json}", "Content-Type: application/json\r\n")
                .replace("{length}", &ping.len().to_string())
                .replace("{ping}", ping);
            let mut wire = Wire::open(scene.gateway.address()).await;
            wire.write(text.as_bytes()).await.unwrap();
            let answer = wire.answer().await.unwrap_or_else(|error| panic!("{template}: {error}"));
            assert_eq!(answer.status(), status, "{template}: {}", answer.text());
            if status == 405 {
                assert!(answer.header("allow").is_some(), "{template}");
            }
        }
        assert_serves(&scene).await;
    })
    .await;
}

#[tokio::test]
async fn huge_headers_are_refused_and_pipelined_requests_are_answered_in_order() {
    short_story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        for size in [40_000, 200_000, 2_000_000] {
            let huge = "x".repeat(size);
            let mut wire = Wire::open(scene.gateway.address()).await;
            let bytes = scene
                .alice
                .clone()
                .with("X-Huge", &huge)
                .bytes("POST", r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#);
            // The refusal may come before everything is written.
            let _ = wire.write(&bytes).await;
            match wire.answer().await {
                Ok(answer) => assert_eq!(answer.status(), 431, "{size}"),
                Err(error) => assert_ne!(error.kind(), std::io::ErrorKind::TimedOut, "{size}"),
            }
        }
        let pings: Vec<u8> = (0..5)
            .flat_map(|id| {
                scene.alice.bytes("POST", &format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#))
            })
            .collect();
        let mut wire = Wire::open(scene.gateway.address()).await;
        wire.write(&pings).await.unwrap();
        for id in 0..5 {
            assert_eq!(wire.answer().await.unwrap().json()["id"], json!(id));
        }
        assert_serves(&scene).await;
    })
    .await;
}
