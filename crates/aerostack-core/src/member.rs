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

/// Why somebody's role is not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoleRefusal {
    /// The team is theirs.
    #[error("the owner's role cannot be changed")]
    Owner,
    /// They were invited and did not join: the link gives the role that it was made with, and others
    /// than the owner may have seen it.
    #[error("an invitation keeps the role it was made with")]
    Invited,
    /// Nobody of this address has a part in the team.
    #[error("nobody of this address is in the team")]
    Nobody,
}

/// What is known of somebody whose role is to be changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RolePlace {
    /// The address is the owner's own.
    pub is_owner: bool,
    /// Their place in the team, if they are in.
    pub membership: Option<Membership>,
    /// An invitation into the team was made for them and not accepted.
    pub is_invited: bool,
}

/// A change of role that was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleChange {
    /// What to write.
    pub membership: Membership,
    /// The role before.
    pub was: TeamRole,
}

impl RoleChange {
    /// Tells whether they have the role already.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.membership.role == self.was
    }

    /// Tells whether they may less than before: what they were shown is no longer theirs to use.
    #[must_use]
    pub fn takes_away(&self) -> bool {
        self.membership.role < self.was
    }
}

/// Decides over a change of role, for a caller who may make and unmake admins.
///
/// # Errors
/// A [`RoleRefusal`].
pub fn change_role(place: RolePlace, role: TeamRole) -> Result<RoleChange, RoleRefusal> {
    if place.is_owner {
        return Err(RoleRefusal::Owner);
    }
    match place.membership {
        Some(before) => Ok(RoleChange { was: before.role, membership: Membership { role, ..before } }),
        None if place.is_invited => Err(RoleRefusal::Invited),
        None => Err(RoleRefusal::Nobody),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn membership(role: TeamRole) -> Membership {
        let id = AccountId::from_stored("acc_1".to_owned());
        Membership { team: id.clone(), account: id, role, joined_at: Timestamp::from_millis(1) }
    }

    #[test]
    fn whoever_is_in_gets_the_role_and_keeps_the_rest_of_their_place() {
        for (was, role, is_none, takes_away) in [
            (TeamRole::Member, TeamRole::Member, true, false),
            (TeamRole::Member, TeamRole::Admin, false, false),
            (TeamRole::Admin, TeamRole::Admin, true, false),
            (TeamRole::Admin, TeamRole::Member, false, true),
        ] {
            let place = RolePlace { membership: Some(membership(was)), ..RolePlace::default() };
            let change = change_role(place, role).unwrap();
            assert_eq!(change, RoleChange { membership: membership(role), was });
            assert_eq!((change.is_none(), change.takes_away()), (is_none, takes_away), "{was:?} to {role:?}");
        }
    }

    #[test]
    fn the_owner_the_invited_and_strangers_are_refused_with_the_reason() {
        let invited = RolePlace { is_invited: true, ..RolePlace::default() };
        for (place, refusal) in [
            (RolePlace { is_owner: true, ..invited.clone() }, RoleRefusal::Owner),
            (invited, RoleRefusal::Invited),
            (RolePlace::default(), RoleRefusal::Nobody),
        ] {
            assert_eq!(change_role(place, TeamRole::Member), Err(refusal));
        }
    }
}
