//! Every token that has not ended, for what stands in memory. A gateway reads them all when it starts, so
//! they come one by one in the order in which they lie there, with what is wanted of them alone, and columns
//! are read by their places.

use aerostack_core::account::Email;
use aerostack_core::bearer::TokenDigest;
use aerostack_core::id::{TokenId, WorkspaceId};
use aerostack_core::time::Timestamp;
use aerostack_core::token::Token;

use super::codec;
use super::error::StoreError;
use super::sql::{Tx, fetch_each};
use super::token::active_at;

/// A token that has not ended, as far as the path of a call depends on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveToken {
    /// Its identifier.
    pub id: TokenId,
    /// The workspace it opens.
    pub workspace: WorkspaceId,
    /// Its name.
    pub name: String,
    /// SHA-256 of its text.
    pub digest: TokenDigest,
    /// The person it is tied to, if any.
    pub person: Option<Email>,
    /// Its own rate limit, requests per minute; else the plan's or the gateway's.
    pub rate_limit_per_minute: Option<u32>,
    /// When it ends: by itself, or because somebody said so.
    pub ends_at: Option<Timestamp>,
}

impl From<&Token> for LiveToken {
    fn from(token: &Token) -> Self {
        Self {
            id: token.id.clone(),
            workspace: token.workspace.clone(),
            name: token.name.clone(),
            digest: token.digest,
            person: token.person.clone(),
            rate_limit_per_minute: token.rate_limit_per_minute,
            ends_at: token.ends_at(),
        }
    }
}

/// What `columns!` says, in order.
type Row = (String, String, String, Vec<u8>, Option<String>, Option<i64>, Option<i64>, Option<i64>);

macro_rules! columns {
    () => {
        "t.id, t.workspace_id, t.name, t.digest, t.person, t.rate_limit_per_minute, t.expires_at_ms, t.revoked_at_ms"
    };
}

fn read(row: Row) -> Result<LiveToken, StoreError> {
    let (id, workspace, name, digest, person, rate_limit, expires_at_ms, revoked_at_ms) = row;
    let rate_limit = rate_limit.map(|limit| codec::number(limit, "tokens.rate_limit_per_minute"));
    Ok(LiveToken {
        id: TokenId::from_stored(id),
        workspace: WorkspaceId::from_stored(workspace),
        name,
        digest: codec::digest(&digest, "tokens.digest")?,
        person: person.map(Email::from_stored),
        rate_limit_per_minute: rate_limit.transpose()?,
        ends_at: [expires_at_ms, revoked_at_ms].into_iter().flatten().min().map(Timestamp::from_millis),
    })
}

/// Hands every token that has not ended to `take`, in no order. Tokens of deleted workspaces have ended.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn each_unended(
    tx: &mut Tx,
    now: Timestamp,
    mut take: impl FnMut(LiveToken),
) -> Result<(), StoreError> {
    // A join with the open ones would lead from each workspace to its tokens by an index, and so from place to place;
    // `NOT IN` would make PostgreSQL look through all deleted ones for each token, once they are too many to be hashed.
    const SQL: &str = concat!(
        "WITH deleted AS MATERIALIZED (SELECT id FROM workspaces WHERE deleted_at_ms IS NOT NULL) SELECT ",
        columns!(),
        " FROM tokens t LEFT JOIN deleted ON deleted.id = t.workspace_id
         WHERE deleted.id IS NULL AND ",
        active_at!("$1")
    );
    let take = |row| read(row).map(&mut take);
    fetch_each!(tx, Row, take, SQL, now.as_millis())
}

/// The tokens of a workspace that have not ended; none if it is deleted.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn unended(
    tx: &mut Tx,
    workspace: &WorkspaceId,
    now: Timestamp,
) -> Result<Vec<LiveToken>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM tokens t JOIN workspaces w ON w.id = t.workspace_id
         WHERE t.workspace_id = $1 AND w.deleted_at_ms IS NULL AND ",
        active_at!("$2"),
    );
    let mut tokens = Vec::new();
    let take = |row| read(row).map(|token| tokens.push(token));
    fetch_each!(tx, Row, take, SQL, workspace.as_str(), now.as_millis())?;
    Ok(tokens)
}
