//! Leases on both engines. PostgreSQL is asked only where `AEROSTACK_TEST_POSTGRES_URL` names one.

use std::str::FromStr;
use std::time::Duration;

use aerostack_core::time::Timestamp;
use sqlx::{ConnectOptions, PgConnection};

use super::{Doing, Lease, LeaseError, Pace};
use crate::config::Database;

const NOW: Timestamp = Timestamp::from_millis(1_773_746_100_000);
/// A wait that only a broken test reaches.
const NEVER: Duration = Duration::from_secs(600);
const STILL: Pace = Pace { ping_every: NEVER, ping_timeout: NEVER, regain_within: NEVER };

fn serving() -> Doing {
    Doing::Serve("127.0.0.1:8787".parse().unwrap())
}

async fn take(database: &Database, doing: Doing) -> Result<Lease, LeaseError> {
    Lease::take_with_pace(database, doing, NOW, NEVER, STILL).await
}

/// A schema of its own in the test server, and a session beside it.
async fn postgres(schema: &str) -> Option<(Database, PgConnection)> {
    let url = std::env::var("AEROSTACK_TEST_POSTGRES_URL").ok()?;
    let mut beside = sqlx::postgres::PgConnectOptions::from_str(&url).unwrap().connect().await.unwrap();
    for text in [format!("DROP SCHEMA IF EXISTS {schema} CASCADE"), format!("CREATE SCHEMA {schema}")] {
        sqlx::query(sqlx::AssertSqlSafe(text)).execute(&mut beside).await.unwrap();
    }
    let separator = if url.contains('?') { '&' } else { '?' };
    let url = format!("{url}{separator}options=-c%20search_path%3D{schema}");
    Some((Database::Postgres(url.into()), beside))
}

async fn one_holder_at_a_time(database: &Database, place: &str) {
    let mut lease = take(database, serving()).await.unwrap();
    let refused = take(database, Doing::Migrate).await.unwrap_err();
    let told = format!(
        "another gateway (pid {}, since 2026-03-17 11:15 UTC, on 127.0.0.1:8787) is using this {place}",
        std::process::id()
    );
    assert_eq!(refused.to_string(), told);
    lease.announce("127.0.0.1:4000".parse().unwrap());
    lease.release().await;
    let restoring = take(database, Doing::Restore).await.unwrap();
    let refused = take(database, serving()).await.unwrap_err().to_string();
    assert!(refused.contains("busy with restore"), "{refused}");
    drop(restoring);
}

#[tokio::test]
async fn a_data_folder_has_one_holder_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    one_holder_at_a_time(&Database::Sqlite(folder.path().join("aerostack.db")), "data folder").await;
}

#[tokio::test]
async fn a_postgres_schema_has_one_holder_at_a_time() {
    let Some((database, _)) = postgres("lease_one").await else {
        return;
    };
    one_holder_at_a_time(&database, "database").await;
}

#[tokio::test]
async fn the_announced_address_is_what_others_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::Sqlite(folder.path().join("aerostack.db"));
    let mut lease = take(&database, serving()).await.unwrap();
    lease.announce("127.0.0.1:4000".parse().unwrap());
    let refused = take(&database, serving()).await.unwrap_err().to_string();
    assert!(refused.contains("on 127.0.0.1:4000)"), "{refused}");
}

/// Ends the session that holds the lease of a schema.
async fn break_session(beside: &mut PgConnection, schema: &str) {
    let ended = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'
        AND (classid::bigint << 32) | objid::bigint = hashtextextended('aerostack lease ' || $1, 0)";
    let ended = sqlx::query(ended).bind(schema).execute(beside).await.unwrap();
    assert_eq!(ended.rows_affected(), 1);
}

/// Takes the lease as soon as the broken session's lock is gone.
async fn take_when_free(database: &Database) -> Lease {
    loop {
        match take(database, Doing::Migrate).await {
            Ok(lease) => return lease,
            Err(LeaseError::Held { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn a_broken_session_is_replaced_while_nobody_else_serves() {
    let Some((database, mut beside)) = postgres("lease_two").await else {
        return;
    };
    let mut lease = take(&database, serving()).await.unwrap();
    break_session(&mut beside, "lease_two").await;
    // Renaming the session is what finds out that it is broken.
    lease.announce("127.0.0.1:4000".parse().unwrap());
    let takings = "SELECT last_value FROM lease_two.lease_takings";
    while sqlx::query_scalar::<_, i64>(takings).fetch_one(&mut beside).await.unwrap() < 2 {}
    assert!(matches!(take(&database, serving()).await, Err(LeaseError::Held { .. })));
    assert!(!lease.lost().is_cancelled());
    assert!(!lease.in_doubt().load(std::sync::atomic::Ordering::Acquire), "the doubt is over");
}

#[tokio::test]
async fn a_lease_is_lost_when_somebody_else_has_it_or_had_it_in_between() {
    let Some((database, mut beside)) = postgres("lease_three").await else {
        return;
    };
    for gives_it_back in [false, true] {
        let mut lease = take(&database, serving()).await.unwrap();
        break_session(&mut beside, "lease_three").await;
        let faster = take_when_free(&database).await;
        let kept = if gives_it_back {
            faster.release().await;
            None
        } else {
            Some(faster)
        };
        lease.announce("127.0.0.1:4000".parse().unwrap());
        lease.lost().cancelled().await;
        if let Some(kept) = kept {
            assert!(!kept.lost().is_cancelled());
            kept.release().await;
        }
    }
}

#[tokio::test]
async fn a_database_that_stays_away_loses_the_lease() {
    let Some((database, mut beside)) = postgres("lease_four").await else {
        return;
    };
    let pace = Pace { regain_within: Duration::ZERO, ..STILL };
    let mut lease = Lease::take_with_pace(&database, serving(), NOW, NEVER, pace).await.unwrap();
    break_session(&mut beside, "lease_four").await;
    lease.announce("127.0.0.1:4000".parse().unwrap());
    lease.lost().cancelled().await;
}
