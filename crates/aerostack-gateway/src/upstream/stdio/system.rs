//! Processes as the operating system shows them: who belongs to which group, since when, how large; and
//! signals to groups. Elsewhere than on Linux nothing is seen, and what rests on it is left out.

#[cfg(unix)]
use rustix::process::{Pid, Signal, WaitOptions};
use std::fs;

/// Where Linux shows processes.
const PROC: &str = "/proc";
/// Differs after every start of the machine.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// One process, as far as it is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) pid: u32,
    pub(super) parent: u32,
    /// The group it is in, named by the process that began it.
    pub(super) group: u32,
    pub(super) session: u32,
    /// Whether it has ended and nobody has asked how.
    pub(super) is_zombie: bool,
    /// When it began, in ticks since the machine started: with the number, a name that is never given twice.
    pub(super) started_ticks: u64,
    pub(super) resident_pages: u64,
}

impl Process {
    /// Looks at one; `None` if it is not there.
    pub(super) fn find(pid: u32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("{PROC}/{pid}/stat")).ok()?)
    }

    /// Looks at all.
    pub(super) fn all() -> Vec<Self> {
        let entries = fs::read_dir(PROC).into_iter().flatten().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.filter_map(Self::find).collect()
    }

    /// Reads a line of `/proc/<pid>/stat`. A program's name may hold anything, brackets and blanks too.
    fn parse(stat: &str) -> Option<Self> {
        let (pid, rest) = stat.split_once(" (")?;
        let (_, rest) = rest.rsplit_once(") ")?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
        let id = |index: usize| u32::try_from(number(index)?).ok();
        Some(Self {
            pid: pid.parse().ok()?,
            parent: id(1)?,
            group: id(2)?,
            session: id(3)?,
            is_zombie: matches!(*fields.first()?, "Z" | "X"),
            started_ticks: number(19)?,
            resident_pages: number(21)?,
        })
    }
}

/// What tells this run of the machine from all others; empty where that cannot be told.
pub(super) fn boot_id() -> String {
    fs::read_to_string(BOOT_ID).map(|text| text.trim().to_owned()).unwrap_or_default()
}

/// Bytes of a page of memory.
#[cfg(unix)]
pub(super) fn page_bytes() -> u64 {
    rustix::param::page_size() as u64
}

#[cfg(not(unix))]
pub(super) fn page_bytes() -> u64 {
    0
}

/// How a group is told to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// It may still tidy up.
    Terminate,
    /// At once.
    Kill,
}

/// Tells a whole group to end; one that is gone hears nothing.
#[cfg(unix)]
pub(super) fn tell_group(group: u32, told: Told) {
    let signal = match told {
        Told::Terminate => Signal::TERM,
        Told::Kill => Signal::KILL,
    };
    // Group 0 would be our own, and 1 everybody's.
    if let Some(pid) = i32::try_from(group).ok().filter(|group| *group > 1).and_then(Pid::from_raw) {
        let _ = rustix::process::kill_process_group(pid, signal);
    }
}

#[cfg(not(unix))]
pub(super) fn tell_group(_group: u32, _told: Told) {}

/// Asks how a child that has ended did, so that it is gone for good.
#[cfg(unix)]
pub(super) fn bury(pid: u32) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = rustix::process::waitpid(Some(pid), WaitOptions::NOHANG);
    }
}

#[cfg(not(unix))]
pub(super) fn bury(_pid: u32) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_whatever_its_name_is() {
        let stat = "4711 (a) b) (c) S 12 4700 4600 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 987654 10000 77 18446744073709551615 0";
        let process = Process {
            pid: 4_711,
            parent: 12,
            group: 4_700,
            session: 4_600,
            is_zombie: false,
            started_ticks: 987_654,
            resident_pages: 77,
        };
        assert_eq!(Process::parse(stat), Some(process));
        let zombie = Process::parse(&stat.replace(") S ", ") Z "));
        assert_eq!(zombie, Some(Process { is_zombie: true, ..process }));
        for bad in ["", "1 (x", "1 (x) S 1 1", "x (y) S 1 1 1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0"] {
            assert_eq!(Process::parse(bad), None, "{bad}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_is_among_all() {
        let own = Process::find(std::process::id()).unwrap();
        let found = Process::all().into_iter().find(|process| process.pid == own.pid).unwrap();
        assert_eq!((found.started_ticks, found.group), (own.started_ticks, own.group));
        assert!(own.resident_pages > 0 && page_bytes() >= 4_096 && !boot_id().is_empty());
        assert_eq!(Process::find(u32::MAX), None);
    }
}
