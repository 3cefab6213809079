//! Finding out which era a server speaks, and establishing a session with it.
//!
//! `server/discover` first. A result that names the modern revision, or an error only modern servers
//! give, means modern; any other JSON-RPC error and any other 4xx mean legacy: `initialize`, and where
//! the POST of that is refused, the event stream of 2024-11-05. A refused credential, a failing server
//! and a broken network say nothing about the era.
//! Source: MCP 2026-07-28, "Versioning"; `docs/protocol.md`, "Choosing".

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::answer::{Answer, Errors, Expect, Questions};
use super::aside::Aside;
use super::capabilities::Declared;
use super::channel::Channel;
use super::error::UpstreamError;
use super::exchange::{self, Received, Refusal};
use super::http::Endpoint;
use super::message::{self, Message, Outcome, RpcError};
use super::session::{About, Route, SESSION_ID, SendError, Session, post_on_stream, route_headers};
use super::stdio::Program;
use super::target::{Caller, Era};
use crate::http::sse::Oversize;

/// Largest answer to `server/discover` and `initialize`.
pub(super) const HANDSHAKE_LIMIT_BYTES: usize = 1_024 * 1_024;

/// What is remembered of how a server is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It speaks the modern revision.
    Modern,
    /// It is initialised by POST and keeps no session.
    Sessionless,
    /// It is initialised by POST and issues sessions.
    Sessions,
    /// It speaks on the event stream of 2024-11-05.
    HttpSse,
    /// It is a program, of this era.
    Stdio(Era),
}

impl Verdict {
    /// Whether the server remembers nothing between requests.
    pub(super) fn is_stateless(self) -> bool {
        matches!(self, Self::Modern | Self::Sessionless)
    }

    /// What an established session shows.
    pub(super) fn of(session: &Session) -> Self {
        match session.route() {
            Route::Modern => Self::Modern,
            Route::Streamable { session: None } => Self::Sessionless,
            Route::Streamable { session: Some(_) } => Self::Sessions,
            Route::HttpSse(_) => Self::HttpSse,
            Route::Stdio { era, .. } => Self::Stdio(*era),
        }
    }
}

/// What connecting needs.
#[derive(Clone)]
pub(super) struct Connector {
    pub(super) endpoint: Endpoint,
    /// In place of the endpoint, if the server is a program.
    pub(super) program: Option<Arc<Program>>,
    pub(super) ids: Arc<AtomicU64>,
    pub(super) aside: Aside,
    pub(super) event_limit_bytes: usize,
}

impl Connector {
    /// Establishes a session, in the way that is known to work or else in the first that does.
    ///
    /// # Errors
    /// [`UpstreamError`], in the server owner's words.
    pub(super) async fn connect(
        &self,
        known: Option<Verdict>,
        caller: &Caller,
    ) -> Result<Session, UpstreamError> {
        if let Some(program) = &self.program {
            return program.connect(self, known, caller).await;
        }
        match known {
            Some(Verdict::HttpSse) => {
                self.open_stream(caller).await?.ok_or_else(|| bad("it has no event stream any more"))
            }
            Some(Verdict::Sessionless | Verdict::Sessions) => self.initialize(caller).await,
            Some(Verdict::Modern | Verdict::Stdio(_)) | None => match self.discover().await? {
                Some(about) => Ok(self.session(about, Route::Modern, self.endpoint.clone())),
                None => self.initialize(caller).await,
            },
        }
    }

    /// The next id towards this server.
    pub(super) fn next_id(&self) -> u64 {
        self.ids.fetch_add(1, Ordering::Relaxed)
    }

    fn session(&self, about: About, route: Route, endpoint: Endpoint) -> Session {
        Session::new(about, route, endpoint, self.aside.clone())
    }

    /// Where to turn with what a server says in a session of this caller.
    pub(super) fn aside_of(&self, caller: &Caller) -> Aside {
        self.aside.handing_on(caller.capabilities().any())
    }

