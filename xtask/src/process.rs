//! Programs that are run to their end, and programs that run beside.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::interrupt::{self, Target};
use crate::paths;

/// How long a child may take to end before it is killed.
const PATIENCE: Duration = Duration::from_secs(10);
/// Time between looks whether it has.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What `cargo run` tells this program about itself. A Cargo below must not inherit it: build scripts
/// that watch these variables would build everything anew at every change of caller.
const OWN_PACKAGE: [&str; 2] = ["CARGO_PKG_", "CARGO_MANIFEST_"];

/// Cargo at the root of the work tree.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(paths::root());
    for (name, _) in std::env::vars_os() {
        if OWN_PACKAGE.iter().any(|stem| name.to_string_lossy().starts_with(stem)) {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a program to its end with this one's streams.
pub(crate) fn status(command: &mut Command) -> Result<ExitStatus> {
    if interrupt::happened() {
        bail!("interrupted");
    }
    let name = name_of(command);
    let mut child = command.spawn().with_context(|| format!("cannot start {name}"))?;
    let target = Target::Process(child.id());
    interrupt::register(target);
    let status = child.wait().with_context(|| format!("cannot wait for {name}"));
    interrupt::forget(target);
    status
}

/// Runs a program that has to succeed.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = status(command)?;
    if !status.success() {
        bail!("{} failed ({status})", name_of(command));
    }
    Ok(())
}

/// Runs a program that has to succeed and gives what it printed.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let name = name_of(command);
    let output = command.output().with_context(|| format!("cannot start {name}"))?;
    if !output.status.success() {
        bail!("{name} failed ({}): {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    String::from_utf8(output.stdout).with_context(|| format!("{name} printed something that is no text"))
}

fn name_of(command: &Command) -> String {
    let program =
        Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let arguments = command.get_args().take(3).map(|argument| argument.to_string_lossy().into_owned());
    let words: Vec<String> = std::iter::once(program).chain(arguments).collect();
    format!("`{}`", words.join(" "))
}

/// A program that runs beside this one. Dropped, it and all it has started end.
pub(crate) struct Running {
    child: Child,
    name: String,
    stop_signal: &'static str,
    lines: Option<BufReader<std::process::ChildStdout>>,
}

impl Running {
    /// Starts it in a process group of its own.
    pub(crate) fn start(mut command: Command) -> Result<Self> {
        if interrupt::happened() {
            bail!("interrupted");
        }
        let name = name_of(&command);
        command.process_group(0).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("cannot start {name}"))?;
        interrupt::register(Target::Group(child.id()));
        let lines = child.stdout.take().map(BufReader::new);
        Ok(Self { child, name, stop_signal: "TERM", lines })
    }

    /// Ends it by another signal than SIGTERM.
    pub(crate) fn stop_signal(mut self, stop_signal: &'static str) -> Self {
        self.stop_signal = stop_signal;
        self
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for a line on its standard output and gives what stands behind `prefix`.
    ///
    /// # Errors
    /// When it ends before, or says something else.
    pub(crate) fn line_after(&mut self, prefix: &str) -> Result<String> {
        let lines = self.lines.as_mut().context("its output is read")?;
        let mut line = String::new();
        if lines.read_line(&mut line).with_context(|| format!("cannot read from {}", self.name))? == 0 {
            let status = self.child.wait().map(|status| status.to_string()).unwrap_or_default();
            bail!("{} ended ({status}) before it was ready", self.name);
        }
        let line = line.trim_end();
        let rest = line.strip_prefix(prefix);
        Ok(rest.with_context(|| format!("{} said {line:?}, not \"{prefix}…\"", self.name))?.to_owned())
    }

    /// Tells whether it still runs.
    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    fn ends_within(&mut self, limit: Duration) -> bool {
        let start = Instant::now();
        while self.is_running() {
            if start.elapsed() > limit {
                return false;
            }
            std::thread::sleep(LOOK_EVERY);
        }
        true
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let group = Target::Group(self.child.id());
        if self.is_running() {
            group.send(self.stop_signal);
            if !self.ends_within(PATIENCE) {
                eprintln!("{} does not end by itself and is killed", self.name);
            }
        }
        // What it has started and left behind goes with it.
        group.send("KILL");
        let _ = self.child.wait();
        interrupt::forget(group);
    }
}
