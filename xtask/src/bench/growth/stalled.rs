//! Lists of many servers while one of them has stopped: connections to it are taken, and never answered.

use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::super::furnish::{Gateway, LISTS};
use super::super::load::{Load, What};
use super::super::pin::{self, Core};
use super::super::sample::median;
use super::super::stand::{GATEWAY, Place, Target};
use super::super::targets::Row;
use super::super::{Options, measured, program};
use crate::process::{self, Running};

const SERVERS: u32 = 20;
const TOOLS: &str = "50";
/// Lists a second, over so many connections: as when a whole team opens its editors.
const RATE: u32 = 200;
const CONNECTIONS: u32 = 16;
/// Within it a gateway that has just started is asking its servers anew.
const BEGINS_TO_ASK: Duration = Duration::from_secs(1);

/// A program that does not go on until this is dropped.
struct Stopped(u32);

impl Stopped {
    fn new(process: u32) -> Result<Self> {
        signal("STOP", process)?;
        Ok(Self(process))
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        // One that is gone does not go on.
        let _ = signal("CONT", self.0);
    }
}

fn signal(name: &str, process: u32) -> Result<()> {
    process::run(Command::new("kill").args(["-s", name, &process.to_string()]))
}

/// Measures lists while all answer, and while one does not.
pub(super) fn measure(options: &Options) -> Result<Vec<Row>> {
    let scratch = tempfile::Builder::new().prefix("aerostack-bench-").tempdir()?;
    let (_answers, address) = upstream()?;
    let (stalls, its_address) = upstream()?;
    let mut gateway = Gateway::start(&scratch.path().join("gateway"))?;
    gateway.make_owner()?;
    gateway.make_workspace(LISTS)?;
    for number in 1..SERVERS {
        gateway.install(LISTS, &format!("many-{number}"), &format!("http://{address}/mcp/{number}"))?;
    }
    gateway.install(LISTS, "stalls", &format!("http://{its_address}/mcp"))?;
    let tokens = scratch.path().join("tokens");
    std::fs::write(&tokens, gateway.make_tokens(LISTS, 1)?)?;
    let load = Load { place: Place::Lists, ..Load::new(What::List, CONNECTIONS, Some(RATE)) };
    let asked = |gateway: &Gateway| -> Result<f64> {
        let target = Target {
            name: GATEWAY,
            place: Place::Lists,
            address: gateway.address.clone(),
            path: format!("/ws/{LISTS}"),
            tokens: tokens.clone(),
            process: Some(gateway.running.id()),
        };
        let sample = measured(1, &target, &load, options.seconds)?;
        ensure!(sample.errors == 0, "{}", sample.line());
        Ok(sample.latencies_us[2] / 1e3)
    };
    let (mut all_answer, mut one_stalls) = (Vec::new(), Vec::new());
    for _ in 0..options.rounds {
        all_answer.push(asked(&gateway)?);
        let stopped = Stopped::new(stalls.id())?;
        // Its lists are read from the database, and it is asked for new ones, which do not come.
        gateway = gateway.restart_after(|| Ok(()))?;
        thread::sleep(BEGINS_TO_ASK);
        one_stalls.push(asked(&gateway)?);
        drop(stopped);
        gateway = gateway.restart_after(|| Ok(()))?;
        thread::sleep(BEGINS_TO_ASK);
    }
    let [all, one] = [all_answer, one_stalls].map(|times| median(times.into_iter()));
    let what = format!(
        "p99 of `tools/list`, {SERVERS} servers × {TOOLS} tools, one of them stalled, {RATE} a second \
         ({all:.2} ms while all answer)"
    );
    Ok(vec![Row::new(&what, one, 5.0, " ms", 2)])
}

fn upstream() -> Result<(Running, String)> {
    let mut upstream = pin::command(&program("aerostack-bench")?, Core::Around);
    upstream.args(["upstream", "--tools", TOOLS]);
    let mut upstream = Running::start(upstream)?;
    let address = upstream.line_after("listening on ")?;
    Ok((upstream, address))
}
