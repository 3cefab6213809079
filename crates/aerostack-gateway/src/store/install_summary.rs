//! Installs as lists show them: without the tool definitions, which may be megabytes.

use aerostack_core::id::{InstallId, ServerId, WorkspaceId};
use aerostack_core::server::Install;
use aerostack_core::slug::Slug;
use aerostack_core::time::Timestamp;

use super::codec;
use super::error::StoreError;
use super::install::read_names;
use super::sql::{Count, Tx, fetch_all, fetch_one, fetch_optional};
use super::tool_list::ListStatus;

/// An installed server in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstallSummary {
    /// The install.
    pub install: Install,
    /// The server's name in its catalogue.
    pub server_slug: Slug,
    /// The namespace of the account whose catalogue it stands in.
    pub server_owner: Slug,
    /// How it last answered.
    pub status: ListStatus,
}

impl InstallSummary {
    /// `@user/name`.
    #[must_use]
    pub fn reference(&self) -> String {
        format!("@{}/{}", self.server_owner, self.server_slug)
    }
}

#[derive(sqlx::FromRow)]
struct SummaryRow {
    id: String,
    workspace_id: String,
    server_id: String,
    slug: String,
    enabled: i64,
    disabled_tools: String,
    created_at_ms: i64,
    server_slug: String,
    server_owner: String,
    listed_at_ms: Option<i64>,
    last_error: Option<String>,
    failed_at_ms: Option<i64>,
}

impl TryFrom<SummaryRow> for InstallSummary {
    type Error = StoreError;

    fn try_from(row: SummaryRow) -> Result<Self, StoreError> {
        Ok(Self {
            install: Install {
                id: InstallId::from_stored(row.id),
                workspace: WorkspaceId::from_stored(row.workspace_id),
                server: ServerId::from_stored(row.server_id),
                slug: Slug::from_stored(row.slug),
                enabled: codec::flag(row.enabled, "installs.enabled")?,
                disabled_tools: read_names(&row.disabled_tools)?,
                created_at: Timestamp::from_millis(row.created_at_ms),
            },
            server_slug: Slug::from_stored(row.server_slug),
            server_owner: Slug::from_stored(row.server_owner),
            status: ListStatus {
                listed_at: codec::moment(row.listed_at_ms),
                last_error: row.last_error,
                failed_at: codec::moment(row.failed_at_ms),
            },
        })
    }
}

macro_rules! summary_sql {
    ($rest:literal) => {
        concat!(
            "SELECT i.id, i.workspace_id, i.server_id, i.slug, i.enabled, i.disabled_tools, i.created_at_ms,
                    s.slug AS server_slug, a.username AS server_owner, l.listed_at_ms, l.last_error,
                    l.failed_at_ms
             FROM installs i
             JOIN servers s ON s.id = i.server_id
             JOIN accounts a ON a.id = s.owner_id
             LEFT JOIN install_lists l ON l.install_id = i.id
             WHERE i.workspace_id = $1 AND ",
            $rest
        )
    };
}

/// One page of a workspace's installs in install order; `after` is the identifier where the page
/// before ended.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn list_page(
    tx: &mut Tx,
    workspace: &WorkspaceId,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<InstallSummary>, StoreError> {
    const SQL: &str = summary_sql!("($2 IS NULL OR i.id > $2) ORDER BY i.id LIMIT $3");
    let rows = fetch_all!(tx, SummaryRow, SQL, workspace.as_str(), after, limit)?;
    rows.into_iter().map(InstallSummary::try_from).collect()
}

/// Finds an install of a workspace by its slug there.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn find_by_slug(
    tx: &mut Tx,
    workspace: &WorkspaceId,
    slug: &Slug,
) -> Result<Option<InstallSummary>, StoreError> {
    const SQL: &str = summary_sql!("i.slug = $2");
    let row = fetch_optional!(tx, SummaryRow, SQL, workspace.as_str(), slug.as_str())?;
    row.map(InstallSummary::try_from).transpose()
}

/// Counts the installs of a workspace.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn count_of_workspace(tx: &mut Tx, workspace: &WorkspaceId) -> Result<u32, StoreError> {
    const SQL: &str = "SELECT COUNT(*) AS n FROM installs WHERE workspace_id = $1";
    codec::number(fetch_one!(tx, Count, SQL, workspace.as_str())?.n, "the count of installs")
}
