//! `workspace token`.

use std::time::Duration;

use aerostack_core::account::Email;
use aerostack_core::slug::Slug;
use aerostack_core::time::parse_span;
use clap::{Args, Subcommand};

use super::format::{ItemOutput, ListOutput, TokenOutput};

const CREATE_EXAMPLES: &str = "\
Examples:
  aerostack workspace token create engineering --name \"Alice Chen\"
  aerostack workspace token create engineering --name \"CI Bot\" --expires-in 24h
  aerostack workspace token create engineering --name \"Alice Chen\" --for alice@company.com
  TOKEN=$(aerostack workspace token create engineering --name \"Alice Chen\" --output token)";
const LIST_EXAMPLES: &str = "\
Examples:
  aerostack workspace token list engineering
  aerostack workspace token list engineering --active --output json";
const REVOKE_EXAMPLES: &str = "\
Examples:
  aerostack workspace token revoke engineering --name \"Alice Chen\"
  aerostack workspace token revoke engineering tok_01h455vb4pex5vsknk084sn02q";
const ROTATE_EXAMPLES: &str = "\
Examples:
  aerostack workspace token rotate engineering --name \"CI Bot\"
  aerostack workspace token rotate engineering --name \"CI Bot\" --overlap 10m --output token";

/// `workspace token …`.
#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Create a token; it is shown once
    ///
    /// Standard output gets the token, the gateway URL and a block to paste into an editor; with
    /// `--output token` the token alone. An active token takes a seat of the plan.
    #[command(after_help = CREATE_EXAMPLES)]
    Create(CreateToken),
    /// List tokens of every status
    #[command(after_help = LIST_EXAMPLES)]
    List(ListTokens),
    /// Revoke a token at once
    ///
    /// When the command answers, the gateway accepts the token no more, and calls under way with it
    /// have ended.
    #[command(after_help = REVOKE_EXAMPLES)]
    Revoke(RevokeToken),
    /// Replace a token by a new one of the same name
    ///
    /// The old token ends at once, or after `--overlap`. It works at a full plan too.
    #[command(after_help = ROTATE_EXAMPLES)]
    Rotate(RotateToken),
}

/// `workspace token create`.
#[derive(Debug, Args)]
pub(crate) struct CreateToken {
    /// Workspace; else the active one
    #[arg(value_name = "WORKSPACE")]
    pub(crate) slug: Option<Slug>,
    /// Who or what will use it; unique among the workspace's active tokens
    #[arg(long)]
    pub(crate) name: String,
    /// Address of the person it is tied to
    #[arg(long = "for", value_name = "EMAIL")]
    pub(crate) person: Option<Email>,
    /// Life in seconds, or as 24h or 90d; without it the token does not expire
    #[arg(long, value_name = "SPAN", value_parser = parse_span)]
    pub(crate) expires_in: Option<Duration>,
    /// Its own rate limit, in requests per minute
    #[arg(long, value_name = "N")]
    pub(crate) rate_limit: Option<u32>,
    #[command(flatten)]
    pub(crate) output: TokenOutput,
}

/// `workspace token list`.
#[derive(Debug, Args)]
pub(crate) struct ListTokens {
    /// Workspace; else the active one
    #[arg(value_name = "WORKSPACE")]
    pub(crate) slug: Option<Slug>,
    /// Only tokens that work
    #[arg(long)]
    pub(crate) active: bool,
    #[command(flatten)]
    pub(crate) output: ListOutput,
}

/// Which token of which workspace: `[WORKSPACE] (--name N | TOKEN_ID)`. With one word it may be either.
#[derive(Debug, Args)]
pub(crate) struct TokenChoice {
    /// Workspace; else the active one
    #[arg(value_name = "WORKSPACE")]
    pub(crate) first: Option<String>,
    /// The token: its identifier, a unique beginning of it, or its text
    #[arg(value_name = "TOKEN_ID")]
    pub(crate) second: Option<String>,
    /// Name of the active token
    #[arg(long)]
    pub(crate) name: Option<String>,
}

/// `workspace token revoke`.
#[derive(Debug, Args)]
#[command(override_usage = "aerostack workspace token revoke [OPTIONS] [WORKSPACE] <--name <NAME>|TOKEN_ID>")]
pub(crate) struct RevokeToken {
    #[command(flatten)]
    pub(crate) choice: TokenChoice,
    #[command(flatten)]
    pub(crate) output: ItemOutput,
}

/// `workspace token rotate`.
#[derive(Debug, Args)]
#[command(override_usage = "aerostack workspace token rotate [OPTIONS] [WORKSPACE] <--name <NAME>|TOKEN_ID>")]
pub(crate) struct RotateToken {
    #[command(flatten)]
    pub(crate) choice: TokenChoice,
    /// How long the old token goes on working, such as 10m; at most 7d
    #[arg(long, value_name = "SPAN", value_parser = parse_span)]
    pub(crate) overlap: Option<Duration>,
    #[command(flatten)]
    pub(crate) output: TokenOutput,
}
