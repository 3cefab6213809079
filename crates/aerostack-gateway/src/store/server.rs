//! The catalogues of accounts.
//!
//! Deleting a server deletes its row: the audit log keeps what happened, and nothing refers to a
//! server that is installed nowhere.

use std::collections::HashMap;

use aerostack_core::id::{AccountId, ServerId};
use aerostack_core::server::Server;
use aerostack_core::slug::Slug;
use aerostack_core::stdio::StdioCommand;
use aerostack_core::time::Timestamp;
use url::Url;

use super::codec;
use super::error::StoreError;
use super::sql::{Count, Tx, execute, fetch_all, fetch_one, fetch_optional};

macro_rules! columns {
    () => {
        "id, owner_id, slug, url, stdio, auth, session, timeout_ms, trusted, created_at_ms"
    };
}

#[derive(sqlx::FromRow)]
pub(super) struct ServerRow {
    id: String,
    owner_id: String,
    slug: String,
    url: String,
    stdio: Option<String>,
    auth: String,
    session: String,
    timeout_ms: Option<i64>,
    trusted: i64,
    created_at_ms: i64,
}

impl TryFrom<ServerRow> for Server {
    type Error = StoreError;

    fn try_from(row: ServerRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: ServerId::from_stored(row.id),
            owner: AccountId::from_stored(row.owner_id),
            slug: Slug::from_stored(row.slug),
            url: Url::parse(&row.url).map_err(|_| StoreError::Unreadable { what: "servers.url" })?,
            stdio: read_stdio(row.stdio.as_deref())?,
            auth: codec::word(&row.auth, "servers.auth")?,
            session: codec::word(&row.session, "servers.session")?,
            timeout: codec::span(row.timeout_ms, "servers.timeout_ms")?,
            trusted: codec::flag(row.trusted, "servers.trusted")?,
            created_at: Timestamp::from_millis(row.created_at_ms),
        })
    }
}

/// Reads what is run, if it is a program.
pub(super) fn read_stdio(text: Option<&str>) -> Result<Option<StdioCommand>, StoreError> {
    let read =
        |text| serde_json::from_str(text).map_err(|_| StoreError::Unreadable { what: "servers.stdio" });
    text.map(read).transpose()
}

fn write_stdio(stdio: Option<&StdioCommand>) -> Option<String> {
    stdio.map(|stdio| serde_json::to_string(stdio).expect("a command is JSON"))
}

/// Inserts a server.
///
/// # Errors
/// [`StoreError::Conflict`] when the catalogue has a server of that slug.
pub async fn insert(tx: &mut Tx, server: &Server) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO servers (id, owner_id, slug, url, stdio, auth, session, timeout_ms, trusted, created_at_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        server.id.as_str(),
        server.owner.as_str(),
        server.slug.as_str(),
        server.url.as_str(),
        write_stdio(server.stdio.as_ref()),
        server.auth.to_string(),
        server.session.word(),
        codec::span_millis(server.timeout),
        i64::from(server.trusted),
        server.created_at.as_millis(),
    )?;
    Ok(())
}

/// Writes where a server is and how it is reached.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn update(tx: &mut Tx, server: &Server) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE servers SET url = $2, auth = $3, session = $4, timeout_ms = $5, trusted = $6, stdio = $7
         WHERE id = $1",
        server.id.as_str(),
        server.url.as_str(),
        server.auth.to_string(),
        server.session.word(),
        codec::span_millis(server.timeout),
        i64::from(server.trusted),
        write_stdio(server.stdio.as_ref()),
    )?;
    Ok(())
}

/// Deletes a server that is installed nowhere.
///
/// # Errors
/// [`StoreError::Engine`] when it is installed somewhere after all.
pub async fn delete(tx: &mut Tx, id: &ServerId) -> Result<(), StoreError> {
    execute!(tx, "DELETE FROM servers WHERE id = $1", id.as_str())?;
    Ok(())
}

/// Finds a server in a catalogue by its slug.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn find_by_slug(tx: &mut Tx, owner: &AccountId, slug: &Slug) -> Result<Option<Server>, StoreError> {
    const SQL: &str = concat!("SELECT ", columns!(), " FROM servers WHERE owner_id = $1 AND slug = $2");
    fetch_optional!(tx, ServerRow, SQL, owner.as_str(), slug.as_str())?.map(Server::try_from).transpose()
}

/// Counts the servers of a catalogue.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn count_of_owner(tx: &mut Tx, owner: &AccountId) -> Result<u32, StoreError> {
    const SQL: &str = "SELECT COUNT(*) AS n FROM servers WHERE owner_id = $1";
    codec::number(fetch_one!(tx, Count, SQL, owner.as_str())?.n, "the count of servers")
}

#[derive(sqlx::FromRow)]
struct SlugRow {
    slug: String,
}

/// The slugs of a catalogue; bounded by `CATALOGUE_MAX`.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn slugs_of_owner(tx: &mut Tx, owner: &AccountId) -> Result<Vec<Slug>, StoreError> {
    const SQL: &str = "SELECT slug FROM servers WHERE owner_id = $1 ORDER BY slug";
    let rows = fetch_all!(tx, SlugRow, SQL, owner.as_str())?;
    Ok(rows.into_iter().map(|row| Slug::from_stored(row.slug)).collect())
}

/// One page of a catalogue in order of slugs; `after` is the slug where the page before ended.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn list_of_owner(
    tx: &mut Tx,
    owner: &AccountId,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<Server>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM servers WHERE owner_id = $1 AND ($2 IS NULL OR slug > $2) ORDER BY slug LIMIT $3"
    );
    let rows = fetch_all!(tx, ServerRow, SQL, owner.as_str(), after, limit)?;
    rows.into_iter().map(Server::try_from).collect()
}

#[derive(sqlx::FromRow)]
struct InstalledInRow {
    server_id: String,
    slug: String,
}

/// Where the servers of a catalogue are installed: slugs of workspaces, sorted, by server. Only
/// servers with slugs from `first` to `last`, the page that is shown.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn installed_in(
    tx: &mut Tx,
    owner: &AccountId,
    first: &Slug,
    last: &Slug,
) -> Result<HashMap<ServerId, Vec<Slug>>, StoreError> {
    let rows = fetch_all!(
        tx,
        InstalledInRow,
        "SELECT DISTINCT i.server_id, w.slug
         FROM servers s
         JOIN installs i ON i.server_id = s.id
         JOIN workspaces w ON w.id = i.workspace_id
         WHERE s.owner_id = $1 AND s.slug >= $2 AND s.slug <= $3 AND w.deleted_at_ms IS NULL
         ORDER BY w.slug",
        owner.as_str(),
        first.as_str(),
        last.as_str(),
    )?;
    let mut found: HashMap<ServerId, Vec<Slug>> = HashMap::new();
    for row in rows {
        found.entry(ServerId::from_stored(row.server_id)).or_default().push(Slug::from_stored(row.slug));
    }
    Ok(found)
}
