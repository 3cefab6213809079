//! What all clients came to: `docs/compatibility.md`, and why what failed has failed.
//!
//! Nothing in it depends on when or where it is made: clients, servers and features stand in the order they
//! have in the source, and versions are those of the lists.

use std::fmt::Write;
use std::path::Path;

use serde_json::Value;

use crate::client::{Check, Client};
use crate::server::Server;
use crate::table::Table;

/// Columns of the tables; one that no check is about is left out.
const FEATURES: [&str; 12] = [
    "tools",
    "prompts",
    "resources",
    "templates",
    "completion",
    "subscriptions",
    "logging",
    "progress",
    "cancel",
    "elicitation",
    "sampling",
    "roots",
];

/// Checks of the workspace as a whole, in the order of their columns.
const WORKSPACE: [&str; 6] =
    ["connect", "calls at once", "a tool's error", "unknown tool", "list changed", "revoked"];

const HEAD: &str = "# Compatibility

<!-- Written by `cargo xtask peers`; do not edit. -->

Other people's clients with other people's servers, through one workspace of the gateway. Every mark is a check that
passed: `cargo xtask peers` runs them all, and fails where one does not.

- **✓**: it works. **–**: the client or the server does not have it, or nothing there shows it.
- *templates* are resource templates; *subscriptions* updates of resources; *logging* log messages of a call; *cancel* a
  call that its client takes back, seen by the server.

";

/// The results of all clients.
#[derive(Default)]
pub(crate) struct Compatibility {
    rows: Vec<(&'static Client, Vec<Check>)>,
}

impl Compatibility {
    /// Adds a client.
    pub(crate) fn add(&mut self, client: &'static Client, checks: Vec<Check>) {
        self.rows.push((client, checks));
    }

    /// Why what failed has failed, a line each; empty if nothing has.
    pub(crate) fn reasons(&self) -> String {
        let mut reasons = String::new();
        for (client, checks) in &self.rows {
            for check in checks {
                if let Err(why) = &check.result {
                    let server = check.server.as_deref().unwrap_or("the workspace");
                    let _ = writeln!(reasons, "{}, {server}, {}: {why}", client.name, check.feature);
                }
            }
        }
        reasons
    }

    /// The document.
    pub(crate) fn document(&self) -> String {
        let mut text = HEAD.to_owned();
        let _ = write!(
            text,
            "## At a glance\n\nWith how many servers each client does what.\n\n{}\n",
            self.glance()
        );
        let _ = write!(text, "What concerns no single server: what a person does with a workspace.\n\n");
        let _ = write!(text, "{}\n## Client by client\n", self.workspace());
        for (client, checks) in &self.rows {
            let _ = write!(text, "\n### {}\n\n{}\n\n", client.name, capitalised(client.what));
            let _ = write!(text, "{}", self.servers(checks));
        }
        let _ = write!(text, "\n## What they are\n\n{}\n{}", self.clients(), packages());
        text
    }

    /// Features that a check is about.
    fn features(&self) -> impl Iterator<Item = &'static str> {
        let all = || self.rows.iter().flat_map(|(_, checks)| checks);
        FEATURES
            .into_iter()
            .filter(move |feature| all().any(|check| check.server.is_some() && check.feature == *feature))
    }

    fn glance(&self) -> Table {
        let mut table = Table::of(["Client"].into_iter().chain(self.features()));
        for (client, checks) in &self.rows {
            let cell = |feature| {
                let marks = Server::ALL.iter().map(|server| mark(checks, Some(server.slug), feature));
                let (passed, tried) = marks.fold((0, 0), |(passed, tried), mark| match mark {
                    "✓" => (passed + 1, tried + 1),
                    "–" => (passed, tried),
                    _ => (passed, tried + 1),
                });
                match tried {
                    0 => "–".to_owned(),
                    _ if passed == tried => format!("✓ {passed}"),
                    _ => format!("{passed} of {tried}"),
                }
            };
            table.row([client.name.to_owned()].into_iter().chain(self.features().map(cell)));
        }
        table
    }

    fn workspace(&self) -> Table {
        let mut table = Table::of(["Client"].into_iter().chain(WORKSPACE));
        for (client, checks) in &self.rows {
            table.row([client.name].into_iter().chain(WORKSPACE.map(|what| mark(checks, None, what))));
        }
        table
    }

    fn servers(&self, checks: &[Check]) -> Table {
        let mut table = Table::of(["Server"].into_iter().chain(self.features()));
        for server in &Server::ALL {
            let marks = self.features().map(|feature| mark(checks, Some(server.slug), feature));
            table.row([server.slug].into_iter().chain(marks));
        }
        table
    }

    fn clients(&self) -> Table {
        let mut table = Table::of(["Client", "Package", "Version"]);
        for (client, _) in &self.rows {
            let version =
                version_of(client.package, client.name.split([' ', ',']).nth(1).unwrap_or_default());
            table.row([client.name.to_owned(), format!("`{}`", client.package), version]);
        }
        table
    }
}

/// One mark: all checks of a server and feature together.
fn mark(checks: &[Check], server: Option<&str>, feature: &str) -> &'static str {
    let about = |check: &&Check| check.server.as_deref() == server && check.feature == feature;
    let results: Vec<bool> = checks.iter().filter(about).map(|check| check.result.is_ok()).collect();
    match results.as_slice() {
        [] => "–",
        all if all.iter().all(|passed| *passed) => "✓",
        _ => "✗",
    }
}

fn packages() -> Table {
    let mut table = Table::of(["Server", "What it is", "Reached by", "Package", "Version"]);
    for server in &Server::ALL {
        let (package, version) = match server.package {
            Some(package) => (format!("`{package}`"), version_of(package, "")),
            None => ("–".to_owned(), "–".to_owned()),
        };
        let cells = [server.slug, server.what, server.transport].map(str::to_owned);
        table.row(cells.into_iter().chain([package, version]));
    }
    table
}

/// The version of a package in the lists; where several are there, the one that begins so.
fn version_of(package: &str, stem: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap_or_default();
    let manifest: Value =
        serde_json::from_str(&read("package.json")).expect("the list of npm packages is JSON");
    if let Some(version) = manifest["dependencies"][package].as_str() {
        return version.to_owned();
    }
    let lists = ["python-1", "python-2", "servers"].map(|name| read(&format!("requirements-{name}.txt")));
    let versions = lists.iter().flat_map(|list| list.lines());
    let mut versions = versions.filter_map(|line| line.strip_prefix(package)?.strip_prefix("=="));
    let found = versions.find(|version| version.starts_with(stem));
    found.unwrap_or_else(|| panic!("no list names {package} {stem}")).to_owned()
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}
