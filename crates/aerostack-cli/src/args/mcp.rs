//! `mcp`.

use std::time::Duration;

use aerostack_core::secret::SecretName;
use aerostack_core::server::{Auth, Reference, SessionMode};
use aerostack_core::slug::Slug;
use aerostack_core::time::parse_span;
use clap::{ArgGroup, Args, Subcommand};

use super::format::{ItemOutput, ListOutput};
use super::words;

const ADD_EXAMPLES: &str = "\
Examples:
  aerostack mcp add github --url https://mcp.example.com/mcp
  aerostack mcp add github --url https://mcp.example.com/mcp --auth bearer:GITHUB_TOKEN
  aerostack mcp add browser --url http://127.0.0.1:9000/mcp --session shared --timeout 10m
  aerostack mcp add files --stdio -- npx -y @modelcontextprotocol/server-filesystem /srv/files
  aerostack mcp add github --stdio --env GITHUB_HOST=github.co.com --secret GITHUB_TOKEN -- github-mcp stdio";
const EDIT_EXAMPLES: &str = "\
Examples:
  aerostack mcp edit github --url https://mcp.example.com/v2/mcp
  aerostack mcp edit github --timeout 0
  aerostack mcp edit files -- npx -y @modelcontextprotocol/server-filesystem /srv/other";
const INSTALL_EXAMPLES: &str = "\
Examples:
  aerostack mcp install github --workspace engineering
  aerostack mcp install @acme/github -w engineering --as acme-github";
const SWITCH_EXAMPLES: &str = "\
Examples:
  aerostack mcp disable github -w engineering
  aerostack mcp disable github delete_repository -w engineering
  aerostack mcp enable github -w engineering";
const LIST_EXAMPLES: &str = "\
Examples:
  aerostack mcp list --workspace engineering
  aerostack mcp list --workspace engineering --tools
  aerostack mcp list --workspace engineering --tools-only";

/// `mcp …`.
#[derive(Debug, Subcommand)]
pub(crate) enum McpCommand {
    /// Add a server to your catalogue
    ///
    /// A server is at an address, or is a program that the gateway runs: `--stdio`, and after `--` its
    /// command, which no shell reads. Operators add programs, where the gateway was started with
    /// `--allow-stdio`. A program gets the secrets of its install as variables of its environment.
    #[command(after_help = ADD_EXAMPLES)]
    Add(AddServer),
    /// List the servers of your catalogue
    #[command(after_help = "Examples:\n  aerostack mcp catalog\n  aerostack mcp catalog --output csv")]
    Catalog(ListOutput),
    /// Change a server of your catalogue
    ///
    /// Workspaces that have it installed follow at once. Secrets were given for its address: after that
    /// has changed they are not sent until they are set again.
    #[command(after_help = EDIT_EXAMPLES)]
    Edit(EditServer),
    /// Delete a server from your catalogue; refused while it is installed
    #[command(after_help = "Examples:\n  aerostack mcp delete github --yes")]
    Delete(DeleteServer),
    /// Connect to a server of your catalogue and list its tools
    #[command(after_help = "Examples:\n  aerostack mcp test github")]
    Test(TestServer),
    /// Install a server into a workspace
    #[command(after_help = INSTALL_EXAMPLES)]
    Install(InstallServer),
    /// Remove a server from a workspace
    #[command(
        visible_alias = "remove",
        after_help = "Examples:\n  aerostack mcp uninstall github --workspace engineering"
    )]
    Uninstall(UninstallServer),
    /// Switch an installed server, or one of its tools, on
    #[command(after_help = SWITCH_EXAMPLES)]
    Enable(SwitchServer),
    /// Switch an installed server, or one of its tools, off
    #[command(after_help = SWITCH_EXAMPLES)]
    Disable(SwitchServer),
    /// List what a workspace has installed
    #[command(after_help = LIST_EXAMPLES)]
    List(ListInstalls),
}

/// `mcp add`.
#[derive(Debug, Args)]
pub(crate) struct AddServer {
    /// Its name in the catalogue
    pub(crate) slug: Slug,
    /// Where it is
    #[arg(long, required_unless_present = "stdio", conflicts_with_all = ["stdio", "env", "secret"])]
    pub(crate) url: Option<String>,
    /// It is a program, whose command stands after `--`
    #[arg(long, requires = "command")]
    pub(crate) stdio: bool,
    #[command(flatten)]
    pub(crate) around: Around,
    /// The program and its arguments
    #[arg(last = true, value_name = "COMMAND", requires = "stdio")]
    pub(crate) command: Vec<String>,
    /// How the gateway proves itself to it: `none`, `bearer:KEY` with the secret of that name, or
    /// `headers` with every secret of the install
    #[arg(long, default_value = "none", value_name = "HOW", conflicts_with = "stdio")]
    pub(crate) auth: Auth,
    /// Whose session it sees, if it issues sessions; a program runs once per caller, or once for all
    #[arg(long, default_value = "per-caller", value_name = "MODE", value_parser = words::session())]
    pub(crate) session: SessionMode,
    /// How long a call may be silent, such as 10m; else the gateway's setting
    #[arg(long, value_name = "SPAN", value_parser = parse_span)]
    pub(crate) timeout: Option<Duration>,
    #[command(flatten)]
    pub(crate) output: ItemOutput,
}

