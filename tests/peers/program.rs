//! Programs that run beside the test.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

/// How long a server may take to listen.
const PATIENCE: Duration = Duration::from_secs(30);

/// A program that runs until it is dropped, with all it has started.
pub(crate) struct Running {
    child: Child,
    /// What it prints.
    pub(crate) lines: BufReader<ChildStdout>,
}

impl Running {
    /// Starts it in a process group of its own.
    pub(crate) fn start(mut command: Command) -> Self {
        command.process_group(0).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let lines = BufReader::new(child.stdout.take().expect("its output is piped"));
        Self { child, lines }
    }

    /// Waits for its next line.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("its output can be read");
        line.trim_end().to_owned()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        end_group(self.child.id());
        let _ = self.child.wait();
    }
}

/// Ends a process group.
pub(crate) fn end_group(id: u32) {
    // The shell's own `kill`: the program of that name is not everywhere.
    let _ = Command::new("sh").args(["-c", &format!("kill -s KILL -- -{id} 2>/dev/null")]).status();
}

/// A loopback port that is free now, and that the system gives nobody who asks for any.
pub(crate) fn free_port() -> u16 {
    static TAKEN: AtomicU16 = AtomicU16::new(0);
    let own = u16::try_from(std::process::id() % 600).expect("it is small") * 16;
    let is_free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    let mut ports = std::iter::repeat_with(|| 20_000 + own + TAKEN.fetch_add(1, Ordering::Relaxed));
    ports.find(is_free).expect("a free loopback port")
}

/// Waits until somebody listens at a port.
pub(crate) fn wait_for_port(port: u16) {
    let start = Instant::now();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    while TcpStream::connect(address).is_err() {
        assert!(start.elapsed() < PATIENCE, "nobody listens at port {port}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Where `cargo xtask test` installs packages.
pub(crate) fn cache() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("peers/.cache")
}

/// A program of the workspace.
pub(crate) fn own_program(name: &str) -> PathBuf {
    let folder = std::env::var_os("AEROSTACK_PROGRAMS").map(PathBuf::from).unwrap_or_else(|| {
        let own = std::env::current_exe().expect("a test knows where it is");
        own.ancestors().nth(2).expect("a test stands in a build folder").to_owned()
    });
    folder.join(name)
}
