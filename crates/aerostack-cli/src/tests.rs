//! Whole command lines in process, against a gateway that gives scripted answers.

use std::ffi::OsString;

use aerostack_core::time::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{Captured, World, run};

mod scripted_gateway;

use scripted_gateway::{Answer, ScriptedGateway};

const KEY: &str = "ak_0123456789";
const TOKEN: &str = "mwt_alice_0123456789abcdef";
const NOW: &str = "2026-03-17T11:15:00Z";

struct Person {
    world: World,
    stdout: Captured,
    stderr: Captured,
    _config: TempDir,
}

struct Ran {
    code: u8,
    stdout: String,
    stderr: String,
}

impl Person {
    fn new(gateway: &ScriptedGateway) -> Self {
        let config = tempfile::tempdir().unwrap();
        let (mut world, stdout, stderr) =
            World::captured(config.path().join("aerostack"), Timestamp::parse(NOW).unwrap());
        world
            .environment
            .insert("AEROSTACK_API_URL".to_owned(), gateway.url());
        Self {
            world,
            stdout,
            stderr,
            _config: config,
        }
    }

    fn with_key(gateway: &ScriptedGateway) -> Self {
        let mut person = Self::new(gateway);
        person
            .world
            .environment
            .insert("AEROSTACK_API_KEY".to_owned(), KEY.to_owned());
        person
    }

    async fn runs(&mut self, arguments: &[&str]) -> Ran {
        let line = std::iter::once("aerostack")
            .chain(arguments.iter().copied())
            .map(OsString::from);
        let code = run(line, &mut self.world).await;
        Ran {
            code,
            stdout: self.stdout.take(),
            stderr: self.stderr.take(),
        }
    }
}

fn account() -> Value {
    json!({
        "id": "acc_1", "email": "admin@co.com", "username": "acme", "plan": "pro", "kind": "operator",
        "created_at": "2026-01-01T00:00:00Z"
    })
}

fn workspace(slug: &str) -> Value {
    json!({
        "id": "ws_1", "slug": slug, "name": slug, "description": "", "owner": "acme", "tool_prefix": "always",
        "gateway_url": format!("https://gateway.test/ws/{slug}"), "servers": 2,
        "seats": { "used": 4, "limit": 25, "plan": "pro" }, "created_at": "2026-01-01T00:00:00Z"
    })
}

fn created_token() -> Value {
    json!({
        "id": "tok_1", "name": "Alice Chen", "token": TOKEN, "created_at": "2026-03-17T11:15:00Z",
        "expires_at": null, "for": null, "gateway_url": "https://gateway.test/ws/eng",
        "mcp_json": { "mcpServers": { "eng": { "url": "https://gateway.test/ws/eng" } } },
        "seats": { "used": 4, "limit": 25, "plan": "pro" }
    })
}

fn refusal(code: &str, message: &str, hint: Option<&str>) -> Value {
    json!({ "error": { "code": code, "message": message, "hint": hint, "request_id": "req_1" } })
}

