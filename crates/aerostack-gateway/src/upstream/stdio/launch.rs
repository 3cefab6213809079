//! The first moments of a program: a process of ours that sets its limits, writes itself down, and becomes it.
//!
//! All that must hold before the program's first step is done here, in its own process: no thread of the
//! gateway can do it for another process without a moment in between. The words of the command line are the
//! contract between the two sides.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::record::Record;
use crate::telemetry;

/// The first word of the command line, which no person types.
const WORD: &str = "stdio-child";
/// Exit code when what must hold cannot be made to.
const NOT_READY: u8 = 126;
/// Exit code when there is no such program, as shells have it.
const NOT_FOUND: u8 = 127;

/// What a program is started with.
pub(super) struct Order<'a> {
    /// Where it writes itself down.
    pub(super) records: &'a Path,
    /// Files it may have open.
    pub(super) open_files: usize,
}

/// The words that come before the program's own.
pub(super) fn words(order: &Order<'_>) -> [OsString; 4] {
    [
        WORD.into(),
        std::process::id().to_string().into(),
        order.open_files.to_string().into(),
        order.records.into(),
    ]
}

/// Becomes a program, if this process was started for that; else gives `None`.
#[must_use]
pub fn run_if_asked(arguments: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let mut words = arguments.into_iter().skip(1);
    if words.next().as_deref() != Some(OsStr::new(WORD)) {
        return None;
    }
    Some(match become_program(words) {
        Ok(never) => match never {},
        Err((code, reason)) => {
            telemetry::say(&reason);
            ExitCode::from(code)
        }
    })
}

type Refusal = (u8, String);

fn become_program(mut words: impl Iterator<Item = OsString>) -> Result<std::convert::Infallible, Refusal> {
    let not_ready = |reason: &str| (NOT_READY, format!("cannot be started: {reason}"));
    let number = |word: Option<OsString>| word.and_then(|word| word.to_str()?.parse::<u64>().ok());
    let gateway = number(words.next());
    let open_files = number(words.next());
    let (Some(gateway), Some(open_files), Some(records), Some(program)) =
        (gateway, open_files, words.next(), words.next())
    else {
        return Err(not_ready("this command line is the gateway's own"));
    };
    live_no_longer_than(gateway).map_err(|reason| not_ready(&reason))?;
    limit_files(open_files).map_err(|reason| not_ready(&reason))?;
    if let Some(record) = Record::of_this_process() {
        let written = record.write(&PathBuf::from(records));
        written.map_err(|error| not_ready(&format!("it cannot be written down: {error}")))?;
    }
    Err(become_it(&program, words))
}

/// The kernel ends this process with the thread of the gateway that started it.
#[cfg(target_os = "linux")]
fn live_no_longer_than(gateway: u64) -> Result<(), String> {
    use rustix::process::{Signal, getppid, set_parent_process_death_signal};
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(|error| error.to_string())?;
    // It may have gone before it was asked for.
    let parent = getppid().map(|pid| u64::from(pid.as_raw_nonzero().get().unsigned_abs()));
    if parent == Some(gateway) { Ok(()) } else { Err("the gateway is gone".to_owned()) }
}

#[cfg(not(target_os = "linux"))]
fn live_no_longer_than(_gateway: u64) -> Result<(), String> {
    Ok(())
}

#[cfg(unix)]
fn limit_files(open_files: u64) -> Result<(), String> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let most = getrlimit(Resource::Nofile).maximum.map_or(open_files, |most| most.min(open_files));
    let limit = Rlimit { current: Some(most), maximum: Some(most) };
    setrlimit(Resource::Nofile, limit).map_err(|error| format!("its limit of open files: {error}"))
}

#[cfg(not(unix))]
fn limit_files(_open_files: u64) -> Result<(), String> {
    Ok(())
}

#[cfg(unix)]
fn become_it(program: &OsStr, arguments: impl Iterator<Item = OsString>) -> Refusal {
    use std::os::unix::process::CommandExt;
    let error = std::process::Command::new(program).args(arguments).exec();
    (NOT_FOUND, format!("{}: {error}", program.display()))
}

#[cfg(not(unix))]
fn become_it(_program: &OsStr, _arguments: impl Iterator<Item = OsString>) -> Refusal {
    (NOT_READY, "programs are run as servers on Unix only".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_gateways_own_command_line_starts_a_program() {
        let asked = |line: &[&str]| run_if_asked(line.iter().map(Into::into)).is_some();
        assert!(!asked(&["aerostack-gateway"]));
        assert!(!asked(&["aerostack-gateway", "serve", "stdio-child"]));
        assert!(asked(&["aerostack-gateway", "stdio-child"]));
        assert!(asked(&["aerostack-gateway", "stdio-child", "1", "many", "/", "true"]));
    }
}
