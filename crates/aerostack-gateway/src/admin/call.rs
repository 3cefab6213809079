//! One call of an operation: who calls, with which path parameters, and the steps that every handler
//! takes the same way.

use std::sync::Arc;

use aerostack_core::account::{Account, AccountKind};
use aerostack_core::api::error::ErrorCode;
use aerostack_core::api::operation::{Needs, Operation};
use aerostack_core::audit::{Action, AuditEvent};
use aerostack_core::id::AccountId;
use aerostack_core::plan::{Plan, Seats};
use aerostack_core::role::{Power, Role, Standing};
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
    /// Which.
    pub(super) operation: Operation,
    /// Who calls.
    pub(super) caller: Caller,
    /// The team that was named to act for.
    pub(super) team: Option<Slug>,
    /// The path's parameters, in order.
    pub(super) parameters: Vec<String>,
}

/// What an audit event says beside who, when and where.
pub(crate) struct Deed<'a> {
    /// What was done.
    pub(crate) action: Action,
    /// What it was done to.
    pub(crate) object: &'a str,
    /// What else is to be known.
    pub(crate) detail: String,
}

impl Call {
    /// A path parameter.
    pub(super) fn parameter(&self, index: usize) -> &str {
        // `Operation::find` gives one text per brace; a missing one names nothing.
        self.parameters.get(index).map_or("", String::as_str)
    }

