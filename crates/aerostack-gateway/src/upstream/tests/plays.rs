//! The servers the tests play against, and the ways to make a client of one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::super::testing::{Answer, Seen, Server, json, status, target, with_header};
use super::super::{Client, Target, Upstreams};
use crate::config::Config;

pub(super) const DISCOVERED: &str = concat!(
    r#"{"resultType":"complete","supportedVersions":["2026-07-28"],"#,
    r#""capabilities":{"tools":{"listChanged":true}},"instructions":"be kind","ttlMs":0,"cacheScope":"private","#,
    r#""_meta":{"io.modelcontextprotocol/serverInfo":{"name":"gw","version":"1"}}}"#
);

/// A modern server that answers everything but discovery with `rest`.
pub(super) fn modern(
    rest: impl Fn(&Seen) -> Answer + Send + Sync + 'static,
) -> impl Fn(&Seen) -> Answer + Send + Sync + 'static {
    move |seen| match seen.method() {
        "server/discover" => json(seen.result(DISCOVERED)),
        _ => rest(seen),
    }
}

pub(super) fn initialized(version: &str) -> String {
    let server = r#"{"name":"old","version":"1"}"#;
    format!(
        r#"{{"protocolVersion":"{version}","capabilities":{{"tools":{{"listChanged":true}}}},"serverInfo":{server},"instructions":"hi"}}"#
    )
}

/// A legacy server that issues the sessions `s1`, `s2` … and answers calls and lists with `rest`.
pub(super) fn with_sessions(
    rest: impl Fn(&Seen) -> Answer + Send + Sync + 'static,
) -> impl Fn(&Seen) -> Answer + Send + Sync + 'static {
    let count = AtomicU64::new(0);
    move |seen| match (seen.verb.as_str(), seen.method()) {
        ("POST", "server/discover") => status(
            400,
            r#"{"jsonrpc":"2.0","error":{"code":-32000,"message":"Server not initialized"},"id":null}"#,
        ),
        ("POST", "initialize") => {
            let id = format!("s{}", count.fetch_add(1, Ordering::Relaxed) + 1);
            with_header(json(seen.result(&initialized("2025-06-18"))), "mcp-session-id", id)
        }
        ("POST", "notifications/initialized" | "notifications/cancelled") => status(202, ""),
        ("DELETE", _) => status(200, ""),
        ("GET", _) => status(405, ""),
        _ => rest(seen),
    }
}

/// A legacy server without sessions that refuses discovery with `refusal`.
pub(super) fn sessionless(
    refusal: impl Fn(&Seen) -> Answer + Send + Sync + 'static,
    rest: impl Fn(&Seen) -> Answer + Send + Sync + 'static,
) -> impl Fn(&Seen) -> Answer + Send + Sync + 'static {
    move |seen| match seen.method() {
        "server/discover" => refusal(seen),
        "initialize" => json(seen.result(&initialized("2025-11-25"))),
        "notifications/initialized" => status(202, ""),
        _ => rest(seen),
    }
}

pub(super) fn echo(seen: &Seen) -> Answer {
    json(seen.result(r#"{"n":2.50}"#))
}

/// The gateway's settings in these tests.
pub(super) fn config() -> Config {
    Config::local(std::path::PathBuf::new())
}

/// A client of `target`. The set of clients goes, the client stays.
pub(super) fn client_of(target: Target) -> Arc<Client> {
    Upstreams::new(&config()).client(target)
}

pub(super) fn client(server: &Server) -> Arc<Client> {
    client_of(target(server))
}
