//! Workspaces: made, renamed, deleted for good.

use aerostack_core::api::error::ErrorCode;
use aerostack_core::api::operation::endpoint::{CreateWorkspace, ShowWorkspace};
use aerostack_core::api::page::Empty;
use aerostack_core::api::workspace::CreateWorkspaceRequest;
use aerostack_core::plan::Plan;
use aerostack_tests::cli::Terminal;
use aerostack_tests::golden::assert_golden;
use aerostack_tests::scene::Scene;
use aerostack_tests::story::story;
use aerostack_tests::upstream::{Ended, Setup, Tool};
use serde_json::json;

fn named(name: &str) -> CreateWorkspaceRequest {
    CreateWorkspaceRequest { name: name.to_owned(), slug: None, description: None }
}

#[tokio::test]
async fn deleting_a_workspace_ends_everything_of_it_and_its_slug_is_never_used_again() {
    story(async |world| {
        let mut scene = Scene::set(world, Setup::legacy().tools([Tool::echo(), Tool::held("wait")])).await;
        let mut notices = scene.alice.listens().await;
        let caller = scene.alice.clone();
        let call = tokio::spawn(async move { caller.calls("desk__wait", json!({})).await });
        scene.upstream.until("the call is held", |seen| seen.calls().len() == 1).await;
        scene.owner.deletes_workspace().await;
        assert_eq!(scene.alice.calls("desk__echo", json!({ "text": "hi" })).await.status(), 401);
        assert_eq!(notices.until_over().await, []);
        assert_eq!(call.await.unwrap().status(), 401);
        let outcome = |seen: &aerostack_tests::upstream::Upstream| seen.calls()[0].outcome();
        scene.upstream.until("the call is given up", |seen| outcome(seen) == Some(Ended::Abandoned)).await;
        let gone = scene.owner.asks::<ShowWorkspace>(&["engineering"], &Empty {}).await.unwrap_err();
        assert_eq!(gone.code, ErrorCode::NotFound);
        let taken = scene.owner.asks::<CreateWorkspace>(&[], &named("engineering")).await.unwrap_err();
        assert_eq!(taken.code, ErrorCode::SlugTaken);
        scene.gateway.restarts().await;
        let alice = aerostack_tests::client::Caller { address: scene.gateway.address(), ..scene.alice };
        assert_eq!(alice.asks("ping", json!({})).await.status(), 401);
    })
    .await;
}

#[tokio::test]
async fn a_taken_slug_is_refused_with_the_same_words_whoever_holds_it() {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        let mut stranger = scene.gateway.somebody("globex", Plan::Pro).await;
        stranger.creates_workspace("theirs").await;
        let mut own = scene.owner.clone();
        own.creates_workspace("gone").await;
        own.deletes_workspace().await;
        let refusal =
            async |slug: &str| scene.owner.asks::<CreateWorkspace>(&[], &named(slug)).await.unwrap_err();
        let (theirs, gone) = (refusal("theirs").await, refusal("gone").await);
        assert_eq!((theirs.code, gone.code), (ErrorCode::SlugTaken, ErrorCode::SlugTaken));
        assert_eq!(theirs.message.replace("theirs", "gone"), gone.message);
        assert_eq!(theirs.hint.map(|hint| hint.replace("theirs", "gone")), gone.hint);
        let mine = refusal("engineering").await;
        assert_eq!((mine.code, mine.hint.is_some()), (ErrorCode::SlugTaken, true));
    })
    .await;
}

#[tokio::test]
async fn a_plan_says_how_many_workspaces_there_may_be() {
    story(async |world| {
        let gateway = world.gateway().await;
        let mut owner = gateway.owner_on(Plan::Free).await;
        owner.creates_workspace("first").await;
        let refused = owner.asks::<CreateWorkspace>(&[], &named("second")).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::WorkspaceLimitReached);
        assert!(refused.hint.is_some());
        owner.deletes_workspace().await;
        owner.creates_workspace("third").await;
    })
    .await;
}

#[tokio::test]
async fn a_person_works_with_workspaces_at_the_command_line() {
    story(async |world| {
        let scene = Scene::set_in(world.gateway_out_of_time().await, Setup::legacy()).await;
        let mut terminal = Terminal::of(&scene.owner);
        let mut transcript = String::new();
        for line in [
            "workspace list",
            "workspace create personal --description Mine --use",
            "workspace list",
            "workspace use engineering",
            "workspace show",
            "workspace set engineering --name Engineers --tool-prefix on-collision",
            "workspace connect engineering --client cursor",
            "mcp list -w engineering",
            "mcp list -w engineering --tools",
            "mcp catalog",
            "workspace create engineering",
            "workspace show nowhere",
            "workspace delete personal --yes",
            "workspace audit engineering",
            "workspace audit engineering --verify",
            "whoami",
            "plan show",
        ] {
            let ran = terminal.runs(&line.split(' ').collect::<Vec<_>>()).await;
            transcript.push_str(&format!("$ aerostack {line}\n{}\n", ran.transcript()));
        }
        // The head of the chain depends on chance; its length does not.
        let heads = transcript.split_whitespace().filter(|word| is_seal(word)).map(str::to_owned);
        for head in heads.collect::<Vec<_>>() {
            transcript = transcript.replace(&head, "<head>");
        }
        let upstream = scene.upstream.address().to_string();
        assert_golden("workspace-commands", &transcript.replace(&upstream, "<upstream>"));
    })
    .await;
}

fn is_seal(word: &str) -> bool {
    word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}
