//! `completions`: a script made from the grammar.

use clap_complete::Shell;

use crate::Outcome;
use crate::args;
use crate::context::Context;

pub(super) fn run(context: &mut Context<'_>, shell: Shell) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut args::command(), "aerostack", &mut script);
    context.output.line(String::from_utf8_lossy(&script).trim_end())
}
