//! The 2024-11-05 transport, HTTP+SSE: one long event stream carries everything the server says;
//! messages to it are posted to an address the stream names first.
//!
//! One task reads the stream and hands each message to the request it belongs to, which it never waits for.

use std::collections::VecDeque;
use std::sync::Arc;

use http::HeaderMap;
use tokio::task::AbortHandle;

use super::answer::Expect;
use super::aside::Aside;
use super::error::UpstreamError;
use super::exchange;
use super::http::{Endpoint, next_chunk};
use super::shared::{Pending, Shared};
use super::shared_stream::SharedStream;
use crate::http::sse::{Decoder, Oversize, Piece};

/// A stream and the requests on it.
pub(super) struct Channel {
    endpoint: Endpoint,
    shared: Arc<Shared>,
    reader: AbortHandle,
}

impl Channel {
    /// Opens the stream and waits for the address to post to. `None` if the server has no such stream.
    ///
    /// # Errors
    /// Network errors, a refused credential, an address elsewhere.
    pub(super) async fn open(
        endpoint: &Endpoint,
        event_limit_bytes: usize,
        aside: impl FnOnce(Endpoint) -> Aside,
    ) -> Result<Option<Self>, UpstreamError> {
        let response = endpoint.get_events(HeaderMap::new()).await?;
        let Some(mut body) = exchange::event_stream(endpoint, response).await? else {
            return Ok(None);
        };
        let mut decoder = Decoder::new(event_limit_bytes, Oversize::Refuse);
        let mut found = VecDeque::new();
        let target = loop {
            let chunk = next_chunk(&mut body, endpoint.idle()).await?;
            let chunk = chunk.ok_or_else(|| bad("the event stream ended before it named an address"))?;
            decoder.push(&chunk, &mut found).map_err(|error| bad(&error.to_string()))?;
            if let Some(target) = take_address(&mut found) {
                break target;
            }
        };
        let url = endpoint.url().join(&target).map_err(|_| bad("the event stream named no address"))?;
        if url.origin() != endpoint.url().origin() {
            return Err(bad("the event stream named an address on another origin"));
        }
        let endpoint = endpoint.at(url);
        let shared = Shared::open();
        let aside = aside(endpoint.clone());
        let mut stream = SharedStream { body, decoder, found, shared: Arc::clone(&shared), aside };
        let reading = async move {
            stream.read_to_end().await;
            stream.shared.close();
        };
        let reader = tokio::spawn(reading).abort_handle();
        Ok(Some(Self { endpoint, shared, reader }))
    }

    /// Where messages are posted to.
    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Whether the stream still stands.
    pub(super) fn is_open(&self) -> bool {
        self.shared.is_open()
    }

    /// Waits until the stream has ended.
    pub(super) async fn closed(&self) {
        self.shared.closed().await;
    }

    /// Registers a request, before it is posted. `None` if the stream has ended.
    pub(super) fn expect(&self, expect: Expect) -> Option<Pending> {
        self.shared.expect(expect)
    }

    /// Closes the stream, which ends the session.
    pub(super) fn close(&self) {
        self.reader.abort();
        self.shared.close();
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.close();
    }
}

fn bad(reason: &str) -> UpstreamError {
    UpstreamError::BadAnswer(reason.into())
}

/// The data of the `endpoint` event, once it is there; what came before it is dropped.
fn take_address(found: &mut VecDeque<Piece>) -> Option<String> {
    while let Some(piece) = found.pop_front() {
        if let Piece::Event(event) = piece
            && event.name.as_deref() == Some("endpoint")
        {
            return Some(String::from_utf8_lossy(&event.data).into_owned());
        }
    }
    None
}
