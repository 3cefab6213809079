//! One established way to talk to a server: what was agreed, and how a request travels.
//!
//! Whoever uses a session holds a [`Lease`](super::lease::Lease); a session nobody leases can be ended. It ends by itself
//! when the last holder lets go of it.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tokio::time::Instant;

use super::again::Again;
use super::answer::{Answer, Expect};
use super::aside::{ASIDE_TIMEOUT, Aside};
use super::begun::{Begun, Frames};
use super::capabilities::Declared;
use super::channel::Channel;
use super::error::UpstreamError;
use super::exchange::{self, Received};
use super::frame::{Cancelling, Framing};
use super::hearing::Hearing;
use super::http::{Endpoint, PostHeaders};
use super::message::{self, RpcError};
use super::stdio::Child;
use super::target::Era;

pub(super) const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");

/// What a server said of itself when it was connected to.
#[derive(Clone, Debug, Default)]
pub(super) struct About {
    pub(super) version: String,
    pub(super) instructions: Option<String>,
    pub(super) server_name: Option<String>,
    pub(super) declared: Declared,
}

/// How messages travel.
pub(super) enum Route {
    /// 2026-07-28: each request alone.
    Modern,
    /// 2025-03-26 to 2025-11-25, perhaps with a session.
    Streamable { session: Option<HeaderValue> },
    /// 2024-11-05.
    HttpSse(Channel),
    /// Into a program and out of it.
    Stdio { child: Arc<Child>, era: Era },
}

/// An established session, or what stands for one where the server keeps none.
pub(super) struct Session {
    pub(super) about: About,
    route: Route,
    endpoint: Endpoint,
    posts: PostHeaders,
    aside: Aside,
    /// What is said to its caller beside answers, if it is a caller's own.
    hearing: Option<Hearing>,
    used: Mutex<Instant>,
    /// The level of log messages that was asked for last.
    pub(super) log_level: Mutex<Option<&'static str>>,
    /// Nothing new is sent in it.
    is_retired: AtomicBool,
    /// The server knows of its end, or has forgotten it.
    is_ended: AtomicBool,
}

/// Why a request got no answer.
#[derive(Debug)]
pub(super) enum SendError {
    /// The session is no longer known to the server, which has not looked at the request.
    SessionGone,
    /// The server will not look at requests in this session: some answer so when they forgot it.
    SessionRefused(UpstreamError),
    /// The server does not speak the modern revision (any more).
    VersionRefused,
    /// The server says that our headers do not fit the body, and has not acted.
    HeadersRefused,
    /// An answer that no MCP server of this era gives: what is known of the server may be out of date.
    Unfitting(UpstreamError),
    /// Anything else.
    Failed(UpstreamError),
}

impl From<UpstreamError> for SendError {
    fn from(error: UpstreamError) -> Self {
        Self::Failed(error)
    }
}

impl SendError {
    /// The error for those who do not try again.
    pub(super) fn into_error(self) -> UpstreamError {
        match self {
            Self::SessionGone => UpstreamError::BadAnswer("the server ended the session".into()),
            Self::VersionRefused => {
                UpstreamError::BadAnswer("the server refused the protocol revision".into())
            }
            Self::HeadersRefused => UpstreamError::HeadersRefused,
            Self::SessionRefused(error) | Self::Unfitting(error) | Self::Failed(error) => error,
        }
    }
}

impl Session {
    pub(super) fn new(about: About, route: Route, endpoint: Endpoint, aside: Aside) -> Self {
        let aside = match era_of(&route) {
            Era::Modern => aside,
            Era::Legacy => aside.answering_at(endpoint.clone(), route_headers(&about.version, &route)),
        };
        Self {
            posts: endpoint.post_headers(route_headers(&about.version, &route)),
            about,
            route,
            endpoint,
            aside,
            hearing: None,
            used: Mutex::new(Instant::now()),
            log_level: Mutex::default(),
            is_retired: AtomicBool::new(false),
            is_ended: AtomicBool::new(false),
        }
    }

    /// Opens the stream of notices of a session whose caller can be asked something.
    pub(super) async fn hear(&mut self, event_limit_bytes: usize) {
        if self.aside.hands_on() && matches!(self.route, Route::Streamable { .. }) {
            let (endpoint, aside) = (self.endpoint.clone(), self.aside());
            self.hearing = Some(Hearing::open(endpoint, self.headers(), event_limit_bytes, aside).await);
        }
    }

