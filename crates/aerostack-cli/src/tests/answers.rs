//! What people see when things go otherwise than asked, and how much is said.

use aerostack_core::api::analytics::Figures;
use serde_json::json;

use super::person::{NOW, Person, account, refusal, workspace};
use super::scripted_gateway::{Answer, ScriptedGateway};

#[tokio::test]
async fn a_refusal_prints_the_gateways_words_and_its_hint() {
    let body = refusal("seat_limit_reached", "25 of 25 tokens used (Pro plan)", Some("revoke one"));
    let gateway = ScriptedGateway::start(vec![Answer::new(403, &body)]).await;
    let mut person = Person::with_key(&gateway);
    let ran =
        person.runs(&["workspace", "token", "create", "eng", "--name", "Alice", "--output", "token"]).await;
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""));
    assert_eq!(ran.stderr, "error: 25 of 25 tokens used (Pro plan)\nhint: revoke one\n");
}

#[tokio::test]
async fn wrong_usage_is_exit_code_2_and_misspelt_commands_get_a_hint() {
    let gateway = ScriptedGateway::start(vec![]).await;
    let mut person = Person::with_key(&gateway);
    let ran = person.runs(&["workspace", "tokn", "list"]).await;
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    assert!(ran.stderr.contains("\nhint: a similar subcommand exists: 'token'\n"), "{}", ran.stderr);
    for wrong in [
        &["workspace", "list", "--output", "token"][..],
        &["workspace", "token", "revoke", "eng"],
        &["plan"],
        &["offboard", ""],
    ] {
        assert_eq!(person.runs(wrong).await.code, 2, "{wrong:?}");
    }
    assert_eq!(gateway.requests().len(), 0);
}

#[tokio::test]
async fn a_gateway_that_is_not_there_is_one_sentence_and_a_hint() {
    let gateway = ScriptedGateway::start(vec![]).await;
    let mut person = Person::with_key(&gateway);
    gateway.stop();
    let ran = person.runs(&["whoami"]).await;
    assert_eq!(ran.code, 1);
    assert!(
        ran.stderr.starts_with("error: no gateway can be reached at http://127.0.0.1:"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("\nhint: start a gateway with `aerostack-gateway serve`"), "{}", ran.stderr);
}

#[tokio::test]
async fn what_is_not_the_admin_api_is_said_to_be_none() {
    let gateway =
        ScriptedGateway::start(vec![Answer::new(502, &json!("<html>")), Answer::new(200, &json!([]))]).await;
    let mut person = Person::with_key(&gateway);
    for status in ["502", "200"] {
        let ran = person.runs(&["whoami"]).await;
        assert!(
            ran.stderr.contains(&format!("answered {status} in a form that is not the admin API's\nhint: ")),
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
    let report = json!({
        "workspace": "eng", "period": "7d", "from": NOW, "to": NOW, "not_recorded": 2, "relative_error": 0.015,
        "totals": Figures::default(), "series": { "from": NOW, "to": NOW, "by": "day", "points": [] }, "tables": []
    });
    let gateway = ScriptedGateway::start(vec![
        Answer::new(200, &json!({})),
        Answer::new(200, &account()),
        Answer::new(200, &plans),
        Answer::new(200, &page),
        Answer::new(200, &report),
        Answer::new(200, &failing),
    ])
    .await;
    let mut person = Person::with_key(&gateway);
    let ran = person.runs(&["doctor"]).await;
    assert_eq!((ran.code, ran.stderr.as_str()), (1, ""));
    assert!(ran.stdout.contains("\n✓ The clocks agree\n"), "{}", ran.stdout);
    let unrecorded = "\n✗ 'eng': 2 calls of the last 7 days were not recorded\n  hint: ";
    assert!(ran.stdout.contains(unrecorded), "{}", ran.stdout);
    let end = "✗ 'eng': server 'github' fails: connection refused\n  hint: ask it yourself: aerostack mcp test github\n";
    assert!(ran.stdout.ends_with(end), "{}", ran.stdout);
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
