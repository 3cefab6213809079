//! `analytics` and `me usage`.

use aerostack_core::api::analytics::By;
use aerostack_core::usage::Period;
use clap::{Args, Subcommand};

use super::format::{ItemOutput, ListOutput};
use super::words;

/// Examples of `analytics`.
pub(crate) const EXAMPLES: &str = "\
Examples:
  aerostack analytics --workspace engineering --period 7d
  aerostack analytics --workspace engineering --user \"Alice Chen\" --period 30d
  aerostack analytics --workspace engineering --server github-mcp --by hour --period 24h
  aerostack analytics --workspace engineering --period 30d --format csv > usage-report.csv
  aerostack analytics --raw --user alice@company.com --period 24h
  aerostack analytics --watch

Times are UTC. Members see their own calls; whoever manages the workspace sees all.";

/// `analytics`.
#[derive(Debug, Args)]
pub(crate) struct Analytics {
    /// How far back: 24h, 7d, at most 90d; the start is rounded down to the hour
    #[arg(long, value_name = "PERIOD", default_value_t = Period::DEFAULT)]
    pub(crate) period: Period,
    /// Only tokens of this name, all of them together, or those of the person with this e-mail address
    #[arg(long, value_name = "NAME|EMAIL")]
    pub(crate) user: Option<String>,
    /// Only this server
    #[arg(long, value_name = "SLUG")]
    pub(crate) server: Option<String>,
    /// Only this tool, by its exposed name
    #[arg(long, value_name = "NAME")]
    pub(crate) tool: Option<String>,
    /// One table grouped by this, in place of those by user and by tool
    #[arg(long, value_parser = words::by())]
    pub(crate) by: Option<By>,
    /// Single calls: the newest as a table or JSON, all of them as CSV
    #[arg(long, conflicts_with = "by")]
    pub(crate) raw: bool,
    /// Most single calls to print
    #[arg(long, value_name = "N", default_value_t = 100, requires = "raw", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: u32,
    /// Print calls as they end, until Ctrl-C
    #[arg(long, conflicts_with_all = ["raw", "by", "period"])]
    pub(crate) watch: bool,
    #[command(flatten)]
    pub(crate) output: ListOutput,
}

/// Examples of `me usage`.
pub(crate) const USAGE_EXAMPLES: &str = "\
Examples:
  aerostack me usage
  echo \"$TOKEN\" | aerostack me usage --token - --period 30d";

/// `me`.
#[derive(Debug, Subcommand)]
pub(crate) enum MeCommand {
    /// Show your own calls
    ///
    /// A workspace token is enough: it shows the calls of the person it is tied to, else its own.
    /// Without it, the account that is signed in.
    #[command(after_help = USAGE_EXAMPLES)]
    Usage(OwnUsage),
}

/// `me usage`.
#[derive(Debug, Args)]
pub(crate) struct OwnUsage {
    /// A workspace token in place of the account key, `-` to read it from standard input
    #[arg(long, value_name = "TOKEN", allow_hyphen_values = true)]
    pub(crate) token: Option<String>,
    /// How far back: 24h, 7d, at most 90d; the start is rounded down to the hour
    #[arg(long, value_name = "PERIOD", default_value_t = Period::DEFAULT)]
    pub(crate) period: Period,
    #[command(flatten)]
    pub(crate) output: ItemOutput,
}
