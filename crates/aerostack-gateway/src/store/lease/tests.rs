//! Leases on both engines. PostgreSQL is asked only where `AEROSTACK_TEST_POSTGRES_URL` names one.

use std::str::FromStr;
use std::time::Duration;

use aerostack_core::time::Timestamp;
use sqlx::{ConnectOptions, PgConnection};

use super::session::Pace;
use super::{Doing, Lease, LeaseError};
use crate::config::Database;
use crate::store::{Store, StoreError};

const NOW: Timestamp = Timestamp::from_millis(1_773_746_100_000);
/// A wait that only a broken test reaches.
const NEVER: Duration = Duration::from_secs(600);
/// Nothing is looked at by itself.
const STILL: Pace = Pace { ping_every: NEVER, valid_for: NEVER, answer_within: NEVER, regain_within: NEVER };
/// A term that whoever comes next does not wait for.
const SHORT: Pace = Pace { valid_for: Duration::from_millis(200), ..STILL };

fn serving() -> Doing {
    Doing::Serve("127.0.0.1:8787".parse().unwrap())
}

async fn take(database: &Database, doing: Doing) -> Result<Lease, LeaseError> {
    Lease::take_with_pace(database, doing, NOW, NEVER, STILL).await
}

/// A schema of its own in the test server, and a session beside it.
async fn postgres(schema: &str) -> Option<(Database, PgConnection)> {
    postgres_with(schema, schema).await
}

