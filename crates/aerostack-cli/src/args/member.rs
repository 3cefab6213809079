//! `workspace member`.

use aerostack_core::slug::Slug;
use clap::{Args, Subcommand};

use super::format::{ItemOutput, ListOutput};

/// `workspace member …`.
#[derive(Debug, Subcommand)]
pub(crate) enum MemberCommand {
    /// Invite somebody into one workspace, without making them a member of the team
    ///
    /// Who accepts is shown a personal token once; it takes a seat.
    #[command(after_help = "Examples:\n  aerostack workspace member invite engineering alice@company.com")]
    Invite(MemberChoice),
    /// List members and who is invited
    #[command(
        after_help = "Examples:\n  aerostack workspace member list engineering\n  aerostack workspace member list engineering --output csv"
    )]
    List(ListMembers),
    /// Remove somebody, or the invitation that waits for them
    ///
    /// When the command answers, their tokens of this workspace are refused.
    #[command(after_help = "Examples:\n  aerostack workspace member remove engineering alice@company.com")]
    Remove(MemberChoice),
}

/// Whom, of which workspace: `[WORKSPACE] <EMAIL>`. One word alone is the address.
#[derive(Debug, Args)]
pub(crate) struct MemberChoice {
    /// Workspace; else the active one
    #[arg(value_name = "WORKSPACE")]
    pub(crate) first: String,
    /// Their address
    #[arg(value_name = "EMAIL")]
    pub(crate) second: Option<String>,
    #[command(flatten)]
    pub(crate) output: ItemOutput,
}

/// `workspace member list`.
#[derive(Debug, Args)]
pub(crate) struct ListMembers {
    /// Workspace; else the active one
    #[arg(value_name = "WORKSPACE")]
    pub(crate) slug: Option<Slug>,
    #[command(flatten)]
    pub(crate) output: ListOutput,
}
