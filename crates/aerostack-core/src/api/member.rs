//! Members of a single workspace.

use serde::{Deserialize, Serialize};

use super::team::{Delivery, MemberStatus};
use crate::account::Email;
use crate::id::TokenId;
use crate::plan::Seats;
use crate::slug::Slug;
use crate::time::Timestamp;

/// Asks for an invitation into a workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InviteWorkspaceMemberRequest {
    /// Whom.
    pub email: Email,
}

/// An invitation into a workspace that was made.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct WorkspaceInviteSent {
    /// Where it leads.
    pub workspace: Slug,
    /// Whom it is for.
    pub email: Email,
    /// Until when the link leads in.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// Whether it took the place of one that waited; that one's link is dead.
    pub replaced: bool,
    /// How the link found its way.
    pub delivery: Delivery,
    /// The link, once, where it was not mailed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// Why the mail could not be sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Active tokens against the plan: who accepts needs a free seat.
    pub seats: Seats,
}

/// The members of a workspace, and who is invited into it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct WorkspaceMembersView {
    /// Which workspace.
    pub workspace: Slug,
    /// Everybody, in order of their addresses; at most 1,000.
    pub members: Vec<WorkspaceMemberView>,
    /// Active tokens against the plan.
    pub seats: Seats,
}

/// Somebody in a workspace, or invited into it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct WorkspaceMemberView {
    /// Their address.
    pub email: Email,
    /// Whether they are in.
    pub status: MemberStatus,
    /// When they were invited; `null` once they joined.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub invited_at: Option<Timestamp>,
    /// When they joined.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub joined_at: Option<Timestamp>,
    /// When a request with any of their tokens of the workspace was last accepted.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_active_at: Option<Timestamp>,
    /// Calls of the last 30 days with tokens that are tied to them; `null` if that cannot be told now.
    pub calls: Option<u64>,
    /// The active tokens of the workspace that are tied to them.
    pub tokens: Vec<MemberToken>,
    /// When they last could not join because every seat was taken.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub no_seat_at: Option<Timestamp>,
}

/// A token of a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MemberToken {
    /// Its identifier.
    pub id: TokenId,
    /// Its name.
    pub name: String,
}

/// Somebody who was removed from a workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RemovedWorkspaceMember {
    /// From which.
    pub workspace: Slug,
    /// Who.
    pub email: Email,
    /// What they were before.
    pub was: MemberStatus,
    /// Tokens of the workspace that were tied to them and are revoked.
    pub tokens_revoked: u32,
}
