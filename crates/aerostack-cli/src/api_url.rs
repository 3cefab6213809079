//! The address of a gateway.

use url::{Host, Url};

use crate::failure::{Failure, Outcome};

const URL_HINT: &str = "an address looks like https://gateway.example.com";

/// The address of a gateway: `http` or `https`, no credentials, no trailing slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiUrl(Url);

impl ApiUrl {
    /// Reads an address.
    ///
    /// # Errors
    /// A usage failure that says what does not fit.
    pub(crate) fn parse(text: &str) -> Outcome<Self> {
        let mut url = aerostack_core::server::parse_url(text)
            .map_err(|_| Failure::usage(format!("'{text}' is no gateway address")).with_hint(URL_HINT))?;
        url.set_query(None);
        Ok(Self(url))
    }

    /// The text, as it is shown and kept.
    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }

    /// The address of a path below it.
    ///
    /// # Errors
    /// A usage failure when both together are no address.
    pub(crate) fn join(&self, path: &str) -> Outcome<Url> {
        let text = format!("{}{path}", self.as_str());
        Url::parse(&text).map_err(|_| Failure::usage(format!("'{text}' is no address")).with_hint(URL_HINT))
    }

    /// Whether it is without TLS.
    pub(crate) fn is_plain(&self) -> bool {
        self.0.scheme() == "http"
    }

    /// Whether it is this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        match self.0.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }

    /// Whether what is sent there can be read on the way.
    pub(crate) fn is_in_the_clear(&self) -> bool {
        self.is_plain() && !self.is_loopback()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_kept_without_slash_query_and_credentials() {
        assert_eq!(ApiUrl::parse("http://127.0.0.1:8787/").unwrap().as_str(), "http://127.0.0.1:8787");
        assert_eq!(ApiUrl::parse("https://x.test/aero/?a=1#b").unwrap().as_str(), "https://x.test/aero");
        for bad in ["x.test", "ftp://x.test", "https://me:pw@x.test", ""] {
            assert_eq!(ApiUrl::parse(bad).unwrap_err().exit_code(), 2, "{bad}");
        }
    }

    #[test]
    fn only_plain_http_to_other_machines_is_in_the_clear() {
        let clear = |text: &str| ApiUrl::parse(text).unwrap().is_in_the_clear();
        assert!(clear("http://gateway.test"));
        for safe in ["https://gateway.test", "http://localhost:1", "http://[::1]:1", "http://127.1.2.3"] {
            assert!(!clear(safe), "{safe}");
        }
    }
}
