//! Skills: publishing, finding, and installing them into workspaces.

use serde::{Deserialize, Serialize};

use super::server::InstallView;
use crate::id::SkillId;
use crate::manifest::ManifestTool;
use crate::skill::{Version, Visibility};
use crate::slug::Slug;
use crate::time::Timestamp;

/// Most characters of what is searched for.
pub const SEARCH_MAX_CHARS: usize = 100;

/// Publishes a version of a skill: a manifest, and who may use the skill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PublishSkillRequest {
    /// The skill's name.
    pub name: Slug,
    /// The version, higher than the one before.
    #[schema(value_type = String)]
    pub version: Version,
    /// What it does, in one line.
    #[serde(default)]
    pub description: String,
    /// Its tools; an MCP server tells its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<ManifestTool>,
    /// The function that its tools call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function_url: Option<String>,
    /// The MCP server that it wraps, in place of a function.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mcp_url: Option<String>,
    /// Who may use it; without it as before, and a new skill is public.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visibility: Option<Visibility>,
}

/// What publishing came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PublishedSkill {
    /// The skill.
    pub skill: SkillView,
    /// Whether the version was there before, unchanged.
    pub already_published: bool,
}

/// Changes who may use a skill. What is installed where the right ends is gone at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateSkillRequest {
    /// Who may.
    pub visibility: Visibility,
}

/// Takes a version back, or offers it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct YankSkillRequest {
    /// Whether nobody is to install it any more.
    pub yanked: bool,
}

/// What taking a version back, or offering it again, came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct YankedSkill {
    /// The skill, `@user/name`.
    pub skill: String,
    /// The version.
    pub version: SkillVersionView,
    /// Workspaces that have it installed and keep it.
    pub installed_in: u32,
    /// Whether it was so before, so that nothing was done.
    pub nothing_done: bool,
}

/// A skill with the version that is installed when none is named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SkillView {
    /// Its identifier.
    pub id: SkillId,
    /// Username of the account it is published under.
    pub owner: Slug,
    /// Its name there.
    pub name: Slug,
    /// Who may use it.
    pub visibility: Visibility,
    /// Its newest version that was not yanked; if all were, the newest.
    #[schema(value_type = String)]
    pub version: Version,
    /// Whether every version was yanked, so that it cannot be installed.
    #[serde(default)]
    pub yanked: bool,
    /// What it does.
    pub description: String,
    /// What stands behind it: `function` or `mcp`.
    pub backing: String,
    /// The host that receives its calls.
    pub host: String,
    /// Its tools; none where an MCP server tells them.
    pub tools: Vec<SkillToolView>,
    /// When that version was published.
    #[schema(value_type = String, format = DateTime)]
    pub published_at: Timestamp,
}

impl SkillView {
    /// `@user/name`.
    #[must_use]
    pub fn reference(&self) -> String {
        format!("@{}/{}", self.owner, self.name)
    }
}

/// A tool of a skill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SkillToolView {
    /// Its name.
    pub name: String,
    /// What it does.
    pub description: String,
}

/// One version of a skill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SkillVersionView {
    /// Its number.
    #[schema(value_type = String)]
    pub version: Version,
    /// What the skill does.
    pub description: String,
    /// What stands behind it: `function` or `mcp`.
    pub backing: String,
    /// The host that receives its calls.
    pub host: String,
    /// When it was published.
    #[schema(value_type = String, format = DateTime)]
    pub published_at: Timestamp,
    /// When it was yanked: it is not installed any more, and who has it keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub yanked_at: Option<Timestamp>,
}

/// Looks for skills the caller may use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchSkillsQuery {
    /// What stands in the reference or the description, at most 100 characters; everything if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// Items of the page, 1 to 1,000; 100 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Where the page before ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// Installs a skill into a workspace. What is installed already is a success.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InstallSkillRequest {
    /// `name`, `user/name` or `@user/name`, perhaps with `@1.2.0` behind it; a name alone is the
    /// workspace owner's, a reference without version the newest that was not yanked.
    pub skill: String,
    /// Its name in this workspace; else its own.
    #[serde(default, rename = "as", skip_serializing_if = "Option::is_none")]
    pub alias: Option<Slug>,
}

/// What installing came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct InstalledSkillReply {
    /// The install.
    pub install: InstallView,
    /// Who may use the skill.
    pub visibility: Visibility,
    /// Whether it was there before, so that nothing was done.
    pub already_installed: bool,
    /// Why its tools are not known yet, if they are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
}

/// Moves an installed skill to another version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpgradeSkillRequest {
    /// Which; else the newest that was not yanked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub version: Option<Version>,
}

/// What upgrading came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct UpgradedSkill {
    /// The install.
    pub install: InstallView,
    /// The version it was at.
    #[schema(value_type = String)]
    pub before: Version,
    /// Why its tools are not known yet, if they are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
}
