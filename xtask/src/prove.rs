//! `prove`: the big counts and times, on a release build, each figure beside its target.
//!
//! Nothing here is part of CI: machines are noisy, and thousands of rounds take their time. What a
//! figure is worth depends on the machine, so it is quoted together with it. What the program by itself
//! takes, and what a call costs, is measured by `bench`.

use anyhow::{Result, ensure};

use crate::postgres::Cluster;
use crate::process;
use crate::provide;

/// Turns the counts of tests up to those of a proof.
const PROVE_VARIABLE: &str = "AEROSTACK_PROVE";
const POSTGRES_URL: &str = "AEROSTACK_TEST_POSTGRES_URL";

/// Builds for release, and runs the proofs among the stories.
pub(crate) fn run(filter: &[String]) -> Result<()> {
    let packages = ["--package", "aerostack-gateway", "--package", "aerostack-cli"];
    process::run(process::cargo(&["build", "--release"]).args(packages))?;
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
    ensure!(process::status(&mut proofs)?.success(), "a figure misses its target");
    Ok(())
}
