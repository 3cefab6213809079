//! The official conformance suite through the gateway, with our own fixture of each era behind it.
//!
//! The suite calls everything by plain names, so its workspaces have no prefix. What the gateway cannot
//! do yet, or a crossing cannot carry, is named here; everything else must pass.

use std::path::Path;
use std::process::{Command, Stdio};

use aerostack_tests::upstream::{Era, Setup};
use tempfile::TempDir;

use crate::program::cache;
use crate::world::World;

/// One run of the suite.
struct Run {
    workspace: &'static str,
    era: Era,
    revision: &'static str,
    /// Scenarios that the revision scores.
    scored: usize,
    /// Those of them that are known to fail.
    failing: &'static [&'static [&'static str]],
}

const LEGACY: &str = "2025-11-25";
const MODERN: &str = "2026-07-28";

/// A legacy server cannot refuse a call for what its caller did not declare: it is told of no caller.
const UNDECLARED: &[&str] = &["server-stateless"];

const RUNS: [Run; 6] = [
    Run { workspace: "dual-old", era: Era::Dual, revision: LEGACY, scored: 30, failing: &[] },
    Run { workspace: "dual-new", era: Era::Dual, revision: MODERN, scored: 37, failing: &[] },
    Run { workspace: "old-old", era: Era::Legacy, revision: LEGACY, scored: 30, failing: &[] },
    Run { workspace: "old-new", era: Era::Legacy, revision: MODERN, scored: 37, failing: &[UNDECLARED] },
    Run { workspace: "new-old", era: Era::Modern, revision: LEGACY, scored: 30, failing: &[] },
    Run { workspace: "new-new", era: Era::Modern, revision: MODERN, scored: 37, failing: &[] },
];

/// Runs the suite in every crossing; gives what did not come out as it is known to.
pub(crate) fn run(world: &World) -> Vec<String> {
    RUNS.iter().filter_map(|run| run.judge(&run.run(world)).err()).collect()
}

impl Run {
    /// Runs it and gives what it printed.
    fn run(&self, world: &World) -> String {
        let fixture = world.keeps(Setup::conformance(self.era));
        world.aerostack(&["workspace", "create", self.workspace]);
        world.aerostack(&["workspace", "set", self.workspace, "--tool-prefix", "never"]);
        world.aerostack(&["mcp", "add", self.workspace, "--url", &fixture]);
        world.aerostack(&["mcp", "install", self.workspace, "--workspace", self.workspace]);
        let create = ["workspace", "token", "create", self.workspace, "--name", "Suite"];
        let limits = ["--rate-limit", "1000", "--output", "token"];
        let token = world.aerostack(&[&create[..], &limits].concat());
        let port = world.adds_bearer(token.trim());
        let results = TempDir::new().expect("a folder for its results");
        let url = format!("http://127.0.0.1:{port}/ws/{}", self.workspace);
        let mut suite = Command::new("node");
        suite.arg("--import").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/newer-node.mjs"));
        suite.arg(cache().join("node_modules/@modelcontextprotocol/conformance/dist/index.js"));
        suite.args(["server", "--url", &url, "--requirements", self.revision, "--output-dir"]);
        let output = suite.arg(results.path()).stdin(Stdio::null()).output().expect("the suite can be run");
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    }

    /// Tells whether exactly those scenarios failed that are known to.
    fn judge(&self, printed: &str) -> Result<(), String> {
        let (scenarios, unscored) = printed.split_once("Not scored").unwrap_or((printed, ""));
        let marked = |line: &str| -> Option<(bool, String)> {
            let passed = line.starts_with('✓');
            let rest = line.strip_prefix(['✓', '✗'])?;
            Some((passed, rest.split([':', '(']).next().unwrap_or_default().trim().to_owned()))
        };
        let unscored: Vec<String> =
            unscored.lines().filter_map(|line| marked(line.trim())).map(|(_, name)| name).collect();
        let scored: Vec<(bool, String)> =
            scenarios.lines().filter_map(marked).filter(|(_, name)| !unscored.contains(name)).collect();
        let failed: Vec<&str> =
            scored.iter().filter(|(passed, _)| !passed).map(|(_, name)| name.as_str()).collect();
        let passed = scored.len() - failed.len();
        println!("{} at {}: {passed} of {} scenarios", self.workspace, self.revision, scored.len());
        let known: Vec<&str> = self.failing.concat();
        let as_known = failed.len() == known.len() && failed.iter().all(|name| known.contains(name));
        if as_known && scored.len() == self.scored {
            return Ok(());
        }
        let (count, wanted) = (scored.len(), self.scored);
        Err(format!(
            "{}: {count} of {wanted} scenarios ran; failed: {failed:?}; known to: {known:?}\n{printed}",
            self.workspace
        ))
    }
}
