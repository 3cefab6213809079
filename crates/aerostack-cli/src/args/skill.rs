//! `skill`.

use aerostack_core::skill::{SkillReference, Version, Visibility};
use aerostack_core::slug::Slug;
use clap::{Args, Subcommand};

use super::format::{ItemOutput, ListOutput};
use super::words;

const INIT_EXAMPLES: &str = "\
Examples:
  aerostack skill init
  aerostack skill init --name internal-crm-skill";
const PUBLISH_EXAMPLES: &str = "\
Examples:
  aerostack skill publish --name \"internal-crm-skill\" --private team
  aerostack skill publish --name \"my-dev-tool\" --private
  aerostack skill publish --version 1.2.0 --function-url https://functions.example.com/crm
  aerostack skill publish --name crm --mcp-url https://crm.example.com/mcp";
const YANK_EXAMPLES: &str = "\
Examples:
  aerostack skill yank @acme/deploy-skill@1.2.0
  aerostack skill yank deploy-skill@1.2.0 --undo";
const INSTALL_EXAMPLES: &str = "\
Examples:
  aerostack skill install @acme/internal-crm-skill
  aerostack skill install johndoe/github-skill --workspace engineering
  aerostack skill install @acme/deploy-skill@1.2.0 -w engineering --as deploy";
const UPGRADE_EXAMPLES: &str = "\
Examples:
  aerostack skill upgrade deploy-skill
  aerostack skill upgrade @acme/deploy-skill --version 1.2.0 -w engineering";
const LIST_EXAMPLES: &str = "\
Examples:
  aerostack skill list
  aerostack skill list --installed --workspace engineering
  aerostack skill list --output csv";

/// `skill …`.
#[derive(Debug, Subcommand)]
pub(crate) enum SkillCommand {
    /// Write an aerostack.json to begin with; one that is there is left alone
    #[command(after_help = INIT_EXAMPLES)]
    Init(InitSkill),
    /// Publish the skill of aerostack.json in the current folder
    ///
    /// A version never changes once it is published; publishing the newest one again changes nothing but
    /// who may use the skill. A new skill is public unless you say otherwise.
    #[command(after_help = PUBLISH_EXAMPLES)]
    Publish(PublishSkill),
    /// Change who may use a skill of yours
    ///
    /// Where the right ends, the skill's tools are gone at once.
    #[command(after_help = "Examples:\n  aerostack skill set deploy-skill --visibility team")]
    Set(SetSkill),
    /// Take a version of a skill of yours back: nobody installs it any more
    ///
    /// Who has installed it keeps it and is told. Its number stays taken: publish a higher one.
    #[command(after_help = YANK_EXAMPLES)]
    Yank(YankSkill),
    /// Look for skills you may use
    #[command(after_help = "Examples:\n  aerostack skill search deploy\n  aerostack skill search @acme/")]
    Search(SearchSkills),
    /// List your own skills and those of your teams
    #[command(after_help = LIST_EXAMPLES)]
    List(ListSkills),
    /// Show a skill with its tools and versions
    #[command(after_help = "Examples:\n  aerostack skill show @acme/deploy-skill")]
    Show(ShowSkill),
    /// Install a skill into a workspace; what is installed already is left as it is
    #[command(after_help = INSTALL_EXAMPLES)]
    Install(InstallSkill),
    /// Move an installed skill to its newest version, or to another
    #[command(after_help = UPGRADE_EXAMPLES)]
    Upgrade(UpgradeSkill),
    /// Remove a skill from a workspace
    #[command(
        visible_alias = "remove",
        after_help = "Examples:\n  aerostack skill uninstall deploy-skill --workspace engineering"
    )]
    Uninstall(UninstallSkill),
}

/// `skill init`.
#[derive(Debug, Args)]
pub(crate) struct InitSkill {
    /// The skill's name; else it is made from the folder's
    #[arg(long)]
    pub(crate) name: Option<Slug>,
}

