//! A disk that takes no more, and then does again.

use crate::config::Database;
use crate::store::testing::TIMEOUT;
use crate::store::usage::UsageStore;
use crate::store::{Store, StoreError, Tx};

/// Larger than the room that is left.
const MUCH_BYTES: usize = 1_024 * 1_024;

/// Leaves the writer no room beyond what the file has, and writes until it is told so.
async fn fills_up(tx: Result<Tx, StoreError>) {
    let Ok(Tx::Sqlite(mut tx)) = tx else { panic!("it begins, on SQLite") };
    sqlx::query("CREATE TABLE heap (much BLOB NOT NULL)").execute(&mut *tx).await.unwrap();
    sqlx::query("PRAGMA max_page_count = 1").execute(&mut *tx).await.unwrap();
    let much = sqlx::query("INSERT INTO heap (much) VALUES ($1)").bind(vec![0u8; MUCH_BYTES]);
    let told = much.execute(&mut *tx).await.unwrap_err();
    assert!(told.to_string().contains("full"), "{told}");
}

#[tokio::test]
async fn after_a_full_disk_the_next_transaction_begins_anew() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::Sqlite(folder.path().join("test.db"));
    let store = Store::open(&database, TIMEOUT).await.unwrap();
    store.migrate().await.unwrap();
    fills_up(store.write().await).await;
    store.write().await.unwrap().commit().await.unwrap();

    let usage = UsageStore::new(&database, TIMEOUT).unwrap();
    usage.migrate().await.unwrap();
    fills_up(usage.write().await).await;
    usage.write().await.unwrap().commit().await.unwrap();
}