#[tokio::test]
async fn output_token_prints_the_token_and_nothing_else() {
    let gateway = ScriptedGateway::start(vec![Answer::new(201, &created_token())]).await;
    let mut person = Person::with_key(&gateway);
    let ran = person
        .runs(&[
            "workspace",
            "token",
            "create",
            "eng",
            "--name",
            "Alice Chen",
            "--output",
            "token",
        ])
        .await;
    assert_eq!((ran.code, ran.stdout), (0, format!("{TOKEN}\n")));
    assert_eq!(ran.stderr, "");
    let request = gateway.requests().remove(0);
    assert!(
        request.starts_with("POST /api/v1/workspaces/eng/tokens HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(
        request.contains(&format!("authorization: Bearer {KEY}\r\n")),
        "{request}"
    );
    assert!(request.ends_with("{\"name\":\"Alice Chen\"}"), "{request}");
}

#[tokio::test]
async fn a_created_token_is_data_and_what_is_said_about_it_is_talk() {
    let gateway = ScriptedGateway::start(vec![Answer::new(201, &created_token())]).await;
    let mut person = Person::with_key(&gateway);
    let ran = person
        .runs(&["workspace", "token", "create", "eng", "--name", "Alice Chen"])
        .await;
    assert!(ran.stdout.starts_with(&format!(
        "{TOKEN}\n\nGateway URL: https://gateway.test/ws/eng\n\n{{\n"
    )));
    let talk = "✓ Token 'Alice Chen' created.\n\
                warning: save the token now: it is not shown again\n\
                4 of 25 tokens used (Pro plan)\n";
    assert_eq!(ran.stderr, talk);
}

#[tokio::test]
async fn a_refusal_prints_the_gateways_words_and_its_hint() {
    let body = refusal(
        "seat_limit_reached",
        "25 of 25 tokens used (Pro plan)",
        Some("revoke one"),
    );
    let gateway = ScriptedGateway::start(vec![Answer::new(403, &body)]).await;
    let mut person = Person::with_key(&gateway);
    let ran = person
        .runs(&[
            "workspace",
            "token",
            "create",
            "eng",
            "--name",
            "Alice",
            "--output",
            "token",
        ])
        .await;
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""));
    assert_eq!(
        ran.stderr,
        "error: 25 of 25 tokens used (Pro plan)\nhint: revoke one\n"
    );
}

#[tokio::test]
async fn wrong_usage_is_exit_code_2_and_misspelt_commands_get_a_hint() {
    let gateway = ScriptedGateway::start(vec![]).await;
    let mut person = Person::with_key(&gateway);
    let ran = person.runs(&["workspace", "tokn", "list"]).await;
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    assert!(
        ran.stderr
            .contains("\nhint: a similar subcommand exists: 'token'\n"),
        "{}",
        ran.stderr
    );
    for wrong in [
        &["workspace", "list", "--output", "token"][..],
        &["workspace", "token", "revoke", "eng"],
        &["plan"],
    ] {
        assert_eq!(person.runs(wrong).await.code, 2, "{wrong:?}");
    }
    assert_eq!(gateway.requests().len(), 0);
}

#[tokio::test]
async fn login_checks_the_key_keeps_it_and_sends_it_to_that_gateway_only() {
    let gateway =
        ScriptedGateway::start(vec![Answer::new(200, &account()), Answer::new(200, &account())]).await;
    let other = ScriptedGateway::start(vec![]).await;
    let mut person = Person::new(&gateway);
    person.world.stdin = Box::new(std::io::Cursor::new(format!("{KEY}\n")));
    let ran = person.runs(&["login", "--api-key", "-"]).await;
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(
        ran.stderr,
        format!(
            "✓ Logged in to {} as acme (admin@co.com), Pro plan\n",
            gateway.url()
        )
    );
    assert_eq!(ran.stdout, "");
    let ran = person.runs(&["whoami", "--output", "json"]).await;
    assert_eq!(
        serde_json::from_str::<Value>(&ran.stdout).unwrap()["username"],
        "acme"
    );
    let ran = person.runs(&["whoami", "--api-url", &other.url()]).await;
    assert_eq!(ran.code, 1);
    assert!(
        ran.stderr
            .starts_with(&format!("error: not logged in to {}\nhint: ", other.url())),
        "{}",
        ran.stderr
    );
    assert_eq!(person.runs(&["logout"]).await.code, 0);
    assert_eq!(person.runs(&["whoami"]).await.code, 1);
}

#[tokio::test]
async fn a_key_that_is_refused_is_not_kept() {
    let body = refusal("unauthorized", "The key is not accepted", None);
    let gateway = ScriptedGateway::start(vec![Answer::new(401, &body)]).await;
    let mut person = Person::with_key(&gateway);
    let ran = person.runs(&["login"]).await;
    assert_eq!(
        ran.stderr,
        "error: The key is not accepted\nhint: sign in again with `aerostack login`\n"
    );
    person.world.environment.remove("AEROSTACK_API_KEY");
    assert!(person.runs(&["whoami"]).await.stderr.contains("not logged in"));
}

