//! Backups from and into both engines.

use std::path::Path;
use std::time::Duration;

use aerostack_core::account::{Account, AccountKind, Email, issue_key};
use aerostack_core::audit::{Action, AuditEvent, AuditKey, AuditKeys, Verifier};
use aerostack_core::id::AccountId;
use aerostack_core::plan::Plan;
use aerostack_core::slug::Slug;
use aerostack_core::time::Timestamp;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::{BackupError, Copied, write};
use crate::config::Database;
use crate::store::lease::{Doing, Lease};
use crate::store::testing::on_both_databases;
use crate::store::{Store, account, audit};

const TIMEOUT: Duration = Duration::from_secs(20);
const NOW: Timestamp = Timestamp::from_millis(1_773_746_100_000);
const EVENTS: i64 = 1_200;
const KEY: [u8; 32] = [7; 32];

async fn open(database: &Database) -> Store {
    let store = Store::open(database, TIMEOUT).await.unwrap();
    store.migrate().await.unwrap();
    store
}

/// Reads a backup into a database under its lease.
async fn read(file: &Path, database: &Database, workspace: &Path) -> Result<Copied, BackupError> {
    let lease = Lease::take(database, Doing::Restore, NOW, TIMEOUT).await.unwrap();
    let copied = super::read(file, database, workspace, TIMEOUT, &lease).await;
    lease.release().await;
    copied
}

/// An account with a key that was never used (empty columns) and a chain of more than one batch.
async fn fill(store: &Store) -> AccountId {
    let mut rng = StdRng::seed_from_u64(1);
    let owner = Account {
        id: AccountId::new(NOW, &mut rng),
        email: Email::parse("admin@co.com").unwrap(),
        email_verified: true,
        username: Slug::parse("acme").unwrap(),
        plan: Plan::Team,
        kind: AccountKind::Operator,
        revision: 3,
        created_at: NOW,
    };
    let key = issue_key(owner.id.clone(), "first 'key' — \"ключ\"", NOW, &mut rng).unwrap().key;
    let mut tx = store.write().await.unwrap();
    account::insert(&mut tx, &owner).await.unwrap();
    account::insert_key(&mut tx, &key).await.unwrap();
    for number in 0..EVENTS {
        let event = AuditEvent {
            at: NOW,
            actor: "admin@co.com".into(),
            action: Action::KeyCreated,
            object: number.to_string(),
            detail: String::new(),
        };
        audit::append(&mut tx, &AuditKey::new(KEY), "1", owner.id.as_str(), &event).await.unwrap();
    }
    tx.commit().await.unwrap();
    owner.id
}

/// Everything that [`fill`] wrote is there, and the chain holds.
async fn is_filled(store: &Store, owner: &AccountId) {
    let mut tx = store.read().await.unwrap();
    let found = account::find(&mut tx, owner).await.unwrap().unwrap();
    assert_eq!((found.username.as_str(), found.revision), ("acme", 3));
    let keys = account::live_keys(&mut tx, owner).await.unwrap();
    assert_eq!(
        (keys.len(), keys[0].name.as_str(), keys[0].last_used_at),
        (1, "first 'key' — \"ключ\"", None)
    );
    let (keys, chain) = (AuditKeys::of("1", AuditKey::new(KEY)), owner.as_str());
    let mut verifier = Verifier::new(&keys, chain);
    for row in audit::walk(&mut tx, chain, 0, EVENTS + 1).await.unwrap() {
        verifier.check(&row).unwrap();
    }
    assert_eq!(verifier.result().0, EVENTS);
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_backup_of_either_engine_is_restored_into_either() {
    on_both_databases(|from| async move {
        let (store, folder) = (open(&from).await, tempfile::tempdir().unwrap());
        let owner = fill(&store).await;
        let file = folder.path().join("backup.db");
        // Beside an open database: a backup is hot.
        let written = write(&from, &file, TIMEOUT).await.unwrap();
        assert_eq!(written.rows, EVENTS + 2);
        assert_eq!(names(folder.path()), ["backup.db"]);
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::PermissionsExt::mode(&file.metadata().unwrap().permissions());
            assert_eq!(mode & 0o777, 0o600);
        }
        let (file, owner) = (&file, &owner);
        on_both_databases(|to| async move {
            let workspace = tempfile::tempdir().unwrap();
            let copied = read(file, &to, workspace.path()).await.unwrap();
            assert_eq!(copied, Copied { tables: written.tables, rows: EVENTS + 2 });
            assert_eq!(names(workspace.path()), Vec::<String>::new());
            let restored = open(&to).await;
            is_filled(&restored, owner).await;
            let again = read(file, &to, workspace.path()).await.unwrap_err();
            assert!(matches!(again, BackupError::NotEmpty { .. }), "{again}");
            is_filled(&restored, owner).await;
            restored.close().await;
        })
        .await;
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_backup_never_overwrites_a_file_and_leaves_none_when_it_fails() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::Sqlite(folder.path().join("aerostack.db"));
    open(&database).await.close().await;
    let file = folder.path().join("notes.txt");
    std::fs::write(&file, "mine").unwrap();
    let refused = write(&database, &file, TIMEOUT).await.unwrap_err();
    assert!(matches!(refused, BackupError::FileExists(_)), "{refused}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");

    let missing = Database::Sqlite(folder.path().join("none.db"));
    assert!(write(&missing, &folder.path().join("backup.db"), TIMEOUT).await.is_err());
    assert_eq!(names(folder.path()), ["aerostack.db", "notes.txt"]);
}

#[tokio::test]
async fn only_a_whole_backup_is_restored() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("from.db"), Database::Sqlite(folder.path().join("to.db")));
    let store = open(&Database::Sqlite(from.clone())).await;
    fill(&store).await;
    let file = folder.path().join("backup.db");
    write(&Database::Sqlite(from), &file, TIMEOUT).await.unwrap();
    let whole = std::fs::read(&file).unwrap();
    let empty = foreign_database(folder.path()).await;
    for bytes in [b"not a database".to_vec(), whole[..whole.len() / 2].to_vec(), Vec::new(), empty] {
        std::fs::write(&file, bytes).unwrap();
        let refused = read(&file, &to, folder.path()).await.unwrap_err();
        assert!(matches!(refused, BackupError::NotABackup { .. }), "{refused:?}");
    }
    std::fs::write(&file, whole).unwrap();
    read(&file, &to, folder.path()).await.unwrap();
}

/// A good SQLite file of somebody else.
async fn foreign_database(folder: &Path) -> Vec<u8> {
    use sqlx::{ConnectOptions, Connection};
    let path = folder.join("other.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let mut connection = options.connect().await.unwrap();
    sqlx::query("CREATE TABLE notes (id TEXT)").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    std::fs::read(path).unwrap()
}
