//! `workspace secret`.

use aerostack_core::slug::Slug;
use clap::{Args, Subcommand};

use super::format::{ItemOutput, ListOutput};

const SET_EXAMPLES: &str = "\
Examples:
  aerostack workspace secret set engineering GITHUB_TOKEN
  pass show github | aerostack workspace secret set engineering GITHUB_TOKEN - --server github";
const LIST_EXAMPLES: &str = "\
Examples:
  aerostack workspace secret list engineering
  aerostack workspace secret list engineering --output json";
const DELETE_EXAMPLES: &str = "\
Examples:
  aerostack workspace secret delete engineering GITHUB_TOKEN
  aerostack workspace secret delete engineering GITHUB_TOKEN --server github";

/// `workspace secret …`.
#[derive(Debug, Subcommand)]
pub(crate) enum SecretCommand {
    /// Set a secret of an installed server; the next call uses it
    ///
    /// The value is asked for without echo, or read from standard input with `-`. It is sealed on the
    /// gateway, sent to that server alone, and never shown again.
    #[command(after_help = SET_EXAMPLES)]
    Set(SetSecret),
    /// List secrets: names, servers and dates
    #[command(after_help = LIST_EXAMPLES)]
    List(ListSecrets),
    /// Delete a secret; no call uses it any more
    #[command(after_help = DELETE_EXAMPLES)]
    Delete(DeleteSecret),
}

/// `workspace secret set`.
#[derive(Debug, Args)]
#[command(override_usage = "aerostack workspace secret set [OPTIONS] [WORKSPACE] <KEY> [VALUE|-]")]
pub(crate) struct SetSecret {
    /// Workspace, else the active one; the secret's name; its value, or `-` for standard input
    #[arg(value_name = "WORKSPACE KEY VALUE", required = true, num_args = 1..=3)]
    pub(crate) words: Vec<String>,
    /// The installed server it is for; may be left out when exactly one takes it
    #[arg(long, value_name = "SLUG")]
    pub(crate) server: Option<Slug>,
    #[command(flatten)]
    pub(crate) output: ItemOutput,
}

/// `workspace secret list`.
#[derive(Debug, Args)]
pub(crate) struct ListSecrets {
    /// Workspace; else the active one
    #[arg(value_name = "WORKSPACE")]
    pub(crate) slug: Option<Slug>,
    #[command(flatten)]
    pub(crate) output: ListOutput,
}

/// `workspace secret delete`.
#[derive(Debug, Args)]
#[command(override_usage = "aerostack workspace secret delete [OPTIONS] [WORKSPACE] <KEY>")]
pub(crate) struct DeleteSecret {
    /// Workspace, else the active one; the secret's name
    #[arg(value_name = "WORKSPACE KEY", required = true, num_args = 1..=2)]
    pub(crate) words: Vec<String>,
    /// The installed server it is for; may be left out when exactly one has it
    #[arg(long, value_name = "SLUG")]
    pub(crate) server: Option<Slug>,
    #[command(flatten)]
    pub(crate) output: ItemOutput,
}
