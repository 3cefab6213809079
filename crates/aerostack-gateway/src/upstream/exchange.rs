//! One POST and what its status means.

use bytes::{Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};

use super::answer::{Answer, Expect};
use super::error::UpstreamError;
use super::frame::{Frame, Framing, Whole};
use super::http::{Endpoint, next_chunk};
use super::message::RpcError;
use super::response::Response;

/// Largest body of a refusal that is read for its reason.
const REFUSAL_LIMIT_BYTES: usize = 64 * 1_024;

/// What came back.
pub(super) enum Received {
    /// An answer begins.
    Begun(Response, Framing),
    /// Any other status, with its body where that is small.
    Refused(Refusal),
}

/// A status other than 200, and its reason.
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) body: Bytes,
}

impl Refusal {
    /// The JSON-RPC error of the body, whatever its id.
    pub(super) fn rpc_error(&self) -> Option<RpcError> {
        RpcError::within(&self.body)
    }

    /// The body, if it is the response to a request of ours: then it is an answer after all.
    pub(super) fn answer_to(&self, id: u64) -> Option<Whole> {
        Whole::read(self.body.clone()).filter(|whole| whole.responds_to(id))
    }

    /// The refusal as an error.
    pub(super) fn into_error(self) -> UpstreamError {
        let status = self.status.as_u16();
        UpstreamError::BadAnswer(match self.rpc_error() {
            Some(error) => format!("HTTP {status}, {error}"),
            None => format!("HTTP {status}"),
        })
    }
}

/// Posts a message and waits for the beginning of the answer.
///
/// # Errors
/// Network errors, and statuses that mean the same whatever was asked: 401, 403, 429, redirects.
pub(super) async fn post(
    endpoint: &Endpoint,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Received, UpstreamError> {
    receive(endpoint, endpoint.post(headers, body).await?).await
}

/// Decides what an HTTP response is.
///
/// # Errors
/// As `post`.
pub(super) async fn receive(endpoint: &Endpoint, response: Response) -> Result<Received, UpstreamError> {
    let status = response.status();
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            Err(UpstreamError::RefusedCredential(status.as_u16()))
        }
        StatusCode::TOO_MANY_REQUESTS => Err(UpstreamError::Busy("HTTP 429".into())),
        _ if status.is_redirection() => {
            Err(UpstreamError::BadAnswer(format!("HTTP {}; redirects are not followed", status.as_u16())))
        }
        StatusCode::OK => framing(response.headers()).map(|framing| Received::Begun(response, framing)),
        _ => {
            let body = Box::pin(read_small(response, endpoint)).await?;
            Ok(Received::Refused(Refusal { status, body }))
        }
    }
}

fn framing(headers: &HeaderMap) -> Result<Framing, UpstreamError> {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("text/event-stream") {
        Ok(Framing::Events)
    } else if kind.eq_ignore_ascii_case("application/json") || kind.is_empty() {
        Ok(Framing::Json)
    } else {
        let kind: String = kind.chars().take(80).collect();
        Err(UpstreamError::BadAnswer(format!("the answer is {kind}, neither JSON nor an event stream")))
    }
}

/// Reads a small body; of a larger or broken one, nothing.
async fn read_small(mut response: Response, endpoint: &Endpoint) -> Result<Bytes, UpstreamError> {
    let mut body = BytesMut::new();
    loop {
        match next_chunk(&mut response, endpoint.idle()).await {
            Ok(Some(bytes)) if body.len() + bytes.len() <= REFUSAL_LIMIT_BYTES => {
                body.extend_from_slice(&bytes);
            }
            Ok(Some(_)) | Err(UpstreamError::BadAnswer(_)) => return Ok(Bytes::new()),
            Ok(None) => return Ok(body.freeze()),
            Err(error) => return Err(error),
        }
    }
}

/// Whether the stream that was asked for came: `Ok(None)` if the server has none to give.
///
/// # Errors
/// As `post`; 5xx as well.
pub(super) async fn event_stream(
    endpoint: &Endpoint,
    response: Response,
) -> Result<Option<Response>, UpstreamError> {
    match receive(endpoint, response).await {
        Ok(Received::Begun(response, Framing::Events)) => Ok(Some(response)),
        Ok(Received::Refused(refusal)) if refusal.status.is_server_error() => Err(refusal.into_error()),
        Ok(_) | Err(UpstreamError::BadAnswer(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads an answer to its response, which must be small enough to be held; notifications are dropped.
///
/// # Errors
/// Whatever ends the answer before its response.
pub(super) async fn response(mut answer: Answer, expect: Expect) -> Result<Bytes, UpstreamError> {
    while let Some(frame) = answer.next().await {
        if let Frame::Whole(whole) = frame?
            && expect.is_met_by(&whole)
        {
            return Ok(whole.text);
        }
    }
    Err(UpstreamError::BadAnswer("the answer ended early".into()))
}
