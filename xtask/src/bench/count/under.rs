//! A hop and a gateway under valgrind, and a number of calls through each.
//!
//! What makes a count vary is kept away from it: the calls have a number and not a time; one connection
//! makes them, so that one comes after the other; before counting begins, every thread that serves
//! connections has had some, and what was written behind those is waited for.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::super::furnish::{Gateway, SERVER, WORKSPACE};
use super::super::pin::{self, Core};
use super::chains::Thread;
use crate::paths::{self, Profile};
use crate::process::{self, Running};

/// Calls that are counted.
const CALLS: u32 = 2_000;
/// Calls before, on so many connections, which take turns on the threads that serve.
const WARM_UP: [u32; 2] = [800, 16];
/// In this time calls have been recorded and added up; a hop has nothing to do behind them.
const SETTLES_WITHIN: Duration = Duration::from_secs(8);
const HOP_SETTLES_WITHIN: Duration = Duration::from_secs(1);
/// Callers that are told of each function: more than there ever are.
const CALLERS: &str = "--separate-callers=100";
const TOKENS: u32 = 16;

/// What a proxy did for some calls.
pub(super) struct Proxy {
    pub(super) calls: u32,
    pub(super) threads: Vec<Thread>,
}

/// Counts what hop and gateway do.
pub(super) fn count(profile: Profile) -> Result<(Proxy, Proxy)> {
    let scratch = tempfile::Builder::new().prefix("aerostack-count-").tempdir()?;
    let folder = scratch.path();
    let benches = paths::program("aerostack-bench", profile)?;
    let mut upstream = pin::command(&benches, Core::Around);
    upstream.arg("upstream");
    let mut upstream = Running::start(upstream)?;
    let address = upstream.line_after("listening on ")?;

    let data = folder.join("gateway");
    let mut gateway = Gateway::start_as(profile, &data)?;
    gateway.make_owner()?;
    gateway.make_workspace(WORKSPACE)?;
    gateway.install(WORKSPACE, SERVER, &format!("http://{address}/mcp"))?;
    fs::write(folder.join("tokens"), gateway.make_tokens(WORKSPACE, TOKENS)?)?;
    drop(gateway);

    let mut hop = under_valgrind(folder, &benches);
    hop.args(["hop", "--upstream", &address]).stderr(fs::File::create(folder.join("hop.log"))?);
    let mut hop = Running::start(hop)?;
    let to_hop = ["--address", &hop.line_after("listening on ")?, "--path", "/mcp", "--tool", "echo"];
    let of_hop = calls(&benches, folder, (&hop, HOP_SETTLES_WITHIN), &to_hop)?;
    drop(hop);

    let program = paths::program("aerostack-gateway", profile)?;
    let gateway = Gateway::serve(under_valgrind(folder, &program), &data)?;
    let (path, tool) = (format!("/ws/{WORKSPACE}"), format!("{SERVER}__echo"));
    let to_gateway = ["--address", &gateway.address, "--path", &path, "--tool", &tool];
    let of_gateway = calls(&benches, folder, (&gateway.running, SETTLES_WITHIN), &to_gateway)?;
    Ok((of_hop, of_gateway))
}

fn under_valgrind(folder: &Path, program: &Path) -> Command {
    let mut command = Command::new("valgrind");
    command.arg("--tool=callgrind").arg(format!("--callgrind-out-file={}/count.%p", folder.display()));
    command.args(["--separate-threads=yes", "--dump-line=no", CALLERS]).arg(program);
    command
}

fn calls(
    benches: &Path,
    folder: &Path,
    (proxy, settles_within): (&Running, Duration),
    to: &[&str],
) -> Result<Proxy> {
    let run = |calls: u32, connections: u32| -> Result<()> {
        let mut load = Command::new(benches);
        load.arg("load").args(to).args(["--call", "echo"]).arg("--tokens").arg(folder.join("tokens"));
        load.args(["--calls", &calls.to_string(), "--connections", &connections.to_string()]);
        let figures: Value = serde_json::from_str(&process::output(&mut load)?)?;
        let is_all = figures["calls"] == calls && figures["errors"] == 0;
        ensure!(is_all, "not every call was answered: {figures}");
        Ok(())
    };
    let process = proxy.id().to_string();
    let control = |what: &str| process::output(Command::new("callgrind_control").args([what, &process]));
    let [warm_up, connections] = WARM_UP;
    run(warm_up, connections)?;
    thread::sleep(settles_within);
    control("--zero")?;
    run(CALLS, 1)?;
    thread::sleep(settles_within);
    control("--dump")?;
    let start = format!("count.{process}.1-");
    let mut threads = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(&start) {
            let text = fs::read_to_string(entry.path()).context("what callgrind counted")?;
            threads.push(Thread::parse(&text)?);
        }
    }
    ensure!(!threads.is_empty(), "callgrind has written nothing");
    Ok(Proxy { calls: CALLS, threads })
}
