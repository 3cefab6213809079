//! One client: its script, its token, and what it asks of the world while it runs.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::plan::{Connection, plan};
use crate::program::{cache, end_group};
use crate::world::{WORKSPACE, World};

/// How long all checks of one client may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// What one check came to.
pub(crate) struct Check {
    /// The server that was asked; `None` where it is about the workspace as a whole.
    pub(crate) server: Option<String>,
    /// What was tried.
    pub(crate) feature: String,
    /// Why it failed, if it did.
    pub(crate) result: Result<(), String>,
}

/// A client in one of its ways to connect.
pub(crate) struct Client {
    /// How the tables call it.
    pub(crate) name: &'static str,
    /// What it is.
    pub(crate) what: &'static str,
    /// The package it comes in, as the lists of versions name it.
    pub(crate) package: &'static str,
    runner: Runner,
    script: &'static str,
    path: &'static str,
    era: &'static str,
    transport: &'static str,
    /// The program that the script starts, in the folder of packages.
    program: Option<&'static str>,
    version: Option<&'static str>,
    /// Features that it does not have.
    without: &'static [&'static str],
}

#[derive(Clone, Copy)]
enum Runner {
    Node,
    /// The Python of one of the virtual environments.
    Python(&'static str),
}

/// One run for every question leaves nobody to hear anything; nor does it complete.
const ONE_QUESTION: &[&str] = &["completion", "subscriptions", "logging", "progress", "cancel"];

const TYPESCRIPT_1: &str = "@modelcontextprotocol/sdk";
const TYPESCRIPT_2: &str = "@modelcontextprotocol/client";
const PYTHON: &str = "mcp";
const INSPECTOR: &str = "@modelcontextprotocol/inspector";

impl Client {
    /// All of them.
    pub(crate) const ALL: [Self; 10] = [
        Self::new("TypeScript 1.32", "the SDK over Streamable HTTP", TYPESCRIPT_1, "typescript-1.mjs"),
        Self {
            path: "/sse",
            transport: "sse",
            version: None,
            ..Self::new("TypeScript 1.32, SSE", "the SDK over HTTP+SSE", TYPESCRIPT_1, "typescript-1.mjs")
        },
        Self::new("TypeScript 2.4", "the SDK, finding out the era", TYPESCRIPT_2, "typescript-2.mjs")
            .modern(),
        Self::new("TypeScript 2.4, legacy", "the SDK, held to 2025-11-25", TYPESCRIPT_2, "typescript-2.mjs"),
        Self::new("Python 1.30", "the SDK over Streamable HTTP", PYTHON, "python-1.py").in_python("python-1"),
        Self::new("Python 2.3", "the SDK, finding out the era", PYTHON, "python-2.py")
            .in_python("python-2")
            .modern(),
        Self::new("Python 2.3, legacy", "the SDK, held to 2025-11-25", PYTHON, "python-2.py")
            .in_python("python-2"),
        Self {
            transport: "mcp-remote",
            program: Some("mcp-remote/dist/proxy.js"),
            version: None,
            ..Self::new(
                "mcp-remote 0.15",
                "a bridge for editors without HTTP",
                "mcp-remote",
                "typescript-1.mjs",
            )
        },
        Self::new("Inspector 2.12", "its command line, `--protocol-era auto`", INSPECTOR, "inspector.mjs")
            .modern()
            .inspecting(),
        Self::new(
            "Inspector 2.12, legacy",
            "its command line, `--protocol-era legacy`",
            INSPECTOR,
            "inspector.mjs",
        )
        .inspecting(),
    ];

    const fn new(
        name: &'static str,
        what: &'static str,
        package: &'static str,
        script: &'static str,
    ) -> Self {
        Self {
            name,
            what,
            package,
            runner: Runner::Node,
            script,
            path: "",
            era: "legacy",
            transport: "http",
            program: None,
            version: Some("2025-11-25"),
            without: &[],
        }
    }

    const fn modern(self) -> Self {
        Self { era: "auto", version: Some("2026-07-28"), ..self }
    }

    const fn in_python(self, environment: &'static str) -> Self {
        Self { runner: Runner::Python(environment), ..self }
    }

    const fn inspecting(self) -> Self {
        let program = Some("@modelcontextprotocol/inspector/clients/launcher/build/index.js");
        // What it has agreed on it does not tell.
        Self { program, version: None, without: ONE_QUESTION, ..self }
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, world: &World) -> Vec<Check> {
        let create = ["workspace", "token", "create", WORKSPACE, "--name", self.name];
        // Each question of a command line is a connection of its own.
        let token = world.aerostack(&[&create[..], &["--rate-limit", "1000", "--output", "token"]].concat());
        let mut child = self.start(&self.plan(world, token.trim()));
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
                let about = |index: usize| told["about"][index].as_str().unwrap_or_default();
                let answer = self.grant(world, wish, about(0), about(1));
                // A script that has given up does not wait for the answer.
                let _ = writeln!(stdin, "{answer}");
            } else {
                checks.push(told_check(&told).unwrap_or_else(|| failed("connect", line)));
            }
        }
        let _ = child.wait();
        drop(watchdog);
        if !checks.iter().any(|check| check.feature == "revoked") {
            checks.push(failed("revoked", "the script ended before".to_owned()));
            world.aerostack(&["mcp", "enable", "time", "--workspace", WORKSPACE]);
        }
        checks
    }

    fn plan(&self, world: &World, token: &str) -> Value {
        let url = format!("{}/ws/{WORKSPACE}{}", world.url, self.path);
        let connection =
            Connection { url: &url, token, era: self.era, transport: self.transport, version: self.version };
        let mut plan = plan(&connection, self.without, &world.desk());
        plan["folder"] = json!(world.folder_of(self.name));
        if let Some(program) = self.program {
            plan["program"] = json!(cache().join("node_modules").join(program));
        }
        plan
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

    /// Does what a script asks for, and gives what it is told then.
    fn grant(&self, world: &World, wish: &str, server: &str, uri: &str) -> &'static str {
        let is_done = match wish {
            "touch" => world.touches(server, uri),
            "held" => world.holds_a_call(server),
            "cancelled" => world.was_told_of_a_cancelled_call(server),
            "enable" | "disable" => {
                world.aerostack(&["mcp", wish, "time", "--workspace", WORKSPACE]);
                true
            }
            "revoke" => {
                world.aerostack(&["workspace", "token", "revoke", WORKSPACE, "--name", self.name]);
                true
            }
            other => panic!("{} asks for {other:?}", self.name),
        };
        if is_done { "done" } else { "it did not happen" }
    }
}

fn told_check(told: &Value) -> Option<Check> {
    let why = told["why"].as_str().unwrap_or_default().to_owned();
    Some(Check {
        server: told["server"].as_str().map(str::to_owned),
        feature: told["feature"].as_str()?.to_owned(),
        result: if told["ok"] == true { Ok(()) } else { Err(why) },
    })
}

fn failed(feature: &str, why: String) -> Check {
    Check { server: None, feature: feature.to_owned(), result: Err(why) }
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
