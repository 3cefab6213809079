//! What `tests/peers` needs of npm and PyPI: installed once into its ignored `.cache` folder, at the
//! versions pinned beside the scripts, with all that it needs in turn.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::provide::{self, Missing};
use crate::{paths, process};

/// Virtual environments and the pinned lists they are made of.
const ENVIRONMENTS: [&str; 3] = ["python-1", "python-2", "servers"];

/// Installs what clients and servers want and is missing, or tells why it cannot be had.
pub(crate) fn prepare_clients() -> Result<(), Missing> {
    provide::node()?;
    let python = provide::python()?;
    install_node_packages().and_then(|()| install_environments(python)).map_err(not_installed)
}

/// The same for what looks at pages.
pub(crate) fn prepare_browser() -> Result<(), Missing> {
    provide::chromium()?;
    provide::node()?;
    install_node_packages().map_err(not_installed)
}

fn not_installed(error: anyhow::Error) -> Missing {
    format!("its packages cannot be installed: {error:#}")
}

/// Where the lists are, and where what they name is installed.
fn folders() -> Result<(PathBuf, PathBuf)> {
    let peers = paths::root().join("tests/peers");
    let cache = peers.join(".cache");
    std::fs::create_dir_all(&cache)?;
    Ok((peers, cache))
}

fn install_node_packages() -> Result<()> {
    let (peers, cache) = folders()?;
    let lists = ["package.json", "package-lock.json"];
    unless_current(&lists.map(|name| peers.join(name)), &cache.join("package.installed"), || {
        for name in lists {
            std::fs::copy(peers.join(name), cache.join(name))?;
        }
        let mut npm = Command::new("npm");
        npm.args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
        process::run(npm.current_dir(&cache))
    })
}

fn install_environments(python: &str) -> Result<()> {
    let (peers, cache) = folders()?;
    for name in ENVIRONMENTS {
        let lists = ["requirements", "constraints"].map(|kind| peers.join(format!("{kind}-{name}.txt")));
        let environment = cache.join(name);
        unless_current(&lists, &environment.join("requirements.installed"), || {
            let [wanted, pinned] = &lists;
            process::run(Command::new(python).args(["-m", "venv", "--clear"]).arg(&environment))?;
            let mut pip = Command::new(environment.join("bin/python"));
            pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
            process::run(pip.arg("--requirement").arg(wanted).arg("--constraint").arg(pinned))
        })?;
    }
    Ok(())
}

/// Runs `install` unless `mark` says that it was run with the same `lists`.
fn unless_current(lists: &[PathBuf], mark: &Path, install: impl Fn() -> Result<()>) -> Result<()> {
    let mut wanted = String::new();
    for list in lists {
        wanted += &std::fs::read_to_string(list).with_context(|| list.display().to_string())?;
    }
    if std::fs::read_to_string(mark).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    install()?;
    Ok(std::fs::write(mark, wanted)?)
}
