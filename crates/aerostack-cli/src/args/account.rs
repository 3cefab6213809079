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

/// `account …`.
#[derive(Debug, Subcommand)]
pub(crate) enum AccountCommand {
    /// Manage account keys, for CI and scripts
    #[command(subcommand, arg_required_else_help = true)]
    Key(KeyCommand),
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
}
