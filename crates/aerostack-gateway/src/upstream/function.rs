//! Functions: `POST {"tool", "input", "secrets"}`, answered with `{"content": []}`.
//!
//! For the floors above a function is a server like any other: a call goes in as `tools/call` and a
//! response comes out. Here the input is checked first, one POST carries what was checked, and the answer
//! is read whole, bounded in size and in time from beginning to end.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aerostack_core::manifest::ManifestTool;
use aerostack_core::secret::SecretValue;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use tokio::sync::OwnedSemaphorePermit;

use super::call::Frames;
use super::credential::Credential;
use super::error::UpstreamError;
use super::frame::{Canceller, Framing, Reply, Whole};
use super::function_input::{InputCheck, InputRefusal};
use super::http::{Endpoint, next_chunk};
use super::response::Response;
use super::target::{Era, Listing, Outgoing, Target};
use crate::http::budget::Room;

/// Largest input of a call: checking it costs time.
const INPUT_LIMIT_BYTES: usize = 1_024 * 1_024;
/// Largest answer, unless the limit of what must be read whole is lower: it is held until it is passed on.
const ANSWER_LIMIT_BYTES: usize = 4 * 1_024 * 1_024;

/// A function, ready to be called.
pub(super) struct Function {
    endpoint: Endpoint,
    tools: HashMap<String, InputCheck>,
    listing: Listing,
    credential: Credential,
    answer_limit_bytes: usize,
    ids: AtomicU64,
}

/// What of a `tools/call` is read.
#[derive(Deserialize)]
struct Asked {
    params: Params,
}

#[derive(Deserialize)]
struct Params {
    name: String,
    #[serde(default)]
    arguments: Option<Value>,
}

/// What of an answer is taken over; everything else a function says is dropped.
#[derive(Deserialize)]
struct Answered<'a> {
    #[serde(borrow)]
    content: Vec<&'a RawValue>,
    #[serde(borrow, default, rename = "structuredContent")]
    structured: Option<&'a RawValue>,
    #[serde(default, rename = "isError")]
    is_error: bool,
}

/// What every item of a content has.
#[derive(Deserialize)]
struct Item {
    #[serde(rename = "type")]
    _kind: String,
}

impl Function {
    pub(super) fn new(
        target: &Target,
        tools: &[ManifestTool],
        endpoint: Endpoint,
        whole_limit_bytes: usize,
    ) -> Self {
        let listing = Listing::of_tools(tools.iter().map(ManifestTool::definition).collect(), "function");
        let checks = tools.iter().map(|tool| (tool.name.clone(), InputCheck::new(tool.input_schema.clone())));
        Self {
            endpoint,
            tools: checks.collect(),
            listing,
            credential: target.credential.clone(),
            answer_limit_bytes: whole_limit_bytes.min(ANSWER_LIMIT_BYTES),
            ids: AtomicU64::new(1),
        }
    }

    /// The opened secrets of the install, by name: they go into the body and nowhere else.
    fn secrets(&self) -> Map<String, Value> {
        let text = |value: &SecretValue| Value::String(value.expose().to_owned());
        self.credential.values().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
    }

    /// Its tools, as its manifest has them.
    pub(super) fn listing(&self) -> Listing {
        self.listing.clone()
    }

    /// Checks the input, posts it and reads the answer.
    ///
    /// *Cancellation*: dropped, it closes the connection to the function.
    ///
    /// # Errors
    /// [`UpstreamError`]. An input that does not fit is an answer, with the reason in it.
    pub(super) async fn call(
        self: &Arc<Self>,
        request: &dyn Outgoing,
        permit: OwnedSemaphorePermit,
    ) -> Result<Reply, UpstreamError> {
        let id = self.ids.fetch_add(1, Ordering::Relaxed);
        let message = request.body(Era::Legacy, id);
        let answer = match self.checked(message).await? {
            Err(reason) => invalid(id, &reason),
            Ok(Params { name, arguments }) => {
                let secrets = self.secrets();
                let body = json!({ "tool": name, "input": arguments, "secrets": secrets }).to_string();
                // Asked last: checking may have waited.
                if !request.may_be_sent() {
                    return Err(UpstreamError::AccessEnded);
                }
                let limit = self.endpoint.idle();
                let posted = tokio::time::timeout(limit, self.post(body.into(), request.room())).await;
                let answer = posted.map_err(|_| {
                    UpstreamError::TimedOut(format!("no whole answer within {} s", limit.as_secs_f32()))
                })??;
                response(id, &answer)?
            }
        };
        drop(permit);
        let whole = Whole::read(answer).map(|whole| self.credential.mask_whole(whole));
        let whole = whole.ok_or_else(|| UpstreamError::BadAnswer("the answer is not JSON".into()))?;
        let (frames, cancel) = (Frames::given(whole), Canceller(None));
        Ok(Reply { framing: Framing::Json, id, era: Era::Legacy, frames, cancel })
    }

    /// What is to be posted, if it fits; else why not.
    async fn checked(self: &Arc<Self>, message: Bytes) -> Result<Result<Params, String>, UpstreamError> {
        if message.len() > INPUT_LIMIT_BYTES {
            return Ok(Err(format!("input: it has more than {INPUT_LIMIT_BYTES} bytes")));
        }
        let function = Arc::clone(self);
        let checked = tokio::task::spawn_blocking(move || function.check(&message)).await;
        checked.unwrap_or_else(|_| Err(UpstreamError::BadAnswer("checking the input broke off".into())))
    }

