//! Migrations: applied once, equal on both engines, refused backwards.

use std::time::Duration;

use crate::store::testing::on_both_databases;
use crate::store::usage::UsageStore;
use crate::store::{Store, StoreError, Tx, sql::execute};

const TIMEOUT: Duration = Duration::from_secs(20);

#[tokio::test]
async fn migrations_are_applied_once() {
    on_both_databases(|database| async move {
        let store = Store::open(&database, TIMEOUT).await.unwrap();
        assert!(!store.schema_is_current().await.unwrap());
        assert!(store.migrate().await.unwrap() > 0);
        assert_eq!(store.migrate().await.unwrap(), 0);
        assert!(store.schema_is_current().await.unwrap());
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn postgres_tells_no_news_of_what_exists_already() {
    #[derive(sqlx::FromRow)]
    struct Setting {
        level: String,
    }
    on_both_databases(|database| async move {
        let store = Store::open(&database, TIMEOUT).await.unwrap();
        let calls = UsageStore::new(&database, TIMEOUT).unwrap();
        calls.migrate().await.unwrap();
        for tx in [store.read().await.unwrap(), calls.read().await.unwrap()] {
            if let Tx::Postgres(mut tx) = tx {
                let sql = "SELECT current_setting('client_min_messages') AS level";
                let setting: Setting = sqlx::query_as(sql).fetch_one(&mut *tx).await.unwrap();
                assert_eq!(setting.level, "warning");
            }
        }
        calls.close().await;
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_database_newer_than_the_program_is_left_alone() {
    on_both_databases(|database| async move {
        let store = Store::open(&database, TIMEOUT).await.unwrap();
        store.migrate().await.unwrap();
        let mut tx = store.write().await.unwrap();
        let applied = execute_newer(&mut tx).await;
        tx.commit().await.unwrap();
        assert_eq!(applied, 1);
        for refused in [store.migrate().await.map(drop), store.schema_is_current().await.map(drop)] {
            assert!(matches!(refused, Err(StoreError::SchemaIsNewer { version: 9999 })), "{refused:?}");
        }
        store.close().await;
    })
    .await;
}

async fn execute_newer(tx: &mut Tx) -> u64 {
    execute!(
        tx,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'future', true, $1, 1)",
        &[0u8; 4][..],
    )
    .unwrap()
}

#[test]
fn both_engines_have_the_same_migrations_in_their_own_words() {
    let folder = |engine: &str| format!("{}/migrations/{engine}", env!("CARGO_MANIFEST_DIR"));
    let names = |engine: &str| {
        let entries = std::fs::read_dir(folder(engine)).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(names("sqlite"), names("postgres"));
    for name in names("sqlite") {
        let read = |engine| std::fs::read_to_string(format!("{}/{name}", folder(engine))).unwrap();
        let translated = read("postgres").replace("TEXT COLLATE \"C\"", "TEXT").replace("BYTEA", "BLOB");
        assert_eq!(translated, read("sqlite"), "{name}");
    }
}
