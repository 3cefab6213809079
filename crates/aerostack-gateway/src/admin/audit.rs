//! The audit log: of a workspace, and of an account for what belongs to no workspace.

use aerostack_core::api::audit::{AuditQuery, AuditVerification, AuditView};
use aerostack_core::api::page::{Empty, Page};
use aerostack_core::audit::{AuditEvent, BrokenAt, Verifier};

use super::call::{Call, shown};
use super::error::ApiError;
use super::paging::Paging;
use crate::store::audit::AuditFilter;
use crate::store::{self, Tx};
use crate::vault::WrongKey;

/// Rows of a chain read at once while it is verified.
const WALK_LEN: i64 = 1_000;

/// Lists a workspace's events, newest first.
pub(super) async fn list(call: Call, query: AuditQuery) -> Result<Page<AuditView>, ApiError> {
    let mut tx = call.read().await?;
    let workspace = call.workspace_ever(&mut tx).await?;
    page(&mut tx, workspace.id.as_str(), &query).await
}

/// Lists a team's events, newest first.
pub(super) async fn list_of_team(call: Call, query: AuditQuery) -> Result<Page<AuditView>, ApiError> {
    let mut tx = call.read().await?;
    let team = call.team(&mut tx).await?;
    page(&mut tx, team.id.as_str(), &query).await
}

async fn page(tx: &mut Tx, chain: &str, query: &AuditQuery) -> Result<Page<AuditView>, ApiError> {
    let paging = Paging::read(query.limit, query.cursor.as_deref())?;
    let before = paging.after.as_deref().map(str::parse).transpose();
    let before = before.map_err(|_| ApiError::invalid("the cursor is not one of this list"))?;
    let actor = query.actor.as_deref().map(shown);
    let filter = AuditFilter {
        since: query.since,
        until: query.until,
        actor: actor.as_deref(),
        action: query.action,
        before,
    };
    let found = store::audit::page(tx, chain, &filter, paging.fetch()).await?;
    let (found, next_cursor) = paging.cut(found, |(sequence, _)| sequence.to_string());
    Ok(Page { items: found.into_iter().map(view).collect(), next_cursor })
}

/// Checks a workspace's chain.
pub(super) async fn verify(call: Call, _request: Empty) -> Result<AuditVerification, ApiError> {
    let mut tx = call.read().await?;
    let workspace = call.workspace_ever(&mut tx).await?;
    walk(&call, &mut tx, workspace.id.as_str()).await
}

/// Checks a team's chain.
pub(super) async fn verify_of_team(call: Call, _request: Empty) -> Result<AuditVerification, ApiError> {
    let mut tx = call.read().await?;
    let team = call.team(&mut tx).await?;
    walk(&call, &mut tx, team.id.as_str()).await
}

/// Checks a chain from its beginning, in one state of the database.
async fn walk(call: &Call, tx: &mut Tx, chain: &str) -> Result<AuditVerification, ApiError> {
    // Under another key every chain looks changed: nobody is to hear that of one that is whole.
    if !call.app.vault.fits() {
        return Err(WrongKey.into());
    }
    let mut verifier = Verifier::new(call.app.vault.audit_keys(), chain);
    // From below the first number: a row slipped in before it does not hold either.
    let mut after = i64::MIN;
    let mut broken: Option<BrokenAt> = None;
    while broken.is_none() {
        let rows = store::audit::walk(tx, chain, after, WALK_LEN).await?;
        let Some(last) = rows.last() else { break };
        after = last.sequence;
        broken = rows.iter().find_map(|row| verifier.check(row).err());
    }
    let (count, head) = verifier.result();
    let broken_at = broken.map(|broken| broken.sequence);
    Ok(AuditVerification { ok: broken_at.is_none(), count, head: head.to_string(), broken_at })
}

fn view((sequence, event): (i64, AuditEvent)) -> AuditView {
    AuditView {
        sequence,
        at: event.at,
        actor: event.actor,
        action: event.action,
        object: event.object,
        detail: event.detail,
    }
}
