//! Single calls of PostgreSQL stand in a partition for each day: made before the first call of a day is
//! inserted, and taken off beside everything else when the day is forgotten. SQLite has none.

use std::collections::BTreeSet;

use aerostack_core::time::Timestamp;
use aerostack_core::usage::Grain;
use sqlx::postgres::PgPool;
use sqlx::{AssertSqlSafe, Connection, Postgres, Transaction};

use super::calls::NumberedCall;
use crate::store::error::StoreError;
use crate::store::sql::Tx;

const PREFIX: &str = "usage_calls_d";

/// Makes the partitions that calls belong into, where they are missing.
pub(super) async fn make_for(tx: &mut Tx, calls: &[NumberedCall]) -> Result<(), StoreError> {
    let Tx::Postgres(tx) = tx else { return Ok(()) };
    let days: BTreeSet<i64> = calls.iter().map(|call| Grain::Day.bucket(call.measured.at)).collect();
    for day in days {
        make(tx, day).await?;
    }
    Ok(())
}

async fn make(tx: &mut Transaction<'static, Postgres>, day: i64) -> Result<(), StoreError> {
    // In the schema where it would be made: another installation's may be on the search path as well.
    const EXISTS: &str = "SELECT to_regclass(quote_ident(current_schema()) || '.' || $1) IS NOT NULL";
    let name = format!("{PREFIX}{day}");
    let exists: bool = sqlx::query_scalar(EXISTS).bind(&name).fetch_one(&mut **tx).await?;
    if exists {
        return Ok(());
    }
    let (from, until) = (Grain::Day.start(day).as_millis(), Grain::Day.start(day + 1).as_millis());
    // Made apart and then put in place: `PARTITION OF` would wait for everybody who reads, such as a dump.
    let make = format!("CREATE TABLE {name} (LIKE usage_calls)");
    let attach =
        format!("ALTER TABLE usage_calls ATTACH PARTITION {name} FOR VALUES FROM ({from}) TO ({until})");
    for statement in [make, attach] {
        sqlx::query(AssertSqlSafe(statement)).execute(&mut **tx).await?;
    }
    Ok(())
}

#[derive(sqlx::FromRow)]
struct Partition {
    name: String,
    attached: bool,
    pending: bool,
}

/// Drops the oldest day that ended before `cutoff`; `false` if there is none.
///
/// Taking it off first blocks nobody: who reads goes on reading. Broken off in between, the next call
/// carries on from there.
pub(super) async fn drop_oldest(pool: &PgPool, cutoff: Timestamp) -> Result<bool, StoreError> {
    const SQL: &str = "SELECT c.relname::TEXT AS name, i.inhrelid IS NOT NULL AS attached,
            COALESCE(i.inhdetachpending, FALSE) AS pending
        FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
        WHERE c.relkind = 'r' AND c.relname ~ '^usage_calls_d[0-9]+$'
            AND c.relnamespace = (SELECT p.relnamespace FROM pg_class p WHERE p.oid = 'usage_calls'::REGCLASS)";
    let partitions: Vec<Partition> = sqlx::query_as(SQL).fetch_all(pool).await?;
    let day_of = |partition: &Partition| partition.name.strip_prefix(PREFIX)?.parse::<i64>().ok();
    let last_day = Grain::Day.bucket(cutoff);
    let oldest = partitions.iter().filter(|partition| day_of(partition).is_some_and(|day| day < last_day));
    let Some(oldest) = oldest.min_by_key(|partition| day_of(partition)) else {
        return Ok(false);
    };
    let name = &oldest.name;
    // A connection of its own: whoever closes the pool does not wait for what this one waits for.
    let mut connection = pool.acquire().await?.detach();
    if oldest.attached {
        let how = if oldest.pending { "FINALIZE" } else { "CONCURRENTLY" };
        let statement = format!("ALTER TABLE usage_calls DETACH PARTITION {name} {how}");
        sqlx::query(AssertSqlSafe(statement)).execute(&mut connection).await?;
    }
    sqlx::query(AssertSqlSafe(format!("DROP TABLE {name}"))).execute(&mut connection).await?;
    connection.close().await?;
    Ok(true)
}
