//! Cores: the proxy under measurement alone on one, everything else on another.

use std::path::Path;
use std::process::Command;

use crate::provide;

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
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let Some(taskset) = provide::find("taskset").filter(|_| cores >= 2) else {
        return Command::new(program);
    };
    let mut command = Command::new(taskset);
    command.arg("--cpu-list").arg((core as u8).to_string()).arg(program);
    command
}
