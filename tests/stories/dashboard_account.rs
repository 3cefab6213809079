//! One's own account on pages: keys made, shown once and revoked; browsers signed out.

use aerostack_core::api::operation::endpoint;
use aerostack_core::api::page::Empty;
use aerostack_tests::browser::Browser;
use aerostack_tests::page::{link, row, unescaped};
use aerostack_tests::person::Person;
use aerostack_tests::story::story;

#[tokio::test]
async fn a_key_is_made_shown_once_and_revoked_on_pages() {
    story(async |world| {
        let gateway = world.gateway_out_of_time().await;
        let owner = gateway.owner().await;
        let mut browser = Browser::of(&owner).await;
        let account = browser.opens("/account").await;
        let text = account.text();
        for words in ["Team plan", "@acme", "0 of 20 used", "100 active tokens in each workspace", "this one"]
        {
            assert!(text.contains(words), "{words}: {text}");
        }
        // When it was last used is written behind the request that used it.
        assert!(row(&account, "story").starts_with("story active just now"));

        let made = browser.fills("/account/keys/new", &[("name", "ci <b>")]).await;
        assert_eq!((made.status(), made.header("cache-control")), (200, Some("no-store")));
        let text = made.text();
        let start = text.find("ak_").unwrap();
        let key: String =
            text[start..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        let ci = Person::new(gateway.address(), "acme", &key, gateway.clock.clone());
        assert!(ci.asks::<endpoint::ShowAccount>(&[], &Empty {}).await.is_ok());
        assert!(!browser.opens("/account").await.text().contains(&key));
        let taken = browser.fills("/account/keys/new", &[("name", "ci <b>")]).await;
        assert_eq!(taken.status(), 409);
        assert!(unescaped(&taken.text()).contains("An active key named 'ci <b>' exists."));

        let page = browser.opens("/account").await;
        let revokes: Vec<String> = page
            .text()
            .split("href=\"")
            .filter_map(|part| part.split('"').next())
            .filter(|href| href.ends_with("/revoke"))
            .map(str::to_owned)
            .collect();
        assert_eq!(revokes.len(), 2);
        let mut done = None;
        for revoke in &revokes {
            let asked = browser.opens(revoke).await;
            if unescaped(&asked.text()).contains("Revoke the key 'ci <b>'?") {
                done = Some(browser.submits(&asked, &[]).await);
                break;
            }
        }
        let page = browser.follows(&done.unwrap()).await;
        assert!(unescaped(&page.text()).contains("The key 'ci <b>' is revoked."));
        assert!(row(&page, "revoked").starts_with("ci <b> revoked"));
        assert!(ci.asks::<endpoint::ShowAccount>(&[], &Empty {}).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn browsers_are_signed_out_one_by_one_and_all_at_once() {
    story(async |world| {
        let gateway = world.gateway_out_of_time().await;
        let owner = gateway.owner().await;
        let mut other = Browser::of(&owner).await;
        let mut here = Browser::of(&owner).await;
        let page = here.opens("/account").await;
        let text = page.text();
        let rows: Vec<&str> =
            text.split("<tr").filter(|row| row.contains("/account/sessions/sid_")).collect();
        let others = rows.iter().find(|row| !row.contains("this one")).unwrap();
        let path = others.split("action=\"").nth(1).unwrap().split('"').next().unwrap();
        let done = here.sends(path, &[]).await;
        assert!(here.follows(&done).await.text().contains("That browser is signed out."));
        assert_eq!(other.opens("/account").await.header("location"), Some("/sign-in"));
        // Somebody else's session is nobody's here.
        let stranger = gateway.somebody("globex", aerostack_core::plan::Plan::Pro).await;
        let mut foreign = Browser::of(&stranger).await;
        foreign.opens("/account").await;
        let own = text.split("<tr").find(|row| row.contains("this one")).unwrap();
        let own = own.split("action=\"").nth(1).unwrap().split('"').next().unwrap();
        assert_eq!(foreign.sends(own, &[]).await.status(), 404);

        let end = link(&here.opens("/account").await, "Sign out everywhere").unwrap();
        let done = here.fills(&end, &[]).await;
        assert_eq!(done.header("location"), Some("/sign-in"));
        assert_eq!(here.opens("/").await.header("location"), Some("/sign-in"));
        assert_eq!(foreign.opens("/").await.status(), 200);
    })
    .await;
}
