//! Accounts and their keys.

use std::time::Duration;

use aerostack_core::account::{AccountKind, issue_key};
use aerostack_core::plan::Plan;

use crate::store::testing::on_both_engines;
use crate::store::testing::sample::{NOW, account, slug};
use crate::store::{self, StoreError};

#[tokio::test]
async fn an_account_is_found_by_id_username_and_address() {
    on_both_engines(|store| async move {
        let acme = account("acme", AccountKind::Operator);
        let mut tx = store.write().await.unwrap();
        assert_eq!(store::account::count(&mut tx).await.unwrap(), 0);
        store::account::insert(&mut tx, &acme).await.unwrap();
        assert_eq!(store::account::count(&mut tx).await.unwrap(), 1);
        assert_eq!(store::account::find(&mut tx, &acme.id).await.unwrap(), Some(acme.clone()));
        assert_eq!(
            store::account::find_by_username(&mut tx, &acme.username).await.unwrap(),
            Some(acme.clone())
        );
        assert_eq!(store::account::find_by_email(&mut tx, &acme.email).await.unwrap(), Some(acme.clone()));
        assert_eq!(store::account::find_by_username(&mut tx, &slug("other")).await.unwrap(), None);
        store::account::set_plan(&mut tx, &acme.id, Plan::Enterprise).await.unwrap();
        let locked = store::account::lock(&mut tx, &acme.id).await.unwrap().unwrap();
        assert_eq!((locked.revision, locked.plan), (2, Plan::Enterprise));
    })
    .await;
}

#[tokio::test]
async fn a_taken_username_is_a_conflict() {
    on_both_engines(|store| async move {
        let mut tx = store.write().await.unwrap();
        store::account::insert(&mut tx, &account("acme", AccountKind::Person)).await.unwrap();
        let refused = store::account::insert(&mut tx, &account("acme", AccountKind::Person)).await;
        assert!(matches!(refused, Err(StoreError::Conflict)), "{refused:?}");
    })
    .await;
}

#[tokio::test]
async fn a_revoked_key_signs_nobody_in() {
    on_both_engines(|store| async move {
        let acme = account("acme", AccountKind::Person);
        let key = issue_key(acme.id.clone(), "ci", NOW, &mut rand::rng()).unwrap().key;
        let mut tx = store.write().await.unwrap();
        store::account::insert(&mut tx, &acme).await.unwrap();
        store::account::insert_key(&mut tx, &key).await.unwrap();
        let (found, owner) = store::account::find_key_by_digest(&mut tx, &key.digest).await.unwrap().unwrap();
        assert_eq!((found.id.clone(), owner), (key.id.clone(), acme.clone()));
        store::account::revoke_key(&mut tx, &key.id, NOW).await.unwrap();
        store::account::revoke_key(&mut tx, &key.id, NOW.plus(Duration::from_secs(5))).await.unwrap();
        assert!(store::account::find_key_by_digest(&mut tx, &key.digest).await.unwrap().is_none());
        assert!(store::account::live_keys(&mut tx, &acme.id).await.unwrap().is_empty());
        let listed = store::account::list_keys(&mut tx, &acme.id, None, 10).await.unwrap();
        assert_eq!(listed[0].revoked_at, Some(NOW));
        assert!(
            store::account::list_keys(&mut tx, &acme.id, Some(key.id.as_str()), 10).await.unwrap().is_empty()
        );
    })
    .await;
}

#[tokio::test]
async fn last_use_of_a_key_never_goes_backwards() {
    on_both_engines(|store| async move {
        let acme = account("acme", AccountKind::Person);
        let key = issue_key(acme.id.clone(), "ci", NOW, &mut rand::rng()).unwrap().key;
        let mut tx = store.write().await.unwrap();
        store::account::insert(&mut tx, &acme).await.unwrap();
        store::account::insert_key(&mut tx, &key).await.unwrap();
        let later = NOW.plus(Duration::from_secs(60));
        store::account::touch_key(&mut tx, &key.id, later).await.unwrap();
        store::account::touch_key(&mut tx, &key.id, NOW).await.unwrap();
        let found = store::account::find_key_by_id(&mut tx, &acme.id, &key.id).await.unwrap().unwrap();
        assert_eq!(found.last_used_at, Some(later));
    })
    .await;
}
