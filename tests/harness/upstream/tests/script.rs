//! What a test scripts is what happens.

use std::time::Duration;

use serde_json::{Value, json};

use super::{call, json_of, modern, plain, post};
use crate::upstream::{Answers, Ended, Fault, Sessions, Setup, Tool};

#[tokio::test]
async fn scripted_results_stay_as_they_are_written() {
    let result = r#"{"z":2.50,"content":[],"a":1e2}"#;
    let upstream =
        Setup::dual().sessions(Sessions::None).tools([Tool::answering("odd", result)]).start().await;
    let text = post(&upstream, &[], &call("odd", json!({}))).await.unwrap().text().await.unwrap();
    assert_eq!(text, format!(r#"{{"jsonrpc":"2.0","id":1,"result":{result}}}"#));
    let right = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/call"), ("mcp-name", "odd")];
    let text = post(&upstream, &right, &modern("tools/call", json!({ "name": "odd" })))
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(text.ends_with(r#""z":2.50,"content":[],"a":1e2}}"#), "{text}");
    assert!(text.contains(r#""resultType":"complete""#), "{text}");
}

#[tokio::test]
async fn a_held_call_ends_with_its_client_or_when_it_is_let_go() {
    let upstream = Setup::legacy().sessions(Sessions::None).tools([Tool::held("wait")]).start().await;
    let hold = call("wait", json!({}));
    let first = tokio::time::timeout(Duration::from_millis(100), post(&upstream, &[], &hold)).await;
    assert!(first.is_err(), "nothing is answered yet");
    upstream
        .until("the hang-up is noticed", |seen| seen.calls()[0].outcome() == Some(Ended::Abandoned))
        .await;
    let second = async { json_of(post(&upstream, &[], &hold).await).await };
    let let_go = async {
        upstream.until("the second call is held", |seen| seen.calls().len() == 2).await;
        upstream.release();
    };
    let (answer, ()) = tokio::join!(second, let_go);
    assert_eq!(answer["result"]["content"][0]["text"], "let go");
    upstream.until("it is answered", |seen| seen.calls()[1].outcome() == Some(Ended::Answered)).await;
}

#[tokio::test]
async fn faults_strike_as_scripted() {
    let upstream = plain().await;
    let echo = call("echo", json!({ "text": "hi" }));
    let strike = async |fault: Fault| {
        upstream.misbehave(fault.times(1));
        post(&upstream, &[], &echo).await
    };
    assert!(strike(Fault::Drops).await.is_err());
    assert_eq!(strike(Fault::Status(500)).await.unwrap().status(), 500);
    let busy = strike(Fault::Status(429)).await.unwrap();
    assert_eq!((busy.status().as_u16(), &busy.headers()["retry-after"]), (429, &"7".parse().unwrap()));
    assert!(strike(Fault::Status(401)).await.unwrap().headers().contains_key("www-authenticate"));
    let elsewhere = strike(Fault::Redirects("http://127.0.0.1:9/".to_owned())).await.unwrap();
    assert_eq!(
        (elsewhere.status().as_u16(), &elsewhere.headers()["location"]),
        (307, &"http://127.0.0.1:9/".parse().unwrap())
    );
    assert!(strike(Fault::DropsMidBody).await.unwrap().text().await.is_err());
    let malformed = strike(Fault::MalformedJson).await.unwrap().text().await.unwrap();
    assert!(serde_json::from_str::<Value>(&malformed).is_err() && !malformed.is_empty());
    assert_eq!(json_of(strike(Fault::WrongId).await).await["id"], 987_654_321);
    let twice = strike(Fault::DuplicateEvent).await.unwrap().text().await.unwrap();
    assert_eq!(twice.matches(r#""text":"hi""#).count(), 2);
    assert_eq!(strike(Fault::EndsWithoutAnswer).await.unwrap().text().await.unwrap(), ": bye\n\n");
    let huge = json_of(strike(Fault::Huge(100_000)).await).await;
    assert_eq!(huge["result"]["content"][0]["text"].as_str().unwrap().len(), 100_000);
    assert!(strike(Fault::WebPage).await.unwrap().text().await.unwrap().starts_with("<!doctype"));
    for fault in [Fault::NeverAnswers, Fault::StallsMidBody, Fault::Endless] {
        let whole = async { strike(fault.clone()).await.unwrap().text().await };
        assert!(tokio::time::timeout(Duration::from_millis(50), whole).await.is_err(), "{fault:?}");
    }
    assert_eq!(json_of(post(&upstream, &[], &echo).await).await["result"]["content"][0]["text"], "hi");
}

#[tokio::test]
async fn a_server_may_ask_for_a_bearer_and_stream_everything() {
    let upstream =
        Setup::legacy().sessions(Sessions::None).answers(Answers::Stream).bearer("s3cret").start().await;
    let echo = call("echo", json!({ "text": "hi" }));
    assert_eq!(post(&upstream, &[], &echo).await.unwrap().status(), 401);
    let text =
        post(&upstream, &[("authorization", "Bearer s3cret")], &echo).await.unwrap().text().await.unwrap();
    assert!(text.starts_with("event: message\ndata: "), "{text}");
    assert_eq!(upstream.calls()[1].header("authorization"), Some("Bearer s3cret"));
}
