//! What a legacy server says in a caller's own session beside its answers: many ask on the stream of notices,
//! not on that of the call. So it is open for as long as such a session is, and opened before its first call:
//! servers drop what they cannot send.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::again;
use super::answer::{Expect, Questions};
use super::aside::Aside;
use super::error::UpstreamError;
use super::exchange;
use super::http::Endpoint;
use super::response::Response;
use super::shared::{Pending, Shared};
use super::shared_stream::SharedStream;
use crate::http::sse::{Decoder, Oversize};

/// Time a session waits for its stream to stand. Some servers open it with its first event only.
const STANDS_WITHIN: Duration = Duration::from_secs(1);
/// Attempts in a row to open it, or streams that ended soon without an event that has an id.
const ATTEMPTS: u32 = 5;
/// Shortest wait before it is opened again, whatever the server says.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// A stream that stood this long was a good one.
const GOOD_STREAM: Duration = Duration::from_secs(30);

/// The stream of notices of one session, and the calls that may be asked something on it.
pub(super) struct Hearing {
    shared: Arc<Shared>,
    reader: AbortHandle,
}

/// Where the stream is opened, and what becomes of it.
struct Listener {
    endpoint: Endpoint,
    headers: HeaderMap,
    event_limit_bytes: usize,
    shared: Arc<Shared>,
    aside: Aside,
}

impl Hearing {
    /// Opens the stream, in the session of these headers, and waits a moment for it to stand.
    pub(super) async fn open(
        endpoint: Endpoint,
        headers: HeaderMap,
        event_limit_bytes: usize,
        aside: Aside,
    ) -> Self {
        let shared = Shared::open();
        let listener = Listener { endpoint, headers, event_limit_bytes, shared: Arc::clone(&shared), aside };
        let (stands, standing) = oneshot::channel();
        let reader = tokio::spawn(listener.run(stands)).abort_handle();
        // Without one, its calls are asked on their own streams alone.
        let _ = tokio::time::timeout(STANDS_WITHIN, standing).await;
        Self { shared, reader }
    }

    /// Registers a call, before it is sent, if its caller can be asked. `None` where there is no stream.
    pub(super) fn expect(&self, expect: Expect) -> Option<Pending> {
        (expect.questions == Questions::HandedOn).then(|| self.shared.expect(expect)).flatten()
    }
}

impl Drop for Hearing {
    fn drop(&mut self) {
        self.reader.abort();
        self.shared.close();
    }
}

impl Listener {
    /// Listens until the server has no such stream any more, or cannot keep one.
    async fn run(self, stands: oneshot::Sender<()>) {
        let (mut stands, mut last_id, mut failures) = (Some(stands), None, 0);
        while failures < ATTEMPTS {
            failures += 1;
            let (began, mut retry_ms) = (Instant::now(), None);
            match self.get(last_id.as_deref()).await {
                Ok(Some(body)) => {
                    stands.take().map(|stands| stands.send(()));
                    let mut stream = self.stream(body);
                    stream.read_to_end().await;
                    if let Some(id) = stream.decoder.last_id() {
                        last_id = Some(id.to_owned());
                        failures = 0;
                    }
                    if began.elapsed() >= GOOD_STREAM {
                        failures = 0;
                    }
                    retry_ms = stream.decoder.retry_ms();
                }
                // It may have forgotten how far it came: then it begins anew.
                Ok(None) if last_id.take().is_some() => {}
                Ok(None) => break,
                Err(error) => {
                    let error = self.endpoint.masked(error);
                    tracing::debug!(%error, "a session has no stream of notices");
                }
            }
            tokio::time::sleep(again::wait(retry_ms).max(FIRST_WAIT)).await;
        }
        self.shared.close();
    }

    async fn get(&self, last_id: Option<&str>) -> Result<Option<Response>, UpstreamError> {
        let response = self.endpoint.get_events(again::after(self.headers.clone(), last_id)).await?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        exchange::event_stream(&self.endpoint, response).await
    }

    fn stream(&self, body: Response) -> SharedStream {
        let decoder = Decoder::new(self.event_limit_bytes, Oversize::Refuse);
        let (shared, aside) = (Arc::clone(&self.shared), self.aside.clone());
        SharedStream { body, decoder, found: VecDeque::new(), shared, aside }
    }
}
