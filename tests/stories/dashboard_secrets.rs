//! Secrets on their page: set, replaced, deleted, and their values never seen again.

use aerostack_core::plan::Plan;
use aerostack_tests::browser::Browser;
use aerostack_tests::scene::Scene;
use aerostack_tests::story::story;
use aerostack_tests::upstream::{Setup, Upstream};

use super::dashboard_servers::{follows, sees};

const PAGE: &str = "/workspaces/engineering/secrets";
const FORM: &str = "/workspaces/engineering/secrets/set";
const VALUE: &str = "ghp_the-value-that-nobody-sees";

/// A server that asks for a secret, and one that asks for none.
async fn set(scene: &Scene) -> Upstream {
    let upstream = Setup::modern().bearer(VALUE).start().await;
    scene.owner.installs_with("hub", &upstream, "bearer:HUB_KEY").await;
    upstream
}

#[tokio::test]
async fn a_value_goes_in_is_used_and_is_never_shown() {
    story(async |world| {
        let scene = Scene::set(world, Setup::modern()).await;
        let _upstream = set(&scene).await;
        let mut browser = Browser::of(&scene.owner).await;
        let page = sees(&mut browser, PAGE).await;
        assert!(page.contains("HUB_KEY") && page.contains(">missing</span>"), "{page}");
        let form = sees(&mut browser, &format!("{FORM}?server=hub&name=HUB_KEY&value={VALUE}")).await;
        assert!(
            form.contains("type=\"password\" value=\"\"") && form.contains("autocomplete=\"off\""),
            "{form}"
        );
        assert!(form.contains("<option value=\"hub\" selected>"), "{form}");
        let done = browser.sends(FORM, &[("name", "hub-key"), ("value", VALUE)]).await;
        assert!(!done.header("location").unwrap().contains('?'));
        assert!(!browser.cookie_line().contains(VALUE));
        let page = follows(&mut browser, &done).await;
        assert!(page.contains("HUB_KEY of hub is set. It is sent as Authorization: Bearer …"), "{page}");
        assert!(page.contains(">used</span>") && !page.contains(VALUE) && !form.contains(VALUE), "{page}");
        assert_eq!(scene.alice.calls("hub__echo", serde_json::json!({ "text": "hi" })).await.status(), 200);
        let asked = sees(&mut browser, &format!("{PAGE}/hub/HUB_KEY/delete")).await;
        assert!(asked.contains("Delete HUB_KEY of hub?"), "{asked}");
        let gone = browser.sends(&format!("{PAGE}/hub/HUB_KEY/delete"), &[]).await;
        let page = follows(&mut browser, &gone).await;
        assert!(page.contains("HUB_KEY of hub is deleted.") && page.contains(">missing</span>"), "{page}");
        assert_eq!(browser.opens(&format!("{PAGE}/hub/HUB_KEY/delete")).await.status(), 404);
    })
    .await;
}

#[tokio::test]
async fn what_is_refused_is_said_beside_its_field_without_the_value() {
    story(async |world| {
        let scene = Scene::set(world, Setup::modern()).await;
        let _upstream = set(&scene).await;
        let mut browser = Browser::of(&scene.owner).await;
        sees(&mut browser, FORM).await;
        let line_break = format!("{VALUE}\n");
        for (fields, field) in [
            ([("name", "HUB_KEY"), ("value", "")], "value"),
            ([("name", "HUB_KEY"), ("value", line_break.as_str())], "value"),
            ([("name", " "), ("value", VALUE)], "name"),
            ([("name", "OTHER"), ("value", VALUE)], "server"),
        ] {
            let refused = browser.sends(FORM, &fields).await;
            let text = refused.text();
            assert!(text.contains(&format!("id=\"{field}-problem\"")), "{field}: {text}");
            assert!(!text.contains(VALUE) && matches!(refused.status(), 400 | 409), "{text}");
        }
        assert!(sees(&mut browser, PAGE).await.contains(">missing</span>"));
    })
    .await;
}

#[tokio::test]
async fn secrets_are_no_business_of_operators_and_forged_forms_set_none() {
    story(async |world| {
        let gateway = world.gateway().await;
        let mut boss = gateway.somebody("boss", Plan::Team).await;
        boss.creates_workspace("engineering").await;
        let upstream = Setup::modern().start().await;
        let operator = gateway.owner().await;
        operator.adds("hub", &upstream.url(), aerostack_core::server::SessionMode::default(), None).await;
        operator
            .within("engineering")
            .installs_known(&format!("@{}/hub", operator.username), None)
            .await
            .unwrap();
        let mut browser = Browser::of(&operator).await;
        let servers = sees(&mut browser, "/workspaces/engineering/servers").await;
        assert!(servers.contains("hub") && !servers.contains(">Secrets<"), "{servers}");
        assert_eq!(browser.opens(PAGE).await.status(), 403);
        assert_eq!(
            browser.sends(FORM, &[("name", "K"), ("value", VALUE), ("server", "hub")]).await.status(),
            403
        );
        let mut own = Browser::of(&boss).await;
        sees(&mut own, FORM).await;
        let fields = [("name", "K"), ("value", VALUE), ("server", "hub")];
        let forged = own.sends_from(&format!("http://{}", boss.address), FORM, &fields).await;
        assert_eq!(forged.status(), 403);
        assert_eq!(own.clone().sends_from("http://evil.test", FORM, &fields).await.status(), 403);
        let mut nobody = Browser::at(boss.address);
        nobody.opens("/sign-in").await;
        let refused = nobody.sends(FORM, &fields).await;
        assert_eq!((refused.status(), refused.header("location")), (303, Some("/sign-in")));
        assert!(sees(&mut own, PAGE).await.contains("No secrets yet"));
    })
    .await;
}
