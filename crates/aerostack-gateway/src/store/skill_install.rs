//! Skills installed into workspaces, and which workspaces a change of rights concerns.

use aerostack_core::id::{AccountId, InstallId, ServerId, SkillId, SkillVersionId, WorkspaceId};
use aerostack_core::server::{Auth, Install, Server, SessionMode, Source};
use aerostack_core::skill::{Relation, SkillVersion, Visibility};
use aerostack_core::slug::Slug;
use aerostack_core::time::Timestamp;

use super::codec;
use super::error::StoreError;
use super::install::{InstalledServer, ListStatus, read_names};
use super::skill_version::{read_backing, read_tools};
use super::sql::{Tx, execute, fetch_all};

#[derive(sqlx::FromRow)]
struct InstalledRow {
    install_id: String,
    workspace_id: String,
    slug: String,
    enabled: i64,
    disabled_tools: String,
    installed_at_ms: i64,
    version_id: String,
    skill_id: String,
    number: i64,
    description: String,
    backing: String,
    url: String,
    manifest_tools: String,
    trusted: i64,
    published_at_ms: i64,
    yanked_at_ms: Option<i64>,
    visibility: String,
    name: String,
    skill_owner_id: String,
    skill_owner_username: String,
    workspace_owner_id: String,
    memberships: i64,
    listed_at_ms: Option<i64>,
    last_error: Option<String>,
    failed_at_ms: Option<i64>,
}

impl TryFrom<InstalledRow> for InstalledServer {
    type Error = StoreError;

    fn try_from(row: InstalledRow) -> Result<Self, StoreError> {
        let visibility: Visibility = codec::word(&row.visibility, "skills.visibility")?;
        let (owner, publisher) =
            (AccountId::from_stored(row.workspace_owner_id), AccountId::from_stored(row.skill_owner_id));
        let relation = Relation::of(&owner, &publisher, row.memberships > 0);
        let version = SkillVersion {
            id: SkillVersionId::from_stored(row.version_id),
            skill: SkillId::from_stored(row.skill_id),
            version: codec::version(row.number)?,
            description: row.description,
            backing: read_backing(&row.backing, &row.url)?,
            tools: read_tools(&row.manifest_tools)?,
            trusted: codec::flag(row.trusted, "skill_versions.trusted")?,
            published_at: Timestamp::from_millis(row.published_at_ms),
            yanked_at: codec::moment(row.yanked_at_ms),
        };
        Ok(Self {
            install: Install {
                id: InstallId::from_stored(row.install_id),
                workspace: WorkspaceId::from_stored(row.workspace_id),
                source: Source::Skill(version.id.clone()),
                slug: Slug::from_stored(row.slug),
                enabled: codec::flag(row.enabled, "installs.enabled")?,
                withdrawn: !visibility.opens_to(relation),
                disabled_tools: read_names(&row.disabled_tools)?,
                created_at: Timestamp::from_millis(row.installed_at_ms),
            },
            server: place(&version, publisher, Slug::from_stored(row.name)),
            server_owner: Slug::from_stored(row.skill_owner_username),
            skill: Some(version),
            status: ListStatus {
                listed_at: codec::moment(row.listed_at_ms),
                last_error: row.last_error,
                failed_at: codec::moment(row.failed_at_ms),
            },
        })
    }
}

/// Where a version of a skill is and how it is reached, in the terms of a server.
#[must_use]
pub fn place(version: &SkillVersion, publisher: AccountId, name: Slug) -> Server {
    Server {
        id: ServerId::from_stored(version.id.to_string()),
        owner: publisher,
        slug: name,
        url: version.backing.url().clone(),
        stdio: None,
        auth: auth_of(version.backing.word()),
        session: SessionMode::PerCaller,
        timeout: None,
        trusted: version.trusted,
        created_at: version.published_at,
    }
}

/// How what stands behind a skill takes secrets: a function in the body, a server in headers.
pub(super) fn auth_of(backing: &str) -> Auth {
    if backing == "function" { Auth::Body } else { Auth::Headers }
}

