//! What was found of an alert's rules, and the messages that wait to be delivered: of each rule one at
//! most, since a newer one takes its place.

use aerostack_core::alert::{Rule, RuleRecord, RuleState, Waiting};
use aerostack_core::id::{AlertMessageId, WorkspaceId};
use aerostack_core::time::Timestamp;

use super::codec;
use super::error::StoreError;
use super::sql::{Tx, execute, fetch_all};

#[derive(sqlx::FromRow)]
struct RuleRow {
    workspace_id: String,
    rule: String,
    raised_at_ms: Option<i64>,
    message_id: Option<String>,
    message: Option<String>,
    tries: i64,
    next_try_at_ms: Option<i64>,
    told_at_ms: Option<i64>,
    last_error: Option<String>,
}

impl RuleRow {
    fn read(self) -> Result<(WorkspaceId, RuleRecord), StoreError> {
        let tries = codec::number(self.tries, "alert_rules.tries")?;
        let waiting = match (self.message_id, self.message, codec::moment(self.next_try_at_ms)) {
            (Some(id), Some(body), Some(next_try_at)) => {
                Some(Waiting { id: AlertMessageId::from_stored(id), body, tries, next_try_at })
            }
            (_, _, None) => None,
            _ => return Err(StoreError::Unreadable { what: "alert_rules.message" }),
        };
        let state =
            codec::moment(self.raised_at_ms).map_or(RuleState::Quiet, |since| RuleState::Raised { since });
        let record = RuleRecord {
            rule: codec::word(&self.rule, "alert_rules.rule")?,
            state,
            waiting,
            told_at: codec::moment(self.told_at_ms),
            last_error: self.last_error,
        };
        Ok((WorkspaceId::from_stored(self.workspace_id), record))
    }
}

macro_rules! columns {
    () => {
        "workspace_id, rule, raised_at_ms, message_id, message, tries, next_try_at_ms, told_at_ms, last_error"
    };
}

/// What was found of the rules of a workspace's alert.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn of_workspace(tx: &mut Tx, workspace: &WorkspaceId) -> Result<Vec<RuleRecord>, StoreError> {
    const SQL: &str =
        concat!("SELECT ", columns!(), " FROM alert_rules WHERE workspace_id = $1 ORDER BY rule");
    let rows = fetch_all!(tx, RuleRow, SQL, workspace.as_str())?;
    rows.into_iter().map(|row| row.read().map(|(_, record)| record)).collect()
}

/// Messages that are to be tried by now, those first that wait longest; at most `limit`.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn due(
    tx: &mut Tx,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<(WorkspaceId, RuleRecord)>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM alert_rules WHERE next_try_at_ms IS NOT NULL AND next_try_at_ms <= $1
          ORDER BY next_try_at_ms, workspace_id, rule LIMIT $2"
    );
    fetch_all!(tx, RuleRow, SQL, now.as_millis(), limit)?.into_iter().map(RuleRow::read).collect()
}

/// Writes what a look changed of a rule, with the message that says so, unless the alert was set anew
/// since `revision` or deleted. A message that waited gives way.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn change(
    tx: &mut Tx,
    workspace: &WorkspaceId,
    revision: i64,
    rule: Rule,
    state: RuleState,
    message: &Waiting,
) -> Result<(), StoreError> {
    let raised_at = match state {
        RuleState::Quiet => None,
        RuleState::Raised { since } => Some(since.as_millis()),
    };
    execute!(
        tx,
        "INSERT INTO alert_rules (workspace_id, rule, raised_at_ms, message_id, message, tries, next_try_at_ms)
         SELECT workspace_id, $3, $4, $5, $6, $7, $8 FROM alerts WHERE workspace_id = $1 AND revision = $2
         ON CONFLICT (workspace_id, rule) DO UPDATE SET
             raised_at_ms = excluded.raised_at_ms, message_id = excluded.message_id,
             message = excluded.message, tries = excluded.tries, next_try_at_ms = excluded.next_try_at_ms",
        workspace.as_str(),
        revision,
        rule.word(),
        raised_at,
        message.id.as_str(),
        message.body.as_str(),
        i64::from(message.tries),
        message.next_try_at.as_millis(),
    )?;
    Ok(())
}

/// What became of a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tried {
    /// It was delivered.
    Delivered {
        /// When.
        at: Timestamp,
    },
    /// It is to be tried again.
    Again {
        /// When.
        at: Timestamp,
        /// Why.
        error: String,
    },
    /// It is not tried any more.
    GivenUp {
        /// Why.
        error: String,
    },
}

/// Notes what became of a try of a message, unless a newer one has taken its place.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn settle(
    tx: &mut Tx,
    workspace: &WorkspaceId,
    rule: Rule,
    message: &AlertMessageId,
    tried: &Tried,
) -> Result<(), StoreError> {
    let (next_try_at, told_at, error) = match tried {
        Tried::Delivered { at } => (None, Some(at.as_millis()), None),
        Tried::Again { at, error } => (Some(at.as_millis()), None, Some(error.as_str())),
        Tried::GivenUp { error } => (None, None, Some(error.as_str())),
    };
    execute!(
        tx,
        "UPDATE alert_rules SET next_try_at_ms = $4, told_at_ms = COALESCE($5, told_at_ms), last_error = $6,
             tries = tries + 1
         WHERE workspace_id = $1 AND rule = $2 AND message_id = $3",
        workspace.as_str(),
        rule.word(),
        message.as_str(),
        next_try_at,
        told_at,
        error,
    )?;
    Ok(())
}
