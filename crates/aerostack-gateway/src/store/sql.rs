//! One SQL text, two engines: a transaction of either, and the macros that run a text on it.
//!
//! Columns are only TEXT, BIGINT and BLOB/BYTEA, parameters `$1, $2 …`, so that the same text and the
//! same row type serve both. See `docs/architecture.md` for what a text may use.

use std::time::Duration;

use futures_util::{FutureExt, Stream, TryStreamExt};
use sqlx::{Postgres, Sqlite, Transaction};

use super::error::StoreError;

/// Rows that are taken as they come: of a question with so few answers none is kept waiting.
const FEW_ROWS: usize = 32;
/// How long further ones gather before they are taken. SQLite reads about a thousand of a narrow table
/// meanwhile, for which there is room; see `open`.
const GATHER: Duration = Duration::from_millis(1);

/// A transaction on either engine. Dropped without [`Tx::commit`], it changes nothing.
pub enum Tx {
    /// On SQLite.
    Sqlite(Transaction<'static, Sqlite>),
    /// On PostgreSQL.
    Postgres(Transaction<'static, Postgres>),
}

impl Tx {
    /// Makes everything done in the transaction last.
    ///
    /// # Errors
    /// [`StoreError::OutcomeUnknown`] when the connection broke while committing: then only reading
    /// back tells what holds.
    pub async fn commit(self) -> Result<(), StoreError> {
        let result = match self {
            Self::Sqlite(tx) => tx.commit().await,
            Self::Postgres(tx) => tx.commit().await,
        };
        result.map_err(|error| match &error {
            sqlx::Error::Database(database) if database.code().is_none_or(|code| !ends_session(&code)) => {
                StoreError::from(error)
            }
            _ => StoreError::OutcomeUnknown(error),
        })
    }
}

/// The engine ended the session over it: PostgreSQL may do so after the commit, while it waits for a
/// standby, in the same words as before it.
fn ends_session(code: &str) -> bool {
    code.starts_with("57P") || code.starts_with("08")
}

/// Runs a statement; gives the number of rows it changed.
macro_rules! execute {
    ($tx:expr, $sql:expr $(, $bind:expr)* $(,)?) => {
        match $tx {
            $crate::store::Tx::Sqlite(tx) => sqlx::query($sql)$(.bind($bind))*.execute(&mut **tx).await
                .map(|done| done.rows_affected()).map_err($crate::store::StoreError::from),
            $crate::store::Tx::Postgres(tx) => sqlx::query($sql)$(.bind($bind))*.execute(&mut **tx).await
                .map(|done| done.rows_affected()).map_err($crate::store::StoreError::from),
        }
    };
}

/// Reads all rows as `$row`, which derives `sqlx::FromRow`.
macro_rules! fetch_all {
    ($tx:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        match $tx {
            $crate::store::Tx::Sqlite(tx) => {
                let rows = sqlx::query_as::<_, $row>($sql)$(.bind($bind))*.fetch(&mut **tx);
                $crate::store::sql::all_gathered(rows).await
            }
            $crate::store::Tx::Postgres(tx) => sqlx::query_as::<_, $row>($sql)$(.bind($bind))*
                .fetch_all(&mut **tx).await.map_err($crate::store::StoreError::from),
        }
    };
}

/// Reads all rows as `$row` and hands each to `$take`, so that not all of them are held at once.
macro_rules! fetch_each {
    ($tx:expr, $row:ty, $take:expr, $sql:expr $(, $bind:expr)* $(,)?) => {
        match $tx {
            $crate::store::Tx::Sqlite(tx) => {
                let rows = sqlx::query_as::<_, $row>($sql)$(.bind($bind))*.fetch(&mut **tx);
                $crate::store::sql::each_gathered(rows, $take).await
            }
            $crate::store::Tx::Postgres(tx) => {
                let rows = sqlx::query_as::<_, $row>($sql)$(.bind($bind))*.fetch(&mut **tx);
                $crate::store::sql::each(rows, $take).await
            }
        }
    };
}

/// Hands each row on as it comes; the first that is refused is the last.
pub(super) async fn each<R>(
    mut rows: impl Stream<Item = Result<R, sqlx::Error>> + Unpin,
    mut take: impl FnMut(R) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    while let Some(row) = rows.try_next().await? {
        take(row)?;
    }
    Ok(())
}

/// The same for rows that a thread of its own makes, which waits for nobody while there is room for more.
///
/// Whoever is woken for each of many, and falls asleep again, spends more on that than on the rows; so after
/// the first few those that are there are taken, and then time is left for others to come.
pub(super) async fn each_gathered<R>(
    mut rows: impl Stream<Item = Result<R, sqlx::Error>> + Unpin,
    mut take: impl FnMut(R) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    for _ in 0..FEW_ROWS {
        let Some(row) = rows.try_next().await? else { return Ok(()) };
        take(row)?;
    }
    loop {
        match rows.try_next().now_or_never() {
            Some(Ok(Some(row))) => take(row)?,
            Some(Ok(None)) => return Ok(()),
            Some(Err(error)) => return Err(error.into()),
            None => tokio::time::sleep(GATHER).await,
        }
    }
}

/// All rows, gathered.
pub(super) async fn all_gathered<R>(
    rows: impl Stream<Item = Result<R, sqlx::Error>> + Unpin,
) -> Result<Vec<R>, StoreError> {
    let mut all = Vec::new();
    each_gathered(rows, |row| {
        all.push(row);
        Ok(())
    })
    .await?;
    Ok(all)
}

/// Reads at most one row as `$row`.
macro_rules! fetch_optional {
    ($tx:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        match $tx {
            $crate::store::Tx::Sqlite(tx) => sqlx::query_as::<_, $row>($sql)$(.bind($bind))*
                .fetch_optional(&mut **tx).await.map_err($crate::store::StoreError::from),
            $crate::store::Tx::Postgres(tx) => sqlx::query_as::<_, $row>($sql)$(.bind($bind))*
                .fetch_optional(&mut **tx).await.map_err($crate::store::StoreError::from),
        }
    };
}

/// Reads exactly one row as `$row`: for counts and other questions that always have an answer.
macro_rules! fetch_one {
    ($tx:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        match $tx {
            $crate::store::Tx::Sqlite(tx) => sqlx::query_as::<_, $row>($sql)$(.bind($bind))*
                .fetch_one(&mut **tx).await.map_err($crate::store::StoreError::from),
            $crate::store::Tx::Postgres(tx) => sqlx::query_as::<_, $row>($sql)$(.bind($bind))*
                .fetch_one(&mut **tx).await.map_err($crate::store::StoreError::from),
        }
    };
}

/// The answer to a question that counts, `AS n`.
#[derive(sqlx::FromRow)]
pub(super) struct Count {
    /// How many.
    pub(super) n: i64,
}

pub(crate) use {execute, fetch_all, fetch_each, fetch_one, fetch_optional};

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{StreamExt, stream};
    use std::task::Poll;

    /// Rows of which some are there only when they are asked for once more, as if a thread made them.
    fn rows(count: usize) -> impl Stream<Item = Result<usize, sqlx::Error>> + Unpin {
        let (mut next, mut is_late) = (0, false);
        stream::poll_fn(move |context| {
            is_late = !is_late && next % 10 == 3;
            if is_late {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            next += 1;
            Poll::Ready((next <= count).then_some(Ok(next)))
        })
    }

    #[tokio::test(start_paused = true)]
    async fn few_rows_and_many_come_in_their_order() {
        for count in [0, 1, FEW_ROWS - 1, FEW_ROWS, FEW_ROWS + 1, 1_000] {
            let all = all_gathered(rows(count)).await.unwrap();
            assert_eq!(all, (1..=count).collect::<Vec<_>>());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_error_ends_it() {
        for place in [0, FEW_ROWS + 1] {
            let failing = rows(place).chain(stream::iter([Err(sqlx::Error::WorkerCrashed), Ok(1)]));
            assert!(all_gathered(failing).await.is_err());
            let mut taken = 0;
            let refuse = |_| {
                taken += 1;
                if taken > place { Err(StoreError::Unreadable { what: "it" }) } else { Ok(()) }
            };
            assert!(each_gathered(rows(1_000), refuse).await.is_err());
            assert_eq!(taken, place + 1);
        }
    }
}
