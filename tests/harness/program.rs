//! The two programs as they are shipped, for stories that need a process: shells, signals, crashes.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::SystemTime;

use aerostack_gateway::clock::Clock;

use crate::engine::Place;
use crate::patience::eventually;
use crate::person::Person;

/// Names the folder of programs that were built already.
pub const PROGRAMS_VARIABLE: &str = "AEROSTACK_PROGRAMS";

/// The folder that holds the programs; they are built first unless they are newer than all sources.
///
/// # Panics
/// When they cannot be built.
#[must_use]
pub fn programs() -> PathBuf {
    if let Some(folder) = std::env::var_os(PROGRAMS_VARIABLE) {
        return folder.into();
    }
    let test = std::env::current_exe().expect("a test is a program");
    let folder = test.parent().and_then(Path::parent).expect("tests stand in <profile>/deps").to_owned();
    let changed = newest(&workspace().join("crates"));
    let is_fresh = |name: &str| modified(&folder.join(name)).is_some_and(|built| built > changed);
    if !(is_fresh("aerostack") && is_fresh("aerostack-gateway")) {
        build(&folder);
    }
    folder
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Built together with the tests' own package, so that nothing but the programs is compiled anew.
fn build(folder: &Path) {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args([
        "build",
        "--quiet",
        "--bins",
        "-p",
        "aerostack-tests",
        "-p",
        "aerostack-cli",
        "-p",
        "aerostack-gateway",
    ]);
    if folder.file_name() == Some(OsStr::new("release")) {
        cargo.arg("--release");
    }
    let built = cargo.current_dir(workspace()).status().expect("cargo runs");
    assert!(built.success(), "the programs are built");
    for name in ["aerostack", "aerostack-gateway"] {
        // Cargo leaves alone what has not changed; then it is as good as new.
        let file = std::fs::File::open(folder.join(name)).expect("the program is there");
        file.set_modified(now()).expect("the program is ours");
    }
}

fn modified(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|found| found.modified()).ok()
}

#[expect(clippy::disallowed_methods, reason = "files are dated by the machine's clock")]
fn now() -> SystemTime {
    SystemTime::now()
}

/// When a file below a folder was last changed.
fn newest(folder: &Path) -> SystemTime {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let dates = entries.map(|path| {
        if path.is_dir() { newest(&path) } else { modified(&path).unwrap_or(SystemTime::UNIX_EPOCH) }
    });
    dates.max().unwrap_or(SystemTime::UNIX_EPOCH)
}

/// Runs a script with the command line of a person; gives everything printed, in order.
///
/// # Panics
/// When there is no shell.
pub async fn runs_script(person: &Person, folder: &Path, script: &str, arguments: &[&str]) -> Output {
    let path = std::env::var("PATH").unwrap_or_default();
    let mut bash = Command::new("bash");
    bash.args(["-c", &format!("exec 2>&1\n{script}"), "script"]).args(arguments);
    bash.env("PATH", format!("{}:{path}", programs().display()))
        .env("AEROSTACK_API_URL", format!("http://{}", person.address))
        .env("AEROSTACK_API_KEY", &person.key)
        .env("AEROSTACK_CONFIG_DIR", folder.join("person"))
        .current_dir(folder);
    outside(move || bash.output()).await.expect("there is a shell")
}

/// Runs `aerostack-gateway` with these arguments at a place.
///
/// # Panics
/// When it does not run.
pub async fn runs_gateway(place: &Place, arguments: &[&str]) -> Output {
    let mut command = gateway(place);
    command.args(arguments);
    outside(move || command.output()).await.expect("the program runs")
}

/// Runs `aerostack-gateway` and kills it after a while, unless it has ended by then.
///
/// # Panics
/// When it does not run.
pub async fn kills_gateway(place: &Place, arguments: &[&str], after: std::time::Duration) {
    let mut command = gateway(place);
    command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().expect("the program runs");
    tokio::time::sleep(after).await;
    // It may have ended already.
    let _ = child.kill();
    outside(move || child.wait()).await.expect("it is our child");
}

async fn outside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.expect("the work does not panic")
}

fn gateway(place: &Place) -> Command {
    let mut command = Command::new(programs().join("aerostack-gateway"));
    command
        .arg("--data-dir")
        .arg(&place.config().data_dir)
        .args(["--database-url", &place.database_url()])
        .args(["--listen", "127.0.0.1:0"])
        .env("AEROSTACK_LOG", "warn");
    command
}

/// Where a gateway that talks keeps its log, in the place's folder.
pub const LOG_FILE: &str = "gateway.log";

