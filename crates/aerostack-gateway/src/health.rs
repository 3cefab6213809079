//! Whether the gateway is well, its figures, and the description of its admin API.
//!
//! `/healthz` says that the process runs; `/readyz` that it would serve a call now. `/metrics` is for
//! the same machine, or for an operator's key: a request that came through a proxy is not local, even
//! though its connection is.

use std::net::SocketAddr;
use std::time::Duration;

use aerostack_core::account::AccountKind;
use aerostack_core::bearer::{RawToken, TokenKind};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use http::uri::Authority;
use http::{HeaderMap, Response, StatusCode};

use crate::app::App;
use crate::http::body::Body;
use crate::http::respond;
use crate::store::{StoreError, account};
use crate::telemetry;

/// Time for the database to answer before the gateway calls itself not ready.
const READY_WITHIN: Duration = Duration::from_secs(1);
/// What Prometheus reads.
const EXPOSITION: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
/// The admin API, as `cargo xtask openapi` writes it down: what makes it is larger than the text.
const DESCRIPTION: &str = include_str!("../../../docs/openapi.json");
/// Headers that proxies add.
const OF_PROXIES: [HeaderName; 4] = [
    HeaderName::from_static("forwarded"),
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-real-ip"),
    HeaderName::from_static("via"),
];

/// Answers `/healthz`, `/readyz`, `/metrics` and `/api/openapi.json`; 404 for anything else.
pub async fn answer(app: &App, peer: SocketAddr, path: &str, headers: &HeaderMap) -> Response<Body> {
    match path {
        "/healthz" => respond::text(StatusCode::OK, "ok\n"),
        "/readyz" => readiness(app).await,
        "/metrics" if is_local(peer, headers) || is_operator(app, headers).await => {
            app.measure();
            let response = respond::text(StatusCode::OK, telemetry::figures().render());
            respond::with_header(response, CONTENT_TYPE, EXPOSITION)
        }
        "/api/openapi.json" => respond::json_text(StatusCode::OK, Bytes::from_static(DESCRIPTION.as_bytes())),
        _ => respond::text(StatusCode::NOT_FOUND, "not found\n"),
    }
}

async fn readiness(app: &App) -> Response<Body> {
    if app.is_closed() {
        return respond::text(StatusCode::SERVICE_UNAVAILABLE, "draining\n");
    }
    match tokio::time::timeout(READY_WITHIN, ask_database(app)).await {
        Ok(Ok(())) => respond::text(StatusCode::OK, "ready\n"),
        Ok(Err(error)) => {
            tracing::warn!(%error, "the database does not answer");
            respond::text(StatusCode::SERVICE_UNAVAILABLE, "database\n")
        }
        Err(_) => respond::text(StatusCode::SERVICE_UNAVAILABLE, "database\n"),
    }
}

async fn ask_database(app: &App) -> Result<(), StoreError> {
    account::count(&mut app.store.read().await?).await.map(drop)
}

/// From this machine, to this machine, and not through a proxy on it.
fn is_local(peer: SocketAddr, headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let is_local_name = |authority: Authority| {
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        host == "localhost"
            || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
    };
    peer.ip().to_canonical().is_loopback()
        && !OF_PROXIES.iter().any(|name| headers.contains_key(name))
        && host.is_none_or(|host| host.parse().is_ok_and(is_local_name))
}

async fn is_operator(app: &App, headers: &HeaderMap) -> bool {
    let bearer = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let Some(key) = bearer.and_then(|text| RawToken::parse(TokenKind::AccountKey, text.trim())) else {
        return false;
    };
    let found = async {
        let mut tx = app.store.read().await?;
        account::find_key_by_digest(&mut tx, &key.digest()).await
    };
    match found.await {
        Ok(found) => found.is_some_and(|(_, account)| account.kind == AccountKind::Operator),
        Err(error) => {
            tracing::warn!(%error, "an operator's key could not be looked up");
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_request_from_here_to_here_is_local() {
        let here: SocketAddr = "127.0.0.1:50000".parse().unwrap();
        let headers = |pairs: &[(HeaderName, &'static str)]| {
            pairs
                .iter()
                .map(|(name, value)| (name.clone(), HeaderValue::from_static(value)))
                .collect::<HeaderMap>()
        };
        for host in ["127.0.0.1:8787", "localhost", "[::1]:8787"] {
            assert!(is_local(here, &headers(&[(HOST, host)])), "{host}");
        }
        assert!(is_local("[::ffff:127.0.0.1]:1".parse().unwrap(), &headers(&[])));
        assert!(!is_local("10.0.0.7:50000".parse().unwrap(), &headers(&[(HOST, "127.0.0.1")])));
        assert!(!is_local(here, &headers(&[(HOST, "mcp.company.com")])));
        for name in OF_PROXIES {
            assert!(!is_local(here, &headers(&[(HOST, "127.0.0.1:8787"), (name, "x")])));
        }
    }
}
