//! Names of tools: long ones, odd ones, those that collide, and the two ways to switch them off.

use aerostack_core::api::error::ErrorCode;
use aerostack_core::api::operation::endpoint::UpdateWorkspace;
use aerostack_core::api::workspace::UpdateWorkspaceRequest;
use aerostack_core::workspace::ToolPrefix;
use aerostack_tests::cli::Terminal;
use aerostack_tests::scene::Scene;
use aerostack_tests::story::story;
use aerostack_tests::upstream::{Prompt, Setup, Tool};
use serde_json::json;

fn is_fit(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (1..=64).contains(&name.len()) && name.bytes().all(fits)
}

#[tokio::test]
async fn every_exposed_name_is_one_that_models_take_and_reaches_its_own_tool() {
    story(async |world| {
        let names = [
            "files/read.v2".to_owned(),
            "files_read_v2".to_owned(),
            "files read v2".to_owned(),
            "名前".to_owned(),
            "ünïcödé".to_owned(),
            "a".repeat(60),
            "a".repeat(80),
            format!("{}b", "a".repeat(80)),
            "desk__echo".to_owned(),
            "-".to_owned(),
        ];
        let answers = |name: &String| {
            let result = json!({ "content": [{ "type": "text", "text": name }] }).to_string();
            Tool::answering(name, result)
        };
        let scene = Scene::set(world, Setup::legacy().tools(names.iter().map(answers))).await;
        let exposed = scene.alice.tools().await;
        assert_eq!(exposed.len(), names.len());
        assert!(exposed.iter().all(|name| is_fit(name)), "{exposed:?}");
        let listed = scene.owner.tools().await.items;
        for (place, name) in names.iter().enumerate() {
            assert_eq!(exposed.iter().filter(|other| **other == exposed[place]).count(), 1);
            let entry = listed.iter().find(|entry| entry.name == exposed[place]).unwrap();
            assert_eq!(&entry.tool, name);
            let answer = scene.alice.calls(&exposed[place], json!({})).await;
            assert_eq!(answer.tool_text().as_ref(), Some(name));
        }
        let before = exposed.clone();
        scene.owner.installs("other", &scene.upstream).await;
        assert_eq!(scene.alice.tools().await[..names.len()], before, "names do not move when others come");
    })
    .await;
}

#[tokio::test]
async fn the_prefix_is_always_never_or_where_names_collide() {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy().tools([Tool::echo(), Tool::add()])).await;
        let second = Setup::legacy().tools([Tool::echo(), Tool::fail()]).start().await;
        scene.owner.installs("second", &second).await;
        let named = async |mode| {
            let change =
                UpdateWorkspaceRequest { tool_prefix: Some(mode), ..UpdateWorkspaceRequest::default() };
            scene.owner.asks::<UpdateWorkspace>(&["engineering"], &change).await.unwrap();
            scene.alice.tools().await
        };
        assert_eq!(
            named(ToolPrefix::Always).await,
            ["desk__echo", "desk__add", "second__echo", "second__fail"]
        );
        assert_eq!(named(ToolPrefix::OnCollision).await, ["desk__echo", "add", "second__echo", "fail"]);
        let never = named(ToolPrefix::Never).await;
        assert_eq!(
            (&never[0], &never[1], &never[3]),
            (&"echo".to_owned(), &"add".to_owned(), &"fail".to_owned())
        );
        assert_eq!(
            scene.alice.calls(&never[2], json!({ "text": "hi" })).await.tool_text().as_deref(),
            Some("hi")
        );
        assert_eq!((scene.upstream.calls().len(), second.calls().len()), (0, 1));
    })
    .await;
}

