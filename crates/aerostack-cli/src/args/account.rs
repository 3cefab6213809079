//! `login`, `logout`, `whoami` and `account`.

use clap::{Args, Subcommand};

use super::format::{KeyOutput, ListOutput};

/// Examples of `login`.
pub(crate) const LOGIN_EXAMPLES: &str = "\
Examples:
  aerostack login
  aerostack login --api-url https://gateway.example.com
  aerostack login --api-key - < key.txt
  aerostack-gateway owner create --email admin@co.com --username acme | aerostack login --api-key -";
/// Examples of `logout`.
pub(crate) const LOGOUT_EXAMPLES: &str = "\
Examples:
  aerostack logout
  aerostack logout --api-url https://gateway.example.com";
/// Examples of `whoami`.
pub(crate) const WHOAMI_EXAMPLES: &str = "\
Examples:
  aerostack whoami
  aerostack whoami --output json";

/// Examples of `dashboard`.
pub(crate) const DASHBOARD_EXAMPLES: &str = "\
Examples:
  aerostack dashboard
  aerostack dashboard --output json";

/// `account …`.
#[derive(Debug, Subcommand)]
pub(crate) enum AccountCommand {
    /// Manage account keys, for CI and scripts
    #[command(subcommand, arg_required_else_help = true)]
    Key(KeyCommand),
    /// List the browsers that are signed in, or end their sessions
    #[command(
        args_conflicts_with_subcommands = true,
        after_help = "Examples:\n  aerostack account sessions\n  aerostack account sessions revoke sid_01h455vb4pex5vsknk084sn02q\n  aerostack account sessions revoke --all"
    )]
    Sessions(Sessions),
}

/// `account sessions`.
#[derive(Debug, Args)]
pub(crate) struct Sessions {
    #[command(subcommand)]
    pub(crate) command: Option<SessionsCommand>,
    #[command(flatten)]
    pub(crate) output: ListOutput,
}

/// `account sessions …`.
#[derive(Debug, Subcommand)]
pub(crate) enum SessionsCommand {
    /// End the session of a browser, or all of them
    #[command(
        after_help = "Examples:\n  aerostack account sessions revoke sid_01h455vb4pex5vsknk084sn02q\n  aerostack account sessions revoke --all"
    )]
    Revoke(RevokeSession),
}

/// `account sessions revoke`.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct RevokeSession {
    /// Identifier of the session
    #[arg(value_name = "ID")]
    pub(crate) id: Option<String>,
    /// Every session, and every sign-in link that was not used
    #[arg(long)]
    pub(crate) all: bool,
}

/// `account key …`.
#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Create an account key; it is shown once
    #[command(
        after_help = "Examples:\n  aerostack account key create --name \"CI\"\n  AEROSTACK_API_KEY=$(aerostack account key create --name CI --output token)"
    )]
    Create(CreateKey),
    /// List the account's keys
    #[command(
        after_help = "Examples:\n  aerostack account key list\n  aerostack account key list --output csv"
    )]
    List(ListOutput),
    /// Revoke an account key at once
    #[command(
        after_help = "Examples:\n  aerostack account key revoke CI\n  aerostack account key revoke key_01h455vb4pex5vsknk084sn02q"
    )]
    Revoke(RevokeKey),
}

/// `account key create`.
#[derive(Debug, Args)]
pub(crate) struct CreateKey {
    /// What the key is for
    #[arg(long)]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) output: KeyOutput,
}

/// `account key revoke`.
#[derive(Debug, Args)]
pub(crate) struct RevokeKey {
    /// Identifier of the key, a unique beginning of it, or the key's name
    #[arg(value_name = "ID_OR_NAME")]
    pub(crate) key: String,
    /// Revoke the account's last key without asking
    #[arg(long, short = 'y')]
    pub(crate) yes: bool,
}
