//! A token's whole life, as a person lives it.

use aerostack_tests::story::story;
use serde_json::json;

use super::desk::{Desk, ENGINEERING, sign_in_link};

/// Where a call is to be seen afterwards: below the workspace, and what is read there.
const TRACES: &[(&str, &str)] = &[
    ("/tokens?status=active", "Alice Chen active just now never just now"),
    ("/analytics", "Alice Chen 1 0"),
    ("/audit", "token_created Alice Chen"),
];

#[tokio::test]
#[ignore = "needs what `cargo xtask test` installs"]
async fn a_token_is_made_copied_used_seen_and_revoked() {
    story(async |world| {
        let desk = Desk::set(world).await;
        let tab = desk.stranger().await;
        tab.opens(&sign_in_link(&desk.owner).await).await;
        tab.presses("Sign in").await;
        tab.presses("Engineering").await;
        tab.presses("Tokens").await;
        tab.reads("No tokens yet").await;
        tab.presses("New token").await;
        tab.waits_until("it is a dialog", "!!document.querySelector('dialog[open] form')").await;
        tab.fills("Name", "Alice Chen").await;
        tab.presses("Create token").await;
        tab.reads("Save it now").await;
        let shown = tab.tells("document.querySelector('.secret').textContent").await;

        tab.presses("Copy token").await;
        tab.reads("Copied").await;
        let copied = tab.tells("navigator.clipboard.readText()").await;
        assert_eq!(copied, shown);
        let alice = desk.caller(copied.as_str().unwrap());
        assert!(alice.token.starts_with("mwt_alice_"));
        let called = alice.calls("desk__echo", json!({ "text": "hello" })).await;
        assert_eq!(called.status(), 200);
        assert_eq!(called.json()["result"]["isError"], json!(null), "{called:?}");

        tab.presses("I have saved it").await;
        for (below, trace) in TRACES {
            // What a call leaves behind is written beside it.
            let place = format!("{ENGINEERING}{below}");
            tab.opens_until(&place, trace).await;
        }
        tab.opens(&format!("{ENGINEERING}/tokens")).await;
        tab.presses("Revoke Alice Chen").await;
        tab.presses("Revoke token").await;
        tab.reads("'Alice Chen' is revoked.").await;
        assert_eq!(alice.calls("desk__echo", json!({ "text": "hello" })).await.status(), 401);
        assert_eq!(tab.complaints(), [""; 0]);
    })
    .await;
}
