//! `workspace`.

use aerostack_core::api::connect;
use aerostack_core::slug::Slug;
use aerostack_core::workspace::ToolPrefix;
use clap::{ArgGroup, Args, Subcommand, ValueEnum};

use super::alert::AlertCommand;
use super::audit::{self, Audit};
use super::format::{ItemOutput, ListOutput};
use super::member::MemberCommand;
use super::secret::SecretCommand;
use super::token::TokenCommand;
use super::words;

const CREATE_EXAMPLES: &str = "\
Examples:
  aerostack workspace create engineering
  aerostack workspace create \"Project Alpha\" --description \"All of Alpha\" --use";
const SET_EXAMPLES: &str = "\
Examples:
  aerostack workspace set engineering --name \"Engineering, Berlin\"
  aerostack workspace set engineering --tool-prefix on-collision";
const CONNECT_EXAMPLES: &str = "\
Examples:
  aerostack workspace connect engineering --client cursor
  aerostack workspace connect engineering --client codex >> ~/.codex/config.toml";

/// `workspace …`.
#[derive(Debug, Subcommand)]
pub(crate) enum WorkspaceCommand {
    /// Create a workspace
    ///
    /// No token is made with it: that would spend a seat silently.
    #[command(after_help = CREATE_EXAMPLES)]
    Create(CreateWorkspace),
    /// List workspaces; `*` marks the active one
    #[command(after_help = "Examples:\n  aerostack workspace list\n  aerostack workspace list --output json")]
    List(ListOutput),
    /// Make a workspace the active one
    ///
    /// Commands that name no workspace mean the active one. It is kept per gateway.
    #[command(after_help = "Examples:\n  aerostack workspace use personal")]
    Use(UseWorkspace),
    /// Show a workspace
    #[command(
        after_help = "Examples:\n  aerostack workspace show\n  aerostack workspace show engineering --output json"
    )]
    Show(ShowWorkspace),
    /// Change a workspace's name, description or tool prefix
    #[command(after_help = SET_EXAMPLES)]
    Set(SetWorkspace),
    /// Delete a workspace; its tokens end at once
    ///
    /// Audit log and token list are kept. The slug is never used again.
    #[command(
        after_help = "Examples:\n  aerostack workspace delete project-beta\n  aerostack workspace delete project-beta --yes"
    )]
    Delete(DeleteWorkspace),
    /// Print what to paste into an editor's configuration
    ///
    /// `$TOKEN` stands in place of the token.
    #[command(after_help = CONNECT_EXAMPLES)]
    Connect(Connect),
    /// Manage workspace tokens
    #[command(subcommand, arg_required_else_help = true)]
    Token(TokenCommand),
    /// Manage who belongs to one workspace
    #[command(subcommand, arg_required_else_help = true)]
    Member(MemberCommand),
    /// Manage the secrets of installed servers
    #[command(subcommand, arg_required_else_help = true)]
    Secret(SecretCommand),
    /// Be told when calls fail or grow
    #[command(subcommand, arg_required_else_help = true)]
    Alert(AlertCommand),
    /// Show who did what, newest first
    #[command(after_help = audit::EXAMPLES)]
    Audit(Audit),
}

/// `workspace create`.
#[derive(Debug, Args)]
pub(crate) struct CreateWorkspace {
    /// Display name; the slug is made from it
    pub(crate) name: String,
    /// The slug, if it is not to be made from the name
    #[arg(long)]
    pub(crate) slug: Option<Slug>,
    /// What it is for
    #[arg(long)]
    pub(crate) description: Option<String>,
    /// Make it the active workspace
    #[arg(long = "use")]
    pub(crate) activate: bool,
    #[command(flatten)]
    pub(crate) output: ItemOutput,
}

/// `workspace use`.
#[derive(Debug, Args)]
pub(crate) struct UseWorkspace {
    /// Workspace
    pub(crate) slug: Slug,
}

/// `workspace show`.
#[derive(Debug, Args)]
pub(crate) struct ShowWorkspace {
    /// Workspace; else the active one
    #[arg(value_name = "WORKSPACE")]
    pub(crate) slug: Option<Slug>,
    #[command(flatten)]
    pub(crate) output: ItemOutput,
}

/// `workspace set`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("change").args(["name", "description", "tool_prefix"]).required(true).multiple(true))]
pub(crate) struct SetWorkspace {
    /// Workspace
    pub(crate) slug: Slug,
    /// Display name
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// What it is for
    #[arg(long)]
    pub(crate) description: Option<String>,
    /// Whether exposed names of tools and prompts carry their server's slug
    #[arg(long, value_name = "MODE", value_parser = words::tool_prefix())]
    pub(crate) tool_prefix: Option<ToolPrefix>,
    #[command(flatten)]
    pub(crate) output: ItemOutput,
}

/// `workspace delete`.
#[derive(Debug, Args)]
pub(crate) struct DeleteWorkspace {
    /// Workspace
    pub(crate) slug: Slug,
    /// Do not ask
    #[arg(long, short)]
    pub(crate) yes: bool,
}

/// `workspace connect`.
#[derive(Debug, Args)]
pub(crate) struct Connect {
    /// Workspace; else the active one
    #[arg(value_name = "WORKSPACE")]
    pub(crate) slug: Option<Slug>,
    /// The editor; without it the block that most of them take
    #[arg(long)]
    pub(crate) client: Option<Editor>,
}

/// An MCP client whose configuration is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Editor {
    /// Claude Code
    ClaudeCode,
    /// Claude Desktop
    ClaudeDesktop,
    /// Cursor
    Cursor,
    /// VS Code
    Vscode,
    /// Windsurf
    Windsurf,
    /// Codex
    Codex,
}

impl From<Editor> for connect::Editor {
    fn from(editor: Editor) -> Self {
        match editor {
            Editor::ClaudeCode => Self::ClaudeCode,
            Editor::ClaudeDesktop => Self::ClaudeDesktop,
            Editor::Cursor => Self::Cursor,
            Editor::Vscode => Self::Vscode,
            Editor::Windsurf => Self::Windsurf,
            Editor::Codex => Self::Codex,
        }
    }
}
