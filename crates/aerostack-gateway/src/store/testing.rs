//! One suite for two engines: a test is given a fresh, migrated database on SQLite, and once more on
//! PostgreSQL when `AEROSTACK_TEST_POSTGRES_URL` names a server where databases may be created.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use secrecy::SecretString;
use sqlx::{Connection, PgConnection};

use super::Store;
use crate::config::Database;

const POSTGRES_URL: &str = "AEROSTACK_TEST_POSTGRES_URL";
const TIMEOUT: Duration = Duration::from_secs(20);

/// Runs a test on every engine there is, one after the other.
pub(crate) async fn on_both_engines<F, Fut>(test: F)
where
    F: Fn(Store) -> Fut,
    Fut: Future<Output = ()>,
{
    on_both_databases(|database| {
        let test = &test;
        async move {
            let store = Store::open(&database, TIMEOUT).await.unwrap();
            store.migrate().await.unwrap();
            test(store.clone()).await;
            store.close().await;
        }
    })
    .await;
}

/// The same for tests that open the (empty) database themselves.
pub(crate) async fn on_both_databases<F, Fut>(test: F)
where
    F: Fn(Database) -> Fut,
    Fut: Future<Output = ()>,
{
    let folder = tempfile::tempdir().unwrap();
    test(Database::Sqlite(folder.path().join("test.db"))).await;
    let Ok(url) = std::env::var(POSTGRES_URL) else { return };
    let name = database_name();
    administer(&url, format!("CREATE DATABASE {name}")).await;
    let mut address: url::Url = url.parse().unwrap();
    address.set_path(&name);
    test(Database::Postgres(SecretString::from(address.to_string()))).await;
    administer(&url, format!("DROP DATABASE {name} WITH (FORCE)")).await;
}

fn database_name() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    format!("aerostack_test_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

async fn administer(url: &str, statement: String) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}
