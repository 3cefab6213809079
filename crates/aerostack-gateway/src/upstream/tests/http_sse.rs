//! Servers of 2024-11-05: everything they say comes on one stream.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tokio::sync::mpsc::UnboundedSender;

use super::super::aside::ANSWERS_AT_ONCE;
use super::super::testing::{
    Answer, CALL, Seen, Server, caller, event, frames, pieces, status, target, whole,
};
use super::super::{Era, Frame, Framing, UpstreamError, Upstreams, Whole};
use super::plays::{client, config, initialized};

const TOOL: &str = r#"{"name":"a","inputSchema":{"type":"object"}}"#;

/// The streams a server has opened, the newest last.
type Streams = Arc<Mutex<Vec<UnboundedSender<Bytes>>>>;

fn say(streams: &Streams, stream: usize, message: &str) {
    let _ = streams.lock().unwrap()[stream].send(event(message).into());
}

/// A server that names `endpoint` and answers calls as `rest` says, on its newest stream.
async fn server(
    endpoint: &'static str,
    rest: impl Fn(&Seen) -> Vec<String> + Send + Sync + 'static,
) -> (Arc<Server>, Streams) {
    let streams = Streams::default();
    let opened = streams.clone();
    let server = Server::start(move |seen| {
        let answers = match (seen.verb.as_str(), seen.method()) {
            ("POST", "") if seen.id().starts_with("\"never") => return Answer::Never,
            ("GET", _) => {
                let (stream, answer) = pieces("text/event-stream; charset=utf-8");
                stream.send(format!("event: endpoint\ndata: {endpoint}\n\n").into()).unwrap();
                opened.lock().unwrap().push(stream);
                return answer;
            }
            (_, "server/discover") => return status(405, ""),
            (_, "initialize") if opened.lock().unwrap().is_empty() => return status(405, ""),
            (_, "initialize") => vec![seen.result(&initialized("2024-11-05"))],
            (_, "notifications/initialized" | "") => vec![],
            _ => rest(seen),
        };
        let newest = opened.lock().unwrap().len() - 1;
        answers.iter().for_each(|message| say(&opened, newest, message));
        Answer::Full { status: 202, headers: vec![], body: "Accepted".into() }
    })
    .await;
    (server, streams)
}

fn progress(seen: &Seen) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{},"progress":1}}}}"#,
        seen.id()
    )
}

#[tokio::test]
async fn answers_and_progress_come_on_the_callers_stream() {
    let (server, streams) =
        server("/messages?session=1", |seen| vec![progress(seen), seen.result("{}")]).await;
    let client = client(&server);
    let reply = client.call(&caller("alice"), &CALL).await.unwrap();
    assert_eq!((reply.era, reply.framing), (Era::Legacy, Framing::Events));
    let call = server.saw("POST tools/call", 1).await;
    let whole = |text: String| Frame::Whole(Whole::read(Bytes::from(text)).unwrap());
    assert_eq!(frames(reply).await, Ok(vec![whole(progress(&call)), whole(call.result("{}"))]));
    let lines = [
        "POST server/discover",
        "POST initialize",
        "GET",
        "POST initialize",
        "POST notifications/initialized",
        "POST tools/call",
    ];
    assert_eq!(server.lines(), lines);
    frames(client.call(&caller("bob"), &CALL).await.unwrap()).await.unwrap();
    assert_eq!(streams.lock().unwrap().len(), 2, "each caller has a stream");
    assert_eq!(
        server.lines()[6..],
        ["GET", "POST initialize", "POST notifications/initialized", "POST tools/call"]
    );
}

