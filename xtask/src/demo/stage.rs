//! What the demo stands on: the running programs, and ways to use them that print what they do.

use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::paths::{self, Profile};
use crate::process::{self, Running};
use crate::visitor::{self, Answer};

/// The workspace of the tour.
pub(super) const WORKSPACE: &str = "engineering";
const OWNER_EMAIL: &str = "admin@example.com";
const OWNER: &str = "acme";
/// Variables that would lead the demo elsewhere.
const FOREIGN: [&str; 10] = [
    "AEROSTACK_DATABASE_URL",
    "AEROSTACK_PUBLIC_URL",
    "AEROSTACK_MASTER_KEY",
    "AEROSTACK_ALLOWED_ORIGINS",
    "AEROSTACK_UPSTREAM_ALLOW",
    "AEROSTACK_RATE_LIMIT_PER_MINUTE",
    "AEROSTACK_TLS_CERT",
    "AEROSTACK_TLS_KEY",
    "AEROSTACK_API_URL",
    "AEROSTACK_API_KEY",
];

/// Gateway and example server, running.
pub(super) struct Stage {
    // Dropped in this order: the programs end before their folder goes.
    gateway_url: String,
    upstream_url: String,
    key: String,
    cli: PathBuf,
    _gateway: Running,
    _upstream: Running,
    scratch: TempDir,
}

impl Stage {
    /// Starts both and makes an owner.
    pub(super) fn open() -> Result<Self> {
        let program = |name| paths::program(name, Profile::Dev);
        let scratch = tempfile::Builder::new().prefix("aerostack-demo-").tempdir()?;
        let mut upstream = Running::start(Command::new(program("mcp-example")?))?;
        let upstream_url = upstream.line_after("listening on ")?;

        println!("\n# A gateway on SQLite, at a free port, with its data in a scratch folder");
        println!("$ aerostack-gateway --listen 127.0.0.1:0 --data-dir $SCRATCH");
        let log = std::fs::File::create(scratch.path().join("gateway.log"))?;
        let mut serve = clean(&program("aerostack-gateway")?);
        serve.env("AEROSTACK_DATA_DIR", scratch.path()).env("AEROSTACK_LISTEN", "127.0.0.1:0").stderr(log);
        let started = Running::start(serve).and_then(|mut gateway| {
            let url = gateway.line_after("listening on ")?;
            Ok((gateway, url))
        });
        let (gateway, gateway_url) = started.map_err(|error| {
            let log = std::fs::read_to_string(scratch.path().join("gateway.log")).unwrap_or_default();
            error.context(log)
        })?;
        println!("listening on {gateway_url}");

        println!("\n$ aerostack-gateway owner create --email {OWNER_EMAIL} --username {OWNER}");
        let mut owner = clean(&program("aerostack-gateway")?);
        owner.args(["owner", "create", "--email", OWNER_EMAIL, "--username", OWNER]);
        let key = process::output(owner.env("AEROSTACK_DATA_DIR", scratch.path()))?.trim().to_owned();
        println!("{key}");
        println!("\n$ export AEROSTACK_API_URL={gateway_url} AEROSTACK_API_KEY={key}");
        let cli = program("aerostack")?;
        Ok(Self { gateway_url, upstream_url, key, cli, _gateway: gateway, _upstream: upstream, scratch })
    }

    /// Where the gateway is.
    pub(super) fn url(&self) -> &str {
        &self.gateway_url
    }

    /// Where the example server is.
    pub(super) fn upstream_url(&self) -> &str {
        &self.upstream_url
    }

    /// Announces what comes next.
    #[expect(clippy::unused_self, reason = "what is told is told on this stage")]
    pub(super) fn heading(&self, text: &str) {
        println!("\n# {text}");
    }

