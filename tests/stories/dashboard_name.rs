//! Names are text: whatever stands in them, pages show it and do nothing else with it.

use aerostack_core::api::operation::endpoint;
use aerostack_core::api::workspace::UpdateWorkspaceRequest;
use aerostack_tests::browser::Browser;
use aerostack_tests::page::{row, unescaped};
use aerostack_tests::story::story;
use serde_json::json;

const NAMES: [&str; 6] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "O'Neil & Søn {{ 7 }} %3Cb%3E",
    "דנה כהן שלום",
    "👩‍💻🚀 Łukasz 李雷",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
];

#[tokio::test]
async fn names_with_markup_other_scripts_and_a_hundred_characters_are_shown_as_they_are() {
    story(async |world| {
        let gateway = world.gateway_out_of_time().await;
        let mut owner = gateway.owner().await;
        owner.creates_workspace("engineering").await;
        let mut browser = Browser::of(&owner).await;
        for name in NAMES {
            let request = UpdateWorkspaceRequest { name: Some(name.to_owned()), ..Default::default() };
            owner.asks::<endpoint::UpdateWorkspace>(&["engineering"], &request).await.unwrap();
            let token = owner.creates_token(name).await;
            token.calls("nowhere", json!({})).await;
            let token = token.id;
            let below = format!("tokens/{token}");
            let own = "/workspaces/engineering";
            let mut pages = vec![browser.opens("/").await, browser.opens(own).await];
            for page in [
                "settings",
                "delete",
                "analytics",
                "tokens",
                &format!("{below}/revoke"),
                &format!("{below}/rotate"),
            ] {
                pages.push(browser.opens(&format!("{own}/{page}")).await);
            }
            let refused = browser.fills(&format!("{own}/tokens/new"), &[("name", name)]).await;
            assert_eq!(refused.status(), 409);
            let made = browser.fills(&format!("{own}/{below}/rotate"), &[]).await;
            let list = browser.opens(&format!("{own}/tokens?status=active")).await;
            assert!(row(&list, name).starts_with(name), "{name}");
            let new = owner.tokens().await.items.pop().unwrap().id;
            let revoked = browser.fills(&format!("{own}/tokens/{new}/revoke"), &[]).await;
            pages.extend([refused, made, list, browser.follows(&revoked).await]);
            for page in &pages {
                let text = page.text();
                assert!(
                    !text.contains("<script>alert") && !text.contains("<img") && !text.contains("<b>"),
                    "{text}"
                );
                assert!(unescaped(&text).contains(name), "{name}: {text}");
            }
        }
    })
    .await;
}
