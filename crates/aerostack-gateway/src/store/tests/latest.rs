//! The latest moment that a database remembers.

use std::time::Duration;

use aerostack_core::audit::{Action, AuditEvent, AuditKey};

use crate::store::testing::on_both_engines;
use crate::store::testing::sample::{NOW, acme, token};
use crate::store::{self, Tx};

const MINUTE: Duration = Duration::from_secs(60);

async fn happens(tx: &mut Tx, chain: &str, minutes: u32) {
    let event = AuditEvent {
        at: NOW.plus(MINUTE * minutes),
        actor: "a@co.com".to_owned(),
        action: Action::TokenRevoked,
        object: "Alice".to_owned(),
        detail: String::new(),
    };
    store::audit::append(tx, &AuditKey::new([7; 32]), "1", chain, &event).await.unwrap();
}

#[tokio::test]
async fn a_database_remembers_the_last_deed_and_the_last_use() {
    on_both_engines(|store| async move {
        let mut tx = store.read().await.unwrap();
        assert_eq!(store::latest::moment(&mut tx).await.unwrap(), None);
        drop(tx);
        let (owner, engineering) = acme(&store).await;
        let mut tx = store.write().await.unwrap();
        let latest = async |tx: &mut Tx| store::latest::moment(tx).await.unwrap().map(|at| at.since(NOW));
        happens(&mut tx, engineering.id.as_str(), 3).await;
        happens(&mut tx, owner.id.as_str(), 2).await;
        assert_eq!(latest(&mut tx).await, Some(MINUTE * 3));
        happens(&mut tx, owner.id.as_str(), 4).await;
        assert_eq!(latest(&mut tx).await, Some(MINUTE * 4));
        store::workspace::mark_deleted(&mut tx, &engineering.id, NOW).await.unwrap();
        happens(&mut tx, engineering.id.as_str(), 5).await;
        assert_eq!(latest(&mut tx).await, Some(MINUTE * 5), "a deleted workspace is remembered too");
        let alice = token(&engineering, "Alice");
        store::token::insert(&mut tx, &alice).await.unwrap();
        store::token::touch(&mut tx, &[(alice.id, NOW.plus(MINUTE * 6))]).await.unwrap();
        assert_eq!(latest(&mut tx).await, Some(MINUTE * 6));
    })
    .await;
}
