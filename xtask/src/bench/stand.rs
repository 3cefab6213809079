//! Everything that runs while it is measured: the upstream, and each way to it.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;
use tempfile::TempDir;

use super::furnish::{self, Gateway};
use super::pin::{self, Core};
use super::{nginx, program};
use crate::process::Running;
use crate::provide;

/// The names of the targets.
pub(super) const DIRECT: &str = "direct";
pub(super) const HOP: &str = "hop";
pub(super) const NGINX: &str = "nginx";
pub(super) const GATEWAY: &str = "gateway";

/// One way to the upstream.
pub(super) struct Target {
    pub(super) name: &'static str,
    /// Where it is called: `127.0.0.1:…`.
    pub(super) address: String,
    /// The path there.
    pub(super) path: &'static str,
    /// Its process group; nothing stands in the direct way.
    pub(super) process: Option<u32>,
}

/// All of it, running. Dropped, it ends.
pub(super) struct Stand {
    pub(super) targets: Vec<Target>,
    /// The file of tokens.
    pub(super) tokens: PathBuf,
    _running: Vec<Running>,
    _scratch: TempDir,
}

impl Stand {
    /// Starts everything there is on this machine.
    pub(super) fn open() -> Result<Self> {
        let scratch = tempfile::Builder::new().prefix("aerostack-bench-").tempdir()?;
        let listening = |core, arguments: &[&str]| -> Result<(Running, String)> {
            let mut command = pin::command(&program("aerostack-bench")?, core);
            command.args(arguments);
            let mut running = Running::start(command)?;
            let address = running.line_after("listening on ")?;
            Ok((running, address))
        };
        let target = |name, address: &str, path, running: Option<&Running>| Target {
            name,
            address: address.to_owned(),
            path,
            process: running.map(Running::id),
        };
        let (upstream, upstream_address) = listening(Core::Around, &["upstream"])?;
        let mut targets = vec![target(DIRECT, &upstream_address, "/mcp", None)];
        let (hop, address) = listening(Core::Proxy, &["hop", "--upstream", &upstream_address])?;
        targets.push(target(HOP, &address, "/mcp", Some(&hop)));

        let gateway = Gateway::start(&scratch.path().join("gateway"))?;
        gateway.make_workspace(furnish::WORKSPACE)?;
        gateway.install(furnish::WORKSPACE, furnish::SERVER, &format!("http://{upstream_address}/mcp"))?;
        let tokens = gateway.make_tokens(furnish::WORKSPACE)?;
        let mut running = vec![upstream, hop];
        match provide::nginx() {
            Ok(program) => {
                let folder = scratch.path().join("nginx");
                let (nginx, address) = nginx::start(&program, &folder, &upstream_address, &tokens)?;
                targets.push(target(NGINX, &address, "/mcp", Some(&nginx)));
                running.push(nginx);
            }
            Err(missing) => println!("skipped: nginx ({missing})"),
        }
        targets.push(target(GATEWAY, &gateway.address, "/ws/bench", Some(&gateway.running)));
        running.push(gateway.running);
        let file = scratch.path().join("tokens");
        fs::write(&file, tokens)?;
        Ok(Self { targets, tokens: file, _running: running, _scratch: scratch })
    }
}

impl Target {
    /// What a tool is called there.
    pub(super) fn tool(&self, name: &str) -> String {
        if self.name == GATEWAY { format!("{}__{name}", furnish::SERVER) } else { name.to_owned() }
    }
}
