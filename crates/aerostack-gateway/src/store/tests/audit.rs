//! The audit log: numbered, sealed, filtered, verified.

use std::time::Duration;

use aerostack_core::audit::{Action, AuditEvent, AuditKey, AuditKeys, Verifier};
use aerostack_core::time::Timestamp;

use crate::store::audit::AuditFilter;
use crate::store::testing::on_both_engines;
use crate::store::testing::sample::NOW;
use crate::store::{self, Tx, sql::execute};

fn event(seconds: u64, actor: &str, action: Action, object: &str) -> AuditEvent {
    let at = NOW.plus(Duration::from_secs(seconds));
    AuditEvent { at, actor: actor.to_owned(), action, object: object.to_owned(), detail: String::new() }
}

fn events() -> Vec<AuditEvent> {
    vec![
        event(0, "a@co.com", Action::WorkspaceCreated, "engineering"),
        event(1, "a@co.com", Action::TokenCreated, "Alice\u{0}"),
        event(2, "b@co.com", Action::TokenCreated, "李雷"),
        event(3, "b@co.com", Action::TokenRevoked, "Alice"),
    ]
}

async fn append_all(tx: &mut Tx, key: &AuditKey) {
    for event in events() {
        store::audit::append(tx, key, "1", "ws_1", &event).await.unwrap();
    }
}

async fn objects(tx: &mut Tx, filter: AuditFilter<'_>) -> Vec<String> {
    let page = store::audit::page(tx, "ws_1", &filter, 10).await.unwrap();
    page.into_iter().map(|(_, event)| event.object).collect()
}

async fn verify(tx: &mut Tx, key: &AuditKey) -> Result<i64, i64> {
    let keys = AuditKeys::of("1", key.clone());
    let mut verifier = Verifier::new(&keys, "ws_1");
    for row in store::audit::walk(tx, "ws_1", 0, 100).await.unwrap() {
        verifier.check(&row).map_err(|broken| broken.sequence)?;
    }
    Ok(verifier.result().0)
}

#[tokio::test]
async fn events_are_listed_newest_first_and_filtered() {
    on_both_engines(|store| async move {
        let key = AuditKey::new([7; 32]);
        let mut tx = store.write().await.unwrap();
        append_all(&mut tx, &key).await;
        let all = objects(&mut tx, AuditFilter::default()).await;
        assert_eq!(all, ["Alice", "李雷", "Alice\u{fffd}", "engineering"]);
        let at = |seconds| Some(NOW.plus(Duration::from_secs(seconds)));
        let filtered = AuditFilter { since: at(1), until: at(3), ..AuditFilter::default() };
        assert_eq!(objects(&mut tx, filtered).await, ["李雷", "Alice\u{fffd}"]);
        let filtered = AuditFilter {
            actor: Some("b@co.com"),
            action: Some(Action::TokenCreated),
            ..AuditFilter::default()
        };
        assert_eq!(objects(&mut tx, filtered).await, ["李雷"]);
        assert_eq!(
            objects(&mut tx, AuditFilter { before: Some(2), ..AuditFilter::default() }).await,
            ["engineering"]
        );
        let (sequence, newest) =
            store::audit::page(&mut tx, "ws_1", &AuditFilter::default(), 1).await.unwrap().remove(0);
        assert_eq!((sequence, newest), (4, events().remove(3)));
        assert!(store::audit::page(&mut tx, "ws_2", &AuditFilter::default(), 1).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_chain_holds_and_a_changed_row_shows() {
    on_both_engines(|store| async move {
        let key = AuditKey::new([7; 32]);
        let mut tx = store.write().await.unwrap();
        append_all(&mut tx, &key).await;
        assert_eq!(verify(&mut tx, &key).await, Ok(4));
        assert_eq!(store::audit::walk(&mut tx, "ws_1", 3, 100).await.unwrap().len(), 1);
        execute!(&mut tx, "UPDATE audit SET object = $1 WHERE sequence = 3", "Mallory").unwrap();
        assert_eq!(verify(&mut tx, &key).await, Err(3));
        execute!(&mut tx, "UPDATE audit SET action = $1 WHERE sequence = 2", "nothing").unwrap();
        assert_eq!(verify(&mut tx, &key).await, Err(2));
    })
    .await;
}

#[tokio::test]
async fn chains_are_numbered_apart() {
    on_both_engines(|store| async move {
        let key = AuditKey::new([7; 32]);
        let mut tx = store.write().await.unwrap();
        append_all(&mut tx, &key).await;
        let later = AuditEvent { at: Timestamp::from_millis(0), ..events().remove(0) };
        store::audit::append(&mut tx, &key, "1", "acc_1", &later).await.unwrap();
        let page = store::audit::page(&mut tx, "acc_1", &AuditFilter::default(), 10).await.unwrap();
        assert_eq!(page, [(1, later)]);
    })
    .await;
}
