//! The scripts of the page on private skills, run unchanged by a shell with the real program.

use aerostack_core::member::TeamRole;
use aerostack_core::plan::Plan;
use aerostack_core::skill::Visibility;
use aerostack_tests::function::Function;
use aerostack_tests::gateway::Gateway;
use aerostack_tests::golden::assert_golden;
use aerostack_tests::person::Person;
use aerostack_tests::program::runs_script;
use aerostack_tests::story::{World, story};
use serde_json::json;

/// The host that the page names.
const HOST: &str = "https://gateway.aerostack.dev";

/// What a script of a person prints, and its exit code.
async fn transcript(
    world: &World,
    gateway: &Gateway,
    person: &Person,
    script: &str,
) -> (String, Option<i32>) {
    let folder = world.place.folder().join(&person.username);
    std::fs::create_dir_all(&folder).unwrap();
    let ran = runs_script(person, &folder, &script.replace(HOST, &gateway.url()), &[]).await;
    (String::from_utf8_lossy(&ran.stdout).into_owned(), ran.status.code())
}

#[tokio::test]
async fn the_skills_of_the_page_are_published_as_it_says() {
    story(async |world| {
        let gateway = world.gateway().await;
        let owner = gateway.owner().await;
        let function = Function::starts().await;
        let folder = world.place.folder().join("acme");
        std::fs::create_dir_all(&folder).unwrap();
        let manifest = json!({
            "name": "crm", "version": "1.0.0", "description": "Customers",
            "tools": Function::tools(), "function_url": function.url()
        });
        std::fs::write(folder.join("aerostack.json"), manifest.to_string()).unwrap();
        let script = include_str!("seed/publish-skill.sh");
        let (text, code) = transcript(world, &gateway, &owner, script).await;
        assert_eq!(code, Some(0), "{text}");
        assert_golden("seed-publish-skill", &text);
        assert_eq!(owner.skills().await, ["@acme/internal-crm-skill", "@acme/my-dev-tool"]);
        let member = gateway.somebody("alice", Plan::Free).await;
        gateway.lets_join(&owner, &member, TeamRole::Member).await;
        let (text, code) = transcript(world, &gateway, &member, "aerostack skill list").await;
        assert_eq!(code, Some(0), "{text}");
        assert_golden("seed-skill-list", &text);
    })
    .await;
}

#[tokio::test]
async fn a_member_installs_and_a_stranger_is_told_403() {
    story(async |world| {
        let gateway = world.gateway().await;
        let mut owner = gateway.owner().await;
        owner.creates_workspace("acme-team").await;
        let function = Function::starts().await;
        owner.publishes("internal-crm-skill", Visibility::Team, &function).await;
        let script = "aerostack skill install @acme/internal-crm-skill";
        let alice = gateway.somebody("alice", Plan::Free).await;
        gateway.lets_join(&owner, &alice, TeamRole::Member).await;
        let (text, code) = transcript(world, &gateway, &alice, script).await;
        assert_eq!(code, Some(0), "{text}");
        assert_golden("seed-skill-install", &text);
        let refused = ("✗ 403: You are not a member of @acme\n".to_owned(), Some(1));
        let mut mallory = gateway.somebody("mallory", Plan::Free).await;
        // Whether or not there is a workspace to install it into.
        assert_eq!(transcript(world, &gateway, &mallory, script).await, refused);
        mallory.creates_workspace("mallorys-own").await;
        assert_eq!(transcript(world, &gateway, &mallory, script).await, refused);
    })
    .await;
}

#[tokio::test]
async fn the_teams_onboarding_script_is_run_by_the_new_member() {
    story(async |world| {
        let gateway = world.gateway().await;
        let mut owner = gateway.owner().await;
        owner.creates_workspace("acme-team").await;
        let function = Function::starts().await;
        for name in ["internal-crm-skill", "deploy-skill", "jira-skill"] {
            owner.publishes(name, Visibility::Team, &function).await;
        }
        let john = gateway.somebody("johndoe", Plan::Free).await;
        john.publishes("github-skill", Visibility::Public, &function).await;
        owner.installs_skill("johndoe/github-skill").await.unwrap();
        let bob = gateway.somebody("bob", Plan::Free).await;
        gateway.lets_join(&owner, &bob, TeamRole::Member).await;
        let script = include_str!("seed/team-setup.sh");
        let (text, code) = transcript(world, &gateway, &bob, script).await;
        assert_eq!(code, Some(0), "{text}");
        assert_golden("seed-team-setup", &text);
        let (text, code) = transcript(world, &gateway, &owner, include_str!("seed/skill-audit.sh")).await;
        assert_eq!(code, Some(0), "{text}");
        assert_golden("seed-skill-audit", &text);
        let (text, _) =
            transcript(world, &gateway, &owner, "aerostack mcp list -w acme-team --tools-only").await;
        assert_eq!(text.lines().count(), 8, "{text}");
    })
    .await;
}
