//! Which era a server speaks is found out, and remembered.

use super::super::testing::{
    Answer, CALL, Seen, Server, caller, event, events, frames, json, pieces, status, target, whole,
    with_header,
};
use super::super::{Era, Framing, UpstreamError};
use super::plays::{DISCOVERED, client, client_of, echo, initialized, modern, sessionless, with_sessions};

#[tokio::test]
async fn a_modern_server_is_asked_once_and_each_request_stands_alone() {
    let server = Server::start(modern(echo)).await;
    let client = client(&server);
    for name in ["alice", "bob"] {
        let reply = client.call(&caller(name), &CALL).await.unwrap();
        assert_eq!((reply.era, reply.framing, reply.cancel.0.is_none()), (Era::Modern, Framing::Json, true));
        let id = reply.id;
        assert_eq!(whole(reply).await, format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"n":2.50}}}}"#));
    }
    assert_eq!(server.lines(), ["POST server/discover", "POST tools/call", "POST tools/call"]);
    let call = &server.all()[2];
    assert_eq!(call.header("mcp-protocol-version"), "2026-07-28");
    assert_eq!(call.header("mcp-method"), "tools/call");
    assert_eq!(call.header("accept"), "application/json, text/event-stream");
    let probe = &server.all()[0];
    assert_eq!(probe.header("mcp-method"), "server/discover");
    assert_eq!(probe.body["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
}

#[tokio::test]
async fn any_refusal_of_discovery_that_is_not_modern_means_legacy() {
    let refusals: [fn(&Seen) -> Answer; 6] = [
        |seen| json(seen.error(-32601)),
        |_| json(r#"{"jsonrpc":"2.0","error":{"code":-32600,"message":"no"},"id":"server-error"}"#),
        |_| status(400, "nonsense"),
        |_| status(404, ""),
        |_| status(405, ""),
        |seen| json(seen.result(r#"{"supportedVersions":["2025-11-25"]}"#)),
    ];
    for refusal in refusals {
        let server = Server::start(sessionless(refusal, echo)).await;
        let reply = client(&server).call(&caller("alice"), &CALL).await.unwrap();
        assert_eq!(reply.era, Era::Legacy);
        whole(reply).await;
        let lines =
            ["POST server/discover", "POST initialize", "POST notifications/initialized", "POST tools/call"];
        assert_eq!(server.lines(), lines);
        let all = server.all();
        assert_eq!(all[1].header("mcp-protocol-version"), "");
        assert_eq!(all[1].body["params"]["protocolVersion"], "2025-11-25");
        assert_eq!(all[1].body["params"]["capabilities"], serde_json::json!({}));
        assert_eq!(all[3].header("mcp-protocol-version"), "2025-11-25");
    }
}

#[tokio::test]
async fn a_server_that_names_the_revision_it_was_asked_in_is_asked_again() {
    let asked = std::sync::atomic::AtomicBool::new(false);
    let server = Server::start(move |seen| match seen.method() {
        "server/discover" if !asked.swap(true, std::sync::atomic::Ordering::Relaxed) => {
            let data = r#"{"supported":["2026-07-28"],"requested":"2026-07-28"}"#;
            let error = format!(r#"{{"code":-32022,"message":"no","data":{data}}}"#);
            status(400, format!(r#"{{"jsonrpc":"2.0","id":{},"error":{error}}}"#, seen.id()))
        }
        "server/discover" => json(seen.result(DISCOVERED)),
        _ => echo(seen),
    })
    .await;
    assert_eq!(client(&server).call(&caller("alice"), &CALL).await.unwrap().era, Era::Modern);
    assert_eq!(server.lines(), ["POST server/discover", "POST server/discover", "POST tools/call"]);
}

#[tokio::test]
async fn a_refused_credential_or_a_failing_server_is_no_verdict() {
    let answers = [
        (401, UpstreamError::RefusedCredential(401)),
        (403, UpstreamError::RefusedCredential(403)),
        (429, UpstreamError::Busy("HTTP 429".into())),
        (502, UpstreamError::BadAnswer("HTTP 502".into())),
        (307, UpstreamError::BadAnswer("HTTP 307; redirects are not followed".into())),
    ];
    for (code, error) in answers {
        let server = Server::start(move |_| with_header(status(code, ""), "location", "/elsewhere")).await;
        let client = client(&server);
        for _ in 0..2 {
            let refused = client.call(&caller("alice"), &CALL).await.err();
            assert_eq!(refused.as_ref(), Some(&error));
        }
        assert_eq!(server.lines(), ["POST server/discover", "POST server/discover"]);
    }
}

#[tokio::test]
async fn a_server_that_turned_legacy_is_found_out_at_the_next_call() {
    let turned = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let is_turned = turned.clone();
    let before = modern(echo);
    let after = sessionless(|seen| json(seen.error(-32601)), echo);
    let server = Server::start(move |seen| {
        if !is_turned.load(std::sync::atomic::Ordering::Relaxed) {
            return before(seen);
        }
        match (seen.method(), seen.header("mcp-protocol-version")) {
            ("tools/call", "2026-07-28") => status(
                400,
                format!(
                    r#"{{"jsonrpc":"2.0","id":{},"error":{{"code":-32022,"message":"no","data":{{"supported":[]}}}}}}"#,
                    seen.id()
                ),
            ),
            _ => after(seen),
        }
    })
    .await;
    let client = client(&server);
    assert_eq!(client.call(&caller("alice"), &CALL).await.unwrap().era, Era::Modern);
    turned.store(true, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(client.call(&caller("alice"), &CALL).await.unwrap().era, Era::Legacy);
}

#[tokio::test]
async fn an_initialize_may_be_answered_on_an_event_stream() {
    let server = Server::start(move |seen| match seen.method() {
        "server/discover" => status(404, ""),
        "initialize" => {
            let log = r#"{"jsonrpc":"2.0","method":"notifications/message","params":{}}"#;
            events([log, &seen.result(&initialized("2025-03-26"))])
        }
        "notifications/initialized" => status(202, ""),
        _ => echo(seen),
    })
    .await;
    whole(client(&server).call(&caller("alice"), &CALL).await.unwrap()).await;
    assert_eq!(server.saw("POST tools/call", 1).await.header("mcp-protocol-version"), "2025-03-26");
}

#[tokio::test]
async fn an_unknown_revision_is_refused() {
    let server = Server::start(|seen| match seen.method() {
        "initialize" => json(seen.result(&initialized("2031-01-01"))),
        _ => status(404, ""),
    })
    .await;
    let refused = client(&server).call(&caller("alice"), &CALL).await.err();
    let reason = r#"it speaks protocol revision "2031-01-01", which is not known here"#;
    assert_eq!(refused, Some(UpstreamError::BadAnswer(reason.into())));
}

#[tokio::test]
async fn a_server_nobody_reaches_is_unreachable_and_its_url_stays_secret() {
    let server = Server::start(echo).await;
    let mut target = target(&server);
    target.url = "http://127.0.0.1:1/mcp?key=hidden".parse().unwrap();
    let Some(UpstreamError::Unreachable(reason)) =
        client_of(target.clone()).call(&caller("a"), &CALL).await.err()
    else {
        panic!("it was reached");
    };
    assert!(!reason.contains("hidden") && reason.to_lowercase().contains("refused"), "{reason}");
    target.url = server.url.clone();
    target.trusted = false;
    let Some(UpstreamError::Unreachable(reason)) =
        client_of(target.clone()).call(&caller("a"), &CALL).await.err()
    else {
        panic!("a private address was reached");
    };
    assert!(reason.contains("private network"), "{reason}");
    target.url.set_host(Some("localhost")).unwrap();
    let Some(UpstreamError::Unreachable(reason)) = client_of(target).call(&caller("a"), &CALL).await.err()
    else {
        panic!("a name for a private address was reached");
    };
    assert!(reason.contains("private network"), "{reason}");
    assert_eq!(server.lines(), Vec::<String>::new());
}

#[tokio::test]
async fn a_ping_on_the_answers_stream_is_answered_and_not_passed_on() {
    let (stream, answer) = pieces("text/event-stream");
    let answer = std::sync::Mutex::new(Some(answer));
    let server = Server::start(with_sessions(move |seen| match seen.method() {
        "tools/call" => answer.lock().unwrap().take().unwrap(),
        _ => status(202, ""),
    }))
    .await;
    let client = client(&server);
    let (alice, sent) = (caller("alice"), stream.clone());
    let scene = async {
        let call = server.saw("POST tools/call", 1).await;
        sent.send(event(r#"{"jsonrpc":"2.0","id":"p","method":"ping"}"#).into()).unwrap();
        sent.send(event(r#"{"jsonrpc":"2.0","id":"q","method":"sampling/createMessage"}"#).into()).unwrap();
        sent.send(event(&call.result("{}")).into()).unwrap();
    };
    let (reply, ()) = tokio::join!(client.call(&alice, &CALL), scene);
    assert_eq!(frames(reply.unwrap()).await.unwrap().len(), 1);
    server.saw("POST", 2).await;
    let mut answers: Vec<Seen> = server.all().into_iter().filter(Seen::line_is_answer).collect();
    answers.sort_by_key(Seen::id);
    assert_eq!(answers[0].body, serde_json::json!({"jsonrpc": "2.0", "id": "p", "result": {}}));
    assert_eq!(answers[1].body["error"]["code"], -32601);
    assert_eq!(answers[1].header("mcp-session-id"), "s1");
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_unreachable_by_it() {
    let server = Server::start(echo).await;
    let mut target = target(&server);
    target.url.set_scheme("https").unwrap();
    let Some(UpstreamError::Unreachable(reason)) = client_of(target).list().await.err() else {
        panic!("it was reached");
    };
    assert!(reason.starts_with("TLS: "), "{reason}");
}
