//! Every row of the gateway's table of refusals, word for word, at every address of a workspace.

use std::time::Duration;

use aerostack_core::api::operation::endpoint::ListPlans;
use aerostack_core::api::page::Empty;
use aerostack_core::server::SessionMode;
use aerostack_tests::answer::Answer;
use aerostack_tests::scene::Scene;
use aerostack_tests::story::{short_story, story};
use aerostack_tests::upstream::{Fault, Setup, Tool};
use serde_json::{Value, json};

/// The addresses of a workspace.
pub(super) const ADDRESSES: [&str; 4] = [
    "/ws/engineering",
    "/ws/engineering/sse",
    "/api/gateway/ws/engineering",
    "/api/gateway/ws/engineering/sse",
];

/// The answer is this status and this body.
pub(super) fn assert_told(answer: &Answer, status: u16, body: &Value) {
    assert_eq!((answer.status(), &answer.json()), (status, body));
    assert_eq!(answer.header("content-type"), Some("application/json"));
}

/// A JSON-RPC error.
pub(super) fn error(id: &Value, code: i64, message: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } })
}

#[tokio::test]
async fn a_workspace_is_served_at_each_of_its_addresses() {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        for path in ADDRESSES {
            let caller = scene.alice.at(path);
            let answer = caller.calls("desk__echo", json!({ "text": path })).await;
            assert_eq!(answer.tool_text().as_deref(), Some(path));
            let answer = caller.calls_modern("desk__echo", json!({ "text": path })).await;
            assert_eq!(answer.tool_text().as_deref(), Some(path));
            caller.initializes("2025-06-18").await;
            assert_eq!(caller.holding("mwt_x").asks("ping", json!({})).await.status(), 401);
        }
    })
    .await;
}

#[tokio::test]
async fn an_unknown_or_disabled_tool_is_named() {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        scene.owner.switches("desk", Some("add"), false).await.unwrap();
        for path in ADDRESSES {
            let caller = scene.alice.at(path);
            for tool in ["desk__nothing", "other__echo", "echo", "desk__add", "", "desk__"] {
                let expected = error(&json!(1), -32602, &format!("Unknown tool: {tool}"));
                assert_told(&caller.calls(tool, json!({})).await, 200, &expected);
                assert_told(&caller.calls_modern(tool, json!({})).await, 200, &expected);
            }
        }
        assert_eq!(scene.upstream.calls().len(), 0);
    })
    .await;
}

#[tokio::test]
async fn what_goes_wrong_upstream_is_told_by_the_servers_name_and_nothing_else() {
    story(async |world| {
        let gateway =
            world.gateway_with(|config| config.limits.call_idle_timeout = Duration::from_secs(1)).await;
        let scene = Scene::set_in(gateway, Setup::legacy()).await;
        for (fault, code, message) in [
            (Fault::Drops, -32012, "Upstream gave a bad answer"),
            (Fault::NeverAnswers, -32011, "Upstream timed out"),
            (Fault::StallsMidBody, -32011, "Upstream timed out"),
            (Fault::MalformedJson, -32012, "Upstream gave a bad answer"),
            (Fault::WebPage, -32012, "Upstream gave a bad answer"),
            (Fault::WrongId, -32012, "Upstream gave a bad answer"),
            (Fault::EndsWithoutAnswer, -32012, "Upstream gave a bad answer"),
            (Fault::Redirects("http://169.254.169.254/".to_owned()), -32012, "Upstream gave a bad answer"),
            (Fault::Status(401), -32013, "Upstream refused the gateway's credential"),
            (Fault::Status(403), -32013, "Upstream refused the gateway's credential"),
            (Fault::Status(429), -32014, "Upstream is busy"),
        ] {
            scene.upstream.misbehave(fault.clone().on("tools/call"));
            let mut expected = error(&json!(1), code, message);
            expected["error"]["data"] = json!({ "server": "desk" });
            for path in ["/ws/engineering", "/api/gateway/ws/engineering/sse"] {
                let answer = scene.alice.at(path).calls("desk__echo", json!({ "text": "hi" })).await;
                assert_eq!((answer.status(), answer.json()), (200, expected.clone()), "{fault:?}");
            }
            scene.upstream.behave();
            let healthy = scene.alice.calls("desk__echo", json!({ "text": "hi" })).await;
            assert_eq!(healthy.tool_text().as_deref(), Some("hi"), "after {fault:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_server_that_is_gone_is_unreachable_and_one_that_is_full_is_busy() {
    story(async |world| {
        let gateway = world.gateway_with(|config| config.limits.calls_per_install = 1).await;
        let scene = Scene::set_in(gateway, Setup::legacy().tools([Tool::held("wait")])).await;
        let alice = scene.alice.clone();
        let held = tokio::spawn(async move { alice.calls("desk__wait", json!({})).await });
        scene.upstream.until("the call is held", |seen| seen.calls().len() == 1).await;
        let mut busy = error(&json!(1), -32014, "Upstream is busy");
        busy["error"]["data"] = json!({ "server": "desk" });
        assert_told(&scene.alice.calls("desk__wait", json!({})).await, 200, &busy);
        scene.upstream.release();
        assert_eq!(held.await.unwrap().tool_text().as_deref(), Some("let go"));
        drop(scene.upstream);
        let mut gone = error(&json!(1), -32010, "Upstream unreachable");
        gone["error"]["data"] = json!({ "server": "desk" });
        assert_told(&scene.alice.calls("desk__wait", json!({})).await, 200, &gone);
    })
    .await;
}

#[tokio::test]
async fn a_tool_that_fails_is_the_upstreams_own_answer() {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        let answer = scene.alice.calls("desk__fail", json!({ "reason": "no luck" })).await;
        assert_eq!((answer.status(), answer.json()["result"]["isError"].clone()), (200, json!(true)));
        assert_eq!(answer.tool_text().as_deref(), Some("no luck"));
    })
    .await;
}

#[tokio::test]
async fn discovery_of_other_logins_answers_that_there_is_none() {
    short_story(async |world| {
        let gateway = world.gateway().await;
        for path in [
            "/.well-known/oauth-protected-resource",
            "/.well-known/oauth-protected-resource/ws/engineering",
            "/.well-known/oauth-authorization-server",
            "/.well-known/openid-configuration",
            "/register",
        ] {
            let answer = aerostack_tests::wire::ask(gateway.address(), "GET", path, &[], b"").await;
            assert_eq!(
                (answer.status(), answer.header("content-type")),
                (404, Some("application/json")),
                "{path}"
            );
            assert_eq!(answer.error_code(), Some(-32600), "{path}");
        }
    })
    .await;
}

#[tokio::test]
async fn health_and_figures_are_read_and_nothing_else() {
    short_story(async |world| {
        let gateway = world.gateway().await;
        for path in ["/healthz", "/readyz", "/metrics", "/api/openapi.json"] {
            let ask =
                async |method| aerostack_tests::wire::ask(gateway.address(), method, path, &[], b"").await;
            let told = error(&Value::Null, -32600, "Method not allowed");
            for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"] {
                let answer = ask(method).await;
                assert_told(&answer, 405, &told);
                assert_eq!(answer.header("allow"), Some("GET, HEAD"), "{method} {path}");
            }
            let read = ask("GET").await;
            if path == "/metrics" {
                for figure in ["aerostack_tokens ", "aerostack_workspaces ", "aerostack_held_bytes "] {
                    assert!(read.text().lines().any(|line| line.starts_with(figure)), "{figure}");
                }
            }
            let mut wire = aerostack_tests::wire::Wire::open(gateway.address()).await;
            wire.write(&aerostack_tests::wire::request("HEAD", path, &[], b"")).await.unwrap();
            let head = wire.head().await.unwrap();
            assert_eq!((read.status(), head.status), (200, 200), "{path}");
            assert_eq!(head.header("content-type"), read.header("content-type"));
        }
    })
    .await;
}

#[tokio::test]
async fn a_servers_own_timeout_goes_before_the_gateways() {
    short_story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        scene.owner.adds("slow", &scene.upstream.url(), SessionMode::default(), Some(1)).await;
        scene.owner.installs_known("slow", None).await.unwrap();
        scene.upstream.misbehave(Fault::NeverAnswers.on("tools/call"));
        let answer = scene.alice.calls("slow__echo", json!({ "text": "hi" })).await;
        assert_eq!(answer.error_code(), Some(-32011));
    })
    .await;
}

