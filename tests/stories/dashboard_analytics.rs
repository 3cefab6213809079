//! Analytics on pages: figures, charts, filters in the address, sheets, and whose calls one sees.

use std::time::Duration;

use aerostack_core::account::Email;
use aerostack_core::api::operation::endpoint;
use aerostack_core::api::page::PageQuery;
use aerostack_core::api::token::CreateTokenRequest;
use aerostack_tests::browser::Browser;
use aerostack_tests::crew::Crew;
use aerostack_tests::page::{link, row, unescaped, words};
use aerostack_tests::patience::eventually;
use aerostack_tests::person::token_named;
use aerostack_tests::scene::Scene;
use aerostack_tests::story::story;
use aerostack_tests::upstream::Setup;
use serde_json::json;

const OWN: &str = "/workspaces/engineering/analytics";

#[tokio::test]
async fn a_recorded_call_is_on_the_page_soon() {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        let mut browser = Browser::of(&scene.owner).await;
        let empty = browser.opens(OWN).await.text();
        assert!(empty.contains("No calls yet") && empty.contains("aerostack workspace connect engineering"));
        scene.alice.calls("desk__echo", json!({ "text": "hi" })).await;
        scene.alice.calls("desk__fail", json!({})).await;
        eventually("both calls are shown", async || {
            let page = browser.opens(OWN).await;
            words(&page.text()).contains("Calls 2 Errors 1 50%")
        })
        .await;
        let page = browser.opens(OWN).await;
        assert!(
            row(&page, "Alice Chen").starts_with("Alice Chen 2 1 · 50% "),
            "{}",
            row(&page, "Alice Chen")
        );
        assert!(row(&page, ">desk__fail<").starts_with("desk__fail 1 1 · 100% "));
        assert!(row(&page, ">desk<").starts_with("desk 2 1 · 50% "));
        let text = page.text();
        assert_eq!(text.matches("role=\"img\" aria-label=\"").count(), 3);
        assert!(text.contains("<title>") && text.contains("ok 1, errors 1</title>"), "{text}");
        assert!(text.contains("id=\"report\" data-live"));

        // The list of workspaces has today's, the same as the API.
        let home = browser.opens("/").await;
        let shown = row(&home, "engineering");
        assert!(
            shown.starts_with("engineering engineering 1 1 of 100 2 calls of engineering today 1 "),
            "{shown}"
        );
        let today = scene.owner.asks::<endpoint::ListCallsToday>(&[], &PageQuery::default()).await.unwrap();
        let today = today.items.into_iter().map(|of| (of.workspace.to_string(), of.calls, of.errors));
        assert_eq!(today.collect::<Vec<_>>(), [("engineering".to_owned(), 2, 1)]);
    })
    .await;
}

#[tokio::test]
async fn period_and_filter_stand_in_the_address_and_lead_to_their_sheets() {
    story(async |world| {
        let scene = Scene::set_in(world.gateway_out_of_time().await, Setup::legacy()).await;
        let bob = scene.owner.creates_token("Bob & Söhne").await;
        scene.alice.calls("desk__echo", json!({ "text": "hi" })).await;
        bob.calls("desk__echo", json!({ "text": "hi" })).await;
        bob.calls("desk__add", json!({ "a": 1, "b": 2 })).await;
        let mut browser = Browser::of(&scene.owner).await;
        let week = browser.opens(OWN).await;
        let day = browser.opens(&link(&week, "24 hours").unwrap()).await;
        let of_bob = link(&day, "Bob & Söhne").unwrap();
        assert_eq!(of_bob, "?period=24h&user=Bob+%26+S%C3%B6hne");
        let page = browser.opens(&format!("{OWN}{of_bob}")).await;
        assert!(words(&page.text()).contains("Calls 2 Errors 0 0%"), "{}", page.text());
        assert!(!page.text().contains("Alice Chen"));
        let both = browser.opens(&format!("{OWN}{}", link(&page, "desk__add").unwrap())).await;
        assert!(words(&both.text()).contains("Calls 1 Errors 0 0%"));
        assert_eq!(link(&both, "All calls").as_deref(), Some("/workspaces/engineering/analytics?period=24h"));
        let form = unescaped(&both.text());
        assert!(form.contains("value=\"Bob & Söhne\"") && form.contains("value=\"desk__add\""), "{form}");

        let sheet = browser.opens(&link(&page, "CSV").unwrap()).await;
        assert_eq!(sheet.header("content-type"), Some("text/csv; charset=utf-8"));
        let name = "attachment; filename=\"analytics-engineering.csv\"";
        assert_eq!(sheet.header("content-disposition"), Some(name));
        let rows: Vec<String> =
            sheet.text().lines().map(|row| row.split(',').take(6).collect::<Vec<_>>().join(",")).collect();
        let own = |tool| format!("Bob & Söhne,,{},desk,{tool},1", bob.id);
        assert_eq!(
            rows,
            ["user,email,token_id,server,tool,calls".to_owned(), own("desk__add"), own("desk__echo")]
        );
        let calls = browser.opens(&link(&page, "single calls").unwrap()).await;
        assert_eq!(calls.text().lines().count(), 3);

        let nothing = browser.opens(&format!("{OWN}?user=Nobody")).await.text();
        assert!(nothing.contains("No such calls") && nothing.contains("All calls"));
        for bad in ["", "/figures.csv", "/calls.csv"] {
            let answer = browser.opens(&format!("{OWN}{bad}?period=soon")).await;
            assert_eq!(answer.status(), 400, "{bad}");
        }
        assert_eq!(browser.opens(&format!("{OWN}/nothing")).await.status(), 404);
    })
    .await;
}

