//! Installs as lists show them: without the tool definitions, which may be megabytes.

use aerostack_core::id::{AccountId, InstallId, ServerId, SkillVersionId, WorkspaceId};
use aerostack_core::server::{Install, Source};
use aerostack_core::skill::{Relation, Version, Visibility};
use aerostack_core::slug::Slug;
use aerostack_core::time::Timestamp;

use super::codec;
use super::error::StoreError;
use super::install::read_names;
use super::offer_list::ListStatus;
use super::sql::{Count, Tx, fetch_all, fetch_one, fetch_optional};

/// An installed server or skill in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstallSummary {
    /// The install.
    pub install: Install,
    /// The server's name in its catalogue, or the skill's.
    pub server_slug: Slug,
    /// The namespace of the account whose catalogue it stands in, or under which the skill is published.
    pub server_owner: Slug,
    /// Whether it is a program.
    pub is_stdio: bool,
    /// What is to be known of it as a skill, if it is one.
    pub skill: Option<SkillSummary>,
    /// How it last answered.
    pub status: ListStatus,
}

/// An installed skill in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkillSummary {
    /// The version that is installed.
    pub version: Version,
    /// Whether that version was taken back.
    pub yanked: bool,
    /// Who may use the skill.
    pub visibility: Visibility,
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
    server_id: Option<String>,
    skill_version_id: Option<String>,
    number: Option<i64>,
    yanked_at_ms: Option<i64>,
    visibility: Option<String>,
    source_owner_id: String,
    workspace_owner_id: String,
    memberships: i64,
    slug: String,
    enabled: i64,
    disabled_tools: String,
    created_at_ms: i64,
    server_slug: String,
    is_stdio: i64,
    server_owner: String,
    listed_at_ms: Option<i64>,
    last_error: Option<String>,
    failed_at_ms: Option<i64>,
}

impl SummaryRow {
    /// What it is as a skill, and whether the right to it has ended.
    fn skill(&self) -> Result<(Option<SkillSummary>, bool), StoreError> {
        let (Some(number), Some(visibility)) = (self.number, &self.visibility) else {
            return Ok((None, false));
        };
        let visibility: Visibility = codec::word(visibility, "skills.visibility")?;
        let id = |text: &String| AccountId::from_stored(text.clone());
        let (owner, publisher) = (id(&self.workspace_owner_id), id(&self.source_owner_id));
        let relation = Relation::of(&owner, &publisher, self.memberships > 0);
        let version = codec::version(number)?;
        Ok((
            Some(SkillSummary { version, yanked: self.yanked_at_ms.is_some(), visibility }),
            !visibility.opens_to(relation),
        ))
    }
}

impl TryFrom<SummaryRow> for InstallSummary {
    type Error = StoreError;

    fn try_from(row: SummaryRow) -> Result<Self, StoreError> {
        let (skill, withdrawn) = row.skill()?;
        let source = match (row.server_id, row.skill_version_id) {
            (Some(id), None) => Source::Server(ServerId::from_stored(id)),
            (None, Some(id)) => Source::Skill(SkillVersionId::from_stored(id)),
            _ => return Err(StoreError::Unreadable { what: "installs.server_id" }),
        };
        Ok(Self {
            skill,
            install: Install {
                id: InstallId::from_stored(row.id),
                workspace: WorkspaceId::from_stored(row.workspace_id),
                source,
                slug: Slug::from_stored(row.slug),
                enabled: codec::flag(row.enabled, "installs.enabled")?,
                withdrawn,
                disabled_tools: read_names(&row.disabled_tools)?,
                created_at: Timestamp::from_millis(row.created_at_ms),
            },
            server_slug: Slug::from_stored(row.server_slug),
            server_owner: Slug::from_stored(row.server_owner),
            is_stdio: codec::flag(row.is_stdio, "servers.stdio")?,
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
            "SELECT i.id, i.workspace_id, i.server_id, i.skill_version_id, i.slug, i.enabled, i.disabled_tools,
                    i.created_at_ms, COALESCE(s.slug, k.name) AS server_slug, a.username AS server_owner,
                    CAST(CASE WHEN s.stdio IS NULL THEN 0 ELSE 1 END AS BIGINT) AS is_stdio,
                    a.id AS source_owner_id, w.owner_id AS workspace_owner_id, v.number, v.yanked_at_ms,
                    k.visibility,
                    (SELECT COUNT(*) FROM team_members m
                     WHERE m.team_id = a.id AND m.account_id = w.owner_id) AS memberships,
                    l.listed_at_ms, l.last_error, l.failed_at_ms
             FROM installs i
             JOIN workspaces w ON w.id = i.workspace_id
             LEFT JOIN servers s ON s.id = i.server_id
             LEFT JOIN skill_versions v ON v.id = i.skill_version_id
             LEFT JOIN skills k ON k.id = v.skill_id
             JOIN accounts a ON a.id = COALESCE(s.owner_id, k.owner_id)
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

/// The same of its skills only.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn list_skills_page(
    tx: &mut Tx,
    workspace: &WorkspaceId,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<InstallSummary>, StoreError> {
    const SQL: &str =
        summary_sql!("i.server_id IS NULL AND ($2 IS NULL OR i.id > $2) ORDER BY i.id LIMIT $3");
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
