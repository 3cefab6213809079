//! A new connection to a server: its name resolved to addresses that are allowed, TCP, and TLS where its URL
//! says so; then HTTP/1.1.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio_rustls::TlsConnector;
use tower_service::Service;
use url::{Host, Url};

use super::address::{AddressPolicy, Resolver};
use super::error::UpstreamError;
use super::link::Link;

/// Time for a name to resolve, a connection and TLS to stand.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Silence after which the kernel asks whether the peer is still there.
const TCP_KEEPALIVE: Duration = Duration::from_secs(60);
/// Longest reason that is repeated.
const REASON_CHARS: usize = 200;

/// Makes connections to addresses that its policy allows.
pub(super) struct Dialer {
    tcp: HttpConnector<Resolver>,
    tls: TlsConnector,
}

/// Whom a connection is made to.
pub(super) struct Origin {
    uri: Uri,
    /// The name that its certificate must have, if its scheme is `https`.
    tls: Option<ServerName<'static>>,
}

impl Origin {
    /// The origin of a URL; `None` where no request can be made to it.
    pub(super) fn of(url: &Url) -> Option<Self> {
        let uri = Uri::try_from(url.as_str()).ok()?;
        let tls = match (url.scheme(), url.host()?) {
            ("http", _) => None,
            ("https", Host::Domain(name)) => Some(ServerName::try_from(name.to_owned()).ok()?),
            ("https", Host::Ipv4(address)) => Some(std::net::IpAddr::from(address).into()),
            ("https", Host::Ipv6(address)) => Some(std::net::IpAddr::from(address).into()),
            _ => return None,
        };
        Some(Self { uri, tls })
    }
}

impl Dialer {
    pub(super) fn new(policy: AddressPolicy, mut tls: ClientConfig) -> Self {
        let mut tcp = HttpConnector::new_with_resolver(Resolver(policy));
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(TCP_KEEPALIVE));
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        Self { tcp, tls: TlsConnector::from(Arc::new(tls)) }
    }

    /// Makes a connection, of which this runtime notices what comes.
    ///
    /// # Errors
    /// [`UpstreamError::Unreachable`].
    pub(super) async fn dial(&self, origin: &Origin) -> Result<Link, UpstreamError> {
        let limit = CONNECT_TIMEOUT.as_secs();
        let late = |_| UpstreamError::Unreachable(format!("no connection within {limit} s"));
        tokio::time::timeout(CONNECT_TIMEOUT, self.connect(origin)).await.map_err(late)?
    }

    async fn connect(&self, origin: &Origin) -> Result<Link, UpstreamError> {
        let unreachable = |error: &(dyn Error + 'static)| UpstreamError::Unreachable(reason(error));
        let tcp = self.tcp.clone().call(origin.uri.clone()).await.map_err(|error| unreachable(&error))?;
        let link = match &origin.tls {
            None => Link::over(tcp).await,
            Some(name) => {
                let tls = self.tls.connect(name.clone(), tcp.into_inner()).await;
                Link::over(TokioIo::new(tls.map_err(|error| unreachable(&error))?)).await
            }
        };
        link.map_err(|error| unreachable(&error))
    }
}

/// What happened, in the words of what lies at the bottom of it.
pub(super) fn reason(error: &(dyn Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(inner) = carried(innermost).or_else(|| innermost.source()) {
        innermost = inner;
    }
    let reason = match innermost.downcast_ref::<rustls::Error>() {
        Some(error) => format!("TLS: {error}"),
        None => innermost.to_string(),
    };
    reason.chars().take(REASON_CHARS).collect()
}

/// What an I/O error carries, which it does not name as its source.
fn carried<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    let carried = error.downcast_ref::<std::io::Error>()?.get_ref()?;
    Some(carried)
}
