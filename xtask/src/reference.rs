//! `docs/cli.md`, printed by the command line about itself.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::paths::{self, Profile};
use crate::process;

/// Writes it.
pub(crate) fn write() -> Result<()> {
    std::fs::write(path(), render()?).context("docs/cli.md")
}

/// Refuses when the file is not what the program prints.
pub(crate) fn check() -> Result<()> {
    if std::fs::read_to_string(path()).unwrap_or_default() != render()? {
        bail!("docs/cli.md is not what the program prints: run `cargo xtask reference`");
    }
    Ok(())
}

fn path() -> PathBuf {
    paths::root().join("docs/cli.md")
}

fn render() -> Result<String> {
    process::run(&mut process::cargo(&["build", "--quiet", "--package", "aerostack-cli"]))?;
    process::output(Command::new(paths::program("aerostack", Profile::Dev)?).arg("reference"))
}
