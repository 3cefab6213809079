//! Skills: published, versioned tool packages `@username/name`, and who may use them.
//!
//! A version never changes once it is published, and versions rise: an install pins one, because a new
//! one could move the address that receives the workspace's secrets. Who may use a skill is decided here,
//! the same way for installing, listing and calling.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::id::{AccountId, SkillId, SkillVersionId};
use crate::manifest::{Backing, ManifestTool, Package};
use crate::slug::Slug;
use crate::time::Timestamp;

/// Most skills of one account.
pub const SKILLS_MAX: u32 = 1_000;
/// Most versions of one skill.
pub const VERSIONS_MAX: u32 = 1_000;
/// Largest number of a version's three.
const VERSION_PART_MAX: u32 = 999_999;

/// Who may install a skill and use its tools.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    /// Anybody with an account.
    #[default]
    Public,
    /// The account and the members of its team.
    Team,
    /// The account alone.
    Private,
}

impl Visibility {
    /// The word used on the wire and in the database.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Team => "team",
            Self::Private => "private",
        }
    }

    /// Tells whether somebody who stands so to the skill's account may use it. The one decision for
    /// installing, listing and calling.
    #[must_use]
    pub const fn opens_to(self, relation: Relation) -> bool {
        match (self, relation) {
            (Self::Public, _) | (_, Relation::Owner) | (Self::Team, Relation::Member) => true,
            (Self::Team, Relation::Stranger) | (Self::Private, Relation::Member | Relation::Stranger) => {
                false
            }
        }
    }
}

/// A word that names no visibility.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected public, team or private")]
pub struct VisibilityError;

impl FromStr for Visibility {
    type Err = VisibilityError;

    fn from_str(text: &str) -> Result<Self, VisibilityError> {
        [Self::Public, Self::Team, Self::Private]
            .into_iter()
            .find(|it| it.word() == text)
            .ok_or(VisibilityError)
    }
}

/// What an account is to the account a skill belongs to.
///
/// Running the installation is no relation: an operator uses what anybody may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// The same account.
    Owner,
    /// A member of its team.
    Member,
    /// Neither.
    Stranger,
}

impl Relation {
    /// What `account` is to `owner`, given whether it is a member of the owner's team.
    #[must_use]
    pub fn of(account: &AccountId, owner: &AccountId, is_member: bool) -> Self {
        if account == owner {
            Self::Owner
        } else if is_member {
            Self::Member
        } else {
            Self::Stranger
        }
    }
}

/// Why a skill is not installed into a workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstallRefusal {
    /// It is another's private skill: to the caller it does not exist.
    Unknown,
    /// The caller is not in the team whose skill it is.
    NotAMember,
    /// The caller may use it, the workspace's owner is not in the team whose skill it is.
    OwnerNotAMember,
    /// It is the caller's private skill, and the workspace another's.
    OwnersAlone,
}

/// Decides whether somebody may install a skill into a workspace: they and the workspace's owner must
/// both have the right to it.
///
/// # Errors
/// [`InstallRefusal`].
pub const fn may_install(
    visibility: Visibility,
    caller: Relation,
    workspace_owner: Relation,
) -> Result<(), InstallRefusal> {
    match visibility {
        Visibility::Private if !visibility.opens_to(caller) => Err(InstallRefusal::Unknown),
        Visibility::Team if !visibility.opens_to(caller) => Err(InstallRefusal::NotAMember),
        Visibility::Private if !visibility.opens_to(workspace_owner) => Err(InstallRefusal::OwnersAlone),
        Visibility::Team if !visibility.opens_to(workspace_owner) => Err(InstallRefusal::OwnerNotAMember),
        Visibility::Public | Visibility::Team | Visibility::Private => Ok(()),
    }
}

/// A version's number: `1.2.0`, each part up to 999,999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    major: u32,
    minor: u32,
    patch: u32,
}

/// A text that is no version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a version is three numbers such as 1.2.0, each up to {VERSION_PART_MAX}")]
pub struct VersionError;

impl Version {
    /// The version as one number that sorts alike.
    #[must_use]
    pub fn number(self) -> i64 {
        let base = i64::from(VERSION_PART_MAX) + 1;
        (i64::from(self.major) * base + i64::from(self.minor)) * base + i64::from(self.patch)
    }

    /// Takes a version back from its number; `None` if it is none's.
    #[must_use]
    pub fn from_number(number: i64) -> Option<Self> {
        let base = i64::from(VERSION_PART_MAX) + 1;
        let part = |value: i64| u32::try_from(value).ok().filter(|part| *part <= VERSION_PART_MAX);
        let (major, minor, patch) = (number / base / base, number / base % base, number % base);
        Some(Self { major: part(major)?, minor: part(minor)?, patch: part(patch)? })
    }

