//! `team`.

use aerostack_core::account::Email;
use aerostack_core::member::TeamRole;
use aerostack_core::slug::Slug;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};

use super::audit::Wanted;
use super::cli::username;
use super::format::{ItemOutput, KeyOutput, ListOutput};

/// `team …`.
#[derive(Debug, Subcommand)]
pub(crate) enum TeamCommand {
    /// Invite somebody into the team, by mail or by a link to hand over
    ///
    /// The link works once, for 7 days. Inviting the same address again replaces it: the old link is dead.
    #[command(
        after_help = "Examples:\n  aerostack team invite alice@company.com\n  aerostack team invite anna@company.com --role admin\n  aerostack team invite bob@company.com --team acme"
    )]
    Invite(Invite),
    /// List who is in the team and who is invited
    #[command(after_help = "Examples:\n  aerostack team list\n  aerostack team list --output csv > team.csv")]
    List(ListOutput),
    /// Give somebody in the team another role
    ///
    /// It holds from their next request on. Only the team's owner makes and unmakes admins. Who was only
    /// invited keeps the role of their link: invite them anew.
    #[command(
        after_help = "Examples:\n  aerostack team role alice@company.com admin\n  aerostack team role alice@company.com member"
    )]
    Role(Role),
    /// Remove somebody from the team, or the invitation that waits for them
    ///
    /// Their membership and the tokens tied to them end at once; their own account stays theirs.
    #[command(
        after_help = "Examples:\n  aerostack team remove alice@company.com\n  aerostack team remove alice@company.com --yes"
    )]
    Remove(Remove),
    /// Accept an invitation: as a new person, or with the account that is logged in
    ///
    /// A new person chooses a username and is shown an account key, once.
    #[command(
        after_help = "Examples:\n  aerostack team join https://gateway.example.com/join/jl_… --username alice\n  aerostack team join jl_… --username alice --output token | aerostack login --api-key -\n  aerostack team join https://gateway.example.com/join/jl_…"
    )]
    Join(Join),
    /// Show what was done that belongs to no workspace: invitations, plans, keys, sign-ins
    #[command(
        after_help = "Examples:\n  aerostack team audit\n  aerostack team audit --since 7d --action member_invited\n  aerostack team audit --verify"
    )]
    Audit(Wanted),
}

/// `team invite`.
#[derive(Debug, Args)]
pub(crate) struct Invite {
    /// Address of the person
    pub(crate) email: Email,
    /// What they may do
    #[arg(long, default_value = "member", value_parser = role())]
    pub(crate) role: TeamRole,
    #[command(flatten)]
    pub(crate) output: ItemOutput,
}

/// `team role`.
#[derive(Debug, Args)]
pub(crate) struct Role {
    /// Address of the person
    pub(crate) email: Email,
    /// What they may do from now on
    #[arg(value_parser = role())]
    pub(crate) role: TeamRole,
    #[command(flatten)]
    pub(crate) output: ItemOutput,
}

/// `team remove`.
#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// Address of the person
    pub(crate) email: Email,
    /// Do not ask
    #[arg(long, short)]
    pub(crate) yes: bool,
}

/// `team join`.
#[derive(Debug, Args)]
pub(crate) struct Join {
    /// The link, whole or from `jl_` on
    pub(crate) link: String,
    /// Username of a new account
    #[arg(long, value_parser = username)]
    pub(crate) username: Option<Slug>,
    #[command(flatten)]
    pub(crate) output: KeyOutput,
}

fn role() -> impl TypedValueParser<Value = TeamRole> {
    PossibleValuesParser::new(["member", "admin"])
        .map(|word| word.parse().expect("only words of roles are let through"))
}
