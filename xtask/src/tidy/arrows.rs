//! Arrows: a room imports only from floors below its own.

use super::Finding;
use super::rooms::{CRATES, ROOMS, Room};
use super::source::Source;

/// Checks what a file names against what its room may know.
pub(super) fn check(source: &Source) -> Vec<Finding> {
    let rooms: Vec<&Room> = ROOMS.iter().filter(|room| room.holds(&source.path)).collect();
    let mut findings = Vec::new();
    for named in source.named() {
        for room in &rooms {
            let forbidden = room.never.iter().find(|forbidden| begins_with(&named.path, forbidden));
            if let Some(forbidden) = forbidden {
                let reason = format!("{} does not know `{forbidden}`: {}", room.name, room.why);
                findings.push(Finding::new(&source.path, named.line, reason));
            }
        }
    }
    findings.dedup();
    findings
}

/// Checks a manifest's dependencies.
pub(super) fn check_manifest(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (manifest, never, why) in CRATES.iter().filter(|(manifest, _, _)| *manifest == path) {
        for (index, line) in text.lines().enumerate() {
            let name = line.split(['.', ' ', '=']).next().unwrap_or_default();
            if never.contains(&name) {
                findings.push(Finding::new(manifest, index + 1, format!("no dependency on `{name}`: {why}")));
            }
        }
    }
    findings
}

/// Whether a path is `stem` or goes on below it.
fn begins_with(path: &str, stem: &str) -> bool {
    path.strip_prefix(stem).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arrow_upwards_is_found() {
        let source = |path: &str, text: &str| Source::new(path, text.to_owned());
        let upwards = [
            ("crates/aerostack-core/src/token.rs", "use crate::api::token;"),
            ("crates/aerostack-core/src/token.rs", "fn f() { std::env::var(x); }"),
            ("crates/aerostack-core/src/api/token.rs", "use tokio::time;"),
            ("crates/aerostack-gateway/src/http/body.rs", "use aerostack_core::id::RequestId;"),
            ("crates/aerostack-gateway/src/jsonrpc.rs", "use crate::app::App;"),
            ("crates/aerostack-gateway/src/store/token.rs", "use crate::{upstream, clock};"),
            ("crates/aerostack-gateway/src/upstream/http.rs", "use crate::store::Store;"),
            ("crates/aerostack-gateway/src/mcp/relay.rs", "use super::super::admin::caller;"),
            ("crates/aerostack-gateway/src/admin/token.rs", "use crate::mcp::error;"),
        ];
        for (path, text) in upwards {
            assert_eq!(check(&source(path, text)).len(), 1, "{path}: {text}");
        }
        let downwards = [
            ("crates/aerostack-core/src/api/token.rs", "use crate::token::Token;"),
            ("crates/aerostack-core/src/time.rs", "use std::time::Duration;"),
            ("crates/aerostack-gateway/src/mcp/relay.rs", "use crate::upstream::Upstreams;"),
            ("crates/aerostack-gateway/src/upstream/http.rs", "use crate::http::body;"),
        ];
        for (path, text) in downwards {
            assert_eq!(check(&source(path, text)), [], "{path}: {text}");
        }
    }

    #[test]
    fn a_dependency_that_must_not_be_is_found() {
        let text = "[dependencies]\nclap.workspace = true\nsqlx = \"0.9\"\n";
        assert_eq!(check_manifest("crates/aerostack-cli/Cargo.toml", text).len(), 1);
        assert_eq!(check_manifest("crates/aerostack-gateway/Cargo.toml", text), []);
    }
}
