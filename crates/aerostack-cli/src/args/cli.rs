//! The command line's grammar: one type per command, their help texts and examples.
//!
//! `--output` is declared by each command with the formats it offers; the root knows it too, so that
//! it may stand in front, and what a command does not offer is wrong usage.

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use aerostack_core::slug::Slug;

use super::format::{FORMAT_ID, Format, offered};
use super::{account, analytics, format, mcp, offboard, plan, skill, team, workspace};

const ROOT_EXAMPLES: &str = "\
Examples:
  aerostack login --api-url https://gateway.example.com
  aerostack workspace create engineering --use
  aerostack mcp add github --url https://mcp.example.com/mcp
  aerostack mcp install github --workspace engineering
  aerostack workspace token create engineering --name \"Alice Chen\"

Data is printed to standard output and talk to standard error. Exit codes: 0 done, 1 refused or
failed, 2 wrong usage.";

/// Workspaces, tokens, MCP servers and audit of an Aerostack gateway
#[derive(Debug, Parser)]
#[command(name = "aerostack", version, max_term_width = 100, after_help = ROOT_EXAMPLES)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) globals: Globals,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command understands.
#[derive(Debug, Args)]
pub(crate) struct Globals {
    /// Workspace, in place of the active one
    #[arg(long, short, global = true, value_name = "SLUG", help_heading = "Global options")]
    pub(crate) workspace: Option<Slug>,
    /// Team to act for, by its owner's username; else that of the workspace, else your own account
    #[arg(long, global = true, value_name = "USERNAME", value_parser = username, help_heading = "Global options")]
    pub(crate) team: Option<Slug>,
    /// Address of the gateway; else AEROSTACK_API_URL, else that of the last login
    #[arg(long, global = true, value_name = "URL", help_heading = "Global options")]
    pub(crate) api_url: Option<String>,
    /// Account key, `-` to read it from standard input; else AEROSTACK_API_KEY, else that of the login
    #[arg(
        long,
        global = true,
        value_name = "KEY",
        allow_hyphen_values = true,
        help_heading = "Global options"
    )]
    pub(crate) api_key: Option<String>,
    /// Print data and errors only
    #[arg(long, short, global = true, help_heading = "Global options")]
    pub(crate) quiet: bool,
    /// Print without colours, as NO_COLOR does
    #[arg(long, global = true, help_heading = "Global options")]
    pub(crate) no_color: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Sign in to a gateway and remember it
    ///
    /// The key is asked for without echo, or read from standard input with `--api-key -`. It is
    /// checked with the gateway and kept in a file only you can read.
    #[command(after_help = account::LOGIN_EXAMPLES)]
    Login,
    /// Forget the key of this gateway
    ///
    /// The key itself stays valid; end it with `aerostack account key revoke`.
    #[command(after_help = account::LOGOUT_EXAMPLES)]
    Logout,
    /// Show who is signed in, and where
    #[command(after_help = account::WHOAMI_EXAMPLES)]
    Whoami(format::ItemOutput),
    /// Manage your account
    #[command(subcommand, arg_required_else_help = true)]
    Account(account::AccountCommand),
    /// Manage workspaces, their tokens and their audit log
    #[command(subcommand, arg_required_else_help = true)]
    Workspace(workspace::WorkspaceCommand),
    /// Manage MCP servers: your catalogue, and what workspaces have installed
    #[command(subcommand, arg_required_else_help = true)]
    Mcp(mcp::McpCommand),
    /// Manage your team: who is invited, who is in, and its audit log
    #[command(subcommand, arg_required_else_help = true)]
    Team(team::TeamCommand),
    /// Print a link that signs a browser in once, and open it on a desktop
    ///
    /// The link works once, for 15 minutes. Who has it is signed in as you: hand it to nobody.
    #[command(after_help = account::DASHBOARD_EXAMPLES)]
    Dashboard(format::ItemOutput),
    /// Manage skills: publish them, find them, install them into workspaces
    #[command(subcommand, arg_required_else_help = true)]
    Skill(skill::SkillCommand),
    /// Show who called what, how often and how well
    #[command(after_help = analytics::EXAMPLES)]
    Analytics(analytics::Analytics),
    /// Show what is your own
    #[command(subcommand, arg_required_else_help = true)]
    Me(analytics::MeCommand),
    /// Show plans and their limits, or set an account's plan
    #[command(subcommand, arg_required_else_help = true)]
    Plan(plan::PlanCommand),
    /// End everything of a person in the team
    ///
    /// Tokens tied to them, memberships and open invitations end in one step; streams are closed and
    /// seats are free when the command answers. Tokens that only resemble the person by name are
    /// listed and left alone.
    #[command(after_help = offboard::EXAMPLES)]
    Offboard(offboard::Offboard),
    /// Check settings, gateway, key, workspaces and servers
    ///
    /// Prints one line per check. Exit code 1 if any of them fails.
    #[command(
        after_help = "Examples:\n  aerostack doctor\n  aerostack doctor --api-url https://gateway.example.com"
    )]
    Doctor,
    /// Print a completion script for a shell
    #[command(
        after_help = "Examples:\n  aerostack completions bash > ~/.local/share/bash-completion/completions/aerostack\n  aerostack completions zsh > ~/.zfunc/_aerostack"
    )]
    Completions {
        /// Shell
        shell: clap_complete::Shell,
    },
    /// Print the reference of all commands as Markdown
    #[command(hide = true)]
    Reference,
}

