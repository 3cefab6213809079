//! Asking a server of the catalogue whether it answers. Nothing is stored.

use aerostack_core::api::page::Empty;
use aerostack_core::api::server::TestReply;
use serde::Deserialize;
use tokio::time::Instant;

use super::call::Call;
use super::error::ApiError;
use super::server::find;
use super::stdio;
use crate::lists;
use crate::upstream::Credential;

/// What of a tool definition is shown.
#[derive(Deserialize)]
struct Named {
    name: String,
}

/// Connects to a server, as a stranger without any secret, and lists its tools. That it does not answer is a reply, not an error.
pub(super) async fn test(call: Call, _request: Empty) -> Result<TestReply, ApiError> {
    let server = {
        let mut tx = call.read().await?;
        let team = call.team(&mut tx).await?;
        let server = find(&call, &mut tx, &team).await?;
        if server.stdio.is_some() {
            stdio::may_run(&call, &team)?;
        }
        server
    };
    let started = Instant::now();
    let outcome =
        lists::ask(&call.app, lists::target_of_server(&call.app, &server, Credential::none())).await;
    let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(match outcome {
        Ok(listing) => TestReply {
            ok: true,
            protocol_version: Some(listing.protocol_version),
            transport: Some(listing.transport.to_owned()),
            server_name: listing.server_name,
            tools: listing.tools.iter().filter_map(|text| tool_name(text)).collect(),
            elapsed_ms,
            error: None,
        },
        Err(error) => TestReply {
            ok: false,
            protocol_version: None,
            transport: None,
            server_name: None,
            tools: Vec::new(),
            elapsed_ms,
            error: Some(error.to_string()),
        },
    })
}

fn tool_name(definition: &str) -> Option<String> {
    serde_json::from_str(definition).ok().map(|named: Named| named.name)
}
