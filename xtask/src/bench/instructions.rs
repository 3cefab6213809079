//! Instructions of a call, counted by callgrind: a figure that does not depend on the machine's mood.
//! What the kernel does for the proxy is not in it.
//!
//! The proxy runs under valgrind, some fifty times slower, so one connection calls for some seconds.
//! What is done meanwhile behind the calls is counted with them: of few calls it is a larger part than
//! of many.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use super::furnish::{Gateway, SERVER, WORKSPACE};
use super::load::{self, Load};
use super::pin::{self, Core};
use super::program;
use super::stand::{GATEWAY, HOP, Place, Target};
use crate::process::{self, Running};
use crate::provide;

/// Seconds of calls before counting and while counting.
const WARM_UP_SECONDS: f64 = 4.0;
const SECONDS: f64 = 8.0;
/// In this time calls have been recorded and added up.
const SETTLES_WITHIN: Duration = Duration::from_secs(8);
/// Functions that are told.
const FUNCTIONS: usize = 40;
/// What a function's name has that is worth telling: most others are there for one of these.
const TOLD: [&str; 8] =
    ["aerostack", "hyper", "reqwest", "tracing", "metrics", "sqlx", "malloc.c:malloc", "memcpy"];
const TOKENS: u32 = 16;

/// What a proxy did for a call.
struct Count {
    calls: f64,
    all: f64,
    /// Functions with all they call, most first.
    functions: Vec<(f64, String)>,
}

/// Counts what hop and gateway do for a call, and tells it as Markdown; or why it cannot be counted.
pub(super) fn table() -> Result<String> {
    if provide::find("valgrind").is_none() {
        return Ok("skipped: instructions (valgrind is missing: install `valgrind`)\n".to_owned());
    }
    let scratch = tempfile::Builder::new().prefix("aerostack-bench-").tempdir()?;
    let folder = scratch.path();
    let mut upstream = pin::command(&program("aerostack-bench")?, Core::Around);
    upstream.arg("upstream");
    let mut upstream = Running::start(upstream)?;
    let address = upstream.line_after("listening on ")?;
    let data = folder.join("gateway");
    let tokens = folder.join("tokens");
    std::fs::write(&tokens, furnish(&data, &address)?)?;
    let target = |name, address: &str, path: &str, running: &Running| {
        let (address, path, tokens) = (address.to_owned(), path.to_owned(), tokens.clone());
        Target { name, place: Place::Upstream, address, path, tokens, process: Some(running.id()) }
    };

    let mut hop = under_valgrind(folder, "aerostack-bench")?;
    hop.args(["hop", "--upstream", &address]).stderr(std::fs::File::create(folder.join("hop.log"))?);
    let mut hop = Running::start(hop)?;
    let hop_address = hop.line_after("listening on ")?;
    let of_hop = count(&target(HOP, &hop_address, "/mcp", &hop), folder)?;
    drop(hop);
    let gateway = Gateway::serve(under_valgrind(folder, "aerostack-gateway")?, &data)?;
    let of_gateway = count(&target(GATEWAY, &gateway.address, "/ws/bench", &gateway.running), folder)?;
    Ok(told(&of_hop, &of_gateway))
}

fn furnish(folder: &Path, upstream: &str) -> Result<String> {
    let mut gateway = Gateway::start(folder)?;
    gateway.make_owner()?;
    gateway.make_workspace(WORKSPACE)?;
    gateway.install(WORKSPACE, SERVER, &format!("http://{upstream}/mcp"))?;
    gateway.make_tokens(WORKSPACE, TOKENS)
}

fn under_valgrind(folder: &Path, name: &str) -> Result<Command> {
    let mut command = Command::new("valgrind");
    command.arg("--tool=callgrind").arg(format!("--callgrind-out-file={}/count.%p", folder.display()));
    command.arg(program(name)?);
    Ok(command)
}

fn count(target: &Target, folder: &Path) -> Result<Count> {
    let load = Load { connections: 1, ..load::all(1)[0] };
    let process = target.process.context("it runs")?.to_string();
    load.run(target, WARM_UP_SECONDS)?;
    thread::sleep(SETTLES_WITHIN);
    process::output(Command::new("callgrind_control").args(["--zero", &process]))?;
    let figures = load.run(target, SECONDS)?;
    thread::sleep(SETTLES_WITHIN);
    process::output(Command::new("callgrind_control").args(["--dump", &process]))?;
    let mut annotate = Command::new("callgrind_annotate");
    annotate.args(["--inclusive=yes", "--threshold=100"]).arg(folder.join(format!("count.{process}.1")));
    let text = process::output(&mut annotate)?;
    let calls = figures["calls"].as_f64().filter(|calls| *calls > 0.0).context("calls were made")?;
    let lines: Vec<(f64, &str)> = text.lines().filter_map(line).collect();
    let all = lines.iter().find(|(_, name)| name.contains("PROGRAM TOTALS")).context("a total is told")?.0;
    // One function may be there several times; the largest has the others in it.
    let mut largest: BTreeMap<&str, f64> = BTreeMap::new();
    for (count, name) in lines.into_iter().map(|(count, name)| (count, short(name))) {
        if TOLD.iter().any(|told| name.contains(told)) {
            let known = largest.entry(name).or_default();
            *known = known.max(count);
        }
    }
    let mut functions: Vec<(f64, String)> =
        largest.into_iter().map(|(name, count)| (count / calls, name.to_owned())).collect();
    functions.sort_by(|one, other| other.0.total_cmp(&one.0));
    Ok(Count { calls, all: all / calls, functions })
}

/// `313,004 (12.3%)  ???:name [object]` as count and name.
fn line(text: &str) -> Option<(f64, &str)> {
    let (count, name) = text.trim().split_once(" (")?;
    let count = count.replace(',', "").parse().ok()?;
    Some((count, name.split_once("%)")?.1.trim()))
}

/// A function's name without file, object and recursion.
fn short(name: &str) -> &str {
    let name = name.split(" [").next().unwrap_or(name);
    let name = name.strip_prefix("???:").unwrap_or(name);
    name.split('\'').next().unwrap_or(name)
}

fn told(hop: &Count, gateway: &Count) -> String {
    let mut text = "| | calls | instructions a call |\n|---|---|---|\n".to_owned();
    for (name, count) in [(HOP, hop), (GATEWAY, gateway)] {
        let _ = writeln!(text, "| {name} | {:.0} | {:.0} |", count.calls, count.all);
    }
    let _ = write!(
        text,
        "\nThe gateway's functions with all they call:\n\n| instructions a call | |\n|---|---|\n"
    );
    for (count, name) in gateway.functions.iter().take(FUNCTIONS) {
        let _ = writeln!(text, "| {count:.0} | `{name}` |");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_callgrind_are_read() {
        let text = "12,595,193 (90.28%)  ???:a::<b as c>::d'2 [/tmp/program]";
        let (count, name) = line(text).unwrap();
        assert_eq!((count, short(name)), (12_595_193.0, "a::<b as c>::d"));
        assert_eq!(line("313,004,976 (100.0%)  PROGRAM TOTALS"), Some((313_004_976.0, "PROGRAM TOTALS")));
        assert_eq!(line("Events recorded:  Ir"), None);
    }
}
