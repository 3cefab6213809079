//! The suite's scenarios for clients: scripted, often hostile servers, which a caller of either era reaches through a
//! gateway.

use crate::expected::{Expected, Outcome};
use crate::program::own_program;
use crate::suite::{REVISIONS, run, suite};

/// The callers, as the list of expected failures calls them.
const CALLERS: [(&str, &str); 2] = [("from-legacy", "legacy"), ("from-modern", "modern")];

/// Runs every scenario that concerns clients, but those the list leaves out.
pub(crate) fn outcomes(list: &[Expected]) -> Vec<Outcome> {
    let pairs = REVISIONS.into_iter().flat_map(|revision| CALLERS.map(|caller| (revision, caller)));
    let outcome = |(revision, (place, era)): (&'static str, (&'static str, &str))| {
        let is_left_out = |name: &String| {
            list.iter().any(|entry| entry.is_left_out() && entry.is_about(revision, place, name))
        };
        let names = required(revision).into_iter().filter(|name| !is_left_out(name));
        let scenarios = names.map(|name| {
            let passed = passes(revision, era, &name);
            (name, passed)
        });
        Outcome { revision, place, scenarios: scenarios.collect() }
    };
    pairs.map(outcome).collect()
}

/// The scenarios for clients that a revision requires, and those it only reports.
fn required(revision: &str) -> Vec<String> {
    let (_, printed) = run(suite(&["list", "--requirements", revision]));
    let names = for_clients(&printed);
    assert!(!names.is_empty(), "the suite requires nothing:\n{printed}");
    names
}

fn for_clients(printed: &str) -> Vec<String> {
    let (_, clients) = printed.split_once("Client scenarios").unwrap_or_default();
    let (required, reported) = clients.split_once("never scored").unwrap_or((clients, ""));
    let reported = reported.lines().filter(|line| line.ends_with("[client]"));
    let names = required.lines().chain(reported).filter_map(|line| line.trim().strip_prefix("- "));
    names.map(|name| name.split(' ').next().unwrap_or_default().to_owned()).collect()
}

fn passes(revision: &str, era: &str, scenario: &str) -> bool {
    let command = format!("{} --era {era}", own_program("mcp-caller").display());
    let arguments = ["client", "--command", &command, "--scenario", scenario, "--spec-version", revision];
    let (passed, printed) = run(suite(&arguments));
    if !passed {
        println!("{revision} from {era}: {scenario}\n{printed}");
    }
    passed
}

#[cfg(test)]
mod tests {
    use super::for_clients;

    #[test]
    fn what_concerns_servers_alone_is_passed_over() {
        let printed = "Server scenarios (x):\n  - ping\n\nClient scenarios (y):\n  - initialize\n\n\
                       Run and reported, but never scored:\n  pending (2):\n    - a [client]\n    - b [server]\n";
        assert_eq!(for_clients(printed), ["initialize", "a"]);
    }
}
