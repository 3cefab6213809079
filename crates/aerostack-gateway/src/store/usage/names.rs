//! Names that calls have in common, each written once: workspaces, tokens, tools, clients. Everywhere
//! else a small number stands for them. Numbers begin with 1; 0 is "none" or "all".

use aerostack_core::id::{TokenId, WorkspaceId};

use crate::store::error::StoreError;
use crate::store::sql::{Count, Tx, execute, fetch_all, fetch_one, fetch_optional};

/// Distinct names of clients that are kept; clients name themselves, so there must be an end.
const CLIENTS_MAX: i64 = 1_000;
/// What further clients are counted as.
pub const OTHER_CLIENTS: &str = "(other)";

/// A token, as calls know it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct TokenName {
    /// Its number.
    pub id: i64,
    /// The number of its workspace.
    pub workspace: i64,
    /// Its identifier.
    pub token_id: String,
    /// Its name.
    pub name: String,
    /// The address of the person it is tied to.
    pub person: Option<String>,
}

/// A tool, as calls know it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct ToolName {
    /// Its number.
    pub id: i64,
    /// The slug its server was installed as; empty where there is none.
    pub server: String,
    /// The name under which it is called.
    pub tool: String,
}

#[derive(sqlx::FromRow)]
struct ClientRow {
    id: i64,
    name: String,
}

#[derive(sqlx::FromRow)]
struct WorkspaceRow {
    id: i64,
    workspace_id: String,
}

/// The number of a workspace, given to it if it has none.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn number_workspace(tx: &mut Tx, workspace: &WorkspaceId) -> Result<i64, StoreError> {
    if let Some(id) = find_workspace(tx, workspace).await? {
        return Ok(id);
    }
    let id = fetch_one!(tx, Count, "SELECT COALESCE(MAX(id), 0) + 1 AS n FROM usage_workspaces")?.n;
    const INSERT: &str = "INSERT INTO usage_workspaces (id, workspace_id) VALUES ($1, $2)";
    execute!(tx, INSERT, id, workspace.as_str())?;
    Ok(id)
}

/// The number of a workspace, if calls of it were recorded.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn find_workspace(tx: &mut Tx, workspace: &WorkspaceId) -> Result<Option<i64>, StoreError> {
    const SQL: &str = "SELECT id, workspace_id FROM usage_workspaces WHERE workspace_id = $1";
    Ok(fetch_optional!(tx, WorkspaceRow, SQL, workspace.as_str())?.map(|row| row.id))
}

/// Workspaces that are looked for at once.
pub const WORKSPACES_AT_ONCE: usize = 10;

/// The numbers of some workspaces, of those of which calls were recorded.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn find_workspaces(
    tx: &mut Tx,
    workspaces: &[WorkspaceId],
) -> Result<Vec<(i64, WorkspaceId)>, StoreError> {
    const SQL: &str = "SELECT id, workspace_id FROM usage_workspaces
        WHERE workspace_id IN ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let mut found = Vec::new();
    for some in workspaces.chunks(WORKSPACES_AT_ONCE) {
        // Nothing is called by an empty name.
        let [a, b, c, d, e, f, g, h, i, j] =
            std::array::from_fn(|place| some.get(place).map_or("", WorkspaceId::as_str));
        found.extend(fetch_all!(tx, WorkspaceRow, SQL, a, b, c, d, e, f, g, h, i, j)?);
    }
    Ok(found.into_iter().map(|row| (row.id, WorkspaceId::from_stored(row.workspace_id))).collect())
}

/// The tokens tied to a person of which calls were recorded, by their numbers and those of their workspaces.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn tokens_of(tx: &mut Tx, person: &str) -> Result<Vec<TokenName>, StoreError> {
    const SQL: &str =
        "SELECT id, workspace, token_id, name, person FROM usage_tokens WHERE person = $1 ORDER BY id";
    fetch_all!(tx, TokenName, SQL, person)
}

