//! `workspace alert`.

use aerostack_core::alert::{ErrorRate, Window};
use aerostack_core::slug::Slug;
use clap::{ArgGroup, Args, Subcommand};

use super::format::{ItemOutput, KeyOutput};

const SET_EXAMPLES: &str = "\
Examples:
  aerostack workspace alert set engineering --url https://hooks.company.com/aerostack --error-rate 5%
  aerostack workspace alert set engineering --error-rate 5% --min-calls 50 --calls 10000 --within 1h
  aerostack workspace alert set engineering --calls 10000 --new-secret --output token > webhook.secret";
const SHOW_EXAMPLES: &str = "\
Examples:
  aerostack workspace alert show engineering
  aerostack workspace alert show engineering --output json";

/// `workspace alert …`.
#[derive(Debug, Subcommand)]
pub(crate) enum AlertCommand {
    /// Set when a webhook is told of the workspace's calls
    ///
    /// What was set before is replaced, but for the URL and the signing secret. A message is posted when the
    /// error rate or the number of calls reaches its threshold, and another when it is below it again. Messages
    /// are signed as Standard Webhooks are; the secret is shown when it is made, and never again.
    #[command(after_help = SET_EXAMPLES)]
    Set(SetAlert),
    /// Show what is set, and how it stands
    #[command(after_help = SHOW_EXAMPLES)]
    Show(ShowAlert),
    /// Send a message to try whether it arrives
    #[command(after_help = "Examples:\n  aerostack workspace alert test engineering")]
    Test(ShowAlert),
    /// Delete the alert; nothing is told any more
    #[command(after_help = "Examples:\n  aerostack workspace alert delete engineering")]
    Delete(ShowAlert),
}

/// `workspace alert set`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("threshold").args(["error_rate", "calls"]).required(true).multiple(true))]
pub(crate) struct SetAlert {
    /// Workspace; else the active one
    #[arg(value_name = "WORKSPACE")]
    pub(crate) slug: Option<Slug>,
    /// Where messages are posted to; may be left out when an alert is set
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Tell when this part of the calls, or more, ended in an error
    #[arg(long, value_name = "PERCENT")]
    pub(crate) error_rate: Option<ErrorRate>,
    /// With fewer calls than these the error rate says nothing (20 unless given)
    #[arg(long, value_name = "N", requires = "error_rate")]
    pub(crate) min_calls: Option<u32>,
    /// Tell when there were so many calls, or more
    #[arg(long, value_name = "N")]
    pub(crate) calls: Option<u64>,
    /// The last minutes that are looked at, up to 24h
    #[arg(long, value_name = "SPAN", default_value_t = Window::DEFAULT)]
    pub(crate) within: Window,
    /// Make a new signing secret; the one before signs nothing any more
    #[arg(long)]
    pub(crate) new_secret: bool,
    #[command(flatten)]
    pub(crate) output: KeyOutput,
}

/// `workspace alert show`, `test` and `delete`.
#[derive(Debug, Args)]
pub(crate) struct ShowAlert {
    /// Workspace; else the active one
    #[arg(value_name = "WORKSPACE")]
    pub(crate) slug: Option<Slug>,
    #[command(flatten)]
    pub(crate) output: ItemOutput,
}
