//! `mcp-caller`: a gateway of its own in front of one server, and a caller who lists and calls everything that is
//! there. The official conformance suite starts it against its scripted servers: what these see is what the
//! gateway's side towards servers writes.
//!
//! It stands here and not in the gateway because a caller is needed as well: one who answers questions, mirrors
//! arguments in headers, and calls again.

use std::process::ExitCode;
use std::time::Duration;

use aerostack_core::api::operation::endpoint::UpdateWorkspace;
use aerostack_core::api::workspace::UpdateWorkspaceRequest;
use aerostack_core::server::SessionMode;
use aerostack_core::workspace::ToolPrefix;
use aerostack_gateway::clock::Clock;
use aerostack_tests::engine::{Engine, Place};
use aerostack_tests::gateway::Gateway;
use aerostack_tests::visitor::{Visitor, VisitorEra};
use anyhow::{Context, bail};
use clap::Parser;
use serde_json::Value;

/// A gateway in front of one server, and a caller who calls everything there.
#[derive(Parser)]
struct Args {
    /// The era of the caller.
    #[arg(long, value_enum)]
    era: VisitorEra,
    /// Where the server is.
    url: String,
}

/// How long a scripted server may take to list.
const LIST_TIMEOUT: Duration = Duration::from_secs(20);
/// What the suite wants called, beside everything.
const CONTEXT: &str = "MCP_CONFORMANCE_CONTEXT";

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    let place = Place::new(Engine::Sqlite).await.context("SQLite is always there")?;
    let mut config = place.config();
    // What counts is what is asked, not how fast a machine under test is.
    config.limits.list_timeout = LIST_TIMEOUT;
    let mut gateway = Gateway::start(config, Clock::system()).await;
    let mut owner = gateway.owner().await;
    owner.creates_workspace("engineering").await;
    let plain =
        UpdateWorkspaceRequest { tool_prefix: Some(ToolPrefix::Never), ..UpdateWorkspaceRequest::default() };
    if let Err(refused) = owner.asks::<UpdateWorkspace>(&["engineering"], &plain).await {
        bail!("the prefix cannot be set: {refused:?}");
    }
    owner.adds("scripted", &args.url, SessionMode::PerCaller, None).await;
    match owner.installs_known("scripted", None).await {
        Ok(installed) => println!("installed: {:?}", installed.warning),
        Err(refused) => bail!("the server cannot be installed: {refused:?}"),
    }
    let caller = owner.creates_token("Caller").await;
    let context: Value =
        std::env::var(CONTEXT).ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    let calls: Vec<Value> = context["toolCalls"].as_array().cloned().unwrap_or_default();
    Visitor::enters(caller, args.era).await.calls_everything(&calls).await;
    gateway.stops().await;
    Ok(ExitCode::SUCCESS)
}