#[tokio::test]
async fn a_refusal_is_the_same_at_every_address() {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        let null = Value::Null;
        for path in ADDRESSES {
            let alice = scene.alice.at(path);
            let told = error(&null, -32700, "Parse error: the body is not JSON");
            assert_told(&alice.posts("{").await, 400, &told);
            let told = error(&json!(7), -32600, "Invalid request: no method");
            assert_told(&alice.posts(r#"{"jsonrpc":"2.0","id":7}"#).await, 400, &told);
            let told = error(&null, -32600, "Content-Type must be application/json");
            assert_told(&alice.clone().with("Content-Type", "text/plain").posts("{}").await, 415, &told);
            let told = error(&null, -32600, "Method not allowed");
            assert_told(&alice.sends("PUT", "").await, 405, &told);
            let told = error(&null, -32600, "Accept must include text/event-stream");
            assert_told(&alice.clone().with("Accept", "text/html").sends("GET", "").await, 406, &told);
            let told = error(&json!(1), -32600, "Unknown session");
            let strange = alice.clone().with("Mcp-Session-Id", "made-up");
            assert_told(&strange.asks("ping", json!({})).await, 404, &told);
            let told = error(&json!(1), -32600, "Unsupported MCP-Protocol-Version");
            let strange = alice.clone().with("MCP-Protocol-Version", "1999-01-01");
            assert_told(&strange.asks("ping", json!({})).await, 400, &told);
            let told = error(&json!(1), -32601, "Method not found");
            assert_told(&alice.asks("nothing", json!({})).await, 200, &told);
        }
    })
    .await;
}

#[tokio::test]
async fn while_it_drains_a_gateway_takes_nothing_new() {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        scene.gateway.app().begin_drain();
        for path in ADDRESSES {
            let answer = scene.alice.at(path).asks("ping", json!({})).await;
            assert_told(&answer, 503, &error(&Value::Null, -32005, "The gateway is stopping"));
            assert_eq!(
                (answer.header("retry-after"), answer.header("connection")),
                (Some("1"), Some("close"))
            );
        }
        let admin = scene.owner.sends::<ListPlans>(&[], &Empty {}).await;
        assert_eq!((admin.status(), &admin.json()["error"]["code"]), (503, &json!("unavailable")));
        assert_eq!((admin.header("retry-after"), admin.header("connection")), (Some("1"), Some("close")));
        for (path, status) in [("/healthz", 200), ("/readyz", 503)] {
            let answer = aerostack_tests::wire::ask(scene.gateway.address(), "GET", path, &[], b"").await;
            assert_eq!(answer.status(), status, "{path}");
        }
    })
    .await;
}
