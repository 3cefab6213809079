//! Functions behind skills: what they are sent, what becomes of their answers, and of those that fail.

use std::time::Duration;

use aerostack_core::api::operation::endpoint;
use aerostack_core::api::secret::SetSecretRequest;
use aerostack_core::plan::Plan;
use aerostack_core::skill::Visibility;
use aerostack_tests::client::Caller;
use aerostack_tests::function::{Conduct, Function};
use aerostack_tests::gateway::Gateway;
use aerostack_tests::patience::eventually;
use aerostack_tests::person::Person;
use aerostack_tests::story::{World, short_story, story};
use serde_json::{Value, json};

struct Desk {
    gateway: Gateway,
    owner: Person,
    alice: Caller,
    function: Function,
}

impl Desk {
    async fn set(world: &World) -> Self {
        let narrow = world.gateway_with(|config| {
            config.limits.call_idle_timeout = Duration::from_secs(1);
            config.limits.event_limit_bytes = 1_024 * 1_024;
        });
        Self::set_in(narrow.await).await
    }

    async fn set_in(gateway: Gateway) -> Self {
        let mut owner = gateway.owner().await;
        owner.creates_workspace("engineering").await;
        let function = Function::starts().await;
        owner.publishes("desk", Visibility::Team, &function).await;
        owner.installs_skill("@acme/desk").await.unwrap();
        let alice = owner.creates_token("Alice Chen").await;
        Self { gateway, owner, alice, function }
    }
}

