//! Tokens on pages, without a script: made, shown once, used, rotated, revoked.

use std::time::Duration;

use aerostack_core::api::token::CreateTokenRequest;
use aerostack_core::plan::Plan;
use aerostack_tests::answer::Answer;
use aerostack_tests::browser::Browser;
use aerostack_tests::client::Caller;
use aerostack_tests::page::{link, row, unescaped};
use aerostack_tests::person::{Person, token_named};
use aerostack_tests::story::story;
use serde_json::json;

/// The token that a page shows.
fn shown(page: &Answer) -> String {
    assert_eq!((page.status(), page.header("cache-control")), (200, Some("no-store")), "{}", page.text());
    let text = page.text();
    let start = text.find("mwt_").expect("a token is shown");
    text[start..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
}

fn caller(owner: &Person, token: String) -> Caller {
    let (address, path) = (owner.address, "/ws/engineering".to_owned());
    Caller { address, path, token, id: String::new(), headers: Vec::new() }
}

#[tokio::test]
async fn a_token_is_made_on_a_page_shown_once_used_rotated_and_revoked() {
    story(async |world| {
        let gateway = world.gateway_out_of_time().await;
        let mut owner = gateway.owner().await;
        owner.creates_workspace("engineering").await;
        let mut browser = Browser::of(&owner).await;
        let own = "/workspaces/engineering/tokens";
        let empty = browser.opens(own).await;
        assert!(
            unescaped(&empty.text())
                .contains("aerostack workspace token create engineering --name \"Alice Chen\"")
        );

        let typed =
            [("name", "Alice Cursor"), ("life", "90d"), ("for", "alice@co.com"), ("rate_limit", "30")];
        let made = browser.fills(&format!("{own}/new"), &typed).await;
        let first = shown(&made);
        assert!(made.header("set-cookie").is_none() && made.header("location").is_none());
        let text = unescaped(&made.text());
        assert!(
            text.contains("never again") && text.contains("\"Authorization\": \"Bearer mwt_alice_"),
            "{text}"
        );
        assert!(text.contains("1 of 100 tokens used (Team plan)") && text.contains("alice@co.com"));
        let alice = caller(&owner, first.clone());
        assert_eq!(alice.asks("ping", json!({})).await.status(), 200);

        let list = browser.opens(own).await;
        assert!(!list.text().contains(&first[..20]), "a token is shown once");
        assert_eq!(
            row(&list, "Alice Cursor"),
            "Alice Cursor for alice@co.com · 30 requests per minute active just now 2026-06-15 just now \
             Rotate Alice Cursor Revoke Alice Cursor"
        );

        // A rotation with an overlap: both work, then the new one alone.
        let rotate = link(&list, "Rotate Alice").unwrap();
        let second = shown(&browser.fills(&rotate, &[("overlap", "1h")]).await);
        let list = browser.opens(own).await;
        assert!(row(&list, "replaced").contains("2026-03-17 12:15 UTC"), "{}", row(&list, "replaced"));
        assert_eq!(caller(&owner, second.clone()).asks("ping", json!({})).await.status(), 200);
        assert_eq!(alice.asks("ping", json!({})).await.status(), 200);
        gateway.clock.advance(Duration::from_secs(3_600));
        assert_eq!(alice.asks("ping", json!({})).await.status(), 401);
        let bad = browser.fills(&rotate.replace("rotate", "revoke"), &[]).await;
        assert!(browser.follows(&bad).await.text().contains("was revoked already."));

        let list = browser.opens(&format!("{own}?status=active")).await;
        assert!(!list.text().contains("replaced"));
        let revoke = link(&list, "Revoke Alice").unwrap();
        let asked = browser.opens(&revoke).await;
        assert!(asked.text().contains("it cannot be undone"));
        assert_eq!(
            caller(&owner, second.clone()).asks("ping", json!({})).await.status(),
            200,
            "GET does nothing"
        );
        let revoked = browser.submits(&asked, &[]).await;
        assert_eq!(caller(&owner, second).asks("ping", json!({})).await.status(), 401);
        let list = browser.follows(&revoked).await;
        let said = "'Alice Cursor' is revoked. Its gateway access is immediately disabled.";
        assert!(unescaped(&list.text()).contains(said));
        assert_eq!(owner.tokens().await.seats.used, 0);
        assert!(browser.opens(&format!("{own}?status=active")).await.text().contains("None of these"));
    })
    .await;
}

#[tokio::test]
async fn a_refused_token_is_explained_beside_its_field() {
    story(async |world| {
        let gateway = world.gateway_out_of_time().await;
        let mut owner = gateway.owner_on(Plan::Free).await;
        owner.creates_workspace("engineering").await;
        owner.creates_token("Alice").await;
        let mut browser = Browser::of(&owner).await;
        let new = "/workspaces/engineering/tokens/new";
        for (typed, status, field, words) in [
            (vec![("name", "Alice")], 409, "name", "An active token named 'Alice' exists."),
            (vec![("name", "")], 400, "name", "A name has 1 to 100 characters"),
            (vec![("name", "B"), ("life", "other")], 400, "span", "Say how long it is to live"),
            (vec![("name", "B"), ("life", "other"), ("span", "soon")], 400, "span", "Expected a span"),
            (vec![("name", "B"), ("life", "other"), ("span", "5s")], 400, "span", "A token lives 60 seconds"),
            (vec![("name", "B"), ("life", "odd")], 400, "life", "Expected a span"),
            (vec![("name", "B"), ("for", "nobody")], 400, "for", ""),
            (vec![("name", "B"), ("rate_limit", "many")], 400, "rate_limit", "This is no whole number."),
            (vec![("name", "B"), ("rate_limit", "0")], 400, "rate_limit", "A rate limit is 1 to"),
        ] {
            let refused = browser.fills(new, &typed).await;
            assert_eq!(refused.status(), status, "{typed:?}");
            let text = unescaped(&refused.text());
            assert!(
                text.contains(&format!("id=\"{field}-problem\" role=\"alert\">{words}")),
                "{typed:?}: {text}"
            );
        }
        for name in ["Bob", "Carol"] {
            owner.creates_token(name).await;
        }
        let full = browser.fills(new, &[("name", "Dave")]).await;
        assert_eq!(full.status(), 403);
        let text = full.text();
        assert!(
            text.contains("3 of 3 tokens used (Free plan). Revoke a token that nobody uses any more"),
            "{text}"
        );
        assert!(text.contains("value=\"Dave\"") && !text.contains("mwt_"));
        assert_eq!(owner.tokens().await.items.len(), 3);
    })
    .await;
}

#[tokio::test]
async fn long_lists_are_paged_and_keep_their_filter() {
    story(async |world| {
        let gateway = world.gateway_out_of_time().await;
        let mut owner = gateway.owner_on(Plan::Enterprise).await;
        owner.creates_workspace("engineering").await;
        for number in 0..101 {
            let request =
                CreateTokenRequest { expires_in: Some(600), ..token_named(&format!("Token {number:03}")) };
            owner.orders_token(&request).await.unwrap();
            gateway.clock.advance(Duration::from_millis(1));
        }
        let mut browser = Browser::of(&owner).await;
        let first = browser.opens("/workspaces/engineering/tokens?status=active").await;
        assert!(first.text().contains("Token 099") && !first.text().contains("Token 100"));
        let second = browser.opens(&link(&first, "Next page").unwrap()).await;
        assert!(!second.text().contains("Token 099") && second.text().contains("Token 100"));
        assert_eq!(
            link(&second, "First page").as_deref(),
            Some("/workspaces/engineering/tokens?status=active")
        );
        assert_eq!(browser.opens("/workspaces/engineering/tokens?cursor=!").await.status(), 400);
    })
    .await;
}