#[tokio::test]
async fn credentials_never_appear_in_the_talk() {
    let echo = refusal("invalid_request", &format!("what is {KEY}?"), Some(KEY));
    let gateway = ScriptedGateway::start(vec![Answer::new(400, &echo), Answer::new(400, &echo)]).await;
    let mut person = Person::with_key(&gateway);
    let lines: [&[&str]; 6] = [
        &["whoami"],
        &["--api-key", KEY, "whoami"],
        &["login", KEY],
        &["workspace", "token", "revoke", "eng", TOKEN],
        &["workspace", "token", "revoke", TOKEN, "eng"],
        &["workspace", "use", TOKEN],
    ];
    for line in lines {
        let ran = person.runs(line).await;
        assert_ne!(ran.code, 0, "{line:?}");
        assert!(
            !ran.stderr.is_empty() && !ran.stderr.contains(KEY) && !ran.stderr.contains(TOKEN),
            "{}",
            ran.stderr
        );
        assert_eq!(ran.stdout, "");
    }
}

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
    assert!(
        person
            .runs(&list)
            .await
            .stdout
            .ends_with("4 of 25 tokens used (Pro plan)\n")
    );
    let ran = person.runs(&list).await;
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr
            .starts_with("error: a workspace must be named, one of: eng, ops\nhint: "),
        "{}",
        ran.stderr
    );
    assert_eq!(
        person.runs(&["workspace", "use", "ops"]).await.stderr,
        "✓ Active workspace set to 'ops'\n"
    );
    person.runs(&list).await;
    person.runs(&["workspace", "token", "list", "eng"]).await;
    let paths: Vec<String> = gateway
        .requests()
        .iter()
        .map(|request| request.split(' ').nth(1).unwrap().to_owned())
        .collect();
    let tokens_of = |slug: &str| format!("/api/v1/workspaces/{slug}/tokens?limit=1000");
    assert_eq!(paths[1], tokens_of("eng"));
    assert_eq!(paths[4..], [tokens_of("ops"), tokens_of("eng")]);
    assert_eq!(
        person
            .runs(&["workspace", "token", "list", "eng", "-w", "ops"])
            .await
            .code,
        2
    );
}

#[tokio::test]
async fn a_workspace_that_does_not_exist_gets_the_closest_ones_as_a_hint() {
    let missing = refusal("not_found", "There is no workspace 'enginering'", None);
    let known = json!({ "items": [workspace("engineering")] });
    let gateway = ScriptedGateway::start(vec![Answer::new(404, &missing), Answer::new(200, &known)]).await;
    let mut person = Person::with_key(&gateway);
    let ran = person.runs(&["mcp", "list", "--workspace", "enginering"]).await;
    assert_eq!(
        ran.stderr,
        "error: There is no workspace 'enginering'\nhint: did you mean 'engineering'?\n"
    );
}

#[tokio::test]
async fn revoking_prints_what_the_pages_show() {
    let revoked = json!({
        "id": "tok_1", "name": "Alice Chen", "status": "revoked", "revoked_at": NOW, "already_inactive": false
    });
    let gateway = ScriptedGateway::start(vec![Answer::new(200, &revoked)]).await;
    let mut person = Person::with_key(&gateway);
    let ran = person
        .runs(&[
            "workspace",
            "token",
            "revoke",
            "engineering",
            "--name",
            "Alice Chen",
        ])
        .await;
    assert_eq!(ran.code, 0);
    assert_eq!(
        ran.stderr,
        "✓ Token revoked. Alice's gateway access is immediately disabled.\n"
    );
    assert!(
        gateway.requests()[0]
            .starts_with("POST /api/v1/workspaces/engineering/tokens/name%3AAlice%20Chen/revoke ")
    );
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
    assert!(gateway.requests()[1].starts_with("GET /api/v1/workspaces?cursor=c+1&limit=1000 "));
}

