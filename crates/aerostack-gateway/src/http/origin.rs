//! From where a browser may call: `Host` and `Origin` against an allow-list.
//!
//! A page of a stranger that resolves its own name to the gateway's address (DNS rebinding) sends its
//! own `Host`; a page that simply posts sends its own `Origin`. Both are refused.

use std::net::Ipv4Addr;

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, HOST, HeaderName,
    ORIGIN, VARY,
};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use url::{Host, Origin, Url};

use super::body::Body;
use super::respond;

/// Headers that scripts in browsers may send.
const ALLOWED_HEADERS: &str = "authorization, content-type, accept, mcp-protocol-version, mcp-session-id, mcp-method, \
                               mcp-name, last-event-id, x-api-key, traceparent, tracestate, baggage";

/// What headers that mirror a tool's arguments begin with; which there are is the tools' business.
const MIRRORED: &str = "mcp-param-";

/// Which hosts and origins are ours, beside loopback.
#[derive(Clone, Debug, Default)]
pub struct AllowedOrigins {
    hosts: Vec<String>,
    origins: Vec<String>,
}

/// The request comes from where it must not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("foreign host or origin")]
pub struct Foreign;

impl AllowedOrigins {
    /// Loopback, the public URL, the address listened on, and further origins (`https://app.example.com`).
    #[must_use]
    pub fn new(public_url: Option<&Url>, listen: std::net::IpAddr, origins: &[String]) -> Self {
        let urls = origins.iter().filter_map(|origin| Url::parse(origin).ok());
        let urls: Vec<Url> = urls.chain(public_url.cloned()).collect();
        let mut hosts: Vec<String> = urls
            .iter()
            .filter_map(|url| url.host_str().map(|host| host.trim_matches(['[', ']']).to_owned()))
            .collect();
        if !listen.is_unspecified() {
            hosts.push(listen.to_string());
        }
        Self { hosts, origins: urls.iter().map(origin_text).collect() }
    }

    /// Checks `Host` and `Origin`; gives the origin, if one was sent, to be echoed to the browser.
    ///
    /// # Errors
    /// [`Foreign`] when either is not ours, cannot be read, or stands there twice.
    pub fn check(&self, headers: &HeaderMap) -> Result<Option<HeaderValue>, Foreign> {
        if let Some(host) = single(headers, HOST)?
            && !self.is_plainly_ours(host)
        {
            let authority: Authority =
                host.to_str().ok().and_then(|host| host.parse().ok()).ok_or(Foreign)?;
            if !self.is_our_host(authority.host()) {
                return Err(Foreign);
            }
        }
        let Some(origin) = single(headers, ORIGIN)? else {
            return Ok(None);
        };
        let url = origin.to_str().ok().and_then(|origin| Url::parse(origin).ok()).ok_or(Foreign)?;
        let ours = self.origins.contains(&origin_text(&url))
            || url
                .host_str()
                .is_some_and(|host| is_loopback(host) && matches!(url.scheme(), "http" | "https"));
        if ours { Ok(Some(origin.clone())) } else { Err(Foreign) }
    }

    /// What nearly every request says, known without reading it as an authority and an international name:
    /// letters, digits, dots and hyphens, with or without a port. What it is not sure of may still be ours.
    fn is_plainly_ours(&self, host: &HeaderValue) -> bool {
        let Ok(text) = host.to_str() else { return false };
        let (name, port) = text.split_once(':').unwrap_or((text, "0"));
        port.bytes().all(|byte| byte.is_ascii_digit())
            && port.parse::<u16>().is_ok()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
            && (self.hosts.iter().any(|ours| ours.eq_ignore_ascii_case(name))
                || name.eq_ignore_ascii_case("localhost")
                || name.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback()))
    }

    fn is_our_host(&self, host: &str) -> bool {
        let bare = host.trim_matches(['[', ']']);
        self.hosts.iter().any(|ours| ours.eq_ignore_ascii_case(bare)) || is_loopback(host)
    }
}

/// The header's one value: of two, another reader could believe the other.
fn single(headers: &HeaderMap, name: HeaderName) -> Result<Option<&HeaderValue>, Foreign> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        (_, Some(_)) => Err(Foreign),
    }
}

/// An origin to be compared. Schemes that the URL standard gives no origin, such as those of editors,
/// are compared by scheme and host; otherwise they would all be the same `null`.
fn origin_text(url: &Url) -> String {
    match url.origin() {
        Origin::Tuple(..) => url.origin().ascii_serialization(),
        Origin::Opaque(_) => format!("{}://{}", url.scheme(), url.host_str().unwrap_or_default()),
    }
}

