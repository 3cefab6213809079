//! What a process has used, as the kernel counts it: nanoseconds of processor by thread, memory.

use std::collections::BTreeMap;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// How SQLite's threads begin; of the gateway's stores, only the recorder's works while calls are made.
const WRITER: &str = "sqlx-sqlite";
/// Between two looks whether a process rests.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// What a process that rests may use in that time.
const RESTING: Duration = Duration::from_micros(1_500);

/// Processor time of a process and of all in its group, since they began.
pub(super) struct Usage {
    threads: BTreeMap<u32, Thread>,
}

struct Thread {
    name: String,
    nanoseconds: u64,
}

/// Processor time between two looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spent {
    /// Of all threads.
    pub(super) all: Duration,
    /// Of those that write records.
    pub(super) writer: Duration,
}

impl Usage {
    /// Looks at a group now; nobody has used nothing.
    pub(super) fn of(group: Option<u32>) -> Result<Self> {
        let mut threads = BTreeMap::new();
        for process in group.map_or_else(Vec::new, members) {
            // A process or a thread may end between two lines; then it uses nothing any more.
            let Ok(entries) = fs::read_dir(format!("/proc/{process}/task")) else { continue };
            for entry in entries {
                let (entry, id) = (entry?.path(), |name: &str| name.parse::<u32>().ok());
                let Some(id) = entry.file_name().and_then(|name| id(name.to_str()?)) else { continue };
                let Ok(times) = fs::read_to_string(entry.join("schedstat")) else { continue };
                let name = fs::read_to_string(entry.join("comm")).unwrap_or_default();
                let first = times.split(' ').next().unwrap_or_default();
                let nanoseconds = first.trim().parse().context("the kernel counts processor time")?;
                threads.insert(id, Thread { name, nanoseconds });
            }
        }
        Ok(Self { threads })
    }

    /// Waits until the group rests, `least` in any case and `limit` at the most, and looks then.
    pub(super) fn at_rest(group: Option<u32>, least: Duration, limit: Duration) -> Result<Self> {
        let begun = Instant::now();
        thread::sleep(least);
        let mut last = Self::of(group)?;
        loop {
            if group.is_none() || begun.elapsed() > limit {
                return Ok(last);
            }
            thread::sleep(LOOK_EVERY);
            let now = Self::of(group)?;
            if now.since(&last).all < RESTING {
                return Ok(now);
            }
            last = now;
        }
    }

    /// What was used since an earlier look.
    pub(super) fn since(&self, before: &Self) -> Spent {
        let spent = |wanted: &dyn Fn(&Thread) -> bool| {
            let threads = self.threads.iter().filter(|(_, thread)| wanted(thread));
            let nanoseconds = threads.map(|(id, thread)| {
                let before = before.threads.get(id).map_or(0, |before| before.nanoseconds);
                thread.nanoseconds.saturating_sub(before)
            });
            Duration::from_nanos(nanoseconds.sum())
        };
        Spent { all: spent(&|_| true), writer: spent(&|thread| thread.name.starts_with(WRITER)) }
    }
}

/// Resident memory of a group now, in KiB.
pub(super) fn resident_kib(group: Option<u32>) -> Result<u64> {
    memory_kib(group, "VmRSS:")
}

/// Most that was resident since `forget_peaks`, in KiB.
pub(super) fn peak_kib(group: Option<u32>) -> Result<u64> {
    memory_kib(group, "VmHWM:")
}

/// Makes peaks begin at what is resident now.
pub(super) fn forget_peaks(group: Option<u32>) -> Result<()> {
    for process in group.map_or_else(Vec::new, members) {
        fs::write(format!("/proc/{process}/clear_refs"), "5").context("a peak of memory is forgotten")?;
    }
    Ok(())
}

fn memory_kib(group: Option<u32>, kind: &str) -> Result<u64> {
    let of = |process: u32| -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        // One that has ended has none.
        let Some(line) = status.lines().find_map(|line| line.strip_prefix(kind)) else { return Ok(0) };
        line.trim().trim_end_matches(" kB").parse().context("memory is a number")
    };
    group.map_or_else(Vec::new, members).into_iter().map(of).sum()
}

/// The processes of a group.
fn members(group: u32) -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let numbers = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers.filter(|process| group_of(*process) == Some(group)).collect()
}

fn group_of(process: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name in brackets may hold anything; state, parent and group come behind it.
    stat.rsplit_once(") ")?.1.split(' ').nth(2)?.parse().ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn what_a_group_uses_is_counted_and_nobody_uses_nothing() {
        let own = group_of(std::process::id());
        let before = Usage::of(own).unwrap();
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(50) {}
        let spent = Usage::of(own).unwrap().since(&before);
        assert!(spent.all > Duration::ZERO && spent.writer == Duration::ZERO, "{spent:?}");
        assert!(resident_kib(own).unwrap() > 0);
        let nobody = Usage::of(None).unwrap();
        assert_eq!(nobody.since(&nobody), Spent { all: Duration::ZERO, writer: Duration::ZERO });
        assert_eq!(peak_kib(None).unwrap(), 0);
    }
}
