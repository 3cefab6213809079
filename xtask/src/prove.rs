//! `prove`: the big counts and times, on a release build, each figure beside its target.
//!
//! Nothing here is part of CI: machines are noisy, and thousands of rounds take their time. What a
//! figure is worth depends on the machine, so it is quoted together with it.

use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::paths::{self, Profile};
use crate::postgres::Cluster;
use crate::process::{self, Running};
use crate::provide;

/// Turns the counts of tests up to those of a proof.
const PROVE_VARIABLE: &str = "AEROSTACK_PROVE";
const POSTGRES_URL: &str = "AEROSTACK_TEST_POSTGRES_URL";
/// Most resident memory of an idle gateway.
const MEMORY_TARGET_KIB: u64 = 30 * 1_024;
/// Longest time from the start of the program to the first served call.
const START_TARGET: Duration = Duration::from_millis(200);
/// Starts that are timed.
const STARTS: usize = 20;
/// How long a gateway is left alone before its memory is read.
const IDLE: Duration = Duration::from_secs(5);
/// Where gateways that are measured say what they do; it is shown when one fails.
const LOG: &str = "gateway.log";
/// Limit of one exchange with the gateway.
const PATIENCE: Duration = Duration::from_secs(10);

/// Builds for release, measures the program by itself, then runs the proofs among the stories.
pub(crate) fn run(filter: &[String]) -> Result<()> {
    let packages = ["--package", "aerostack-gateway", "--package", "aerostack-cli"];
    process::run(process::cargo(&["build", "--release"]).args(packages))?;
    let mut holds = true;
    if filter.is_empty() {
        holds = measure()?;
    }
    let cluster = provide::postgres().and_then(|programs| {
        Cluster::start(&programs).map_err(|error| format!("PostgreSQL cannot be started: {error:#}"))
    });
    let mut proofs =
        process::cargo(&["test", "--release", "--package", "aerostack-tests", "--test", "stories"]);
    proofs.args(["--", "--nocapture", "--test-threads=1"]);
    let all = ["prove_".to_owned()];
    proofs.args(if filter.is_empty() { &all } else { filter });
    proofs.env(PROVE_VARIABLE, "1");
    match &cluster {
        Ok(cluster) => proofs.env(POSTGRES_URL, cluster.url()),
        Err(missing) => {
            println!("skipped: PostgreSQL ({missing})");
            proofs.env_remove(POSTGRES_URL)
        }
    };
    holds &= process::status(&mut proofs)?.success();
    ensure!(holds, "a figure misses its target");
    Ok(())
}

/// Start and memory of the program itself, on SQLite.
fn measure() -> Result<bool> {
    let scratch = tempfile::Builder::new().prefix("aerostack-prove-").tempdir()?;
    measure_in(scratch.path()).with_context(|| {
        let log = std::fs::read_to_string(scratch.path().join(LOG)).unwrap_or_default();
        format!("the program cannot be measured; it said:\n{log}")
    })
}

fn measure_in(folder: &Path) -> Result<bool> {
    let token = furnish(folder)?;
    let mut times = Vec::with_capacity(STARTS);
    for _ in 0..STARTS {
        let begun = Instant::now();
        let (_gateway, url) = serve(folder)?;
        call(&url, &token)?;
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    let (median, worst) = (times[STARTS / 2], times[STARTS - 1]);
    println!(
        "start to first served call, {STARTS} times: median {median:?}, worst {worst:?} (target {START_TARGET:?})"
    );

    let (gateway, url) = serve(folder)?;
    call(&url, &token)?;
    thread::sleep(IDLE);
    let resident_kib = resident_kib(gateway.id())?;
    println!("resident memory when idle: {resident_kib} KiB (target {MEMORY_TARGET_KIB} KiB)");
    for name in ["aerostack-gateway", "aerostack"] {
        let bytes = paths::program(name, Profile::Release)?.metadata()?.len();
        println!("size of {name}: {} KiB", bytes / 1_024);
    }
    Ok(worst <= START_TARGET && resident_kib <= MEMORY_TARGET_KIB)
}

/// An owner, a workspace and a token in a new data folder.
fn furnish(folder: &Path) -> Result<String> {
    let (_gateway, url) = serve(folder)?;
    let mut owner = Command::new(paths::program("aerostack-gateway", Profile::Release)?);
    owner.args(["owner", "create", "--email", "admin@example.com", "--username", "acme"]);
    let key = process::output(owner.env("AEROSTACK_DATA_DIR", folder))?;
    let cli = |arguments: &[&str]| -> Result<String> {
        let mut command = Command::new(paths::program("aerostack", Profile::Release)?);
        command.args(arguments).env("AEROSTACK_API_URL", &url).env("AEROSTACK_API_KEY", key.trim());
        process::output(command.env("AEROSTACK_CONFIG_DIR", folder.join("cli")))
    };
    cli(&["workspace", "create", "engineering"])?;
    let token =
        cli(&["workspace", "token", "create", "engineering", "--name", "Prover", "--output", "token"])?;
    Ok(token.trim().to_owned())
}

fn serve(folder: &Path) -> Result<(Running, String)> {
    let mut serve = Command::new(paths::program("aerostack-gateway", Profile::Release)?);
    serve.env("AEROSTACK_DATA_DIR", folder).env("AEROSTACK_LISTEN", "127.0.0.1:0");
    serve.stderr(File::options().create(true).append(true).open(folder.join(LOG))?);
    let mut gateway = Running::start(serve)?;
    let url = gateway.line_after("listening on ")?;
    Ok((gateway, url))
}

/// Lists the tools of the workspace, as an editor would.
fn call(url: &str, token: &str) -> Result<()> {
    let address = url.strip_prefix("http://").context("a plain address")?;
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "POST /ws/engineering HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    ensure!(answer.starts_with("HTTP/1.1 200 "), "the call was answered: {answer}");
    Ok(())
}

fn resident_kib(process: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS is told")?;
    line.trim().trim_end_matches(" kB").trim().parse().context("VmRSS is a number")
}
