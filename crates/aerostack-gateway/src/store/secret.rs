//! Secrets of installed servers, sealed. What is inside a sealed value is not known here.

use aerostack_core::id::{InstallId, WorkspaceId};
use aerostack_core::secret::{SealedSecret, SecretName, SecretPlace};
use aerostack_core::server::Auth;
use aerostack_core::slug::Slug;
use aerostack_core::stdio::StdioCommand;
use aerostack_core::time::Timestamp;

use super::codec;
use super::error::StoreError;
use super::server::read_stdio;
use super::skill_install;
use super::sql::{Count, Tx, execute, fetch_all, fetch_one};

macro_rules! columns {
    () => {
        "workspace_id, install_id, name, address, key_id, sealed, revision, created_at_ms, updated_at_ms"
    };
}

#[derive(sqlx::FromRow)]
struct SecretRow {
    workspace_id: String,
    install_id: String,
    name: String,
    address: String,
    key_id: String,
    sealed: Vec<u8>,
    revision: i64,
    created_at_ms: i64,
    updated_at_ms: i64,
}

impl From<SecretRow> for SealedSecret {
    fn from(row: SecretRow) -> Self {
        Self {
            place: SecretPlace {
                workspace: WorkspaceId::from_stored(row.workspace_id),
                install: InstallId::from_stored(row.install_id),
                address: row.address,
                name: SecretName::from_stored(row.name),
            },
            key_id: row.key_id,
            sealed: row.sealed,
            revision: row.revision,
            created_at: Timestamp::from_millis(row.created_at_ms),
            updated_at: Timestamp::from_millis(row.updated_at_ms),
        }
    }
}

/// Writes a secret, over the one that has its name; that one's day of creation stays.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn put(tx: &mut Tx, secret: &SealedSecret) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO secrets (workspace_id, install_id, name, address, key_id, sealed, revision,
                              created_at_ms, updated_at_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (install_id, name) DO UPDATE SET
             address = excluded.address, key_id = excluded.key_id, sealed = excluded.sealed,
             revision = excluded.revision, updated_at_ms = excluded.updated_at_ms",
        secret.place.workspace.as_str(),
        secret.place.install.as_str(),
        secret.place.name.as_str(),
        secret.place.address.as_str(),
        secret.key_id.as_str(),
        &secret.sealed[..],
        secret.revision,
        secret.created_at.as_millis(),
        secret.updated_at.as_millis(),
    )?;
    Ok(())
}

/// Writes a secret's value sealed anew; everything else stays.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn reseal(tx: &mut Tx, place: &SecretPlace, key_id: &str, sealed: &[u8]) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE secrets SET key_id = $4, sealed = $5 WHERE workspace_id = $1 AND install_id = $2 AND name = $3",
        place.workspace.as_str(),
        place.install.as_str(),
        place.name.as_str(),
        key_id,
        sealed,
    )?;
    Ok(())
}

/// Deletes a secret.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn delete(tx: &mut Tx, place: &SecretPlace) -> Result<(), StoreError> {
    execute!(
        tx,
        "DELETE FROM secrets WHERE workspace_id = $1 AND install_id = $2 AND name = $3",
        place.workspace.as_str(),
        place.install.as_str(),
        place.name.as_str(),
    )?;
    Ok(())
}

/// Deletes the secrets of whatever was installed under this identifier.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn delete_of_install(tx: &mut Tx, install: &InstallId) -> Result<(), StoreError> {
    execute!(tx, "DELETE FROM secrets WHERE install_id = $1", install.as_str())?;
    Ok(())
}

/// Deletes all secrets of a workspace.
pub(super) async fn delete_of_workspace(tx: &mut Tx, workspace: &WorkspaceId) -> Result<(), StoreError> {
    execute!(tx, "DELETE FROM secrets WHERE workspace_id = $1", workspace.as_str())?;
    Ok(())
}

