//! Workspaces.

use serde::{Deserialize, Serialize};

use crate::id::WorkspaceId;
use crate::plan::Seats;
use crate::role::Role;
use crate::slug::Slug;
use crate::time::Timestamp;
use crate::workspace::ToolPrefix;

/// Asks for a new workspace. No token is made with it: that would spend a seat silently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateWorkspaceRequest {
    /// Display name, 1 to 100 characters; the slug is made from it unless given.
    pub name: String,
    /// Its address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slug: Option<Slug>,
    /// What it is for, at most 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// Changes a workspace; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateWorkspaceRequest {
    /// Display name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// How its tools are named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_prefix: Option<ToolPrefix>,
}

/// A workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct WorkspaceView {
    /// Its identifier.
    pub id: WorkspaceId,
    /// Its address.
    pub slug: Slug,
    /// Display name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Username of the account it belongs to.
    pub owner: Slug,
    /// The caller's role in the owner's team; absent for an operator who has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// How its tools are named.
    pub tool_prefix: ToolPrefix,
    /// What editors are given: `<public-url>/ws/<slug>`.
    pub gateway_url: String,
    /// Installed servers.
    pub servers: u32,
    /// Active tokens against the plan.
    pub seats: Seats,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// A deleted workspace. Audit and tokens stay; the slug is never used again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DeletedWorkspace {
    /// Its address.
    pub slug: Slug,
    /// When it was deleted.
    #[schema(value_type = String, format = DateTime)]
    pub deleted_at: Timestamp,
    /// Tokens that were active and are refused from now on.
    pub tokens_ended: u32,
}
