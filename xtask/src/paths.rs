//! Where things are: the work tree, the build's folder, its programs.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The root of the work tree.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is a folder of the work tree")
}

/// Which build of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Quick to build.
    Dev,
    /// What is shipped.
    Release,
    /// What instructions are counted in.
    Counted,
}

/// The folder of the build, wherever the caller has put it: this program stands in it.
pub(crate) fn target_dir() -> Result<PathBuf> {
    let own = std::env::current_exe().context("where this program stands")?;
    // `target/debug/xtask`, or `target/debug/deps/xtask-…` as a test.
    let profile = own.ancestors().find(|dir| dir.ends_with("debug") || dir.ends_with("release"));
    let target = profile.and_then(Path::parent).context("this program does not stand in a build folder")?;
    Ok(target.to_owned())
}

/// A program of the workspace, once it is built.
pub(crate) fn program(name: &str, profile: Profile) -> Result<PathBuf> {
    let folder = match profile {
        Profile::Dev => "debug",
        Profile::Release => "release",
        Profile::Counted => "counted",
    };
    Ok(target_dir()?.join(folder).join(format!("{name}{}", std::env::consts::EXE_SUFFIX)))
}
