//! Skills on their pages: found, shown, installed, upgraded, shown to others and taken away.

use aerostack_core::api::skill::PublishSkillRequest;
use aerostack_core::member::TeamRole;
use aerostack_core::plan::Plan;
use aerostack_core::skill::Visibility;
use aerostack_tests::browser::Browser;
use aerostack_tests::function::Function;
use aerostack_tests::person_skill::manifest;
use aerostack_tests::story::story;

use super::dashboard_servers::{follows, sees};

#[tokio::test]
async fn a_skill_is_found_installed_upgraded_and_taken_out() {
    story(async |world| {
        let gateway = world.gateway().await;
        let mut owner = gateway.owner_on(Plan::Team).await;
        owner.creates_workspace("engineering").await;
        let function = Function::starts().await;
        let mut browser = Browser::of(&owner).await;
        assert!(sees(&mut browser, "/skills").await.contains("aerostack skill init"));
        owner.publishes("deploy", Visibility::Team, &function).await;
        let own = format!("/skills/{}/deploy", owner.username);
        let reference = format!("@{}/deploy", owner.username);
        for path in ["/skills", "/skills?in=all", "/skills?q=What+dep"] {
            assert!(sees(&mut browser, path).await.contains(&own), "{path}");
        }
        let none = sees(&mut browser, "/skills?q=%22%3E%3Cb%3E&in=all").await;
        assert!(none.contains("Nothing found") && !none.contains("<b>"), "{none}");
        let page = sees(&mut browser, &own).await;
        assert!(page.contains(&reference) && page.contains("None of your workspaces has it."), "{page}");
        let install = format!("{own}/install");
        assert!(sees(&mut browser, &install).await.contains("<option value=\"engineering\">"));
        let none = browser.sends(&install, &[]).await;
        assert!(none.text().contains("id=\"workspace-problem\""), "{}", none.text());
        let done = browser.sends(&install, &[("workspace", "engineering"), ("as", "ship")]).await;
        let page = follows(&mut browser, &done).await;
        assert!(page.contains("ship is installed.") && page.contains(&own), "{page}");
        assert!(!page.contains("Upgrade to"), "{page}");
        let newer: PublishSkillRequest = manifest("deploy", "1.1.0", &function);
        owner.orders_skill(&newer).await.unwrap();
        let page = sees(&mut browser, &own).await;
        assert!(page.contains("Upgrade to 1.1.0") && page.contains("as ship"), "{page}");
        let upgrade = "/workspaces/engineering/servers/ship/upgrade";
        let done = browser.sends(upgrade, &[("version", "1.1.0")]).await;
        assert!(follows(&mut browser, &done).await.contains("ship moved from 1.0.0 to 1.1.0."));
        let done = browser.sends("/workspaces/engineering/servers/ship/uninstall", &[]).await;
        assert!(follows(&mut browser, &done).await.contains("ship is uninstalled."));
        assert_eq!(browser.opens(&format!("/skills/{}/nothing", owner.username)).await.status(), 404);
    })
    .await;
}

#[tokio::test]
async fn who_may_use_a_skill_is_changed_by_whoever_manages_it_alone() {
    story(async |world| {
        let gateway = world.gateway().await;
        let owner = gateway.owner_on(Plan::Team).await;
        let function = Function::starts().await;
        owner.publishes("deploy", Visibility::Team, &function).await;
        let own = format!("/skills/{}/deploy", owner.username);
        let change = format!("{own}/visibility");
        let member = gateway.somebody("dora", Plan::Free).await;
        gateway.lets_join(&owner, &member, TeamRole::Member).await;
        let mut theirs = Browser::of(&member).await;
        assert!(!sees(&mut theirs, &own).await.contains("/visibility"));
        assert_eq!(theirs.opens(&change).await.status(), 403);
        assert_eq!(theirs.sends(&change, &[("visibility", "public")]).await.status(), 403);
        let mut stranger = Browser::of(&gateway.somebody("emil", Plan::Free).await).await;
        assert_eq!(stranger.opens(&own).await.status(), 403);
        let mut browser = Browser::of(&owner).await;
        assert!(sees(&mut browser, &change).await.contains("<option value=\"team\" selected>"));
        let wrong = browser.sends(&change, &[("visibility", "everybody")]).await;
        assert!(wrong.text().contains("id=\"visibility-problem\""), "{}", wrong.text());
        let done = browser.sends(&change, &[("visibility", "private")]).await;
        assert!(follows(&mut browser, &done).await.contains("/deploy is private now."));
        assert_eq!(theirs.opens(&own).await.status(), 404);
    })
    .await;
}
