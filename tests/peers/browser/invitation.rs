//! Somebody is invited, joins in a browser of their own, and sees what their role allows.

use aerostack_tests::story::story;
use serde_json::json;

use super::desk::{Desk, ENGINEERING};

/// What the links of a navigation say.
fn links(label: &str) -> String {
    format!("[...document.querySelectorAll('nav[aria-label={label}] a')].map((link) => link.textContent)")
}

#[tokio::test]
#[ignore = "needs what `cargo xtask test` installs"]
async fn somebody_is_invited_joins_and_sees_what_their_role_allows() {
    story(async |world| {
        let desk = Desk::set(world).await;
        let tab = desk.tab_of(&desk.owner).await;
        tab.presses("Team").await;
        tab.presses("Invite member").await;
        tab.fills("E-mail", "bob@example.com").await;
        tab.presses("Invite member").await;
        tab.reads("bob@example.com is invited into @acme").await;
        let link = tab.tells("document.querySelector('.secret').textContent").await;
        assert_eq!(tab.complaints(), [""; 0]);

        let bob = desk.stranger().await;
        bob.opens(link.as_str().unwrap()).await;
        bob.fills("Choose a username", "bob").await;
        bob.presses("Join @acme").await;
        bob.reads("You are in @acme").await;
        bob.presses("Aerostack").await;
        bob.presses("Engineering").await;
        bob.reads("Gateway URL").await;
        assert_eq!(bob.tells(&links("Workspace")).await, json!(["Overview", "Servers", "Analytics"]));
        assert_eq!(bob.tells(&links("Dashboard")).await, json!(["Workspaces", "Skills", "Account"]));
        bob.presses("Servers").await;
        bob.presses("desk").await;
        bob.reads("desk__echo").await;
        assert_eq!(bob.complaints(), [""; 0]);
        // What is not offered is refused, and says so.
        bob.opens(&format!("{ENGINEERING}/tokens")).await;
        bob.reads("This account may not do that").await;
        tab.presses("Done").await;
        tab.reads("bob@example.com @bob member active").await;
    })
    .await;
}
