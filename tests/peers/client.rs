//! One client: its script, its token, and what it asks of the world while it runs.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;

use crate::plan::plan;
use crate::program::{cache, end_group};
use crate::world::{WORKSPACE, World};

/// How long all checks of one client may take.
const PATIENCE: Duration = Duration::from_secs(180);

/// What one check came to: its name, and why it failed.
pub(crate) type Check = (String, Result<(), String>);

/// A client in one of its ways to connect.
pub(crate) struct Client {
    /// How the table calls it.
    pub(crate) name: &'static str,
    runner: Runner,
    script: &'static str,
    path: &'static str,
    era: &'static str,
    transport: &'static str,
    version: Option<&'static str>,
}

#[derive(Clone, Copy)]
enum Runner {
    Node,
    /// The Python of one of the virtual environments.
    Python(&'static str),
}

const LEGACY: Option<&str> = Some("2025-11-25");
const MODERN: Option<&str> = Some("2026-07-28");

impl Client {
    /// All of them.
    pub(crate) const ALL: [Self; 7] = [
        Self::new("TypeScript 1.32", Runner::Node, "typescript-1.mjs", "legacy", LEGACY),
        Self {
            path: "/sse",
            transport: "sse",
            ..Self::new("TypeScript 1.32, HTTP+SSE", Runner::Node, "typescript-1.mjs", "legacy", None)
        },
        Self::new("TypeScript 2.4, auto", Runner::Node, "typescript-2.mjs", "auto", MODERN),
        Self::new("TypeScript 2.4, legacy", Runner::Node, "typescript-2.mjs", "legacy", LEGACY),
        Self::new("Python 1.30", Runner::Python("python-1"), "python-1.py", "legacy", LEGACY),
        Self::new("Python 2.3, auto", Runner::Python("python-2"), "python-2.py", "auto", MODERN),
        Self::new("Python 2.3, legacy", Runner::Python("python-2"), "python-2.py", "legacy", LEGACY),
    ];

    const fn new(
        name: &'static str,
        runner: Runner,
        script: &'static str,
        era: &'static str,
        version: Option<&'static str>,
    ) -> Self {
        Self { name, runner, script, path: "", era, transport: "http", version }
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, world: &World) -> Vec<Check> {
        let create = ["workspace", "token", "create", WORKSPACE, "--name", self.name, "--output", "token"];
        let token = world.aerostack(&create);
        let url = format!("{}/ws/{WORKSPACE}{}", world.url, self.path);
        let plan = plan(&url, token.trim(), self.era, self.transport, self.version, &world.desk());
        let mut child = self.start(&plan);
        let watchdog = Watchdog::over(child.id());
        let mut stdin = child.stdin.take().expect("its input is piped");
        let stdout = BufReader::new(child.stdout.take().expect("its output is piped"));
        let mut checks = Vec::new();
        for line in stdout.lines() {
            let line = line.expect("its output can be read");
            let Ok(told) = serde_json::from_str::<Value>(&line) else {
                continue;
            };
            if let Some(wish) = told["please"].as_str() {
                self.grant(world, wish);
                // A script that has given up does not wait for the answer.
                let _ = writeln!(stdin, "done");
            } else if let Some(check) = told["check"].as_str() {
                let why = told["why"].as_str().unwrap_or_default().to_owned();
                checks.push((check.to_owned(), if told["ok"] == true { Ok(()) } else { Err(why) }));
            } else {
                checks.push(("connect".to_owned(), Err(line)));
            }
        }
        let _ = child.wait();
        drop(watchdog);
        if !checks.iter().any(|(check, _)| check == "revoked") {
            checks.push(("revoked".to_owned(), Err("the script ended before".to_owned())));
            world.aerostack(&["mcp", "enable", "time", "--workspace", WORKSPACE]);
        }
        checks
    }

    fn start(&self, plan: &Value) -> Child {
        let scripts = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("peers/clients");
        // Scripts find their packages above the folder they stand in.
        let here = cache().join("clients");
        std::fs::create_dir_all(&here).expect("a folder in the cache");
        for entry in std::fs::read_dir(scripts).expect("the scripts").flatten() {
            std::fs::copy(entry.path(), here.join(entry.file_name())).expect("a script is copied");
        }
        let mut command = match self.runner {
            Runner::Node => Command::new("node"),
            Runner::Python(environment) => Command::new(cache().join(environment).join("bin/python")),
        };
        command.arg(here.join(self.script)).current_dir(&here).env("PEER_PLAN", plan.to_string());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0);
        command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"))
    }

    fn grant(&self, world: &World, wish: &str) {
        match wish {
            "disable" => world.aerostack(&["mcp", "disable", "time", "--workspace", WORKSPACE]),
            "enable" => world.aerostack(&["mcp", "enable", "time", "--workspace", WORKSPACE]),
            "revoke" => world.aerostack(&["workspace", "token", "revoke", WORKSPACE, "--name", self.name]),
            other => panic!("{} asks for {other:?}", self.name),
        };
    }
}

/// Ends a client that takes too long.
struct Watchdog {
    _alive: mpsc::Sender<()>,
}

impl Watchdog {
    fn over(group: u32) -> Self {
        let (alive, watched) = mpsc::channel();
        std::thread::spawn(move || {
            if watched.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
                end_group(group);
            }
        });
        Self { _alive: alive }
    }
}