    /// Runs the command line and shows what it says; data and talk are given together.
    pub(super) fn aerostack(&self, arguments: &[&str]) -> Result<String> {
        println!("\n$ aerostack {}", as_typed(arguments));
        // One pipe for both streams keeps the order in which a terminal would show them.
        let (mut reader, writer) = std::io::pipe()?;
        let mut command = self.command(arguments);
        command.stdout(writer.try_clone()?).stderr(writer);
        let mut child = command.spawn().context("the command line")?;
        // It holds the pipe's writing end, and the text would have no end.
        drop(command);
        let mut said = String::new();
        reader.read_to_string(&mut said)?;
        print!("{said}");
        succeeded(arguments, child.wait()?)?;
        Ok(said)
    }

    /// Makes a token the way scripts do.
    pub(super) fn token_for(&self, name: &str) -> Result<String> {
        let arguments = ["workspace", "token", "create", WORKSPACE, "--name", name, "--output", "token"];
        println!("\n$ TOKEN=$(aerostack {})", as_typed(&arguments));
        let output = self.command(&arguments).output().context("the command line")?;
        print!("{}", String::from_utf8_lossy(&output.stderr));
        succeeded(&arguments, output.status)?;
        let token = String::from_utf8(output.stdout)?.trim().to_owned();
        if !token.starts_with("mwt_") || token.contains(char::is_whitespace) {
            bail!("this is not a token alone: {token:?}");
        }
        println!("$ echo $TOKEN\n{token}");
        Ok(token)
    }

    /// Calls a tool with plain HTTP.
    pub(super) fn call_tool(&self, token: &str, name: &str, arguments: &Value) -> Result<Answer> {
        let path = format!("/ws/{WORKSPACE}");
        let body = call_body(name, arguments);
        println!("\n> POST {path}\n> Authorization: Bearer $TOKEN\n> {body}");
        let address =
            self.gateway_url.strip_prefix("http://").context("the demo's gateway speaks plain HTTP")?;
        let answer = visitor::post(address, &path, token, &body)?;
        println!("< HTTP {}\n< {}", answer.status, answer.body.trim_end());
        Ok(answer)
    }

    /// Lines to paste into a shell.
    pub(super) fn things_to_try(&self, token: &str) -> Vec<String> {
        let body = call_body("example__echo", &json!({ "text": "hi" }));
        let cli = self.cli.display();
        vec![
            format!("export AEROSTACK_API_URL={} AEROSTACK_API_KEY={}", self.gateway_url, self.key),
            format!("TOKEN={token}"),
            format!(
                "curl -s {}/ws/{WORKSPACE} -H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json' -d '{body}'",
                self.gateway_url
            ),
            format!("{cli} workspace connect {WORKSPACE} --client claude-code"),
            format!("{cli} workspace token list {WORKSPACE}"),
            format!("{cli} workspace token revoke {WORKSPACE} --name \"Bob Singh\""),
        ]
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = clean(&self.cli);
        command.args(arguments);
        command.env("AEROSTACK_API_URL", &self.gateway_url).env("AEROSTACK_API_KEY", &self.key);
        command.env("AEROSTACK_CONFIG_DIR", self.scratch.path().join("config"));
        command
    }
}

fn succeeded(arguments: &[&str], status: ExitStatus) -> Result<()> {
    ensure!(status.success(), "`aerostack {}` failed ({status})", as_typed(arguments));
    Ok(())
}

fn call_body(name: &str, arguments: &Value) -> String {
    json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": name, "arguments": arguments } }).to_string()
}

/// A program that knows of the demo's gateway only.
fn clean(program: &std::path::Path) -> Command {
    let mut command = Command::new(program);
    for name in FOREIGN {
        command.env_remove(name);
    }
    command
}

fn as_typed(arguments: &[&str]) -> String {
    let quoted = |argument: &&str| match argument.contains(' ') {
        true => format!("\"{argument}\""),
        false => (*argument).to_owned(),
    };
    arguments.iter().map(quoted).collect::<Vec<_>>().join(" ")
}
