//! The official conformance suite through the gateway, with our own server of each era behind it.
//!
//! The suite calls everything by plain names, so its workspaces have no prefix.

use aerostack_tests::upstream::{Era, Setup};
use tempfile::TempDir;

use crate::expected::Outcome;
use crate::suite::{REVISIONS, run, suite};
use crate::world::World;

/// What stands behind, as the list of expected failures calls it.
const SERVERS: [(&str, Era); 3] = [("dual", Era::Dual), ("legacy", Era::Legacy), ("modern", Era::Modern)];

/// Runs the requirements of every revision in front of every server.
pub(crate) fn outcomes(world: &World) -> Vec<Outcome> {
    let pairs = REVISIONS.into_iter().flat_map(|revision| SERVERS.map(|server| (revision, server)));
    pairs.map(|(revision, (place, era))| outcome(world, revision, place, era)).collect()
}

fn outcome(world: &World, revision: &'static str, place: &'static str, era: Era) -> Outcome {
    let workspace = format!("{place}-{revision}");
    let fixture = world.keeps(Setup::conformance(era));
    world.aerostack(&["workspace", "create", &workspace]);
    world.aerostack(&["workspace", "set", &workspace, "--tool-prefix", "never"]);
    world.aerostack(&["mcp", "add", &workspace, "--url", &fixture]);
    world.aerostack(&["mcp", "install", &workspace, "--workspace", &workspace]);
    let create = ["workspace", "token", "create", &workspace, "--name", "Suite"];
    let limits = ["--rate-limit", "1000", "--output", "token"];
    let token = world.aerostack(&[&create[..], &limits].concat());
    let port = world.adds_bearer(token.trim());
    let results = TempDir::new().expect("a folder for its results");
    let url = format!("http://127.0.0.1:{port}/ws/{workspace}");
    let folder = results.path().display().to_string();
    let arguments = ["server", "--url", &url, "--requirements", revision, "--output-dir", &folder];
    let (_, printed) = run(suite(&arguments));
    let scenarios = scored(&printed);
    assert!(!scenarios.is_empty(), "the suite ran nothing:\n{printed}");
    Outcome { revision, place, scenarios }
}

/// The scenarios of a run that count, and whether each passed.
fn scored(printed: &str) -> Vec<(String, bool)> {
    let (scenarios, unscored) = printed.split_once("Not scored").unwrap_or((printed, ""));
    let marked = |line: &str| -> Option<(String, bool)> {
        let passed = line.starts_with('✓');
        let rest = line.strip_prefix(['✓', '✗'])?;
        Some((rest.split([':', '(']).next().unwrap_or_default().trim().to_owned(), passed))
    };
    let unscored: Vec<String> =
        unscored.lines().filter_map(|line| marked(line.trim())).map(|(name, _)| name).collect();
    scenarios.lines().filter_map(marked).filter(|(name, _)| !unscored.contains(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::scored;

    #[test]
    fn what_is_not_scored_does_not_count() {
        let printed =
            "✓ one: 2 passed\n✗ two: 1 failed\n✗ three: 1 failed\nNot scored:\n  ✗ three (pending)\n";
        assert_eq!(scored(printed), [("one".to_owned(), true), ("two".to_owned(), false)]);
    }
}