    fn expect(&self, id: u64, errors: Errors) -> Expect {
        let (idle, whole_bytes) = (self.endpoint.idle(), HANDSHAKE_LIMIT_BYTES);
        let questions = Questions::Refused;
        Expect { id, idle, whole_bytes, oversize: Oversize::Refuse, errors, questions }
    }

    /// Asks whether the server is modern; `None` if it is not.
    async fn discover(&self) -> Result<Option<About>, UpstreamError> {
        let mut may_repeat = true;
        loop {
            match self.probe().await? {
                Probe::Modern(about) => return Ok(Some(about)),
                Probe::Legacy => return Ok(None),
                // A server may name the very revision it was asked in: then it wants to be asked again.
                Probe::AskAgain if may_repeat => may_repeat = false,
                Probe::AskAgain => return Err(bad("it refuses the revision it says it supports")),
            }
        }
    }

    async fn probe(&self) -> Result<Probe, UpstreamError> {
        let id = self.next_id();
        let mut headers = route_headers(message::MODERN, &Route::Modern);
        headers.insert("mcp-method", HeaderValue::from_static("server/discover"));
        let (response, framing) = match exchange::post(&self.endpoint, headers, message::discover(id)).await?
        {
            Received::Begun(response, framing) => (response, framing),
            Received::Refused(refusal) => return judge_refusal(refusal),
        };
        let expect = self.expect(id, Errors::Any);
        let answer = Answer::new(response, framing, expect, self.aside.clone());
        let body = exchange::response(answer, expect).await?;
        match Message::read(&body) {
            Some(Message::Response { outcome: Outcome::Result(raw), .. }) => Ok(judge_result(raw)),
            Some(Message::Response { outcome: Outcome::Error(raw), .. }) => {
                Ok(judge_error(&RpcError::read(raw)))
            }
            _ => Err(bad("the answer to server/discover is no response")),
        }
    }

    async fn initialize(&self, caller: &Caller) -> Result<Session, UpstreamError> {
        let id = self.next_id();
        let body = message::initialize(id, caller.capabilities());
        let posted = exchange::post(&self.endpoint, HeaderMap::new(), body).await?;
        let (response, framing) = match posted {
            Received::Begun(response, framing) => (response, framing),
            Received::Refused(refusal) if refusal.status.is_client_error() => {
                return self.open_stream(caller).await?.ok_or_else(|| refusal.into_error());
            }
            Received::Refused(refusal) => return Err(refusal.into_error()),
        };
        let session = response.headers().get(SESSION_ID).cloned();
        let route = Route::Streamable { session };
        let aside_headers = route_headers(message::NEWEST_LEGACY, &route);
        let aside = self.aside.answering_at(self.endpoint.clone(), aside_headers);
        let expect = self.expect(id, Errors::OfItsId);
        let answer = Answer::new(response, framing, expect, aside);
        let about = read_initialized(&exchange::response(answer, expect).await?, id)?;
        // Dropped from here on, the session is ended towards the server.
        let mut session = Session::new(about, route, self.endpoint.clone(), self.aside_of(caller));
        confirm(exchange::post(session.endpoint(), session.headers(), message::initialized()).await)?;
        session.hear(self.event_limit_bytes).await;
        Ok(session)
    }

    /// Opens the event stream of 2024-11-05 and initialises on it; `None` if there is none.
    async fn open_stream(&self, caller: &Caller) -> Result<Option<Session>, UpstreamError> {
        let aside = |endpoint| self.aside_of(caller).answering_at(endpoint, HeaderMap::new());
        let Some(channel) = Channel::open(&self.endpoint, self.event_limit_bytes, aside).await? else {
            return Ok(None);
        };
        let id = self.next_id();
        let endpoint = channel.endpoint().clone();
        let pending = channel
            .expect(self.expect(id, Errors::OfItsId))
            .ok_or_else(|| bad("the event stream broke off"))?;
        let body = message::initialize(id, caller.capabilities());
        post_on_stream(&endpoint, HeaderMap::new(), body).await.map_err(SendError::into_error)?;
        let about = read_initialized(&pending.response().await?, id)?;
        let session = Session::new(about, Route::HttpSse(channel), endpoint, self.aside_of(caller));
        let confirmed = post_on_stream(session.endpoint(), session.headers(), message::initialized()).await;
        confirmed.map_err(SendError::into_error)?;
        Ok(Some(session))
    }
}

