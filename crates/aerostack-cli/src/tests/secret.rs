//! Secrets: where a value may come from, and that it is in no talk.

use serde_json::json;

use super::person::{NOW, Person};
use super::scripted_gateway::{Answer, ScriptedGateway};

const VALUE: &str = "ghp_0123456789abcdef";

fn set(sent_as: Option<&str>) -> Answer {
    let state = if sent_as.is_some() { "used" } else { "unused" };
    Answer::new(
        200,
        &json!({
            "name": "GITHUB_TOKEN", "server": "github", "state": state, "sent_as": sent_as,
            "created_at": NOW, "updated_at": NOW
        }),
    )
}

#[tokio::test]
async fn a_value_is_piped_or_typed_and_the_answer_says_how_it_is_sent() {
    let header = Some("Authorization: Bearer …");
    let gateway = ScriptedGateway::start(vec![set(header), set(header)]).await;
    let mut person = Person::with_key(&gateway);
    person.world.stdin = Box::new(std::io::Cursor::new(format!("{VALUE}\n")));
    let piped = person.runs(&["workspace", "secret", "set", "eng", "github-token", "-"]).await;
    let talk = "✓ Secret GITHUB_TOKEN ('github-token' as typed) of 'github' set in 'eng'.\n\
                The next call sends it as `Authorization: Bearer …`.\n";
    assert_eq!((piped.code, piped.stdout.as_str(), piped.stderr.as_str()), (0, "", talk));
    person.world.terminals.stdin = true;
    person.world.read_secret = Box::new(|question| {
        assert_eq!(question, "Enter the value of GITHUB_TOKEN: ");
        Ok(VALUE.to_owned())
    });
    let typed =
        person.runs(&["workspace", "secret", "set", "eng", "GITHUB_TOKEN", "--server", "github"]).await;
    assert_eq!(typed.code, 0, "{}", typed.stderr);
    let requests = gateway.requests();
    for request in &requests {
        assert!(request.starts_with("PUT /api/v1/workspaces/eng/secrets/GITHUB_TOKEN "), "{request}");
    }
    assert!(requests[0].ends_with(&format!("{{\"value\":\"{VALUE}\"}}")), "{}", requests[0]);
    assert!(requests[1].ends_with(&format!("{{\"value\":\"{VALUE}\",\"server\":\"github\"}}")));
}

#[tokio::test]
async fn a_value_on_the_command_line_warns_and_none_at_all_is_wrong_usage() {
    let gateway = ScriptedGateway::start(vec![set(None)]).await;
    let mut person = Person::with_key(&gateway);
    let ran = person.runs(&["workspace", "secret", "set", "eng", "GITHUB_TOKEN", VALUE]).await;
    assert_eq!(ran.code, 0);
    assert!(ran.stderr.starts_with("warning: the value stood on the command line"), "{}", ran.stderr);
    assert!(ran.stderr.contains("warning: GITHUB_TOKEN is not sent to 'github' yet"), "{}", ran.stderr);
    assert!(!ran.stderr.contains(VALUE));
    let nobody = person.runs(&["workspace", "secret", "set", "eng", "GITHUB_TOKEN"]).await;
    assert_eq!(nobody.code, 2);
    assert!(nobody.stderr.contains("nobody to ask"), "{}", nobody.stderr);
    let nameless = person.runs(&["workspace", "secret", "set", "eng", "---", "-"]).await;
    assert_eq!(nameless.code, 2);
}
