//! The official conformance suite, as a program.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::program::cache;

/// The revisions it has requirements for.
pub(crate) const REVISIONS: [&str; 2] = ["2025-11-25", "2026-07-28"];

/// The suite with these arguments.
pub(crate) fn suite(arguments: &[&str]) -> Command {
    let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
    let mut suite = Command::new("node");
    suite.arg("--import").arg(peers.join("newer-node.mjs")).arg("--require").arg(peers.join("loopback.cjs"));
    suite.arg(cache().join("node_modules/@modelcontextprotocol/conformance/dist/index.js"));
    suite.args(arguments).stdin(Stdio::null());
    suite
}

/// Runs it; gives whether it was content, and what it printed.
pub(crate) fn run(mut suite: Command) -> (bool, String) {
    let output = suite.output().expect("the suite can be run");
    let printed = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    (output.status.success(), printed.into_owned())
}
