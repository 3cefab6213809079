//! The loads, and one run of the load generator.

use anyhow::{Context, Result};
use serde_json::Value;

use super::pin::{self, Core};
use super::stand::{Place, Target};
use crate::process;

pub(super) const KIB: usize = 1_024;
pub(super) const MIB: usize = 1_024 * KIB;
/// Least length of the list of 200 tools; whatever is shorter is not all of them.
const LIST_BYTES: usize = 40 * KIB;

/// One kind of load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Load {
    pub(super) what: What,
    /// Connections.
    pub(super) connections: u32,
    /// Calls a second; without it, each connection calls as soon as it is answered.
    pub(super) rate: Option<u32>,
    /// Where it goes.
    pub(super) place: Place,
    /// How callers speak.
    pub(super) era: Era,
}

/// How callers speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Era {
    /// As scripts do.
    Legacy,
    /// Every request says who asks.
    Modern,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// A tool that says back so many letters.
    Echo(usize),
    /// A tool whose answer has so many letters.
    Big(usize),
    /// The list of tools.
    List,
}

/// What is measured, in order.
pub(super) fn all(rate: u32) -> Vec<Load> {
    let load = |what, connections, rate| Load::new(what, connections, rate);
    let echo = What::Echo(KIB);
    vec![
        load(echo, 1, None),
        load(echo, 16, None),
        load(echo, 64, None),
        load(echo, 16, Some(rate)),
        Load { era: Era::Modern, ..load(echo, 16, None) },
        load(What::Big(64 * KIB), 16, None),
        load(What::Big(10 * MIB), 64, None),
        Load { place: Place::Lists, ..load(What::List, 16, None) },
    ]
}

impl Load {
    /// Of legacy callers, to the upstream.
    pub(super) fn new(what: What, connections: u32, rate: Option<u32>) -> Self {
        Self { what, connections, rate, place: Place::Upstream, era: Era::Legacy }
    }

    /// In words.
    pub(super) fn name(&self) -> String {
        let what = match self.what {
            What::Echo(letters) => format!("`tools/call`, {} there and back", size(letters)),
            What::Big(letters) => format!("`tools/call`, answers of {}", size(letters)),
            What::List => "`tools/list`, 10 servers with 20 tools each".to_owned(),
        };
        let connections = if self.connections == 1 { "connection" } else { "connections" };
        let pace = self.rate.map_or_else(|| "closed loop".to_owned(), |rate| format!("open loop, {rate}/s"));
        let era = if self.era == Era::Modern { ", modern callers" } else { "" };
        format!("{what}: {pace}, {} {connections}{era}", self.connections)
    }

    /// Calls a target and gives what the load generator tells.
    pub(super) fn run(&self, target: &Target, seconds: f64) -> Result<Value> {
        let (call, bytes) = match self.what {
            What::Echo(letters) => ("echo", letters),
            What::Big(letters) => ("big", letters),
            What::List => ("list", LIST_BYTES),
        };
        let mut command = pin::command(&super::program("aerostack-bench")?, Core::Around);
        command.arg("load").args(["--address", &target.address, "--path", &target.path]);
        command.arg("--tokens").arg(&target.tokens).args(["--call", call, "--tool", &target.tool(call)]);
        command.args(["--bytes", &bytes.to_string(), "--seconds", &seconds.to_string()]);
        command.args(["--connections", &self.connections.to_string()]);
        if self.era == Era::Modern {
            command.args(["--era", "modern"]);
        }
        if let Some(rate) = self.rate {
            command.args(["--rate", &rate.to_string()]);
        }
        if matches!(self.what, What::Big(letters) if letters > MIB) {
            // Few of these fit into the time: none is there to warm up.
            command.args(["--warm-up-seconds", "0"]);
        }
        let text = process::output(&mut command)?;
        serde_json::from_str(&text).context("the load generator tells its figures")
    }
}

fn size(bytes: usize) -> String {
    if bytes >= MIB { format!("{} MiB", bytes / MIB) } else { format!("{} KiB", bytes / KIB) }
}