#[tokio::test]
async fn members_see_their_own_calls_and_no_others() {
    story(async |world| {
        let gateway = world.gateway_out_of_time().await;
        let crew = Crew::gather(&gateway).await;
        // Of a server at this machine, which is for operators alone: every call fails.
        let upstream = Setup::legacy().start().await;
        crew.owner.installs("desk", &upstream).await;
        let alice = crew.owner.creates_token("Alice Chen").await;
        let tied = CreateTokenRequest {
            person: Some(Email::parse("bob@example.com").unwrap()),
            ..token_named("Robert")
        };
        let robert = crew.owner.caller(&crew.owner.orders_token(&tied).await.unwrap());
        alice.calls("desk__echo", json!({ "text": "hi" })).await;
        robert.calls("desk__fail", json!({})).await;
        robert.calls("desk__echo", json!({ "text": "hi" })).await;

        let mut bob = Browser::of(&crew.member).await;
        let page = bob.opens(OWN).await;
        let text = page.text();
        assert!(text.contains("Your own calls") && !text.contains("name=\"user\""), "{text}");
        assert!(
            row(&page, "Robert").starts_with("Robert bob@example.com 2 2 · 100% "),
            "{}",
            row(&page, "Robert")
        );
        let sheet = bob.opens(&format!("{OWN}/figures.csv")).await.text();
        let asked = bob.opens(&format!("{OWN}?user=Alice+Chen")).await.text();
        for shown in [&text, &sheet, &asked.replace("value=\"Alice Chen\"", "")] {
            assert!(!shown.contains("Alice Chen"), "{shown}");
        }
        let home = row(&bob.opens("/").await, "engineering");
        assert!(home.contains(" 2 calls of Engineering today 2 "), "{home}");
        let home = row(&Browser::of(&crew.admin).await.opens("/").await, "engineering");
        assert!(home.contains(" 3 calls of Engineering today 3 "), "{home}");
        let today = crew.stranger.asks::<endpoint::ListCallsToday>(&[], &PageQuery::default()).await.unwrap();
        assert_eq!(today.items, []);
    })
    .await;
}

#[tokio::test]
async fn an_open_page_that_asks_for_itself_swallows_nothing_and_keeps_nobody_signed_in() {
    story(async |world| {
        let gateway = world.gateway_out_of_time().await;
        let owner = gateway.owner().await;
        let mut browser = Browser::of(&owner).await;
        let live = [("Aerostack-Live", "1")];
        let made = browser.fills("/new-workspace", &[("name", "Engineering")]).await;
        assert_eq!(made.status(), 303);
        let itself = browser.opens_with("/", &live).await;
        assert!(itself.header("set-cookie").is_none() && itself.text().contains("/workspaces/engineering"));
        assert!(browser.follows(&made).await.text().contains("Engineering is there."));

        // Twelve hours after somebody last did something, the page that looks on is signed out too.
        let mut seen = Vec::new();
        for minutes in [300, 400, 30] {
            gateway.clock.advance(Duration::from_secs(minutes * 60));
            seen.push(browser.opens_with("/", &live).await.status());
        }
        assert_eq!(seen, [200, 200, 303]);
    })
    .await;
}
