//! Headers pass by an allow-list each way.

use std::convert::Infallible;
use std::net::SocketAddr;

use aerostack_core::server::SessionMode;
use aerostack_tests::client::Caller;
use aerostack_tests::scene::{Scene, story_behind};
use aerostack_tests::story::{short_story, story};
use aerostack_tests::upstream::{Fault, Setup};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};

/// What a client may send and no server behind must see.
const OF_THE_CLIENT: [(&str, &str); 16] = [
    ("Cookie", "session=secret"),
    ("X-Forwarded-For", "203.0.113.7"),
    ("X-Forwarded-Host", "gateway.example.com"),
    ("X-Forwarded-Proto", "https"),
    ("Forwarded", "for=203.0.113.7"),
    ("X-Real-IP", "203.0.113.7"),
    ("X-Mcp-Secret-Token", "sealed"),
    ("X-Api-Key", "ak_secret"),
    ("Proxy-Authorization", "Basic secret"),
    ("Referer", "http://localhost/page"),
    ("Last-Event-ID", "7"),
    ("X-Custom", "mine"),
    ("User-Agent", "story/1.0"),
    ("Accept-Language", "de"),
    ("Via", "1.1 proxy"),
    ("X-Request-Id", "mine"),
];
/// What passes: W3C trace context.
const TRACE: [(&str, &str); 3] = [
    ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    ("tracestate", "vendor=value"),
    ("baggage", "team=payments"),
];

#[tokio::test]
async fn of_a_clients_headers_only_the_trace_reaches_the_server() {
    story_behind(&[Setup::legacy(), Setup::modern()], async |scene| {
        let mut alice: Caller = scene.alice.clone();
        for (name, value) in OF_THE_CLIENT.into_iter().chain(TRACE) {
            alice = alice.with(name, value);
        }
        let (inside, _) = alice.initializes("2025-11-25").await;
        inside.calls("desk__echo", json!({ "text": "hi" })).await;
        alice.calls_modern("desk__echo", json!({ "text": "hi" })).await;
        for call in scene.upstream.calls() {
            for (name, value) in TRACE {
                assert_eq!(call.header(name), Some(value));
            }
            let allowed = [
                "host",
                "content-type",
                "content-length",
                "accept",
                "accept-encoding",
                "mcp-protocol-version",
                "mcp-session-id",
                "mcp-method",
                "mcp-name",
                "traceparent",
                "tracestate",
                "baggage",
                "user-agent",
            ];
            for (name, value) in &call.headers {
                assert!(allowed.contains(&name.as_str()), "{name}: {value:?}");
            }
            assert_ne!(call.header("user-agent"), Some("story/1.0"));
            let session = inside.headers.iter().find(|(name, _)| name == "Mcp-Session-Id").unwrap();
            assert_ne!(call.header("mcp-session-id"), Some(session.1.as_str()));
        }
        for request in scene.upstream.requests() {
            assert_eq!(request.header("authorization"), None);
            assert!(!format!("{:?}{}", request.headers, request.text()).contains(&scene.alice.token));
        }
    })
    .await;
}

/// Headers of a server that must not reach the client.
const OF_THE_SERVER: [(&str, &str); 7] = [
    ("Set-Cookie", "upstream=secret"),
    ("Location", "http://10.0.0.1/internal"),
    ("WWW-Authenticate", "Bearer resource_metadata=\"http://10.0.0.1/\""),
    ("Server", "internal/1.0"),
    ("X-Powered-By", "internal"),
    ("Mcp-Session-Id", "upstream-session"),
    ("Access-Control-Allow-Origin", "*"),
];

/// A server without sessions that sends all of these with every answer.
async fn talkative() -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let served = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service_fn(talk));
            tokio::spawn(served);
        }
    });
    address
}

async fn talk(request: Request<Incoming>) -> Result<Response<Full<bytes::Bytes>>, Infallible> {
    let body =
        request.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let message: Value = serde_json::from_slice(&body).unwrap_or_default();
    let result = match message["method"].as_str().unwrap_or_default() {
        "initialize" => json!({
            "protocolVersion": "2025-11-25", "capabilities": { "tools": {} }, "serverInfo": { "name": "t", "version": "1" }
        }),
        "tools/list" => json!({ "tools": [{ "name": "echo", "inputSchema": { "type": "object" } }] }),
        "tools/call" => json!({ "content": [{ "type": "text", "text": "hi" }] }),
        _ => Value::Null,
    };
    let answer = match result {
        Value::Null => {
            json!({ "jsonrpc": "2.0", "id": message["id"], "error": { "code": -32601, "message": "no" } })
        }
        result => json!({ "jsonrpc": "2.0", "id": message["id"], "result": result }),
    };
    let mut response = Response::builder().header("content-type", "application/json; charset=utf-8");
    for (name, value) in OF_THE_SERVER {
        response = response.header(name, value);
    }
    Ok(response.body(Full::new(answer.to_string().into())).unwrap())
}

#[tokio::test]
async fn of_a_servers_headers_none_of_its_own_reach_the_client() {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        let url = format!("http://{}/", talkative().await);
        scene.owner.adds("talkative", &url, SessionMode::default(), None).await;
        scene.owner.installs_known("talkative", None).await.unwrap();
        for answer in [
            scene.alice.calls("talkative__echo", json!({})).await,
            scene.alice.calls_modern("talkative__echo", json!({})).await,
        ] {
            assert_eq!(answer.tool_text().as_deref(), Some("hi"));
            for (name, _) in OF_THE_SERVER {
                assert_eq!(answer.header(name), None);
            }
            assert_eq!(answer.header("content-type"), Some("application/json"));
        }
    })
    .await;
}

#[tokio::test]
async fn redirects_are_not_followed_and_metadata_addresses_are_refused() {
    short_story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        let elsewhere = Setup::legacy().start().await;
        scene.upstream.misbehave(Fault::Redirects(elsewhere.url()).on("tools/call"));
        let answer = scene.alice.calls("desk__echo", json!({ "text": "hi" })).await;
        assert_eq!((answer.error_code(), answer.header("location")), (Some(-32012), None));
        assert_eq!(elsewhere.requests().len(), 0);
        scene.owner.adds("meta", "http://169.254.169.254/latest", SessionMode::default(), None).await;
        let installed = scene.owner.installs_known("meta", None).await.unwrap();
        assert!(installed.warning.is_some());
        let answer = scene.alice.calls("meta__x", json!({})).await;
        assert_eq!(answer.error_code(), Some(-32010));
        assert!(!answer.text().contains("169.254"));
        // Loopback is allowed to operators' servers only.
        let mut stranger = scene.gateway.somebody("globex", aerostack_core::plan::Plan::Pro).await;
        stranger.creates_workspace("theirs").await;
        let installed = stranger.installs("inside", &elsewhere).await;
        assert!(installed.warning.is_some());
        assert_eq!(elsewhere.requests().len(), 0);
    })
    .await;
}
