//! A running server: its handle for tests, its accept loop, and the way of one request.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::fault::{Fault, Rule};
use super::message::{META_VERSION, Message};
use super::notice::Notice;
use super::prompt::Prompt;
use super::record::Received;
use super::resource::Resource;
use super::respond::{Body, BrokenOff};
use super::setup::{Era, Setup};
use super::state::{SessionCounts, State};
use super::ticketed::Ticketed;
use super::tool::Tool;
use super::{legacy, modern, old_sse, spoil};

/// How long [`Upstream::until`] waits.
const PATIENCE: Duration = Duration::from_secs(20);
/// Where a server is reached.
const PATH: &str = "/mcp";

/// A running server. Dropped, it stops and closes every connection.
#[derive(Debug)]
pub struct Upstream {
    address: SocketAddr,
    state: Arc<State>,
    stop: CancellationToken,
}

impl Upstream {
    pub(super) async fn start(setup: Setup, address: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let upstream = Self {
            address: listener.local_addr()?,
            state: State::new(setup),
            stop: CancellationToken::new(),
        };
        tokio::spawn(accept(listener, Arc::clone(&upstream.state), upstream.stop.clone()));
        Ok(upstream)
    }

    /// Its address, for `mcp add --url`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}{PATH}", self.address)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Adds a rule to the script; the first that fits a request strikes.
    pub fn misbehave(&self, rule: impl Into<Rule>) {
        self.state.add_rule(rule.into());
    }

    /// Clears the script.
    pub fn behave(&self) {
        self.state.clear_rules();
    }

    /// Offers other tools from now on, and tells whoever listens.
    pub fn set_tools(&self, tools: impl IntoIterator<Item = Tool>) {
        self.set_tools_quietly(tools);
        self.tells(Notice::Tools);
    }

    /// Offers other prompts from now on, and tells whoever listens.
    pub fn set_prompts(&self, prompts: impl IntoIterator<Item = Prompt>) {
        self.state.prompts.send_replace(prompts.into_iter().collect());
        self.tells(Notice::Prompts);
    }

    /// Offers other resources and templates from now on, and tells whoever listens.
    pub fn set_resources(&self, resources: impl IntoIterator<Item = Resource>) {
        self.state.resources.send_replace(resources.into_iter().collect());
        self.tells(Notice::Resources);
    }

    /// Tells whoever subscribed to it that a resource was updated.
    pub fn updates(&self, uri: &str) {
        self.tells(Notice::Updated(uri.to_owned()));
    }

    /// Lets the tools, prompts and resources that say what a test wants answer with this result from now on.
    pub fn will_say(&self, result: &str) {
        self.state.will_say(result);
    }

    /// The URIs that are subscribed to now, sorted, as often as they are.
    #[must_use]
    pub fn subscriptions(&self) -> Vec<String> {
        self.state.subscriptions()
    }

    fn tells(&self, notice: Notice) {
        // Perhaps nobody listens.
        let _ = self.state.notices.send(notice);
    }

    /// Offers other tools from now on, and tells nobody.
    pub fn set_tools_quietly(&self, tools: impl IntoIterator<Item = Tool>) {
        self.state.tools.send_replace(tools.into_iter().collect());
    }

    /// Lets every held call that waits now go on.
    pub fn release(&self) {
        self.state.released.send_modify(|count| *count += 1);
    }

    /// Forgets all sessions, as a restart does: they are answered 404 from now on.
    pub fn forget_sessions(&self) {
        self.state.forget_sessions();
    }

    /// Everything received so far, in order of arrival.
    #[must_use]
    pub fn requests(&self) -> Vec<Received> {
        self.state.record.all()
    }

    /// The requests of one JSON-RPC method.
    #[must_use]
    pub fn requests_of(&self, rpc_method: &str) -> Vec<Received> {
        self.requests()
            .into_iter()
            .filter(|received| received.rpc_method.as_deref() == Some(rpc_method))
            .collect()
    }

    /// The `tools/call` requests.
    #[must_use]
    pub fn calls(&self) -> Vec<Received> {
        self.requests_of("tools/call")
    }

    /// Sessions since it started.
    #[must_use]
    pub fn sessions(&self) -> SessionCounts {
        self.state.session_counts()
    }

    /// Streams on which somebody waits for notices now.
    #[must_use]
    pub fn open_streams(&self) -> usize {
        self.state.open_streams()
    }

    /// Waits until something holds; it is looked at after every change.
    ///
    /// # Panics
    /// When it does not hold within 20 s; `what` and what was received are told.
    pub async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let mut changes = self.state.record.listen();
        let wait = async {
            while !holds(self) {
                changes.changed().await.expect("the record lives as long as its server");
            }
        };
        if tokio::time::timeout(PATIENCE, wait).await.is_err() {
            panic!("waited in vain until {what}; received: {:#?}", self.requests());
        }
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn accept(listener: TcpListener, state: Arc<State>, stop: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => return,
        };
        if let Ok((stream, _)) = accepted {
            tokio::spawn(connection(stream, Arc::clone(&state), stop.clone()));
        }
    }
}

async fn connection(stream: TcpStream, state: Arc<State>, stop: CancellationToken) {
    let service = service_fn(move |request| {
        let state = Arc::clone(&state);
        async move { serve(state, request).await }
    });
    let served = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        // However a connection ends, the record tells what a test may ask.
        _ = served => {}
        () = stop.cancelled() => {}
    }
}

async fn serve(state: Arc<State>, request: Request<Incoming>) -> Result<Response<Ticketed>, BrokenOff> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| BrokenOff)?.to_bytes();
    let message: Option<Message> = serde_json::from_slice(&body).ok();
    let received = Received {
        method: head.method,
        path: head.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
        headers: head.headers,
        body,
        rpc_method: message.as_ref().and_then(|message| message.method.clone()),
        arrived_at: Instant::now(),
        ended: None,
    };
    let ticket = state.record.note(received.clone());
    let id = message.as_ref().map_or("null", Message::id_text).to_owned();
    let right = right_answer(&state, &received, message);
    let response = match fault(&state, &received) {
        Some(fault) => spoil::respond(fault, &id, right).await?,
        None => right.await,
    };
    Ok(response.map(|body| Ticketed::new(body, ticket)))
}

/// The fault that strikes at the HTTP answer. At 2024-11-05 answers it strikes on the stream.
fn fault(state: &State, received: &Received) -> Option<Fault> {
    let refused =
        state.setup.bearer.as_ref().is_some_and(|bearer| {
            received.header("authorization") != Some(format!("Bearer {bearer}").as_str())
        });
    match (refused, state.setup.era) {
        (true, _) => Some(Fault::Status(StatusCode::UNAUTHORIZED.as_u16())),
        (false, Era::OldSse) if received.method == Method::POST => None,
        (false, _) => state.strike(received.rpc_method.as_deref()),
    }
}

async fn right_answer(state: &Arc<State>, received: &Received, message: Option<Message>) -> Response<Body> {
    let is_modern = message.as_ref().is_some_and(|message| !message.meta(META_VERSION).is_null());
    match state.setup.era {
        Era::Legacy => legacy::serve(state, received, message).await,
        Era::Modern => modern::serve(state, received, message).await,
        Era::Dual if is_modern => modern::serve(state, received, message).await,
        Era::Dual => legacy::serve(state, received, message).await,
        Era::OldSse => old_sse::serve(state, received, message).await,
    }
}
