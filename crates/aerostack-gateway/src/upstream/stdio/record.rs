//! What is written down of a program that runs, so that the next gateway can end what a killed one left.
//!
//! A number alone names nobody: it is given again. With the moment of its beginning, and the machine's run,
//! it does. The program may be gone and others it has started left: these are known by its group, in its
//! session, begun after it.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::system::{self, Process, Told};

/// The folder of records, in that of programs.
const FOLDER: &str = "running";

/// One program that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    boot: String,
    pid: u32,
    session: u32,
    started_ticks: u64,
    gateway: u32,
    gateway_started_ticks: u64,
}

/// Where records stand.
pub(super) fn folder(stdio: &Path) -> PathBuf {
    stdio.join(FOLDER)
}

/// Where that of one program stands.
pub(super) fn path(stdio: &Path, pid: u32) -> PathBuf {
    folder(stdio).join(pid.to_string())
}

impl Record {
    /// That of this very process, which is to become a program; `None` where processes cannot be seen.
    pub(super) fn of_this_process() -> Option<Self> {
        let own = Process::find(std::process::id())?;
        let gateway = Process::find(own.parent)?;
        Some(Self {
            boot: system::boot_id(),
            pid: own.pid,
            session: own.session,
            started_ticks: own.started_ticks,
            gateway: gateway.pid,
            gateway_started_ticks: gateway.started_ticks,
        })
    }

    /// Writes it down.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn write(&self, folder: &Path) -> std::io::Result<()> {
        fs::write(folder.join(self.pid.to_string()), serde_json::to_vec(self)?)
    }

    /// Whether the gateway that began it still runs: then it is none of ours.
    fn is_kept(&self, all: &[Process]) -> bool {
        all.iter().any(|process| {
            process.pid == self.gateway
                && process.started_ticks == self.gateway_started_ticks
                && !process.is_zombie
        })
    }

    /// Whether a process is the program, or was started by it.
    fn has(&self, process: &Process) -> bool {
        let is_later = process.started_ticks >= self.started_ticks;
        let is_it = process.pid != self.pid || process.started_ticks == self.started_ticks;
        process.group == self.pid && process.session == self.session && is_later && is_it
    }

    /// Whether anything of it is left.
    fn is_left(&self, boot: &str, all: &[Process]) -> bool {
        // Somebody else's process under its number: then its group is not its own any more.
        let is_taken =
            |process: &Process| process.pid == self.pid && process.started_ticks != self.started_ticks;
        self.boot == boot
            && !boot.is_empty()
            && !self.is_kept(all)
            && !all.iter().any(is_taken)
            && all.iter().any(|process| self.has(process) && !process.is_zombie)
    }
}

/// Ends what another gateway has left in this folder; gives how many programs that were.
///
/// It blocks: for the start alone.
pub(super) fn end_what_is_left(stdio: &Path) -> usize {
    let Ok(entries) = fs::read_dir(folder(stdio)) else { return 0 };
    let (boot, all) = (system::boot_id(), Process::all());
    let mut ended = 0;
    for path in entries.flatten().map(|entry| entry.path()) {
        let record = fs::read(&path).ok().and_then(|bytes| serde_json::from_slice::<Record>(&bytes).ok());
        if record.as_ref().is_some_and(|record| record.boot == boot && record.is_kept(&all)) {
            continue;
        }
        if let Some(record) = record.filter(|record| record.is_left(&boot, &all)) {
            system::tell_group(record.pid, Told::Kill);
            ended += 1;
        }
        let _ = fs::remove_file(path);
    }
    ended
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record {
            boot: "b".into(),
            pid: 50,
            session: 9,
            started_ticks: 100,
            gateway: 10,
            gateway_started_ticks: 5,
        }
    }

    fn process(pid: u32, group: u32, started_ticks: u64) -> Process {
        Process { pid, parent: 1, group, session: 9, is_zombie: false, started_ticks, resident_pages: 1 }
    }

    #[test]
    fn a_program_and_those_it_started_are_known_again() {
        for left in [process(50, 50, 100), process(51, 50, 100), process(77, 50, 2_000)] {
            assert!(record().is_left("b", &[process(3, 3, 1), left]), "{left:?}");
        }
    }

    #[test]
    fn nobody_else_is_taken_for_it() {
        let others = [
            process(50, 50, 101),
            process(50, 50, 99),
            process(51, 51, 100),
            process(51, 50, 99),
            Process { session: 8, ..process(51, 50, 100) },
            Process { is_zombie: true, ..process(50, 50, 100) },
        ];
        for other in others {
            assert!(!record().is_left("b", &[other]), "{other:?}");
        }
        let own = process(50, 50, 100);
        assert!(!record().is_left("c", &[own]), "the machine was started anew");
        assert!(!record().is_left("b", &[own, process(10, 10, 5)]), "its gateway runs");
        assert!(record().is_left("b", &[own, process(10, 10, 6)]), "somebody else has its gateway's number");
    }

    #[test]
    fn records_of_nobody_are_removed() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(folder(home.path())).unwrap();
        record().write(&folder(home.path())).unwrap();
        fs::write(path(home.path(), 51), "{").unwrap();
        assert_eq!(end_what_is_left(home.path()), 0);
        assert_eq!(fs::read_dir(folder(home.path())).unwrap().count(), 0);
        assert_eq!(end_what_is_left(&home.path().join("nowhere")), 0);
    }
}
