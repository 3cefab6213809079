//! Which workspace is meant, and lists of them.

use serde_json::json;

use super::person::{NOW, Person, refusal, workspace};
use super::scripted_gateway::{Answer, ScriptedGateway};
use crate::world::Terminals;

#[tokio::test]
async fn the_workspace_is_the_named_one_then_the_active_one_then_the_only_one() {
    let only = json!({ "items": [workspace("eng")] });
    let two = json!({ "items": [workspace("eng"), workspace("ops")] });
    let tokens = json!({ "items": [], "seats": { "used": 4, "limit": 25, "plan": "pro" } });
    let gateway = ScriptedGateway::start(vec![
        Answer::new(200, &only),
        Answer::new(200, &tokens),
        Answer::new(200, &two),
        Answer::new(200, &workspace("ops")),
        Answer::new(200, &tokens),
        Answer::new(200, &tokens),
    ])
    .await;
    let mut person = Person::with_key(&gateway);
    let list = ["workspace", "token", "list"];
    assert!(person.runs(&list).await.stdout.ends_with("4 of 25 tokens used (Pro plan)\n"));
    let ran = person.runs(&list).await;
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr.starts_with("error: a workspace must be named, one of: eng, ops\nhint: "),
        "{}",
        ran.stderr
    );
    assert_eq!(person.runs(&["workspace", "use", "ops"]).await.stderr, "✓ Active workspace set to 'ops'\n");
    person.runs(&list).await;
    person.runs(&["workspace", "token", "list", "eng"]).await;
    let paths: Vec<String> =
        gateway.requests().iter().map(|request| request.split(' ').nth(1).unwrap().to_owned()).collect();
    let tokens_of = |slug: &str| format!("/api/v1/workspaces/{slug}/tokens?limit=1000");
    assert_eq!(paths[1], tokens_of("eng"));
    assert_eq!(paths[4..], [tokens_of("ops"), tokens_of("eng")]);
    assert_eq!(person.runs(&["workspace", "token", "list", "eng", "-w", "ops"]).await.code, 2);
}

#[tokio::test]
async fn a_workspace_that_does_not_exist_gets_the_closest_ones_as_a_hint() {
    let missing = refusal("not_found", "There is no workspace 'enginering'", None);
    let known = json!({ "items": [workspace("engineering")] });
    let gateway = ScriptedGateway::start(vec![Answer::new(404, &missing), Answer::new(200, &known)]).await;
    let mut person = Person::with_key(&gateway);
    let ran = person.runs(&["mcp", "list", "--workspace", "enginering"]).await;
    assert_eq!(ran.stderr, "error: There is no workspace 'enginering'\nhint: did you mean 'engineering'?\n");
}

#[tokio::test]
async fn lists_are_paged_to_their_end() {
    let first = json!({ "items": [workspace("eng")], "next_cursor": "c 1" });
    let second = json!({ "items": [workspace("ops")] });
    let gateway = ScriptedGateway::start(vec![Answer::new(200, &first), Answer::new(200, &second)]).await;
    let mut person = Person::with_key(&gateway);
    let ran = person.runs(&["workspace", "list"]).await;
    let expected = "  SLUG   NAME   MCP SERVERS   TOKENS\n  eng    eng    2             4 of 25\n  ops    ops    2             4 of 25\n";
    assert_eq!(ran.stdout, expected);
    assert!(gateway.requests()[1].starts_with("GET /api/v1/workspaces?limit=1000&cursor=c+1 "));
}

#[tokio::test]
async fn workspaces_of_several_teams_are_listed_with_their_team() {
    let mut other = workspace("ops");
    other["owner"] = json!("initech");
    let page = json!({ "items": [workspace("eng"), other] });
    let gateway = ScriptedGateway::start(vec![Answer::new(200, &page)]).await;
    let ran = Person::with_key(&gateway).runs(&["workspace", "list"]).await;
    let expected = "  SLUG   NAME   TEAM       MCP SERVERS   TOKENS
  eng    eng    @acme      2             4 of 25
  ops    ops    @initech   2             4 of 25
";
    assert_eq!(ran.stdout, expected);
}

#[tokio::test]
async fn a_narrow_terminal_gets_names_cut_and_json_gets_them_whole() {
    let mut long = workspace("eng");
    long["name"] = json!("Engineering of Very Long Names Incorporated and its Subsidiaries Worldwide");
    let page = json!({ "items": [long] });
    let answers = vec![Answer::new(200, &page), Answer::new(200, &page)];
    let gateway = ScriptedGateway::start(answers).await;
    let mut person = Person::with_key(&gateway);
    person.world.terminals = Terminals { stdout: true, columns: Some(80), ..Terminals::default() };
    let ran = person.runs(&["workspace", "list"]).await;
    assert!(ran.stdout.contains("Engineering of Very Long Names Incorporated an…"), "{}", ran.stdout);
    assert!(ran.stdout.lines().all(|line| line.chars().count() <= 80), "{}", ran.stdout);
    let ran = person.runs(&["workspace", "list", "--output", "json"]).await;
    assert!(ran.stdout.contains("Worldwide"), "{}", ran.stdout);
}

#[tokio::test]
async fn deleting_asks_first_and_without_a_terminal_wants_yes() {
    let deleted = json!({ "slug": "eng", "deleted_at": NOW, "tokens_ended": 4 });
    let gateway =
        ScriptedGateway::start(vec![Answer::new(200, &workspace("eng")), Answer::new(200, &deleted)]).await;
    let mut person = Person::with_key(&gateway);
    let ran = person.runs(&["workspace", "delete", "eng"]).await;
    assert_eq!((ran.code, ran.stderr.lines().last()), (2, Some("hint: add --yes")));
    let ran = person.runs(&["workspace", "delete", "eng", "--yes"]).await;
    assert_eq!(ran.stderr, "✓ Workspace 'eng' deleted. 4 tokens are refused from now on.\n");
}
