//! Sums of calls: by hour and by day; of a workspace, of each token, of each tool, of each token and tool.

use std::ops::RangeInclusive;

use aerostack_core::usage::{Grain, Tally};

use super::bulk;
use crate::store::error::StoreError;
use crate::store::sql::{Tx, fetch_all, fetch_optional};

/// What sums are told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Nothing: the whole workspace.
    Whole,
    /// The token.
    Token,
    /// The tool.
    Tool,
    /// The token and the tool.
    TokenAndTool,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Whole, Self::Token, Self::Tool, Self::TokenAndTool];

    const fn number(self) -> i64 {
        match self {
            Self::Whole => 0,
            Self::Token => 1,
            Self::Tool => 2,
            Self::TokenAndTool => 3,
        }
    }
}

pub(super) const fn grain_number(grain: Grain) -> i64 {
    match grain {
        Grain::Hour => 0,
        Grain::Day => 1,
    }
}

/// Where a sum stands: its workspace, what it is told apart by, and its hour or day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Shelf {
    /// The workspace's number.
    pub workspace: i64,
    /// Hours or days.
    pub grain: Grain,
    /// What is told apart.
    pub kind: Kind,
    /// Which hour or day.
    pub bucket: i64,
}

impl Shelf {
    pub(super) const fn numbers(self) -> [i64; 4] {
        [self.workspace, grain_number(self.grain), self.kind.number(), self.bucket]
    }
}

/// One sum. A number that its kind does not tell apart is 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Which hour or day.
    pub bucket: i64,
    /// The token's number.
    pub token: i64,
    /// The tool's number.
    pub tool: i64,
    /// The sum.
    pub tally: Tally,
}

#[derive(sqlx::FromRow)]
struct CellRow {
    bucket: i64,
    token: i64,
    tool: i64,
    tally: Vec<u8>,
}

impl TryFrom<CellRow> for Cell {
    type Error = StoreError;

    fn try_from(row: CellRow) -> Result<Self, StoreError> {
        let tally = Tally::decode(&row.tally);
        let tally = tally.ok_or(StoreError::Unreadable { what: "usage_tallies.tally" })?;
        Ok(Self { bucket: row.bucket, token: row.token, tool: row.tool, tally })
    }
}

/// Reads the sums of a workspace from one bucket up to, and without, another, in the order of buckets.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn range(
    tx: &mut Tx,
    workspace: i64,
    grain: Grain,
    kind: Kind,
    from: i64,
    until: i64,
) -> Result<Vec<Cell>, StoreError> {
    const SQL: &str = "SELECT bucket, token, tool, tally FROM usage_tallies
        WHERE workspace = $1 AND grain = $2 AND kind = $3 AND bucket >= $4 AND bucket < $5
        ORDER BY bucket, token, tool";
    let rows = fetch_all!(tx, CellRow, SQL, workspace, grain_number(grain), kind.number(), from, until)?;
    rows.into_iter().map(Cell::try_from).collect()
}

/// Reads the sums of one hour or day with tokens from one number to another, both among them.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn of_tokens(
    tx: &mut Tx,
    shelf: Shelf,
    tokens: RangeInclusive<i64>,
) -> Result<Vec<Cell>, StoreError> {
    const SQL: &str = "SELECT bucket, token, tool, tally FROM usage_tallies
        WHERE workspace = $1 AND grain = $2 AND kind = $3 AND bucket = $4 AND token >= $5 AND token <= $6
        ORDER BY token, tool";
    let [workspace, grain, kind, bucket] = shelf.numbers();
    let (first, last) = tokens.into_inner();
    let rows = fetch_all!(tx, CellRow, SQL, workspace, grain, kind, bucket, first, last)?;
    rows.into_iter().map(Cell::try_from).collect()
}

/// Reads one sum.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub(super) async fn find(
    tx: &mut Tx,
    shelf: Shelf,
    token: i64,
    tool: i64,
) -> Result<Option<Tally>, StoreError> {
    const SQL: &str = "SELECT bucket, token, tool, tally FROM usage_tallies
        WHERE workspace = $1 AND grain = $2 AND kind = $3 AND bucket = $4 AND token = $5 AND tool = $6";
    let [workspace, grain, kind, bucket] = shelf.numbers();
    let row = fetch_optional!(tx, CellRow, SQL, workspace, grain, kind, bucket, token, tool)?;
    Ok(row.map(Cell::try_from).transpose()?.map(|cell| cell.tally))
}

/// Writes sums in the place of what stands there.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub(super) async fn put(tx: &mut Tx, cells: &[(Shelf, i64, i64, Vec<u8>)]) -> Result<(), StoreError> {
    bulk::put_tallies(tx, cells).await
}
