//! Workspaces: the rows.

use aerostack_core::id::{AccountId, WorkspaceId};
use aerostack_core::plan::Plan;
use aerostack_core::slug::Slug;
use aerostack_core::time::Timestamp;
use aerostack_core::workspace::Workspace;

use super::alert;
use super::codec;
use super::error::StoreError;
use super::install;
use super::seat::seats_at;
use super::secret;
use super::sql::{Count, Tx, execute, fetch_all, fetch_one, fetch_optional};

pub use super::workspace_state::{WorkspaceState, state, states};

macro_rules! columns {
    () => {
        "id, slug, owner_id, name, description, tool_prefix, revision, created_at_ms, deleted_at_ms"
    };
}

#[derive(sqlx::FromRow)]
pub(super) struct WorkspaceRow {
    id: String,
    slug: String,
    owner_id: String,
    name: String,
    description: String,
    tool_prefix: String,
    revision: i64,
    created_at_ms: i64,
    deleted_at_ms: Option<i64>,
}

impl TryFrom<WorkspaceRow> for Workspace {
    type Error = StoreError;

    fn try_from(row: WorkspaceRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: WorkspaceId::from_stored(row.id),
            slug: Slug::from_stored(row.slug),
            owner: AccountId::from_stored(row.owner_id),
            name: row.name,
            description: row.description,
            tool_prefix: codec::word(&row.tool_prefix, "workspaces.tool_prefix")?,
            revision: row.revision,
            created_at: Timestamp::from_millis(row.created_at_ms),
            deleted_at: codec::moment(row.deleted_at_ms),
        })
    }
}

/// A workspace in a list: with its owner and what is counted of it.
#[derive(Clone, Debug)]
pub struct WorkspaceSummary {
    /// The workspace.
    pub workspace: Workspace,
    /// The plan of its owner.
    pub owner_plan: Plan,
    /// The namespace of its owner.
    pub owner_username: Slug,
    /// Servers installed into it.
    pub installs: u32,
    /// Active tokens that take a seat.
    pub seats_used: u32,
}

#[derive(sqlx::FromRow)]
struct SummaryRow {
    #[sqlx(flatten)]
    workspace: WorkspaceRow,
    owner_plan: String,
    owner_username: String,
    installs: i64,
    seats_used: i64,
}

impl TryFrom<SummaryRow> for WorkspaceSummary {
    type Error = StoreError;

    fn try_from(row: SummaryRow) -> Result<Self, StoreError> {
        Ok(Self {
            workspace: row.workspace.try_into()?,
            owner_plan: codec::word(&row.owner_plan, "accounts.plan")?,
            owner_username: Slug::from_stored(row.owner_username),
            installs: codec::number(row.installs, "the count of installs")?,
            seats_used: codec::number(row.seats_used, "the count of tokens")?,
        })
    }
}

/// Inserts a workspace.
///
/// # Errors
/// [`StoreError::Conflict`] when the slug is taken, also by a deleted workspace.
pub async fn insert(tx: &mut Tx, workspace: &Workspace) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO workspaces
             (id, slug, owner_id, name, description, tool_prefix, revision, created_at_ms, deleted_at_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        workspace.id.as_str(),
        workspace.slug.as_str(),
        workspace.owner.as_str(),
        workspace.name.as_str(),
        workspace.description.as_str(),
        workspace.tool_prefix.word(),
        workspace.revision,
        workspace.created_at.as_millis(),
        codec::millis(workspace.deleted_at),
    )?;
    Ok(())
}

/// Raises the revision of a workspace that is not deleted, which holds its row until the transaction
/// ends, and reads it.
///
/// First in every administrative transaction: what is counted after it cannot change any more.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn lock(tx: &mut Tx, id: &WorkspaceId) -> Result<Option<Workspace>, StoreError> {
    const SQL: &str = concat!(
        "UPDATE workspaces SET revision = revision + 1 WHERE id = $1 AND deleted_at_ms IS NULL RETURNING ",
        columns!()
    );
    fetch_optional!(tx, WorkspaceRow, SQL, id.as_str())?.map(Workspace::try_from).transpose()
}

/// Finds a workspace that is not deleted by its slug.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn find_by_slug(tx: &mut Tx, slug: &Slug) -> Result<Option<Workspace>, StoreError> {
    const SQL: &str =
        concat!("SELECT ", columns!(), " FROM workspaces WHERE slug = $1 AND deleted_at_ms IS NULL");
    fetch_optional!(tx, WorkspaceRow, SQL, slug.as_str())?.map(Workspace::try_from).transpose()
}

/// Finds a workspace by its slug, deleted or not: slugs are never used again, so there is one at most.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn find_by_slug_ever(tx: &mut Tx, slug: &Slug) -> Result<Option<Workspace>, StoreError> {
    const SQL: &str = concat!("SELECT ", columns!(), " FROM workspaces WHERE slug = $1");
    fetch_optional!(tx, WorkspaceRow, SQL, slug.as_str())?.map(Workspace::try_from).transpose()
}