#[tokio::test]
async fn a_gateway_that_is_not_there_is_one_sentence_and_a_hint() {
    let gateway = ScriptedGateway::start(vec![]).await;
    let mut person = Person::with_key(&gateway);
    gateway.stop();
    let ran = person.runs(&["whoami"]).await;
    assert_eq!(ran.code, 1);
    assert!(
        ran.stderr
            .starts_with("error: no gateway can be reached at http://127.0.0.1:"),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr
            .contains("\nhint: start a gateway with `aerostack-gateway serve`"),
        "{}",
        ran.stderr
    );
}

#[tokio::test]
async fn what_is_not_the_admin_api_is_said_to_be_none() {
    let gateway = ScriptedGateway::start(vec![
        Answer::new(502, &json!("<html>")),
        Answer::new(200, &json!([])),
    ])
    .await;
    let mut person = Person::with_key(&gateway);
    for status in ["502", "200"] {
        let ran = person.runs(&["whoami"]).await;
        assert!(
            ran.stderr.contains(&format!(
                "answered {status} in a form that is not the admin API's\nhint: "
            )),
            "{}",
            ran.stderr
        );
    }
}

#[tokio::test]
async fn doctor_names_what_is_wrong_and_fails() {
    let page = json!({ "items": [workspace("eng")] });
    let failing = json!({ "items": [{
        "id": "ins_1", "slug": "github", "server": "@acme/github", "status": "failing", "tools": 0,
        "disabled_tools": [], "last_error": "connection refused", "listed_at": null, "created_at": NOW
    }] });
    let plans = json!({ "current": "pro", "workspaces_used": 1, "plans": [] });
    let gateway = ScriptedGateway::start(vec![
        Answer::new(200, &json!({})),
        Answer::new(200, &account()),
        Answer::new(200, &plans),
        Answer::new(200, &page),
        Answer::new(200, &failing),
    ])
    .await;
    let mut person = Person::with_key(&gateway);
    let ran = person.runs(&["doctor"]).await;
    assert_eq!((ran.code, ran.stderr.as_str()), (1, ""));
    assert!(ran.stdout.contains("\n✓ The clocks agree\n"), "{}", ran.stdout);
    let end = "✗ 'eng': server 'github' fails: connection refused\n  hint: ask it yourself: aerostack mcp test github\n";
    assert!(ran.stdout.ends_with(end), "{}", ran.stdout);
}

#[tokio::test]
async fn deleting_asks_first_and_without_a_terminal_wants_yes() {
    let deleted = json!({ "slug": "eng", "deleted_at": NOW, "tokens_ended": 4 });
    let gateway = ScriptedGateway::start(vec![
        Answer::new(200, &workspace("eng")),
        Answer::new(200, &deleted),
    ])
    .await;
    let mut person = Person::with_key(&gateway);
    let ran = person.runs(&["workspace", "delete", "eng"]).await;
    assert_eq!(
        (ran.code, ran.stderr.lines().last()),
        (2, Some("hint: add --yes"))
    );
    let ran = person.runs(&["workspace", "delete", "eng", "--yes"]).await;
    assert_eq!(
        ran.stderr,
        "✓ Workspace 'eng' deleted. 4 tokens are refused from now on.\n"
    );
}

#[tokio::test]
async fn quiet_leaves_data_and_errors() {
    let gateway = ScriptedGateway::start(vec![Answer::new(201, &workspace("eng"))]).await;
    let mut person = Person::with_key(&gateway);
    let ran = person.runs(&["--quiet", "workspace", "create", "eng"]).await;
    assert_eq!(
        (ran.stdout.as_str(), ran.stderr.as_str()),
        ("Gateway URL: https://gateway.test/ws/eng\n", "")
    );
}

#[tokio::test]
async fn a_reader_that_went_away_ends_the_command_quietly() {
    struct Closed;
    impl std::io::Write for Closed {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let gateway = ScriptedGateway::start(vec![]).await;
    let mut person = Person::with_key(&gateway);
    person.world.stdout = Box::new(Closed);
    let ran = person.runs(&["completions", "bash"]).await;
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
}
