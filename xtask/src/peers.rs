//! What `tests/peers` needs of npm and PyPI: installed once into its ignored `.cache` folder, at the
//! versions pinned beside the scripts.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::provide::{self, Missing};
use crate::{paths, process};

/// Virtual environments and the pinned lists they are made of.
const ENVIRONMENTS: [&str; 3] = ["python-1", "python-2", "servers"];

/// Installs what is missing, or tells why it cannot be had.
pub(crate) fn prepare() -> Result<(), Missing> {
    provide::node()?;
    let python = provide::python()?;
    install(python).map_err(|error| format!("its packages cannot be installed: {error:#}"))
}

fn install(python: &str) -> Result<()> {
    let peers = paths::root().join("tests/peers");
    let cache = peers.join(".cache");
    std::fs::create_dir_all(&cache)?;
    unless_current(&peers.join("package.json"), &cache.join("package.json"), || {
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"]);
        npm.args(["--prefix"]).arg(&cache).arg("--install-strategy=hoisted");
        std::fs::copy(peers.join("package.json"), cache.join("package.json"))?;
        process::run(npm.current_dir(&cache))
    })?;
    for name in ENVIRONMENTS {
        let list = peers.join(format!("requirements-{name}.txt"));
        let environment = cache.join(name);
        unless_current(&list, &environment.join("requirements.txt"), || {
            process::run(Command::new(python).args(["-m", "venv", "--clear"]).arg(&environment))?;
            let mut pip = Command::new(environment.join("bin/python"));
            pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"])
                .arg(&list);
            process::run(&mut pip)
        })?;
    }
    Ok(())
}

/// Runs `install` unless `done` says that it was run with the same `list`.
fn unless_current(list: &Path, done: &Path, install: impl Fn() -> Result<()>) -> Result<()> {
    let mark: PathBuf = done.with_extension("installed");
    let wanted = std::fs::read_to_string(list).with_context(|| list.display().to_string())?;
    if std::fs::read_to_string(&mark).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    install()?;
    Ok(std::fs::write(mark, wanted)?)
}
