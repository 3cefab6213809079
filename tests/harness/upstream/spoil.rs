//! How a fault turns a right answer into a wrong one.

use futures_util::stream::{self, StreamExt};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::BodyExt;

use super::fault::Fault;
use super::message::{self, RpcError};
use super::respond::{self, Body, BrokenOff, EVENT_STREAM};

/// Retry-After of a scripted 429.
const RETRY_AFTER_S: &str = "7";
/// Bytes of an endless answer that are written at once.
const ENDLESS_CHUNK_BYTES: usize = 16 * 1_024;

/// Lets a fault strike at the request with this id; `right` makes the right answer.
pub(super) async fn respond<F>(fault: Fault, id: &str, right: F) -> Result<Response<Body>, BrokenOff>
where
    F: Future<Output = Response<Body>>,
{
    match fault {
        Fault::NeverAnswers => std::future::pending().await,
        Fault::Drops => Err(BrokenOff),
        Fault::Delays(pause) => {
            tokio::time::sleep(pause).await;
            Ok(right.await)
        }
        Fault::Status(code) => Ok(status(code, id)),
        Fault::Says(words) => Ok(respond::json(StatusCode::OK, says(id, &words))),
        Fault::Redirects(to) => {
            let mut response = respond::empty(StatusCode::TEMPORARY_REDIRECT);
            let to = HeaderValue::from_str(&to).expect("a scripted location is a header value");
            response.headers_mut().insert(LOCATION, to);
            Ok(response)
        }
        Fault::WebPage => {
            Ok(respond::whole(StatusCode::OK, "text/html", "<!doctype html><p>Welcome".to_owned()))
        }
        Fault::EndsWithoutAnswer => Ok(respond::whole(StatusCode::OK, EVENT_STREAM, ": bye\n\n".to_owned())),
        Fault::Error(code) => Ok(respond::json(StatusCode::OK, error(id, code))),
        Fault::HeaderMismatch => Ok(respond::json(StatusCode::BAD_REQUEST, error(id, -32020))),
        Fault::Huge(bytes) => Ok(respond::json(StatusCode::OK, huge(id, bytes))),
        Fault::Endless => Ok(endless(id)),
        Fault::StallsMidBody => Ok(rewrite(right.await, |text, _| half_then(text, stream::pending())).await),
        Fault::DropsMidBody => {
            Ok(rewrite(right.await, |text, _| half_then(text, stream::once(break_off()))).await)
        }
        Fault::MalformedJson => Ok(rewrite(right.await, |text, _| half_then(text, stream::empty())).await),
        Fault::WrongId => {
            let id = id.to_owned();
            Ok(rewrite(right.await, move |text, _| once(with_wrong_id(&text, &id))).await)
        }
        Fault::DuplicateEvent => Ok(rewrite(right.await, twice).await),
    }
}

/// What comes on a 2024-11-05 stream instead of one right answer.
pub(super) async fn messages(fault: Option<Fault>, text: String, id: &str) -> Vec<String> {
    match fault {
        None => vec![text],
        Some(Fault::Delays(pause)) => {
            tokio::time::sleep(pause).await;
            vec![text]
        }
        Some(Fault::Huge(bytes)) => vec![huge(id, bytes)],
        Some(Fault::Error(code)) => vec![error(id, code)],
        Some(Fault::MalformedJson) => vec![half(&text).to_owned()],
        Some(Fault::WrongId) => vec![with_wrong_id(&text, id)],
        Some(Fault::DuplicateEvent) => vec![text.clone(), text],
        // Whatever else goes wrong, the answer does not come.
        Some(_) => Vec::new(),
    }
}

fn says(id: &str, words: &str) -> String {
    let words = serde_json::Value::from(words);
    format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-32000,"message":{words}}}}}"#)
}

type Chunks = stream::BoxStream<'static, Result<String, BrokenOff>>;

/// Reads a right answer to its end and replaces its body; status and other headers stay.
async fn rewrite(
    right: Response<Body>,
    wrong: impl FnOnce(String, &mut HeaderValue) -> Chunks,
) -> Response<Body> {
    let (mut head, body) = right.into_parts();
    let bytes = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let mut kind = head.headers.remove(CONTENT_TYPE).unwrap_or(HeaderValue::from_static("application/json"));
    let body = respond::chunks("", wrong(text, &mut kind)).into_body();
    head.headers.remove(CONTENT_LENGTH);
    head.headers.insert(CONTENT_TYPE, kind);
    Response::from_parts(head, body)
}

fn once(text: String) -> Chunks {
    stream::iter([Ok(text)]).boxed()
}

fn half_then<S>(text: String, rest: S) -> Chunks
where
    S: stream::Stream<Item = Result<String, BrokenOff>> + Send + 'static,
{
    once(half(&text).to_owned()).chain(rest).boxed()
}

/// Waits a turn first: what has been written so far must leave before the connection closes.
async fn break_off() -> Result<String, BrokenOff> {
    tokio::task::yield_now().await;
    Err(BrokenOff)
}

fn twice(text: String, kind: &mut HeaderValue) -> Chunks {
    let event = if kind == EVENT_STREAM { text } else { respond::event(&text) };
    *kind = HeaderValue::from_static(EVENT_STREAM);
    once(event.repeat(2))
}

fn half(text: &str) -> &str {
    let middle = (0..=text.len() / 2).rev().find(|&index| text.is_char_boundary(index)).unwrap_or_default();
    &text[..middle]
}

fn with_wrong_id(text: &str, id: &str) -> String {
    text.replacen(&format!("\"id\":{id}"), "\"id\":987654321", 1)
}

fn error(id: &str, code: i64) -> String {
    message::answer(id, &Err(RpcError::new(code, "scripted error")))
}

/// Right in every era: a field that older clients do not know is none of their business.
fn huge(id: &str, bytes: usize) -> String {
    let text = "x".repeat(bytes);
    let result = format!(r#"{{"resultType":"complete","content":[{{"type":"text","text":"{text}"}}]}}"#);
    message::answer(id, &Ok(result))
}

fn endless(id: &str) -> Response<Body> {
    let start = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"text":""#);
    let more = stream::repeat("x".repeat(ENDLESS_CHUNK_BYTES)).then(|chunk| async {
        // Others on this thread go on living beside an endless answer.
        tokio::task::yield_now().await;
        Ok(chunk)
    });
    respond::chunks("application/json", stream::iter([Ok(start)]).chain(more))
}

fn status(code: u16, id: &str) -> Response<Body> {
    let status = StatusCode::from_u16(code).expect("a scripted status is a status");
    let error = RpcError::new(-32603, format!("scripted status {code}"));
    let mut response = respond::json(status, message::answer(id, &Err(error)));
    let extra = match code {
        401 => Some((WWW_AUTHENTICATE, "Bearer realm=\"mcp-example\"")),
        429 => Some((RETRY_AFTER, RETRY_AFTER_S)),
        _ => None,
    };
    if let Some((name, value)) = extra {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
