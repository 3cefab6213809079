//! Listening for announcements that a server's list changed: one stream per server, opened again when
//! it breaks, more and more patiently. A server that offers no such stream is asked again only when
//! there is a new session with it.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use aerostack_core::id::InstallId;
use http::{HeaderMap, HeaderValue, StatusCode};
use reqwest::Response;
use tokio::time::Instant;

use super::aside::Aside;
use super::error::UpstreamError;
use super::exchange;
use super::message::{self, Message};
use super::pool::{Pool, Repeat};
use super::session::{Route, SendError, Session};
use super::target::Caller;
use crate::http::sse::{Decoder, Oversize, Piece};

/// Shortest and longest wait before a broken stream is opened again.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// A stream that stood this long was a good one.
const GOOD_STREAM: Duration = Duration::from_secs(60);
/// Largest event on such a stream.
const EVENT_LIMIT_BYTES: usize = 64 * 1_024;

/// How an attempt to listen ended.
enum Ended {
    /// The server offers nothing to listen to.
    NotOffered,
    /// The stream stood and ended.
    Broken,
}

/// Listens until it is aborted.
pub(super) async fn listen(pool: Arc<Pool>, install: InstallId) {
    let mut failures = 0;
    let mut made = pool.made();
    loop {
        let began = Instant::now();
        match attempt(&pool, &mut made).await {
            Ok(Ended::NotOffered) => {
                failures = 0;
                // The pool, which holds the sender, lives as long as this task.
                let _ = made.changed().await;
                continue;
            }
            Ok(Ended::Broken) => {}
            Err(error) => {
                let error = pool.connector().endpoint.masked(error);
                tracing::debug!(%install, %error, "no stream of announcements");
            }
        }
        failures = if began.elapsed() >= GOOD_STREAM { 0 } else { failures + 1 };
        tokio::time::sleep(wait(failures, &install)).await;
    }
}

/// The time to wait after so many failures in a row, spread so that installs do not return together.
fn wait(failures: u32, install: &InstallId) -> Duration {
    let doubled = FIRST_WAIT.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(LONGEST_WAIT);
    let mut hasher = DefaultHasher::new();
    (install, failures).hash(&mut hasher);
    let percent = u32::try_from(hasher.finish() % 51).expect("less than 51");
    doubled * (50 + percent) / 100
}

async fn attempt(
    pool: &Arc<Pool>,
    made: &mut tokio::sync::watch::Receiver<u64>,
) -> Result<Ended, UpstreamError> {
    let lease = pool.lease(&Caller::Gateway).await?;
    made.mark_unchanged();
    let session = lease.session();
    if !session.about.announces_changes {
        return Ok(Ended::NotOffered);
    }
    let opened = match session.route() {
        Route::HttpSse(channel) => {
            // Announcements arrive where everything does.
            channel.closed().await;
            return Ok(Ended::Broken);
        }
        // Announcements arrive where everything does, while it runs; it is not kept running for them.
        Route::Stdio { .. } => return Ok(Ended::NotOffered),
        Route::Streamable { .. } => open_get(session).await,
        Route::Modern => open_subscription(pool, session).await,
    };
    match opened {
        Ok(Some(stream)) => Ok(follow(stream, &session.aside()).await),
        Ok(None) => Ok(Ended::NotOffered),
        Err(error) => match pool.learn(session, &error) {
            Repeat::Sensible => Ok(Ended::Broken),
            Repeat::Senseless => Err(error.into_error()),
        },
    }
}

async fn open_get(session: &Session) -> Result<Option<Response>, SendError> {
    let response = session.endpoint().get_events(session.headers()).await?;
    if response.status() == StatusCode::NOT_FOUND && session.has_state() {
        return Err(SendError::SessionGone);
    }
    Ok(exchange::event_stream(session.endpoint(), response).await?)
}

async fn open_subscription(pool: &Pool, session: &Session) -> Result<Option<Response>, SendError> {
    let mut headers: HeaderMap = session.headers();
    headers.insert("mcp-method", HeaderValue::from_static("subscriptions/listen"));
    let body = message::listen(pool.connector().next_id());
    let response = session.endpoint().post(headers, body).await?;
    Ok(exchange::event_stream(session.endpoint(), response).await?)
}

/// Reads the stream to its end. It may be silent for hours: the kernel watches over the connection.
async fn follow(mut stream: Response, aside: &Aside) -> Ended {
    let mut decoder = Decoder::new(EVENT_LIMIT_BYTES, Oversize::Refuse);
    let mut found = VecDeque::new();
    while let Ok(Some(bytes)) = stream.chunk().await {
        if decoder.push(&bytes, &mut found).is_err() {
            break;
        }
        for piece in found.drain(..) {
            let Piece::Event(event) = piece else { continue };
            match Message::read(&event.data) {
                Some(Message::ListChanged) => aside.list_changed(),
                Some(Message::Request { id, method }) => aside.answer(id, &method),
                // A modern server ends the subscription with its response, and the stream with that.
                _ => {}
            }
        }
    }
    Ended::Broken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_from_a_second_to_five_minutes() {
        let install = InstallId::from_stored("ins_x".into());
        let waits: Vec<Duration> = [1, 2, 5, 12, 1_000].map(|failures| wait(failures, &install)).to_vec();
        for (wait, full) in waits.into_iter().zip([1, 2, 16, 300, 300]) {
            let full = Duration::from_secs(full);
            assert!(wait >= full / 2 && wait <= full, "{wait:?} of {full:?}");
        }
    }
}
