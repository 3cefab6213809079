//! Calls as they end: in the order in which they were recorded, each once, one's own or everybody's.

use aerostack_core::api::analytics::{NewCalls, NewCallsQuery};
use aerostack_core::api::operation::endpoint;
use aerostack_tests::cli::Terminal;
use aerostack_tests::person::Person;
use aerostack_tests::scene::Scene;
use aerostack_tests::story::story;
use aerostack_tests::upstream::Setup;
use serde_json::{Value, json};

const BEGUN: &str = "Calls are shown as they end";

async fn follows(owner: &Person, query: &NewCallsQuery) -> NewCalls {
    owner.asks::<endpoint::FollowCalls>(&[&owner.workspace], query).await.expect("calls are followed")
}

#[tokio::test]
async fn calls_are_watched_as_lines_of_a_table_or_of_json() {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        let bob = scene.owner.creates_token("Bob Singh").await;
        scene.alice.calls("desk__echo", json!({ "text": "before" })).await;
        let act = async || {
            scene.alice.calls("desk__echo", json!({ "text": "hi" })).await;
            bob.calls("desk__fail", json!({})).await;
            scene.alice.calls("nowhere", json!({})).await;
        };
        let mut terminal = Terminal::of(&scene.owner);
        let json = ["analytics", "--watch", "--output", "json"];
        let lines = terminal.watches(&json, BEGUN, act(), 3).await;
        let seen: Vec<(String, String, String)> = lines
            .iter()
            .map(|line| {
                let call: Value = serde_json::from_str(line).unwrap();
                let text = |name: &str| call[name].as_str().unwrap_or_default().to_owned();
                (text("user"), text("tool"), text("outcome"))
            })
            .collect();
        let row =
            |user: &str, tool: &str, outcome: &str| (user.to_owned(), tool.to_owned(), outcome.to_owned());
        assert_eq!(
            seen,
            [
                row("Alice Chen", "desk__echo", "ok"),
                row("Bob Singh", "desk__fail", "tool_error"),
                row("Alice Chen", "(unknown)", "refused"),
            ]
        );
        let only_bob = ["analytics", "--watch", "--user", "Bob Singh"];
        let lines = terminal.watches(&only_bob, BEGUN, act(), 2).await;
        assert!(lines[0].starts_with("TIME ") && lines[0].ends_with("CLIENT"), "{lines:?}");
        let place = |line: &str, word: &str| line.find(word).unwrap_or_else(|| panic!("{word}: {line}"));
        assert_eq!(place(&lines[0], "USER"), place(&lines[1], "Bob Singh"));
        assert_eq!(place(&lines[0], "OUTCOME"), place(&lines[1], "tool_error"));
        let ran = terminal.runs(&["analytics", "--watch", "--output", "csv"]).await;
        assert_eq!(ran.code, 2, "{ran:?}");
    })
    .await;
}

#[tokio::test]
async fn whoever_watches_meets_every_call_once_and_is_told_what_they_asked_for() {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        let owner = &scene.owner;
        let begin = follows(owner, &NewCallsQuery::default()).await;
        assert_eq!((begin.items.len(), begin.has_more), (0, false));
        let mut query = NewCallsQuery { after: Some(begin.mark), ..NewCallsQuery::default() };
        let mut seen = 0;
        for round in 0..3 {
            for _ in 0..=round {
                scene.alice.calls("desk__echo", json!({ "text": "hi" })).await;
            }
            let new = follows(owner, &query).await;
            assert_eq!((new.items.len(), new.has_more), (round + 1, false));
            seen += new.items.len();
            query.after = Some(new.mark);
        }
        assert_eq!(seen, 6);
        let nothing = follows(owner, &query).await;
        assert_eq!((nothing.items.len(), Some(nothing.mark)), (0, query.after.clone()));
        let elsewhere =
            NewCallsQuery { tool: Some("desk__add".to_owned()), after: Some("0".to_owned()), ..query };
        assert_eq!(follows(owner, &elsewhere).await.items.len(), 0);
        for mark in ["x", "-1", "1.5"] {
            let query = NewCallsQuery { after: Some(mark.to_owned()), ..NewCallsQuery::default() };
            let refused = owner.asks::<endpoint::FollowCalls>(&["engineering"], &query).await.unwrap_err();
            assert_eq!(refused.message, "the mark is not one of this list");
        }
    })
    .await;
}
