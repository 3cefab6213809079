//! Programs on pages: what is run is shown to those who may see it, and changed on none of them.

use aerostack_core::api::page::Page;
use aerostack_core::api::server::ServerView;
use aerostack_core::member::TeamRole;
use aerostack_core::plan::Plan;
use aerostack_core::server::SessionMode;
use aerostack_tests::browser::Browser;
use aerostack_tests::cli::Terminal;
use aerostack_tests::stdio::{Example, Workshop};
use aerostack_tests::story::story;

use super::dashboard_servers::{follows, sees};

async fn entry(terminal: &mut Terminal) -> ServerView {
    let catalogue = terminal.does(&["mcp", "catalog", "--output", "json"]).await;
    let found: Page<ServerView> = serde_json::from_str(&catalogue).expect("a catalogue");
    found.items.into_iter().find(|server| server.slug.as_str() == "desk").expect("it stands there")
}

#[tokio::test]
async fn a_program_is_shown_by_its_command_and_its_manner_alone_is_changed_on_pages() {
    story(async |world| {
        let shop = Workshop::set(world, &["--noise"]).await;
        let mut terminal = Terminal::of(&shop.owner);
        terminal.does(&["mcp", "edit", "desk", "--env", "API_HOST=<api>", "--secret", "API_KEY"]).await;
        let before = entry(&mut terminal).await;
        let program = Example::path().display().to_string();
        let mut browser = Browser::of(&shop.owner).await;
        let edit = "/catalog/desk/edit";
        for path in ["/catalog", edit, "/workspaces/engineering/servers/desk"] {
            let page = sees(&mut browser, path).await;
            assert!(page.contains(&program) && page.contains("--noise"), "{path}: {page}");
            assert!(!page.contains(&before.url), "{path}: the digest tells nobody anything: {page}");
        }
        let page = sees(&mut browser, edit).await;
        assert!(!page.contains("name=\"url\"") && !page.contains("name=\"auth\""), "{page}");
        assert!(page.contains("API_HOST=&#60;api&#62;") && page.contains("mcp edit desk -- …"), "{page}");
        let own = sees(&mut browser, "/workspaces/engineering/servers/desk").await;
        assert!(own.contains("secrets/set?server=desk&#38;name=API_KEY"), "{own}");
        let typed =
            [("session", "shared"), ("timeout", "60"), ("url", "http://127.0.0.1:1/"), ("auth", "headers")];
        let saved = browser.sends(edit, &typed).await;
        assert!(follows(&mut browser, &saved).await.contains("desk is saved."));
        let expected = ServerView { session: SessionMode::Shared, timeout: Some(60), ..before };
        assert_eq!(entry(&mut terminal).await, expected, "nothing else has changed");
        for path in ["/catalog/-/add", "/workspaces/engineering/servers/-/add"] {
            let page = sees(&mut browser, path).await;
            assert!(page.contains("aerostack mcp add files --stdio -- …"), "{path}: {page}");
        }
        let test = browser.sends("/catalog/desk/test", &[]).await;
        assert!(test.text().contains("<code>echo</code>"), "{}", test.text());
    })
    .await;
}

#[tokio::test]
async fn an_admin_installs_a_program_on_pages_and_changes_none() {
    story(async |world| {
        let shop = Workshop::set(world, &[]).await;
        let anna = shop.gateway.somebody("anna", Plan::Team).await;
        shop.gateway.lets_join(&shop.owner, &anna, TeamRole::Admin).await;
        let mut browser = Browser::of(&anna).await;
        let own = sees(&mut browser, "/workspaces/engineering/servers/desk").await;
        assert!(!own.contains("Set a secret"), "no operator has named one: {own}");
        let fields = [("server", "@acme/desk"), ("as", "again")];
        let done = browser.sends("/workspaces/engineering/servers/-/install", &fields).await;
        let page = follows(&mut browser, &done).await;
        assert!(page.contains("again is installed.") && page.contains("again__echo"), "{page}");
        let refused = browser.sends("/catalog/desk/edit?team=acme", &[("session", "shared")]).await;
        assert_eq!(refused.status(), 403);
        let text = refused.text();
        assert!(text.contains("nly an operator adds or changes servers that are programs"), "{text}");
    })
    .await;
}

#[tokio::test]
async fn where_no_programs_are_run_a_page_says_so() {
    story(async |world| {
        let mut shop = Workshop::set(world, &[]).await;
        shop.gateway.stops().await;
        shop.gateway.config.stdio = None;
        shop.gateway.starts().await;
        let mut browser = Browser::of(&shop.owner.at(shop.gateway.address())).await;
        for path in ["/workspaces/engineering/servers", "/workspaces/engineering/servers/desk"] {
            let page = sees(&mut browser, path).await;
            assert!(page.contains("<span class=\"badge plain\">disabled</span>"), "{path}: {page}");
            assert!(page.contains("the gateway was started without --allow-stdio"), "{path}: {page}");
        }
    })
    .await;
}
