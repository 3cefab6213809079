//! The whole state of workspaces that is published: of one that was changed, and of all when a gateway starts.

use std::collections::HashMap;

use aerostack_core::id::WorkspaceId;
use aerostack_core::plan::Plan;
use aerostack_core::secret::SealedSecret;
use aerostack_core::slug::Slug;
use aerostack_core::workspace::Workspace;

use super::codec;
use super::error::StoreError;
use super::install::{self, InstalledServer};
use super::secret;
use super::sql::{Tx, fetch_all};
use super::workspace::{WorkspaceRow, find_by_id};

/// Everything of a workspace that the path of a call depends on, but its tools.
#[derive(Clone, Debug)]
pub struct WorkspaceState {
    /// The workspace.
    pub workspace: Workspace,
    /// The plan of its owner.
    pub owner_plan: Plan,
    /// The namespace of its owner.
    pub owner_username: Slug,
    /// Its installed servers and skills, in install order.
    pub installs: Vec<InstalledServer>,
    /// The secrets of everything installed, sealed.
    pub secrets: Vec<SealedSecret>,
}

#[derive(sqlx::FromRow)]
struct OwnedRow {
    #[sqlx(flatten)]
    workspace: WorkspaceRow,
    owner_plan: String,
    owner_username: String,
}

/// Reads everything the path of a call depends on but the tools; `None` if the workspace is deleted or unknown.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn state(tx: &mut Tx, id: &WorkspaceId) -> Result<Option<WorkspaceState>, StoreError> {
    let Some(workspace) = find_by_id(tx, id).await?.filter(|found| found.deleted_at.is_none()) else {
        return Ok(None);
    };
    let Some(owner) = super::account::find(tx, &workspace.owner).await? else {
        return Err(StoreError::Unreadable { what: "workspaces.owner_id" });
    };
    let installs = install::of_workspace(tx, id).await?;
    let secrets = secret::of_workspace(tx, id).await?;
    let (owner_plan, owner_username) = (owner.plan, owner.username);
    Ok(Some(WorkspaceState { workspace, owner_plan, owner_username, installs, secrets }))
}

/// The same of all workspaces that are not deleted, in order of their identifiers; of those after `after`
/// at most `limit`.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn states(
    tx: &mut Tx,
    after: Option<&WorkspaceId>,
    limit: i64,
) -> Result<Vec<WorkspaceState>, StoreError> {
    let rows = fetch_all!(
        tx,
        OwnedRow,
        "SELECT w.id, w.slug, w.owner_id, w.name, w.description, w.tool_prefix, w.revision,
                w.created_at_ms, w.deleted_at_ms, a.plan AS owner_plan, a.username AS owner_username
         FROM workspaces w JOIN accounts a ON a.id = w.owner_id
         WHERE w.id > $1 AND w.deleted_at_ms IS NULL ORDER BY w.id LIMIT $2",
        after.map_or("", WorkspaceId::as_str),
        limit,
    )?;
    let mut states = rows.into_iter().map(WorkspaceState::try_from).collect::<Result<Vec<_>, _>>()?;
    let [Some(first), Some(last)] = [states.first(), states.last()] else { return Ok(states) };
    let range = [&first.workspace.id, &last.workspace.id];
    let mut installs: HashMap<WorkspaceId, Vec<InstalledServer>> = HashMap::new();
    for installed in install::of_workspaces(tx, range).await? {
        installs.entry(installed.install.workspace.clone()).or_default().push(installed);
    }
    let mut secrets: HashMap<WorkspaceId, Vec<SealedSecret>> = HashMap::new();
    for secret in secret::of_workspaces(tx, range).await? {
        secrets.entry(secret.place.workspace.clone()).or_default().push(secret);
    }
    for state in &mut states {
        state.installs = installs.remove(&state.workspace.id).unwrap_or_default();
        state.secrets = secrets.remove(&state.workspace.id).unwrap_or_default();
    }
    Ok(states)
}

impl TryFrom<OwnedRow> for WorkspaceState {
    type Error = StoreError;

    /// Without what is installed.
    fn try_from(row: OwnedRow) -> Result<Self, StoreError> {
        Ok(Self {
            workspace: row.workspace.try_into()?,
            owner_plan: codec::word(&row.owner_plan, "accounts.plan")?,
            owner_username: Slug::from_stored(row.owner_username),
            installs: Vec::new(),
            secrets: Vec::new(),
        })
    }
}
