//! What the clients meet: a gateway on SQLite with one workspace, and behind it four servers at addresses and
//! five programs that the gateway runs.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use aerostack_tests::upstream::{Prompt, Resource, Setup, Upstream};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::bearer;
use crate::program::{Running, cache, free_port, own_program, wait_for_port};

/// The workspace all clients share; each has a token of its own.
pub(crate) const WORKSPACE: &str = "peers";

/// The running programs.
pub(crate) struct World {
    /// Where the gateway is.
    pub(crate) url: String,
    key: String,
    cli: PathBuf,
    // Dropped in this order: the folder of the gateway goes after it.
    _gateway: Running,
    _servers: Vec<Running>,
    example: Upstream,
    fixtures: Mutex<Vec<Upstream>>,
    runtime: Runtime,
    scratch: TempDir,
}

impl World {
    /// Starts everything and installs the servers into the workspace.
    pub(crate) fn start() -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let example = runtime.block_on(example().start());
        let everything = everything("streamableHttp");
        let everything_sse = everything_sse();
        let time = time();
        let scratch = TempDir::new().expect("a folder of our own");
        let (gateway, url) = gateway(scratch.path());
        let world = Self {
            url,
            key: owner_key(scratch.path()),
            cli: own_program("aerostack"),
            _gateway: gateway,
            _servers: vec![everything.0, everything_sse.0, time.0],
            runtime,
            scratch,
            example,
            fixtures: Mutex::default(),
        };
        world.aerostack(&["workspace", "create", WORKSPACE]);
        let example = world.example.url();
        let servers = [
            ("everything", &everything.1),
            ("everything-sse", &everything_sse.1),
            ("time", &time.1),
            ("example", &example),
        ];
        for (slug, url) in servers {
            world.aerostack(&["mcp", "add", slug, "--url", url]);
            world.aerostack(&["mcp", "install", slug, "--workspace", WORKSPACE]);
        }
        world.add_programs();
        world
    }

    /// Starts a server that runs as long as the world; gives its address.
    pub(crate) fn keeps(&self, setup: Setup) -> String {
        let fixture = self.runtime.block_on(setup.start());
        let url = fixture.url();
        self.fixtures.lock().expect("one test keeps them").push(fixture);
        url
    }

    /// Listens at a port whose requests reach the gateway with this token; gives the port.
    pub(crate) fn adds_bearer(&self, token: &str) -> u16 {
        let address = self.url.trim_start_matches("http://").parse().expect("the gateway's own address");
        bearer::adding(&self.runtime, token.to_owned(), address)
    }

    /// The folder that programs work on.
    pub(crate) fn desk(&self) -> String {
        self.scratch.path().join("desk").display().to_string()
    }

    /// The programs of others, as an editor would start them; each gets a folder to work on.
    fn add_programs(&self) {
        let desk = self.desk();
        let folder = Path::new(&desk);
        std::fs::create_dir(folder).expect("a folder to work on");
        std::fs::write(folder.join("note.txt"), "hello from a file").expect("a file to read");
        succeed(Command::new("git").args(["init", "--quiet"]).current_dir(folder));
        let module = |name: &str| {
            let path = format!("node_modules/@modelcontextprotocol/server-{name}/dist/index.js");
            cache().join(path).display().to_string()
        };
        let server = |name: &str| cache().join("servers/bin").join(name).display().to_string();
        let memory = format!("MEMORY_FILE_PATH={}", self.scratch.path().join("memory.jsonl").display());
        let programs = [
            ("files-stdio", None, vec!["node".to_owned(), module("filesystem"), desk.clone()]),
            ("memory-stdio", Some(memory), vec!["node".to_owned(), module("memory")]),
            ("everything-stdio", None, vec!["node".to_owned(), module("everything"), "stdio".to_owned()]),
            ("git-stdio", None, vec![server("mcp-server-git"), "--repository".to_owned(), desk]),
            (
                "time-stdio",
                None,
                vec![server("mcp-server-time"), "--local-timezone".to_owned(), "UTC".to_owned()],
            ),
        ];
        for (slug, setting, command) in &programs {
            let mut line = vec!["mcp", "add", slug, "--stdio"];
            if let Some(setting) = setting {
                line.extend(["--env", setting]);
            }
            line.push("--");
            line.extend(command.iter().map(String::as_str));
            self.aerostack(&line);
            self.aerostack(&["mcp", "install", slug, "--workspace", WORKSPACE]);
        }
    }

    /// Runs the command line and gives what it printed.
    pub(crate) fn aerostack(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(&self.cli);
        command.args(arguments).env("AEROSTACK_API_URL", &self.url).env("AEROSTACK_API_KEY", &self.key);
        succeed(command.env("AEROSTACK_CONFIG_DIR", self.scratch.path().join("config")))
    }
}

/// A modern server with something of every kind.
fn example() -> Setup {
    let resources = [Resource::at("file:///notes"), Resource::template("file:///{name}/raw")];
    Setup::modern().prompts([Prompt::greet()]).resources(resources)
}

fn gateway(data: &Path) -> (Running, String) {
    let mut serve = Command::new(own_program("aerostack-gateway"));
    serve.arg("--allow-stdio").env("AEROSTACK_DATA_DIR", data).env("AEROSTACK_LISTEN", "127.0.0.1:0");
    let log = std::fs::File::create(data.join("gateway.log")).expect("a log file");
    let mut gateway = Running::start({
        serve.stderr(log);
        serve
    });
    let line = gateway.line();
    let url = line.strip_prefix("listening on ").unwrap_or_else(|| {
        let log = std::fs::read_to_string(data.join("gateway.log")).unwrap_or_default();
        panic!("the gateway said {line:?}\n{log}")
    });
    (gateway, url.to_owned())
}

fn owner_key(data: &Path) -> String {
    let mut owner = Command::new(own_program("aerostack-gateway"));
    owner.args(["owner", "create", "--email", "admin@example.com", "--username", "acme"]);
    succeed(owner.env("AEROSTACK_DATA_DIR", data)).trim().to_owned()
}

fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let talk = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{:?} failed: {talk}", command.get_program());
    String::from_utf8(output.stdout).expect("programs of ours print text")
}

/// Node for a server of somebody else, which listens on this machine only.
fn node() -> Command {
    let mut node = Command::new("node");
    node.arg("--require").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/loopback.cjs"));
    node.stderr(Stdio::null());
    node
}

/// The reference server; its first argument is its transport.
fn everything(transport: &str) -> (Running, String) {
    let port = free_port();
    let mut node = node();
    node.arg(cache().join("node_modules/@modelcontextprotocol/server-everything/dist/index.js"))
        .arg(transport);
    let running = Running::start({
        node.env("PORT", port.to_string());
        node
    });
    wait_for_port(port);
    (running, format!("http://127.0.0.1:{port}/mcp"))
}

fn everything_sse() -> (Running, String) {
    let (running, url) = everything("sse");
    (running, url.replace("/mcp", "/sse"))
}

/// A server that speaks stdio only, put on HTTP by supergateway.
fn time() -> (Running, String) {
    let port = free_port();
    let server = cache().join("servers/bin/mcp-server-time");
    let mut node = node();
    node.arg(cache().join("node_modules/supergateway/dist/index.js"));
    node.args(["--stdio", &format!("{} --local-timezone UTC", server.display())]);
    node.args(["--outputTransport", "streamableHttp", "--stateful", "--logLevel", "none"]);
    node.args(["--port", &port.to_string()]);
    let running = Running::start(node);
    wait_for_port(port);
    (running, format!("http://127.0.0.1:{port}/mcp"))
}