/// The number of a token, given to it if it has none. Name and tie become those given here.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn number_token(
    tx: &mut Tx,
    workspace: i64,
    token: &TokenId,
    name: &str,
    person: Option<&str>,
) -> Result<i64, StoreError> {
    const FIND: &str = "SELECT id, workspace, token_id, name, person FROM usage_tokens WHERE token_id = $1";
    if let Some(found) = fetch_optional!(tx, TokenName, FIND, token.as_str())? {
        if found.name != name || found.person.as_deref() != person {
            const UPDATE: &str = "UPDATE usage_tokens SET name = $2, person = $3 WHERE id = $1";
            execute!(tx, UPDATE, found.id, name, person)?;
        }
        return Ok(found.id);
    }
    let id = fetch_one!(tx, Count, "SELECT COALESCE(MAX(id), 0) + 1 AS n FROM usage_tokens")?.n;
    const INSERT: &str =
        "INSERT INTO usage_tokens (id, workspace, token_id, name, person) VALUES ($1, $2, $3, $4, $5)";
    execute!(tx, INSERT, id, workspace, token.as_str(), name, person)?;
    Ok(id)
}

/// The number of a tool, given to it if it has none.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn number_tool(tx: &mut Tx, workspace: i64, server: &str, tool: &str) -> Result<i64, StoreError> {
    const FIND: &str =
        "SELECT id, server, tool FROM usage_tools WHERE workspace = $1 AND server = $2 AND tool = $3";
    if let Some(found) = fetch_optional!(tx, ToolName, FIND, workspace, server, tool)? {
        return Ok(found.id);
    }
    let id = fetch_one!(tx, Count, "SELECT COALESCE(MAX(id), 0) + 1 AS n FROM usage_tools")?.n;
    const INSERT: &str = "INSERT INTO usage_tools (id, workspace, server, tool) VALUES ($1, $2, $3, $4)";
    execute!(tx, INSERT, id, workspace, server, tool)?;
    Ok(id)
}

/// The number of a client, given to it if it has none.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn number_client(tx: &mut Tx, name: &str) -> Result<i64, StoreError> {
    const FIND: &str = "SELECT id, name FROM usage_clients WHERE name = $1";
    const LAST: &str = "SELECT COALESCE(MAX(id), 0) AS n FROM usage_clients";
    const INSERT: &str = "INSERT INTO usage_clients (id, name) VALUES ($1, $2)";
    if let Some(found) = fetch_optional!(tx, ClientRow, FIND, name)? {
        return Ok(found.id);
    }
    let last = fetch_one!(tx, Count, LAST)?.n;
    let name = if last < CLIENTS_MAX { name } else { OTHER_CLIENTS };
    if let Some(found) = fetch_optional!(tx, ClientRow, FIND, name)? {
        return Ok(found.id);
    }
    execute!(tx, INSERT, last + 1, name)?;
    Ok(last + 1)
}

/// Every token of a workspace of which calls were recorded.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn tokens(tx: &mut Tx, workspace: i64) -> Result<Vec<TokenName>, StoreError> {
    const SQL: &str = "SELECT id, workspace, token_id, name, person FROM usage_tokens
        WHERE workspace = $1 ORDER BY name, token_id";
    fetch_all!(tx, TokenName, SQL, workspace)
}

/// The workspaces in which calls were recorded with tokens tied to a person.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn workspaces_of(tx: &mut Tx, person: &str) -> Result<Vec<WorkspaceId>, StoreError> {
    const SQL: &str = "SELECT DISTINCT w.id, w.workspace_id FROM usage_tokens t
        JOIN usage_workspaces w ON w.id = t.workspace WHERE t.person = $1 ORDER BY w.id";
    let rows = fetch_all!(tx, WorkspaceRow, SQL, person)?;
    Ok(rows.into_iter().map(|row| WorkspaceId::from_stored(row.workspace_id)).collect())
}

/// Every tool of a workspace of which calls were recorded.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn tools(tx: &mut Tx, workspace: i64) -> Result<Vec<ToolName>, StoreError> {
    const SQL: &str = "SELECT id, server, tool FROM usage_tools WHERE workspace = $1 ORDER BY server, tool";
    fetch_all!(tx, ToolName, SQL, workspace)
}

/// The names of all clients, by number.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn clients(tx: &mut Tx) -> Result<Vec<(i64, String)>, StoreError> {
    let rows = fetch_all!(tx, ClientRow, "SELECT id, name FROM usage_clients ORDER BY id")?;
    Ok(rows.into_iter().map(|row| (row.id, row.name)).collect())
}
