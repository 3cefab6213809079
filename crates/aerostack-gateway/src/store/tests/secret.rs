//! Secrets and former keys as rows.

use aerostack_core::id::InstallId;
use aerostack_core::secret::{SealedSecret, SecretName, SecretPlace};
use aerostack_core::time::Timestamp;

use crate::store;
use crate::store::testing::on_both_engines;
use crate::store::testing::sample::{self, NOW};
use crate::vault::FormerKey;

#[tokio::test]
async fn a_secret_is_put_over_the_one_of_its_name_and_goes_with_its_install_or_workspace() {
    on_both_engines(|store| async move {
        let (owner, workspace) = sample::acme(&store).await;
        let server = sample::server(&owner.id, "github");
        let install = sample::install(&workspace.id, &server, "github", NOW);
        let secret = |install: &InstallId, name: &str, byte: u8| SealedSecret {
            place: SecretPlace {
                workspace: workspace.id.clone(),
                install: install.clone(),
                address: server.url.to_string(),
                name: SecretName::normalise(name).unwrap(),
            },
            key_id: "first".to_owned(),
            sealed: vec![byte; 40],
            revision: i64::from(byte),
            created_at: Timestamp::from_millis(i64::from(byte)),
            updated_at: Timestamp::from_millis(i64::from(byte)),
        };
        let mut tx = store.write().await.unwrap();
        store::server::insert(&mut tx, &server).await.unwrap();
        store::install::insert(&mut tx, &install).await.unwrap();
        let other = InstallId::from_stored("ins_other".to_owned());
        let (first, elsewhere) = (secret(&install.id, "KEY", 1), secret(&other, "KEY", 2));
        for secret in [&first, &elsewhere, &secret(&install.id, "A", 3)] {
            store::secret::put(&mut tx, secret).await.unwrap();
        }
        let later = secret(&install.id, "KEY", 4);
        store::secret::put(&mut tx, &later).await.unwrap();
        let all = store::secret::of_workspace(&mut tx, &workspace.id).await.unwrap();
        let stays = SealedSecret { created_at: first.created_at, ..later };
        assert_eq!(all.len(), 3);
        assert!(all.contains(&stays) && all.contains(&elsewhere), "{all:?}");

        let mut seen = Vec::new();
        let mut after = None;
        while let Some(one) = store::secret::page_of_all(&mut tx, after.as_ref(), 1).await.unwrap().pop() {
            after = Some(one.place.clone());
            seen.push(one);
        }
        seen.sort_by_key(|one| one.revision);
        let mut all = all;
        all.sort_by_key(|one| one.revision);
        assert_eq!(seen, all);

        assert!(!store::secret::is_any_under(&mut tx, "second").await.unwrap());
        store::secret::reseal(&mut tx, &stays.place, "second", &[9]).await.unwrap();
        let resealed = SealedSecret { key_id: "second".to_owned(), sealed: vec![9], ..stays.clone() };
        assert!(store::secret::of_workspace(&mut tx, &workspace.id).await.unwrap().contains(&resealed));
        assert!(store::secret::is_any_under(&mut tx, "second").await.unwrap());
        let state = store::workspace::state(&mut tx, &workspace.id).await.unwrap().unwrap();
        assert_eq!(state.secrets.len(), 3);

        store::secret::delete(&mut tx, &stays.place).await.unwrap();
        store::install::delete(&mut tx, &install.id).await.unwrap();
        assert_eq!(store::secret::of_workspace(&mut tx, &workspace.id).await.unwrap(), [elsewhere]);
        store::workspace::mark_deleted(&mut tx, &workspace.id, NOW).await.unwrap();
        assert_eq!(store::secret::of_workspace(&mut tx, &workspace.id).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn former_keys_are_listed_in_the_order_in_which_they_were_replaced() {
    on_both_engines(|store| async move {
        let key = |id: &str, sealed_by: &str, at| FormerKey {
            id: id.to_owned(),
            sealed_by: sealed_by.to_owned(),
            sealed: vec![1, 2, 3],
            retired_at: Timestamp::from_millis(at),
        };
        let mut tx = store.write().await.unwrap();
        for former in [key("b", "c", 2), key("1", "b", 1), key("1", "c", 1)] {
            store::former_key::put(&mut tx, &former).await.unwrap();
        }
        assert_eq!(store::former_key::all(&mut tx).await.unwrap(), [key("1", "c", 1), key("b", "c", 2)]);
        assert!(store::sealed::is_anything_sealed(&mut tx).await.unwrap());
        store::former_key::delete_all(&mut tx).await.unwrap();
        assert!(!store::sealed::is_anything_sealed(&mut tx).await.unwrap());
    })
    .await;
}
