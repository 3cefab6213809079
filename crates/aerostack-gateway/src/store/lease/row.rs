//! The row that numbers the holders of a PostgreSQL lease, and by which older ones are fenced off.
//!
//! Each holder takes the next number. A transaction that writes for a holder first looks whether the
//! number is still that holder's, and keeps the row locked until it ends. So when the next holder has
//! its number, every commit of an older one is over, and no further one comes.
//!
//! The row is made by the first holder and not by a migration, because migrating takes the lease too.

use sqlx::PgConnection;

/// In the schema that the lock is for. Another installation's may be on the search path as well.
const EXISTS: &str = "SELECT to_regclass(quote_ident(current_schema()) || '.lease') IS NOT NULL";
const MAKE: &str = "CREATE TABLE lease (number BIGINT NOT NULL, given_back BIGINT NOT NULL)";
const FILL: &str = "INSERT INTO lease SELECT 0, 1 WHERE NOT EXISTS (SELECT 1 FROM lease)";
const LOOK: &str = "SELECT number, given_back FROM lease";
const ENTER: &str = "UPDATE lease SET number = number + 1, given_back = 0 RETURNING number";
const LEAVE: &str = "UPDATE lease SET given_back = 1 WHERE number = $1";
/// Transactions that write for a holder are those that may lock the row.
const END_OPEN: &str = "SELECT pg_terminate_backend(l.pid) FROM pg_locks l
    WHERE l.relation = to_regclass('lease') AND l.mode = 'RowShareLock' AND l.pid <> pg_backend_pid()
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())";
const BESIDE_OTHERS: &str = "SELECT number FROM lease WHERE number = $1 FOR SHARE";
const ALONE: &str = "SELECT number FROM lease WHERE number = $1 FOR UPDATE";

/// How the holder before left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Before {
    /// It had ended everything. So it is with the first holder of all.
    GaveBack,
    /// Nobody knows; it may still be there and not have noticed.
    Unknown,
}

/// Whether a transaction shares the row with others of its holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Fence {
    /// It does.
    Shared,
    /// It waits until every other one has come to its end, and keeps new ones waiting.
    Alone,
}

/// Takes the next number, which fences off all before. Called with the lock held.
pub(super) async fn enter(session: &mut PgConnection) -> Result<(i64, Before), sqlx::Error> {
    if !sqlx::query_scalar(EXISTS).fetch_one(&mut *session).await? {
        sqlx::query(MAKE).execute(&mut *session).await?;
    }
    sqlx::query(FILL).execute(&mut *session).await?;
    let (_, given_back): (i64, i64) = sqlx::query_as(LOOK).fetch_one(&mut *session).await?;
    let before = if given_back == 1 { Before::GaveBack } else { Before::Unknown };
    if before == Before::Unknown {
        // Else everybody would wait for a process that may never go on. Where it is not allowed, they do.
        let _ = sqlx::query(END_OPEN).execute(&mut *session).await;
    }
    let number = sqlx::query_scalar(ENTER).fetch_one(session).await?;
    Ok((number, before))
}

/// Tells whether nobody has entered after the holder of this number.
pub(super) async fn is_last(session: &mut PgConnection, number: i64) -> Result<bool, sqlx::Error> {
    let (last, _): (i64, i64) = sqlx::query_as(LOOK).fetch_one(session).await?;
    Ok(last == number)
}

/// Notes that the holder of this number has ended everything.
pub(super) async fn leave(session: &mut PgConnection, number: i64) -> Result<(), sqlx::Error> {
    sqlx::query(LEAVE).bind(number).execute(session).await.map(drop)
}

/// Keeps the next holder out until the transaction ends; `false` if there is one already.
pub(in crate::store) async fn fence(
    transaction: &mut PgConnection,
    number: i64,
    fence: Fence,
) -> Result<bool, sqlx::Error> {
    let text = match fence {
        Fence::Shared => BESIDE_OTHERS,
        Fence::Alone => ALONE,
    };
    let found: Option<i64> = sqlx::query_scalar(text).bind(number).fetch_optional(transaction).await?;
    Ok(found.is_some())
}
