//! `bench`: what a call costs through the gateway, beside nothing in between, beside the least that a
//! proxy in Rust can do, and beside nginx, all in one run and in turns, so that the machine's mood
//! is the same for all of them.
//!
//! How all of it grows is in `growth`.
//!
//! Cost is the processor's time of the proxy's process, from the kernel's own accounting. Ratios are
//! taken within each round, and their median is told.

mod alone;
pub(crate) mod count;
mod furnish;
mod growth;
mod load;
mod nginx;
mod pin;
mod report;
mod sample;
mod split;
mod stand;
mod targets;
mod usage;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::paths::{self, Profile};
use crate::{process, provide};

use load::Load;
use sample::Sample;
use stand::{Stand, Target};
use usage::Usage;

/// What is built, all for release.
const PACKAGES: [&str; 2] = ["aerostack-gateway", "aerostack-benches"];
/// Measures the parts of a call by themselves.
const MICRO: [&str; 5] = ["bench", "--package", "aerostack-benches", "--bench", "call"];
/// In this time after its last call the gateway begins to add calls up.
const ADDS_UP_WITHIN: Duration = Duration::from_millis(5_600);
/// Longest wait for a proxy to come to rest after a run, its recorder included.
const REST: Duration = Duration::from_secs(15);

/// What can be chosen.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Rounds; in each, every proxy takes every load once
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// Seconds of one measurement
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Calls a second of the open loop
    #[arg(long, default_value_t = 5_000)]
    rate: u32,
    /// Measure how cost, memory and start-up grow, and what else is promised, instead of the ways beside one another
    #[arg(long)]
    growth: bool,
    /// With --growth: write its table and chart into docs/
    #[arg(long, requires = "growth")]
    write: bool,
    /// With --growth: only these series; `promises` is what is not one
    #[arg(long, requires = "growth", value_delimiter = ',')]
    only: Vec<growth::Part>,
    /// One round of one second each: to see that it works
    #[arg(long)]
    quick: bool,
    /// Measure the parts of a call by themselves, and nothing else
    #[arg(long)]
    micro: bool,
    /// Measure the programs as they are built, without building
    #[arg(long)]
    as_built: bool,
    /// Write the figures of every measurement to a file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Builds, measures, prints.
pub(crate) fn run(mut options: Options) -> Result<()> {
    if options.micro {
        return process::run(&mut process::cargo(&MICRO));
    }
    if options.quick {
        (options.rounds, options.seconds) = (1, 1.0);
    }
    let valgrind = provide::valgrind();
    if !options.as_built {
        if valgrind.is_ok() {
            count::build()?;
        }
        let mut build = process::cargo(&["build", "--release"]);
        PACKAGES.iter().for_each(|package| {
            build.args(["--package", package]);
        });
        process::run(&mut build)?;
    }
    let machine = machine();
    println!("{machine}");
    pin::own()?;
    if options.growth {
        return growth::run(&options, &machine);
    }
    let stand = Stand::open()?;
    let samples = rounds(&stand, &options)?;
    let microseconds = split::measure(&stand, options.seconds)?;
    drop(stand);
    let alone = alone::measure()?;
    let rows = targets::rows(&samples, &alone);
    println!("{}\n{}", report::tables(&samples), report::beside_targets(&rows));
    match valgrind {
        Ok(()) => println!("{}", count::measure()?.by_stage(Some(microseconds))),
        Err(missing) => println!("skipped: the budget of each stage ({missing})"),
    }
    if let Some(file) = &options.json {
        let raw: Vec<Value> = samples.iter().map(Sample::as_json).collect();
        keep(file, &json!({ "machine": machine, "alone": alone.as_json(), "samples": raw }))?;
    }
    let errors: u64 = samples.iter().map(|sample| sample.errors).sum();
    ensure!(errors == 0, "{errors} calls failed; the figures stand for nothing");
    Ok(())
}

fn keep(file: &Path, raw: &Value) -> Result<()> {
    let text = serde_json::to_string_pretty(raw)? + "\n";
    std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}

/// Every load in turn, and within it every way it can go, and all of that again.
fn rounds(stand: &Stand, options: &Options) -> Result<Vec<Sample>> {
    let mut samples = Vec::new();
    for round in 1..=options.rounds {
        for load in load::all(options.rate) {
            for target in stand.targets.iter().filter(|target| target.takes(&load)) {
                let sample = measured(round, target, &load, options.seconds)?;
                eprintln!("round {round}: {}", sample.line());
                samples.push(sample);
            }
        }
    }
    Ok(samples)
}

/// One load of one target.
fn measured(round: u32, target: &Target, load: &Load, seconds: f64) -> Result<Sample> {
    usage::forget_peaks(target.process)?;
    let (resident_kib, before) = (usage::resident_kib(target.process)?, Usage::of(target.process)?);
    let figures = load.run(target, seconds)?;
    let peak_kib = usage::peak_kib(target.process)?;
    // What is done behind the calls is part of their cost.
    let is_gateway = [stand::GATEWAY, stand::POSTGRES].contains(&target.name);
    let least = if is_gateway { ADDS_UP_WITHIN } else { Duration::ZERO };
    let spent = Usage::at_rest(target.process, least, REST)?.since(&before);
    Sample::new(round, target.name, load, &figures, spent, [resident_kib, peak_kib])
}

/// What the figures come from, in a line.
fn machine() -> String {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let cpus = read("/proc/cpuinfo");
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("processor unknown", |(_, name)| name);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = read("/proc/sys/kernel/osrelease");
    let load = read("/proc/loadavg");
    let load = load.split(' ').next().unwrap_or_default();
    format!("{cores} cores, {model}, Linux {}, load at the start {load}", kernel.trim())
}

/// A program that is measured or measures.
fn program(name: &str) -> Result<PathBuf> {
    paths::program(name, Profile::Release)
}
