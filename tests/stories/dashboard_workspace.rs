//! Workspaces on pages, without a script: made, looked at, changed, deleted.

use aerostack_tests::browser::Browser;
use aerostack_tests::page::{link, row, unescaped};
use aerostack_tests::story::story;

#[tokio::test]
async fn a_workspace_is_made_changed_and_deleted_on_pages() {
    story(async |world| {
        let gateway = world.gateway_out_of_time().await;
        let owner = gateway.owner().await;
        let mut browser = Browser::of(&owner).await;
        let empty = browser.opens("/").await;
        assert!(empty.text().contains("aerostack workspace create Engineering"));
        let new = link(&empty, "New workspace").unwrap();

        // What is wrong is said beside its field, and what was typed is still there.
        let refused = browser.fills(&new, &[("name", "Engineering"), ("slug", "No Slug")]).await;
        assert_eq!(refused.status(), 400);
        let text = refused.text();
        assert!(
            text.contains("id=\"slug-problem\" role=\"alert\">Expected 2 to 32 of a-z and 0-9"),
            "{text}"
        );
        assert!(text.contains("value=\"No Slug\"") && text.contains("value=\"Engineering\""));

        let made = browser.submits(&refused, &[("slug", ""), ("description", "For all of us")]).await;
        assert_eq!(made.header("location"), Some("/workspaces/engineering"));
        let overview = browser.follows(&made).await;
        let text = overview.text();
        assert!(text.contains("role=\"status\">Engineering is there."), "{text}");
        assert!(text.contains("For all of us") && text.contains("0 of 100 tokens used (Team plan)"));
        // It is said once.
        assert!(!browser.opens("/workspaces/engineering").await.text().contains("is there."));
        let taken = browser.fills(&new, &[("name", "Engineering")]).await;
        assert_eq!(taken.status(), 409);
        assert!(taken.text().contains("The slug &#39;engineering&#39; is taken"));
        assert_eq!(
            row(&browser.opens("/").await, "engineering"),
            "Engineering engineering 0 0 of 100 0 calls of Engineering today 0 just now"
        );

        let changed = [("name", "R&D"), ("tool_prefix", "never")];
        let done = browser.fills("/workspaces/engineering/settings", &changed).await;
        let text = browser.follows(&done).await.text();
        assert!(
            text.contains("R&#38;D") && text.contains("never") && text.contains("For all of us"),
            "{text}"
        );
        let odd = browser.fills("/workspaces/engineering/settings", &[("tool_prefix", "odd")]).await;
        assert_eq!(odd.status(), 400);
        assert!(odd.text().contains("Expected always, never or on-collision."));

        let wrong = browser.fills("/workspaces/engineering/delete", &[("confirm", "engineerin")]).await;
        assert_eq!(wrong.status(), 400);
        assert!(wrong.text().contains("This is not its slug."));
        let deleted = browser.submits(&wrong, &[("confirm", "engineering")]).await;
        let home = browser.follows(&deleted).await;
        assert!(home.text().contains("engineering is deleted. It had no tokens. Its log stays at"));
        assert_eq!(browser.opens("/workspaces/engineering").await.status(), 404);
        let log = browser.opens("/workspaces/engineering/audit").await;
        assert!(row(&log, "workspace_deleted").ends_with("engineering 0 tokens ended"), "{}", log.text());
        assert!(log.text().contains("which is deleted"));
        assert_eq!(browser.opens("/workspaces/nowhere/audit").await.status(), 404);
    })
    .await;
}

#[tokio::test]
async fn every_editor_is_given_its_block_and_the_same_as_at_the_command_line() {
    story(async |world| {
        let gateway = world.gateway_out_of_time().await;
        let mut owner = gateway.owner().await;
        owner.creates_workspace("engineering").await;
        let mut terminal = aerostack_tests::cli::Terminal::of(&owner);
        let page = unescaped(&Browser::of(&owner).await.opens("/workspaces/engineering").await.text());
        for client in ["claude-code", "claude-desktop", "cursor", "vscode", "windsurf", "codex"] {
            let block = terminal.does(&["workspace", "connect", "engineering", "--client", client]).await;
            assert!(page.contains(block.trim_end()), "{client}: {block}");
        }
    })
    .await;
}