/// What is around a program.
#[derive(Debug, Args)]
pub(crate) struct Around {
    /// A plain setting in the program's environment, shown in the catalogue; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting)]
    pub(crate) env: Vec<(String, String)>,
    /// A secret that others than operators may set for the program; may be repeated
    #[arg(long, value_name = "KEY", value_parser = SecretName::normalise)]
    pub(crate) secret: Vec<SecretName>,
}

/// `mcp edit`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("change").args(["url", "auth", "session", "timeout", "env", "secret", "command"]).required(true).multiple(true))]
pub(crate) struct EditServer {
    /// Its name in the catalogue
    pub(crate) slug: Slug,
    /// Where it is
    #[arg(long)]
    pub(crate) url: Option<String>,
    /// What is around a program; each in place of all that were there
    #[command(flatten)]
    pub(crate) around: Around,
    /// The program and its arguments
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
    /// How the gateway proves itself to it: `none`, `bearer:KEY` with the secret of that name, or
    /// `headers` with every secret of the install
    #[arg(long, value_name = "HOW")]
    pub(crate) auth: Option<Auth>,
    /// Whose session it sees, if it issues sessions
    #[arg(long, value_name = "MODE", value_parser = words::session())]
    pub(crate) session: Option<SessionMode>,
    /// How long a call may be silent, such as 10m; 0 goes back to the gateway's setting
    #[arg(long, value_name = "SPAN", value_parser = parse_span)]
    pub(crate) timeout: Option<Duration>,
    #[command(flatten)]
    pub(crate) output: ItemOutput,
}

/// `mcp delete`.
#[derive(Debug, Args)]
pub(crate) struct DeleteServer {
    /// Its name in the catalogue
    pub(crate) slug: Slug,
    /// Do not ask
    #[arg(long, short)]
    pub(crate) yes: bool,
}

/// `mcp test`.
#[derive(Debug, Args)]
pub(crate) struct TestServer {
    /// Its name in the catalogue
    pub(crate) slug: Slug,
    #[command(flatten)]
    pub(crate) output: ItemOutput,
}

/// `mcp install`.
#[derive(Debug, Args)]
pub(crate) struct InstallServer {
    /// The server: `name`, `user/name` or `@user/name`
    #[arg(value_name = "REFERENCE", value_parser = reference)]
    pub(crate) server: String,
    /// Its name in the workspace, if not its own
    #[arg(long = "as", value_name = "SLUG")]
    pub(crate) alias: Option<Slug>,
    #[command(flatten)]
    pub(crate) output: ItemOutput,
}

/// `mcp uninstall`.
#[derive(Debug, Args)]
pub(crate) struct UninstallServer {
    /// Its name in the workspace
    pub(crate) server: Slug,
}

/// `mcp enable` and `mcp disable`.
#[derive(Debug, Args)]
pub(crate) struct SwitchServer {
    /// The server's name in the workspace
    pub(crate) server: Slug,
    /// One tool, by its own or its exposed name; without it the whole server
    pub(crate) tool: Option<String>,
    #[command(flatten)]
    pub(crate) output: ItemOutput,
}

/// `mcp list`.
#[derive(Debug, Args)]
pub(crate) struct ListInstalls {
    /// List tools: exposed name, server, and the upstream's own name
    #[arg(long)]
    pub(crate) tools: bool,
    /// Print the exposed name of each tool that is switched on, one per line
    #[arg(long, conflicts_with_all = ["tools", "output"])]
    pub(crate) tools_only: bool,
    #[command(flatten)]
    pub(crate) output: ListOutput,
}

/// Reads `NAME=VALUE`.
fn setting(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').filter(|(name, _)| !name.is_empty());
    parts
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .ok_or_else(|| "expected NAME=VALUE".to_owned())
}

/// Checks a reference and keeps it as typed: that is what the API takes.
fn reference(text: &str) -> Result<String, aerostack_core::server::ReferenceError> {
    text.parse::<Reference>().map(|_| text.to_owned())
}
