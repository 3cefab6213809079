//! `ci`: everything that has to hold before a change is taken, one step after the other, each with
//! its time.

use std::time::Instant;

use anyhow::Result;

use crate::bench::count;
use crate::{openapi, process, reference, test, tidy};

type Step = (&'static str, fn() -> Result<()>);

const STEPS: [Step; 7] = [
    ("formatting", formatting),
    ("the shape of the house", tidy::run),
    ("clippy", clippy),
    ("generated documents", generated),
    ("documentation", documentation),
    ("tests", || test::run(true, &[])),
    ("instructions of a call", count::check),
];

/// Runs all steps; the first that fails ends it.
pub(crate) fn run() -> Result<()> {
    let start = Instant::now();
    let mut times = Vec::new();
    for (name, step) in STEPS {
        println!("── {name}");
        let began = Instant::now();
        step()?;
        times.push(format!("{name} {:.0} s", began.elapsed().as_secs_f64()));
    }
    println!("ci passed in {:.0} s: {}", start.elapsed().as_secs_f64(), times.join(", "));
    Ok(())
}

fn formatting() -> Result<()> {
    process::run(&mut process::cargo(&["fmt", "--all", "--check"]))
}

fn clippy() -> Result<()> {
    let all = ["clippy", "--quiet", "--workspace", "--all-targets", "--", "--deny", "warnings"];
    process::run(&mut process::cargo(&all))
}

fn generated() -> Result<()> {
    openapi::check()?;
    reference::check()
}

fn documentation() -> Result<()> {
    let all = ["doc", "--quiet", "--workspace", "--no-deps", "--document-private-items"];
    process::run(process::cargo(&all).env("RUSTDOCFLAGS", "--deny warnings"))
}
