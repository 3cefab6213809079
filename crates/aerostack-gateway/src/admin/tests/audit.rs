//! The audit log as it is shown and verified.

use aerostack_core::api::audit::AuditQuery;
use aerostack_core::api::error::ErrorCode;
use aerostack_core::api::operation::endpoint;
use aerostack_core::api::page::Empty;
use aerostack_core::audit::Action;

use super::person::in_a_hall;
use crate::store::sql::execute;

#[tokio::test]
async fn every_change_is_one_event_of_its_actor() {
    in_a_hall(|hall| async move {
        let (acme, operator) = (hall.person("acme").await, hall.operator("ops").await);
        acme.creates_workspace("team").await;
        operator.creates_token("team", "Alice").await.unwrap();
        let mut query = AuditQuery { limit: Some(1), ..AuditQuery::default() };
        let newest = acme.calls::<endpoint::ListAudit>(&["team"], &query).await.unwrap();
        let event = &newest.items[0];
        assert_eq!((event.sequence, event.action, event.object.as_str()), (2, Action::TokenCreated, "Alice"));
        assert_eq!(event.actor, "ops@co.com");
        query.cursor = newest.next_cursor;
        let oldest = acme.calls::<endpoint::ListAudit>(&["team"], &query).await.unwrap();
        assert_eq!((oldest.items[0].action, oldest.next_cursor), (Action::WorkspaceCreated, None));
        let nul = AuditQuery { actor: Some("a\u{0}".to_owned()), ..AuditQuery::default() };
        assert!(acme.calls::<endpoint::ListAudit>(&["team"], &nul).await.unwrap().items.is_empty());
        let foreign = AuditQuery { cursor: Some("eA".to_owned()), ..AuditQuery::default() };
        let (code, ..) = acme.is_refused::<endpoint::ListAudit>(&["team"], &foreign).await;
        assert_eq!(code, ErrorCode::InvalidRequest);
    })
    .await;
}

#[tokio::test]
async fn a_tampered_row_is_named() {
    in_a_hall(|hall| async move {
        let acme = hall.person("acme").await;
        acme.creates_workspace("team").await;
        acme.creates_token("team", "Alice").await.unwrap();
        let whole = acme.calls::<endpoint::VerifyAudit>(&["team"], &Empty {}).await.unwrap();
        assert_eq!((whole.ok, whole.count, whole.broken_at, whole.head.len()), (true, 2, None, 64));
        let mut tx = hall.app.store.write().await.unwrap();
        execute!(&mut tx, "UPDATE audit SET actor = $1 WHERE sequence = 2", "mallory@co.com").unwrap();
        tx.commit().await.unwrap();
        let broken = acme.calls::<endpoint::VerifyAudit>(&["team"], &Empty {}).await.unwrap();
        assert_eq!((broken.ok, broken.count, broken.broken_at), (false, 1, Some(2)));
    })
    .await;
}
