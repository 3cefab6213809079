//! Listening for announcements that a server's lists changed, or resources were updated to which somebody
//! subscribed: one stream per server, opened again when it breaks, more and more patiently. A server that
//! offers no such stream is asked again only when there is a new session with it, or another wish.
//!
//! Subscriptions are made in the gateway's own session, and again whenever the stream is opened. A program has
//! no stream beside its output; there is only to subscribe.

use std::collections::{BTreeSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use aerostack_core::id::InstallId;
use http::{HeaderMap, HeaderValue, StatusCode};
use tokio::sync::watch;
use tokio::time::Instant;

use super::again;
use super::aside::Aside;
use super::capabilities::Announces;
use super::error::UpstreamError;
use super::exchange;
use super::message::{self, Message};
use super::pool::{Pool, Repeat};
use super::response::Response;
use super::session::{Route, SendError, Session};
use super::stdio::Child;
use super::subscriptions::Subscriptions;
use super::target::{Caller, Era};
use crate::http::sse::{Decoder, Oversize, Piece};

/// Shortest and longest wait before a broken stream is opened again.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// A stream that stood this long was a good one.
const GOOD_STREAM: Duration = Duration::from_secs(60);
/// Largest event on such a stream.
const EVENT_LIMIT_BYTES: usize = 64 * 1_024;

/// Time for which a stream is still followed when another has taken its place.
const OVERLAP: Duration = Duration::from_millis(250);

/// The resources that somebody wants to be told of.
struct Wanted {
    subscriptions: Arc<Subscriptions>,
    changes: watch::Receiver<u64>,
}

impl Wanted {
    /// All of them; from now on only another wish is a change.
    fn all(&mut self) -> BTreeSet<String> {
        self.changes.mark_unchanged();
        self.subscriptions.uris()
    }

    /// The same of a server that tells of updates; none of another.
    fn uris(&mut self, session: &Session) -> BTreeSet<String> {
        let all = self.all();
        if session.about.declared.more.subscriptions { all } else { BTreeSet::new() }
    }

    /// Waits for another wish. The sender lives as long as the subscriptions, which are held.
    async fn changed(&mut self) {
        if self.changes.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Whether there is nothing to listen for.
    fn is_nothing(&mut self, session: &Session) -> bool {
        self.uris(session).is_empty() && !session.about.declared.announces.any()
    }
}

/// How far a server's stream of notices came, so that a legacy one goes on there.
#[derive(Default)]
struct Mark {
    /// Whether one was open before.
    was_open: bool,
    /// The session it was opened in.
    session: Option<HeaderValue>,
    last_id: Option<String>,
    /// How long the server wants us to wait, if it said so and ended the stream by itself.
    retry: Option<Duration>,
}

impl Mark {
    /// The id of the last event that came in this session.
    fn last_id(&self, session: Option<&HeaderValue>) -> Option<&str> {
        self.last_id.as_deref().filter(|_| self.session.as_ref() == session)
    }

    /// Notes that a stream is open. What was missed since one before ended is not known, unless this one
    /// goes on with it: then the lists count as changed.
    fn opened(&mut self, aside: &Aside, goes_on: bool) {
        if std::mem::replace(&mut self.was_open, true) && !goes_on {
            aside.list_changed();
        }
    }
}

/// How an attempt to listen ended.
enum Ended {
    /// The server offers nothing to listen to.
    NotOffered,
    /// The stream stood and ended.
    Broken,
}

/// Listens until it is aborted.
pub(super) async fn listen(pool: Arc<Pool>, install: InstallId, subscriptions: Arc<Subscriptions>) {
    let mut failures = 0;
    let mut made = pool.made();
    let mut wanted = Wanted { changes: subscriptions.changes(), subscriptions };
    let mut mark = Mark::default();
    loop {
        let began = Instant::now();
        match attempt(&pool, &mut made, &mut wanted, &mut mark).await {
            Ok(Ended::NotOffered) => {
                failures = 0;
                // Both senders live as long as this task.
                tokio::select! {
                    _ = made.changed() => {}
                    () = wanted.changed() => {}
                }
                continue;
            }
            Ok(Ended::Broken) => {}
            Err(error) => {
                let error = pool.connector().endpoint.masked(error);
                tracing::debug!(%install, %error, "no stream of announcements");
            }
        }
        if let Some(retry) = mark.retry.take() {
            failures = 0;
            tokio::time::sleep(retry).await;
            continue;
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
    made: &mut watch::Receiver<u64>,
    wanted: &mut Wanted,
    mark: &mut Mark,
) -> Result<Ended, UpstreamError> {
    // What a program announces arrives where everything does, while it runs; for that alone none is started.
    if pool.connector().program.is_some() && wanted.all().is_empty() {
        made.mark_unchanged();
        return Ok(Ended::NotOffered);
    }
    let lease = pool.lease(&Caller::Gateway).await?;
    made.mark_unchanged();
    let session = lease.session();
    if wanted.is_nothing(session) {
        return Ok(Ended::NotOffered);
    }
    let listened = match session.route() {
        Route::HttpSse(channel) => {
            // Announcements arrive where everything does.
            tokio::select! {
                () = channel.closed() => {}
                () = keep_subscribed(pool, session, wanted) => {}
            }
            Ok(Some(Ended::Broken))
        }
        Route::Streamable { session: id } => {
            let last_id = mark.last_id(id.as_ref()).map(str::to_owned);
            match open_get(session, last_id.as_deref()).await {
                Ok(Some(stream)) => {
                    let aside = session.aside();
                    mark.opened(&aside, last_id.is_some());
                    mark.session.clone_from(id);
                    tokio::select! {
                        ended = follow(stream, &aside, Some(&mut *mark)) => Ok(Some(ended)),
                        () = keep_subscribed(pool, session, wanted) => Ok(Some(Ended::Broken)),
                    }
                }
                // It may have forgotten how far it came: then it begins anew.
                Ok(None) if mark.last_id.take().is_some() => Ok(Some(Ended::Broken)),
                Ok(None) => Ok(None),
                Err(error) => Err(error),
            }
        }
        Route::Modern => follow_subscription(pool, session, wanted, mark).await,
        Route::Stdio { child, era } => Ok(Some(follow_program(pool, session, child, *era, wanted).await)),
    };
    match listened {
        Ok(Some(ended)) => Ok(ended),
        Ok(None) => Ok(Ended::NotOffered),
        Err(error) => match pool.learn(session, &error) {
            Repeat::Sensible => Ok(Ended::Broken),
            Repeat::Senseless => Err(error.into_error()),
        },
    }
}

async fn open_get(session: &Session, last_id: Option<&str>) -> Result<Option<Response>, SendError> {
    let response = session.endpoint().get_events(again::after(session.headers(), last_id)).await?;
    if response.status() == StatusCode::NOT_FOUND && session.has_state() {
        return Err(SendError::SessionGone);
    }
    Ok(exchange::event_stream(session.endpoint(), response).await?)
}

/// Listens to a modern server, anew whenever other resources are wanted. The stream before is followed
/// until the new one stands and a little longer, so that nothing between them is missed.
async fn follow_subscription(
    pool: &Pool,
    session: &Session,
    wanted: &mut Wanted,
    mark: &mut Mark,
) -> Result<Option<Ended>, SendError> {
    let aside = session.aside();
    let Some(stream) = open_subscription(pool, session, &wanted.uris(session)).await? else {
        return Ok(None);
    };
    mark.opened(&aside, false);
    let mut following = Box::pin(follow(stream, &aside, None));
    loop {
        tokio::select! {
            ended = &mut following => return Ok(Some(ended)),
            () = wanted.changed() => {}
        }
        let uris = wanted.uris(session);
        if wanted.is_nothing(session) {
            return Ok(Some(Ended::NotOffered));
        }
        let opening = open_subscription(pool, session, &uris);
        let opened = tokio::select! {
            _ = &mut following => return Ok(Some(Ended::Broken)),
            opened = opening => opened?,
        };
        let Some(stream) = opened else { return Ok(None) };
        let _ = tokio::time::timeout(OVERLAP, &mut following).await;
        following = Box::pin(follow(stream, &aside, None));
    }
}

async fn open_subscription(
    pool: &Pool,
    session: &Session,
    uris: &BTreeSet<String>,
) -> Result<Option<Response>, SendError> {
    let mut headers: HeaderMap = session.headers();
    headers.insert("mcp-method", HeaderValue::from_static("subscriptions/listen"));
    let body = message::listen(pool.connector().next_id(), session.about.declared.announces, uris);
    let response = session.endpoint().post(headers, body).await?;
    Ok(exchange::event_stream(session.endpoint(), response).await?)
}

/// Subscribes a legacy session to what is wanted and to nothing else, for as long as it is polled.
async fn keep_subscribed(pool: &Pool, session: &Session, wanted: &mut Wanted) {
    let mut subscribed = BTreeSet::new();
    loop {
        let uris = wanted.uris(session);
        subscribe(pool, session, &mut subscribed, uris).await;
        wanted.changed().await;
    }
}

/// Subscribes a legacy session to `uris`, and to nothing else that it was subscribed to before.
async fn subscribe(
    pool: &Pool,
    session: &Session,
    subscribed: &mut BTreeSet<String>,
    uris: BTreeSet<String>,
) {
    for uri in subscribed.difference(&uris).cloned().collect::<Vec<_>>() {
        let _ = tell(pool, session, "resources/unsubscribe", &uri).await;
        subscribed.remove(&uri);
    }
    for uri in uris {
        // One that was refused is tried again with the next wish.
        if !subscribed.contains(&uri) && tell(pool, session, "resources/subscribe", &uri).await.is_ok() {
            subscribed.insert(uri);
        }
    }
}

/// Subscribes to what is wanted of a program, which is kept running for as long as anything is. What it tells
/// arrives where everything does.
async fn follow_program(
    pool: &Pool,
    session: &Session,
    child: &Child,
    era: Era,
    wanted: &mut Wanted,
) -> Ended {
    let (mut subscribed, mut listening) = (BTreeSet::new(), None);
    let keeping = async {
        loop {
            let uris = wanted.uris(session);
            let is_over = uris.is_empty();
            match era {
                Era::Legacy => subscribe(pool, session, &mut subscribed, uris).await,
                Era::Modern => listen_instead(pool, child, &mut listening, &uris).await,
            }
            if is_over {
                return;
            }
            wanted.changed().await;
        }
    };
    tokio::select! {
        () = child.closed() => Ended::Broken,
        () = keeping => Ended::NotOffered,
    }
}

/// Lets a modern program tell of `uris` in place of those it was asked for before. It is told the new ones
/// first, so that nothing between them is missed.
async fn listen_instead(pool: &Pool, child: &Child, listening: &mut Option<u64>, uris: &BTreeSet<String>) {
    let before = listening.take();
    if !uris.is_empty() {
        let id = pool.connector().next_id();
        child.tell(message::listen(id, Announces::default(), uris)).await;
        *listening = Some(id);
    }
    if let Some(before) = before {
        child.tell(message::cancelled(before)).await;
    }
}

async fn tell(pool: &Pool, session: &Session, method: &str, uri: &str) -> Result<(), ()> {
    let id = pool.connector().next_id();
    let told = session.ask(message::subscription(method, id, uri), id).await;
    told.map_err(|reason| tracing::debug!(reason, method, "a subscription was not taken"))
}

/// Reads the stream to its end. It may be silent for hours: the kernel watches over the connection. How far
/// it came is marked where it may be resumed, which modern streams may not.
async fn follow(mut stream: Response, aside: &Aside, mut mark: Option<&mut Mark>) -> Ended {
    let mut decoder = Decoder::new(EVENT_LIMIT_BYTES, Oversize::Refuse);
    let mut found = VecDeque::new();
    loop {
        let bytes = match stream.chunk().await {
            Ok(Some(bytes)) => bytes,
            Ok(None) => {
                if let Some(mark) = mark {
                    let retry = decoder.retry_ms().map(|retry_ms| again::wait(Some(retry_ms)));
                    mark.retry = retry.map(|retry| retry.max(FIRST_WAIT));
                }
                break;
            }
            Err(_) => break,
        };
        if decoder.push(&bytes, &mut found).is_err() {
            break;
        }
        if let Some(mark) = &mut mark {
            mark.last_id = decoder.last_id().map(str::to_owned).or(mark.last_id.take());
        }
        for piece in found.drain(..) {
            let Piece::Event(event) = piece else { continue };
            match Message::read(&event.data) {
                Some(Message::ListChanged) => aside.list_changed(),
                Some(Message::Updated { params }) => aside.updated(params),
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
