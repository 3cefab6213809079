//! The audit log. Rows are only ever appended; there is no text here that changes or removes one.

use aerostack_core::audit::{Action, AuditEvent, AuditKey, ChainRow, OBJECT_MAX_CHARS, Seal};
use aerostack_core::text::clean_line;
use aerostack_core::time::Timestamp;

use super::codec;
use super::error::StoreError;
use super::sql::{Tx, execute, fetch_all, fetch_optional};

/// Most characters kept of an event's detail.
pub const DETAIL_MAX_CHARS: usize = 500;

#[derive(sqlx::FromRow)]
struct AuditRow {
    sequence: i64,
    at_ms: i64,
    actor: String,
    action: String,
    object: String,
    detail: String,
    seal: Vec<u8>,
    key_id: String,
}

impl AuditRow {
    fn event(self, action: Action) -> AuditEvent {
        AuditEvent {
            at: Timestamp::from_millis(self.at_ms),
            actor: self.actor,
            action,
            object: self.object,
            detail: self.detail,
        }
    }
}

#[derive(sqlx::FromRow)]
struct HeadRow {
    sequence: i64,
    seal: Vec<u8>,
}

/// Appends an event to a chain: numbers it, seals it after the one before, and inserts it.
///
/// The caller holds the revision of the workspace or account whose chain it is; should two appends
/// race all the same, one of them fails on the number.
///
/// # Errors
/// [`StoreError::Conflict`] when somebody else appended meanwhile, [`StoreError::Unreadable`] when the
/// last seal is not one.
pub async fn append(
    tx: &mut Tx,
    key: &AuditKey,
    key_id: &str,
    chain: &str,
    event: &AuditEvent,
) -> Result<(), StoreError> {
    const HEAD: &str = "SELECT sequence, seal FROM audit WHERE chain = $1 ORDER BY sequence DESC LIMIT 1";
    let (sequence, previous) = match fetch_optional!(tx, HeadRow, HEAD, chain)? {
        None => (1, Seal::GENESIS),
        Some(head) => {
            let seal = Seal::from_bytes(&head.seal).ok_or(StoreError::Unreadable { what: "audit.seal" })?;
            (head.sequence + 1, seal)
        }
    };
    // Cleaned before it is sealed: what is sealed is what is stored.
    let event = AuditEvent {
        object: clean_line(&event.object, OBJECT_MAX_CHARS),
        detail: clean_line(&event.detail, DETAIL_MAX_CHARS),
        ..event.clone()
    };
    let seal = key.seal(chain, sequence, previous, &event);
    execute!(
        tx,
        "INSERT INTO audit (chain, sequence, at_ms, actor, action, object, detail, key_id, seal)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        chain,
        sequence,
        event.at.as_millis(),
        event.actor.as_str(),
        event.action.word(),
        event.object.as_str(),
        event.detail.as_str(),
        key_id,
        &seal.as_bytes()[..],
    )?;
    Ok(())
}

/// Which events of a chain to read.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter<'a> {
    /// Not before this moment.
    pub since: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
    /// Only this actor.
    pub actor: Option<&'a str>,
    /// Only this action.
    pub action: Option<Action>,
    /// Only events before this number: where the page before ended.
    pub before: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct ChainName {
    chain: String,
}

/// The names of all chains.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn chains(tx: &mut Tx) -> Result<Vec<String>, StoreError> {
    const SQL: &str = "SELECT chain FROM audit WHERE sequence = 1 ORDER BY chain";
    Ok(fetch_all!(tx, ChainName, SQL)?.into_iter().map(|row| row.chain).collect())
}

/// One page of a chain, newest first, each event with its number.
///
/// # Errors
/// [`StoreError::Unreadable`] when a row has an action outside the vocabulary.
pub async fn page(
    tx: &mut Tx,
    chain: &str,
    filter: &AuditFilter<'_>,
    limit: i64,
) -> Result<Vec<(i64, AuditEvent)>, StoreError> {
    let rows = fetch_all!(
        tx,
        AuditRow,
        "SELECT sequence, at_ms, actor, action, object, detail, seal, key_id FROM audit
         WHERE chain = $1
           AND ($2 IS NULL OR at_ms >= $2)
           AND ($3 IS NULL OR at_ms < $3)
           AND ($4 IS NULL OR actor = $4)
           AND ($5 IS NULL OR action = $5)
           AND ($6 IS NULL OR sequence < $6)
         ORDER BY sequence DESC LIMIT $7",
        chain,
        codec::millis(filter.since),
        codec::millis(filter.until),
        filter.actor,
        filter.action.map(Action::word),
        filter.before,
        limit,
    )?;
    rows.into_iter()
        .map(|row| {
            let action = codec::word(&row.action, "audit.action")?;
            Ok((row.sequence, row.event(action)))
        })
        .collect()
}

/// The rows of a chain after a number, oldest first, as a verifier meets them.
///
/// # Errors
/// [`StoreError`] when the database fails; a row that cannot be read is given as such.
pub async fn walk(
    tx: &mut Tx,
    chain: &str,
    after_sequence: i64,
    limit: i64,
) -> Result<Vec<ChainRow>, StoreError> {
    let rows = fetch_all!(
        tx,
        AuditRow,
        "SELECT sequence, at_ms, actor, action, object, detail, seal, key_id FROM audit
         WHERE chain = $1 AND sequence > $2 ORDER BY sequence LIMIT $3",
        chain,
        after_sequence,
        limit,
    )?;
    Ok(rows.into_iter().map(chain_row).collect())
}

fn chain_row(row: AuditRow) -> ChainRow {
    let (sequence, seal, key_id) = (row.sequence, Seal::from_bytes(&row.seal), row.key_id.clone());
    let action: Option<Action> = row.action.parse().ok();
    ChainRow { sequence, seal, key_id, event: action.map(|action| row.event(action)) }
}