#[tokio::test]
async fn two_calls_on_one_stream_each_get_their_own_answer() {
    let (server, streams) = server("/messages", |_| vec![]).await;
    let client = client(&server);
    let alice = caller("alice");
    let first = client.call(&alice, &CALL).await.unwrap();
    let second = client.call(&alice, &CALL).await.unwrap();
    let calls = [server.saw("POST tools/call", 1).await, server.saw("POST tools/call", 2).await];
    let large = format!(r#"{{"text":"{}"}}"#, "x".repeat(100_000));
    say(&streams, 0, &calls[1].result(&large));
    say(&streams, 0, &calls[0].result(r#"{"n":1}"#));
    assert_eq!(whole(first).await, calls[0].result(r#"{"n":1}"#));
    let found = frames(second).await.unwrap();
    assert_eq!(found, [Frame::Begin(calls[1].result(&large).into()), Frame::End]);
}

#[tokio::test]
async fn a_list_over_the_stream_names_its_transport() {
    let (server, _) =
        server("/messages", |seen| vec![seen.result(&format!(r#"{{"tools":[{TOOL}]}}"#))]).await;
    let listing = client(&server).list().await.unwrap();
    assert_eq!((listing.transport, listing.protocol_version.as_str()), ("http+sse", "2024-11-05"));
    assert_eq!(listing.tools, [TOOL]);
}

#[tokio::test]
async fn a_broken_stream_fails_its_calls_and_is_opened_again_for_the_next() {
    let (server, streams) = server("/messages", |seen| match seen.body["id"].as_u64() {
        Some(id) if id < 5 => vec![],
        _ => vec![seen.result("{}")],
    })
    .await;
    let client = client(&server);
    let alice = caller("alice");
    let mut reply = client.call(&alice, &CALL).await.unwrap();
    streams.lock().unwrap().remove(0);
    let broken = UpstreamError::BadAnswer("the event stream broke off".into());
    assert_eq!(reply.frames.next().await, Some(Err(broken)));
    assert_eq!(reply.frames.next().await, None);
    frames(client.call(&alice, &CALL).await.unwrap()).await.unwrap();
    assert_eq!(server.lines().iter().filter(|line| *line == "POST server/discover").count(), 1);
}

#[tokio::test]
async fn an_address_on_another_origin_is_refused() {
    let (server, _) = server("http://127.0.0.1:9/messages", |_| vec![]).await;
    let refused = client(&server).call(&caller("alice"), &CALL).await.err();
    let reason = "the event stream named an address on another origin";
    assert_eq!(refused, Some(UpstreamError::BadAnswer(reason.into())));
}

#[tokio::test]
async fn where_there_is_no_stream_either_the_first_refusal_is_told() {
    let server = Server::start(|_| status(404, "")).await;
    let refused = client(&server).call(&caller("alice"), &CALL).await.err();
    assert_eq!(refused, Some(UpstreamError::BadAnswer("HTTP 404".into())));
    assert_eq!(server.lines(), ["POST server/discover", "POST initialize", "GET"]);
}

#[tokio::test]
async fn a_silent_stream_is_given_up_by_the_call_alone() {
    let (server, streams) = server("/messages", |_| vec![]).await;
    let client = client(&server);
    let reply = client.call(&caller("alice"), &CALL).await.unwrap();
    tokio::time::pause();
    assert_eq!(frames(reply).await, Err(UpstreamError::TimedOut("no byte for 60 s".into())));
    tokio::time::resume();
    assert!(!streams.lock().unwrap()[0].is_closed());
}

#[tokio::test]
async fn a_ping_on_the_stream_is_answered() {
    let (server, streams) = server("/messages", |seen| vec![seen.result("{}")]).await;
    let client = client(&server);
    frames(client.call(&caller("alice"), &CALL).await.unwrap()).await.unwrap();
    say(&streams, 0, r#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#);
    let pong = server.saw("POST", 1).await;
    assert_eq!(pong.body, serde_json::json!({"jsonrpc": "2.0", "id": 7, "result": {}}));
}

#[tokio::test]
async fn a_server_that_does_not_take_our_answers_holds_up_nobody_on_its_stream() {
    let (server, streams) = server("/messages", |_| vec![]).await;
    let client = client(&server);
    let reply = client.call(&caller("alice"), &CALL).await.unwrap();
    let call = server.saw("POST tools/call", 1).await;
    for id in 0..2 * ANSWERS_AT_ONCE {
        say(&streams, 0, &format!(r#"{{"jsonrpc":"2.0","id":"never {id}","method":"roots/list"}}"#));
    }
    say(&streams, 0, &call.result("{}"));
    assert_eq!(whole(reply).await, call.result("{}"));
    server.saw("POST", ANSWERS_AT_ONCE).await;
    // What is asked beyond the limit goes unanswered, and nothing else suffers from it.
    let reply = client.call(&caller("alice"), &CALL).await.unwrap();
    let call = server.saw("POST tools/call", 2).await;
    say(&streams, 0, &call.result("{}"));
    assert_eq!(whole(reply).await, call.result("{}"));
    assert_eq!(server.all().iter().filter(|seen| seen.line_is_answer()).count(), ANSWERS_AT_ONCE);
}

#[tokio::test]
async fn the_stream_is_closed_with_its_callers_access_and_with_the_gateway() {
    let (server, streams) = server("/messages", |seen| vec![seen.result("{}")]).await;
    let upstreams = Upstreams::new(&config());
    let client = upstreams.client(target(&server));
    for name in ["alice", "bob"] {
        frames(client.call(&caller(name), &CALL).await.unwrap()).await.unwrap();
    }
    let [first, second] = [0, 1].map(|stream| streams.lock().unwrap()[stream].clone());
    upstreams.end_caller(&caller("alice"));
    first.closed().await;
    assert!(!second.is_closed());
    upstreams.shutdown(std::time::Duration::from_secs(5)).await;
    second.closed().await;
}