/// Waits until a gateway that runs has logged these words; gives everything it logged. Lines are written a
/// moment after what they tell of.
pub async fn logged(log: &Path, words: &str) -> String {
    let mut text = String::new();
    eventually(&format!("the log says {words:?}"), async || {
        text = std::fs::read_to_string(log).unwrap_or_default();
        text.contains(words)
    })
    .await;
    text
}

/// A gateway in a process of its own. Dropped, it is killed.
#[derive(Debug)]
pub struct Process {
    /// Where it listens.
    pub address: SocketAddr,
    child: Child,
}

impl Process {
    /// Starts one and waits until it listens.
    ///
    /// # Panics
    /// When it does not.
    pub async fn starts(place: &Place) -> Self {
        Self::starts_with(gateway(place), Stdio::null()).await
    }

    /// The same, logging everything there is to log into a file.
    ///
    /// # Panics
    /// When it does not start, or the file cannot be made.
    pub async fn starts_logging(place: &Place, log: &Path) -> Self {
        let mut command = gateway(place);
        command.env("AEROSTACK_LOG", "trace");
        Self::starts_with(command, std::fs::File::create(log).expect("the log can be made").into()).await
    }

    /// The same at the level of information, and with programs as servers allowed.
    ///
    /// # Panics
    /// As before.
    pub async fn starts_running_programs(place: &Place, log: &Path) -> Self {
        let mut command = gateway(place);
        command.arg("--allow-stdio").env("AEROSTACK_LOG", "info");
        Self::starts_with(command, std::fs::File::create(log).expect("the log can be made").into()).await
    }

    /// The same with variables of its own.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn starts_as(place: &Place, variables: &[(&str, &str)]) -> Self {
        let mut command = gateway(place);
        command.envs(variables.iter().copied());
        Self::starts_with(command, Stdio::null()).await
    }

    /// The same, so that it meets an error where a file would grow beyond [`Process::may_write`], and is
    /// not ended.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn starts_on_a_small_disk(place: &Place, variables: &[(&str, &str)]) -> Self {
        let gateway = gateway(place);
        let mut command = Command::new("bash");
        command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(gateway.get_program());
        command.args(gateway.get_args()).envs(variables.iter().copied());
        Self::starts_with(command, Stdio::null()).await
    }

    /// Lets it write files up to this size; `None` is any.
    ///
    /// # Panics
    /// When there is no `prlimit`.
    pub fn may_write(&self, bytes: Option<u64>) {
        let soft = bytes.map_or_else(|| "unlimited".to_owned(), |bytes| bytes.to_string());
        let limit = format!("--fsize={soft}:unlimited");
        let limited = Command::new("prlimit").args([&limit, "--pid", &self.child.id().to_string()]).status();
        assert!(limited.expect("there is a prlimit").success());
    }

    async fn starts_with(mut command: Command, stderr: Stdio) -> Self {
        command.arg("serve").stdout(Stdio::piped()).stderr(stderr);
        let mut child = command.spawn().expect("the program runs");
        let stdout = child.stdout.take().expect("it is piped");
        let line = outside(move || BufReader::new(stdout).lines().next()).await;
        let line = line.expect("it says where it listens").expect("what it says can be read");
        let address = line.strip_prefix("listening on http://").and_then(|address| address.parse().ok());
        Self { address: address.unwrap_or_else(|| panic!("{line}")), child }
    }

    /// Makes an operator with `owner create`, beside it.
    ///
    /// # Panics
    /// When that is refused.
    pub async fn owner(&self, place: &Place) -> Person {
        let line =
            ["owner", "create", "--email", "admin@co.com", "--username", "acme", "--plan", "enterprise"];
        let made = runs_gateway(place, &line).await;
        assert!(made.status.success(), "{made:?}");
        let key = String::from_utf8_lossy(&made.stdout).trim().to_owned();
        Person::new(self.address, "acme", &key, Clock::system())
    }

    /// Its resident memory, in KiB.
    ///
    /// # Panics
    /// When the system does not tell.
    #[must_use]
    pub fn resident_kib(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.expect("the process runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it has memory");
        line.trim().trim_end_matches(" kB").trim().parse().expect("a number")
    }

    /// Ends it as a power cut does.
    ///
    /// # Panics
    /// When it cannot be killed.
    pub fn is_killed(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }

    /// Asks it to end.
    ///
    /// # Panics
    /// When there is no `kill`.
    pub fn is_asked_to_end(&self) {
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(asked.expect("there is a kill").success());
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it cannot be waited for.
    pub async fn ends(mut self) -> ExitStatus {
        let mut status = None;
        eventually("the process ends", async || {
            status = self.child.try_wait().expect("it is our child");
            status.is_some()
        })
        .await;
        status.expect("it has ended")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
