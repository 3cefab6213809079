//! Everything that runs while it is measured: the upstreams, and each way to them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use tempfile::TempDir;

use super::furnish::{Gateway, LISTS, SERVER, WORKSPACE};
use super::load::{KIB, Load, What};
use super::pin::{self, Core};
use super::{nginx, program};
use crate::postgres::Cluster;
use crate::process::Running;
use crate::provide;

/// The names of the targets.
const DIRECT: &str = "direct";
pub(super) const HOP: &str = "hop";
pub(super) const NGINX: &str = "nginx";
pub(super) const GATEWAY: &str = "gateway";
pub(super) const POSTGRES: &str = "gateway on PostgreSQL";

/// Tokens that take turns.
const TOKENS: u32 = 1_000;
/// Servers of the workspace that is asked for its tools, and tools of each.
const SERVERS: u32 = 10;
const TOOLS: &str = "20";

/// What stands at a target's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The upstream.
    Upstream,
    /// Lists of many servers, which nobody but the gateway puts together.
    Lists,
}

/// One way to the upstream.
pub(super) struct Target {
    pub(super) name: &'static str,
    pub(super) place: Place,
    /// Where it is called: `127.0.0.1:…`.
    pub(super) address: String,
    /// The path there.
    pub(super) path: String,
    /// The file of tokens that are accepted there.
    pub(super) tokens: PathBuf,
    /// Its process group; nothing stands in the direct way.
    pub(super) process: Option<u32>,
}

/// All of it, running. Dropped, it ends.
pub(super) struct Stand {
    pub(super) targets: Vec<Target>,
    running: Vec<Running>,
    // Ends after the gateway that uses it.
    cluster: Option<Cluster>,
    scratch: TempDir,
}

impl Stand {
    /// Starts everything there is on this machine.
    pub(super) fn open() -> Result<Self> {
        let scratch = tempfile::Builder::new().prefix("aerostack-bench-").tempdir()?;
        let mut stand = Self { targets: Vec::new(), running: Vec::new(), cluster: None, scratch };
        let upstream = stand.start(Core::Around, &["upstream"])?;
        let many = stand.start(Core::Around, &["upstream", "--tools", TOOLS])?;
        let hop = stand.start(Core::Proxy, &["hop", "--upstream", &upstream])?;
        let hop_process = stand.running.last().map(Running::id);

        let mut gateway = Gateway::start(&stand.scratch.path().join("gateway"))?;
        gateway.make_owner()?;
        gateway.make_workspace(WORKSPACE)?;
        gateway.install(WORKSPACE, SERVER, &format!("http://{upstream}/mcp"))?;
        let tokens = gateway.make_tokens(WORKSPACE, TOKENS)?;
        gateway.make_workspace(LISTS)?;
        for number in 0..SERVERS {
            gateway.install(LISTS, &format!("many-{number}"), &format!("http://{many}/mcp/{number}"))?;
        }
        let list_tokens = stand.keep("list-tokens", &gateway.make_tokens(LISTS, 1)?)?;
        let file = stand.keep("tokens", &tokens)?;

        let target = |name, address: &str, path: &str, process| Target {
            name,
            place: Place::Upstream,
            address: address.to_owned(),
            path: path.to_owned(),
            tokens: file.clone(),
            process,
        };
        stand.targets.push(target(DIRECT, &upstream, "/mcp", None));
        stand.targets.push(target(HOP, &hop, "/mcp", hop_process));
        match provide::nginx() {
            Ok(program) => {
                let folder = stand.scratch.path().join("nginx");
                let (nginx, address) = nginx::start(&program, &folder, &upstream, &tokens)?;
                stand.targets.push(target(NGINX, &address, "/mcp", Some(nginx.id())));
                stand.running.push(nginx);
            }
            Err(missing) => println!("skipped: nginx ({missing})"),
        }
        let process = Some(gateway.running.id());
        stand.targets.push(target(GATEWAY, &gateway.address, "/ws/bench", process));
        let lists = target(GATEWAY, &gateway.address, "/ws/lists", process);
        stand.targets.push(Target { place: Place::Lists, tokens: list_tokens, ..lists });
        stand.running.push(gateway.running);
        match provide::postgres() {
            Ok(programs) => stand.open_on_postgres(&programs, &upstream)?,
            Err(missing) => println!("skipped: {POSTGRES} ({missing})"),
        }
        Ok(stand)
    }

    /// A second gateway, with its rows in PostgreSQL, whose own processes are not measured.
    fn open_on_postgres(&mut self, programs: &Path, upstream: &str) -> Result<()> {
        let cluster = Cluster::start(programs)?;
        let settings = [("AEROSTACK_DATABASE_URL", cluster.url())];
        let mut gateway = Gateway::start_with(&self.scratch.path().join("on-postgres"), &settings)?;
        gateway.make_owner()?;
        gateway.make_workspace(WORKSPACE)?;
        gateway.install(WORKSPACE, SERVER, &format!("http://{upstream}/mcp"))?;
        let tokens = self.keep("postgres-tokens", &gateway.make_tokens(WORKSPACE, TOKENS)?)?;
        self.targets.push(Target {
            name: POSTGRES,
            place: Place::Upstream,
            address: gateway.address.clone(),
            path: format!("/ws/{WORKSPACE}"),
            tokens,
            process: Some(gateway.running.id()),
        });
        self.running.push(gateway.running);
        self.cluster = Some(cluster);
        Ok(())
    }

    /// Starts one of the bench's own programs and gives where it listens.
    fn start(&mut self, core: Core, arguments: &[&str]) -> Result<String> {
        let mut command = pin::command(&program("aerostack-bench")?, core);
        command.args(arguments);
        let mut running = Running::start(command)?;
        let address = running.line_after("listening on ")?;
        self.running.push(running);
        Ok(address)
    }

    fn keep(&self, name: &str, text: &str) -> Result<PathBuf> {
        let file = Path::new(self.scratch.path()).join(name);
        fs::write(&file, text)?;
        Ok(file)
    }
}

impl Target {
    /// Whether a load is for it. On the other database only what records go through is measured.
    pub(super) fn takes(&self, load: &Load) -> bool {
        let is_plain = *load == Load::new(What::Echo(KIB), 16, None);
        load.place == self.place && (self.name != POSTGRES || is_plain)
    }

    /// What a tool is called there.
    pub(super) fn tool(&self, name: &str) -> String {
        if [GATEWAY, POSTGRES].contains(&self.name) { format!("{SERVER}__{name}") } else { name.to_owned() }
    }
}
