//! Installs, and the servers among them.

use aerostack_core::id::{InstallId, ServerId, WorkspaceId};
use aerostack_core::server::{Install, Server, Source};
use aerostack_core::skill::SkillVersion;
use aerostack_core::slug::Slug;
use aerostack_core::time::Timestamp;

use super::codec;
use super::error::StoreError;
use super::secret;
use super::server::ServerRow;
use super::skill_install;
use super::sql::{Tx, execute, fetch_all};

pub use super::install_summary::{InstallSummary, count_of_workspace, find_by_slug, list_page};
pub use super::offer_list::{
    ListDocument, ListStatus, OfferList, all_documents, documents, save_failure, save_list,
};

/// An installed server, or skill, with all that is known of it but its tools.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstalledServer {
    /// The install.
    pub install: Install,
    /// The catalogue's entry. Of a skill: where its version is and how it is reached, in the same terms;
    /// its identifier is then the version's and names no server.
    pub server: Server,
    /// The namespace of the account whose catalogue it stands in.
    pub server_owner: Slug,
    /// The version, if it is a skill.
    pub skill: Option<SkillVersion>,
    /// How it last answered.
    pub status: ListStatus,
}

#[derive(sqlx::FromRow)]
struct InstalledRow {
    install_id: String,
    workspace_id: String,
    install_slug: String,
    enabled: i64,
    disabled_tools: String,
    installed_at_ms: i64,
    #[sqlx(flatten)]
    server: ServerRow,
    owner_username: String,
    listed_at_ms: Option<i64>,
    last_error: Option<String>,
    failed_at_ms: Option<i64>,
}

impl TryFrom<InstalledRow> for InstalledServer {
    type Error = StoreError;

    fn try_from(row: InstalledRow) -> Result<Self, StoreError> {
        let server = Server::try_from(row.server)?;
        let install = Install {
            id: InstallId::from_stored(row.install_id),
            workspace: WorkspaceId::from_stored(row.workspace_id),
            source: Source::Server(server.id.clone()),
            slug: Slug::from_stored(row.install_slug),
            enabled: codec::flag(row.enabled, "installs.enabled")?,
            withdrawn: false,
            disabled_tools: read_names(&row.disabled_tools)?,
            created_at: Timestamp::from_millis(row.installed_at_ms),
        };
        Ok(Self {
            install,
            server,
            server_owner: Slug::from_stored(row.owner_username),
            skill: None,
            status: ListStatus {
                listed_at: codec::moment(row.listed_at_ms),
                last_error: row.last_error,
                failed_at: codec::moment(row.failed_at_ms),
            },
        })
    }
}

pub(super) fn read_names(text: &str) -> Result<Vec<String>, StoreError> {
    serde_json::from_str(text).map_err(|_| StoreError::Unreadable { what: "installs.disabled_tools" })
}

/// Tool names are an upstream's text: as JSON even a NUL can be stored.
fn write_names(names: &[String]) -> String {
    serde_json::to_string(names).expect("a list of texts is JSON")
}

/// Inserts an install.
///
/// # Errors
/// [`StoreError::Conflict`] when the workspace has an install of that slug.
pub async fn insert(tx: &mut Tx, install: &Install) -> Result<(), StoreError> {
    let (server, skill_version) = match &install.source {
        Source::Server(id) => (Some(id.as_str()), None),
        Source::Skill(id) => (None, Some(id.as_str())),
    };
    execute!(
        tx,
        "INSERT INTO installs
             (id, workspace_id, server_id, skill_version_id, slug, enabled, disabled_tools, created_at_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        install.id.as_str(),
        install.workspace.as_str(),
        server,
        skill_version,
        install.slug.as_str(),
        i64::from(install.enabled),
        write_names(&install.disabled_tools),
        install.created_at.as_millis(),
    )?;
    Ok(())
}

/// Writes what is switched on and off of an install.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn update_switches(tx: &mut Tx, install: &Install) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE installs SET enabled = $2, disabled_tools = $3 WHERE id = $1",
        install.id.as_str(),
        i64::from(install.enabled),
        write_names(&install.disabled_tools),
    )?;
    Ok(())
}

/// Deletes an install, its list and its secrets. The audit log remembers it.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn delete(tx: &mut Tx, id: &InstallId) -> Result<(), StoreError> {
    execute!(tx, "DELETE FROM installs WHERE id = $1", id.as_str())?;
    secret::delete_of_install(tx, id).await
}

/// Deletes all installs of a workspace.
pub(super) async fn delete_of_workspace(tx: &mut Tx, workspace: &WorkspaceId) -> Result<(), StoreError> {
    execute!(tx, "DELETE FROM installs WHERE workspace_id = $1", workspace.as_str())?;
    Ok(())
}

/// All installs of a workspace in install order; bounded by `INSTALLS_MAX`.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn of_workspace(tx: &mut Tx, workspace: &WorkspaceId) -> Result<Vec<InstalledServer>, StoreError> {
    of_workspaces(tx, [workspace, workspace]).await
}

/// All installs of the workspaces from one to another, whichever workspace, in install order.
pub(super) async fn of_workspaces(
    tx: &mut Tx,
    range: [&WorkspaceId; 2],
) -> Result<Vec<InstalledServer>, StoreError> {
    let rows = fetch_all!(
        tx,
        InstalledRow,
        "SELECT i.id AS install_id, i.workspace_id, i.slug AS install_slug, i.enabled, i.disabled_tools,
                i.created_at_ms AS installed_at_ms,
                s.id, s.owner_id, s.slug, s.url, s.stdio, s.auth, s.session, s.timeout_ms, s.trusted, s.created_at_ms,
                a.username AS owner_username,
                l.listed_at_ms, l.last_error, l.failed_at_ms
         FROM installs i
         JOIN servers s ON s.id = i.server_id
         JOIN accounts a ON a.id = s.owner_id
         LEFT JOIN install_lists l ON l.install_id = i.id
         WHERE i.workspace_id >= $1 AND i.workspace_id <= $2
         ORDER BY i.created_at_ms, i.id",
        range[0].as_str(),
        range[1].as_str(),
    )?;
    let mut installs = rows.into_iter().map(InstalledServer::try_from).collect::<Result<Vec<_>, _>>()?;
    installs.extend(skill_install::of_workspaces(tx, range).await?);
    let order = |installed: &InstalledServer| (installed.install.created_at, installed.install.id.clone());
    installs.sort_by_key(order);
    Ok(installs)
}

#[derive(sqlx::FromRow)]
struct WhereRow {
    workspace_id: String,
    slug: String,
}

/// The workspaces a server is installed in, in order of their slugs.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn workspaces_with(tx: &mut Tx, server: &ServerId) -> Result<Vec<(WorkspaceId, Slug)>, StoreError> {
    let rows = fetch_all!(
        tx,
        WhereRow,
        "SELECT DISTINCT w.id AS workspace_id, w.slug FROM installs i JOIN workspaces w ON w.id = i.workspace_id
         WHERE i.server_id = $1 AND w.deleted_at_ms IS NULL ORDER BY w.slug",
        server.as_str(),
    )?;
    Ok(rows
        .into_iter()
        .map(|row| (WorkspaceId::from_stored(row.workspace_id), Slug::from_stored(row.slug)))
        .collect())
}
