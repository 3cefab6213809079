//! HTTP towards servers: two clients for the whole gateway, one for operators' servers and one for
//! everybody else's, because a kept connection must never serve an owner its address is refused to.
//!
//! Redirects are not followed, no proxy is taken from the environment, nothing is decompressed and no
//! cookie is kept: a server is where its URL says, and its bytes are passed on as they are.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HOST, USER_AGENT};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, Request, Uri};
use http_body_util::Full;
use ipnet::IpNet;
use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt;
use url::Url;

use super::address::{AddressPolicy, Trust};
use super::credential::Credential;
use super::dial::{Dialer, Origin};
use super::error::UpstreamError;
use super::response::Response;
use super::way::Way;

const AGENT: HeaderValue = HeaderValue::from_static(concat!("aerostack-gateway/", env!("CARGO_PKG_VERSION")));
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
pub(super) fn tls() -> ClientConfig {
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
    dialer: Arc<Dialer>,
    policy: AddressPolicy,
    /// Those that somebody still goes, by origin.
    ways: Arc<Mutex<HashMap<String, Weak<Way>>>>,
}

impl Http {
    fn new(policy: AddressPolicy, tls: ClientConfig) -> Self {
        let dialer = Arc::new(Dialer::new(policy.clone(), tls));
        Self { dialer, policy, ways: Arc::default() }
    }

    /// The way to a URL's origin, which all who go there share.
    fn way(&self, url: &Url) -> Option<Arc<Way>> {
        let mut ways = self.ways.lock().unwrap_or_else(PoisonError::into_inner);
        let name = url.origin().ascii_serialization();
        if let Some(way) = ways.get(&name).and_then(Weak::upgrade) {
            return Some(way);
        }
        ways.retain(|_, way| way.strong_count() > 0);
        let way = Way::new(Arc::clone(&self.dialer), Origin::of(url)?);
        ways.insert(name, Arc::downgrade(&way));
        Some(way)
    }
}

/// An address of a server, how long it may keep silent, and what it is sent with every request. Cheap to clone.
#[derive(Clone)]
pub(super) struct Endpoint(Arc<Inside>);

struct Inside {
    http: Http,
    url: Url,
    place: Result<Place, UpstreamError>,
    idle: Duration,
    credential: Credential,
}

/// Where requests go, and what they say of it.
struct Place {
    way: Arc<Way>,
    uri: Uri,
    host: HeaderValue,
}

impl Place {
    fn of(http: &Http, url: &Url) -> Result<Self, UpstreamError> {
        let refused = |error: super::address::AddressRefused| UpstreamError::Unreachable(error.to_string());
        http.policy.check_url(url).map_err(refused)?;
        let unusable = || UpstreamError::Unreachable("no request can be made to its URL".into());
        let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
        let host = HeaderValue::from_str(host).map_err(|_| unusable())?;
        let uri = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let uri = Uri::from(PathAndQuery::try_from(uri).map_err(|_| unusable())?);
        Ok(Self { way: http.way(url).ok_or_else(unusable)?, uri, host })
    }
}

impl Endpoint {
    pub(super) fn new(http: Http, url: Url, idle: Duration, credential: Credential) -> Self {
        Self(Arc::new(Inside { place: Place::of(&http, &url), http, url, idle, credential }))
    }

    /// The same server at another address, which must be of the same origin: it is sent the same.
    pub(super) fn at(&self, url: Url) -> Self {
        let Inside { http, idle, credential, .. } = &*self.0;
        Self::new(http.clone(), url, *idle, credential.clone())
    }

    pub(super) fn url(&self) -> &Url {
        &self.0.url
    }

    pub(super) fn idle(&self) -> Duration {
        self.0.idle
    }

    /// An error in the server's words, without what it was sent.
    pub(super) fn masked(&self, error: UpstreamError) -> UpstreamError {
        error.map_text(|text| self.0.credential.mask(text))
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
        self.0.credential.apply(&mut headers).map_err(UpstreamError::LackingCredential)?;
        let Place { way, uri, host } = self.0.place.as_ref().map_err(Clone::clone)?;
        headers.insert(HOST, host.clone());
        headers.insert(USER_AGENT, AGENT);
        let mut request = Request::new(Full::new(body.unwrap_or_default()));
        *request.method_mut() = method;
        *request.uri_mut() = uri.clone();
        *request.headers_mut() = headers;
        match tokio::time::timeout(self.0.idle, way.send(request)).await {
            Ok(sent) => sent,
            Err(_) => Err(silent(self.0.idle)),
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
