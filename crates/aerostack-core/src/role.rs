//! Who may do what. The one place where it is decided; the admin API asks, nobody else guesses.

use serde::{Deserialize, Serialize};

use crate::account::{Account, AccountKind};
use crate::id::AccountId;
use crate::member::TeamRole;

/// What a caller is to something that an account owns: a workspace, a catalogue, a team.
///
/// Both may be true at once: an operator can be a member of somebody's team.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The caller runs the installation.
    pub is_operator: bool,
    /// The caller's role in the owner's team, if any.
    pub role: Option<Role>,
}

/// A role in a team.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Invited: sees, and installs the team's own skills.
    Member,
    /// Invited: manages everything but the workspaces' end and other admins.
    Admin,
    /// The account itself.
    Owner,
}

/// What a caller wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Power {
    /// Set plans and limits of other accounts, register servers that run on this machine.
    RunInstallation,
    /// Delete a workspace.
    DeleteWorkspace,
    /// Give somebody the role of an admin, or take it.
    ManageAdmins,
    /// Invite and remove members; read the team's audit.
    ManageTeam,
    /// Create and change workspaces: tokens, servers, settings; read their audit.
    ManageWorkspace,
    /// Set and delete secrets, list their names.
    ManageSecrets,
    /// Publish under the team's name and change what was published.
    ManageSkills,
    /// Install the team's own skills into its workspaces.
    InstallTeamSkills,
    /// See a workspace, its servers and tools.
    SeeWorkspace,
}

impl Power {
    /// Every power.
    pub const ALL: [Self; 9] = [
        Self::RunInstallation,
        Self::DeleteWorkspace,
        Self::ManageAdmins,
        Self::ManageTeam,
        Self::ManageWorkspace,
        Self::ManageSecrets,
        Self::ManageSkills,
        Self::InstallTeamSkills,
        Self::SeeWorkspace,
    ];
}

impl Standing {
    /// What `caller` is to something owned by `owner`, given its membership in the owner's team.
    ///
    /// `None` is a stranger, to whom it does not exist.
    #[must_use]
    pub fn of(caller: &Account, owner: &AccountId, membership: Option<TeamRole>) -> Option<Self> {
        let role = if caller.id == *owner { Some(Role::Owner) } else { membership.map(Role::from) };
        let is_operator = caller.kind == AccountKind::Operator;
        (is_operator || role.is_some()).then_some(Self { is_operator, role })
    }

    /// Tells whether it carries a power over what it was found for.
    #[must_use]
    pub fn permits(self, power: Power) -> bool {
        (self.is_operator && operators_may(power)) || self.role.is_some_and(|role| role_may(role, power))
    }
}

impl Role {
    /// The word shown and sent.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }
}

impl From<TeamRole> for Role {
    fn from(role: TeamRole) -> Self {
        match role {
            TeamRole::Admin => Self::Admin,
            TeamRole::Member => Self::Member,
        }
    }
}

/// Operators reach everything of the installation but what others keep secret.
const fn operators_may(power: Power) -> bool {
    !matches!(power, Power::ManageSecrets)
}

const fn role_may(role: Role, power: Power) -> bool {
    match (role, power) {
        (_, Power::RunInstallation) => false,
        (_, Power::SeeWorkspace | Power::InstallTeamSkills) | (Role::Owner, _) => true,
        (Role::Member, _) | (Role::Admin, Power::DeleteWorkspace | Power::ManageAdmins) => false,
        (Role::Admin, _) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Email;
    use crate::plan::Plan;
    use crate::slug::Slug;
    use crate::time::Timestamp;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    fn account(seed: u64, kind: AccountKind) -> Account {
        let now = Timestamp::from_millis(1);
        Account {
            id: AccountId::new(now, &mut StdRng::seed_from_u64(seed)),
            email: Email::parse("a@b.c").unwrap(),
            email_verified: true,
            username: Slug::parse("acme").unwrap(),
            plan: Plan::Pro,
            kind,
            revision: 1,
            created_at: now,
        }
    }

    /// What each standing may do, as the table of the product's description has it.
    #[test]
    fn every_role_has_the_powers_of_the_table_and_no_others() {
        let (owner, person) = (account(1, AccountKind::Person), account(2, AccountKind::Person));
        let operator = account(3, AccountKind::Operator);
        let powers = |caller: &Account, membership| {
            let standing = Standing::of(caller, &owner.id, membership);
            standing.map(|standing| Power::ALL.map(|power| u8::from(standing.permits(power))))
        };
        // In the order of `Power::ALL`.
        assert_eq!(powers(&owner, None), Some([0, 1, 1, 1, 1, 1, 1, 1, 1]));
        assert_eq!(powers(&person, Some(TeamRole::Admin)), Some([0, 0, 0, 1, 1, 1, 1, 1, 1]));
        assert_eq!(powers(&person, Some(TeamRole::Member)), Some([0, 0, 0, 0, 0, 0, 0, 1, 1]));
        assert_eq!(powers(&person, None), None);
        assert_eq!(powers(&operator, None), Some([1, 1, 1, 1, 1, 0, 1, 1, 1]));
        assert_eq!(powers(&operator, Some(TeamRole::Admin)), Some([1; 9]));
        assert_eq!(powers(&operator, Some(TeamRole::Member)), Some([1, 1, 1, 1, 1, 0, 1, 1, 1]));
    }
}
