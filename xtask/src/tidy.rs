//! `tidy`: the shape of the house, checked. What each check is for stands in `docs/style.md` and
//! `docs/architecture.md`.
//!
//! Source is read as text, not parsed: comments are left out, `use` trees are unfolded, and that is
//! enough to see which room imports from which.

mod arrows;
mod files;
mod rooms;
mod source;

use std::fmt;
use std::process::Command;

use anyhow::{Result, bail};

use crate::{paths, process};

use source::Source;

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    path: String,
    line: usize,
    reason: String,
}

impl Finding {
    fn new(path: &str, line: usize, reason: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, reason: reason.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.reason)
    }
}

/// Prints every finding; fails if there is one.
pub(crate) fn run() -> Result<()> {
    let findings = findings()?;
    for finding in &findings {
        println!("{finding}");
    }
    if !findings.is_empty() {
        bail!("tidy: {} finding(s)", findings.len());
    }
    println!("tidy: nothing found");
    Ok(())
}

fn findings() -> Result<Vec<Finding>> {
    let paths = tracked()?;
    let mut findings = files::check_names(&paths);
    findings.extend(files::check_migrations(&paths));
    for path in paths.iter().filter(|path| path.ends_with("Cargo.toml")) {
        findings.extend(arrows::check_manifest(path, &read(path)?));
    }
    for path in paths.iter().filter(|path| path.ends_with(".rs")) {
        let source = Source::new(path, read(path)?);
        findings.extend(files::check_source(&source));
        findings.extend(arrows::check(&source));
    }
    findings.sort();
    Ok(findings)
}

/// Every file that is or would be committed.
fn tracked() -> Result<Vec<String>> {
    let mut git = Command::new("git");
    git.args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"]).current_dir(paths::root());
    let list = process::output(&mut git)?;
    let exists = |path: &&str| !path.is_empty() && paths::root().join(path).exists();
    let mut paths: Vec<String> = list.split('\0').filter(exists).map(str::to_owned).collect();
    paths.sort();
    paths.dedup();
    Ok(paths)
}

fn read(path: &str) -> Result<String> {
    Ok(std::fs::read_to_string(paths::root().join(path))?)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_house_is_tidy() {
        let findings = super::findings().unwrap();
        let told: Vec<String> = findings.iter().map(ToString::to_string).collect();
        assert!(told.is_empty(), "\n{}", told.join("\n"));
    }
}
