//! Offboarding: everything of a person in one team ends in one transaction over all its workspaces.
//!
//! The account is locked first and then each workspace in the order of identifiers. Everything is
//! published before the answer: streams have ended and seats are free when somebody reads it.

use aerostack_core::api::offboard::{OffboardReport, OffboardRequest};
use aerostack_core::audit::Action;
use aerostack_core::id::WorkspaceId;
use aerostack_core::offboard::{Target, may_offboard};
use aerostack_core::time::Timestamp;
use aerostack_core::workspace::Workspace;

use super::call::{Call, Deed};
use super::error::ApiError;
use super::offboard_case::{Case, Mode};
use super::team::concerned_workspaces;
use crate::app::Publication;
use crate::store::{self, Tx};

/// Ends everything of a person, or shows what would end. Twice is a no-op that says so.
pub(super) async fn offboard(call: Call, request: OffboardRequest) -> Result<OffboardReport, ApiError> {
    let target = Target::parse(&request.who)?;
    if request.dry_run {
        return show(&call, target).await;
    }
    let (mut order, now) = call.order().await?;
    let team = call.lock_team(&mut order.tx).await?;
    let mut workspaces = Vec::new();
    for workspace in store::workspace::all_of_owner(&mut order.tx, &team.id).await? {
        workspaces.extend(store::workspace::lock(&mut order.tx, &workspace.id).await?);
    }
    let case = Case::read(&mut order.tx, team, target, now).await?;
    refuse_protected(&call, &mut order.tx, &case).await?;
    case.refuse_unknown(&mut order.tx, now).await?;
    let report = case.report(&call, &mut order.tx, Mode::Carry, now).await?;
    if report.nothing_to_do {
        return Ok(report);
    }
    let mut publications = end_tokens(&call, &mut order.tx, &case, &workspaces, now).await?;
    end_places(&call, &mut order.tx, &case, &workspaces, now).await?;
    publications.extend(end_membership(&call, &mut order.tx, &case, now).await?);
    let deed =
        Deed { action: Action::PersonOffboarded, object: case.subject.name(), detail: summary(&report) };
    call.audit_account(&mut order.tx, &case.team.id, now, deed).await?;
    order.commit(publications).await?;
    Ok(report)
}

async fn show(call: &Call, target: Target) -> Result<OffboardReport, ApiError> {
    let now = call.app.clock.now();
    let mut tx = call.read().await?;
    let team = call.team(&mut tx).await?;
    let case = Case::read(&mut tx, team, target, now).await?;
    refuse_protected(call, &mut tx, &case).await?;
    case.refuse_unknown(&mut tx, now).await?;
    case.report(call, &mut tx, Mode::DryRun, now).await
}

async fn refuse_protected(call: &Call, tx: &mut Tx, case: &Case) -> Result<(), ApiError> {
    let standing = call.standing(tx, &case.team.id).await?;
    let standing = standing.ok_or_else(|| ApiError::internal("a stranger acts for a team".to_owned()))?;
    Ok(may_offboard(&case.subject, &case.team, &case.person, standing)?)
}

async fn end_tokens(
    call: &Call,
    tx: &mut Tx,
    case: &Case,
    workspaces: &[Workspace],
    now: Timestamp,
) -> Result<Vec<Publication>, ApiError> {
    let mut publications = Vec::new();
    for held in &case.plan.tokens {
        let token = &held.token;
        store::token::set_revoked(tx, &token.id, now).await?;
        let detail = format!("{}, offboarding {}", token.id, case.subject.name());
        let deed = Deed { action: Action::TokenRevoked, object: &token.name, detail };
        call.audit_workspace(tx, found(workspaces, &token.workspace)?, now, deed).await?;
        publications.push(Publication::token_ends(token, now));
    }
    Ok(publications)
}

/// Ends what the person has of single workspaces: places in them, and open invitations to them.
async fn end_places(
    call: &Call,
    tx: &mut Tx,
    case: &Case,
    workspaces: &[Workspace],
    now: Timestamp,
) -> Result<(), ApiError> {
    for place in &case.places {
        let (workspace, account) = (&place.membership.workspace, &place.membership.account);
        store::workspace_member::delete(tx, workspace, account).await?;
        let deed = Deed {
            action: Action::MemberRemoved,
            object: case.subject.name(),
            detail: "offboarding".to_owned(),
        };
        call.audit_workspace(tx, found(workspaces, workspace)?, now, deed).await?;
    }
    for invite in &case.invites {
        store::invite::end(tx, &case.team.id, invite.workspace.as_ref(), &invite.email, now).await?;
        let deed = Deed {
            action: Action::InviteRemoved,
            object: case.subject.name(),
            detail: "offboarding".to_owned(),
        };
        match &invite.workspace {
            Some(id) => call.audit_workspace(tx, found(workspaces, id)?, now, deed).await?,
            None => call.audit_account(tx, &case.team.id, now, deed).await?,
        }
    }
    Ok(())
}

/// Ends the place in the team. What the person's own workspaces had of the team's is gone from them in
/// the next list, so they are published too.
async fn end_membership(
    call: &Call,
    tx: &mut Tx,
    case: &Case,
    now: Timestamp,
) -> Result<Vec<Publication>, ApiError> {
    let Some(membership) = &case.membership else { return Ok(Vec::new()) };
    store::member::delete(tx, &case.team.id, &membership.account).await?;
    // Whoever was shown a link could still follow it, under another address.
    store::invite::end_all_shown_to(tx, &case.team.id, &membership.account, now).await?;
    let detail = format!("{}, offboarding", membership.role.word());
    let deed = Deed { action: Action::MemberRemoved, object: case.subject.name(), detail };
    call.audit_account(tx, &case.team.id, now, deed).await?;
    // As when somebody is removed from the team: pages that are open show nothing more of it.
    store::session::end_all(tx, &membership.account, now).await?;
    concerned_workspaces(tx, &case.team.id, &membership.account).await
}

fn found<'a>(workspaces: &'a [Workspace], id: &WorkspaceId) -> Result<&'a Workspace, ApiError> {
    let found = workspaces.iter().find(|workspace| workspace.id == *id);
    found.ok_or_else(|| ApiError::internal("something of a workspace that is not the team's".to_owned()))
}

/// `2 tokens, team membership (member), 1 workspace membership, 1 invitation`.
fn summary(report: &OffboardReport) -> String {
    let counted = |number: usize, noun: &str| match number {
        0 => None,
        1 => Some(format!("1 {noun}")),
        number => Some(format!("{number} {noun}s")),
    };
    let membership = report.team_membership;
    let parts = [
        counted(report.tokens.len(), "token"),
        membership.map(|membership| format!("team membership ({})", membership.role.word())),
        counted(report.workspace_memberships.len(), "workspace membership"),
        counted(report.invitations.len(), "invitation"),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}
