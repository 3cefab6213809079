//! Replacing the master key, broken off after each of its steps.

use std::path::Path;

use aerostack_core::audit::Verifier;
use aerostack_core::id::{AccountId, InstallId};
use aerostack_core::secret::{SealedSecret, SecretName, SecretPlace, SecretValue};

use super::{config, create, email, report};
use crate::clock::Clock;
use crate::commands::key::{Rotated, prepare, reseal, rotate};
use crate::commands::{ground, master_key, owner, serve};
use crate::config::Config;
use crate::store::testing::on_both_databases;
use crate::store::testing::sample::{self, NOW};
use crate::store::{self, Store};
use crate::vault::key_file::{self, FORMER_KEY_FILE, NEXT_KEY_FILE};
use crate::vault::{MASTER_KEY_FILE, Vault};

/// Puts a secret into the first workspace, sealed as a gateway would.
async fn seal(store: &Store, vault: &Vault) -> SecretPlace {
    let (owner, workspace) = sample::acme(store).await;
    let place = SecretPlace {
        workspace: workspace.id,
        install: InstallId::from_stored(format!("ins_{}", owner.id)),
        address: "https://mcp.example.com/mcp".to_owned(),
        name: SecretName::normalise("KEY").unwrap(),
    };
    let value = SecretValue::new("ghp_value".to_owned()).unwrap();
    let sealed = vault.seal_secret(&place, &value, &mut rand::rng()).unwrap();
    let secret = SealedSecret {
        place: place.clone(),
        key_id: vault.id().to_owned(),
        sealed,
        revision: 1,
        created_at: NOW,
        updated_at: NOW,
    };
    let mut tx = store.write().await.unwrap();
    store::secret::put(&mut tx, &secret).await.unwrap();
    tx.commit().await.unwrap();
    place
}

/// A database with an operator, a secret and a session id from the time of the first key.
struct Before {
    config: Config,
    place: SecretPlace,
    session: String,
    operator: AccountId,
}

async fn before(config: Config) -> Before {
    create(&config, "admin@co.com", "ops").await.unwrap();
    let store = ground::open(&config).await.unwrap();
    let vault = master_key::vault(&config, &store).await.unwrap();
    let place = seal(&store, &vault).await;
    let session = vault.seal_session(b"state", &mut rand::rng());
    let username = "ops".parse().unwrap();
    let mut tx = store.read().await.unwrap();
    let operator = store::account::find_by_username(&mut tx, &username).await.unwrap().unwrap().id;
    drop(tx);
    store.close().await;
    Before { config, place, session, operator }
}

impl Before {
    /// Whatever happened: the secret opens, the session goes on, the audit log verifies.
    async fn holds(&self) -> String {
        self.holds_with(&self.config).await
    }

    async fn holds_with(&self, config: &Config) -> String {
        let store = ground::open(config).await.unwrap();
        let vault = master_key::vault(config, &store).await.unwrap();
        assert!(vault.fits());
        let mut tx = store.read().await.unwrap();
        let secret = store::secret::of_workspace(&mut tx, &self.place.workspace).await.unwrap().remove(0);
        assert_eq!(vault.open_secret(&secret).unwrap().expose(), "ghp_value");
        assert_eq!(vault.open_session(&self.session).as_deref(), Some(&b"state"[..]));
        let chain = self.operator.as_str();
        let mut verifier = Verifier::new(vault.audit_keys(), chain);
        for row in store::audit::walk(&mut tx, chain, 0, 100).await.unwrap() {
            verifier.check(&row).unwrap();
        }
        drop(tx);
        store.close().await;
        vault.id().to_owned()
    }

    fn files(&self) -> [bool; 3] {
        [MASTER_KEY_FILE, NEXT_KEY_FILE, FORMER_KEY_FILE]
            .map(|file| self.config.data_dir.join(file).try_exists().unwrap())
    }
}

