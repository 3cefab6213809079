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
use super::response::{Broken, Response};
use super::way::Way;

const AGENT: HeaderValue = HeaderValue::from_static(concat!("aerostack-gateway/", env!("CARGO_PKG_VERSION")));
const JSON: HeaderValue = HeaderValue::from_static("application/json");
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

/// All headers of one kind of post, made once for many.
pub(super) struct PostHeaders(Result<HeaderMap, UpstreamError>);

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
    pub(super) async fn post(&self, own: HeaderMap, body: Bytes) -> Result<Response, UpstreamError> {
        self.post_with(&self.post_headers(own), &HeaderMap::new(), body).await
    }

    /// The headers of all messages that are posted with `own`.
    pub(super) fn post_headers(&self, mut own: HeaderMap) -> PostHeaders {
        own.insert(CONTENT_TYPE, JSON);
        own.insert(ACCEPT, BOTH_KINDS);
        PostHeaders(self.complete(own))
    }

    /// Posts a message with headers that were made before, and what they lack of its own.
    ///
    /// # Errors
    /// As `post`.
    pub(super) async fn post_with(
        &self,
        headers: &PostHeaders,
        own: &HeaderMap,
        body: Bytes,
    ) -> Result<Response, UpstreamError> {
        let made = headers.0.as_ref().map_err(Clone::clone)?;
        let mut headers = made.clone();
        for (name, value) in own.iter().filter(|(name, _)| !made.contains_key(*name)) {
            headers.append(name.clone(), value.clone());
        }
        self.send(Method::POST, headers, body).await
    }

    /// Posts to a function, which answers with one document.
    ///
    /// # Errors
    /// As `post`.
    pub(super) async fn post_json(&self, mut own: HeaderMap, body: Bytes) -> Result<Response, UpstreamError> {
        own.insert(CONTENT_TYPE, JSON);
        own.insert(ACCEPT, JSON);
        self.send(Method::POST, self.complete(own)?, body).await
    }

    /// Asks for an event stream.
    ///
    /// # Errors
    /// As `post`.
    pub(super) async fn get_events(&self, mut own: HeaderMap) -> Result<Response, UpstreamError> {
        own.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        self.send(Method::GET, self.complete(own)?, Bytes::new()).await
    }

    /// Ends a session.
    ///
    /// # Errors
    /// As `post`.
    pub(super) async fn delete(&self, own: HeaderMap) -> Result<Response, UpstreamError> {
        self.send(Method::DELETE, self.complete(own)?, Bytes::new()).await
    }

    /// Adds what every request carries. The one place where that is done, so that none goes without.
    fn complete(&self, mut headers: HeaderMap) -> Result<HeaderMap, UpstreamError> {
        self.0.credential.apply(&mut headers).map_err(UpstreamError::LackingCredential)?;
        let place = self.0.place.as_ref().map_err(Clone::clone)?;
        headers.insert(HOST, place.host.clone());
        headers.insert(USER_AGENT, AGENT);
        Ok(headers)
    }

    async fn send(&self, method: Method, headers: HeaderMap, body: Bytes) -> Result<Response, UpstreamError> {
        let Place { way, uri, .. } = self.0.place.as_ref().map_err(Clone::clone)?;
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = uri.clone();
        *request.headers_mut() = headers;
        way.send(request, self.0.idle).await
    }
}

/// The next piece of a body; `None` at its end.
pub(super) async fn next_chunk(
    response: &mut Response,
    idle: Duration,
) -> Result<Option<Bytes>, UpstreamError> {
    response.chunk_within(idle).await.map_err(|broken| match broken {
        Broken::Silent => silent(idle),
        Broken::Off => UpstreamError::BadAnswer("the answer broke off".into()),
    })
}

/// Nothing came for `idle`.
pub(super) fn silent(idle: Duration) -> UpstreamError {
    UpstreamError::TimedOut(format!("no byte for {} s", idle.as_secs_f32()))
}
