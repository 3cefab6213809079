//! What the threads that serve connections take for a call: in the program itself, and in the kernel for it.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::load::{self, What};
use super::stand::{GATEWAY, Place, Stand};

/// How the threads that serve connections are called.
const EDGES: &str = "edge-";
/// Connections, so many that the threads do not sleep in between.
const CONNECTIONS: u32 = 16;

/// Processor time of some threads since they began.
#[derive(Clone, Copy, Default)]
struct Spent {
    nanoseconds: f64,
    /// In the kernel's ticks, of which it makes `nanoseconds` when it is asked: the ratio is what counts.
    own_ticks: f64,
    kernel_ticks: f64,
}

/// Microseconds a call: the program's own, and the kernel's for it.
pub(super) fn measure(stand: &Stand, seconds: f64) -> Result<[f64; 2]> {
    let is_it = |target: &&super::stand::Target| target.name == GATEWAY && target.place == Place::Upstream;
    let target = stand.targets.iter().find(is_it).context("the gateway is measured")?;
    let process = target.process.context("the gateway is a process")?;
    let is_it = |load: &load::Load| {
        load.connections == CONNECTIONS && load.rate.is_none() && matches!(load.what, What::Echo(_))
    };
    let load = load::all(1).into_iter().find(is_it).context("there is such a load")?;
    let before = Spent::of(process)?;
    let figures = load.run(target, seconds)?;
    let after = Spent::of(process)?;
    let calls = figures["calls"].as_f64().filter(|calls| *calls > 0.0).context("calls were made")?;
    let microseconds = (after.nanoseconds - before.nanoseconds) / 1e3 / calls;
    let (own, kernel) = (after.own_ticks - before.own_ticks, after.kernel_ticks - before.kernel_ticks);
    let own = microseconds * own / (own + kernel).max(1.0);
    Ok([own, microseconds - own])
}

impl Spent {
    fn of(process: u32) -> Result<Self> {
        let mut spent = Self::default();
        for entry in fs::read_dir(format!("/proc/{process}/task"))? {
            let thread = entry?.path();
            // A thread may end between two lines; none of those that are meant does.
            if fs::read_to_string(thread.join("comm")).is_ok_and(|name| name.starts_with(EDGES)) {
                spent.add(&thread)?;
            }
        }
        Ok(spent)
    }

    fn add(&mut self, thread: &Path) -> Result<()> {
        let times = fs::read_to_string(thread.join("schedstat"))?;
        let first = times.split(' ').next().unwrap_or_default();
        self.nanoseconds += first.trim().parse::<f64>().context("the kernel counts processor time")?;
        let stat = fs::read_to_string(thread.join("stat"))?;
        // The name in brackets may hold anything; the times are the 12th and 13th word behind it.
        let words = stat.rsplit_once(") ").context("a thread has a name")?.1;
        let mut words = words.split(' ').skip(11);
        let mut ticks = || words.next()?.parse::<f64>().ok();
        self.own_ticks += ticks().context("the kernel counts ticks")?;
        self.kernel_ticks += ticks().context("the kernel counts ticks")?;
        Ok(())
    }
}
