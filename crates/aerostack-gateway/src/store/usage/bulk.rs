//! Many rows in one statement, in each engine's own way: SQLite takes a list of rows, PostgreSQL a list
//! per column.

use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments, AssertSqlSafe, Postgres, Sqlite, Transaction};

use super::calls::NumberedCall;
use super::tallies::Shelf;
use crate::store::error::StoreError;
use crate::store::sql::Tx;

/// Rows of one statement for SQLite; what is left goes by fewer, so that few statements are prepared.
const ROWS: [usize; 4] = [256, 64, 8, 1];
const CALL_COLUMNS: usize = 11;
const TALLY_COLUMNS: usize = 7;

/// A sum and where it stands.
type Cell = (Shelf, i64, i64, Vec<u8>);

/// Inserts calls.
pub(super) async fn insert_calls(tx: &mut Tx, calls: &[NumberedCall]) -> Result<(), StoreError> {
    match tx {
        Tx::Sqlite(tx) => {
            let head = "INSERT INTO usage_calls (id, workspace, at_ms, token, tool, client, outcome, total_us, \
                        upstream_us, bytes_in, bytes_out) VALUES ";
            in_lists(tx, head, CALL_COLUMNS, "", calls, |arguments, call| {
                columns(call).into_iter().try_for_each(|column| add(arguments, column))
            })
            .await
        }
        Tx::Postgres(tx) => calls_by_columns(tx, calls).await,
    }
}

/// Writes sums in the place of what stands there.
pub(super) async fn put_tallies(tx: &mut Tx, cells: &[Cell]) -> Result<(), StoreError> {
    match tx {
        Tx::Sqlite(tx) => {
            let head =
                "INSERT INTO usage_tallies (workspace, grain, kind, bucket, token, tool, tally) VALUES ";
            let tail = " ON CONFLICT (workspace, grain, kind, bucket, token, tool) \
                        DO UPDATE SET tally = excluded.tally";
            in_lists(tx, head, TALLY_COLUMNS, tail, cells, |arguments, (shelf, token, tool, tally)| {
                shelf
                    .numbers()
                    .into_iter()
                    .chain([*token, *tool])
                    .try_for_each(|number| add(arguments, number))?;
                add(arguments, tally.as_slice())
            })
            .await
        }
        Tx::Postgres(tx) => tallies_by_columns(tx, cells).await,
    }
}

fn columns(call: &NumberedCall) -> [Option<i64>; CALL_COLUMNS] {
    // A number that does not fit is no measurement; it is cut, so that no row can spoil a batch.
    let whole = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    let measured = &call.measured;
    let outcome = i64::try_from(measured.outcome.number()).expect("there are few outcomes");
    [
        Some(call.id),
        Some(call.workspace),
        Some(measured.at.as_millis()),
        Some(call.token),
        Some(call.tool),
        Some(call.client),
        Some(outcome),
        Some(whole(measured.total_us)),
        measured.upstream_us.map(whole),
        Some(whole(measured.bytes_in)),
        Some(whole(measured.bytes_out)),
    ]
}

fn add<'q, T>(arguments: &mut SqliteArguments, value: T) -> Result<(), StoreError>
where
    T: sqlx::Encode<'q, Sqlite> + sqlx::Type<Sqlite>,
{
    arguments.add(value).map_err(|error| StoreError::Engine(sqlx::Error::Encode(error)))
}

async fn in_lists<T>(
    tx: &mut Transaction<'static, Sqlite>,
    head: &str,
    width: usize,
    tail: &str,
    items: &[T],
    bind: impl Fn(&mut SqliteArguments, &T) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut rest = items;
    for rows in ROWS {
        if rest.len() < rows {
            continue;
        }
        let statement = format!("{head}{}{tail}", placeholders(rows, width));
        while rest.len() >= rows {
            let (now, later) = rest.split_at(rows);
            let mut arguments = SqliteArguments::default();
            now.iter().try_for_each(|item| bind(&mut arguments, item))?;
            sqlx::query_with(AssertSqlSafe(statement.clone()), arguments).execute(&mut **tx).await?;
            rest = later;
        }
    }
    Ok(())
}

/// Without numbers, unlike all other statements: SQLite takes a numbered one for a name, and looks for each
/// among all of the statement's.
fn placeholders(rows: usize, width: usize) -> String {
    let row = format!("({})", vec!["?"; width].join(","));
    vec![row.as_str(); rows].join(",")
}

async fn calls_by_columns(
    tx: &mut Transaction<'static, Postgres>,
    calls: &[NumberedCall],
) -> Result<(), StoreError> {
    let mut lists: [Vec<Option<i64>>; CALL_COLUMNS] =
        std::array::from_fn(|_| Vec::with_capacity(calls.len()));
    for call in calls {
        lists.iter_mut().zip(columns(call)).for_each(|(list, column)| list.push(column));
    }
    let mut query = sqlx::query(
        "INSERT INTO usage_calls (id, workspace, at_ms, token, tool, client, outcome, total_us, upstream_us,
             bytes_in, bytes_out)
         SELECT * FROM UNNEST($1::BIGINT[], $2::BIGINT[], $3::BIGINT[], $4::BIGINT[], $5::BIGINT[],
             $6::BIGINT[], $7::BIGINT[], $8::BIGINT[], $9::BIGINT[], $10::BIGINT[], $11::BIGINT[])",
    );
    for list in lists {
        query = query.bind(list);
    }
    query.execute(&mut **tx).await?;
    Ok(())
}

async fn tallies_by_columns(
    tx: &mut Transaction<'static, Postgres>,
    cells: &[Cell],
) -> Result<(), StoreError> {
    let mut lists: [Vec<i64>; TALLY_COLUMNS - 1] = std::array::from_fn(|_| Vec::with_capacity(cells.len()));
    let mut sums: Vec<&[u8]> = Vec::with_capacity(cells.len());
    for (shelf, token, tool, sum) in cells {
        let numbers = shelf.numbers().into_iter().chain([*token, *tool]);
        lists.iter_mut().zip(numbers).for_each(|(list, number)| list.push(number));
        sums.push(sum);
    }
    let mut query = sqlx::query(
        "INSERT INTO usage_tallies (workspace, grain, kind, bucket, token, tool, tally)
         SELECT * FROM UNNEST($1::BIGINT[], $2::BIGINT[], $3::BIGINT[], $4::BIGINT[], $5::BIGINT[],
             $6::BIGINT[], $7::BYTEA[])
         ON CONFLICT (workspace, grain, kind, bucket, token, tool) DO UPDATE SET tally = excluded.tally",
    );
    for list in lists {
        query = query.bind(list);
    }
    query.bind(sums).execute(&mut **tx).await?;
    Ok(())
}
