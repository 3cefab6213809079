//! The team of an account: who joined it, in which role.
//!
//! A team is nothing apart from its account: the account is its owner, the account's username its
//! name, the account's workspaces and catalogue its own.

use serde::{Deserialize, Serialize};

use crate::id::{AccountId, WorkspaceId};
use crate::time::Timestamp;

/// Most people in one team, invitations that wait included.
pub const TEAM_MAX: u32 = 1_000;

/// The role of somebody who was invited into a team.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum TeamRole {
    /// Sees the team's workspaces, and installs its skills.
    #[default]
    Member,
    /// Manages workspaces, tokens, servers, secrets and invitations.
    Admin,
}

impl TeamRole {
    /// The word used on the wire and in the database.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Admin => "admin",
        }
    }
}

/// A word that names no role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected admin or member")]
pub struct TeamRoleError;

impl std::str::FromStr for TeamRole {
    type Err = TeamRoleError;

    fn from_str(text: &str) -> Result<Self, TeamRoleError> {
        [Self::Member, Self::Admin].into_iter().find(|role| role.word() == text).ok_or(TeamRoleError)
    }
}

/// Somebody's place in a team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The account whose team it is.
    pub team: AccountId,
    /// Who joined.
    pub account: AccountId,
    /// In which role.
    pub role: TeamRole,
    /// When.
    pub joined_at: Timestamp,
}

/// Somebody's place in one workspace, which is none in the team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkspaceMembership {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// Who joined.
    pub account: AccountId,
    /// When.
    pub joined_at: Timestamp,
}
