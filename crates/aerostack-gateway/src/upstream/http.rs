//! HTTP towards servers: two clients for the whole gateway, one for operators' servers and one for
//! everybody else's, because a kept connection must never serve an owner its address is refused to.
//!
//! Redirects are not followed, no proxy is taken from the environment, nothing is decompressed and no
//! cookie is kept: a server is where its URL says, and its bytes are passed on as they are.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use ipnet::IpNet;
use reqwest::Response;
use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt;
use url::Url;

use super::address::{AddressPolicy, Resolver, Trust};
use super::credential::Credential;
use super::error::UpstreamError;

/// Time for a name to resolve, a connection and TLS to stand.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Time an unused connection is kept.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// Unused connections kept for one host.
const POOL_IDLE_PER_HOST: usize = 32;
/// Silence after which the kernel asks whether the peer is still there.
const TCP_KEEPALIVE: Duration = Duration::from_secs(60);
/// Longest reason that is repeated.
const REASON_CHARS: usize = 200;

const BOTH_KINDS: HeaderValue = HeaderValue::from_static("application/json, text/event-stream");

/// The two clients.
pub(super) struct Clients {
    operators: Http,
    anybodys: Http,
}

impl Clients {
    pub(super) fn new(allow: &[IpNet]) -> Self {
        let tls = tls();
        let client = |trust| Http::new(AddressPolicy::new(trust, allow), tls.clone());
        Self { operators: client(Trust::Operator), anybodys: client(Trust::Anybody) }
    }

    pub(super) fn of(&self, trust: Trust) -> Http {
        match trust {
            Trust::Operator => self.operators.clone(),
            Trust::Anybody => self.anybodys.clone(),
        }
    }
}

/// TLS that trusts what the machine trusts. A machine without certificates trusts nobody: its TLS
/// connections fail one by one, and plain HTTP still works.
fn tls() -> ClientConfig {
    let builder = || {
        ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring speaks the default versions of TLS")
    };
    match builder().with_platform_verifier() {
        Ok(builder) => builder.with_no_client_auth(),
        Err(error) => {
            tracing::debug!(%error, "no certificate authorities on this machine");
            builder().with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth()
        }
    }
}

/// An HTTP client that reaches only what its policy allows.
#[derive(Clone)]
pub(super) struct Http {
    client: reqwest::Client,
    policy: AddressPolicy,
}

impl Http {
    fn new(policy: AddressPolicy, tls: ClientConfig) -> Self {
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .dns_resolver(Resolver(policy.clone()))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .referer(false)
            .http1_only()
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(POOL_IDLE_TIMEOUT)
            .pool_max_idle_per_host(POOL_IDLE_PER_HOST)
            .tcp_keepalive(TCP_KEEPALIVE)
            .user_agent(concat!("aerostack-gateway/", env!("CARGO_PKG_VERSION")))
            .build()
            .expect("a client without files, proxies or certificates of its own can be built");
        Self { client, policy }
    }
}

/// An address of a server, how long it may keep silent, and what it is sent with every request.
#[derive(Clone)]
pub(super) struct Endpoint {
    http: Http,
    url: Url,
    idle: Duration,
    credential: Credential,
}

impl Endpoint {
    pub(super) fn new(http: Http, url: Url, idle: Duration, credential: Credential) -> Self {
        Self { http, url, idle, credential }
    }

    /// The same server at another address, which must be of the same origin: it is sent the same.
    pub(super) fn at(&self, url: Url) -> Self {
        Self { url, ..self.clone() }
    }

    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    pub(super) fn idle(&self) -> Duration {
        self.idle
    }

    /// An error in the server's words, without what it was sent.
    pub(super) fn masked(&self, error: UpstreamError) -> UpstreamError {
        error.map_text(|text| self.credential.mask(text))
    }

    /// Posts a message.
    ///
    /// # Errors
    /// When no answer begins in time; what its status means is another matter.
    pub(super) async fn post(&self, mut headers: HeaderMap, body: Bytes) -> Result<Response, UpstreamError> {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT, BOTH_KINDS);
        self.send(Method::POST, headers, Some(body)).await
    }

    /// Posts to a function, which answers with one document.
    ///
    /// # Errors
    /// As `post`.
    pub(super) async fn post_json(
        &self,
        mut headers: HeaderMap,
        body: Bytes,
    ) -> Result<Response, UpstreamError> {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        self.send(Method::POST, headers, Some(body)).await
    }

    /// Asks for an event stream.
    ///
    /// # Errors
    /// As `post`.
    pub(super) async fn get_events(&self, mut headers: HeaderMap) -> Result<Response, UpstreamError> {
        headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        self.send(Method::GET, headers, None).await
    }

    /// Ends a session.
    ///
    /// # Errors
    /// As `post`.
    pub(super) async fn delete(&self, headers: HeaderMap) -> Result<Response, UpstreamError> {
        self.send(Method::DELETE, headers, None).await
    }

    async fn send(
        &self,
        method: Method,
        mut headers: HeaderMap,
        body: Option<Bytes>,
    ) -> Result<Response, UpstreamError> {
        // The one place where a server is written to, so that no request goes without.
        self.credential.apply(&mut headers).map_err(UpstreamError::LackingCredential)?;
        self.http
            .policy
            .check_url(&self.url)
            .map_err(|error| UpstreamError::Unreachable(error.to_string()))?;
        let mut request = self.http.client.request(method, self.url.clone()).headers(headers);
        if let Some(body) = body {
            request = request.body(body);
        }
        match tokio::time::timeout(self.idle, request.send()).await {
            Ok(sent) => sent.map_err(|error| failure(&error)),
            Err(_) => Err(silent(self.idle)),
        }
    }
}

/// The next piece of a body; `None` at its end.
pub(super) async fn next_chunk(
    response: &mut Response,
    idle: Duration,
) -> Result<Option<Bytes>, UpstreamError> {
    match tokio::time::timeout(idle, response.chunk()).await {
        Ok(chunk) => chunk.map_err(|_| UpstreamError::BadAnswer("the answer broke off".into())),
        Err(_) => Err(silent(idle)),
    }
}

/// Nothing came for `idle`.
pub(super) fn silent(idle: Duration) -> UpstreamError {
    UpstreamError::TimedOut(format!("no byte for {} s", idle.as_secs_f32()))
}

/// What happened, without the URL: it may hold a secret in its query.
fn failure(error: &reqwest::Error) -> UpstreamError {
    if error.is_timeout() {
        return UpstreamError::Unreachable(format!("no connection within {} s", CONNECT_TIMEOUT.as_secs()));
    }
    let mut innermost: &dyn Error = error;
    while let Some(inner) = carried(innermost).or_else(|| innermost.source()) {
        innermost = inner;
    }
    let reason = match innermost.downcast_ref::<rustls::Error>() {
        Some(error) => format!("TLS: {error}"),
        None if innermost.is::<reqwest::Error>() => "the request failed".into(),
        None => innermost.to_string(),
    };
    let reason: String = reason.chars().take(REASON_CHARS).collect();
    if error.is_connect() { UpstreamError::Unreachable(reason) } else { UpstreamError::BadAnswer(reason) }
}

/// What an I/O error carries, which it does not name as its source.
fn carried<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    let carried = error.downcast_ref::<std::io::Error>()?.get_ref()?;
    Some(carried)
}
