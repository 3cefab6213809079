//! The master key is replaced, and killed at any moment of it.

use std::time::Duration;

use aerostack_core::api::operation::endpoint;
use aerostack_core::api::page::{Empty, PageQuery};
use aerostack_core::api::secret::SecretState;
use aerostack_tests::client::Caller;
use aerostack_tests::program::{LOG_FILE, Process, kills_gateway, logged, runs_gateway};
use aerostack_tests::story::{rounds, story};
use aerostack_tests::upstream::Setup;
use serde_json::json;

const VALUE: &str = "ghp_0123456789abcdefABCDEF";

/// Time that `key rotate` takes on a slow machine.
const KILLED_WITHIN: Duration = Duration::from_millis(160);

/// Whatever the moment at which it is killed, the next start has every secret, session and audit row.
#[tokio::test]
async fn prove_a_rotation_that_is_killed_loses_nothing() {
    story(async |world| {
        let place = &world.place;
        let process = Process::starts(place).await;
        let mut owner = process.owner(place).await;
        owner.creates_workspace("engineering").await;
        let upstream = Setup::legacy().start().await;
        owner.installs_with("github", &upstream, "bearer:KEY").await;
        owner.sets_secret("KEY", "github", VALUE).await;
        let alice = owner.creates_token("Alice Chen").await;
        let (mut session, _) = alice.initializes("2025-11-25").await;
        drop(process);
        let rounds = rounds(8, 80);
        for round in 0..rounds {
            // Spread over the time it takes, and a little beyond.
            let after = KILLED_WITHIN * u32::try_from(round).unwrap() / u32::try_from(rounds).unwrap();
            kills_gateway(place, &["key", "rotate"], after).await;
            let process = Process::starts(place).await;
            owner = owner.at(process.address);
            let here = |caller: &Caller| Caller { address: process.address, ..caller.clone() };
            let answer = here(&session).calls("github__echo", json!({ "text": "hi" })).await;
            assert_eq!(answer.tool_text().as_deref(), Some("hi"), "round {round}: {answer:?}");
            let call = upstream.calls().pop().unwrap();
            assert_eq!(call.header("authorization"), Some(format!("Bearer {VALUE}").as_str()));
            let verified = owner.verifies_audit().await;
            assert!(verified.ok, "round {round}: {verified:?}");
            (session, _) = here(&alice).initializes("2025-11-25").await;
            drop(process);
        }
        let rotated = runs_gateway(place, &["key", "rotate"]).await;
        assert!(rotated.status.success(), "{rotated:?}");
    })
    .await;
}

#[tokio::test]
async fn without_its_master_key_a_gateway_calls_what_needs_no_secret_and_says_what_is_wrong() {
    story(async |world| {
        let place = &world.place;
        let process = Process::starts(place).await;
        let mut owner = process.owner(place).await;
        owner.creates_workspace("engineering").await;
        let upstream = Setup::legacy().start().await;
        owner.installs_with("github", &upstream, "bearer:KEY").await;
        owner.sets_secret("KEY", "github", VALUE).await;
        let desk = Setup::legacy().start().await;
        owner.installs("desk", &desk).await;
        let alice = owner.creates_token("Alice Chen").await;
        drop(process);
        let key = place.config().data_dir.join("master.key");
        let away = place.folder().join("elsewhere");
        std::fs::rename(&key, &away).unwrap();
        let log = place.folder().join(LOG_FILE);
        let process = Process::starts_logging(place, &log).await;
        owner = owner.at(process.address);
        let alice = Caller { address: process.address, ..alice };
        let calls = upstream.calls().len();
        let refused = alice.calls("github__echo", json!({ "text": "hi" })).await;
        assert_eq!((refused.error_code(), upstream.calls().len()), (Some(-32013), calls));
        let answer = alice.calls("desk__echo", json!({ "text": "hi" })).await;
        assert_eq!(answer.tool_text().as_deref(), Some("hi"));
        let page = PageQuery::default();
        let listed = owner.asks::<endpoint::ListSecrets>(&["engineering"], &page).await.unwrap();
        assert_eq!(listed.items[0].state, SecretState::Locked);
        let value = aerostack_core::secret::SecretValue::new(VALUE.to_owned()).unwrap();
        let request = aerostack_core::api::secret::SetSecretRequest { value, server: None };
        let refused = owner.asks::<endpoint::SetSecret>(&["engineering", "KEY"], &request).await.unwrap_err();
        assert_eq!(
            refused.message,
            "the master key is missing, or is not the one this database was sealed with"
        );
        // Nobody is accused of having changed what only cannot be read.
        let unread = owner.asks::<endpoint::VerifyAudit>(&["engineering"], &Empty {}).await.unwrap_err();
        assert_eq!((unread.code, unread.message), (refused.code, refused.message));
        logged(&log, "the master key is missing").await;
        logged(&log, "opening the database").await;
        assert!(!key.exists());
        drop(process);
        std::fs::rename(&away, &key).unwrap();
        let process = Process::starts(place).await;
        let alice = Caller { address: process.address, ..alice };
        let answer = alice.calls("github__echo", json!({ "text": "hi" })).await;
        assert_eq!(answer.tool_text().as_deref(), Some("hi"));
    })
    .await;
}
