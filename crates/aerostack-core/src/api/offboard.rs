//! Offboarding: one order that ends everything of a person in a team, and its report.

use serde::{Deserialize, Serialize};

use crate::account::Email;
use crate::id::TokenId;
use crate::member::TeamRole;
use crate::plan::Seats;
use crate::slug::Slug;
use crate::time::Timestamp;

/// Ends everything of a person in the team, or shows what would end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OffboardRequest {
    /// An e-mail address, or the name of a token: then whoever it is tied to, or, if it never was, the
    /// tokens of exactly that name.
    pub who: String,
    /// Changes nothing and shows what would end.
    #[serde(default)]
    pub dry_run: bool,
}

/// What ended, or with `dry_run` would end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OffboardReport {
    /// The team, by its owner's username.
    pub team: Slug,
    /// The person; null if a name was given that was never tied to one.
    pub person: Option<Email>,
    /// The name whose tokens end; null if it is about a person.
    pub token_name: Option<String>,
    /// Whether nothing was changed because that was asked for.
    pub dry_run: bool,
    /// Whether nothing is there to end: the person is offboarded already.
    pub nothing_to_do: bool,
    /// The tokens, by workspace.
    pub tokens: Vec<OffboardedToken>,
    /// Their place in the team.
    pub team_membership: Option<OffboardedMembership>,
    /// Their places in single workspaces.
    pub workspace_memberships: Vec<OffboardedWorkspace>,
    /// Open invitations of their address.
    pub invitations: Vec<OffboardedInvite>,
    /// Active tokens whose names resemble the person's without being tied to them. They stay.
    pub not_touched: Vec<OffboardedToken>,
    /// How many more there are than `not_touched` shows.
    pub not_touched_unshown: u32,
    /// The seats of each workspace where a token ends, as they are once it has ended: with `dry_run` too.
    pub seats: Vec<WorkspaceSeats>,
}

/// A token in the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OffboardedToken {
    /// Its identifier.
    pub id: TokenId,
    /// Its name.
    pub name: String,
    /// The workspace it opens.
    pub workspace: Slug,
    /// The person it is tied to.
    #[serde(rename = "for")]
    pub person: Option<Email>,
}

/// A place in the team.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OffboardedMembership {
    /// In which role.
    pub role: TeamRole,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub joined_at: Timestamp,
}

/// A place in one workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OffboardedWorkspace {
    /// Which.
    pub workspace: Slug,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub joined_at: Timestamp,
}

/// An open invitation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OffboardedInvite {
    /// The workspace it leads into; null leads into the team.
    pub workspace: Option<Slug>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// The seats of a workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct WorkspaceSeats {
    /// Which.
    pub workspace: Slug,
    /// Active tokens against the plan.
    pub seats: Seats,
}
