//! `docs/openapi.json`, made of the operations in core.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::paths;

/// Writes it.
pub(crate) fn write() -> Result<()> {
    std::fs::write(path(), render()?).context("docs/openapi.json")
}

/// Refuses when the file is not what the code makes.
pub(crate) fn check() -> Result<()> {
    if std::fs::read_to_string(path()).unwrap_or_default() != render()? {
        bail!("docs/openapi.json is not what the code makes: run `cargo xtask openapi`");
    }
    Ok(())
}

fn path() -> PathBuf {
    paths::root().join("docs/openapi.json")
}

fn render() -> Result<String> {
    let document = aerostack_core::api::openapi::document(env!("CARGO_PKG_VERSION"));
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}
