//! `plan`.

use aerostack_core::plan::Plan;
use aerostack_core::slug::Slug;
use clap::{Args, Subcommand};

use super::format::ListOutput;
use super::words;

/// `plan …`.
#[derive(Debug, Subcommand)]
pub(crate) enum PlanCommand {
    /// Show the plans, their limits, and which one is yours
    #[command(after_help = "Examples:\n  aerostack plan show\n  aerostack plan show --output json")]
    Show(ListOutput),
    /// Set an account's plan (operators)
    ///
    /// A lower plan leaves what exists working and refuses new tokens and workspaces.
    #[command(after_help = "Examples:\n  aerostack plan set acme pro")]
    Set(SetPlan),
}

/// `plan set`.
#[derive(Debug, Args)]
pub(crate) struct SetPlan {
    /// Username of the account
    pub(crate) username: Slug,
    /// The new plan
    #[arg(value_parser = words::plan())]
    pub(crate) plan: Plan,
}