/// Finds a workspace by its identifier, deleted or not.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn find_by_id(tx: &mut Tx, id: &WorkspaceId) -> Result<Option<Workspace>, StoreError> {
    const SQL: &str = concat!("SELECT ", columns!(), " FROM workspaces WHERE id = $1");
    fetch_optional!(tx, WorkspaceRow, SQL, id.as_str())?.map(Workspace::try_from).transpose()
}

/// Tells whether a workspace has, or ever had, the slug.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn is_slug_taken(tx: &mut Tx, slug: &Slug) -> Result<bool, StoreError> {
    let count = fetch_one!(tx, Count, "SELECT COUNT(*) AS n FROM workspaces WHERE slug = $1", slug.as_str())?;
    Ok(count.n > 0)
}

/// Writes the name, description and tool prefix of a workspace. Its revision was raised by [`lock`].
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn update(tx: &mut Tx, workspace: &Workspace) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE workspaces SET name = $2, description = $3, tool_prefix = $4 WHERE id = $1",
        workspace.id.as_str(),
        workspace.name.as_str(),
        workspace.description.as_str(),
        workspace.tool_prefix.word(),
    )?;
    Ok(())
}

/// Marks a workspace as deleted. Tokens, audit and the slug stay; its secrets go, and its installs, so
/// that their servers can be deleted.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn mark_deleted(tx: &mut Tx, id: &WorkspaceId, at: Timestamp) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE workspaces SET deleted_at_ms = $2 WHERE id = $1 AND deleted_at_ms IS NULL",
        id.as_str(),
        at.as_millis(),
    )?;
    secret::delete_of_workspace(tx, id).await?;
    alert::delete(tx, id).await?;
    install::delete_of_workspace(tx, id).await
}

/// Counts the workspaces of an account that are not deleted.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn count_of_owner(tx: &mut Tx, owner: &AccountId) -> Result<u32, StoreError> {
    const SQL: &str = "SELECT COUNT(*) AS n FROM workspaces WHERE owner_id = $1 AND deleted_at_ms IS NULL";
    codec::number(fetch_one!(tx, Count, SQL, owner.as_str())?.n, "the count of workspaces")
}

/// The workspaces of an account that are not deleted, without what is counted of them.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn all_of_owner(tx: &mut Tx, owner: &AccountId) -> Result<Vec<Workspace>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM workspaces WHERE owner_id = $1 AND deleted_at_ms IS NULL ORDER BY id"
    );
    fetch_all!(tx, WorkspaceRow, SQL, owner.as_str())?.into_iter().map(Workspace::try_from).collect()
}

macro_rules! summary_sql {
    ($rest:literal) => {
        concat!(
            "SELECT w.id, w.slug, w.owner_id, w.name, w.description, w.tool_prefix, w.revision,
                    w.created_at_ms, w.deleted_at_ms, a.plan AS owner_plan, a.username AS owner_username,
                    (SELECT COUNT(*) FROM installs i WHERE i.workspace_id = w.id) AS installs, ",
            seats_at!("$2"),
            " AS seats_used
             FROM workspaces w JOIN accounts a ON a.id = w.owner_id
             WHERE w.deleted_at_ms IS NULL AND ",
            $rest
        )
    };
}

/// One page of an account's workspaces in order of their slugs; `after` is the slug where the page
/// before ended.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn list_of_owner(
    tx: &mut Tx,
    owner: &AccountId,
    now: Timestamp,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<WorkspaceSummary>, StoreError> {
    const SQL: &str =
        summary_sql!("w.owner_id = $1 AND ($3 IS NULL OR w.slug > $3) ORDER BY w.slug LIMIT $4");
    let rows = fetch_all!(tx, SummaryRow, SQL, owner.as_str(), now.as_millis(), after, limit)?;
    rows.into_iter().map(WorkspaceSummary::try_from).collect()
}

/// One page of the workspaces an account has part in, its own and its teams', in order of their slugs.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn list_of_member(
    tx: &mut Tx,
    account: &AccountId,
    now: Timestamp,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<WorkspaceSummary>, StoreError> {
    const SQL: &str = summary_sql!(
        "(w.owner_id = $1 OR w.owner_id IN (SELECT m.team_id FROM team_members m WHERE m.account_id = $1))
             AND ($3 IS NULL OR w.slug > $3) ORDER BY w.slug LIMIT $4"
    );
    let rows = fetch_all!(tx, SummaryRow, SQL, account.as_str(), now.as_millis(), after, limit)?;
    rows.into_iter().map(WorkspaceSummary::try_from).collect()
}

/// One workspace as a list shows it; `None` if it is deleted or unknown.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn summary(
    tx: &mut Tx,
    id: &WorkspaceId,
    now: Timestamp,
) -> Result<Option<WorkspaceSummary>, StoreError> {
    const SQL: &str = summary_sql!("w.id = $1");
    fetch_optional!(tx, SummaryRow, SQL, id.as_str(), now.as_millis())?
        .map(WorkspaceSummary::try_from)
        .transpose()
}