/// The same with another search path, which begins with the schema.
async fn postgres_with(schema: &str, search_path: &str) -> Option<(Database, PgConnection)> {
    let url = std::env::var("AEROSTACK_TEST_POSTGRES_URL").ok()?;
    let mut beside = sqlx::postgres::PgConnectOptions::from_str(&url).unwrap().connect().await.unwrap();
    for text in [format!("DROP SCHEMA IF EXISTS {schema} CASCADE"), format!("CREATE SCHEMA {schema}")] {
        sqlx::query(sqlx::AssertSqlSafe(text)).execute(&mut beside).await.unwrap();
    }
    let separator = if url.contains('?') { '&' } else { '?' };
    let url = format!("{url}{separator}options=-c%20search_path%3D{search_path}");
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
    restoring.release().await;
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
async fn take_when_free(database: &Database, pace: Pace) -> Lease {
    loop {
        match Lease::take_with_pace(database, Doing::Migrate, NOW, NEVER, pace).await {
            Ok(lease) => return lease,
            Err(LeaseError::Held { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

/// Renaming the session is what finds out at once that it is broken.
fn finds_out(lease: &mut Lease) {
    lease.announce("127.0.0.1:4000".parse().unwrap());
}

#[tokio::test]
async fn a_broken_session_is_replaced_while_nobody_else_serves() {
    let Some((database, mut beside)) = postgres("lease_two").await else {
        return;
    };
    let mut lease = take(&database, serving()).await.unwrap();
    let store = Store::open(&database, NEVER).await.unwrap().under(lease.term());
    let broken = session(&mut beside, "lease_two").await;
    break_session(&mut beside, "lease_two").await;
    finds_out(&mut lease);
    loop {
        let present = session(&mut beside, "lease_two").await;
        if present.is_some() && present != broken {
            break;
        }
    }
    assert!(matches!(take(&database, serving()).await, Err(LeaseError::Held { .. })));
    while !lease.term().holds() {
        tokio::task::yield_now().await;
    }
    store.write().await.unwrap().commit().await.unwrap();
    assert!(!lease.lost().is_cancelled());
}

/// PostgreSQL's process for the session that holds the lease.
async fn session(beside: &mut PgConnection, schema: &str) -> Option<i32> {
    let holds = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted
        AND (classid::bigint << 32) | objid::bigint = hashtextextended('aerostack lease ' || $1, 0)";
    sqlx::query_scalar(holds).bind(schema).fetch_optional(beside).await.unwrap()
}

#[tokio::test]
async fn a_lease_is_lost_when_somebody_else_has_it_or_had_it_in_between() {
    let Some((database, mut beside)) = postgres("lease_three").await else {
        return;
    };
    for gives_it_back in [false, true] {
        let mut lease = take(&database, serving()).await.unwrap();
        break_session(&mut beside, "lease_three").await;
        let faster = take_when_free(&database, SHORT).await;
        let kept = if gives_it_back {
            faster.release().await;
            None
        } else {
            Some(faster)
        };
        finds_out(&mut lease);
        lease.lost().cancelled().await;
        assert!(!lease.term().holds());
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
    finds_out(&mut lease);
    lease.lost().cancelled().await;
}

#[tokio::test]
async fn no_commit_of_an_older_holder_lands_once_the_next_one_has_begun() {
    let Some((database, mut beside)) = postgres("lease_five").await else {
        return;
    };
    // It never looks by itself whether its session lives.
    let older = take(&database, serving()).await.unwrap();
    let store = Store::open(&database, NEVER).await.unwrap().under(older.term());
    let under_way = store.write().await.unwrap();
    break_session(&mut beside, "lease_five").await;
    // Though it left a transaction open, which nobody may ever end.
    let newer = take_when_free(&database, SHORT).await;
    assert!(under_way.commit().await.is_err());
    assert!(older.term().holds() && !older.lost().is_cancelled(), "it has not noticed yet");
    for _ in 0..2 {
        let refused = store.write().await.err();
        assert!(matches!(refused, Some(StoreError::LeaseLost)), "{refused:?}");
    }
    assert!(older.lost().is_cancelled() && !older.term().holds());
    let store = Store::open(&database, NEVER).await.unwrap().under(newer.term());
    store.write().await.unwrap().commit().await.unwrap();
    store.write_alone().await.unwrap().commit().await.unwrap();
}

#[tokio::test]
async fn a_holder_that_did_not_give_the_lease_back_is_waited_out() {
    let Some((database, mut beside)) = postgres("lease_six").await else {
        return;
    };
    let older = Lease::take_with_pace(&database, serving(), NOW, NEVER, SHORT).await.unwrap();
    break_session(&mut beside, "lease_six").await;
    let newer = take_when_free(&database, SHORT).await;
    assert!(!older.term().holds() && !older.lost().is_cancelled(), "it accepts nothing, noticed or not");
    // Given back, there is nothing to wait for.
    newer.release().await;
    let third = take(&database, serving()).await.unwrap();
    assert!(third.term().holds());
    // Dropped is not given back.
    drop(third);
    let waiting = tokio::spawn(async move { take_when_free(&database, STILL).await });
    let entered = "SELECT number FROM lease_six.lease";
    while sqlx::query_scalar::<_, i64>(entered).fetch_one(&mut beside).await.unwrap() < 4 {}
    assert!(!waiting.is_finished());
    waiting.abort();
}

#[tokio::test]
async fn whoever_writes_alone_waits_for_everybody_and_keeps_them_waiting() {
    let Some((database, mut beside)) = postgres("lease_seven").await else {
        return;
    };
    let lease = take(&database, serving()).await.unwrap();
    let store = Store::open(&database, NEVER).await.unwrap().under(lease.term());
    let (first, second) = (store.write().await.unwrap(), store.write().await.unwrap());
    let alone = tokio::spawn({
        let store = store.clone();
        async move { store.write_alone().await.unwrap() }
    });
    let waits = "SELECT COUNT(*) FROM pg_locks WHERE NOT granted";
    while sqlx::query_scalar::<_, i64>(waits).fetch_one(&mut beside).await.unwrap() == 0 {}
    first.commit().await.unwrap();
    drop(second);
    let alone = alone.await.unwrap();
    let other = tokio::spawn(async move { store.write().await.unwrap().commit().await });
    while sqlx::query_scalar::<_, i64>(waits).fetch_one(&mut beside).await.unwrap() == 0 {}
    alone.commit().await.unwrap();
    other.await.unwrap().unwrap();
}

#[tokio::test]
async fn two_installations_in_one_database_have_a_lease_each() {
    let Some((database, _)) = postgres("lease_eight").await else {
        return;
    };
    let (other, _) = postgres_with("lease_nine", "lease_nine,lease_eight").await.unwrap();
    let lease = take(&database, serving()).await.unwrap();
    let store = Store::open(&database, NEVER).await.unwrap().under(lease.term());
    store.migrate().await.unwrap();
    let beside = take(&other, serving()).await.unwrap();
    let second = Store::open(&other, NEVER).await.unwrap().under(beside.term());
    assert!(!second.schema_is_current().await.unwrap());
    store.write().await.unwrap().commit().await.unwrap();
    second.write().await.unwrap().commit().await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn a_database_that_is_linked_elsewhere_has_one_lease() {
    let folder = tempfile::tempdir().unwrap();
    let (path, link) = (folder.path().join("aerostack.db"), folder.path().join("other.db"));
    std::fs::write(&path, "").unwrap();
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let _lease = take(&Database::Sqlite(path), serving()).await.unwrap();
    let refused = take(&Database::Sqlite(link), serving()).await;
    assert!(matches!(refused, Err(LeaseError::Held { .. })), "{refused:?}");
}