    pub(super) fn era(&self) -> Era {
        era_of(&self.route)
    }

    pub(super) fn route(&self) -> &Route {
        &self.route
    }

    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The transport's name in lists.
    pub(super) fn transport(&self) -> &'static str {
        match self.route {
            Route::Modern => "modern",
            Route::Streamable { .. } => "streamable-http",
            Route::HttpSse(_) => "http+sse",
            Route::Stdio { .. } => "stdio",
        }
    }

    /// Whether the server remembers something between requests: such a session has one owner.
    pub(super) fn has_state(&self) -> bool {
        match &self.route {
            Route::Modern => false,
            Route::Streamable { session } => session.is_some(),
            Route::HttpSse(_) | Route::Stdio { .. } => true,
        }
    }

    /// Whether it can still be used, as far as we know.
    pub(super) fn is_usable(&self) -> bool {
        match &self.route {
            Route::HttpSse(channel) => channel.is_open(),
            Route::Stdio { child, .. } => child.is_open() && !self.is_retired.load(Ordering::Acquire),
            Route::Modern | Route::Streamable { .. } => !self.is_retired.load(Ordering::Acquire),
        }
    }

    /// When it was last let go of.
    pub(super) fn last_used(&self) -> Instant {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that it was let go of.
    pub(super) fn touch(&self) {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// The headers every request of the session carries.
    pub(super) fn headers(&self) -> HeaderMap {
        route_headers(&self.about.version, &self.route)
    }

    pub(super) fn aside(&self) -> Aside {
        self.aside.clone()
    }

    /// Tells the server that the roots of its caller changed.
    pub(super) fn roots_changed(&self) {
        match &self.route {
            Route::Stdio { child, era: Era::Legacy } => child.aside().roots_changed(),
            Route::Streamable { .. } | Route::HttpSse(_) => self.aside().roots_changed(),
            Route::Modern | Route::Stdio { era: Era::Modern, .. } => {}
        }
    }

    /// Sends a request and waits for the beginning of its answer.
    ///
    /// `headers` are those that depend on the message; the session's own win over them.
    ///
    /// # Errors
    /// [`SendError`], which says whether another attempt makes sense.
    pub(super) async fn send(
        &self,
        mut headers: HeaderMap,
        body: Bytes,
        expect: Expect,
    ) -> Result<Begun, SendError> {
        // A session that is not ours must not travel where there is none of our own.
        headers.remove(SESSION_ID);
        match &self.route {
            Route::HttpSse(channel) => self.send_on_stream(channel, headers, body, expect).await,
            Route::Stdio { child, era } => child.send(*era, body, expect).await,
            Route::Modern | Route::Streamable { .. } => self.send_alone(headers, body, expect).await,
        }
    }

    async fn send_alone(&self, headers: HeaderMap, body: Bytes, expect: Expect) -> Result<Begun, SendError> {
        let beside = self.hearing.as_ref().and_then(|hearing| hearing.expect(expect));
        let posted = self.endpoint.post_with(&self.posts, &headers, body).await?;
        let refusal = match exchange::receive(&self.endpoint, posted).await? {
            Received::Begun(response, framing) => {
                let again = (self.era() == Era::Legacy && framing == Framing::Events)
                    .then(|| Again::new(self.endpoint.clone(), self.headers()));
                let answer = Answer::new(response, framing, expect, self.aside());
                let answer = answer.resumed_by(again).with_beside(beside);
                return Ok(Begun { framing, frames: Frames::Alone(Box::new(answer)) });
            }
            Received::Refused(refusal) => refusal,
        };
        let code = refusal.rpc_error().map(|error| error.code);
        let answer = refusal.answer_to(expect.id);
        match self.route {
            Route::Modern if code == Some(RpcError::UNSUPPORTED_VERSION) => Err(SendError::VersionRefused),
            Route::Modern if code == Some(RpcError::HEADER_MISMATCH) => Err(SendError::HeadersRefused),
            Route::Streamable { session: Some(_) } if refusal.status == StatusCode::NOT_FOUND => {
                Err(SendError::SessionGone)
            }
            _ if answer.is_some() => Ok(Begun { framing: Framing::Json, frames: Frames::Given(answer) }),
            Route::Streamable { session: Some(_) } if refusal.status == StatusCode::BAD_REQUEST => {
                Err(SendError::SessionRefused(refusal.into_error()))
            }
            _ if refusal.status.is_server_error() => Err(SendError::Failed(refusal.into_error())),
            _ => Err(SendError::Unfitting(refusal.into_error())),
        }
    }

    async fn send_on_stream(
        &self,
        channel: &Channel,
        headers: HeaderMap,
        body: Bytes,
        expect: Expect,
    ) -> Result<Begun, SendError> {
        let Some(pending) = channel.expect(expect) else {
            return Err(SendError::SessionGone);
        };
        let mut headers = headers;
        headers.extend(self.headers());
        match post_on_stream(channel.endpoint(), headers, body).await {
            Ok(()) => Ok(Begun { framing: Framing::Events, frames: Frames::OnStream(pending) }),
            Err(error) => {
                if matches!(error, SendError::SessionGone) {
                    channel.close();
                }
                Err(error)
            }
        }
    }

    /// What tells the server that nobody waits for `id` any more; modern ones see it.
    pub(super) fn cancelling(self: Arc<Self>, id: u64) -> Option<Cancelling> {
        match &self.route {
            Route::Modern => None,
            Route::Stdio { child, era } => child.cancelling(*era, id),
            Route::Streamable { .. } | Route::HttpSse(_) => Some(Box::pin(self.cancel(id))),
        }
    }

    async fn cancel(self: Arc<Self>, id: u64) {
        let post = self.endpoint.post(self.headers(), message::cancelled(id));
        if let Ok(Err(error)) = tokio::time::timeout(ASIDE_TIMEOUT, post).await {
            tracing::debug!(%error, "a cancellation did not reach the server");
        }
    }

    /// The server does not know the session any more: nothing is left to end.
    pub(super) fn forget(&self) {
        self.is_ended.store(true, Ordering::Release);
        self.retire();
    }

    /// Sends nothing new in it; it ends when nothing of it is under way.
    pub(super) fn retire(&self) {
        self.is_retired.store(true, Ordering::Release);
        if let Route::HttpSse(channel) = &self.route {
            channel.close();
        }
    }

    /// Ends it towards the server, once; bounded in time.
    pub(super) async fn end(&self) {
        if let Some(goodbye) = self.goodbye() {
            goodbye.await;
        }
    }

    fn goodbye(&self) -> Option<Pin<Box<dyn Future<Output = ()> + Send>>> {
        self.is_retired.store(true, Ordering::Release);
        if self.is_ended.swap(true, Ordering::AcqRel) {
            return None;
        }
        match &self.route {
            Route::HttpSse(channel) => {
                channel.close();
                None
            }
            Route::Streamable { session: Some(_) } => {
                let (endpoint, headers) = (self.endpoint.clone(), self.headers());
                Some(Box::pin(async move {
                    // Servers may answer 405: then they end sessions as they like.
                    let _ = tokio::time::timeout(ASIDE_TIMEOUT, endpoint.delete(headers)).await;
                }))
            }
            Route::Stdio { child, .. } => {
                let child = child.clone();
                Some(Box::pin(async move { child.end().await }))
            }
            Route::Modern | Route::Streamable { session: None } => None,
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let runtime = tokio::runtime::Handle::try_current();
        if let (Some(goodbye), Ok(runtime)) = (self.goodbye(), runtime) {
            runtime.spawn(goodbye);
        }
    }
}

const fn era_of(route: &Route) -> Era {
    match route {
        Route::Modern => Era::Modern,
        Route::Streamable { .. } | Route::HttpSse(_) => Era::Legacy,
        Route::Stdio { era, .. } => *era,
    }
}

/// The headers of a session that is still being made.
pub(super) fn route_headers(version: &str, route: &Route) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Ok(version) = HeaderValue::from_str(version) {
        headers.insert(PROTOCOL_VERSION, version);
    }
    if let Route::Streamable { session: Some(id) } = route {
        headers.insert(SESSION_ID, id.clone());
    }
    headers
}

/// Posts a message whose answer comes on a stream.
///
/// # Errors
/// [`SendError`].
pub(super) async fn post_on_stream(
    endpoint: &Endpoint,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(), SendError> {
    let response = endpoint.post(headers, body).await?;
    if response.status().is_success() {
        // Servers confirm with any words of theirs.
        return Ok(());
    }
    match exchange::receive(endpoint, response).await? {
        Received::Begun(..) => Ok(()),
        Received::Refused(refusal) if refusal.status == StatusCode::NOT_FOUND => Err(SendError::SessionGone),
        Received::Refused(refusal) => Err(SendError::Failed(refusal.into_error())),
    }
}
