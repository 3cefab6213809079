//! The tables of a schema, read from SQLite, where both engines' are described: names, columns, and
//! an order in which a row never comes before the row it refers to.

use sqlx::{AssertSqlSafe, Row, Sqlite, SqliteConnection};

use super::{BackupError, Copied};
use crate::store::error::StoreError;
use crate::store::sql::Tx;

/// What a column holds; the schema has no other types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Whole,
    Bytes,
}

/// A table and its columns.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: Vec<(String, Kind)>,
    refers_to: Vec<String>,
}

impl Table {
    /// Its columns as they stand in a statement. The names are our own; quoting them is for words
    /// such as `key`.
    pub(super) fn column_list(&self) -> String {
        self.columns.iter().map(|(name, _)| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
    }

    /// Counts its rows.
    pub(super) async fn count(&self, tx: &mut Tx) -> Result<i64, BackupError> {
        let sql = AssertSqlSafe(format!("SELECT COUNT(*) FROM \"{}\"", self.name));
        Ok(match tx {
            Tx::Sqlite(tx) => sqlx::query_scalar(sql).fetch_one(&mut **tx).await?,
            Tx::Postgres(tx) => sqlx::query_scalar(sql).fetch_one(&mut **tx).await?,
        })
    }
}

/// The tables of a SQLite database, those first that others refer to.
pub(super) async fn of_sqlite(tx: &mut Tx) -> Result<Vec<Table>, BackupError> {
    match tx {
        Tx::Sqlite(tx) => read(tx).await,
        Tx::Postgres(_) => Err(StoreError::Unreadable { what: "the schema of a backup" }.into()),
    }
}

/// Counts all rows of all tables.
pub(super) async fn count_all(connection: &mut SqliteConnection) -> Result<Copied, BackupError> {
    let tables = read(connection).await?;
    let mut rows = 0;
    for table in &tables {
        let sql = AssertSqlSafe(format!("SELECT COUNT(*) FROM \"{}\"", table.name));
        rows += sqlx::query_scalar::<_, i64>(sql).fetch_one(&mut *connection).await?;
    }
    Ok(Copied { tables: tables.len(), rows })
}

async fn read(connection: &mut SqliteConnection) -> Result<Vec<Table>, BackupError> {
    const NAMES: &str = "SELECT name FROM sqlite_schema
        WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE '_sqlx%' ORDER BY name";
    let names: Vec<String> = sqlx::query_scalar(NAMES).fetch_all(&mut *connection).await?;
    let mut tables = Vec::with_capacity(names.len());
    for name in names {
        let rows = sqlx::query::<Sqlite>("SELECT name, type FROM pragma_table_info($1) ORDER BY cid")
            .bind(&name)
            .fetch_all(&mut *connection)
            .await?;
        let columns = rows.iter().map(|row| Ok((row.try_get("name")?, kind(row.try_get("type")?)?)));
        let columns = columns.collect::<Result<Vec<(String, Kind)>, BackupError>>()?;
        let refers_to = sqlx::query_scalar(r#"SELECT DISTINCT "table" FROM pragma_foreign_key_list($1)"#)
            .bind(&name)
            .fetch_all(&mut *connection)
            .await?;
        tables.push(Table { name, columns, refers_to });
    }
    Ok(in_order(tables))
}

fn kind(declared: &str) -> Result<Kind, BackupError> {
    match declared.split_whitespace().next() {
        Some("TEXT") => Ok(Kind::Text),
        Some("BIGINT" | "INTEGER") => Ok(Kind::Whole),
        Some("BLOB") => Ok(Kind::Bytes),
        _ => Err(StoreError::Unreadable { what: "a column's type" }.into()),
    }
}

/// Takes again and again the tables that refer to none of those left. A circle is taken as it is.
fn in_order(mut left: Vec<Table>) -> Vec<Table> {
    let mut ordered = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let names: Vec<String> = left.iter().map(|table| table.name.clone()).collect();
        let is_free = |table: &Table| {
            table.refers_to.iter().all(|other| *other == table.name || !names.contains(other))
        };
        let (free, bound): (Vec<_>, Vec<_>) = left.into_iter().partition(is_free);
        let is_stuck = free.is_empty();
        ordered.extend(free);
        left = bound;
        if is_stuck {
            ordered.append(&mut left);
        }
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_come_after_those_they_refer_to() {
        let table = |name: &str, refers_to: &[&str]| Table {
            name: name.to_owned(),
            columns: Vec::new(),
            refers_to: refers_to.iter().map(|&name| name.to_owned()).collect(),
        };
        let ordered = in_order(vec![
            table("a", &["c", "a"]),
            table("b", &["a"]),
            table("c", &[]),
            table("x", &["y"]),
            table("y", &["x"]),
        ]);
        let names: Vec<&str> = ordered.iter().map(|table| table.name.as_str()).collect();
        assert_eq!(names, ["c", "a", "b", "x", "y"]);
    }
}
