//! One run of the load generator against one target.

use anyhow::{Context, Result};
use serde_json::Value;

use super::pin::{self, Core};
use super::stand::{Stand, Target};
use crate::process;

/// How is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// Connections.
    pub(super) connections: u32,
    /// Calls a second; without it, each connection calls as soon as it is answered.
    pub(super) rate: Option<u32>,
}

/// What is called.
pub(super) struct Load {
    pub(super) shape: Shape,
    pub(super) seconds: f64,
    /// The load generator's word for it.
    pub(super) call: &'static str,
    pub(super) bytes: usize,
}

impl Shape {
    /// In words.
    pub(super) fn name(self) -> String {
        let connections = if self.connections == 1 { "connection" } else { "connections" };
        let loops = self.rate.map_or_else(|| "Closed loop".to_owned(), |rate| format!("Open loop, {rate}/s"));
        format!("{loops}, {} {connections}", self.connections)
    }
}

impl Load {
    /// Calls a target and gives what the load generator tells.
    pub(super) fn run(&self, stand: &Stand, target: &Target) -> Result<Value> {
        let mut command = pin::command(&super::program("aerostack-bench")?, Core::Around);
        command.arg("load").args(["--address", &target.address, "--path", target.path]);
        command.arg("--tokens").arg(&stand.tokens).args([
            "--call",
            self.call,
            "--tool",
            &target.tool(self.call),
        ]);
        command.args(["--bytes", &self.bytes.to_string(), "--seconds", &self.seconds.to_string()]);
        command.args(["--connections", &self.shape.connections.to_string()]);
        if let Some(rate) = self.shape.rate {
            command.args(["--rate", &rate.to_string()]);
        }
        let text = process::output(&mut command)?;
        serde_json::from_str(&text).context("the load generator tells its figures")
    }
}
