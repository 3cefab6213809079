//! Programs behind a gateway: the example server on standard input and output, and what it wrote down.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use aerostack_core::server::SessionMode;
use aerostack_core::stdio::StdioCommand;
use aerostack_gateway::config::{Config, Stdio};
use tempfile::TempDir;

use crate::client::Caller;
use crate::gateway::Gateway;
use crate::patience::eventually;
use crate::person::Person;
use crate::program::programs;
use crate::story::World;

/// Lets a gateway in this process run programs.
pub fn allow(config: &mut Config) {
    config.stdio = Some(Stdio { launcher: programs().join("aerostack-gateway") });
}

/// The example server, with a journal of its own.
pub struct Example {
    folder: TempDir,
}

impl Default for Example {
    fn default() -> Self {
        Self::new()
    }
}

impl Example {
    /// Makes a journal.
    ///
    /// # Panics
    /// When no folder can be made.
    #[must_use]
    pub fn new() -> Self {
        Self { folder: TempDir::new().expect("a temporary folder can be made") }
    }

    /// Where the example is.
    ///
    /// # Panics
    /// When it was not built beside the test.
    #[must_use]
    pub fn path() -> PathBuf {
        let test = std::env::current_exe().expect("a test is a program");
        let folder = test.parent().and_then(Path::parent).expect("tests stand in <profile>/deps");
        folder.join("stdio-example")
    }

    fn journal(&self) -> PathBuf {
        self.folder.path().join("journal")
    }

    /// The command that runs it.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> StdioCommand {
        let text = |path: &Path| path.display().to_string();
        let mut command = vec![text(&Self::path()), "--journal".to_owned(), text(&self.journal())];
        command.extend(arguments.iter().map(|word| (*word).to_owned()));
        StdioCommand { command, env: [].into(), secrets: Vec::new() }
    }

    /// What all runs of it wrote down: the process, and a line.
    #[must_use]
    pub fn lines(&self) -> Vec<(u32, String)> {
        let text = std::fs::read_to_string(self.journal()).unwrap_or_default();
        let line = |line: &str| {
            let (pid, rest) = line.split_once(' ')?;
            Some((pid.parse().ok()?, rest.to_owned()))
        };
        text.lines().filter_map(line).collect()
    }

    /// The methods it was asked, in order.
    #[must_use]
    pub fn methods(&self) -> Vec<String> {
        let method = |line: &str| {
            serde_json::from_str::<serde_json::Value>(line).ok()?["method"].as_str().map(str::to_owned)
        };
        self.lines().iter().filter_map(|(_, line)| method(line)).collect()
    }

    /// All processes that it ever was.
    #[must_use]
    pub fn pids(&self) -> BTreeSet<u32> {
        self.lines().into_iter().map(|(pid, _)| pid).collect()
    }

    /// Those that still run.
    #[must_use]
    pub fn running(&self) -> BTreeSet<u32> {
        self.pids().into_iter().filter(|pid| is_there(*pid)).collect()
    }

    /// Waits until it wrote down a line with these words.
    pub async fn wrote(&self, words: &str) {
        eventually(words, async || self.lines().iter().any(|(_, line)| line.contains(words))).await;
    }

    /// Waits until nothing of it is left: no process, no zombie, nothing that it started.
    pub async fn is_gone(&self) {
        eventually("no program is left", async || {
            self.running().is_empty() && !self.pids().into_iter().any(has_group)
        })
        .await;
    }
}

/// Fields of `/proc/<pid>/stat` behind the name.
fn stat(pid: u32) -> Option<Vec<String>> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(") ")?;
    Some(rest.split_whitespace().map(str::to_owned).collect())
}

/// Whether a process is there, were it as a zombie.
#[must_use]
pub fn is_there(pid: u32) -> bool {
    stat(pid).is_some()
}

/// Whether a process runs; a zombie does not.
#[must_use]
pub fn runs(pid: u32) -> bool {
    stat(pid).is_some_and(|fields| fields[0] != "Z")
}

/// Whether anybody is in the group that a process began.
#[must_use]
pub fn has_group(group: u32) -> bool {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    // Orphans are buried by whoever is the machine's first process, in its own time.
    pids.any(|pid| stat(pid).is_some_and(|fields| fields[2] == group.to_string() && fields[0] != "Z"))
}

/// A gateway that runs programs, a workspace, the example installed as `desk`, and Alice.
pub struct Workshop {
    /// The gateway.
    pub gateway: Gateway,
    /// Who administers; an operator.
    pub owner: Person,
    /// Who calls.
    pub alice: Caller,
    /// What runs.
    pub example: Example,
}

impl Workshop {
    /// Sets it with the product's defaults.
    pub async fn set(world: &World, arguments: &[&str]) -> Self {
        Self::set_with(world, arguments, SessionMode::PerCaller, |_| {}).await
    }

    /// The same with other settings.
    ///
    /// # Panics
    /// When the program is refused.
    pub async fn set_with(
        world: &World,
        arguments: &[&str],
        session: SessionMode,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let gateway = world
            .gateway_with(|config| {
                allow(config);
                change(config);
            })
            .await;
        let mut owner = gateway.owner().await;
        owner.creates_workspace("engineering").await;
        let example = Example::new();
        owner.adds_program("desk", example.command(arguments), session).await.expect("a program is added");
        let installed = owner.installs_known("desk", None).await.expect("a program is installed");
        assert_eq!(installed.warning, None);
        let alice = owner.creates_token("Alice Chen").await;
        Self { gateway, owner, alice, example }
    }
}
