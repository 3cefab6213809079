//! The versions of skills. Nothing of a row ever changes but whether the version is offered.

use aerostack_core::id::{SkillId, SkillVersionId};
use aerostack_core::manifest::{Backing, ManifestTool};
use aerostack_core::skill::{SkillVersion, Version};
use aerostack_core::time::Timestamp;
use url::Url;

use super::codec;
use super::error::StoreError;
use super::sql::{Count, Tx, execute, fetch_all, fetch_one, fetch_optional};

macro_rules! columns {
    () => {
        "id, skill_id, number, description, backing, url, tools, trusted, published_at_ms, yanked_at_ms"
    };
}

#[derive(sqlx::FromRow)]
struct VersionRow {
    id: String,
    skill_id: String,
    number: i64,
    description: String,
    backing: String,
    url: String,
    tools: String,
    trusted: i64,
    published_at_ms: i64,
    yanked_at_ms: Option<i64>,
}

impl TryFrom<VersionRow> for SkillVersion {
    type Error = StoreError;

    fn try_from(row: VersionRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: SkillVersionId::from_stored(row.id),
            skill: SkillId::from_stored(row.skill_id),
            version: codec::version(row.number)?,
            description: row.description,
            backing: read_backing(&row.backing, &row.url)?,
            tools: read_tools(&row.tools)?,
            trusted: codec::flag(row.trusted, "skill_versions.trusted")?,
            published_at: Timestamp::from_millis(row.published_at_ms),
            yanked_at: codec::moment(row.yanked_at_ms),
        })
    }
}

pub(super) fn read_backing(word: &str, url: &str) -> Result<Backing, StoreError> {
    let url = Url::parse(url).map_err(|_| StoreError::Unreadable { what: "skill_versions.url" })?;
    Backing::from_stored(word, url).ok_or(StoreError::Unreadable { what: "skill_versions.backing" })
}

pub(super) fn read_tools(text: &str) -> Result<Vec<ManifestTool>, StoreError> {
    serde_json::from_str(text).map_err(|_| StoreError::Unreadable { what: "skill_versions.tools" })
}

/// Inserts a version.
///
/// # Errors
/// [`StoreError::Conflict`] when the skill has this version.
pub async fn insert(tx: &mut Tx, version: &SkillVersion) -> Result<(), StoreError> {
    // As JSON even a NUL can be stored.
    let tools = serde_json::to_string(&version.tools).expect("tools are plain data");
    execute!(
        tx,
        "INSERT INTO skill_versions
             (id, skill_id, number, description, backing, url, tools, trusted, published_at_ms, yanked_at_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        version.id.as_str(),
        version.skill.as_str(),
        version.version.number(),
        version.description.as_str(),
        version.backing.word(),
        version.backing.url().as_str(),
        tools,
        i64::from(version.trusted),
        version.published_at.as_millis(),
        codec::millis(version.yanked_at),
    )?;
    Ok(())
}

/// Notes that a version was taken back, or (`None`) that it is offered again.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn set_yanked(tx: &mut Tx, id: &SkillVersionId, at: Option<Timestamp>) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE skill_versions SET yanked_at_ms = $2 WHERE id = $1";
    execute!(tx, SQL, id.as_str(), codec::millis(at))?;
    Ok(())
}

/// Counts the workspaces that have a version installed.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn count_workspaces(tx: &mut Tx, id: &SkillVersionId) -> Result<u32, StoreError> {
    const SQL: &str = "SELECT COUNT(DISTINCT w.id) AS n
        FROM installs i JOIN workspaces w ON w.id = i.workspace_id
        WHERE i.skill_version_id = $1 AND w.deleted_at_ms IS NULL";
    codec::number(fetch_one!(tx, Count, SQL, id.as_str())?.n, "the count of workspaces")
}

/// The version that is installed when none is named: the newest that was not taken back, and where all
/// were, the newest.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn offered(tx: &mut Tx, skill: &SkillId) -> Result<Option<SkillVersion>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM skill_versions WHERE skill_id = $1
          ORDER BY CASE WHEN yanked_at_ms IS NULL THEN 0 ELSE 1 END, number DESC LIMIT 1"
    );
    fetch_optional!(tx, VersionRow, SQL, skill.as_str())?.map(SkillVersion::try_from).transpose()
}

/// The newest version of a skill, taken back or not.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn newest(tx: &mut Tx, skill: &SkillId) -> Result<Option<SkillVersion>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM skill_versions WHERE skill_id = $1 ORDER BY number DESC LIMIT 1"
    );
    fetch_optional!(tx, VersionRow, SQL, skill.as_str())?.map(SkillVersion::try_from).transpose()
}

/// One version of a skill by its number.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn find(
    tx: &mut Tx,
    skill: &SkillId,
    version: Version,
) -> Result<Option<SkillVersion>, StoreError> {
    const SQL: &str =
        concat!("SELECT ", columns!(), " FROM skill_versions WHERE skill_id = $1 AND number = $2");
    let row = fetch_optional!(tx, VersionRow, SQL, skill.as_str(), version.number())?;
    row.map(SkillVersion::try_from).transpose()
}

/// Finds a version by its identifier.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn find_by_id(tx: &mut Tx, id: &SkillVersionId) -> Result<Option<SkillVersion>, StoreError> {
    const SQL: &str = concat!("SELECT ", columns!(), " FROM skill_versions WHERE id = $1");
    fetch_optional!(tx, VersionRow, SQL, id.as_str())?.map(SkillVersion::try_from).transpose()
}

/// One page of a skill's versions, newest first; `before` is the number where the page before ended.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn list(
    tx: &mut Tx,
    skill: &SkillId,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<SkillVersion>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM skill_versions WHERE skill_id = $1 AND ($2 IS NULL OR number < $2)
          ORDER BY number DESC LIMIT $3"
    );
    let rows = fetch_all!(tx, VersionRow, SQL, skill.as_str(), before, limit)?;
    rows.into_iter().map(SkillVersion::try_from).collect()
}

/// Counts the versions of a skill.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn count(tx: &mut Tx, skill: &SkillId) -> Result<u32, StoreError> {
    const SQL: &str = "SELECT COUNT(*) AS n FROM skill_versions WHERE skill_id = $1";
    codec::number(fetch_one!(tx, Count, SQL, skill.as_str())?.n, "the count of versions")
}
