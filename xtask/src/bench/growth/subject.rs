//! A gateway of one shape: filled, started some times, running.

use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tempfile::TempDir;

use super::super::furnish::{Gateway, SERVER, Setting, WORKSPACE};
use super::super::pin::{self, Core};
use super::super::program;
use super::super::sample::median;
use super::super::stand::{GATEWAY, Place, Target};
use super::super::usage::{self, Usage};
use super::part::Shape;
use super::streams;
use crate::process::{self, Running};
use crate::visitor;

/// Starts that are timed.
const STARTS: usize = 3;
/// How long a gateway is left alone at the least before its memory is read, and at the most.
const IDLE: Duration = Duration::from_secs(5);
const SETTLES_WITHIN: Duration = Duration::from_secs(120);
/// More than the streams of any shape.
const CONNECTIONS: &str = "20000";

/// It, with what stands behind it.
pub(super) struct Subject {
    // Ends before the gateway, which would end its streams.
    _streams: Option<Running>,
    pub(super) gateway: Gateway,
    pub(super) target: Target,
    /// From its start to the first call that a server answered, median, in milliseconds.
    pub(super) start_ms: f64,
    /// Resident memory some seconds after that, without streams.
    pub(super) idle_kib: u64,
    _upstream: Running,
    _scratch: TempDir,
}

impl Subject {
    /// Makes one.
    pub(super) fn make(shape: Shape) -> Result<Self> {
        let scratch = tempfile::Builder::new().prefix("aerostack-bench-").tempdir()?;
        let folder = scratch.path().join("gateway");
        let tokens = scratch.path().join("tokens");
        let mut upstream = pin::command(&program("aerostack-bench")?, Core::Around);
        upstream.args(["upstream", "--tools", &shape.tools.to_string()]);
        let mut upstream = Running::start(upstream)?;
        let address = upstream.line_after("listening on ")?;
        let gateway = furnish(&folder, &address, shape)?;
        let gateway = fill(gateway, &folder, &tokens, shape)?;
        let (gateway, start_ms) = start(gateway, &tokens)?;
        let process = Some(gateway.running.id());
        Usage::at_rest(process, IDLE, SETTLES_WITHIN)?;
        let target = Target {
            name: GATEWAY,
            place: Place::Upstream,
            address: gateway.address.clone(),
            path: format!("/ws/{WORKSPACE}"),
            tokens,
            process,
        };
        let mut subject = Self {
            _streams: None,
            idle_kib: usage::resident_kib(process)?,
            gateway,
            target,
            start_ms,
            _upstream: upstream,
            _scratch: scratch,
        };
        if shape.streams > 0 {
            let held = streams::hold(&subject.target, shape.streams, streams::Before::Session)?;
            // With many streams there is always one that says that it is there.
            thread::sleep(IDLE);
            subject._streams = Some(held);
        }
        Ok(subject)
    }
}

fn furnish(folder: &Path, upstream: &str, shape: Shape) -> Result<Gateway> {
    let settings: [Setting; 1] = [("AEROSTACK_LIMIT_CONNECTIONS", CONNECTIONS.to_owned())];
    let mut gateway = Gateway::start_with(folder, &settings)?;
    gateway.make_owner()?;
    gateway.make_workspace(WORKSPACE)?;
    gateway.install(WORKSPACE, SERVER, &format!("http://{upstream}/mcp"))?;
    for number in 1..shape.servers {
        gateway.install(WORKSPACE, &format!("more-{number}"), &format!("http://{upstream}/mcp/{number}"))?;
    }
    Ok(gateway)
}

/// Ends it, fills its database, keeps the callers in a file, and starts it anew.
fn fill(gateway: Gateway, folder: &Path, tokens: &Path, shape: Shape) -> Result<Gateway> {
    let mut fill = Command::new(program("aerostack-bench")?);
    fill.args(["fill", "--workspace", WORKSPACE, "--told", &shape.callers.to_string()]);
    fill.args(["--tokens", &shape.tokens.to_string(), "--workspaces", &shape.workspaces.to_string()]);
    fill.arg("--database").arg(folder.join("aerostack.db"));
    gateway.restart_after(|| Ok(std::fs::write(tokens, process::output(&mut fill)?)?))
}

/// Starts it some times, and gives how long it took until a server's answer came.
fn start(mut gateway: Gateway, tokens: &Path) -> Result<(Gateway, f64)> {
    let callers = std::fs::read_to_string(tokens)?;
    let first = callers.lines().next().context("there is a caller")?;
    let (token, path) = first.split_once(' ').context("a caller has a path")?;
    let mut times = Vec::with_capacity(STARTS);
    for _ in 0..STARTS {
        let mut begun = Instant::now();
        gateway = gateway.restart_after(|| {
            begun = Instant::now();
            Ok(())
        })?;
        call(&gateway, token, path)?;
        times.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    Ok((gateway, median(times.into_iter())))
}

fn call(gateway: &Gateway, token: &str, path: &str) -> Result<()> {
    let params = json!({ "name": format!("{SERVER}__echo"), "arguments": { "text": "hi" } });
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    let answer = visitor::post(&gateway.address, path, token, &request.to_string())?;
    let is_result = answer.status == 200 && answer.body.contains("\"result\"");
    ensure!(is_result, "the call was answered {}: {}", answer.status, answer.body);
    Ok(())
}