#[tokio::test]
async fn a_call_becomes_one_post_and_its_answer_a_result_in_both_eras() {
    story(async |world| {
        let Desk { gateway: _running, owner, alice, function } = Desk::set(world).await;
        let arguments = json!({ "text": "hi", "times": 2 });
        let legacy = alice.calls("desk__echo", arguments.clone()).await.json();
        let content = json!([{ "type": "text", "text": "hi" }]);
        assert_eq!(legacy, json!({ "jsonrpc": "2.0", "id": 1, "result": { "content": content } }));
        let modern = alice.calls_modern("desk__echo", arguments).await.json();
        assert_eq!(modern["result"]["content"], content);
        assert_eq!(modern["result"]["resultType"], "complete");
        let failed = alice.calls("desk__fail", json!({})).await.json();
        assert_eq!(failed["result"]["isError"], true);
        let set: SetSecretRequest =
            serde_json::from_value(json!({ "value": "hunter2-of-acme", "server": "desk" })).unwrap();
        owner.asks::<endpoint::SetSecret>(&["engineering", "api-key"], &set).await.unwrap();
        alice.calls("desk__fail", json!({})).await;
        let calls = function.calls();
        let bodies: Vec<Value> = calls.iter().map(|call| call.body.clone()).collect();
        let echoed = json!({ "tool": "echo", "input": { "text": "hi", "times": 2 }, "secrets": {} });
        let failing = |secrets: Value| json!({ "tool": "fail", "input": {}, "secrets": secrets });
        let with_secret = failing(json!({ "API_KEY": "hunter2-of-acme" }));
        assert_eq!(bodies, [echoed.clone(), echoed, failing(json!({})), with_secret]);
        for call in calls {
            let names: Vec<&str> = call.headers.keys().map(http::HeaderName::as_str).collect();
            assert!(!names.iter().any(|name| ["authorization", "cookie"].contains(name)), "{names:?}");
            assert!(!names.iter().any(|name| name.starts_with("x-mcp-")), "{names:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_input_that_does_not_fit_is_told_why_and_the_function_is_not_called() {
    short_story(async |world| {
        let Desk { gateway: _running, owner: _, alice, function } = Desk::set(world).await;
        for (input, reason) in [
            (json!({}), r#"Invalid params: input: "text" is a required property"#),
            (json!({ "text": 7 }), r#"Invalid params: input at /text: value is not of type "string""#),
            (
                json!({ "text": "a", "times": 0 }),
                "Invalid params: input at /times: value is less than the minimum of 1",
            ),
            (json!([]), r#"Invalid params: input: value is not of type "object""#),
        ] {
            let told = json!({ "code": -32602, "message": reason });
            assert_eq!(alice.calls("desk__echo", input.clone()).await.json()["error"], told, "{input}");
            assert_eq!(
                alice.calls_modern("desk__echo", input.clone()).await.json()["error"]["message"],
                reason
            );
        }
        let large = alice.calls("desk__fail", json!({ "x": "y".repeat(1_100_000) })).await.json();
        assert_eq!(large["error"]["message"], "Invalid params: input: it has more than 1048576 bytes");
        assert_eq!(function.calls().len(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_function_that_fails_is_told_by_its_kind_and_its_slug_and_nothing_else() {
    short_story(async |world| {
        let Desk { gateway: _running, owner: _, alice, function } = Desk::set(world).await;
        let data = json!({ "server": "desk" });
        for (conduct, code, message) in [
            (Conduct::Status(400), -32012, "Upstream gave a bad answer"),
            (Conduct::Status(500), -32012, "Upstream gave a bad answer"),
            (Conduct::Status(204), -32012, "Upstream gave a bad answer"),
            (Conduct::Status(401), -32013, "Upstream refused the gateway's credential"),
            (Conduct::Status(403), -32013, "Upstream refused the gateway's credential"),
            (Conduct::Status(429), -32014, "Upstream is busy"),
            (Conduct::Says("<html>garbage"), -32012, "Upstream gave a bad answer"),
            (Conduct::Says(r#"{"content":"text"}"#), -32012, "Upstream gave a bad answer"),
            (Conduct::Says(r#"{"content":[7]}"#), -32012, "Upstream gave a bad answer"),
            (Conduct::Floods, -32012, "Upstream gave a bad answer"),
            (Conduct::Hangs, -32011, "Upstream timed out"),
            (Conduct::Drips, -32011, "Upstream timed out"),
            (Conduct::Redirects("http://169.254.169.254/latest"), -32012, "Upstream gave a bad answer"),
        ] {
            function.behaves(conduct.clone());
            let answer = alice.calls("desk__echo", json!({ "text": "hi" })).await;
            let told = json!({ "code": code, "message": message, "data": data });
            assert_eq!(answer.json()["error"], told, "{conduct:?}");
            let text = String::from_utf8_lossy(&answer.body).into_owned();
            assert!(!text.contains("hidden") && !text.contains("secret") && !text.contains("127.0.0.1"));
        }
        function.behaves(Conduct::Right);
        let answer = alice.calls("desk__echo", json!({ "text": "hi" })).await;
        assert_eq!(answer.tool_text().as_deref(), Some("hi"));
        drop(function);
        let answer = alice.calls("desk__echo", json!({ "text": "hi" })).await.json();
        assert_eq!(answer["error"]["code"], -32010);
    })
    .await;
}

#[tokio::test]
async fn a_function_is_held_to_the_same_addresses_as_a_server() {
    short_story(async |world| {
        let gateway = world.gateway().await;
        let mut bob = gateway.somebody("bob", Plan::Pro).await;
        bob.creates_workspace("bobs-own").await;
        let function = Function::starts().await;
        bob.publishes("local", Visibility::Private, &function).await;
        bob.installs_skill("local").await.unwrap();
        let editor = bob.creates_token("Editor").await;
        let answer = editor.calls("local__echo", json!({ "text": "hi" })).await.json();
        assert_eq!(answer["error"]["code"], -32010);
        assert_eq!(function.calls().len(), 0);
    })
    .await;
}

#[tokio::test]
async fn what_a_function_answers_is_counted_among_what_its_caller_makes_the_gateway_hold() {
    short_story(async |world| {
        let narrow = world.gateway_with(|config| config.limits.held_per_token_bytes = 1_000_000);
        let Desk { gateway, owner: _, alice, function } = Desk::set_in(narrow.await).await;
        function.behaves(Conduct::SaysMuch(900_000));
        let answer = alice.calls("desk__echo", json!({ "text": "hi" })).await;
        assert_eq!(answer.tool_text().map(|text| text.len()), Some(900_000));
        function.behaves(Conduct::SaysMuch(1_100_000));
        let answer = alice.calls("desk__echo", json!({ "text": "hi" })).await.json();
        let told = json!({ "code": -32004, "message": "Too many bytes under way for this token" });
        assert_eq!(answer["error"], told);
        eventually("nothing is held", async || gateway.app().budget.held_bytes() == 0).await;
    })
    .await;
}
