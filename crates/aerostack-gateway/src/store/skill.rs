//! Skills, and how they are found.

use aerostack_core::id::{AccountId, SkillId};
use aerostack_core::manifest::{Backing, ManifestTool};
use aerostack_core::skill::{Skill, Version};
use aerostack_core::slug::Slug;
use aerostack_core::time::Timestamp;

use super::codec;
use super::error::StoreError;
use super::skill_version::{read_backing, read_tools};
use super::sql::{Count, Tx, execute, fetch_all, fetch_one, fetch_optional};

#[derive(sqlx::FromRow)]
struct SkillRow {
    id: String,
    owner_id: String,
    name: String,
    visibility: String,
    created_at_ms: i64,
}

impl TryFrom<SkillRow> for Skill {
    type Error = StoreError;

    fn try_from(row: SkillRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: SkillId::from_stored(row.id),
            owner: AccountId::from_stored(row.owner_id),
            name: Slug::from_stored(row.name),
            visibility: codec::word(&row.visibility, "skills.visibility")?,
            created_at: Timestamp::from_millis(row.created_at_ms),
        })
    }
}

/// A skill with the version that is offered, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkillSummary {
    /// The skill.
    pub skill: Skill,
    /// The namespace it is published under.
    pub owner_username: Slug,
    /// The version that is installed when none is named.
    pub version: Version,
    /// What it does.
    pub description: String,
    /// What stands behind it.
    pub backing: Backing,
    /// Its tools.
    pub tools: Vec<ManifestTool>,
    /// When that version was published.
    pub published_at: Timestamp,
    /// Whether every version was taken back.
    pub yanked: bool,
}

#[derive(sqlx::FromRow)]
struct SummaryRow {
    #[sqlx(flatten)]
    skill: SkillRow,
    owner_username: String,
    number: i64,
    description: String,
    backing: String,
    url: String,
    tools: String,
    published_at_ms: i64,
    yanked_at_ms: Option<i64>,
}

impl TryFrom<SummaryRow> for SkillSummary {
    type Error = StoreError;

    fn try_from(row: SummaryRow) -> Result<Self, StoreError> {
        Ok(Self {
            skill: row.skill.try_into()?,
            owner_username: Slug::from_stored(row.owner_username),
            version: codec::version(row.number)?,
            description: row.description,
            backing: read_backing(&row.backing, &row.url)?,
            tools: read_tools(&row.tools)?,
            published_at: Timestamp::from_millis(row.published_at_ms),
            yanked: row.yanked_at_ms.is_some(),
        })
    }
}

/// Inserts a skill.
///
/// # Errors
/// [`StoreError::Conflict`] when the account has a skill of this name.
pub async fn insert(tx: &mut Tx, skill: &Skill) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO skills (id, owner_id, name, visibility, created_at_ms) VALUES ($1, $2, $3, $4, $5)",
        skill.id.as_str(),
        skill.owner.as_str(),
        skill.name.as_str(),
        skill.visibility.word(),
        skill.created_at.as_millis(),
    )?;
    Ok(())
}

/// Writes who may use a skill.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn update_visibility(tx: &mut Tx, skill: &Skill) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE skills SET visibility = $2 WHERE id = $1";
    execute!(tx, SQL, skill.id.as_str(), skill.visibility.word())?;
    Ok(())
}

/// Finds a skill of an account by its name.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn find(tx: &mut Tx, owner: &AccountId, name: &Slug) -> Result<Option<Skill>, StoreError> {
    const SQL: &str =
        "SELECT id, owner_id, name, visibility, created_at_ms FROM skills WHERE owner_id = $1 AND name = $2";
    let row = fetch_optional!(tx, SkillRow, SQL, owner.as_str(), name.as_str())?;
    row.map(Skill::try_from).transpose()
}

/// Counts the skills of an account.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn count_of_owner(tx: &mut Tx, owner: &AccountId) -> Result<u32, StoreError> {
    const SQL: &str = "SELECT COUNT(*) AS n FROM skills WHERE owner_id = $1";
    codec::number(fetch_one!(tx, Count, SQL, owner.as_str())?.n, "the count of skills")
}

macro_rules! summary_sql {
    ($rest:literal) => {
        concat!(
            "SELECT k.id, k.owner_id, k.name, k.visibility, k.created_at_ms, a.username AS owner_username,
                    v.number, v.description, v.backing, v.url, v.tools, v.published_at_ms, v.yanked_at_ms
             FROM skills k
             JOIN accounts a ON a.id = k.owner_id
             JOIN skill_versions v ON v.skill_id = k.id
                AND v.number = (SELECT x.number FROM skill_versions x WHERE x.skill_id = k.id
                    ORDER BY CASE WHEN x.yanked_at_ms IS NULL THEN 0 ELSE 1 END, x.number DESC LIMIT 1)
             WHERE ",
            $rest
        )
    };
}

/// One skill as lists show it.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn summary(tx: &mut Tx, id: &SkillId) -> Result<Option<SkillSummary>, StoreError> {
    const SQL: &str = summary_sql!("k.id = $1");
    fetch_optional!(tx, SummaryRow, SQL, id.as_str())?.map(SkillSummary::try_from).transpose()
}

/// One page of an account's own skills and of those its teams share with it, in order of their references;
/// `after` is the `username/name` where the page before ended.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn list_of_account(
    tx: &mut Tx,
    account: &AccountId,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<SkillSummary>, StoreError> {
    const SQL: &str = summary_sql!(
        "(k.owner_id = $1 OR (k.visibility <> 'private'
                AND k.owner_id IN (SELECT m.team_id FROM team_members m WHERE m.account_id = $1)))
             AND ($2 IS NULL OR a.username || '/' || k.name > $2)
             ORDER BY a.username || '/' || k.name LIMIT $3"
    );
    let rows = fetch_all!(tx, SummaryRow, SQL, account.as_str(), after, limit)?;
    rows.into_iter().map(SkillSummary::try_from).collect()
}

/// One page of the skills an account may use whose reference or description has `text`, in order of their
/// references. Upper and lower case of ASCII letters are the same.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn search(
    tx: &mut Tx,
    account: &AccountId,
    text: &str,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<SkillSummary>, StoreError> {
    const SQL: &str = summary_sql!(
        "(k.visibility = 'public' OR k.owner_id = $1 OR (k.visibility = 'team'
                AND k.owner_id IN (SELECT m.team_id FROM team_members m WHERE m.account_id = $1)))
             AND (LOWER('@' || a.username || '/' || k.name) LIKE $2 ESCAPE '!'
                OR LOWER(v.description) LIKE $2 ESCAPE '!')
             AND ($3 IS NULL OR a.username || '/' || k.name > $3)
             ORDER BY a.username || '/' || k.name LIMIT $4"
    );
    let rows = fetch_all!(tx, SummaryRow, SQL, account.as_str(), pattern(text), after, limit)?;
    rows.into_iter().map(SkillSummary::try_from).collect()
}

/// A text as a pattern that finds it anywhere, its own wildcards meaning themselves. In lower case as far as
/// both engines can do the same to what is looked through.
fn pattern(text: &str) -> String {
    let mut pattern = String::from("%");
    for character in text.chars() {
        if matches!(character, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(character.to_ascii_lowercase());
    }
    pattern.push('%');
    pattern
}
