//! What comes back from a call, and what does not.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc::UnboundedSender;

use super::super::testing::{
    Answer, CALL, Call, Seen, Server, caller, event, events, frames, json, pieces, status, target, whole,
    with_header,
};
use super::super::{Frame, Framing, UpstreamError, Upstreams, Whole};
use super::plays::{client, client_of, config, echo, modern, with_sessions};

const PROGRESS: &str = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":1}}"#;

/// A script part that gives each call the next of these answers.
fn in_turn(answers: impl IntoIterator<Item = Answer>) -> impl Fn(&Seen) -> Answer {
    let answers: std::collections::VecDeque<Answer> = answers.into_iter().collect();
    let answers = std::sync::Mutex::new(answers);
    move |seen| match seen.method() {
        "tools/call" => answers.lock().unwrap().pop_front().unwrap(),
        _ => status(202, ""),
    }
}

/// A modern server that answers one call piece by piece.
async fn server_in_pieces(kind: &'static str) -> (Arc<Server>, UnboundedSender<Bytes>) {
    let (stream, answer) = pieces(kind);
    (Server::start(modern(in_turn([answer]))).await, stream)
}

async fn refusal(answer: fn(&Seen) -> Answer) -> Option<UpstreamError> {
    let server = Server::start(modern(answer)).await;
    match client(&server).call(&caller("alice"), &CALL).await {
        Ok(reply) => frames(reply).await.err(),
        Err(error) => Some(error),
    }
}

fn bad(reason: &str) -> Option<UpstreamError> {
    Some(UpstreamError::BadAnswer(reason.into()))
}

#[tokio::test]
async fn notifications_come_before_the_response_and_the_rest_of_the_stream_is_not_waited_for() {
    let (server, stream) = server_in_pieces("text/event-stream").await;
    let client = client(&server);
    let reply = client.call(&caller("alice"), &CALL).await.unwrap();
    assert_eq!(reply.framing, Framing::Events);
    let response = server.saw("POST tools/call", 1).await.result("{}");
    let foreign = r#"{"jsonrpc":"2.0","id":999,"result":{}}"#;
    let request = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    for message in
        [": hello\n\n", "data\n\n", &event(PROGRESS), &event(foreign), &event(request), &event(&response)]
    {
        stream.send(Bytes::copy_from_slice(message.as_bytes())).unwrap();
    }
    let whole = |text: &str| Frame::Whole(Whole::read(Bytes::copy_from_slice(text.as_bytes())).unwrap());
    assert_eq!(frames(reply).await, Ok(vec![whole(PROGRESS), whole(&response)]));
    assert_eq!(server.lines().len(), 2, "modern servers' requests are not answered");
}

#[tokio::test]
async fn what_is_no_answer_to_the_call_is_a_bad_answer() {
    assert_eq!(refusal(|_| json("{")).await, bad("the answer is not JSON-RPC"));
    assert_eq!(refusal(|_| json("[]")).await, bad("the answer is not JSON-RPC"));
    assert_eq!(refusal(|_| json("")).await, bad("the answer is not JSON-RPC"));
    let foreign = |_: &Seen| json(r#"{"jsonrpc":"2.0","id":"1","result":{}}"#);
    assert_eq!(refusal(foreign).await, bad("the answer is to another request"));
    let unaddressed =
        |_: &Seen| json(r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"what?"}}"#);
    assert_eq!(refusal(unaddressed).await, bad("error -32700: what?"));
    assert_eq!(refusal(|_| events(["nonsense"])).await, bad("an event is not JSON-RPC"));
    assert_eq!(refusal(|_| events([PROGRESS])).await, bad("the event stream ended without the answer"));
    assert_eq!(refusal(|_| status(202, "")).await, bad("HTTP 202"));
    let html = |_: &Seen| {
        with_header(
            Answer::Full { status: 200, headers: vec![], body: "<p>".into() },
            "content-type",
            "text/html",
        )
    };
    assert_eq!(refusal(html).await, bad("the answer is text/html, neither JSON nor an event stream"));
    assert_eq!(refusal(|_| status(502, "<p>oh</p>")).await, bad("HTTP 502"));
    let redirect = |_: &Seen| with_header(status(302, ""), "location", "http://169.254.169.254/");
    assert_eq!(refusal(redirect).await, bad("HTTP 302; redirects are not followed"));
}

#[tokio::test]
async fn a_refused_credential_and_a_busy_server_have_kinds_of_their_own() {
    assert_eq!(refusal(|_| status(401, "")).await, Some(UpstreamError::RefusedCredential(401)));
    assert_eq!(refusal(|_| status(403, "")).await, Some(UpstreamError::RefusedCredential(403)));
    assert_eq!(refusal(|_| status(429, "")).await, Some(UpstreamError::Busy("HTTP 429".into())));
}

#[tokio::test]
async fn an_error_under_our_id_is_an_answer_at_any_status() {
    for code in [200, 400, 404, 500] {
        let server = Server::start(modern(move |seen| status(code, seen.error(-32602)))).await;
        let reply = client(&server).call(&caller("alice"), &CALL).await.unwrap();
        assert_eq!(reply.framing, Framing::Json);
        let text = whole(reply).await;
        assert_eq!(text, server.saw("POST tools/call", 1).await.error(-32602), "{code}");
    }
}