    /// Tells whether the caller runs the installation.
    pub(super) fn is_operator(&self) -> bool {
        self.caller.account.kind == AccountKind::Operator
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

    /// What the caller is to something owned by `owner`; `None` is a stranger.
    pub(super) async fn standing(
        &self,
        tx: &mut Tx,
        owner: &AccountId,
    ) -> Result<Option<Standing>, ApiError> {
        let account = &self.caller.account;
        let membership = match account.id == *owner {
            true => None,
            false => store::member::role(tx, owner, &account.id).await?,
        };
        Ok(Standing::of(account, owner, membership))
    }

    /// The workspace of the path, if the caller has the power over it that the operation needs.
    pub(super) async fn workspace(&self, tx: &mut Tx) -> Result<Workspace, ApiError> {
        let found = match Slug::parse(self.parameter(0)) {
            Ok(slug) => store::workspace::find_by_slug(tx, &slug).await?,
            Err(_) => None,
        };
        self.permitted(tx, found).await
    }

    /// The same, also if the workspace was deleted: its audit log stays readable.
    pub(super) async fn workspace_ever(&self, tx: &mut Tx) -> Result<Workspace, ApiError> {
        let found = match Slug::parse(self.parameter(0)) {
            Ok(slug) => store::workspace::find_by_slug_ever(tx, &slug).await?,
            Err(_) => None,
        };
        self.permitted(tx, found).await
    }

    /// A stranger is told the same as if there were no such workspace.
    async fn permitted(&self, tx: &mut Tx, found: Option<Workspace>) -> Result<Workspace, ApiError> {
        let missing = || no_workspace(self.parameter(0));
        let workspace = found.ok_or_else(missing)?;
        let standing = self.standing(tx, &workspace.owner).await?.ok_or_else(missing)?;
        if let Some(team) = &self.team {
            let owner = store::account::find(tx, &workspace.owner).await?;
            owner.filter(|owner| owner.username == *team).ok_or_else(missing)?;
        }
        match self.operation.needs() {
            Needs::Workspace(power) if standing.permits(power) => Ok(workspace),
            Needs::Workspace(power) => Err(lacking(power)),
            needs => Err(self.misplaced(needs)),
        }
    }

    /// The same, with its revision raised: nothing counted of it changes until the order ends.
    pub(super) async fn lock_workspace(&self, tx: &mut Tx) -> Result<Workspace, ApiError> {
        let workspace = self.workspace(tx).await?;
        let locked = store::workspace::lock(tx, &workspace.id).await?;
        locked.ok_or_else(|| no_workspace(self.parameter(0)))
    }

    /// The account acted for: the named team's, else the caller's own, if the caller has the power over
    /// it that the operation needs.
    pub(super) async fn team(&self, tx: &mut Tx) -> Result<Account, ApiError> {
        let (owner, standing) = self.find_team(tx).await?;
        match self.operation.needs() {
            Needs::Team(power) if standing.permits(power) => Ok(owner),
            Needs::Team(power) => Err(lacking(power)),
            needs => Err(self.misplaced(needs)),
        }
    }

    /// The same, with its revision raised: nothing counted of it changes until the order ends.
    pub(super) async fn lock_team(&self, tx: &mut Tx) -> Result<Account, ApiError> {
        let team = self.team(tx).await?;
        let locked = store::account::lock(tx, &team.id).await?;
        locked.ok_or_else(|| ApiError::not_found("the account is gone"))
    }

    /// Refuses a caller who may not give or take the role of an admin in the team.
    pub(super) async fn must_manage_admins(&self, tx: &mut Tx, team: &AccountId) -> Result<(), ApiError> {
        let standing = self.standing(tx, team).await?;
        if standing.is_some_and(|standing| standing.permits(Power::ManageAdmins)) {
            return Ok(());
        }
        Err(lacking(Power::ManageAdmins))
    }

    async fn find_team(&self, tx: &mut Tx) -> Result<(Account, Standing), ApiError> {
        let own = &self.caller.account;
        let Some(name) = self.team.as_ref().filter(|name| **name != own.username) else {
            let standing = self.standing(tx, &own.id).await?;
            let standing =
                standing.ok_or_else(|| ApiError::internal("nobody is a stranger at home".to_owned()))?;
            return Ok((own.clone(), standing));
        };
        let missing = || ApiError::not_found(format!("there is no team '@{name}'"));
        let owner = store::account::find_by_username(tx, name).await?.ok_or_else(missing)?;
        let standing = self.standing(tx, &owner.id).await?.ok_or_else(missing)?;
        Ok((owner, standing))
    }

    /// Asked for by a handler whose operation declares something else: a mistake of ours.
    fn misplaced(&self, needs: Needs) -> ApiError {
        ApiError::internal(format!("{} needs {needs:?}", self.operation.name()))
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
        workspace: &Workspace,
        at: Timestamp,
        deed: Deed<'_>,
    ) -> Result<(), ApiError> {
        self.audit(tx, workspace.id.as_str(), &workspace.owner, at, deed).await
    }

    /// Appends to the chain of an account, for what belongs to no workspace.
    pub(super) async fn audit_account(
        &self,
        tx: &mut Tx,
        account: &AccountId,
        at: Timestamp,
        deed: Deed<'_>,
    ) -> Result<(), ApiError> {
        self.audit(tx, account.as_str(), account, at, deed).await
    }

    async fn audit(
        &self,
        tx: &mut Tx,
        chain: &str,
        owner: &AccountId,
        at: Timestamp,
        deed: Deed<'_>,
    ) -> Result<(), ApiError> {
        let actor = self.actor(tx, owner).await?;
        record(&self.app, tx, chain, actor, at, deed).await
    }

    /// The caller as the log of something owned by `owner` names them: `user@namespace` if they act as
    /// a member of its team, else their address.
    async fn actor(&self, tx: &mut Tx, owner: &AccountId) -> Result<String, ApiError> {
        let account = &self.caller.account;
        let role = self.standing(tx, owner).await?.and_then(|standing| standing.role);
        if !matches!(role, Some(Role::Admin | Role::Member)) {
            return Ok(account.email.to_string());
        }
        let owner = store::account::find(tx, owner).await?;
        let owner = owner.ok_or_else(|| ApiError::internal("a team has no account".to_owned()))?;
        Ok(format!("{}@{}", account.username, owner.username))
    }
}

/// Appends to a chain in the name of whoever did it.
pub(crate) async fn record(
    app: &App,
    tx: &mut Tx,
    chain: &str,
    actor: String,
    at: Timestamp,
    deed: Deed<'_>,
) -> Result<(), ApiError> {
    let Deed { action, object, detail } = deed;
    let event = AuditEvent { at, actor, action, object: object.to_owned(), detail };
    Ok(store::audit::append(tx, app.vault.audit_key(), app.audit_key_id(), chain, &event).await?)
}

fn no_workspace(slug: &str) -> ApiError {
    ApiError::not_found(format!("there is no workspace '{}'", shown(slug)))
        .with_hint("list yours with: aerostack workspace list".to_owned())
}

/// A stranger's text inside a message: one line, bounded.
pub(super) fn shown(text: &str) -> String {
    aerostack_core::text::clean_line(text, aerostack_core::text::NAME_MAX_CHARS)
}

/// The answer to a caller whose role does not carry a power, with whose does.
fn lacking(power: Power) -> ApiError {
    let who = match power {
        Power::RunInstallation => "an operator of the installation",
        Power::DeleteWorkspace | Power::ManageAdmins => "the owner of the team",
        Power::ManageTeam | Power::ManageWorkspace | Power::ManageSecrets | Power::ManageSkills => {
            "the owner of the team and its admins"
        }
        Power::InstallTeamSkills | Power::SeeWorkspace => "the team",
    };
    forbidden().with_hint(format!("this is done by {who}"))
}

/// The answer to a caller who may not.
pub(crate) fn forbidden() -> ApiError {
    ApiError::new(ErrorCode::Forbidden, "this account may not do that")
}
