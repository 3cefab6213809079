//! Announcements that a list changed wake whoever waits for them.

use std::sync::Mutex;

use super::super::testing::{Answer, CALL, Server, caller, event, events, frames, json, pieces, status};
use super::plays::{client, echo, modern, with_sessions};

const CHANGED: &str = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;

#[tokio::test]
async fn a_modern_server_is_listened_to_with_a_subscription() {
    let (stream, answer) = pieces("text/event-stream");
    let answer = Mutex::new(Some(answer));
    let server = Server::start(modern(move |_| answer.lock().unwrap().take().unwrap())).await;
    let client = client(&server);
    let says = async {
        let listen = server.saw("POST subscriptions/listen", 1).await;
        assert_eq!(listen.header("mcp-method"), "subscriptions/listen");
        assert_eq!(listen.body["params"]["notifications"], serde_json::json!({"toolsListChanged": true}));
        let acknowledged =
            r#"{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{}}"#;
        stream.send(event(acknowledged).into()).unwrap();
        stream.send(event(CHANGED).into()).unwrap();
    };
    tokio::join!(client.list_changed(), says);
    stream.send(event(CHANGED).into()).unwrap();
    client.list_changed().await;
    assert_eq!(server.lines(), ["POST server/discover", "POST subscriptions/listen"]);
}

#[tokio::test]
async fn a_modern_server_that_ends_its_subscription_is_asked_again_and_its_list_with_it() {
    let count = std::sync::atomic::AtomicUsize::new(0);
    let server =
        Server::start(modern(move |seen| match count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            0 => events([
                r#"{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{}}"#,
            ]),
            1 => events([seen.result("{}").as_str()]),
            _ => Answer::Never,
        }))
        .await;
    let client = client(&server);
    // Nothing was announced, but nobody knows what was missed between two subscriptions.
    client.list_changed().await;
    assert_eq!(
        server.lines(),
        ["POST server/discover", "POST subscriptions/listen", "POST subscriptions/listen"]
    );
}

#[tokio::test]
async fn a_legacy_server_is_listened_to_in_the_gateways_session_and_again_when_the_stream_breaks() {
    let streams: std::sync::Arc<Mutex<Vec<_>>> = std::sync::Arc::default();
    let opened = streams.clone();
    let play = with_sessions(echo);
    let server = Server::start(move |seen| match seen.verb.as_str() {
        "GET" => {
            let (stream, answer) = pieces("text/event-stream");
            opened.lock().unwrap().push(stream);
            answer
        }
        _ => play(seen),
    })
    .await;
    let client = client(&server);
    let says = async {
        assert_eq!(server.saw("GET", 1).await.header("mcp-session-id"), "s1");
        streams.lock().unwrap().remove(0);
        tokio::time::pause();
        server.saw("GET", 2).await;
        streams.lock().unwrap()[0].send(event(CHANGED).into()).unwrap();
    };
    tokio::join!(client.list_changed(), says);
    assert_eq!(server.lines().iter().filter(|line| *line == "POST initialize").count(), 1);
}

#[tokio::test]
async fn a_server_without_a_stream_is_not_asked_again_but_announcements_in_calls_count() {
    let server = Server::start(with_sessions(|seen| events([CHANGED, &seen.result("{}")]))).await;
    let client = client(&server);
    let calls = async {
        server.saw("GET", 1).await;
        let found = frames(client.call(&caller("alice"), &CALL).await.unwrap()).await.unwrap();
        assert_eq!(found.len(), 1, "the announcement is not part of the answer");
    };
    tokio::join!(client.list_changed(), calls);
    assert_eq!(server.lines().iter().filter(|line| *line == "GET").count(), 1);
}

#[tokio::test]
async fn an_announcement_nobody_waited_for_is_kept() {
    let server = Server::start(modern(|seen| match seen.method() {
        "tools/call" => events([CHANGED, &seen.result("{}")]),
        _ => status(404, seen.error(-32601)),
    }))
    .await;
    let client = client(&server);
    frames(client.call(&caller("alice"), &CALL).await.unwrap()).await.unwrap();
    client.list_changed().await;
}

#[tokio::test]
async fn a_forgotten_client_listens_no_more() {
    let (stream, answer) = pieces("text/event-stream");
    let answer = Mutex::new(Some(answer));
    let server = Server::start(modern(move |seen| match seen.method() {
        "subscriptions/listen" => answer.lock().unwrap().take().unwrap_or(Answer::Never),
        _ => json(seen.result("{}")),
    }))
    .await;
    let client = client(&server);
    tokio::select! {
        () = client.list_changed() => panic!("nothing changed"),
        _ = server.saw("POST subscriptions/listen", 1) => {}
    }
    drop(client);
    stream.closed().await;
}