/// A username, with or without the `@` that stands before it in references.
pub(super) fn username(text: &str) -> Result<Slug, aerostack_core::slug::SlugError> {
    Slug::parse(text.strip_prefix('@').unwrap_or(text))
}

/// The whole grammar.
pub(crate) fn command() -> clap::Command {
    let output = Arg::new(FORMAT_ID)
        .long(FORMAT_ID)
        .visible_alias("format")
        .global(true)
        .hide(true)
        .value_parser(offered(Format::ALL));
    Cli::command().arg(output)
}

/// Reads a command line, program name first.
///
/// # Errors
/// Help, version, or what cannot be understood; each knows its text and exit code.
pub(crate) fn parse(arguments: &[OsString]) -> Result<Cli, clap::Error> {
    let matches = command().try_get_matches_from(arguments)?;
    check_format(&matches)?;
    Cli::from_arg_matches(&matches)
}

/// Refuses an `--output` in front that the command at the end does not offer.
fn check_format(matches: &ArgMatches) -> Result<(), clap::Error> {
    let mut leaf = Cli::command();
    let mut path = leaf.get_name().to_owned();
    let mut matches = matches;
    while let Some((name, below)) = matches.subcommand() {
        let Some(next) = leaf.find_subcommand(name).cloned() else {
            return Ok(());
        };
        (leaf, matches) = (next, below);
        path = format!("{path} {name}");
    }
    // Below a command with forms of its own, the root's option is not known.
    let is_known = matches.try_contains_id(FORMAT_ID).is_ok();
    if !is_known || matches.value_source(FORMAT_ID) != Some(ValueSource::CommandLine) {
        return Ok(());
    }
    let Some(chosen) = matches.get_one::<Format>(FORMAT_ID) else {
        return Ok(());
    };
    let own = leaf.get_arguments().find(|argument| argument.get_id() == FORMAT_ID);
    let offers: Vec<String> = own
        .map(|argument| {
            argument.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect()
        })
        .unwrap_or_default();
    if offers.iter().any(|word| word == chosen.word()) {
        return Ok(());
    }
    let offers = if offers.is_empty() {
        "no --output at all".to_owned()
    } else {
        format!("--output {}", offers.join(", "))
    };
    let message = format!("`{path}` does not offer --output {}: it offers {offers}\n", chosen.word());
    Err(clap::Error::raw(ErrorKind::InvalidValue, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Cli, ErrorKind> {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        parse(&words).map_err(|error| error.kind())
    }

    #[test]
    fn the_grammar_is_sound_and_every_command_has_a_text_and_examples() {
        command().debug_assert();
        let mut open = vec![command()];
        while let Some(parent) = open.pop() {
            for child in parent.get_subcommands().filter(|child| !child.is_hide_set()) {
                assert!(child.get_about().is_some(), "{}", child.get_name());
                let has_examples =
                    child.get_after_help().is_some_and(|text| text.to_string().starts_with("Examples:"));
                assert!(has_examples || child.has_subcommands(), "{}", child.get_name());
                open.push(child.clone());
            }
        }
    }

    #[test]
    fn an_output_that_is_not_offered_is_wrong_usage_wherever_it_stands() {
        assert!(read("aerostack workspace list --output csv").is_ok());
        assert!(read("aerostack workspace list --format json").is_ok());
        assert!(read("aerostack --output csv workspace list").is_ok());
        for wrong in [
            "aerostack workspace list --output token",
            "aerostack --output token workspace list",
            "aerostack --output json logout",
            "aerostack logout --output json",
            "aerostack workspace list --output xml",
        ] {
            assert_eq!(read(wrong).unwrap_err(), ErrorKind::InvalidValue, "{wrong}");
        }
    }

    #[test]
    fn an_output_in_front_reaches_the_command() {
        let Command::Whoami(output) = read("aerostack --output json whoami").unwrap().command else {
            panic!()
        };
        assert_eq!(output.format, Format::Json);
        let Command::Whoami(output) = read("aerostack whoami").unwrap().command else { panic!() };
        assert_eq!(output.format, Format::Table);
    }

    #[test]
    fn global_options_stand_before_or_after_the_command() {
        for line in ["aerostack -w eng -q mcp list", "aerostack mcp list --workspace eng --quiet"] {
            let globals = read(line).unwrap().globals;
            assert_eq!((globals.workspace.as_ref().map(Slug::as_str), globals.quiet), (Some("eng"), true));
        }
    }
}
