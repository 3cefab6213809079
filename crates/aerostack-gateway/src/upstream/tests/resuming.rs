//! Event streams that end before their response are asked for again, where the server has given a way to.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::super::testing::{Answer, CALL, Seen, Server, caller, frames, status};
use super::plays::{client, with_sessions};
use crate::upstream::UpstreamError;

/// An event stream of exactly this text, which ends properly.
fn stream(text: impl Into<String>) -> Answer {
    let headers = vec![("content-type", "text/event-stream".to_owned())];
    Answer::Full { status: 200, headers, body: text.into() }
}

/// A legacy server whose calls begin with `call` and are resumed with what `rest` gives for the so many-th GET.
async fn server(
    call: &'static str,
    rest: impl Fn(&Seen, usize) -> Answer + Send + Sync + 'static,
) -> std::sync::Arc<Server> {
    let (play, gets) = (with_sessions(move |_| stream(call)), AtomicUsize::new(0));
    Server::start(move |seen| match seen.verb.as_str() {
        "GET" => rest(seen, gets.fetch_add(1, Ordering::SeqCst) + 1),
        _ => play(seen),
    })
    .await
}

fn gets(server: &Server) -> Vec<Seen> {
    server.all().into_iter().filter(|seen| seen.verb == "GET").collect()
}

const NOTE: &str = r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}}"#;

#[tokio::test]
async fn a_call_goes_on_where_its_stream_was_closed() {
    let rest = |seen: &Seen, _: usize| match seen.header("last-event-id") {
        "a" => stream(format!("id: b\ndata: {NOTE}\n\n")),
        "b" => stream("id: c\ndata: {\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{}}\n\n"),
        _ => status(400, ""),
    };
    let server = server("id: a\nretry: 40\ndata: \n\n", rest).await;
    let began = std::time::Instant::now();
    let reply = client(&server).call(&caller("alice"), &CALL).await.unwrap();
    assert_eq!(reply.id, 3, "after discovery and handshake");
    assert_eq!(frames(reply).await.unwrap().len(), 2);
    assert!(began.elapsed().as_millis() >= 80, "the server says when it is to be asked");
    let asked: Vec<(String, String)> = gets(&server)
        .iter()
        .map(|seen| (seen.header("mcp-session-id").to_owned(), seen.header("last-event-id").to_owned()))
        .collect();
    assert_eq!(asked, [("s1".to_owned(), "a".to_owned()), ("s1".to_owned(), "b".to_owned())]);
}

#[tokio::test]
async fn a_stream_without_ids_is_not_asked_for_again() {
    let server = server("retry: 1\ndata: \n\n", |_, _| status(500, "")).await;
    let reply = client(&server).call(&caller("alice"), &CALL).await.unwrap();
    let expected = UpstreamError::BadAnswer("the event stream ended without the answer".into());
    assert_eq!(frames(reply).await, Err(expected));
    assert_eq!(gets(&server).len(), 0);
}

#[tokio::test]
async fn a_stream_is_asked_for_a_few_times_and_no_more() {
    let server = server("id: a\nretry: 1\ndata: \n\n", |_, count| match count {
        // One that is good makes the way good again.
        3 => stream("id: a\nretry: 1\ndata: \n\n"),
        count if count % 2 == 0 => status(503, ""),
        _ => stream(": nothing\n\n"),
    })
    .await;
    let reply = client(&server).call(&caller("alice"), &CALL).await.unwrap();
    assert!(matches!(frames(reply).await, Err(UpstreamError::BadAnswer(_))));
    assert_eq!(gets(&server).len(), 3 + 5);
}

#[tokio::test]
async fn a_server_that_has_forgotten_the_event_is_asked_once() {
    let server = server("id: a\nretry: 1\ndata: \n\n", |_, _| status(404, "")).await;
    let reply = client(&server).call(&caller("alice"), &CALL).await.unwrap();
    assert!(matches!(frames(reply).await, Err(UpstreamError::BadAnswer(_))));
    assert_eq!(gets(&server).len(), 1);
}

#[tokio::test]
async fn what_was_handed_on_of_a_large_answer_is_not_gone_on_with() {
    let half = "x".repeat(200 * 1_024);
    let call = format!(
        "id: a\nretry: 1\ndata: \n\nid: b\ndata: {{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{{\"x\":\"{half}"
    );
    let server = server(call.leak(), |_, _| status(500, "")).await;
    let reply = client(&server).call(&caller("alice"), &CALL).await.unwrap();
    assert!(matches!(frames(reply).await, Err(UpstreamError::BadAnswer(_))));
    assert_eq!(gets(&server).len(), 0);
}

#[tokio::test]
async fn the_stream_of_notices_goes_on_after_its_last_event() {
    let rest = |seen: &Seen, count: usize| match (count, seen.header("last-event-id")) {
        (1, "") => stream("id: n1\nretry: 1\ndata: \n\n"),
        (2, "n1") => status(400, ""),
        (3, "") => {
            stream("id: n2\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}\n\n")
        }
        _ => Answer::Never,
    };
    let server = server("", rest).await;
    client(&server).list_changed().await;
    assert_eq!(
        gets(&server).iter().map(|seen| seen.header("last-event-id")).collect::<Vec<_>>(),
        ["", "n1", ""]
    );
}