fn is_loopback(host: &str) -> bool {
    // What nearly every request says is no international name, which would be dear to read.
    if let Ok(address) = host.parse::<Ipv4Addr>() {
        return address.is_loopback();
    }
    match Host::parse(host) {
        Ok(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Ok(Host::Ipv4(address)) => address.is_loopback(),
        Ok(Host::Ipv6(address)) => address.is_loopback(),
        Err(_) => false,
    }
}

/// The answer to a browser's question whether it may ask.
#[must_use]
pub fn preflight(origin: HeaderValue, asked: &HeaderMap) -> Response<Body> {
    let mut response = allow(respond::empty(StatusCode::NO_CONTENT), Some(origin));
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, PATCH, PUT, DELETE"));
    let mirrored =
        asked.get(ACCESS_CONTROL_REQUEST_HEADERS).and_then(|names| names.to_str().ok()).unwrap_or_default();
    let mirrored =
        mirrored.split(',').map(str::trim).filter(|name| name.to_ascii_lowercase().starts_with(MIRRORED));
    let allowed = [ALLOWED_HEADERS].into_iter().chain(mirrored).collect::<Vec<_>>().join(", ");
    if let Ok(allowed) = HeaderValue::from_str(&allowed) {
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed);
    }
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    response
}

/// The same answer, readable by scripts of `origin`.
#[must_use]
pub fn allow(mut response: Response<Body>, origin: Option<HeaderValue>) -> Response<Body> {
    let Some(origin) = origin else { return response };
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.append(VARY, HeaderValue::from_static("Origin"));
    let exposed = "mcp-session-id, mcp-protocol-version, retry-after, www-authenticate";
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(exposed));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn allowed() -> AllowedOrigins {
        let public = Url::parse("https://mcp.acme.test/").unwrap();
        let others = ["https://app.acme.test".to_owned(), "vscode-webview://a.b_c".to_owned()];
        AllowedOrigins::new(Some(&public), [10, 0, 0, 5].into(), &others)
    }

    fn check(host: &str, origin: Option<&str>) -> bool {
        let allowed = allowed();
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(ORIGIN, origin.parse().unwrap());
        }
        allowed.check(&headers).is_ok()
    }

    #[test]
    fn loopback_the_public_url_and_named_origins_may_call() {
        for host in
            ["localhost:8787", "127.0.0.1:1", "[::1]:8787", "mcp.acme.test", "10.0.0.5:8787", "app.acme.test"]
        {
            assert!(check(host, None), "{host}");
        }
        for origin in ["http://localhost:6274", "https://mcp.acme.test", "https://app.acme.test"] {
            assert!(check("localhost", Some(origin)), "{origin}");
        }
    }

    #[test]
    fn strangers_may_not() {
        for host in ["evil.test", "evil.test:8787", "localhost.evil.test", "mcp.acme.test.evil.test"] {
            assert!(!check(host, None), "{host}");
        }
        for origin in [
            "https://evil.test",
            "null",
            "vscode-webview://stranger",
            "http://mcp.acme.test",
            "chrome-extension://localhost",
        ] {
            assert!(!check("localhost", Some(origin)), "{origin}");
        }
    }

    #[test]
    fn most_hosts_are_known_without_being_read() {
        let plainly = |host: &str| allowed().is_plainly_ours(&host.parse().unwrap());
        for host in ["127.0.0.1:8787", "127.1.2.3", "LocalHost:1", "mcp.acme.TEST", "10.0.0.5:65535"] {
            assert!(plainly(host), "{host}");
        }
        for host in
            ["", ":80", "localhost:", "localhost:+1", "localhost:65536", "10.0.0.6", "mcp.acme.test:x"]
        {
            assert!(!plainly(host), "{host}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_plainly_ours_is_ours(
            name in prop_oneof![
                Just("localhost".to_owned()), Just("mcp.acme.test".to_owned()), Just("a.b_c".to_owned()),
                "[a-zA-Z0-9.-]{0,12}", "1?[0-9]?[0-9](\\.[0-2]?[0-9]?[0-9]){3}", "127(\\.[0-9]{1,3}){1,3}",
                "(%31|[^\\x00-\\x1f])27.0.0.1",
            ],
            port in prop_oneof![Just(String::new()), ":[0-9]{0,6}", ":[+@:0-9]{0,6}"],
        ) {
            let host = format!("{name}{port}");
            if let Ok(value) = HeaderValue::from_str(&host) && allowed().is_plainly_ours(&value) {
                let authority: Authority = host.parse().unwrap();
                prop_assert!(allowed().is_our_host(authority.host()), "{}", host);
            }
        }
    }
}
