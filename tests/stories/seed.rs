//! The scripts of the product's own pages, run unchanged by a shell with the real program.

use aerostack_core::api::operation::endpoint;
use aerostack_core::api::team::InviteRequest;
use aerostack_core::member::TeamRole;
use aerostack_core::server::SessionMode;
use aerostack_gateway::clock::Clock;
use aerostack_tests::cli::Terminal;
use aerostack_tests::golden::assert_golden;
use aerostack_tests::mailbox::{Mailbox, Manner};
use aerostack_tests::person::Person;
use aerostack_tests::program::runs_script;
use aerostack_tests::scene::Scene;
use aerostack_tests::story::{World, story};
use aerostack_tests::upstream::Setup;
use serde_json::json;

/// The host that the pages name.
const HOST: &str = "https://gateway.aerostack.dev";

/// Runs a script against the scene's gateway; gives its transcript.
async fn transcript(world: &World, scene: &Scene, script: &str, arguments: &[&str]) -> String {
    let script = script.replace(HOST, &scene.gateway.url());
    let ran = runs_script(&scene.owner, world.place.folder(), &script, arguments).await;
    let text = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(ran.status.success(), "{text}");
    text
}

/// Somebody is invited into the team and joins it.
async fn joins(scene: &Scene, username: &str) {
    let email = format!("{username}@company.com").parse().unwrap();
    let request = InviteRequest { email, role: TeamRole::Member };
    let invited = scene.owner.asks::<endpoint::InviteMember>(&[], &request).await.unwrap();
    let link = invited.link.unwrap();
    let mut somebody = Terminal::of(&Person::new(scene.gateway.address(), "nobody", "", Clock::system()));
    somebody.does(&["team", "join", &link, "--username", username]).await;
}

#[tokio::test]
async fn the_invitations_of_the_pages_run_unchanged() {
    story(async |world| {
        let mut scene = Scene::set(world, Setup::legacy()).await;
        joins(&scene, "carol").await;
        scene.gateway.stops().await;
        let mailbox = Mailbox::opens(Manner::Plain).await;
        scene.gateway.config.mail = Some(mailbox.settings());
        scene.gateway.starts().await;
        scene.owner = scene.owner.at(scene.gateway.address());
        let text = transcript(world, &scene, include_str!("seed/team.sh"), &[]).await;
        assert_golden("seed-team", &text);
        let to: Vec<String> = mailbox.taken().into_iter().map(|letter| letter.to).collect();
        assert_eq!(to, ["alice@company.com", "bob@company.com", "alice@acme.com"]);
    })
    .await;
}

#[tokio::test]
async fn the_onboarding_script_of_the_pages_runs_unchanged() {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        scene.owner.revokes("name:Alice Chen").await.unwrap();
        let text = transcript(world, &scene, include_str!("seed/onboard.sh"), &["Alice Chen"]).await;
        assert_golden("seed-onboard", &text);
        let token = text.split("Bearer ").nth(1).and_then(|rest| rest.lines().next()).unwrap();
        let alice = scene.alice.holding(token).at("/ws/engineering/sse");
        assert_eq!(
            alice.calls("desk__echo", json!({ "text": "hi" })).await.tool_text().as_deref(),
            Some("hi")
        );
    })
    .await;
}

#[tokio::test]
async fn a_token_in_a_shell_variable_is_the_token_and_nothing_else() {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        scene.owner.revokes("name:Alice Chen").await.unwrap();
        let script = "TOKEN=$(aerostack workspace token create engineering --name \"Alice Chen\" --output token 2>/dev/null)\n\
                      printf '<%s>' \"$TOKEN\"";
        let text = transcript(world, &scene, script, &[]).await;
        let token = text.strip_prefix("<mwt_alice_").and_then(|rest| rest.strip_suffix('>')).unwrap();
        let is_secret = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        assert!(token.len() == 48 && token.bytes().all(is_secret), "{text}");
    })
    .await;
}

#[tokio::test]
async fn the_offboarding_script_of_the_pages_runs_unchanged() {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        joins(&scene, "alice").await;
        let text = transcript(world, &scene, include_str!("seed/offboard.sh"), &[]).await;
        assert_golden("seed-offboard", &text);
        assert_eq!(scene.alice.calls("desk__echo", json!({ "text": "hi" })).await.status(), 401);
    })
    .await;
}

#[tokio::test]
async fn the_access_patterns_of_the_pages_run_unchanged() {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        for slug in ["internal-api", "database", "deploy-pipeline", "alpha-api", "beta-api"] {
            scene.owner.adds(slug, &scene.upstream.url(), SessionMode::default(), None).await;
        }
        let text = transcript(world, &scene, include_str!("seed/access-patterns.sh"), &[]).await;
        assert_golden("seed-access-patterns", &text);
        let tools = |workspace: &str| {
            let owner = scene.owner.within(workspace);
            async move { owner.creates_token("Probe").await.tools().await }
        };
        assert_eq!(tools("eng-full").await.len(), 15);
        let readonly = tools("eng-readonly").await;
        assert_eq!(readonly.len(), 10);
        assert!(!readonly.iter().any(|tool| tool.starts_with("deploy-pipeline")));
        assert!(tools("project-alpha").await.iter().all(|tool| tool.starts_with("alpha-api__")));
    })
    .await;
}

#[tokio::test]
async fn the_rotation_of_the_pages_runs_unchanged() {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        let text = transcript(world, &scene, include_str!("seed/rotate.sh"), &[]).await;
        assert_golden("seed-rotate", &text);
    })
    .await;
}