#[tokio::test]
async fn refused_headers_have_a_kind_of_their_own_whatever_the_status_in_the_modern_era() {
    const NAMELESS: &str = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32020,"message":"no"}}"#;
    for code in [200, 400] {
        let server = Server::start(modern(move |seen| status(code, seen.error(-32020)))).await;
        let refused = match client(&server).call(&caller("alice"), &CALL).await {
            Ok(reply) => frames(reply).await.err(),
            Err(error) => Some(error),
        };
        assert_eq!(refused, Some(UpstreamError::HeadersRefused), "{code}");
        assert_eq!(server.lines(), ["POST server/discover", "POST tools/call"]);
    }
    assert_eq!(refusal(|_| status(400, NAMELESS)).await, Some(UpstreamError::HeadersRefused));
    let server = Server::start(with_sessions(|seen| json(seen.error(-32020)))).await;
    let text = whole(client(&server).call(&caller("alice"), &CALL).await.unwrap()).await;
    assert_eq!(text, server.saw("POST tools/call", 1).await.error(-32020));
}

#[tokio::test]
async fn nothing_is_sent_once_access_has_ended() {
    let server = Server::start(modern(echo)).await;
    let call = Call { allowed: false, told: false };
    let refused = client(&server).call(&caller("alice"), &call).await.err();
    assert_eq!(refused, Some(UpstreamError::AccessEnded));
    assert_eq!(server.lines(), Vec::<String>::new());
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up() {
    let server = Server::start(modern(|_| Answer::Never)).await;
    let (client, alice) = (client(&server), caller("alice"));
    let pause = async {
        server.saw("POST tools/call", 1).await;
        tokio::time::pause();
    };
    let (answer, ()) = tokio::join!(client.call(&alice, &CALL), pause);
    assert_eq!(answer.err(), Some(UpstreamError::TimedOut("no byte for 60 s".into())));
}

#[tokio::test]
async fn a_body_that_stalls_is_given_up_and_comments_keep_it_alive() {
    let (server, stream) = server_in_pieces("text/event-stream").await;
    let client = client(&server);
    let mut reply = client.call(&caller("alice"), &CALL).await.unwrap();
    stream.send(Bytes::from_static(b": still here\n\n")).unwrap();
    stream.send(event(PROGRESS).into()).unwrap();
    assert!(matches!(reply.frames.next().await, Some(Ok(Frame::Whole(_)))));
    tokio::time::pause();
    let began = tokio::time::Instant::now();
    assert_eq!(reply.frames.next().await, Some(Err(UpstreamError::TimedOut("no byte for 60 s".into()))));
    assert!(began.elapsed() >= Duration::from_secs(60));
    assert_eq!(reply.frames.next().await, None);
    stream.closed().await;
}

#[tokio::test]
async fn dropping_the_answer_closes_the_servers_stream() {
    let (server, stream) = server_in_pieces("text/event-stream").await;
    let client = client(&server);
    drop(client.call(&caller("alice"), &CALL).await.unwrap());
    stream.closed().await;
}

#[tokio::test]
async fn calls_beyond_the_limit_are_refused_until_an_answer_is_let_go() {
    let answers: Vec<Answer> = (0..3).map(|_| pieces("text/event-stream").1).collect();
    let server = Server::start(modern(in_turn(answers))).await;
    let mut config = config();
    config.limits.calls_per_install = 2;
    let client = Upstreams::new(&config).client(target(&server));
    let first = client.call(&caller("alice"), &CALL).await.unwrap();
    let _second = client.call(&caller("bob"), &CALL).await.unwrap();
    let refused = client.call(&caller("carol"), &CALL).await.err();
    assert_eq!(refused, Some(UpstreamError::Busy("2 calls are in flight".into())));
    drop(first);
    assert!(client.call(&caller("carol"), &CALL).await.is_ok());
}

#[tokio::test]
async fn a_legacy_server_is_told_of_a_cancellation_in_its_session() {
    let server = Server::start(with_sessions(in_turn([pieces("text/event-stream").1]))).await;
    let client = client(&server);
    let reply = client.call(&caller("alice"), &CALL).await.unwrap();
    let id = reply.id;
    drop(reply.frames);
    reply.cancel.begin().unwrap().await;
    let cancelled = server.saw("POST notifications/cancelled", 1).await;
    assert_eq!(cancelled.body["params"]["requestId"], id);
    assert_eq!(cancelled.header("mcp-session-id"), "s1");
}

#[tokio::test]
async fn a_legacy_server_is_told_of_a_call_dropped_before_its_answer_where_the_caller_says_so() {
    for told in [true, false] {
        let server = Server::start(with_sessions(|seen| match seen.id().as_str() {
            "3" => Answer::Never,
            _ => echo(seen),
        }))
        .await;
        let client = client(&server);
        let (alice, call) = (caller("alice"), Call { allowed: true, told });
        tokio::select! {
            _ = client.call(&alice, &call) => panic!("it was answered"),
            _ = server.saw("POST tools/call", 1) => {}
        }
        if told {
            let cancelled = server.saw("POST notifications/cancelled", 1).await;
            assert_eq!(cancelled.body["params"]["requestId"].to_string(), "3");
        }
        whole(client.call(&alice, &CALL).await.unwrap()).await;
        let cancelled = server.lines().iter().filter(|line| line.ends_with("cancelled")).count();
        assert_eq!(cancelled, usize::from(told));
    }
}

#[tokio::test]
async fn a_connection_serves_one_call_after_another() {
    let server = Server::start(modern(echo)).await;
    let mut target = target(&server);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = target.url.socket_addrs(|| None).unwrap()[0];
    target.url.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
    let connections = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = connections.clone();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let mut far = tokio::net::TcpStream::connect(upstream).await.unwrap();
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut near, &mut far).await });
        }
    });
    let client = client_of(target);
    for _ in 0..5 {
        whole(client.call(&caller("alice"), &CALL).await.unwrap()).await;
    }
    assert_eq!(connections.load(std::sync::atomic::Ordering::Relaxed), 1);
}
