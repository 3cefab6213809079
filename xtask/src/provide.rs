//! Finds the programs of other people that tests want, and installs them where that is safe to do:
//! as root on Debian, where machines for tests are.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Result, bail};

use crate::{postgres, process};

/// The first Node that tests run on.
const NODE_MAJOR: u32 = 20;
/// What Chromium is called on different systems; the tests look for the same.
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];
/// The first Python that tests run on, after the 3.
const PYTHON_MINOR: u32 = 10;

/// Why something cannot be had, and how a person gets it.
pub(crate) type Missing = String;

/// A program on the path.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// The folder of PostgreSQL's server programs.
pub(crate) fn postgres() -> Result<PathBuf, Missing> {
    let install = || install(&["postgresql"]);
    let missing = "PostgreSQL's server programs are missing: install `postgresql` (Debian, Homebrew)";
    postgres::programs()
        .or_else(|| install().ok().and_then(|()| postgres::programs()))
        .ok_or(missing.to_owned())
}

/// The program of nginx, which Debian puts where only root looks.
pub(crate) fn nginx() -> Result<PathBuf, Missing> {
    let own = PathBuf::from("/usr/sbin/nginx");
    let program = || find("nginx").or_else(|| Some(own.clone()).filter(|file| file.is_file()));
    let missing = "nginx is missing: install `nginx-light` (Debian) or `nginx` (Homebrew)";
    program().or_else(|| install(&["nginx-light"]).ok().and_then(|()| program())).ok_or(missing.to_owned())
}

/// Makes sure of valgrind.
pub(crate) fn valgrind() -> Result<(), Missing> {
    let is_there = || find("valgrind").is_some();
    if is_there() || (install(&["valgrind"]).is_ok() && is_there()) {
        return Ok(());
    }
    Err("valgrind is missing: install `valgrind` (Debian)".to_owned())
}

/// Makes sure of Node and npm.
pub(crate) fn node() -> Result<(), Missing> {
    let version = || -> Option<u32> {
        find("npm")?;
        let version = process::output(Command::new("node").arg("--version")).ok()?;
        version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
    };
    let found = version().or_else(|| install(&["nodejs", "npm"]).ok().and_then(|()| version()));
    match found {
        Some(major) if major >= NODE_MAJOR => Ok(()),
        Some(major) => Err(format!("Node {major} is too old: install Node {NODE_MAJOR} or newer with npm")),
        None => Err(format!("Node is missing: install Node {NODE_MAJOR} or newer with npm")),
    }
}

/// Makes sure of a browser that tests can drive.
pub(crate) fn chromium() -> Result<(), Missing> {
    let is_there = || BROWSERS.iter().any(|name| find(name).is_some());
    if is_there() || (install(&["chromium"]).is_ok() && is_there()) {
        return Ok(());
    }
    Err("Chromium is missing: install `chromium` (Debian) or Chrome".to_owned())
}

/// Makes sure of a Python that can make virtual environments, and gives its name.
pub(crate) fn python() -> Result<&'static str, Missing> {
    let minor = || -> Option<u32> {
        let ask = "import sys, venv, ensurepip; print(sys.version_info.minor if sys.version_info.major == 3 else 0)";
        process::output(Command::new("python3").args(["-c", ask])).ok()?.trim().parse().ok()
    };
    let found = minor().or_else(|| install(&["python3", "python3-venv"]).ok().and_then(|()| minor()));
    match found {
        Some(minor) if minor >= PYTHON_MINOR => Ok("python3"),
        Some(_) => Err(format!("Python is too old: install Python 3.{PYTHON_MINOR} or newer with venv")),
        None => Err(format!("Python is missing: install Python 3.{PYTHON_MINOR} or newer with venv")),
    }
}

/// Installs Debian packages; refused where we are not root on Debian.
fn install(packages: &[&str]) -> Result<()> {
    if !Path::new("/etc/debian_version").exists() || !is_root() {
        bail!("packages are installed as root on Debian only");
    }
    static UPDATED: OnceLock<bool> = OnceLock::new();
    println!("installing {}", packages.join(", "));
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.args(["-qq", "-y", "-o", "Dpkg::Use-Pty=0"]).args(arguments);
        process::run(command.env("DEBIAN_FRONTEND", "noninteractive"))
    };
    UPDATED.get_or_init(|| apt(&["update"]).is_ok());
    apt(&[&["install", "--no-install-recommends"], packages].concat())
}

fn is_root() -> bool {
    process::output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}
