//! Answers too large to be held pass by in pieces, whole and unchanged.

use bytes::{Bytes, BytesMut};

use super::super::testing::{Answer, CALL, Server, caller, event, events, frames, json, pieces, status};
use super::super::{Frame, UpstreamError, Whole};
use super::plays::{client, modern, with_sessions};

const LARGE_BYTES: usize = 3 * 1_024 * 1_024;

fn large_result() -> String {
    let text = r#"{\"id\":1}, "#.repeat(LARGE_BYTES / 12);
    format!(r#"{{"content":[{{"type":"text","text":"{text}"}}]}}"#)
}

/// The message that a row of pieces makes up.
fn joined(frames: &[Frame]) -> Bytes {
    let [Frame::Begin(begin), more @ .., Frame::End] = frames else { panic!("not one large message") };
    let mut message = BytesMut::from(begin.as_ref());
    for frame in more {
        let Frame::More(bytes) = frame else { panic!("mixed with another message") };
        message.extend_from_slice(bytes);
    }
    message.freeze()
}

async fn answer_to(
    script: impl Fn(&super::super::testing::Seen) -> Answer + Send + Sync + 'static,
) -> Result<Vec<Frame>, UpstreamError> {
    let server = Server::start(modern(script)).await;
    frames(client(&server).call(&caller("alice"), &CALL).await.unwrap()).await
}

#[tokio::test]
async fn a_large_document_passes_in_pieces() {
    let found = answer_to(|seen| json(seen.result(&large_result()))).await.unwrap();
    assert!(found.len() > 3);
    let message = joined(&found);
    assert!(message.ends_with(format!(r#""result":{}}}"#, large_result()).as_bytes()));
}

#[tokio::test]
async fn a_large_event_passes_in_pieces_after_its_notifications() {
    let progress = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{}}"#;
    let found = answer_to(move |seen| events([progress, &seen.result(&large_result())])).await.unwrap();
    assert_eq!(found[0], Frame::Whole(Whole::read(Bytes::from_static(progress.as_bytes())).unwrap()));
    let message = joined(&found[1..]);
    assert!(message.ends_with(format!(r#""result":{}}}"#, large_result()).as_bytes()));
}

#[tokio::test]
async fn a_large_response_ends_the_answer_though_the_stream_goes_on() {
    let (stream, answer) = pieces("text/event-stream");
    let answer = std::sync::Mutex::new(Some(answer));
    let server = Server::start(modern(move |_| answer.lock().unwrap().take().unwrap())).await;
    let client = client(&server);
    let reply = client.call(&caller("alice"), &CALL).await.unwrap();
    let call = server.saw("POST tools/call", 1).await;
    let log = format!(r#"{{"jsonrpc":"2.0","method":"notifications/message","params":{}}}"#, large_result());
    stream.send(event(&log).into()).unwrap();
    stream.send(event(&call.result(&large_result())).into()).unwrap();
    let found = frames(reply).await.unwrap();
    let end = found.iter().position(|frame| *frame == Frame::End).unwrap();
    assert_eq!(joined(&found[..=end]), log);
    assert_eq!(joined(&found[end + 1..]), call.result(&large_result()));
}

#[tokio::test]
async fn a_large_question_of_the_server_is_refused_and_never_seen() {
    let large = "x".repeat(LARGE_BYTES);
    let question =
        format!(r#"{{"method":"elicitation/create","params":"{large}","jsonrpc":"2.0","id":"q"}}"#);
    let server = Server::start(with_sessions(move |seen| {
        if seen.method() == "tools/call" {
            events([question.as_str(), &seen.result("{}")])
        } else {
            status(202, "")
        }
    }))
    .await;
    let reply = client(&server).call(&caller("alice"), &CALL).await.unwrap();
    let found = frames(reply).await.unwrap();
    let response = server.saw("POST tools/call", 1).await.result("{}");
    assert_eq!(found, [Frame::Whole(Whole::read(response.into()).unwrap())]);
    let refused = server.saw("POST", 1).await;
    assert_eq!((refused.id().as_str(), &refused.body["error"]["code"]), ("\"q\"", &(-32601).into()));
    assert_eq!(refused.header("mcp-session-id"), "s1");
}

#[tokio::test]
async fn a_large_answer_to_somebody_else_is_passed_over() {
    let foreign = format!(r#"{{"jsonrpc":"2.0","id":77,"result":{}}}"#, large_result());
    let found = answer_to(move |seen| events([foreign.as_str(), &seen.result("{}")])).await.unwrap();
    assert!(matches!(found.as_slice(), [Frame::Whole(_)]), "{} frames", found.len());
}

#[tokio::test]
async fn a_large_answer_that_breaks_off_or_answers_another_request_ends_in_an_error() {
    let broken = answer_to(|seen| json(seen.result(&large_result()[..LARGE_BYTES]))).await;
    assert_eq!(broken, Err(UpstreamError::BadAnswer("a large answer is not JSON-RPC".into())));
    let foreign = format!(r#"{{"jsonrpc":"2.0","result":{},"id":77}}"#, large_result());
    let found = answer_to(move |_| json(foreign.clone())).await;
    assert_eq!(found, Err(UpstreamError::BadAnswer("the answer is to another request".into())));
    let cut = answer_to(|seen| {
        let body = event(&seen.result(&large_result()))[..LARGE_BYTES].to_owned();
        Answer::Full { status: 200, headers: vec![("content-type", "text/event-stream".into())], body }
    });
    let reason = "the event stream ended without the answer";
    assert_eq!(cut.await, Err(UpstreamError::BadAnswer(reason.into())));
}
