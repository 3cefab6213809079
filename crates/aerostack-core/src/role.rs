//! Who may do what. The one place where it is decided; the admin API asks, nobody else guesses.

use crate::account::{Account, AccountKind};
use crate::id::AccountId;

/// What an account is to something that an account owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// It is the caller's own.
    Owner,
    /// The caller runs the installation.
    Operator,
}

/// What a caller wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Power {
    /// Set plans and limits of other accounts.
    RunInstallation,
    /// Delete a workspace.
    DeleteWorkspace,
    /// Change a workspace: tokens, servers, settings; read its audit.
    ManageWorkspace,
    /// See a workspace and its tools.
    SeeWorkspace,
}

/// What `caller` is to something owned by `owner`; `None` is a stranger, to whom it does not exist.
#[must_use]
pub fn role_towards(caller: &Account, owner: &AccountId) -> Option<Role> {
    if caller.id == *owner {
        return Some(Role::Owner);
    }
    (caller.kind == AccountKind::Operator).then_some(Role::Operator)
}

/// Tells whether a role carries a power over what it was found for.
#[must_use]
pub const fn permits(role: Role, power: Power) -> bool {
    match (role, power) {
        (Role::Operator, _) => true,
        (Role::Owner, Power::DeleteWorkspace | Power::ManageWorkspace | Power::SeeWorkspace) => true,
        (Role::Owner, Power::RunInstallation) => false,
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
            username: Slug::parse("acme").unwrap(),
            plan: Plan::Pro,
            kind,
            revision: 1,
            created_at: now,
        }
    }

    #[test]
    fn strangers_have_no_role_owners_keep_theirs_and_operators_reach_everything() {
        let (owner, stranger) = (account(1, AccountKind::Person), account(2, AccountKind::Person));
        let operator = account(3, AccountKind::Operator);
        assert_eq!(role_towards(&owner, &owner.id), Some(Role::Owner));
        assert_eq!(role_towards(&stranger, &owner.id), None);
        assert_eq!(role_towards(&operator, &owner.id), Some(Role::Operator));
        assert!(!permits(Role::Owner, Power::RunInstallation));
        assert!(permits(Role::Operator, Power::RunInstallation));
    }
}
