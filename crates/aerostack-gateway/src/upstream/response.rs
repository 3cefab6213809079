//! An answer of a server whose head is there. Dropped before its end, it closes its connection.

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;

/// An answer that has begun.
pub(super) struct Response(http::Response<Incoming>);

impl Response {
    pub(super) fn new(response: http::Response<Incoming>) -> Self {
        Self(response)
    }

    pub(super) fn status(&self) -> StatusCode {
        self.0.status()
    }

    pub(super) fn headers(&self) -> &HeaderMap {
        self.0.headers()
    }

    /// The length that its head announces, in bytes.
    pub(super) fn content_length(&self) -> Option<u64> {
        self.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
    }

    /// The next piece of its body; `None` at the end.
    ///
    /// *Cancellation*: dropped while waiting, it loses nothing.
    ///
    /// # Errors
    /// When the connection breaks off.
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, hyper::Error> {
        while let Some(frame) = self.0.body_mut().frame().await {
            if let Ok(data) = frame?.into_data() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }
}
