//! Servers on pages: seen, switched, put in and taken out; and the catalogue they come from.

use aerostack_core::member::TeamRole;
use aerostack_core::plan::Plan;
use aerostack_core::server::SessionMode;
use aerostack_tests::answer::Answer;
use aerostack_tests::browser::Browser;
use aerostack_tests::scene::story_behind;
use aerostack_tests::story::story;
use aerostack_tests::upstream::Setup;

/// The page that a form leads to.
pub(super) async fn follows(browser: &mut Browser, answer: &Answer) -> String {
    let page = browser.follows(answer).await;
    assert_eq!(page.status(), 200, "{}", page.text());
    page.text()
}

/// The page at a path.
pub(super) async fn sees(browser: &mut Browser, path: &str) -> String {
    let page = browser.opens(path).await;
    assert_eq!(page.status(), 200, "{path}: {}", page.text());
    page.text()
}

#[tokio::test]
async fn servers_and_tools_are_switched_on_their_pages() {
    story_behind(&[Setup::modern()], async |scene| {
        let mut browser = Browser::of(&scene.owner).await;
        let list = sees(&mut browser, "/workspaces/engineering/servers").await;
        assert!(
            list.contains("<span class=\"badge good\">ok</span>") && list.contains("desk__echo"),
            "{list}"
        );
        let own = "/workspaces/engineering/servers/desk";
        let page = sees(&mut browser, own).await;
        assert!(page.contains("name=\"disable\" value=\"echo\""), "{page}");
        let off = browser.sends(&format!("{own}/tools"), &[("disable", "echo")]).await;
        let page = follows(&mut browser, &off).await;
        assert!(page.contains("echo is off.") && page.contains("name=\"enable\" value=\"echo\""), "{page}");
        assert!(scene.owner.tools().await.items.iter().any(|tool| tool.tool == "echo" && !tool.enabled));
        let on = browser.sends(&format!("{own}/tools"), &[("enable", "echo")]).await;
        assert!(follows(&mut browser, &on).await.contains("echo is on."));
        let off = browser.sends(&format!("{own}/switch"), &[("enabled", "no"), ("back", "list")]).await;
        let list = follows(&mut browser, &off).await;
        assert!(list.contains("<span class=\"badge plain\">disabled</span>"), "{list}");
        let on = browser.sends(&format!("{own}/switch"), &[("enabled", "yes")]).await;
        assert!(follows(&mut browser, &on).await.contains("desk is on."));
        let test = browser.sends(&format!("{own}/test"), &[]).await;
        assert_eq!(test.status(), 200);
        assert!(test.text().contains("<code>echo</code>"), "{}", test.text());
        let asked = sees(&mut browser, &format!("{own}/uninstall")).await;
        assert!(asked.contains("Uninstall desk?"), "{asked}");
        let gone = browser.sends(&format!("{own}/uninstall"), &[]).await;
        let list = follows(&mut browser, &gone).await;
        assert!(list.contains("No servers yet"), "{list}");
        assert_eq!(browser.opens(own).await.status(), 404);
    })
    .await;
}

#[tokio::test]
async fn a_server_is_added_and_installed_in_one_step_or_not_at_all() {
    story(async |world| {
        let gateway = world.gateway().await;
        let mut owner = gateway.owner().await;
        owner.creates_workspace("engineering").await;
        let upstream = Setup::modern().start().await;
        let url = upstream.url();
        let mut browser = Browser::of(&owner).await;
        let form = "/workspaces/engineering/servers/-/add";
        sees(&mut browser, form).await;
        let wrong = browser.sends(form, &[("slug", "desk"), ("url", "mcp"), ("auth", "none")]).await;
        assert_eq!(wrong.status(), 400);
        let text = wrong.text();
        assert!(text.contains("id=\"url-problem\"") && text.contains("value=\"desk\""), "{text}");
        let unnamed = browser.sends(form, &[("slug", "desk"), ("url", &url), ("auth", "bearer")]).await;
        assert!(unnamed.text().contains("id=\"key-problem\""), "{}", unnamed.text());
        let done = browser.sends(form, &[("slug", "desk"), ("url", &url), ("auth", "none")]).await;
        let page = follows(&mut browser, &done).await;
        assert!(page.contains("desk is installed.") && page.contains("desk__echo"), "{page}");
        let again = browser.sends(form, &[("slug", "desk"), ("url", &url), ("auth", "none")]).await;
        assert_eq!(again.status(), 400);
        assert!(again.text().contains("&#39;desk&#39; is @"), "{}", again.text());
        let asks = [("slug", "hub"), ("url", url.as_str()), ("auth", "bearer"), ("key", "hub-key")];
        let done = browser.sends(form, &asks).await;
        let page = follows(&mut browser, &done).await;
        assert!(page.contains("Set a secret") && page.contains("value=\"HUB_KEY\""), "{page}");
        let choose = "/workspaces/engineering/servers/-/install";
        let listed = sees(&mut browser, choose).await;
        assert!(listed.contains("desk (installed)"), "{listed}");
        let fields = [("server", format!("@{}/desk", owner.username)), ("as", "second".to_owned())];
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, text)| (*name, text.as_str())).collect();
        let done = browser.sends(choose, &fields).await;
        assert!(follows(&mut browser, &done).await.contains("second__echo"));
        let unknown = browser.sends(choose, &[("server", "desk"), ("as", "No Slug")]).await;
        assert!(unknown.text().contains("id=\"as-problem\""), "{}", unknown.text());
    })
    .await;
}

