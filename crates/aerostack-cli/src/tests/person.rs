//! A person at a terminal of their own, and what a gateway says to them.

use std::ffi::OsString;

use aerostack_core::time::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{Captured, World, run};

use super::scripted_gateway::ScriptedGateway;

pub(super) const KEY: &str = "ak_0123456789";
pub(super) const TOKEN: &str = "mwt_alice_0123456789abcdef";
pub(super) const NOW: &str = "2026-03-17T11:15:00Z";

pub(super) struct Person {
    pub(super) world: World,
    stdout: Captured,
    stderr: Captured,
    _config: TempDir,
}

pub(super) struct Ran {
    pub(super) code: u8,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Person {
    pub(super) fn new(gateway: &ScriptedGateway) -> Self {
        let config = tempfile::tempdir().unwrap();
        let (mut world, stdout, stderr) =
            World::captured(config.path().join("aerostack"), Timestamp::parse(NOW).unwrap());
        world.environment.insert("AEROSTACK_API_URL".to_owned(), gateway.url());
        Self { world, stdout, stderr, _config: config }
    }

    pub(super) fn with_key(gateway: &ScriptedGateway) -> Self {
        let mut person = Self::new(gateway);
        person.world.environment.insert("AEROSTACK_API_KEY".to_owned(), KEY.to_owned());
        person
    }

    pub(super) async fn runs(&mut self, arguments: &[&str]) -> Ran {
        let line = std::iter::once("aerostack").chain(arguments.iter().copied()).map(OsString::from);
        let code = run(line, &mut self.world).await;
        Ran { code, stdout: self.stdout.take(), stderr: self.stderr.take() }
    }
}

pub(super) fn account() -> Value {
    json!({
        "id": "acc_1", "email": "admin@co.com", "username": "acme", "plan": "pro", "kind": "operator",
        "created_at": "2026-01-01T00:00:00Z"
    })
}

pub(super) fn workspace(slug: &str) -> Value {
    json!({
        "id": "ws_1", "slug": slug, "name": slug, "description": "", "owner": "acme", "tool_prefix": "always",
        "gateway_url": format!("https://gateway.test/ws/{slug}"), "servers": 2,
        "seats": { "used": 4, "limit": 25, "plan": "pro" }, "created_at": "2026-01-01T00:00:00Z"
    })
}

pub(super) fn created_token() -> Value {
    json!({
        "id": "tok_1", "name": "Alice Chen", "token": TOKEN, "created_at": "2026-03-17T11:15:00Z",
        "expires_at": null, "for": null, "gateway_url": "https://gateway.test/ws/eng",
        "mcp_json": { "mcpServers": { "eng": { "url": "https://gateway.test/ws/eng" } } },
        "seats": { "used": 4, "limit": 25, "plan": "pro" }
    })
}

pub(super) fn refusal(code: &str, message: &str, hint: Option<&str>) -> Value {
    json!({ "error": { "code": code, "message": message, "hint": hint, "request_id": "req_1" } })
}
