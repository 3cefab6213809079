//! Copying the rows of one table from one transaction to another, whichever engines they are of, a
//! batch at a time: a batch is bounded in rows and in bytes, since a tool list may be megabytes.

use futures_util::TryStreamExt;
use sqlx::{AssertSqlSafe, ColumnIndex, Decode, Row, Type};

use super::BackupError;
use super::tables::{Kind, Table};
use crate::store::sql::Tx;

/// Most rows of a batch.
const BATCH_ROWS: usize = 500;
/// Bytes after which a batch is written.
const BATCH_BYTES: usize = 1 << 20;

/// The values of one column in a batch.
enum Cells {
    Text(Vec<Option<String>>),
    Whole(Vec<Option<i64>>),
    Bytes(Vec<Option<Vec<u8>>>),
}

struct Batch {
    columns: Vec<Cells>,
    rows: usize,
    bytes: usize,
}

/// Copies every row.
pub(super) async fn rows(table: &Table, from: &mut Tx, to: &mut Tx) -> Result<(), BackupError> {
    let select = AssertSqlSafe(format!("SELECT {} FROM \"{}\"", table.column_list(), table.name));
    let mut batch = Batch::of(table);
    match from {
        Tx::Sqlite(tx) => {
            let mut rows = sqlx::query(select).fetch(&mut **tx);
            while let Some(row) = rows.try_next().await? {
                batch.push(&row)?;
                batch.insert_if_full(table, to).await?;
            }
        }
        Tx::Postgres(tx) => {
            let mut rows = sqlx::query(select).fetch(&mut **tx);
            while let Some(row) = rows.try_next().await? {
                batch.push(&row)?;
                batch.insert_if_full(table, to).await?;
            }
        }
    }
    batch.insert(table, to).await
}

impl Batch {
    fn of(table: &Table) -> Self {
        let column = |(_, kind): &(String, Kind)| match kind {
            Kind::Text => Cells::Text(Vec::new()),
            Kind::Whole => Cells::Whole(Vec::new()),
            Kind::Bytes => Cells::Bytes(Vec::new()),
        };
        Self { columns: table.columns.iter().map(column).collect(), rows: 0, bytes: 0 }
    }

    fn push<R>(&mut self, row: &R) -> Result<(), sqlx::Error>
    where
        R: Row,
        usize: ColumnIndex<R>,
        for<'r> String: Decode<'r, R::Database> + Type<R::Database>,
        for<'r> i64: Decode<'r, R::Database> + Type<R::Database>,
        for<'r> Vec<u8>: Decode<'r, R::Database> + Type<R::Database>,
    {
        for (index, cells) in self.columns.iter_mut().enumerate() {
            self.bytes += match cells {
                Cells::Text(cells) => {
                    cells.push(row.try_get(index)?);
                    cells.last().and_then(Option::as_ref).map_or(0, String::len)
                }
                Cells::Whole(cells) => {
                    cells.push(row.try_get(index)?);
                    size_of::<i64>()
                }
                Cells::Bytes(cells) => {
                    cells.push(row.try_get(index)?);
                    cells.last().and_then(Option::as_ref).map_or(0, Vec::len)
                }
            };
        }
        self.rows += 1;
        Ok(())
    }

    async fn insert_if_full(&mut self, table: &Table, to: &mut Tx) -> Result<(), BackupError> {
        if self.rows < BATCH_ROWS && self.bytes < BATCH_BYTES {
            return Ok(());
        }
        std::mem::replace(self, Self::of(table)).insert(table, to).await
    }

    async fn insert(self, table: &Table, to: &mut Tx) -> Result<(), BackupError> {
        if self.rows == 0 {
            return Ok(());
        }
        let target = format!("INSERT INTO \"{}\" ({})", table.name, table.column_list());
        match to {
            Tx::Sqlite(tx) => {
                let places: Vec<String> = (1..=self.columns.len()).map(|place| format!("${place}")).collect();
                let sql = format!("{target} VALUES ({})", places.join(", "));
                for row in 0..self.rows {
                    let mut query = sqlx::query(AssertSqlSafe(sql.clone()));
                    for cells in &self.columns {
                        query = match cells {
                            Cells::Text(cells) => query.bind(cells[row].as_deref()),
                            Cells::Whole(cells) => query.bind(cells[row]),
                            Cells::Bytes(cells) => query.bind(cells[row].as_deref()),
                        };
                    }
                    query.execute(&mut **tx).await?;
                }
            }
            Tx::Postgres(tx) => {
                let place = |(index, cells): (usize, &Cells)| match cells {
                    Cells::Text(_) => format!("${}::text[]", index + 1),
                    Cells::Whole(_) => format!("${}::bigint[]", index + 1),
                    Cells::Bytes(_) => format!("${}::bytea[]", index + 1),
                };
                let places: Vec<String> = self.columns.iter().enumerate().map(place).collect();
                let sql = format!("{target} SELECT * FROM UNNEST({})", places.join(", "));
                let mut query = sqlx::query(AssertSqlSafe(sql));
                for cells in self.columns {
                    query = match cells {
                        Cells::Text(cells) => query.bind(cells),
                        Cells::Whole(cells) => query.bind(cells),
                        Cells::Bytes(cells) => query.bind(cells),
                    };
                }
                query.execute(&mut **tx).await?;
            }
        }
        Ok(())
    }
}
