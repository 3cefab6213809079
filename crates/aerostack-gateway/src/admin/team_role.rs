//! The role of somebody in the team: given and taken by its owner alone.
//!
//! Roles are read from the database at every request, so a change holds from the next one on, for keys
//! and for browsers that are signed in.

use aerostack_core::account::{Account, Email};
use aerostack_core::api::error::ErrorCode;
use aerostack_core::api::team::{ChangeRoleRequest, ChangedRole};
use aerostack_core::audit::Action;
use aerostack_core::member::{RolePlace, RoleRefusal, TeamRole, change_role};

use super::call::{Call, Deed, shown};
use super::error::ApiError;
use super::team::{address_of, nobody};
use crate::store::{self, Tx};

/// Gives somebody another role.
pub(super) async fn change(call: Call, request: ChangeRoleRequest) -> Result<ChangedRole, ApiError> {
    let email = address_of(&call)?;
    let (mut order, now) = call.order().await?;
    let tx = &mut order.tx;
    let team = call.lock_team(tx).await?;
    let change = match change_role(place(tx, &team, &email).await?, request.role) {
        Ok(change) => change,
        Err(refusal) => return Err(refused(tx, &team, &email, request.role, refusal).await?),
    };
    let (role, was) = (change.membership.role, change.was);
    if change.is_none() {
        return Ok(ChangedRole { team: team.username, email, role, was, invites_ended: 0 });
    }
    store::member::put(tx, &change.membership).await?;
    let invites_ended = match change.takes_away() {
        // A link leads whoever holds it into a team or a workspace; inviting is an admin's right.
        true => store::invite::end_all_shown_to(tx, &team.id, &change.membership.account, now).await?,
        false => 0,
    };
    let detail = format!("{} to {}; {invites_ended} invitations ended", was.word(), role.word());
    let deed = Deed { action: Action::RoleChanged, object: email.as_str(), detail };
    call.audit_account(tx, &team.id, now, deed).await?;
    order.commit(Vec::new()).await?;
    Ok(ChangedRole { team: team.username, email, role, was, invites_ended })
}

async fn place(tx: &mut Tx, team: &Account, email: &Email) -> Result<RolePlace, ApiError> {
    let membership = match store::account::find_by_email(tx, email).await? {
        Some(account) => store::member::find(tx, &team.id, &account.id).await?,
        None => None,
    };
    let open = store::invite::list_open_of(tx, &team.id, email).await?;
    let is_invited = open.iter().any(|invite| invite.workspace.is_none());
    Ok(RolePlace { is_owner: *email == team.email, membership, is_invited })
}

async fn refused(
    tx: &mut Tx,
    team: &Account,
    email: &Email,
    role: TeamRole,
    refusal: RoleRefusal,
) -> Result<ApiError, ApiError> {
    let error = ApiError::new(ErrorCode::Conflict, refusal.to_string());
    Ok(match refusal {
        RoleRefusal::Owner => error,
        RoleRefusal::Invited => {
            let (email, role) = (shown(email.as_str()), role.word());
            error.with_hint(format!("invite them anew: aerostack team invite {email} --role {role}"))
        }
        RoleRefusal::Nobody => nobody(tx, team, email).await?,
    })
}
