//! Keys and browsers of one's own: the last key is not lost by oversight.

use serde_json::{Value, json};

use super::person::{Person, account};
use super::scripted_gateway::{Answer, ScriptedGateway};

const WAY_BACK: &str = "'laptop' is the last key of admin@co.com. The way back in is a sign-in link, where the gateway \
                        sends mail, or a new key made on the gateway's machine: aerostack-gateway owner key --email \
                        admin@co.com\n";

fn key(id: &str, name: &str, revoked_at: Option<&str>) -> Value {
    json!({
        "id": id, "name": name, "created_at": "2026-01-01T00:00:00Z", "last_used_at": null,
        "revoked_at": revoked_at, "current": name == "laptop"
    })
}

#[tokio::test]
async fn revoking_the_last_key_tells_the_way_back_and_asks_first() {
    let gone = key("key_a", "CI", Some("2026-02-01T00:00:00Z"));
    let keys = json!({ "items": [gone, key("key_b", "laptop", None)] });
    let revoked = key("key_b", "laptop", Some("2026-03-01T00:00:00Z"));
    let asked = [Answer::new(200, &keys), Answer::new(200, &account())];
    let agreed = [Answer::new(200, &keys), Answer::new(200, &revoked)];
    let gateway = ScriptedGateway::start(asked.into_iter().chain(agreed).collect()).await;
    let mut person = Person::with_key(&gateway);
    let ran = person.runs(&["account", "key", "revoke", "laptop"]).await;
    let unasked =
        format!("{WAY_BACK}error: this is asked about first, and there is nobody to ask\nhint: add --yes\n");
    assert_eq!((ran.code, ran.stderr), (2, unasked));
    let ran = person.runs(&["account", "key", "revoke", "laptop", "--yes"]).await;
    let done = "✓ Key 'laptop' revoked. It signs nobody in any more.\n".to_owned();
    assert_eq!((ran.code, ran.stderr), (0, done));
}

#[tokio::test]
async fn a_key_beside_others_is_revoked_without_a_question() {
    let keys = json!({ "items": [key("key_a", "CI", None), key("key_b", "laptop", None)] });
    let revoked = key("key_b", "laptop", Some("2026-03-01T00:00:00Z"));
    let gateway = ScriptedGateway::start(vec![Answer::new(200, &keys), Answer::new(200, &revoked)]).await;
    let ran = Person::with_key(&gateway).runs(&["account", "key", "revoke", "laptop"]).await;
    let told = "✓ Key 'laptop' revoked. It signs nobody in any more.\n\
                warning: it was the key of this login: `aerostack login` with another one\n";
    assert_eq!((ran.code, ran.stderr.as_str()), (0, told));
}

#[tokio::test]
async fn ending_sessions_without_saying_which_names_both_ways() {
    let gateway = ScriptedGateway::start(vec![]).await;
    let ran = Person::with_key(&gateway).runs(&["account", "sessions", "revoke"]).await;
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("<ID|--all>"), "{}", ran.stderr);
}
