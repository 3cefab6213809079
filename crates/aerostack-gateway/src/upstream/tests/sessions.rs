//! Sessions belong to callers, and end.

use std::sync::Arc;
use std::time::Duration;

use aerostack_core::server::SessionMode;

use super::super::testing::{Answer, CALL, Seen, Server, caller, json, pieces, status, target, whole};
use super::super::{Caller, Client, UpstreamError, Upstreams};
use super::plays::{client, client_of, config, echo, sessionless, with_sessions};

async fn calls(client: &Client, name: &str) {
    whole(client.call(&caller(name), &CALL).await.unwrap()).await;
}

/// The sessions in which calls arrived.
fn sessions(server: &Server) -> Vec<String> {
    let calls = server.all().into_iter().filter(|seen| seen.method() == "tools/call");
    calls.map(|seen| seen.header("mcp-session-id").to_owned()).collect()
}

fn count(server: &Server, line: &str) -> usize {
    server.lines().iter().filter(|other| *other == line).count()
}

#[tokio::test]
async fn each_caller_has_a_session_of_their_own() {
    let server = Server::start(with_sessions(echo)).await;
    let client = client(&server);
    for name in ["alice", "bob", "alice", "bob"] {
        calls(&client, name).await;
    }
    assert_eq!(sessions(&server), ["s1", "s2", "s1", "s2"]);
    assert_eq!(count(&server, "POST server/discover"), 1);
}

#[tokio::test]
async fn a_shared_session_is_everybodys() {
    let server = Server::start(with_sessions(echo)).await;
    let mut target = target(&server);
    target.session = SessionMode::Shared;
    let client = client_of(target);
    calls(&client, "alice").await;
    calls(&client, "bob").await;
    assert_eq!(sessions(&server), ["s1", "s1"]);
}

#[tokio::test]
async fn a_server_without_sessions_is_initialised_once_for_all() {
    let server = Server::start(sessionless(|_| status(404, ""), echo)).await;
    let client = client(&server);
    calls(&client, "alice").await;
    calls(&client, "bob").await;
    assert_eq!(sessions(&server), ["", ""]);
    assert_eq!(count(&server, "POST initialize"), 1);
}

#[tokio::test]
async fn many_calls_of_one_caller_at_once_make_one_session() {
    let server = Server::start(with_sessions(echo)).await;
    let client = client(&server);
    futures_util::future::join_all((0..20).map(|_| calls(&client, "alice"))).await;
    assert_eq!(count(&server, "POST initialize"), 1);
    assert_eq!(sessions(&server).len(), 20);
}

#[tokio::test]
async fn those_who_wait_for_an_attempt_share_its_failure() {
    let server = Server::start(|_| status(500, "")).await;
    let client = client(&server);
    let names: Vec<Caller> = (0..20).map(|number| caller(&number.to_string())).collect();
    let attempts = names.iter().map(|name| client.call(name, &CALL));
    for outcome in futures_util::future::join_all(attempts).await {
        assert_eq!(outcome.err(), Some(UpstreamError::BadAnswer("HTTP 500".into())));
    }
    assert_eq!(server.lines().len(), 1);
}