    fn check(&self, message: &[u8]) -> Result<Result<Params, String>, UpstreamError> {
        let Ok(Asked { params: Params { name, arguments } }) = serde_json::from_slice(message) else {
            return Ok(Err("input: it cannot be read".to_owned()));
        };
        let Some(check) = self.tools.get(&name) else {
            return Ok(Err(format!("the function has no tool '{name}'")));
        };
        let input = arguments.unwrap_or_else(|| json!({}));
        match check.check(&input) {
            Ok(()) => Ok(Ok(Params { name, arguments: Some(input) })),
            Err(InputRefusal::DoesNotFit(reason)) => Ok(Err(reason)),
            Err(InputRefusal::NoCheck) => {
                Err(UpstreamError::BadAnswer(format!("the input schema of '{name}' cannot be compiled")))
            }
        }
    }

    async fn post(&self, body: Bytes, room: Room<'_>) -> Result<Bytes, UpstreamError> {
        let response = self.endpoint.post_json(HeaderMap::new(), body).await?;
        let status = response.status();
        match status {
            StatusCode::OK => self.read(response, room).await,
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Err(UpstreamError::RefusedCredential(status.as_u16()))
            }
            StatusCode::TOO_MANY_REQUESTS => Err(UpstreamError::Busy("HTTP 429".into())),
            StatusCode::BAD_REQUEST => {
                Err(UpstreamError::BadAnswer("HTTP 400: it does not know the tool, or not this input".into()))
            }
            _ if status.is_redirection() => {
                Err(UpstreamError::BadAnswer(format!("HTTP {}; redirects are not followed", status.as_u16())))
            }
            _ => Err(UpstreamError::BadAnswer(format!("HTTP {}", status.as_u16()))),
        }
    }

    async fn read(&self, mut response: Response, room: Room<'_>) -> Result<Bytes, UpstreamError> {
        let limit_bytes = self.answer_limit_bytes;
        let too_large = || UpstreamError::BadAnswer(format!("its answer has more than {limit_bytes} bytes"));
        let announced = response.content_length().unwrap_or_default();
        let announced = usize::try_from(announced).ok().filter(|length| *length <= limit_bytes);
        let mut body = room.gather(announced.ok_or_else(too_large)?)?;
        while let Some(bytes) = next_chunk(&mut response, self.endpoint.idle()).await? {
            if body.len() + bytes.len() > limit_bytes {
                return Err(too_large());
            }
            body.push(bytes)?;
        }
        Ok(body.finish())
    }
}

/// The refusal of an input, as a server would put it.
fn invalid(id: u64, reason: &str) -> Bytes {
    let message = format!("Invalid params: {reason}");
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": -32602, "message": message } }).to_string().into()
}

/// The answer of a function as the response to a call.
fn response(id: u64, answer: &[u8]) -> Result<Bytes, UpstreamError> {
    let bad = |reason: &str| UpstreamError::BadAnswer(reason.to_owned());
    let text = std::str::from_utf8(answer).map_err(|_| bad("its answer is not UTF-8"))?;
    let answered: Answered<'_> =
        serde_json::from_str(text).map_err(|_| bad(r#"its answer is not {"content": [...]}"#))?;
    if answered.content.iter().any(|item| serde_json::from_str::<Item>(item.get()).is_err()) {
        return Err(bad("an item of its content has no type"));
    }
    let mut result = String::from(r#"{"content":["#);
    for (index, item) in answered.content.iter().enumerate() {
        result.push_str(if index > 0 { "," } else { "" });
        result.push_str(item.get());
    }
    result.push(']');
    if let Some(structured) = answered.structured.map(RawValue::get).filter(|text| *text != "null") {
        if !structured.starts_with('{') {
            return Err(bad("its structuredContent is no object"));
        }
        result.push_str(&format!(r#","structuredContent":{structured}"#));
    }
    if answered.is_error {
        result.push_str(r#","isError":true"#);
    }
    result.push('}');
    Ok(format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(answer: &str) -> Result<String, UpstreamError> {
        response(7, answer.as_bytes()).map(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[test]
    fn content_passes_as_it_was_written_and_nothing_else_does() {
        let answer =
            r#"{"content":[ {"type":"text", "text":"1.0e2"}, {"type":"x"} ],"_meta":{},"resultType":"odd"}"#;
        let expected =
            r#"{"jsonrpc":"2.0","id":7,"result":{"content":[{"type":"text", "text":"1.0e2"},{"type":"x"}]}}"#;
        assert_eq!(read(answer).unwrap(), expected);
        let answer = r#"{"isError":true,"structuredContent":{"a":1},"content":[]}"#;
        let expected =
            r#"{"jsonrpc":"2.0","id":7,"result":{"content":[],"structuredContent":{"a":1},"isError":true}}"#;
        assert_eq!(read(answer).unwrap(), expected);
    }

    #[test]
    fn garbage_is_a_bad_answer() {
        for answer in [
            "",
            "<html>",
            "[]",
            "{}",
            r#"{"content":"text"}"#,
            r#"{"content":["text"]}"#,
            r#"{"content":[{}]}"#,
            r#"{"content":[],"structuredContent":7}"#,
            r#"{"content":[],"isError":"yes"}"#,
            "\u{feff}{}",
        ] {
            assert!(matches!(read(answer), Err(UpstreamError::BadAnswer(_))), "{answer}");
        }
        assert!(matches!(response(7, b"\xff"), Err(UpstreamError::BadAnswer(_))));
    }
}
