//! Sums of calls: by hour, day and week; of a workspace, of each token, of each tool, of each token and tool.

use aerostack_core::usage::{Grain, Tally};

use super::bulk;
use super::names::WORKSPACES_AT_ONCE;
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

    /// How finely time is cut for its sums. A whole workspace is read as a course over time, and never by week.
    #[must_use]
    pub const fn grains(self) -> &'static [Grain] {
        match self {
            Self::Whole => &[Grain::Hour, Grain::Day],
            Self::Token | Self::Tool | Self::TokenAndTool => &[Grain::Hour, Grain::Day, Grain::Week],
        }
    }

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
        Grain::Week => 2,
    }
}

/// Where a sum stands: its workspace, what it is told apart by, and its hour, day or week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Shelf {
    /// The workspace's number.
    pub workspace: i64,
    /// Hours, days or weeks.
    pub grain: Grain,
    /// What is told apart.
    pub kind: Kind,
    /// Which of them.
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
    /// Which hour, day or week.
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

/// Between which numbers those of the tokens and tools of sums lie, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Of tokens.
    pub tokens: (i64, i64),
    /// Of tools.
    pub tools: (i64, i64),
}

impl Bounds {
    /// Anywhere.
    pub const OPEN: Self = Self { tokens: (0, i64::MAX), tools: (0, i64::MAX) };
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
    range_within(tx, workspace, (grain, kind), (from, until), Bounds::OPEN).await
}

/// The same of tokens and tools between two numbers each: what is not asked for is not unpacked.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn range_within(
    tx: &mut Tx,
    workspace: i64,
    (grain, kind): (Grain, Kind),
    (from, until): (i64, i64),
    bounds: Bounds,
) -> Result<Vec<Cell>, StoreError> {
    const SQL: &str = "SELECT bucket, token, tool, tally FROM usage_tallies
        WHERE workspace = $1 AND grain = $2 AND kind = $3 AND bucket >= $4 AND bucket < $5
        AND token >= $6 AND token <= $7 AND tool >= $8 AND tool <= $9
        ORDER BY bucket, token, tool";
    let (grain, kind) = (grain_number(grain), kind.number());
    let Bounds { tokens: (first_token, last_token), tools: (first_tool, last_tool) } = bounds;
    let rows = fetch_all!(
        tx,
        CellRow,
        SQL,
        workspace,
        grain,
        kind,
        from,
        until,
        first_token,
        last_token,
        first_tool,
        last_tool
    )?;
    rows.into_iter().map(Cell::try_from).collect()
}

#[derive(sqlx::FromRow)]
struct DayRow {
    workspace: i64,
    tally: Vec<u8>,
}

/// Reads the sums of one day of whole workspaces.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn day_of_workspaces(
    tx: &mut Tx,
    day: i64,
    workspaces: &[i64],
) -> Result<Vec<(i64, Tally)>, StoreError> {
    const SQL: &str = "SELECT workspace, tally FROM usage_tallies
        WHERE workspace IN ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        AND grain = $11 AND kind = $12 AND bucket = $13 AND token = 0 AND tool = 0";
    let (grain, kind) = (grain_number(Grain::Day), Kind::Whole.number());
    let mut rows = Vec::new();
    for some in workspaces.chunks(WORKSPACES_AT_ONCE) {
        // Numbers begin with 1.
        let [a, b, c, d, e, f, g, h, i, j] =
            std::array::from_fn(|place| some.get(place).copied().unwrap_or(0));
        rows.extend(fetch_all!(tx, DayRow, SQL, a, b, c, d, e, f, g, h, i, j, grain, kind, day)?);
    }
    rows.into_iter().map(day_tally).collect()
}

/// Reads the sums of one day of the tokens tied to a person, each with its workspace.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn day_of_person(tx: &mut Tx, day: i64, person: &str) -> Result<Vec<(i64, Tally)>, StoreError> {
    const SQL: &str = "SELECT s.workspace, s.tally FROM usage_tokens t
        JOIN usage_tallies s ON s.workspace = t.workspace AND s.token = t.id
        WHERE t.person = $1 AND s.grain = $2 AND s.kind = $3 AND s.bucket = $4 AND s.tool = 0";
    let (grain, kind) = (grain_number(Grain::Day), Kind::Token.number());
    let rows = fetch_all!(tx, DayRow, SQL, person, grain, kind, day)?;
    rows.into_iter().map(day_tally).collect()
}

fn day_tally(row: DayRow) -> Result<(i64, Tally), StoreError> {
    let tally = Tally::decode(&row.tally);
    Ok((row.workspace, tally.ok_or(StoreError::Unreadable { what: "usage_tallies.tally" })?))
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
