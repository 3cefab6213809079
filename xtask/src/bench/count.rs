//! `count`: instructions of a call, counted by callgrind: a figure that does not depend on the machine's
//! mood, beside the one that is kept in the work tree; and how they are shared out among the stages of
//! a call. What the kernel does for the proxy is not in it.
//!
//! Compared is the path of a call by itself: what the threads do that serve connections. What other
//! threads do behind (records written and added up, the log written) is told apart, because it depends on
//! how many calls are written at once, and so on how fast the machine is.

mod chains;
mod kept;
mod stages;
mod under;

use std::fmt::Write as _;

use anyhow::{Result, anyhow};

use super::stand::{GATEWAY, HOP};
use crate::paths::Profile;
use crate::{process, provide};

use kept::Kept;
use stages::Share;

/// What is built: the gateway, and what measurements stand on.
const PACKAGES: [&str; 2] = ["aerostack-gateway", "aerostack-benches"];

/// What can be chosen.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Keep what is counted now as what calls may cost from now on
    #[arg(long)]
    keep: bool,
    /// Count in the programs as they are built, without building
    #[arg(long)]
    as_built: bool,
}

/// What was counted, a call.
pub(super) struct Counted {
    /// Instructions of the bare hop.
    hop: f64,
    /// Instructions of the gateway's path of a call, by stage; together they are all of it.
    pub(super) stages: Vec<Share>,
    /// What its other threads did for it.
    behind: Share,
}

/// Counts, prints, and compares with what is kept; missing valgrind is a failure.
pub(crate) fn run(options: &Options) -> Result<()> {
    provide::valgrind().map_err(|missing| anyhow!(missing))?;
    if !options.as_built {
        build()?;
    }
    let counted = measure()?;
    println!("{}\n{}", counted.told(), counted.by_stage(None));
    let now = counted.to_keep();
    if options.keep {
        return now.write();
    }
    Kept::read()?.compare(&now)
}

/// Counts and compares: a step of what has to hold.
pub(crate) fn check() -> Result<()> {
    run(&Options { keep: false, as_built: false })
}

/// Builds what is counted in.
pub(super) fn build() -> Result<()> {
    let mut build = process::cargo(&["build", "--profile", "counted", "--bins"]);
    PACKAGES.iter().for_each(|package| {
        build.args(["--package", package]);
    });
    process::run(&mut build)
}

/// Counts, in what is built, under valgrind.
pub(super) fn measure() -> Result<Counted> {
    let (hop, gateway) = under::count(Profile::Counted)?;
    let (path, behind): (Vec<_>, Vec<_>) = gateway.threads.iter().partition(|thread| thread.is_edge());
    Ok(Counted {
        hop: Share::of_all("hop", hop.threads.iter(), hop.calls).instructions,
        stages: stages::shares(&path, gateway.calls)?,
        behind: Share::of_all("behind the calls", behind.into_iter(), gateway.calls),
    })
}

impl Counted {
    /// Instructions of the path of a call.
    pub(super) fn path(&self) -> f64 {
        self.stages.iter().map(|stage| stage.instructions).sum()
    }

    fn to_keep(&self) -> Kept {
        Kept { hop: self.hop, path: self.path() }
    }

    fn told(&self) -> String {
        let mut text = "| | instructions a call |\n|---|---|\n".to_owned();
        let rows =
            [(HOP, self.hop), (GATEWAY, self.path()), ("… behind the calls", self.behind.instructions)];
        for (name, instructions) in rows {
            let _ = writeln!(text, "| {name} | {instructions:.0} |");
        }
        text
    }

    /// The budget of each stage; with the microseconds that a call's path takes in the program itself and
    /// in the kernel for it, those as well.
    pub(super) fn by_stage(&self, microseconds: Option<[f64; 2]>) -> String {
        let mut text = "| stage | instructions a call | allocations |".to_owned();
        text.push_str(if microseconds.is_some() {
            " µs |\n|---|---|---|---|\n"
        } else {
            "\n|---|---|---|\n"
        });
        let path = self.path();
        let mut row = |name: &str, instructions: f64, allocations: f64, share: f64| {
            let _ = write!(text, "| {name} | {instructions:.0} | {allocations:.1} |");
            if let Some([own, _]) = microseconds {
                let _ = write!(text, " {:.1} |", own * share);
            }
            text.push('\n');
        };
        for Share { name, instructions, allocations } in &self.stages {
            row(name, *instructions, *allocations, instructions / path);
        }
        row("**the path of a call**", path, self.stages.iter().map(|stage| stage.allocations).sum(), 1.0);
        if let Some([_, kernel]) = microseconds {
            let _ = writeln!(text, "| the kernel for it | | | {kernel:.1} |");
        }
        let Share { name, instructions, allocations } = &self.behind;
        let _ = write!(text, "| {name} | {instructions:.0} | {allocations:.1} |");
        text.push_str(if microseconds.is_some() { " |\n" } else { "\n" });
        text
    }
}