async fn in_a_folder<F, Fut>(test: F)
where
    F: Fn(Before) -> Fut,
    Fut: Future<Output = ()>,
{
    on_both_databases(|database| {
        let test = &test;
        async move {
            let folder = tempfile::tempdir().unwrap();
            test(before(config(folder.path(), database)).await).await;
        }
    })
    .await;
}

#[tokio::test]
async fn everything_is_sealed_anew_and_what_was_issued_before_goes_on() {
    in_a_folder(|before| async move {
        let old = before.holds().await;
        let done = Rotated::Done { secrets: 1, unreadable: 0 };
        assert_eq!(rotate(&before.config, &Clock::system(), false).await.unwrap(), done);
        let new = before.holds().await;
        assert_ne!(old, new);
        assert_eq!(before.files(), [true, false, true]);
        // A session of the key before the one before has ended; the rest holds through a second time.
        let store = ground::open(&before.config).await.unwrap();
        let vault = master_key::vault(&before.config, &store).await.unwrap();
        let session = vault.seal_session(b"state", &mut rand::rng());
        store.close().await;
        assert_eq!(rotate(&before.config, &Clock::system(), false).await.unwrap(), done);
        let before = Before { session, ..before };
        assert_ne!(before.holds().await, new);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn keys_made_while_the_master_key_is_replaced_break_no_chain() {
    in_a_folder(|before| async move {
        let (config, clock) = (&before.config, Clock::system());
        for _ in 0..4 {
            let makes = async || owner::new_key(config, &clock, &email("admin@co.com")).await;
            let (rotated, first, second, third) =
                tokio::join!(rotate(config, &clock, false), makes(), makes(), makes());
            rotated.unwrap();
            for made in [first, second, third] {
                made.unwrap();
            }
            let store = ground::open(config).await.unwrap();
            let vault = master_key::vault(config, &store).await.unwrap();
            let mut tx = store.read().await.unwrap();
            let chain = before.operator.as_str();
            let mut verifier = Verifier::new(vault.audit_keys(), chain);
            for row in store::audit::walk(&mut tx, chain, 0, 100).await.unwrap() {
                verifier.check(&row).unwrap();
            }
            drop(tx);
            store.close().await;
        }
    })
    .await;
}

#[tokio::test]
async fn broken_off_before_anything_is_sealed_the_old_key_goes_on() {
    in_a_folder(|before| async move {
        let old = before.holds().await;
        let next = prepare(&before.config).unwrap().id().to_owned();
        assert_eq!(before.files(), [true, true, false]);
        assert_eq!(before.holds().await, old);
        serve::start(before.config.clone(), Clock::system()).await.unwrap().stop().await;
        assert_eq!(before.files(), [true, true, false]);
        rotate(&before.config, &Clock::system(), false).await.unwrap();
        assert_eq!((before.holds().await, before.files()), (next, [true, false, true]));
    })
    .await;
}

#[tokio::test]
async fn broken_off_before_the_key_is_moved_the_new_key_goes_on_and_a_start_moves_it() {
    in_a_folder(|before| async move {
        for by_start in [true, false] {
            let next = sealed_anew(&before).await;
            assert_eq!(before.holds().await, next, "both keys are known");
            if by_start {
                serve::start(before.config.clone(), Clock::system()).await.unwrap().stop().await;
            } else {
                let again = rotate(&before.config, &Clock::system(), false).await.unwrap();
                assert_eq!(again, Rotated::Finished);
            }
            assert_eq!(before.files(), [true, false, true]);
            let present = key_file::find(&before.config.data_dir, MASTER_KEY_FILE).unwrap().unwrap();
            assert_eq!(Vault::new(&present).id(), next);
            // The second time round, sessions of the first key have ended.
            let store = ground::open(&before.config).await.unwrap();
            store.close().await;
            if by_start {
                assert_eq!(before.holds().await, next);
                return_to_first(&before).await;
            }
        }
    })
    .await;
}

/// Prepares and seals, and moves nothing.
async fn sealed_anew(before: &Before) -> String {
    let store = ground::open(&before.config).await.unwrap();
    let (_, old) = master_key::fitting(&before.config, &store).await.unwrap().unwrap();
    let next = prepare(&before.config).unwrap();
    let id = next.id().to_owned();
    reseal(&store, &old, next, Clock::system().now()).await.unwrap();
    store.close().await;
    id
}

/// Rotates back to the key of the former file, so that the session of its time is accepted again.
async fn return_to_first(before: &Before) {
    let folder = &before.config.data_dir;
    std::fs::copy(folder.join(FORMER_KEY_FILE), folder.join(NEXT_KEY_FILE)).unwrap();
    rotate(&before.config, &Clock::system(), false).await.unwrap();
    before.holds().await;
}

#[tokio::test]
async fn a_key_kept_in_the_environment_is_replaced_by_the_one_that_is_given() {
    on_both_databases(|database| async move {
        let folder = tempfile::tempdir().unwrap();
        let with = |present: Option<&str>, next: Option<&str>| Config {
            master_key: present.map(|text| text.repeat(32).into()),
            next_master_key: next.map(|text| text.repeat(32).into()),
            ..config(folder.path(), database.clone())
        };
        let before = before(with(Some("07"), None)).await;
        let refused = |config: Config| async move {
            rotate(&config, &Clock::system(), false).await.unwrap_err().to_string()
        };
        assert!(refused(with(Some("07"), None)).await.contains("AEROSTACK_MASTER_KEY_NEW"));
        assert_eq!(refused(with(Some("07"), Some("07"))).await, "the new master key is the present one");
        assert!(refused(with(Some("06"), Some("08"))).await.contains("nothing was changed"));
        let both = with(Some("07"), Some("08"));
        rotate(&both, &Clock::system(), false).await.unwrap();
        let new = before.holds_with(&both).await;
        assert_eq!(before.holds_with(&with(Some("08"), None)).await, new);
        assert_eq!(rotate(&both, &Clock::system(), false).await.unwrap(), Rotated::Already);
        assert_eq!(before.files(), [false; 3]);
    })
    .await;
}

#[tokio::test]
async fn a_gateway_that_serves_keeps_its_key() {
    in_a_folder(|before| async move {
        let running = serve::start(before.config.clone(), Clock::system()).await.unwrap();
        let refused = rotate(&before.config, &Clock::system(), false).await.unwrap_err();
        assert!(format!("{refused:#}").contains("is using this"), "{refused:#}");
        assert_eq!(before.files(), [true, false, false]);
        running.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_lost_key_is_never_replaced_unless_somebody_says_so() {
    in_a_folder(|before| async move {
        let folder: &Path = &before.config.data_dir;
        let refused = rotate(&before.config, &Clock::system(), true).await.unwrap_err().to_string();
        assert_eq!(refused, "the master key is not lost: it fits the database. Nothing was changed");
        std::fs::remove_file(folder.join(MASTER_KEY_FILE)).unwrap();
        let refused = rotate(&before.config, &Clock::system(), false).await.unwrap_err().to_string();
        assert!(refused.contains("nothing was changed"), "{refused}");
        serve::start(before.config.clone(), Clock::system()).await.unwrap().stop().await;
        assert_eq!(before.files(), [false; 3]);
        let forgotten = rotate(&before.config, &Clock::system(), true).await.unwrap();
        assert_eq!(forgotten, Rotated::Forgotten { secrets: 1 });
        assert_eq!(before.files(), [true, false, false]);
        let store = ground::open(&before.config).await.unwrap();
        assert!(master_key::vault(&before.config, &store).await.unwrap().fits());
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn check_says_what_is_left_of_a_replacement_that_was_broken_off() {
    let folder = tempfile::tempdir().unwrap();
    let before = before(Config::local(folder.path().to_owned())).await;
    sealed_anew(&before).await;
    let (text, would_start) = report(folder.path()).await;
    assert!(would_start && text.contains("broken off") && text.contains("master.key.new"), "{text}");
}
