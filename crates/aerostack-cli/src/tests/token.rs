//! Tokens: what goes to which stream.

use serde_json::json;

use super::person::{KEY, NOW, Person, TOKEN, created_token};
use super::scripted_gateway::{Answer, ScriptedGateway};

#[tokio::test]
async fn output_token_prints_the_token_and_nothing_else() {
    let gateway = ScriptedGateway::start(vec![Answer::new(201, &created_token())]).await;
    let mut person = Person::with_key(&gateway);
    let ran = person
        .runs(&["workspace", "token", "create", "eng", "--name", "Alice Chen", "--output", "token"])
        .await;
    assert_eq!((ran.code, ran.stdout), (0, format!("{TOKEN}\n")));
    assert_eq!(ran.stderr, "");
    let request = gateway.requests().remove(0);
    assert!(request.starts_with("POST /api/v1/workspaces/eng/tokens HTTP/1.1\r\n"), "{request}");
    assert!(request.contains(&format!("authorization: Bearer {KEY}\r\n")), "{request}");
    assert!(request.ends_with("{\"name\":\"Alice Chen\"}"), "{request}");
}

#[tokio::test]
async fn a_created_token_is_data_and_what_is_said_about_it_is_talk() {
    let gateway = ScriptedGateway::start(vec![Answer::new(201, &created_token())]).await;
    let mut person = Person::with_key(&gateway);
    let ran = person.runs(&["workspace", "token", "create", "eng", "--name", "Alice Chen"]).await;
    assert!(ran.stdout.starts_with(&format!("{TOKEN}\n\nGateway URL: https://gateway.test/ws/eng\n\n{{\n")));
    let talk = "✓ Token 'Alice Chen' created.\n\
                warning: save the token now: it is not shown again\n\
                4 of 25 tokens used (Pro plan)\n";
    assert_eq!(ran.stderr, talk);
}

#[tokio::test]
async fn revoking_prints_what_the_pages_show() {
    let revoked = json!({
        "id": "tok_1", "name": "Alice Chen", "status": "revoked", "revoked_at": NOW, "already_inactive": false
    });
    let gateway = ScriptedGateway::start(vec![Answer::new(200, &revoked)]).await;
    let mut person = Person::with_key(&gateway);
    let ran = person.runs(&["workspace", "token", "revoke", "engineering", "--name", "Alice Chen"]).await;
    assert_eq!(ran.code, 0);
    assert_eq!(ran.stderr, "✓ Token revoked. Alice's gateway access is immediately disabled.\n");
    assert!(
        gateway.requests()[0]
            .starts_with("POST /api/v1/workspaces/engineering/tokens/name%3AAlice%20Chen/revoke ")
    );
}
