//! Cores: the proxy under measurement alone on one, everything else on another.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::Result;

use crate::{process, provide};

/// Who runs where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Core {
    /// Upstream and load.
    Around = 0,
    /// The proxy under measurement.
    Proxy = 1,
}

/// A program that runs on one core alone, where the machine has two and a way to say so.
pub(super) fn command(program: &Path, core: Core) -> Command {
    let Some(taskset) = taskset() else { return Command::new(program) };
    let mut command = Command::new(taskset);
    command.arg("--cpu-list").arg((core as u8).to_string()).arg(program);
    command
}

/// Keeps this process, and what it starts without saying where, off the core of the proxy.
pub(super) fn own() -> Result<()> {
    let Some(taskset) = taskset() else { return Ok(()) };
    let (core, own) = ((Core::Around as u8).to_string(), std::process::id().to_string());
    process::output(Command::new(taskset).args(["--cpu-list", "--pid", &core, &own])).map(drop)
}

/// Looked for once: a process that keeps to one core sees no other.
fn taskset() -> Option<&'static Path> {
    static TASKSET: OnceLock<Option<PathBuf>> = OnceLock::new();
    let find = || {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        provide::find("taskset").filter(|_| cores >= 2)
    };
    TASKSET.get_or_init(find).as_deref()
}
