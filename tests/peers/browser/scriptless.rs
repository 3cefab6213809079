//! Pages without their script.

use aerostack_tests::story::story;
use serde_json::json;

use super::desk::{Desk, ENGINEERING};

#[tokio::test]
#[ignore = "needs what `cargo xtask test` installs"]
async fn a_token_is_made_and_revoked_without_scripts() {
    story(async |world| {
        let desk = Desk::set(world).await;
        let tab = desk.stranger().await;
        tab.runs_no_scripts().await;
        tab.opens("/sign-in").await;
        tab.fills("Account key", &desk.owner.key).await;
        tab.presses("Sign in").await;
        tab.presses("Engineering").await;
        tab.presses("Tokens").await;
        tab.presses("New token").await;
        tab.waits_until("it is a page", &format!("location.pathname === '{ENGINEERING}/tokens/new'")).await;
        tab.fills("Name", "Alice Chen").await;
        tab.presses("Create token").await;
        tab.reads("Save it now").await;
        let shown = tab.tells("document.querySelector('.secret').textContent").await;
        assert_eq!(tab.tells("document.querySelectorAll('button[data-copy]:not([hidden])').length").await, 0);
        let alice = desk.caller(shown.as_str().unwrap());
        assert_eq!(alice.asks("ping", json!({})).await.status(), 200);
        tab.presses("I have saved it").await;
        tab.presses("Revoke Alice Chen").await;
        tab.presses("Revoke token").await;
        tab.reads("'Alice Chen' is revoked.").await;
        assert_eq!(alice.asks("ping", json!({})).await.status(), 401);
        assert_eq!(tab.complaints(), [""; 0]);
    })
    .await;
}