/// `skill publish`.
#[derive(Debug, Args)]
pub(crate) struct PublishSkill {
    /// The skill's name, in place of the manifest's
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Keep it to yourself, or with `team` to your team
    #[arg(
        long,
        value_name = "WHOSE",
        num_args = 0..=1,
        default_missing_value = "private",
        value_parser = words::private_to(),
        conflicts_with = "visibility",
    )]
    pub(crate) private: Option<Visibility>,
    /// Who may use it; else as before, and a new skill is public
    #[arg(long, value_parser = words::visibility())]
    pub(crate) visibility: Option<Visibility>,
    /// The version, in place of the manifest's
    #[arg(long)]
    pub(crate) version: Option<Version>,
    /// Address of the function, in place of the manifest's
    #[arg(long, value_name = "URL", conflicts_with = "mcp_url")]
    pub(crate) function_url: Option<String>,
    /// Address of the MCP server, in place of the manifest's
    #[arg(long, value_name = "URL")]
    pub(crate) mcp_url: Option<String>,
    #[command(flatten)]
    pub(crate) output: ItemOutput,
}

/// `skill set`.
#[derive(Debug, Args)]
pub(crate) struct SetSkill {
    /// The skill's name
    pub(crate) name: Slug,
    /// Who may use it
    #[arg(long, value_parser = words::visibility())]
    pub(crate) visibility: Visibility,
    #[command(flatten)]
    pub(crate) output: ItemOutput,
}

/// `skill yank`.
#[derive(Debug, Args)]
pub(crate) struct YankSkill {
    /// The version: `name@1.2.0` of your own, or `@user/name@1.2.0`
    #[arg(value_name = "REFERENCE")]
    pub(crate) skill: SkillReference,
    /// Offer it again
    #[arg(long)]
    pub(crate) undo: bool,
    #[command(flatten)]
    pub(crate) output: ItemOutput,
}

/// `skill search`.
#[derive(Debug, Args)]
pub(crate) struct SearchSkills {
    /// What stands in the name or the description; everything without it
    pub(crate) text: Option<String>,
    #[command(flatten)]
    pub(crate) output: ListOutput,
}

/// `skill list`.
#[derive(Debug, Args)]
pub(crate) struct ListSkills {
    /// List what the workspace has installed instead
    #[arg(long)]
    pub(crate) installed: bool,
    #[command(flatten)]
    pub(crate) output: ListOutput,
}

/// `skill show`.
#[derive(Debug, Args)]
pub(crate) struct ShowSkill {
    /// The skill: `name` of your own, `user/name` or `@user/name`
    #[arg(value_name = "REFERENCE")]
    pub(crate) skill: SkillReference,
    #[command(flatten)]
    pub(crate) output: ItemOutput,
}

/// `skill install`.
#[derive(Debug, Args)]
pub(crate) struct InstallSkill {
    /// The skill: `user/name` or `@user/name`, perhaps with a version such as `@1.2.0` behind it
    #[arg(value_name = "REFERENCE", value_parser = reference)]
    pub(crate) skill: String,
    /// Its name in the workspace, if not its own
    #[arg(long = "as", value_name = "SLUG")]
    pub(crate) alias: Option<Slug>,
    #[command(flatten)]
    pub(crate) output: ItemOutput,
}

/// `skill upgrade`.
#[derive(Debug, Args)]
pub(crate) struct UpgradeSkill {
    /// Its name in the workspace, or its reference
    #[arg(value_name = "SKILL")]
    pub(crate) skill: String,
    /// To which version; else the newest
    #[arg(long)]
    pub(crate) version: Option<Version>,
    #[command(flatten)]
    pub(crate) output: ItemOutput,
}

/// `skill uninstall`.
#[derive(Debug, Args)]
pub(crate) struct UninstallSkill {
    /// Its name in the workspace, or its reference
    #[arg(value_name = "SKILL")]
    pub(crate) skill: String,
}

/// Checks a reference and keeps it as typed: that is what the API takes.
fn reference(text: &str) -> Result<String, aerostack_core::skill::SkillReferenceError> {
    text.parse::<SkillReference>().map(|_| text.to_owned())
}
