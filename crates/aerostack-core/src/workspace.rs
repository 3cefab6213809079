//! A workspace: a named set of servers behind `/ws/<slug>`, owned by an account.

use serde::{Deserialize, Serialize};

use crate::id::{AccountId, WorkspaceId};
use crate::plan::PlanLimits;
use crate::slug::Slug;
use crate::time::Timestamp;

/// Whether exposed names of tools and prompts carry their server's slug.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ToolPrefix {
    /// `slug__tool` for every tool.
    #[default]
    Always,
    /// The tool's own name; equal names get a numbered suffix.
    Never,
    /// The tool's own name unless two servers share it.
    OnCollision,
}

impl ToolPrefix {
    /// The word used on the wire and in the database.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Never => "never",
            Self::OnCollision => "on-collision",
        }
    }
}

/// A word that names no prefix mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected always, never or on-collision")]
pub struct ToolPrefixError;

impl std::str::FromStr for ToolPrefix {
    type Err = ToolPrefixError;

    fn from_str(text: &str) -> Result<Self, ToolPrefixError> {
        [Self::Always, Self::Never, Self::OnCollision]
            .into_iter()
            .find(|mode| mode.word() == text)
            .ok_or(ToolPrefixError)
    }
}

/// A workspace as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace {
    /// Its identifier.
    pub id: WorkspaceId,
    /// Its address; unique on a gateway, never reused.
    pub slug: Slug,
    /// The account it belongs to.
    pub owner: AccountId,
    /// Its display name.
    pub name: String,
    /// What it is for; empty if nobody said.
    pub description: String,
    /// How its tools are named.
    pub tool_prefix: ToolPrefix,
    /// Raised by every administrative change; what is published carries it.
    pub revision: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was deleted; audit and tokens stay.
    pub deleted_at: Option<Timestamp>,
}

/// Why a workspace may not be created.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CreateRefusal {
    /// The account has as many workspaces as its plan allows.
    #[error("{used} of {limit} workspaces used")]
    WorkspaceLimitReached {
        /// Workspaces the account has.
        used: u32,
        /// Workspaces its plan allows.
        limit: u32,
    },
}

/// Decides whether an account with `used` workspaces may have one more under `limits`.
///
/// # Errors
/// [`CreateRefusal::WorkspaceLimitReached`] when the plan is full.
pub fn may_create(used: u32, limits: PlanLimits) -> Result<(), CreateRefusal> {
    match limits.workspaces {
        Some(limit) if used >= limit => Err(CreateRefusal::WorkspaceLimitReached { used, limit }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Plan, PlanTable};

    #[test]
    fn a_full_plan_refuses_one_more_workspace() {
        let limits = PlanTable::default().limits(Plan::Pro);
        assert_eq!(may_create(4, limits), Ok(()));
        assert_eq!(may_create(5, limits), Err(CreateRefusal::WorkspaceLimitReached { used: 5, limit: 5 }));
        assert_eq!(may_create(5_000, PlanTable::default().limits(Plan::Enterprise)), Ok(()));
    }
}
