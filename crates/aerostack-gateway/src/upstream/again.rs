//! An event stream of a legacy server that ended too early, asked for again with the id of the last event
//! that came: servers may close a stream on purpose, to be asked later.
//! Source: MCP 2025-11-25, "Resumability and Redelivery"; SEP-1699.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::error::UpstreamError;
use super::exchange;
use super::http::Endpoint;
use super::response::Response;

/// The header that names the last event that came.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Attempts in a row on which no event comes.
const ATTEMPTS: u32 = 5;
/// Time to wait where the server says nothing of it.
const USUAL_WAIT: Duration = Duration::from_secs(1);
/// Longest time to wait, whatever the server says.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Where a stream is asked for again.
pub(super) struct Again {
    endpoint: Endpoint,
    headers: HeaderMap,
    attempts: u32,
}

impl Again {
    /// At this address, in the session of these headers.
    pub(super) fn new(endpoint: Endpoint, headers: HeaderMap) -> Self {
        Self { endpoint, headers, attempts: 0 }
    }

    /// Notes that an event came: the way is good.
    pub(super) fn heard(&mut self) {
        self.attempts = 0;
    }

    /// Waits as long as the server wants and asks for what follows `last_id`; more than once if need be.
    /// `None` if the server has it not, or does not answer.
    pub(super) async fn open(&mut self, last_id: &str, retry_ms: Option<u64>) -> Option<Response> {
        while self.attempts < ATTEMPTS {
            self.attempts += 1;
            tokio::time::sleep(wait(retry_ms)).await;
            match self.ask(last_id).await {
                Ok(stream) => return stream,
                Err(error) => {
                    let error = self.endpoint.masked(error);
                    tracing::debug!(%error, "an event stream cannot be resumed yet");
                }
            }
        }
        None
    }

    async fn ask(&self, last_id: &str) -> Result<Option<Response>, UpstreamError> {
        let response = self.endpoint.get_events(after(self.headers.clone(), Some(last_id))).await?;
        exchange::event_stream(&self.endpoint, response).await
    }
}

/// The time to wait before a stream is asked for again.
pub(super) fn wait(retry_ms: Option<u64>) -> Duration {
    retry_ms.map_or(USUAL_WAIT, Duration::from_millis).min(LONGEST_WAIT)
}

/// Adds the id of the last event that came, if it can be sent.
pub(super) fn after(mut headers: HeaderMap, last_id: Option<&str>) -> HeaderMap {
    if let Some(id) = last_id.and_then(|id| HeaderValue::from_str(id).ok()) {
        headers.insert(LAST_EVENT_ID, id);
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_says_how_long_to_wait_within_limits() {
        assert_eq!(wait(None), USUAL_WAIT);
        assert_eq!(wait(Some(500)), Duration::from_millis(500));
        assert_eq!(wait(Some(u64::MAX)), LONGEST_WAIT);
    }
}
