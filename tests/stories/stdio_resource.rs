//! Prompts and resources of programs, and who is told that one was updated.

use std::process::Command;
use std::time::Duration;

use aerostack_core::server::SessionMode;
use aerostack_tests::client::META_SUBSCRIPTION;
use aerostack_tests::patience::eventually;
use aerostack_tests::stdio::Workshop;
use aerostack_tests::story::story;
use serde_json::json;

const DESK: &str = "file:///desk";

/// What a program of each era is asked to tell of a resource with.
const ERAS: [(&str, &str); 2] = [("legacy", "resources/subscribe"), ("modern", "resourceSubscriptions")];

/// How it is asked to stop.
fn taken_back(era: &str) -> &'static str {
    if era == "legacy" { "resources/unsubscribe" } else { "notifications/cancelled" }
}

#[tokio::test]
async fn prompts_and_resources_of_a_program_are_offered_like_any_others() {
    for (era, _) in ERAS {
        story(async |world| {
            let shop = Workshop::set(world, &["--era", era, "--more"]).await;
            let prompts = shop.alice.asks("prompts/list", json!({})).await.json();
            assert_eq!(prompts["result"]["prompts"], json!([{ "name": "desk__greet" }]), "{era}");
            let prompt = shop.alice.asks("prompts/get", json!({ "name": "desk__greet" })).await.json();
            assert_eq!(prompt["result"]["messages"][0]["content"]["text"], "Say hello.", "{era}");
            let resources = shop.alice.asks("resources/list", json!({})).await.json();
            assert_eq!(resources["result"]["resources"][0]["uri"], DESK, "{era}");
            let resource = shop.alice.asks("resources/read", json!({ "uri": DESK })).await.json();
            assert_eq!(resource["result"]["contents"], json!([{ "uri": DESK, "text": "tidy" }]), "{era}");
        })
        .await;
    }
}

#[tokio::test]
async fn an_update_that_a_program_tells_of_reaches_exactly_who_subscribed() {
    for (era, asked) in ERAS {
        story(async |world| {
            let arguments = ["--era", era, "--more"];
            let shop = Workshop::set_with(world, &arguments, SessionMode::Shared, |_| {}).await;
            let (inside, _) = shop.alice.initializes("2025-11-25").await;
            inside.asks("resources/subscribe", json!({ "uri": DESK })).await;
            let mut stream = inside.listens().await;
            let mut modern = shop.alice.listens_to(json!({ "resourceSubscriptions": [DESK] })).await;
            let acknowledged = modern.json().await;
            assert_eq!(acknowledged["params"]["notifications"], json!({ "resourceSubscriptions": [DESK] }));
            shop.example.wrote(asked).await;
            let touched = shop.alice.calls("desk__touch", json!({ "uri": DESK })).await;
            assert_eq!(touched.tool_text().as_deref(), Some("touched"), "and nothing else: {touched:?}");
            let mut notice = json!({
                "jsonrpc": "2.0",
                "method": "notifications/resources/updated",
                "params": { "uri": DESK, "revision": 2.5 }
            });
            assert_eq!(stream.json().await, notice, "{era}");
            notice["params"]["_meta"] = json!({ META_SUBSCRIPTION: "listen:0" });
            assert_eq!(modern.json().await, notice, "{era}");
            let asked = shop.example.lines().into_iter().filter(|(_, line)| line.contains(asked)).count();
            assert_eq!(asked, 1, "it is asked once for all: {era}");
            inside.asks("resources/unsubscribe", json!({ "uri": DESK })).await;
            drop(modern);
            shop.example.wrote(taken_back(era)).await;
        })
        .await;
    }
}

#[tokio::test]
async fn a_program_runs_while_somebody_listens_and_is_asked_again_after_a_crash() {
    for (era, asked) in ERAS {
        story(async |world| {
            let arguments = ["--era", era, "--more"];
            let shop = Workshop::set_with(world, &arguments, SessionMode::PerCaller, |config| {
                config.limits.stdio_idle_timeout = Duration::from_millis(400);
            })
            .await;
            let asked = || {
                let line = shop.example.lines().into_iter().rfind(|(_, line)| line.contains(asked));
                line.map(|(pid, _)| pid)
            };
            let mut listener = shop.alice.listens_to(json!({ "resourceSubscriptions": [DESK] })).await;
            listener.json().await;
            eventually("it is asked to tell", async || asked().is_some()).await;
            let first = asked().unwrap();
            shop.alice.calls("desk__pid", json!({})).await;
            eventually("unused ones are ended", async || shop.example.running() == [first].into()).await;
            let killed = Command::new("kill").args(["-9", &first.to_string()]).status().unwrap();
            assert!(killed.success());
            eventually("another is asked to tell", async || asked() != Some(first)).await;
            drop(listener);
            shop.example.is_gone().await;
        })
        .await;
    }
}