/// All installed skills of the workspaces from one to another, whichever workspace, in install order.
pub(super) async fn of_workspaces(
    tx: &mut Tx,
    [first, last]: [&WorkspaceId; 2],
) -> Result<Vec<InstalledServer>, StoreError> {
    let rows = fetch_all!(
        tx,
        InstalledRow,
        "SELECT i.id AS install_id, i.workspace_id, i.slug, i.enabled, i.disabled_tools,
                i.created_at_ms AS installed_at_ms,
                v.id AS version_id, v.skill_id, v.number, v.description, v.backing, v.url,
                v.tools AS manifest_tools, v.trusted, v.published_at_ms, v.yanked_at_ms,
                k.visibility, k.name, k.owner_id AS skill_owner_id, a.username AS skill_owner_username,
                w.owner_id AS workspace_owner_id,
                (SELECT COUNT(*) FROM team_members m
                 WHERE m.team_id = k.owner_id AND m.account_id = w.owner_id) AS memberships,
                l.listed_at_ms, l.last_error, l.failed_at_ms
         FROM installs i
         JOIN workspaces w ON w.id = i.workspace_id
         JOIN skill_versions v ON v.id = i.skill_version_id
         JOIN skills k ON k.id = v.skill_id
         JOIN accounts a ON a.id = k.owner_id
         LEFT JOIN install_lists l ON l.install_id = i.id
         WHERE i.workspace_id >= $1 AND i.workspace_id <= $2
         ORDER BY i.created_at_ms, i.id",
        first.as_str(),
        last.as_str(),
    )?;
    rows.into_iter().map(InstalledServer::try_from).collect()
}

/// Moves an install to another version. The list of the one before is forgotten: it is another's.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn update_version(
    tx: &mut Tx,
    install: &InstallId,
    version: &SkillVersionId,
) -> Result<(), StoreError> {
    let (install, version) = (install.as_str(), version.as_str());
    execute!(tx, "DELETE FROM install_lists WHERE install_id = $1", install)?;
    execute!(tx, "UPDATE installs SET skill_version_id = $2 WHERE id = $1", install, version)?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct PlaceRow {
    workspace_id: String,
    workspace_owner_id: String,
    skill_owner_id: String,
    memberships: i64,
}

/// The workspaces that have a skill installed, whichever version, and what their owners are to the skill's
/// account: a change of its visibility may concern them.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn workspaces_with(
    tx: &mut Tx,
    skill: &SkillId,
) -> Result<Vec<(WorkspaceId, Relation)>, StoreError> {
    let rows = fetch_all!(
        tx,
        PlaceRow,
        "SELECT DISTINCT w.id AS workspace_id, w.owner_id AS workspace_owner_id, k.owner_id AS skill_owner_id,
                (SELECT COUNT(*) FROM team_members m
                 WHERE m.team_id = k.owner_id AND m.account_id = w.owner_id) AS memberships
         FROM skills k
         JOIN skill_versions v ON v.skill_id = k.id
         JOIN installs i ON i.skill_version_id = v.id
         JOIN workspaces w ON w.id = i.workspace_id
         WHERE k.id = $1 AND w.deleted_at_ms IS NULL ORDER BY w.id",
        skill.as_str(),
    )?;
    let place = |row: PlaceRow| {
        let id = AccountId::from_stored;
        let (owner, publisher) = (id(row.workspace_owner_id), id(row.skill_owner_id));
        (WorkspaceId::from_stored(row.workspace_id), Relation::of(&owner, &publisher, row.memberships > 0))
    };
    Ok(rows.into_iter().map(place).collect())
}

#[derive(sqlx::FromRow)]
struct WorkspaceRow {
    workspace_id: String,
}

/// The workspaces of an account that have skills of a team installed: the end of the account's membership,
/// or its beginning, concerns them. They are to be locked and published in the order that changes it.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn workspaces_concerned(
    tx: &mut Tx,
    team: &AccountId,
    account: &AccountId,
) -> Result<Vec<WorkspaceId>, StoreError> {
    let rows = fetch_all!(
        tx,
        WorkspaceRow,
        "SELECT DISTINCT w.id AS workspace_id
         FROM workspaces w
         JOIN installs i ON i.workspace_id = w.id
         JOIN skill_versions v ON v.id = i.skill_version_id
         JOIN skills k ON k.id = v.skill_id
         WHERE w.owner_id = $2 AND k.owner_id = $1 AND w.deleted_at_ms IS NULL ORDER BY w.id",
        team.as_str(),
        account.as_str(),
    )?;
    Ok(rows.into_iter().map(|row| WorkspaceId::from_stored(row.workspace_id)).collect())
}
