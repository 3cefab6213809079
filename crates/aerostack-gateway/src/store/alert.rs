//! Alerts: what is told of a workspace's calls, and where. What was found so far is in `alert_rule`.

use aerostack_core::alert::{Alert, ErrorRate, Thresholds, Window};
use aerostack_core::id::WorkspaceId;
use aerostack_core::slug::Slug;
use aerostack_core::time::Timestamp;
use url::Url;

use super::codec;
use super::error::StoreError;
use super::sql::{Count, Tx, execute, fetch_all, fetch_one, fetch_optional};

macro_rules! columns {
    () => {
        "a.workspace_id, a.revision, a.url, a.trusted, a.key_id, a.sealed, a.error_rate, a.min_calls, a.calls, \
         a.window_minutes, a.created_at_ms, a.updated_at_ms"
    };
}

#[derive(sqlx::FromRow)]
struct AlertRow {
    workspace_id: String,
    revision: i64,
    url: String,
    trusted: i64,
    key_id: String,
    sealed: Vec<u8>,
    error_rate: Option<i64>,
    min_calls: i64,
    calls: Option<i64>,
    window_minutes: i64,
    created_at_ms: i64,
    updated_at_ms: i64,
}

impl TryFrom<AlertRow> for Alert {
    type Error = StoreError;

    fn try_from(row: AlertRow) -> Result<Self, StoreError> {
        let unreadable = |what| StoreError::Unreadable { what };
        let hundredths = row.error_rate.map(|rate| codec::number(rate, "alerts.error_rate")).transpose()?;
        let rate = hundredths.map(ErrorRate::of_hundredths).transpose();
        let window = Window::of_minutes(codec::number(row.window_minutes, "alerts.window_minutes")?);
        Ok(Self {
            workspace: WorkspaceId::from_stored(row.workspace_id),
            revision: row.revision,
            url: Url::parse(&row.url).map_err(|_| unreadable("alerts.url"))?,
            trusted: codec::flag(row.trusted, "alerts.trusted")?,
            key_id: row.key_id,
            sealed: row.sealed,
            thresholds: Thresholds {
                error_rate: rate.map_err(|_| unreadable("alerts.error_rate"))?,
                min_calls: codec::number(row.min_calls, "alerts.min_calls")?,
                calls: row.calls.map(|calls| codec::number(calls, "alerts.calls")).transpose()?,
                window: window.map_err(|_| unreadable("alerts.window_minutes"))?,
            },
            created_at: Timestamp::from_millis(row.created_at_ms),
            updated_at: Timestamp::from_millis(row.updated_at_ms),
        })
    }
}

/// Writes an alert, over the one its workspace has; that one's day of creation stays, and what was found
/// under it is forgotten.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn put(tx: &mut Tx, alert: &Alert) -> Result<(), StoreError> {
    let Thresholds { error_rate, min_calls, calls, window } = alert.thresholds;
    forget_rules(tx, &alert.workspace).await?;
    execute!(
        tx,
        "INSERT INTO alerts (workspace_id, revision, url, trusted, key_id, sealed, error_rate, min_calls, calls,
                             window_minutes, created_at_ms, updated_at_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         ON CONFLICT (workspace_id) DO UPDATE SET
             revision = excluded.revision, url = excluded.url, trusted = excluded.trusted,
             key_id = excluded.key_id, sealed = excluded.sealed, error_rate = excluded.error_rate,
             min_calls = excluded.min_calls, calls = excluded.calls,
             window_minutes = excluded.window_minutes, updated_at_ms = excluded.updated_at_ms",
        alert.workspace.as_str(),
        alert.revision,
        alert.url.as_str(),
        i64::from(alert.trusted),
        alert.key_id.as_str(),
        &alert.sealed[..],
        error_rate.map(|rate| i64::from(rate.hundredths())),
        i64::from(min_calls),
        calls.map(|calls| i64::try_from(calls).unwrap_or(i64::MAX)),
        i64::from(window.minutes()),
        alert.created_at.as_millis(),
        alert.updated_at.as_millis(),
    )?;
    Ok(())
}

async fn forget_rules(tx: &mut Tx, workspace: &WorkspaceId) -> Result<(), StoreError> {
    execute!(tx, "DELETE FROM alert_rules WHERE workspace_id = $1", workspace.as_str())?;
    Ok(())
}

/// Writes a signing secret sealed anew; everything else stays.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn reseal(
    tx: &mut Tx,
    workspace: &WorkspaceId,
    key_id: &str,
    sealed: &[u8],
) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE alerts SET key_id = $2, sealed = $3 WHERE workspace_id = $1";
    execute!(tx, SQL, workspace.as_str(), key_id, sealed)?;
    Ok(())
}

/// Forgets every signing secret, when nobody can open them any more; gives their number.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn forget_all_secrets(tx: &mut Tx) -> Result<u64, StoreError> {
    let nothing: &[u8] = &[];
    execute!(tx, "UPDATE alerts SET sealed = $1, key_id = $2", nothing, "")
}

/// Tells whether any signing secret is sealed under the master key of this name.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn is_any_under(tx: &mut Tx, key_id: &str) -> Result<bool, StoreError> {
    let count = fetch_one!(tx, Count, "SELECT COUNT(*) AS n FROM alerts WHERE key_id = $1", key_id)?;
    Ok(count.n > 0)
}

/// Deletes the alert of a workspace; tells whether it had one.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn delete(tx: &mut Tx, workspace: &WorkspaceId) -> Result<bool, StoreError> {
    forget_rules(tx, workspace).await?;
    Ok(execute!(tx, "DELETE FROM alerts WHERE workspace_id = $1", workspace.as_str())? > 0)
}

/// Reads the alert of a workspace.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn find(tx: &mut Tx, workspace: &WorkspaceId) -> Result<Option<Alert>, StoreError> {
    const SQL: &str = concat!("SELECT ", columns!(), " FROM alerts a WHERE a.workspace_id = $1");
    fetch_optional!(tx, AlertRow, SQL, workspace.as_str())?.map(Alert::try_from).transpose()
}

/// One page of all alerts, by workspace; `after` is where the page before ended.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn page_of_all(
    tx: &mut Tx,
    after: Option<&WorkspaceId>,
    limit: i64,
) -> Result<Vec<Alert>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM alerts a WHERE $1 IS NULL OR a.workspace_id > $1 ORDER BY a.workspace_id LIMIT $2"
    );
    let rows = fetch_all!(tx, AlertRow, SQL, after.map(WorkspaceId::as_str), limit)?;
    rows.into_iter().map(Alert::try_from).collect()
}

#[derive(sqlx::FromRow)]
struct SlugRow {
    slug: String,
}

/// The slug of an alert's workspace.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn slug_of(tx: &mut Tx, workspace: &WorkspaceId) -> Result<Slug, StoreError> {
    let row = fetch_one!(tx, SlugRow, "SELECT slug FROM workspaces WHERE id = $1", workspace.as_str())?;
    Ok(Slug::from_stored(row.slug))
}