/// All secrets of a workspace, by install and name; bounded by `INSTALLS_MAX` times `SECRETS_MAX`.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn of_workspace(tx: &mut Tx, workspace: &WorkspaceId) -> Result<Vec<SealedSecret>, StoreError> {
    of_workspaces(tx, [workspace, workspace]).await
}

/// All secrets of the workspaces from one to another, whichever workspace, by install and name.
pub(super) async fn of_workspaces(
    tx: &mut Tx,
    [first, last]: [&WorkspaceId; 2],
) -> Result<Vec<SealedSecret>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM secrets WHERE workspace_id >= $1 AND workspace_id <= $2 ORDER BY install_id, name"
    );
    let rows = fetch_all!(tx, SecretRow, SQL, first.as_str(), last.as_str())?;
    Ok(rows.into_iter().map(SealedSecret::from).collect())
}

/// One page of the secrets of all workspaces, by install and name; `after` is where the page before ended.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn page_of_all(
    tx: &mut Tx,
    after: Option<&SecretPlace>,
    limit: i64,
) -> Result<Vec<SealedSecret>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM secrets WHERE $1 IS NULL OR install_id > $1 OR (install_id = $1 AND name > $2)
         ORDER BY install_id, name LIMIT $3"
    );
    let install = after.map(|place| place.install.as_str());
    let name = after.map(|place| place.name.as_str());
    let rows = fetch_all!(tx, SecretRow, SQL, install, name, limit)?;
    Ok(rows.into_iter().map(SealedSecret::from).collect())
}

/// Tells whether any secret is sealed under the master key of this name.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn is_any_under(tx: &mut Tx, key_id: &str) -> Result<bool, StoreError> {
    let count = fetch_one!(tx, Count, "SELECT COUNT(*) AS n FROM secrets WHERE key_id = $1", key_id)?;
    Ok(count.n > 0)
}

/// Deletes every secret, when nobody can open them any more; gives their number.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn delete_all(tx: &mut Tx) -> Result<u64, StoreError> {
    execute!(tx, "DELETE FROM secrets")
}

/// Something installed that secrets can be given to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretHolder {
    /// The install.
    pub install: InstallId,
    /// Its name in the workspace.
    pub slug: Slug,
    /// How its server takes secrets.
    pub auth: Auth,
    /// What is run, if its server is a program.
    pub stdio: Option<StdioCommand>,
    /// Where its server is.
    pub address: String,
}

#[derive(sqlx::FromRow)]
struct HolderRow {
    id: String,
    slug: String,
    auth: Option<String>,
    stdio: Option<String>,
    backing: Option<String>,
    url: String,
}

/// What is installed in a workspace, in install order; bounded by `INSTALLS_MAX`.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn holders(tx: &mut Tx, workspace: &WorkspaceId) -> Result<Vec<SecretHolder>, StoreError> {
    let rows = fetch_all!(
        tx,
        HolderRow,
        "SELECT i.id, i.slug, s.auth, s.stdio, v.backing, COALESCE(s.url, v.url) AS url
         FROM installs i
         LEFT JOIN servers s ON s.id = i.server_id
         LEFT JOIN skill_versions v ON v.id = i.skill_version_id
         WHERE i.workspace_id = $1 ORDER BY i.created_at_ms, i.id",
        workspace.as_str(),
    )?;
    let holder = |row: HolderRow| {
        Ok(SecretHolder {
            install: InstallId::from_stored(row.id),
            slug: Slug::from_stored(row.slug),
            auth: match (&row.auth, &row.backing) {
                (Some(word), _) => codec::word(word, "servers.auth")?,
                (None, Some(backing)) => skill_install::auth_of(backing),
                (None, None) => return Err(StoreError::Unreadable { what: "installs.server_id" }),
            },
            stdio: read_stdio(row.stdio.as_deref())?,
            address: row.url,
        })
    };
    rows.into_iter().map(holder).collect()
}
