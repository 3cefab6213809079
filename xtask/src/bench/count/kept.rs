//! What calls may cost: the file in the work tree, and how far from it a count may be.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::paths;

/// Where it is kept.
const FILE: &str = "tests/benches/instructions.toml";
/// Part by which a count may be above what is kept; if it is as much below, that has to be told anew.
const TOLERANCE: f64 = 0.1;
/// What the figures are of: other processors have other instructions.
const ARCHITECTURE: &str = "x86_64";
const HEAD: &str = "\
# Instructions of a `tools/call` with 1 KiB there and back, on x86_64, without what the kernel does for it.
# `cargo xtask count` fails where one is more than a tenth above; `cargo xtask count --keep` writes this file.
";

/// Instructions a call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Kept {
    /// Of the bare hop.
    pub(super) hop: f64,
    /// Of the gateway on the path of a call.
    pub(super) path: f64,
}

impl Kept {
    pub(super) fn read() -> Result<Self> {
        let text = std::fs::read_to_string(file()).with_context(|| format!("cannot read {FILE}"))?;
        Self::parse(&text).with_context(|| format!("{FILE} has hop and path, a number each"))
    }

    fn parse(text: &str) -> Option<Self> {
        let figure = |name: &str| {
            let of =
                |line: &str| line.strip_prefix(name)?.trim_start().strip_prefix('=')?.trim().parse().ok();
            text.lines().find_map(of)
        };
        Some(Self { hop: figure("hop")?, path: figure("path")? })
    }

    pub(super) fn write(&self) -> Result<()> {
        std::fs::write(file(), self.text()).with_context(|| format!("cannot write {FILE}"))
    }

    fn text(&self) -> String {
        let Self { hop, path } = self;
        format!("{HEAD}hop = {hop:.0}\npath = {path:.0}\n")
    }

    /// Compares what was counted now with what is kept.
    ///
    /// # Errors
    /// When one of them costs more than it may.
    pub(super) fn compare(&self, now: &Self) -> Result<()> {
        if std::env::consts::ARCH != ARCHITECTURE {
            println!("not compared: {FILE} is of {ARCHITECTURE}");
            return Ok(());
        }
        let mut too_dear = Vec::new();
        for (name, kept, now) in self.beside(now) {
            println!(
                "{name}: {now:.0} instructions a call, {:+.1} % beside {kept:.0}",
                (now / kept - 1.0) * 100.0
            );
            if now > kept * (1.0 + TOLERANCE) {
                too_dear.push(name);
            } else if now < kept * (1.0 - TOLERANCE) {
                println!("{name} has become cheaper: keep it so with `cargo xtask count --keep`");
            }
        }
        if !too_dear.is_empty() {
            bail!(
                "a call costs more than a tenth more than {FILE} says: {}. If it has to, say why and keep it with \
                 `cargo xtask count --keep`",
                too_dear.join(", ")
            );
        }
        Ok(())
    }

    fn beside(&self, now: &Self) -> [(&'static str, f64, f64); 2] {
        [("the bare hop", self.hop, now.hop), ("the path of a call", self.path, now.path)]
    }
}

fn file() -> PathBuf {
    paths::root().join(FILE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_as_it_was_written() {
        let kept = Kept { hop: 29_500.0, path: 176_800.0 };
        assert_eq!(Kept::parse(&kept.text()), Some(kept));
        assert_eq!(Kept::parse("hop = 1\npath = many\n"), None);
    }

    #[test]
    fn a_tenth_more_is_too_much_and_less_is_not() {
        let kept = Kept { hop: 1_000.0, path: 1_000.0 };
        let compared = |path: f64| kept.compare(&Kept { path, ..kept });
        assert!(compared(1_099.0).is_ok() && compared(500.0).is_ok());
        let error = compared(1_101.0).unwrap_err().to_string();
        assert!(error.contains("the path of a call") && !error.contains("hop"), "{error}");
    }
}
