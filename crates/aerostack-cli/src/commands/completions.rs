//! `completions`: a script made from the grammar.

use clap_complete::Shell;

use crate::args::cli;
use crate::context::Context;
use crate::failure::Outcome;

pub(super) fn run(context: &mut Context<'_>, shell: Shell) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut cli::command(), "aerostack", &mut script);
    context.output.line(String::from_utf8_lossy(&script).trim_end())
}
