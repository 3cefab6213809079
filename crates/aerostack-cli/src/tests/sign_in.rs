//! Login, and where a key goes and does not go.

use serde_json::Value;

use super::person::{KEY, Person, TOKEN, account, refusal};
use super::scripted_gateway::{Answer, ScriptedGateway};

#[tokio::test]
async fn login_checks_the_key_keeps_it_and_sends_it_to_that_gateway_only() {
    let gateway =
        ScriptedGateway::start(vec![Answer::new(200, &account()), Answer::new(200, &account())]).await;
    let other = ScriptedGateway::start(vec![]).await;
    let mut person = Person::new(&gateway);
    person.world.stdin = Box::new(std::io::Cursor::new(format!("{KEY}\n")));
    let ran = person.runs(&["login", "--api-key", "-"]).await;
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(ran.stderr, format!("✓ Logged in to {} as acme (admin@co.com), Pro plan\n", gateway.url()));
    assert_eq!(ran.stdout, "");
    let ran = person.runs(&["whoami", "--output", "json"]).await;
    assert_eq!(serde_json::from_str::<Value>(&ran.stdout).unwrap()["username"], "acme");
    let ran = person.runs(&["whoami", "--api-url", &other.url()]).await;
    assert_eq!(ran.code, 1);
    assert!(
        ran.stderr.starts_with(&format!("error: not logged in to {}\nhint: ", other.url())),
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
    assert_eq!(ran.stderr, "error: The key is not accepted\nhint: sign in again with `aerostack login`\n");
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
async fn the_address_is_that_of_flag_then_variable_then_login_then_this_machine() {
    let gateway = ScriptedGateway::start(vec![Answer::new(200, &account())]).await;
    let mut person = Person::with_key(&gateway);
    person.runs(&["login"]).await;
    let here = |url: &str| format!("Not logged in to {url}; nothing was done.\n");
    person.world.environment.insert("AEROSTACK_API_URL".to_owned(), "http://variable.test/".to_owned());
    assert_eq!(
        person.runs(&["logout", "--api-url", "https://flag.test"]).await.stderr,
        here("https://flag.test")
    );
    assert_eq!(person.runs(&["logout"]).await.stderr, here("http://variable.test"));
    person.world.environment.clear();
    assert_eq!(person.runs(&["logout"]).await.stderr, format!("✓ Logged out of {}\n", gateway.url()));
    let mut stranger = Person::new(&gateway);
    stranger.world.environment.clear();
    assert_eq!(stranger.runs(&["logout"]).await.stderr, here("http://127.0.0.1:8787"));
}

#[test]
fn a_run_can_be_moved_between_threads() {
    fn is_send(_: &impl Send) {}
    let now = aerostack_core::time::Timestamp::default();
    let (mut world, _, _) = crate::World::captured(std::path::PathBuf::new(), now);
    is_send(&crate::run(Vec::new(), &mut world));
}