#[tokio::test]
async fn the_catalogue_is_kept_on_its_page() {
    story(async |world| {
        let gateway = world.gateway().await;
        let mut owner = gateway.owner().await;
        owner.creates_workspace("engineering").await;
        let upstream = Setup::modern().start().await;
        let mut browser = Browser::of(&owner).await;
        assert!(sees(&mut browser, "/catalog").await.contains("aerostack mcp add"));
        let add = "/catalog/-/add";
        let added = browser.sends(add, &[("slug", "desk"), ("url", &upstream.url())]).await;
        assert!(follows(&mut browser, &added).await.contains(&upstream.url()));
        let taken = browser.sends(add, &[("slug", "desk"), ("url", &upstream.url())]).await;
        assert_eq!(taken.status(), 409);
        assert!(taken.text().contains("id=\"slug-problem\""), "{}", taken.text());
        let test = browser.sends("/catalog/desk/test", &[]).await;
        assert!(test.text().contains("<code>echo</code>"), "{}", test.text());
        let edit = "/catalog/desk/edit";
        assert!(sees(&mut browser, edit).await.contains(&upstream.url()));
        let url = upstream.url();
        let fields = [("url", url.as_str()), ("auth", "headers"), ("session", "shared"), ("timeout", "0")];
        let saved = browser.sends(edit, &fields).await;
        assert!(follows(&mut browser, &saved).await.contains("<code>headers</code>"));
        let fields = [("url", url.as_str()), ("timeout", "5000")];
        let refused = browser.sends(edit, &fields).await;
        assert!(refused.text().contains("id=\"timeout-problem\""), "{}", refused.text());
        owner.installs_known("desk", None).await.unwrap();
        let asked = sees(&mut browser, "/catalog/desk/delete").await;
        assert!(asked.contains("Uninstall it first") && !asked.contains("class=\"danger\""), "{asked}");
        assert_eq!(browser.sends("/catalog/desk/delete", &[]).await.status(), 409);
        owner.uninstalls("desk").await;
        sees(&mut browser, "/catalog").await;
        let gone = browser.sends("/catalog/desk/delete", &[]).await;
        assert!(follows(&mut browser, &gone).await.contains("No servers yet"));
    })
    .await;
}

#[tokio::test]
async fn a_member_sees_servers_and_changes_none() {
    story_behind(&[Setup::modern()], async |scene| {
        let member = scene.gateway.somebody("dora", Plan::Free).await;
        scene.gateway.lets_join(&scene.owner, &member, TeamRole::Member).await;
        let mut browser = Browser::of(&member).await;
        let list = sees(&mut browser, "/workspaces/engineering/servers").await;
        assert!(list.contains("desk__echo"), "{list}");
        for shown in ["Uninstall", "Disable", "Install from", ">Secrets<", ">Members<"] {
            assert!(!list.contains(shown), "{shown}: {list}");
        }
        let own = "/workspaces/engineering/servers/desk";
        let page = sees(&mut browser, own).await;
        assert!(!page.contains("name=\"disable\"") && !page.contains("/test"), "{page}");
        for (path, fields) in [
            (format!("{own}/switch"), vec![("enabled", "no")]),
            (format!("{own}/tools"), vec![("disable", "echo")]),
            (format!("{own}/uninstall"), vec![]),
            ("/workspaces/engineering/servers/-/install".to_owned(), vec![("server", "desk")]),
            ("/workspaces/engineering/servers/-/add".to_owned(), vec![("slug", "x-y")]),
            ("/workspaces/engineering/secrets/set".to_owned(), vec![("name", "X"), ("value", "y")]),
            ("/workspaces/engineering/members/invite".to_owned(), vec![("email", "e@company.com")]),
        ] {
            assert_eq!(browser.sends(&path, &fields).await.status(), 403, "{path}");
        }
        for path in ["secrets", "secrets/set", "members", "members/invite", "servers/-/install"] {
            let path = format!("/workspaces/engineering/{path}");
            assert_eq!(browser.opens(&path).await.status(), 403, "{path}");
        }
        let catalogue = format!("/catalog?team={}", scene.owner.username);
        assert_eq!(browser.opens(&catalogue).await.status(), 403);
        assert!(scene.owner.tools().await.items.iter().all(|tool| tool.enabled));
        let mut stranger = Browser::of(&scene.gateway.somebody("emil", Plan::Free).await).await;
        for path in ["servers", "servers/desk", "secrets", "members"] {
            let path = format!("/workspaces/engineering/{path}");
            assert_eq!(stranger.opens(&path).await.status(), 404, "{path}");
        }
        assert_eq!(stranger.opens(&catalogue).await.status(), 404);
    })
    .await;
}

#[tokio::test]
async fn a_server_that_is_down_says_so_on_its_pages() {
    story(async |world| {
        let gateway = world.gateway().await;
        let mut owner = gateway.owner().await;
        owner.creates_workspace("engineering").await;
        // Nothing listens there: the port is for discarding, and nobody runs that.
        owner.adds("down", "http://127.0.0.1:9/mcp", SessionMode::default(), None).await;
        owner.installs_known("down", None).await.unwrap();
        let mut browser = Browser::of(&owner).await;
        let list = sees(&mut browser, "/workspaces/engineering/servers").await;
        assert!(list.contains("<span class=\"badge bad\">failing</span>"), "{list}");
        assert!(list.contains("class=\"sub failing\""), "{list}");
        let page = sees(&mut browser, "/workspaces/engineering/servers/down").await;
        assert!(page.contains("class=\"problem\"") && page.contains("None are known."), "{page}");
        let test = browser.sends("/workspaces/engineering/servers/down/test", &[]).await;
        assert!(test.text().contains("no answer"), "{}", test.text());
    })
    .await;
}
