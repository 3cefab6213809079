//! Catalogues, installs and their tool lists.

use aerostack_core::id::InstallId;
use aerostack_core::server::SessionMode;
use url::Url;

use crate::store::install::{ListStatus, OfferList};
use crate::store::testing::on_both_engines;
use crate::store::testing::sample::{NOW, acme, install, server, slug, workspace};
use crate::store::{self, StoreError, Tx};

#[tokio::test]
async fn a_catalogue_reads_back_changes_and_pages() {
    on_both_engines(|store| async move {
        let (owner, engineering) = acme(&store).await;
        let mut tx = store.write().await.unwrap();
        for text in ["cc", "aa", "bb"] {
            store::server::insert(&mut tx, &server(&owner.id, text)).await.unwrap();
        }
        let mut changed =
            store::server::find_by_slug(&mut tx, &owner.id, &slug("aa")).await.unwrap().unwrap();
        changed.url = Url::parse("http://127.0.0.1:1/x").unwrap();
        changed.session = SessionMode::PerCaller;
        changed.timeout = None;
        store::server::update(&mut tx, &changed).await.unwrap();
        let found = store::server::find_by_slug(&mut tx, &owner.id, &slug("aa")).await.unwrap();
        assert_eq!(found.as_ref(), Some(&changed));
        let placed = install(&engineering.id, &changed, "aa", NOW);
        store::install::insert(&mut tx, &placed).await.unwrap();
        let page = store::server::list_of_owner(&mut tx, &owner.id, None, 2).await.unwrap();
        assert_eq!(page.iter().map(|found| found.slug.as_str()).collect::<Vec<_>>(), ["aa", "bb"]);
        let places = store::server::installed_in(&mut tx, &owner.id, &slug("aa"), &slug("bb")).await.unwrap();
        assert_eq!(places.get(&changed.id), Some(&vec![slug("engineering")]));
        assert_eq!(places.len(), 1);
        let with = store::install::workspaces_with(&mut tx, &changed.id).await.unwrap();
        assert_eq!(with, [(engineering.id.clone(), engineering.slug.clone())]);
        store::install::delete(&mut tx, &placed.id).await.unwrap();
        store::server::delete(&mut tx, &changed.id).await.unwrap();
        assert_eq!(store::server::count_of_owner(&mut tx, &owner.id).await.unwrap(), 2);
        assert_eq!(
            store::server::slugs_of_owner(&mut tx, &owner.id).await.unwrap(),
            [slug("bb"), slug("cc")]
        );
    })
    .await;
}

#[tokio::test]
async fn equal_slugs_conflict_in_one_catalogue_and_in_one_workspace_only() {
    on_both_engines(|store| async move {
        let (owner, engineering) = acme(&store).await;
        let github = server(&owner.id, "github");
        let mut tx = store.write().await.unwrap();
        store::server::insert(&mut tx, &github).await.unwrap();
        store::install::insert(&mut tx, &install(&engineering.id, &github, "github", NOW)).await.unwrap();
        let other = workspace(&owner.id, "other");
        store::workspace::insert(&mut tx, &other).await.unwrap();
        store::install::insert(&mut tx, &install(&other.id, &github, "github", NOW)).await.unwrap();
        tx.commit().await.unwrap();

        let mut tx = store.write().await.unwrap();
        let twice = store::server::insert(&mut tx, &server(&owner.id, "github")).await;
        assert!(matches!(twice, Err(StoreError::Conflict)), "{twice:?}");
        drop(tx);
        let mut tx = store.write().await.unwrap();
        let twice = store::install::insert(&mut tx, &install(&engineering.id, &github, "github", NOW)).await;
        assert!(matches!(twice, Err(StoreError::Conflict)), "{twice:?}");
    })
    .await;
}

#[tokio::test]
async fn the_last_good_list_outlives_failures() {
    on_both_engines(|store| async move {
        let (owner, engineering) = acme(&store).await;
        let github = server(&owner.id, "github");
        let mut placed = install(&engineering.id, &github, "github", NOW);
        let mut tx = store.write().await.unwrap();
        store::server::insert(&mut tx, &github).await.unwrap();
        store::install::insert(&mut tx, &placed).await.unwrap();
        let workspace = &engineering.id;
        let read = async |tx: &mut Tx| {
            let installed = store::install::of_workspace(tx, workspace).await.unwrap().remove(0);
            let mut documents = store::install::documents(tx, workspace, None).await.unwrap();
            (installed, documents.pop().map(|(install, document)| (install, document.read().unwrap())))
        };
        store::install::save_failure(&mut tx, &placed.id, "time\u{0}out", NOW).await.unwrap();
        let failed = |error: &str| (Some(error.to_owned()), Some(NOW));
        let (installed, list) = read(&mut tx).await;
        let ListStatus { listed_at, last_error, failed_at } = installed.status;
        assert_eq!((listed_at, (last_error, failed_at)), (None, failed("time\u{fffd}out")));
        assert_eq!(list, None);

        let tools = vec![r#"{"name" : "a\u0000\ud800", "n": 1e2}"#.to_owned()];
        let list = OfferList { tools, instructions: Some("be\nkind".to_owned()), ..OfferList::default() };
        let expected = Some((placed.id.clone(), list.clone()));
        let save = store::install::save_list;
        save(&mut tx, &placed.id, &list.to_document(), Some("1 tool is left out"), NOW).await.unwrap();
        let (installed, found) = read(&mut tx).await;
        let note = Some("1 tool is left out".to_owned());
        assert_eq!(installed.status, ListStatus { listed_at: Some(NOW), last_error: note, failed_at: None });
        assert_eq!(found, expected);
        let other = InstallId::new(NOW, &mut rand::rng());
        assert_eq!(store::install::documents(&mut tx, workspace, Some(&other)).await.unwrap(), []);

        store::install::save_failure(&mut tx, &placed.id, "gone", NOW).await.unwrap();
        placed.enabled = false;
        placed.disabled_tools = vec!["a\u{0}b".to_owned()];
        store::install::update_switches(&mut tx, &placed).await.unwrap();
        let (installed, found) = read(&mut tx).await;
        assert_eq!(installed.install, placed);
        assert_eq!((installed.status.last_error, installed.status.failed_at), failed("gone"));
        assert_eq!(found, expected);
        let summary = store::install::find_by_slug(&mut tx, workspace, &placed.slug).await.unwrap().unwrap();
        assert_eq!((summary.status.listed_at, summary.status.failed_at), (Some(NOW), Some(NOW)));
    })
    .await;
}

#[tokio::test]
async fn a_list_of_a_removed_install_is_dropped() {
    on_both_engines(|store| async move {
        let mut tx = store.write().await.unwrap();
        let gone = InstallId::new(NOW, &mut rand::rng());
        store::install::save_list(&mut tx, &gone, &OfferList::default().to_document(), None, NOW)
            .await
            .unwrap();
        store::install::save_failure(&mut tx, &gone, "gone", NOW).await.unwrap();
    })
    .await;
}
