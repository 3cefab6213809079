//! Joining: to which gateway a link leads, and which key goes along.

use serde_json::json;

use super::person::{KEY, NOW, Person, account, refusal};
use super::scripted_gateway::{Answer, ScriptedGateway};

fn link(gateway: &ScriptedGateway) -> String {
    let end = aerostack_core::bearer::RawToken::parse(
        aerostack_core::bearer::TokenKind::JoinLink,
        "jl_731729f666d4b730bf253d871de47334d14afe2b4d183a09",
    );
    assert!(end.is_some());
    format!("{}/join/jl_731729f666d4b730bf253d871de47334d14afe2b4d183a09", gateway.url())
}

fn invitation(has_account: bool) -> Answer {
    Answer::new(
        200,
        &json!({
            "team": "acme", "email": "alice@co.com", "role": "member", "expires_at": NOW,
            "has_account": has_account
        }),
    )
}

fn joined() -> Answer {
    let alice = json!({
        "id": "acc_2", "email": "alice@co.com", "username": "alice", "plan": "free", "kind": "person",
        "created_at": NOW
    });
    Answer::new(200, &json!({ "team": "acme", "role": "member", "account": alice, "key": "ak_new" }))
}

#[tokio::test]
async fn a_whole_link_leads_to_its_own_gateway() {
    let gateway = ScriptedGateway::start(vec![invitation(false), joined()]).await;
    let mut person = Person::new(&gateway);
    person.world.environment.clear();
    let ran = person.runs(&["team", "join", &link(&gateway), "--username", "@alice"]).await;
    let told = format!(
        "✓ Joined @acme as alice (member).\nwarning: save the account key now: it is not shown again\n\
         Log in with it: aerostack login --api-url {} --api-key -\n",
        gateway.url()
    );
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr), (0, "ak_new\n", told));
    assert!(gateway.requests()[1].ends_with("{\"username\":\"alice\"}"), "{}", gateway.requests()[1]);
}

#[tokio::test]
async fn the_gateway_of_the_variable_goes_before_that_of_the_link() {
    let (named, other) = (
        ScriptedGateway::start(vec![invitation(false), joined()]).await,
        ScriptedGateway::start(vec![]).await,
    );
    let ran = Person::new(&named).runs(&["team", "join", &link(&other), "--username", "alice"]).await;
    assert_eq!((ran.code, other.requests().len()), (0, 0), "{}", ran.stderr);
}

#[tokio::test]
async fn a_link_to_another_gateway_is_sent_no_key_that_was_given_for_this_one() {
    let home = ScriptedGateway::start(vec![Answer::new(200, &account())]).await;
    let other = ScriptedGateway::start(vec![invitation(true), invitation(true)]).await;
    let mut person = Person::with_key(&home);
    person.runs(&["login"]).await;
    person.world.environment.clear();
    let hint = format!("hint: run `aerostack login --api-url {0}`, or set AEROSTACK_API_KEY\n", other.url());
    for variable in [None, Some(KEY)] {
        if let Some(key) = variable {
            person.world.environment.insert("AEROSTACK_API_KEY".to_owned(), key.to_owned());
        }
        let ran = person.runs(&["team", "join", &link(&other)]).await;
        assert_eq!((ran.code, ran.stderr), (1, format!("error: not logged in to {}\n{hint}", other.url())));
    }
    assert!(other.requests().iter().all(|request| !request.contains(KEY)));
}

#[tokio::test]
async fn a_link_to_the_gateway_of_the_login_is_followed_with_its_key() {
    let refused = refusal("not_found", "this invitation is not valid any more", None);
    let gateway = ScriptedGateway::start(vec![
        Answer::new(200, &account()),
        invitation(true),
        Answer::new(404, &refused),
    ])
    .await;
    let mut person = Person::with_key(&gateway);
    person.runs(&["login"]).await;
    person.world.environment.clear();
    assert_eq!(person.runs(&["team", "join", &link(&gateway)]).await.code, 1);
    assert!(gateway.requests()[2].contains(KEY), "{}", gateway.requests()[2]);
}
