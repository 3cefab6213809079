//! A team on pages: somebody is invited, joins, and is removed with what is theirs.

use aerostack_core::api::token::CreateTokenRequest;
use aerostack_tests::browser::{Browser, path_of};
use aerostack_tests::crew::Crew;
use aerostack_tests::page::{link, row, unescaped};
use aerostack_tests::person::token_named;
use aerostack_tests::story::story;
use serde_json::json;

#[tokio::test]
async fn somebody_is_invited_joins_and_is_removed_on_pages() {
    story(async |world| {
        let gateway = world.gateway_out_of_time().await;
        let mut owner = gateway.owner().await;
        owner.creates_workspace("engineering").await;
        let mut browser = Browser::of(&owner).await;
        let empty = browser.opens("/team").await;
        assert!(empty.text().contains("aerostack team invite alice@company.com"));
        let invite = link(&empty, "Invite member").unwrap();
        let refused = browser.fills(&invite, &[("email", "nobody")]).await;
        assert_eq!(refused.status(), 400);
        assert!(refused.text().contains("id=\"email-problem\" role=\"alert\""));

        let made = browser.submits(&refused, &[("email", "alice@company.com"), ("role", "admin")]).await;
        assert_eq!((made.status(), made.header("cache-control")), (200, Some("no-store")));
        let text = made.text();
        assert!(text.contains("No mail server is configured: nothing was sent."), "{text}");
        let join = text.split("class=\"secret\">").nth(1).unwrap().split('<').next().unwrap();
        assert_eq!(
            row(&browser.opens("/team").await, "alice@"),
            "alice@company.com admin pending invited just now Remove alice@company.com"
        );
        let mut alice = Browser::at(gateway.address());
        let joined = alice.fills(&path_of(join), &[("username", "alice")]).await;
        assert_eq!(joined.status(), 200, "{}", joined.text());
        assert_eq!(alice.opens("/team?team=acme").await.status(), 200);

        let tied = CreateTokenRequest {
            person: Some("alice@company.com".parse().unwrap()),
            ..token_named("Alice Chen")
        };
        let token = owner.caller(&owner.orders_token(&tied).await.unwrap());
        owner.creates_token("Alice Bot").await;
        let remove = link(&browser.opens("/team").await, "Remove").unwrap();
        let asked = browser.opens(&remove).await;
        let text = unescaped(&asked.text());
        assert!(text.contains("Tokens that end") && text.contains("<bdi>Alice Chen</bdi>"), "{text}");
        assert!(
            text.contains("Tokens that only resemble their name") && text.contains("<bdi>Alice Bot</bdi>")
        );
        assert_eq!(token.asks("ping", json!({})).await.status(), 200);
        let done = browser.submits(&asked, &[]).await;
        assert_eq!(token.asks("ping", json!({})).await.status(), 401);
        assert_eq!(alice.opens("/team?team=acme").await.header("location"), Some("/sign-in"));
        let page = browser.follows(&done).await;
        assert!(page.text().contains("alice@company.com is removed, and a token tied to them is revoked."));
    })
    .await;
}

#[tokio::test]
async fn an_admin_invites_members_and_removes_no_admin() {
    story(async |world| {
        let gateway = world.gateway_out_of_time().await;
        let crew = Crew::gather(&gateway).await;
        let mut anna = Browser::of(&crew.admin).await;
        let page = anna.opens("/team?team=acme").await;
        assert_eq!(row(&page, "anna@"), "anna@example.com @anna admin active just now");
        assert!(row(&page, "bob@").ends_with("Remove bob@example.com"));
        let invite = anna.opens("/team/invite?team=acme").await;
        assert!(!invite.text().contains("value=\"admin\""));
        let refused = anna.submits(&invite, &[("email", "c@example.com"), ("role", "admin")]).await;
        assert_eq!(refused.status(), 403);
        let removed = anna.fills("/team/anna%40example.com/remove?team=acme", &[]).await;
        assert_eq!(removed.status(), 403);
        let removed = anna.fills("/team/bob%40example.com/remove?team=acme", &[]).await;
        assert_eq!(removed.header("location"), Some("/team?team=acme"));
        let said = anna.follows(&removed).await.text();
        assert!(
            said.contains("bob@example.com is removed, and 0 tokens tied to them are revoked."),
            "{said}"
        );
        assert!(!anna.opens("/team?team=acme").await.text().contains("bob@"));
    })
    .await;
}
