//! `reference`: all commands as Markdown, made from the grammar, for `docs/cli.md`.

use std::fmt::Write;

use clap::{Arg, Command};

use crate::args::cli;
use crate::context::Context;
use crate::failure::Outcome;

pub(super) fn run(context: &mut Context<'_>) -> Outcome {
    context.output.line(markdown().trim_end())
}

fn markdown() -> String {
    let mut root = cli::command();
    root.build();
    let mut text = String::from(
        "# Command line reference\n\nMade by `aerostack reference` from the program itself; do not edit.\n",
    );
    write_command(&mut text, &root, "aerostack");
    text
}

fn write_command(text: &mut String, command: &Command, path: &str) {
    let is_root = !path.contains(' ');
    if is_root || !command.has_subcommands() {
        write_section(text, command, path, is_root);
    }
    let below = command.get_subcommands().filter(|below| !below.is_hide_set() && below.get_name() != "help");
    for child in below {
        write_command(text, child, &format!("{path} {}", child.get_name()));
    }
}

fn write_section(text: &mut String, command: &Command, path: &str, is_root: bool) {
    let about = command.get_long_about().or(command.get_about());
    let about = about.map(ToString::to_string).unwrap_or_default();
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim();
    let aliases: Vec<String> = command.get_visible_aliases().map(|alias| format!("`{alias}`")).collect();
    push(text, &format!("\n## `{path}`\n\n{about}\n"));
    if !aliases.is_empty() {
        push(text, &format!("\nAlso: {}\n", aliases.join(", ")));
    }
    push(text, &format!("\n```text\n{usage}\n```\n"));
    let shown = |argument: &&Arg| {
        !argument.is_hide_set() && argument.get_id() != "help" && argument.get_id() != "version"
    };
    // Global options are told once, at the root.
    let own: Vec<&Arg> = command
        .get_arguments()
        .filter(shown)
        .filter(|argument| is_root || !argument.is_global_set())
        .collect();
    if !own.is_empty() {
        push(text, "\n| Argument | Meaning |\n|---|---|\n");
        own.iter().for_each(|argument| push(text, &row(argument)));
    }
    if let Some(after) = command.get_after_help() {
        let after = after.to_string();
        let (examples, remark) = after.split_once("\n\n").unwrap_or((&after, ""));
        push(text, &format!("\n```sh\n{}\n```\n", unindented(examples.trim_start_matches("Examples:\n"))));
        if !remark.is_empty() {
            push(text, &format!("\n{remark}\n"));
        }
    }
}

fn row(argument: &Arg) -> String {
    let meaning = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let mut notes = Vec::new();
    let words: Vec<String> =
        argument.get_possible_values().iter().map(|value| format!("`{}`", value.get_name())).collect();
    if !words.is_empty() && argument.get_action().takes_values() {
        notes.push(format!("one of {}", words.join(", ")));
    }
    let defaults: Vec<String> =
        argument.get_default_values().iter().map(|value| format!("`{}`", value.to_string_lossy())).collect();
    if !defaults.is_empty() && argument.get_action().takes_values() {
        notes.push(format!("default {}", defaults.join(", ")));
    }
    let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join("; ")) };
    format!("| `{}` | {} |\n", signature(argument), format!("{meaning}{notes}").replace('|', "\\|"))
}

/// `--name <NAME>`, `-w, --workspace <SLUG>`, `<NAME>`.
fn signature(argument: &Arg) -> String {
    let names = argument.get_value_names().unwrap_or_default();
    let values: Vec<String> = names.iter().map(|name| format!("<{name}>")).collect();
    let values = if argument.get_action().takes_values() { values.join(" ") } else { String::new() };
    let short = argument.get_short().map(|short| format!("-{short}, ")).unwrap_or_default();
    match argument.get_long() {
        Some(long) if values.is_empty() => format!("{short}--{long}"),
        Some(long) => format!("{short}--{long} {values}"),
        None => values,
    }
}

fn unindented(examples: &str) -> String {
    examples.lines().map(|line| line.strip_prefix("  ").unwrap_or(line)).collect::<Vec<_>>().join("\n")
}

fn push(text: &mut String, more: &str) {
    text.write_str(more).expect("a string takes every text");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_has_every_command_that_is_not_hidden() {
        let text = markdown();
        for command in ["login", "workspace token create", "workspace audit", "mcp uninstall", "completions"]
        {
            assert!(text.contains(&format!("\n## `aerostack {command}`\n")), "{command}");
        }
        assert!(!text.contains("## `aerostack reference`"));
        assert!(text.contains("Also: `remove`"));
        assert!(text.contains(
            "| `--output <FORMAT>` | Form of the data (one of `table`, `json`, `csv`; default `table`) |"
        ));
        assert!(text.contains("\n```sh\naerostack workspace use personal\n```\n"));
    }
}