    /// The version after it that changes least.
    #[must_use]
    pub fn next_patch(self) -> Self {
        Self { patch: (self.patch + 1).min(VERSION_PART_MAX), ..self }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let part = |text: &str| -> Option<u32> {
            let is_number =
                !text.is_empty() && text.len() <= 6 && text.bytes().all(|byte| byte.is_ascii_digit());
            let is_plain = text == "0" || !text.starts_with('0');
            (is_number && is_plain).then(|| text.parse().ok()).flatten()
        };
        let parts: Vec<Option<u32>> = text.split('.').map(part).collect();
        match parts[..] {
            [Some(major), Some(minor), Some(patch)] => Ok(Self { major, minor, patch }),
            _ => Err(VersionError),
        }
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A skill, whichever its versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skill {
    /// Its identifier.
    pub id: SkillId,
    /// The account it is published under.
    pub owner: AccountId,
    /// Its name there.
    pub name: Slug,
    /// Who may use it.
    pub visibility: Visibility,
    /// When its first version was published.
    pub created_at: Timestamp,
}

/// One version of a skill. Nothing of it ever changes but whether it is offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkillVersion {
    /// Its identifier.
    pub id: SkillVersionId,
    /// The skill.
    pub skill: SkillId,
    /// Its number.
    pub version: Version,
    /// What the skill does, in one line.
    pub description: String,
    /// What stands behind its tools, and where.
    pub backing: Backing,
    /// Its tools; none where an MCP server tells them itself.
    pub tools: Vec<ManifestTool>,
    /// Whether an operator gave its address: such a one may lie in a private network.
    pub trusted: bool,
    /// When it was published.
    pub published_at: Timestamp,
    /// When it was taken back, if it is: then it is not installed any more, and who has it keeps it.
    pub yanked_at: Option<Timestamp>,
}

impl SkillVersion {
    /// The tools of a function; `None` where an MCP server stands behind it.
    #[must_use]
    pub fn function_tools(&self) -> Option<&[ManifestTool]> {
        match self.backing {
            Backing::Function(_) => Some(&self.tools),
            Backing::Mcp(_) => None,
        }
    }
}

/// What publishing comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Publishing {
    /// A new version.
    New,
    /// The newest version once more, unchanged: nothing is written.
    Same,
}

/// Why a version is not published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublishRefusal {
    /// The newest version has this number and says something else.
    #[error("version {0} is published already, and a version never changes")]
    Taken(Version),
    /// A newer one is published.
    #[error("version {0} is published already, and versions rise")]
    NotRising(Version),
    /// The newest version has this number and was taken back.
    #[error("version {0} was yanked")]
    Yanked(Version),
}

/// Decides whether a package may be published after the newest version of its skill.
///
/// # Errors
/// [`PublishRefusal`] when the version does not rise.
pub fn may_publish(newest: Option<&SkillVersion>, package: &Package) -> Result<Publishing, PublishRefusal> {
    let Some(newest) = newest else { return Ok(Publishing::New) };
    if package.version > newest.version {
        return Ok(Publishing::New);
    }
    let same = package.version == newest.version
        && package.description == newest.description
        && package.backing == newest.backing
        && package.tools == newest.tools;
    match package.version == newest.version {
        true if newest.yanked_at.is_some() => Err(PublishRefusal::Yanked(newest.version)),
        true if same => Ok(Publishing::Same),
        true => Err(PublishRefusal::Taken(newest.version)),
        false => Err(PublishRefusal::NotRising(newest.version)),
    }
}

/// A reference to a skill: `name`, `user/name` or `@user/name`, perhaps with `@1.2.0` behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkillReference {
    /// Whose; none is the workspace owner's.
    pub username: Option<Slug>,
    /// Its name there.
    pub name: Slug,
    /// Which version; none is the newest.
    pub version: Option<Version>,
}

impl SkillReference {
    /// The same skill at one version.
    #[must_use]
    pub fn at(&self, version: Version) -> Self {
        Self { version: Some(version), ..self.clone() }
    }
}

/// A text that is no reference to a skill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected name, user/name or @user/name, perhaps with a version such as @1.2.0 behind it")]
pub struct SkillReferenceError;

impl FromStr for SkillReference {
    type Err = SkillReferenceError;

    fn from_str(text: &str) -> Result<Self, SkillReferenceError> {
        let sigil = text.strip_prefix('@');
        let (path, version) = match sigil.unwrap_or(text).split_once('@') {
            Some((path, version)) => (path, Some(version.parse().map_err(|_| SkillReferenceError)?)),
            None => (sigil.unwrap_or(text), None),
        };
        let slug = |text| Slug::parse(text).map_err(|_| SkillReferenceError);
        match path.split_once('/') {
            Some((username, name)) => {
                Ok(Self { username: Some(slug(username)?), name: slug(name)?, version })
            }
            None if sigil.is_some() => Err(SkillReferenceError),
            None => Ok(Self { username: None, name: slug(path)?, version }),
        }
    }
}

#[cfg(test)]
mod tests;
