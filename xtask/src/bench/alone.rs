//! The program by itself: how soon it serves, what it takes while nobody calls, how big it is.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::furnish::{Gateway, WORKSPACE};
use super::{program, usage};
use crate::visitor;

/// Starts that are timed.
const STARTS: usize = 20;
/// How long a gateway is left alone before its memory is read.
const IDLE: Duration = Duration::from_secs(5);
const LIST: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;

/// What the program takes.
pub(super) struct Alone {
    /// From its start to the first served call, median and worst, in milliseconds.
    pub(super) start_ms: f64,
    worst_start_ms: f64,
    /// Resident memory.
    pub(super) idle_kib: u64,
    /// The file, in millions of bytes.
    program_mb: f64,
    /// The same without the names of its functions, which only a profile wants.
    pub(super) stripped_mb: f64,
}

/// Starts it many times, with a workspace and a token in its database.
pub(super) fn measure() -> Result<Alone> {
    let scratch = tempfile::Builder::new().prefix("aerostack-bench-").tempdir()?;
    let folder = scratch.path().join("gateway");
    let token = furnish(&folder)?;
    let mut times = Vec::with_capacity(STARTS);
    for _ in 0..STARTS {
        let begun = Instant::now();
        let gateway = Gateway::start(&folder)?;
        call(&gateway, &token)?;
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    let gateway = Gateway::start(&folder)?;
    call(&gateway, &token)?;
    thread::sleep(IDLE);
    Ok(Alone {
        start_ms: milliseconds(times[STARTS / 2]),
        worst_start_ms: milliseconds(times[STARTS - 1]),
        idle_kib: usage::resident_kib(Some(gateway.running.id()))?,
        program_mb: megabytes(&program("aerostack-gateway")?)?,
        stripped_mb: megabytes(&stripped(scratch.path())?)?,
    })
}

/// A copy of the program without names, made by what the linker is installed with.
fn stripped(folder: &Path) -> Result<PathBuf> {
    let copy = folder.join("stripped");
    let done = Command::new("strip").arg("-o").arg(&copy).arg(program("aerostack-gateway")?).status();
    ensure!(done.context("strip, of binutils")?.success(), "strip failed");
    Ok(copy)
}

fn megabytes(file: &Path) -> Result<f64> {
    // A size is exact in it by far.
    #[expect(clippy::cast_precision_loss)]
    let bytes = file.metadata()?.len() as f64;
    Ok(bytes / 1e6)
}

impl Alone {
    /// All of it, for keeping.
    pub(super) fn as_json(&self) -> Value {
        json!({
            "start_ms": self.start_ms, "worst_start_ms": self.worst_start_ms,
            "idle_kib": self.idle_kib, "program_mb": self.program_mb,
            "stripped_mb": self.stripped_mb,
        })
    }
}

fn furnish(folder: &Path) -> Result<String> {
    let mut gateway = Gateway::start(folder)?;
    gateway.make_owner()?;
    gateway.make_workspace(WORKSPACE)?;
    Ok(gateway.make_tokens(WORKSPACE, 1)?.trim().to_owned())
}

/// Lists the tools of the workspace, as an editor would.
fn call(gateway: &Gateway, token: &str) -> Result<()> {
    let answer = visitor::post(&gateway.address, &format!("/ws/{WORKSPACE}"), token, LIST)?;
    ensure!(answer.status == 200, "the call was answered {}: {}", answer.status, answer.body);
    Ok(())
}