/// A server that forgets the sessions in `gone`, as far as calls are concerned.
async fn forgetful(gone: &'static [&'static str]) -> Arc<Server> {
    Server::start(with_sessions(move |seen| {
        if gone.contains(&seen.header("mcp-session-id")) {
            return status(404, r#"{"jsonrpc":"2.0","error":{"code":-32001,"message":"gone"},"id":null}"#);
        }
        match seen.method() {
            "tools/list" => json(seen.result(r#"{"tools":[]}"#)),
            _ => echo(seen),
        }
    }))
    .await
}

#[tokio::test]
async fn a_session_the_server_forgot_is_made_again_once() {
    let server = forgetful(&["s1"]).await;
    let client = client(&server);
    calls(&client, "alice").await;
    assert_eq!(sessions(&server), ["s1", "s2"]);
    calls(&client, "alice").await;
    assert_eq!(sessions(&server), ["s1", "s2", "s2"]);
    assert_eq!(count(&server, "DELETE"), 0, "what is forgotten needs no end");
    let server = forgetful(&["s1"]).await;
    assert!(super::plays::client(&server).list().await.is_ok());
}

#[tokio::test]
async fn a_session_refused_with_400_is_made_again_once() {
    let server = Server::start(with_sessions(|seen| match seen.header("mcp-session-id") {
        "s1" => status(400, r#"{"jsonrpc":"2.0","error":{"code":-32000,"message":"no session"},"id":null}"#),
        _ => echo(seen),
    }))
    .await;
    let client = client(&server);
    calls(&client, "alice").await;
    assert_eq!(sessions(&server), ["s1", "s2"]);
    assert_eq!(server.saw("DELETE", 1).await.header("mcp-session-id"), "s1");
}

#[tokio::test]
async fn many_callers_at_once_of_a_server_without_sessions_initialise_it_once() {
    let server = Server::start(sessionless(|_| status(404, ""), echo)).await;
    let client = client(&server);
    let names: Vec<String> = (0..20).map(|number| (number / 2).to_string()).collect();
    futures_util::future::join_all(names.iter().map(|name| calls(&client, name))).await;
    assert_eq!(count(&server, "POST initialize"), 1);
    assert_eq!(sessions(&server).len(), 20);
}

#[tokio::test]
async fn a_server_that_begins_to_keep_sessions_gives_each_caller_one() {
    let issues = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let is_issuing = issues.clone();
    let (before, after) = (sessionless(|_| status(404, ""), |_| status(404, "")), with_sessions(echo));
    let server = Server::start(move |seen| {
        if is_issuing.load(std::sync::atomic::Ordering::Relaxed) { after(seen) } else { before(seen) }
    })
    .await;
    let client = client(&server);
    assert!(client.call(&caller("alice"), &CALL).await.is_err());
    issues.store(true, std::sync::atomic::Ordering::Relaxed);
    for name in ["alice", "bob", "alice"] {
        calls(&client, name).await;
    }
    assert_eq!(sessions(&server), ["", "s1", "s2", "s1"].map(str::to_owned));
}

#[tokio::test]
async fn a_server_that_forgets_every_session_gives_a_bad_answer() {
    let server = forgetful(&["s1", "s2"]).await;
    let refused = client(&server).call(&caller("alice"), &CALL).await.err();
    assert_eq!(refused, Some(UpstreamError::BadAnswer("the server ended the session".into())));
    assert_eq!(sessions(&server), ["s1", "s2"]);
}

#[tokio::test]
async fn the_longest_idle_session_makes_room_for_a_new_one() {
    let server = Server::start(with_sessions(echo)).await;
    let mut config = config();
    config.limits.sessions_per_install = 2;
    let client = Upstreams::new(&config).client(target(&server));
    for name in ["alice", "bob", "alice", "carol"] {
        calls(&client, name).await;
    }
    assert_eq!(server.saw("DELETE", 1).await.header("mcp-session-id"), "s2");
    calls(&client, "alice").await;
    assert_eq!(sessions(&server), ["s1", "s2", "s1", "s3", "s1"]);
}

#[tokio::test]
async fn when_all_sessions_are_in_use_a_new_caller_is_refused() {
    let answers: Vec<Answer> = (0..1).map(|_| pieces("text/event-stream").1).collect();
    let answers = std::sync::Mutex::new(answers);
    let server = Server::start(with_sessions(move |_: &Seen| answers.lock().unwrap().pop().unwrap())).await;
    let mut config = config();
    config.limits.sessions_per_install = 1;
    let client = Upstreams::new(&config).client(target(&server));
    let _reply = client.call(&caller("alice"), &CALL).await.unwrap();
    let refused = client.call(&caller("bob"), &CALL).await.err();
    assert_eq!(refused, Some(UpstreamError::Busy("1 sessions are in use".into())));
}

#[tokio::test]
async fn an_idle_session_is_ended() {
    let server = Server::start(with_sessions(echo)).await;
    let client = client(&server);
    calls(&client, "alice").await;
    tokio::time::pause();
    assert_eq!(server.saw("DELETE", 1).await.header("mcp-session-id"), "s1");
    tokio::time::resume();
    calls(&client, "alice").await;
    assert_eq!(sessions(&server), ["s1", "s2"]);
}

#[tokio::test]
async fn the_sessions_of_a_caller_end_with_their_access() {
    let server = Server::start(with_sessions(echo)).await;
    let upstreams = Upstreams::new(&config());
    let client = upstreams.client(target(&server));
    calls(&client, "alice").await;
    calls(&client, "bob").await;
    upstreams.end_caller(&caller("alice"));
    assert_eq!(server.saw("DELETE", 1).await.header("mcp-session-id"), "s1");
    calls(&client, "bob").await;
    assert_eq!(sessions(&server), ["s1", "s2", "s2"]);
}

#[tokio::test]
async fn equal_targets_share_a_client_and_a_changed_one_ends_the_old_sessions() {
    let server = Server::start(with_sessions(echo)).await;
    let upstreams = Upstreams::new(&config());
    let mut target = target(&server);
    let client = upstreams.client(target.clone());
    assert!(Arc::ptr_eq(&client, &upstreams.client(target.clone())));
    calls(&client, "alice").await;
    target.idle_timeout = Duration::from_secs(7);
    let changed = upstreams.client(target.clone());
    assert_eq!(changed.target(), &target);
    assert_eq!(server.saw("DELETE", 1).await.header("mcp-session-id"), "s1");
    calls(&changed, "alice").await;
    let refused = client.call(&caller("alice"), &CALL).await.err();
    assert_eq!(refused, Some(UpstreamError::Unreachable("the server was changed or removed".into())));
    upstreams.forget(&client);
    calls(&changed, "alice").await;
    upstreams.forget(&changed);
    assert_eq!(server.saw("DELETE", 2).await.header("mcp-session-id"), "s2");
}

#[tokio::test]
async fn a_session_in_use_ends_when_its_answer_does() {
    let (stream, answer) = pieces("text/event-stream");
    let answer = std::sync::Mutex::new(Some(answer));
    let server = Server::start(with_sessions(move |_| answer.lock().unwrap().take().unwrap())).await;
    let upstreams = Upstreams::new(&config());
    let client = upstreams.client(target(&server));
    let reply = client.call(&caller("alice"), &CALL).await.unwrap();
    upstreams.forget(&client);
    let response = server.saw("POST tools/call", 1).await.result("{}");
    stream.send(super::super::testing::event(&response).into()).unwrap();
    assert_eq!(whole(reply).await, response);
    server.saw("DELETE", 1).await;
}

#[tokio::test]
async fn shutdown_ends_every_session() {
    let server = Server::start(with_sessions(echo)).await;
    let upstreams = Upstreams::new(&config());
    let client = upstreams.client(target(&server));
    calls(&client, "alice").await;
    calls(&client, "bob").await;
    upstreams.shutdown(Duration::from_secs(5)).await;
    assert_eq!(count(&server, "DELETE"), 2);
    assert!(client.call(&caller("alice"), &CALL).await.is_err());
}

#[tokio::test]
async fn a_session_is_made_though_the_first_caller_went_away() {
    let held = Arc::new(tokio::sync::Notify::new());
    let server = Server::start(with_sessions(echo)).await;
    let client = client(&server);
    let alice = caller("alice");
    tokio::select! {
        biased;
        _ = client.call(&alice, &CALL) => panic!("it cannot be answered yet"),
        () = async { held.notify_one() } => {}
    }
    server.saw("POST notifications/initialized", 1).await;
    calls(&client, "alice").await;
    assert_eq!(count(&server, "POST initialize"), 1);
}