/// What a probe showed.
pub(super) enum Probe {
    Modern(About),
    Legacy,
    AskAgain,
}

fn bad(reason: &str) -> UpstreamError {
    UpstreamError::BadAnswer(reason.into())
}

fn judge_refusal(refusal: Refusal) -> Result<Probe, UpstreamError> {
    match refusal.rpc_error() {
        Some(error) => Ok(judge_error(&error)),
        None if refusal.status.is_server_error() => Err(refusal.into_error()),
        None => Ok(Probe::Legacy),
    }
}

pub(super) fn judge_error(error: &RpcError) -> Probe {
    match error.code {
        RpcError::UNSUPPORTED_VERSION if error.supports_modern() => Probe::AskAgain,
        // Only modern servers know these codes, even if this one does not tell about itself.
        RpcError::HEADER_MISMATCH | RpcError::MISSING_CAPABILITY => {
            Probe::Modern(About { version: message::MODERN.into(), ..About::default() })
        }
        _ => Probe::Legacy,
    }
}

#[derive(Deserialize)]
struct DiscoverResult<'a> {
    #[serde(rename = "supportedVersions", default)]
    supported_versions: Vec<String>,
    #[serde(borrow)]
    capabilities: Option<&'a RawValue>,
    #[serde(default)]
    instructions: Option<String>,
    #[serde(rename = "_meta", default)]
    meta: Option<Value>,
}

pub(super) fn judge_result(raw: &str) -> Probe {
    let Ok(result) = serde_json::from_str::<DiscoverResult<'_>>(raw) else {
        return Probe::Legacy;
    };
    if !result.supported_versions.iter().any(|version| version == message::MODERN) {
        return Probe::Legacy;
    }
    let server = result.meta.as_ref().and_then(|meta| meta.get("io.modelcontextprotocol/serverInfo"));
    Probe::Modern(About {
        version: message::MODERN.into(),
        instructions: result.instructions,
        server_name: server.and_then(|server| server.get("name")).and_then(Value::as_str).map(Into::into),
        declared: Declared::read(result.capabilities).in_era(Era::Modern),
    })
}

#[derive(Deserialize)]
struct InitializeResult<'a> {
    #[serde(rename = "protocolVersion")]
    protocol_version: String,
    #[serde(borrow)]
    capabilities: Option<&'a RawValue>,
    #[serde(default)]
    instructions: Option<String>,
    #[serde(rename = "serverInfo", default)]
    server_info: Option<Value>,
}

pub(super) fn read_initialized(body: &Bytes, id: u64) -> Result<About, UpstreamError> {
    let outcome = Message::read(body).and_then(|message| message.response_to(id));
    let raw = match outcome {
        Some(Outcome::Result(raw)) => raw,
        Some(Outcome::Error(raw)) => {
            return Err(bad(&format!("initialize was refused: {}", RpcError::read(raw))));
        }
        None => return Err(bad("the answer is to another request")),
    };
    let result: InitializeResult<'_> =
        serde_json::from_str(raw).map_err(|_| bad("the result of initialize is malformed"))?;
    if !message::is_known_legacy(&result.protocol_version) {
        let version: String = result.protocol_version.chars().take(40).collect();
        return Err(bad(&format!("it speaks protocol revision {version:?}, which is not known here")));
    }
    let name = result.server_info.as_ref().and_then(|server| server.get("name")).and_then(Value::as_str);
    Ok(About {
        version: result.protocol_version,
        instructions: result.instructions,
        server_name: name.map(Into::into),
        declared: Declared::read(result.capabilities).in_era(Era::Legacy),
    })
}

/// Servers that do not like `notifications/initialized` show it in the next answer; only what is fatal
/// anyway ends the attempt.
fn confirm(posted: Result<Received, UpstreamError>) -> Result<(), UpstreamError> {
    match posted {
        Ok(_) | Err(UpstreamError::BadAnswer(_)) => Ok(()),
        Err(error) => Err(error),
    }
}
