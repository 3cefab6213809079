//! One call of an operation: who calls, with which path parameters, and the steps that every handler
//! takes the same way.

use std::sync::Arc;

use aerostack_core::account::Account;
use aerostack_core::api::error::ErrorCode;
use aerostack_core::audit::{Action, AuditEvent};
use aerostack_core::id::{AccountId, WorkspaceId};
use aerostack_core::plan::{Plan, Seats};
use aerostack_core::role::{Power, permits, role_towards};
use aerostack_core::slug::Slug;
use aerostack_core::time::Timestamp;
use aerostack_core::workspace::Workspace;

use super::caller::{self, Caller};
use super::error::ApiError;
use crate::app::{App, Order};
use crate::store::{self, Tx};

/// A call of an operation.
pub(super) struct Call {
    /// The hall.
    pub(super) app: Arc<App>,
    /// Who calls.
    pub(super) caller: Caller,
    /// The path's parameters, in order.
    pub(super) parameters: Vec<String>,
}

/// What an audit event says beside who, when and where.
pub(super) struct Deed<'a> {
    /// What was done.
    pub(super) action: Action,
    /// What it was done to.
    pub(super) object: &'a str,
    /// What else is to be known.
    pub(super) detail: String,
}

impl Call {
    /// A path parameter.
    pub(super) fn parameter(&self, index: usize) -> &str {
        // `Operation::find` gives one text per brace; a missing one names nothing.
        self.parameters.get(index).map_or("", String::as_str)
    }

    /// Begins a transaction that reads.
    pub(super) async fn read(&self) -> Result<Tx, ApiError> {
        Ok(self.app.store.read().await?)
    }

    /// Waits for the administrative lane and begins a change. The time is taken after the wait.
    pub(super) async fn order(&self) -> Result<(Order<'_>, Timestamp), ApiError> {
        let mut order = self.app.order().await?;
        // The body and the lane may have taken a minute: a key that was revoked meanwhile changes nothing.
        caller::still_accepted(&mut order.tx, &self.caller).await?;
        Ok((order, self.app.clock.now()))
    }

    /// The workspace of the path, if the caller has this power over it.
    pub(super) async fn workspace(&self, tx: &mut Tx, power: Power) -> Result<Workspace, ApiError> {
        let found = match Slug::parse(self.parameter(0)) {
            Ok(slug) => store::workspace::find_by_slug(tx, &slug).await?,
            Err(_) => None,
        };
        self.permitted(found, power)
    }

    /// The same, also if the workspace was deleted: its audit log stays readable.
    pub(super) async fn workspace_ever(&self, tx: &mut Tx, power: Power) -> Result<Workspace, ApiError> {
        let found = match Slug::parse(self.parameter(0)) {
            Ok(slug) => store::workspace::find_by_slug_ever(tx, &slug).await?,
            Err(_) => None,
        };
        self.permitted(found, power)
    }

    fn permitted(&self, found: Option<Workspace>, power: Power) -> Result<Workspace, ApiError> {
        let slug = self.parameter(0);
        let workspace = found.ok_or_else(|| no_workspace(slug))?;
        let role = role_towards(&self.caller.account, &workspace.owner).ok_or_else(|| no_workspace(slug))?;
        if permits(role, power) { Ok(workspace) } else { Err(forbidden()) }
    }

    /// The same, with its revision raised: nothing counted of it changes until the order ends.
    pub(super) async fn lock_workspace(&self, tx: &mut Tx, power: Power) -> Result<Workspace, ApiError> {
        let workspace = self.workspace(tx, power).await?;
        let locked = store::workspace::lock(tx, &workspace.id).await?;
        locked.ok_or_else(|| no_workspace(self.parameter(0)))
    }

    /// Raises the revision of the caller's own account.
    pub(super) async fn lock_account(&self, tx: &mut Tx) -> Result<Account, ApiError> {
        let locked = store::account::lock(tx, &self.caller.account.id).await?;
        locked.ok_or_else(|| ApiError::not_found("the account is gone"))
    }

    /// Seats under a plan.
    pub(super) fn seats(&self, used: u32, plan: Plan) -> Seats {
        Seats { used, limit: self.app.config.plans.limits(plan).tokens, plan }
    }

    /// Seats of a workspace: its active tokens against its owner's plan.
    pub(super) async fn seats_of(
        &self,
        tx: &mut Tx,
        workspace: &Workspace,
        now: Timestamp,
    ) -> Result<Seats, ApiError> {
        let used = store::token::count_seats(tx, &workspace.id, now).await?;
        let owner = store::account::find(tx, &workspace.owner).await?;
        let plan = owner.ok_or_else(|| ApiError::internal("a workspace has no owner".to_owned()))?.plan;
        Ok(self.seats(used, plan))
    }

    /// Appends to the chain of a workspace.
    pub(super) async fn audit_workspace(
        &self,
        tx: &mut Tx,
        workspace: &WorkspaceId,
        at: Timestamp,
        deed: Deed<'_>,
    ) -> Result<(), ApiError> {
        self.audit(tx, workspace.as_str(), at, deed).await
    }

    /// Appends to the chain of an account, for what belongs to no workspace.
    pub(super) async fn audit_account(
        &self,
        tx: &mut Tx,
        account: &AccountId,
        at: Timestamp,
        deed: Deed<'_>,
    ) -> Result<(), ApiError> {
        self.audit(tx, account.as_str(), at, deed).await
    }

    async fn audit(&self, tx: &mut Tx, chain: &str, at: Timestamp, deed: Deed<'_>) -> Result<(), ApiError> {
        let event = AuditEvent {
            at,
            actor: self.caller.account.email.to_string(),
            action: deed.action,
            object: deed.object.to_owned(),
            detail: deed.detail,
        };
        let app = &self.app;
        Ok(store::audit::append(tx, app.vault.audit_key(), app.audit_key_id(), chain, &event).await?)
    }
}

fn no_workspace(slug: &str) -> ApiError {
    ApiError::not_found(format!("there is no workspace '{}'", shown(slug)))
        .with_hint("list yours with: aerostack workspace list".to_owned())
}

/// A stranger's text inside a message: one line, bounded.
pub(super) fn shown(text: &str) -> String {
    aerostack_core::text::clean_line(text, aerostack_core::text::NAME_MAX_CHARS)
}

/// The answer to a caller whose role does not carry a power.
pub(super) fn forbidden() -> ApiError {
    ApiError::new(ErrorCode::Forbidden, "this account may not do that")
}
