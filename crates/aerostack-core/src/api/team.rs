//! The team of an account, invitations, and how they are accepted.

use serde::{Deserialize, Serialize};

use super::account::AccountView;
use super::token::CreatedToken;
use crate::account::Email;
use crate::member::TeamRole;
use crate::plan::Seats;
use crate::slug::Slug;
use crate::time::Timestamp;

/// Whether somebody is in a team.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum MemberStatus {
    /// Invited; the link waits.
    Pending,
    /// Invited; the link waited for too long.
    Expired,
    /// In.
    Active,
}

impl MemberStatus {
    /// The word shown and sent.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Expired => "expired",
            Self::Active => "active",
        }
    }
}

/// A team: the people an account has invited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TeamView {
    /// The username of the account whose team it is.
    pub team: Slug,
    /// Everybody, in order of their addresses; at most 1,000.
    pub members: Vec<TeamMemberView>,
}

/// Somebody in a team, or invited into it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TeamMemberView {
    /// Their address.
    pub email: Email,
    /// Their namespace; `null` until they joined.
    pub username: Option<Slug>,
    /// Their role.
    pub role: TeamRole,
    /// Whether they are in.
    pub status: MemberStatus,
    /// When they were invited; `null` once they joined.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub invited_at: Option<Timestamp>,
    /// When they joined.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub joined_at: Option<Timestamp>,
}

/// Asks for an invitation into the team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InviteRequest {
    /// Whom.
    pub email: Email,
    /// In which role; `member` unless given.
    #[serde(default)]
    pub role: TeamRole,
}

/// How a link found its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// A mail server took the mail.
    Mailed,
    /// No mail server is configured: the link is in the reply, to be handed over.
    NotConfigured,
    /// The mail could not be sent: the link is in the reply, to be handed over.
    Failed,
}

/// An invitation that was made.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct InviteSent {
    /// Whom.
    pub email: Email,
    /// In which role.
    pub role: TeamRole,
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
}

/// An invitation that waits, or waited for too long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct InviteView {
    /// Whom.
    pub email: Email,
    /// In which role.
    pub role: TeamRole,
    /// `pending` or `expired`.
    pub status: MemberStatus,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub invited_at: Timestamp,
    /// Until when the link leads in.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
}

/// An invitation that was removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RemovedInvite {
    /// Whose link is dead.
    pub email: Email,
}

/// Somebody who was removed from a team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RemovedMember {
    /// Who.
    pub email: Email,
    /// What they were before.
    pub was: MemberStatus,
    /// Tokens of the team's workspaces that were tied to them and are revoked.
    pub tokens_revoked: u32,
    /// Invitations that ended: those for them, and those whose links they were shown.
    pub invites_ended: u64,
}

/// Gives somebody in the team another role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeRoleRequest {
    /// The role they are to have.
    pub role: TeamRole,
}

/// Somebody in the team and the role they have now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ChangedRole {
    /// The team's username.
    pub team: Slug,
    /// Who.
    pub email: Email,
    /// Their role.
    pub role: TeamRole,
    /// Their role before; the same one if nothing was to be done.
    pub was: TeamRole,
    /// Invitations that ended, since who is no admin any more was shown their links.
    pub invites_ended: u64,
}

/// What the holder of a link is told. No credential is needed: the link is one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct InvitePreview {
    /// The team's username.
    pub team: Slug,
    /// The one workspace it leads into; `null` leads into the team.
    pub workspace: Option<Slug>,
    /// Active tokens of that workspace against the plan: who accepts needs a free seat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seats: Option<Seats>,
    /// Whom it is for.
    pub email: Email,
    /// In which role; for a workspace it says nothing.
    pub role: TeamRole,
    /// Until when it leads in.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// Whether the address has an account, which then has to be signed in.
    pub has_account: bool,
}

/// Accepts an invitation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptRequest {
    /// The username of a new account; left out by an account that is signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<Slug>,
}

/// Somebody who joined.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Joined {
    /// The team's username.
    pub team: Slug,
    /// The workspace, if it was one.
    pub workspace: Option<Slug>,
    /// The personal token of who joined a workspace, `mwt_…`, once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<CreatedToken>,
    /// In which role; for a workspace it says nothing.
    pub role: TeamRole,
    /// Who.
    pub account: AccountView,
    /// The key of an account that was made just now, `ak_…`, once; an account that existed gets none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}
