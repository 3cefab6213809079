//! A PostgreSQL of our own for one test run: made in a temporary folder, gone afterwards.

use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::process::{self, Running};
use crate::provide;

/// Connections the cluster takes: every story has a gateway, every gateway a pool.
const MAX_CONNECTIONS: u32 = 300;
/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(60);
/// Whom the server runs as when we are root, which it refuses.
const USERS: [&str; 2] = ["postgres", "nobody"];

/// A running cluster. Dropped, it stops and its folder goes.
pub(crate) struct Cluster {
    port: u16,
    _server: Running,
    _folder: TempDir,
}

impl Cluster {
    /// Makes and starts one with the server programs in `programs`.
    pub(crate) fn start(programs: &Path) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("aerostack-postgres-").tempdir()?;
        let owner = owner(folder.path())?;
        let data = folder.path().join("data");
        let mut initdb = as_owner(&programs.join("initdb"), folder.path(), owner);
        initdb.arg("--pgdata").arg(&data);
        initdb.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]);
        process::output(&mut initdb)?;

        let port = free_port()?;
        let mut server = as_owner(&programs.join("postgres"), folder.path(), owner);
        server.arg("-D").arg(&data).arg("-k").arg(folder.path());
        server.args(["-h", "127.0.0.1", "-p", &port.to_string()]);
        let max_connections = format!("max_connections={MAX_CONNECTIONS}");
        // Nobody will miss these data after a crash.
        for setting in ["fsync=off", "synchronous_commit=off", "full_page_writes=off", &max_connections] {
            server.args(["-c", setting]);
        }
        server.stderr(std::fs::File::create(folder.path().join("log"))?);
        // SIGINT closes open connections; SIGTERM would wait for them.
        let mut server = Running::start(server)?.stop_signal("INT");
        wait_until_ready(&mut server, programs, port, &folder.path().join("log"))?;
        Ok(Self { port, _server: server, _folder: folder })
    }

    /// The superuser's address.
    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }
}

/// The folder of the server programs, if they are installed: on the path, or where Debian has them.
pub(crate) fn programs() -> Option<PathBuf> {
    let mut folders: Vec<PathBuf> = Vec::new();
    folders.extend(provide::find("postgres").and_then(|program| Some(program.parent()?.to_owned())));
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<PathBuf> = versions.map(|version| version.path()).collect();
    versions.sort_by_key(|path| path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok()));
    folders.extend(versions.into_iter().rev().map(|version| version.join("bin")));
    let all = ["initdb", "postgres", "pg_isready"];
    folders.into_iter().find(|folder| all.iter().all(|program| folder.join(program).is_file()))
}

/// Whom the folder is given to when we are root; `None` when we are somebody.
fn owner(folder: &Path) -> Result<Option<(u32, u32)>> {
    if folder.metadata()?.uid() != 0 {
        return Ok(None);
    }
    for user in USERS {
        let id = |flag| process::output(Command::new("id").args([flag, user]));
        if let (Ok(uid), Ok(gid)) = (id("-u"), id("-g")) {
            let (uid, gid) = (uid.trim().parse()?, gid.trim().parse()?);
            chown(folder, Some(uid), Some(gid))?;
            return Ok(Some((uid, gid)));
        }
    }
    bail!("PostgreSQL does not run as root, and there is no user `postgres` or `nobody` to run it as")
}

fn as_owner(program: &Path, folder: &Path, owner: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).stdin(Stdio::null());
    if let Some((uid, gid)) = owner {
        command.uid(uid).gid(gid);
    }
    command
}

fn wait_until_ready(server: &mut Running, programs: &Path, port: u16, log: &Path) -> Result<()> {
    let start = Instant::now();
    loop {
        let mut ready = Command::new(programs.join("pg_isready"));
        ready.args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()]);
        if ready.status().context("pg_isready")?.success() {
            return Ok(());
        }
        if !server.is_running() || start.elapsed() > PATIENCE {
            let log = std::fs::read_to_string(log).unwrap_or_default();
            bail!("PostgreSQL does not start:\n{log}");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
