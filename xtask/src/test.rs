//! `test`: every test there is, in one command.
//!
//! Cargo alone is enough to begin; databases and other people's clients are found or installed where
//! they can be, and what cannot be had is skipped with a line that says how to get it.

use std::process::Command;
use std::time::Instant;

use anyhow::{Result, anyhow, bail};

use crate::compatibility::{self, Documents, Reports};
use crate::postgres::Cluster;
use crate::provide::{self, Missing};
use crate::{paths, peers, process};

/// Names the server on which tests may create databases.
const POSTGRES_URL: &str = "AEROSTACK_TEST_POSTGRES_URL";

/// Runs what is not ours against the gateway; by itself Cargo leaves it out.
const PEERS: [&str; 7] = ["test", "--package", "aerostack-tests", "--test", "peers", "--", "--ignored"];
/// The stories among them that want a browser.
const BROWSER: &str = "browser::";

/// How a part went.
enum Part {
    Passed,
    Failed,
    Skipped(Missing),
}

/// Runs everything; with a filter, the workspace's tests only.
pub(crate) fn run(all: bool, filter: &[String]) -> Result<()> {
    let cluster = provide::postgres().and_then(|programs| {
        Cluster::start(&programs).map_err(|error| format!("PostgreSQL cannot be started: {error:#}"))
    });
    let url = cluster.as_ref().ok().map(Cluster::url);
    let mut parts = Vec::new();
    let mut part = |name: &'static str, run: &dyn Fn() -> Result<Part>| -> Result<()> {
        println!("── {name}");
        let start = Instant::now();
        let part = run()?;
        parts.push((name, part, start.elapsed()));
        Ok(())
    };
    part("workspace", &|| workspace(url.as_deref(), filter))?;
    if filter.is_empty() {
        part("documentation examples", &|| {
            Ok(outcome(
                process::status(&mut process::cargo(&["test", "--quiet", "--workspace", "--doc"]))?.success(),
            ))
        })?;
        part("peers", &|| peers(Documents::Checked))?;
        part("browser", &|| browser(url.as_deref(), &[]))?;
    }
    if let Err(missing) = &cluster {
        parts.push(("PostgreSQL", Part::Skipped(missing.clone()), std::time::Duration::ZERO));
    }
    drop(cluster);
    summary(&parts, all)
}

/// Runs other people's clients only, and writes down what they came to; what is missing is a failure here.
pub(crate) fn run_peers() -> Result<()> {
    alone(peers(Documents::Written)?)
}

/// Runs the dashboard's stories in a browser only; what is missing is a failure here.
pub(crate) fn run_browser(filter: &[String]) -> Result<()> {
    let cluster = provide::postgres().map(|programs| Cluster::start(&programs));
    let cluster = cluster.map_err(|missing| anyhow!(missing)).flatten()?;
    alone(browser(Some(&cluster.url()), filter)?)
}

fn alone(part: Part) -> Result<()> {
    match part {
        Part::Passed => Ok(()),
        Part::Failed => bail!("not every check passed"),
        Part::Skipped(missing) => bail!("{missing}"),
    }
}

fn outcome(success: bool) -> Part {
    if success { Part::Passed } else { Part::Failed }
}

/// Unit tests, stories and contracts, on SQLite and, where there is one, on PostgreSQL.
fn workspace(postgres_url: Option<&str>, filter: &[String]) -> Result<Part> {
    let mut command = if has_nextest() {
        process::cargo(&["nextest", "run", "--workspace", "--no-fail-fast"])
    } else {
        process::cargo(&["test", "--workspace", "--all-targets", "--no-fail-fast"])
    };
    set_postgres(command.args(filter), postgres_url);
    Ok(outcome(process::status(&mut command)?.success()))
}

fn has_nextest() -> bool {
    process::output(&mut process::cargo(&["nextest", "--version"])).is_ok()
}

/// Other people's clients against the gateway, and what the documentation says of them.
fn peers(documents: Documents) -> Result<Part> {
    if let Err(missing) = peers::prepare_clients() {
        return Ok(Part::Skipped(missing));
    }
    // The gateway and the command line are run as programs, which Cargo does not build for a test of
    // another package.
    process::run(&mut process::cargo(&["build", "--quiet", "--bins", "--workspace"]))?;
    let reports = Reports::empty()?;
    let mut command = process::cargo(&PEERS);
    command.args(["--nocapture", "--skip", BROWSER]);
    command.env("AEROSTACK_PROGRAMS", paths::target_dir()?.join("debug"));
    command.env(compatibility::VARIABLE, reports.folder());
    if !process::status(&mut command)?.success() {
        return Ok(Part::Failed);
    }
    reports.settle(documents)?;
    Ok(Part::Passed)
}

/// The dashboard in a browser, on SQLite and, where there is one, on PostgreSQL.
fn browser(postgres_url: Option<&str>, filter: &[String]) -> Result<Part> {
    if let Err(missing) = peers::prepare_browser() {
        return Ok(Part::Skipped(missing));
    }
    let mut command = process::cargo(&PEERS);
    if filter.is_empty() {
        command.arg(BROWSER);
    }
    set_postgres(command.args(filter), postgres_url);
    let part = outcome(process::status(&mut command)?.success());
    println!("pictures of every page: {}", paths::target_dir()?.join("screenshots").display());
    Ok(part)
}

fn set_postgres(command: &mut Command, url: Option<&str>) {
    match url {
        Some(url) => command.env(POSTGRES_URL, url),
        None => command.env_remove(POSTGRES_URL),
    };
}

fn summary(parts: &[(&str, Part, std::time::Duration)], all: bool) -> Result<()> {
    println!("── summary");
    let mut failed = Vec::new();
    for (name, part, time) in parts {
        let seconds = time.as_secs_f64();
        match part {
            Part::Passed => println!("passed: {name} ({seconds:.0} s)"),
            Part::Failed => println!("failed: {name} ({seconds:.0} s)"),
            Part::Skipped(missing) => println!("skipped: {name} ({missing})"),
        }
        if matches!(part, Part::Failed) || (all && matches!(part, Part::Skipped(_))) {
            failed.push(*name);
        }
    }
    if !failed.is_empty() {
        bail!("not everything passed: {}", failed.join(", "));
    }
    Ok(())
}