#[tokio::test]
async fn another_prefix_renames_tools_and_prompts_at_once_and_open_sessions_are_told() {
    story(async |world| {
        let upstream = Setup::legacy().tools([Tool::echo()]).prompts([Prompt::greet()]);
        let scene = Scene::set(world, upstream).await;
        let (inside, _) = scene.alice.initializes("2025-11-25").await;
        let mut stream = inside.listens().await;
        let wishes = json!({ "toolsListChanged": true, "promptsListChanged": true });
        let mut listening = scene.alice.listens_to(wishes).await;
        assert_eq!(listening.json().await["method"], "notifications/subscriptions/acknowledged");
        let (mut old, _) = scene.alice.opens_sse().await;
        let mut terminal = Terminal::of(&scene.owner);
        for (mode, tool, prompt) in [("never", "echo", "greet"), ("always", "desk__echo", "desk__greet")] {
            let set = terminal.runs(&["workspace", "set", "engineering", "--tool-prefix", mode]).await;
            assert_eq!(set.code, 0, "{set:?}");
            assert_eq!(scene.alice.tools().await, [tool]);
            let prompts = scene.alice.asks("prompts/list", json!({})).await.json();
            assert_eq!(prompts["result"]["prompts"][0]["name"], prompt);
            for stream in [&mut stream, &mut listening, &mut old] {
                let mut told = [stream.json().await["method"].clone(), stream.json().await["method"].clone()];
                told.sort_by_key(ToString::to_string);
                assert_eq!(
                    told,
                    ["notifications/prompts/list_changed", "notifications/tools/list_changed"],
                    "{mode}"
                );
            }
            let answer = scene.alice.calls(tool, json!({ "text": "hi" })).await;
            assert_eq!(answer.tool_text().as_deref(), Some("hi"), "{mode}");
            let answer = scene.alice.asks_modern("prompts/get", json!({ "name": prompt })).await;
            assert_eq!(answer.error_code(), None, "{answer:?}");
        }
        let former = scene.alice.calls("echo", json!({ "text": "hi" })).await;
        assert_eq!(former.json()["error"]["message"], "Unknown tool: echo");
    })
    .await;
}

#[tokio::test]
async fn two_installs_of_one_slug_need_another_name_and_the_same_again_is_a_success() {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        assert!(scene.owner.installs_known("desk", None).await.unwrap().already_installed);
        let other = Setup::legacy().start().await;
        let session = aerostack_core::server::SessionMode::default();
        scene.owner.adds("other", &other.url(), session, None).await;
        let refused = scene.owner.installs_known("other", Some("desk")).await.unwrap_err();
        assert_eq!((refused.code, refused.hint.is_some()), (ErrorCode::NameTaken, true));
        scene.owner.installs_known("other", Some("second-desk")).await.unwrap();
        let answer = scene.alice.calls("second-desk__echo", json!({ "text": "hi" })).await;
        assert_eq!(answer.tool_text().as_deref(), Some("hi"));
        assert_eq!(other.calls().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_disabled_tool_or_server_is_neither_listed_nor_callable() {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        for reference in ["add", "desk__add"] {
            scene.owner.switches("desk", Some(reference), false).await.unwrap();
            assert!(!scene.alice.tools().await.contains(&"desk__add".to_owned()));
            let list = scene.alice.asks_modern("tools/list", json!({})).await.text();
            assert!(!list.contains("desk__add"));
            for answer in [
                scene.alice.calls("desk__add", json!({ "a": 1, "b": 2 })).await,
                scene.alice.calls_modern("desk__add", json!({ "a": 1, "b": 2 })).await,
            ] {
                assert_eq!(answer.json()["error"]["message"], "Unknown tool: desk__add");
            }
            scene.owner.switches("desk", Some(reference), true).await.unwrap();
            let answer = scene.alice.calls("desk__add", json!({ "a": 1, "b": 2 })).await;
            assert_eq!(answer.tool_text().as_deref(), Some("3"));
        }
        scene.owner.switches("desk", None, false).await.unwrap();
        assert_eq!(scene.alice.tools().await, Vec::<String>::new());
        let answer = scene.alice.calls("desk__echo", json!({ "text": "hi" })).await;
        assert_eq!(answer.json()["error"]["message"], "Unknown tool: desk__echo");
        scene.owner.switches("desk", None, true).await.unwrap();
        assert_eq!(scene.alice.tools().await.len(), 5);
        let unknown = scene.owner.switches("desk", Some("nothing"), false).await.unwrap_err();
        assert_eq!(unknown.code, ErrorCode::NotFound);
    })
    .await;
}
