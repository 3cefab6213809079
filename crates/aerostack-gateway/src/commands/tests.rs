//! Commands in process, on both engines.

use std::net::SocketAddr;
use std::path::Path;

use aerostack_core::account::{Account, AccountKind, Email};
use aerostack_core::audit::Verifier;
use aerostack_core::id::AccountId;
use aerostack_core::plan::Plan;
use aerostack_core::slug::Slug;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

mod key;

use super::{check, ground, master_key, owner, serve};
use crate::args::Flags;
use crate::clock::Clock;
use crate::config::{Config, Database};
use crate::settings::{Environment, Settings};
use crate::store::testing::on_both_databases;
use crate::store::{account, audit};

fn config(folder: &Path, database: Database) -> Config {
    Config { database, ..Config::local(folder.to_owned()) }
}

fn email(text: &str) -> Email {
    Email::parse(text).unwrap()
}

async fn create(config: &Config, address: &str, username: &str) -> anyhow::Result<String> {
    let username = Slug::parse(username).unwrap();
    let made = owner::create(config, &Clock::system(), email(address), username, Plan::Team).await;
    made.map(|(_, raw)| raw.expose().to_owned())
}

async fn get(address: SocketAddr, path: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_gateway_starts_answers_stops_and_starts_again() {
    on_both_databases(|database| async move {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path(), database);
        for _ in 0..2 {
            let running = serve::start(config.clone(), Clock::system()).await.unwrap();
            let address = running.address;
            assert_eq!(running.url(), format!("http://{address}"));
            for path in ["/healthz", "/readyz", "/metrics", "/api/openapi.json"] {
                let answer = get(address, path, "").await;
                assert!(answer.starts_with("HTTP/1.1 200 OK"), "{path}: {answer}");
            }
            let second = serve::start(config.clone(), Clock::system()).await.err().unwrap().to_string();
            assert!(second.contains(&format!("on {address}) is using this")), "{second}");
            running.stop().await;
            assert!(TcpStream::connect(address).await.is_err());
        }
    })
    .await;
}

#[tokio::test]
async fn operators_are_made_beside_a_running_gateway() {
    on_both_databases(|database| async move {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path(), database);
        let running = serve::start(config.clone(), Clock::system()).await.unwrap();
        let key = create(&config, "admin@co.com", "acme").await.unwrap();
        let proxied = "x-forwarded-for: 10.0.0.7\r\n";
        assert!(get(running.address, "/metrics", proxied).await.starts_with("HTTP/1.1 404"));
        let signed_in = format!("{proxied}authorization: Bearer {key}\r\n");
        assert!(get(running.address, "/metrics", &signed_in).await.starts_with("HTTP/1.1 200"));

        let taken = create(&config, "admin@co.com", "other").await.unwrap_err().to_string();
        assert!(taken.starts_with("admin@co.com has an account already"), "{taken}");
        let taken = create(&config, "other@co.com", "acme").await.unwrap_err().to_string();
        assert_eq!(taken, "the username acme is taken");
        running.stop().await;
    })
    .await;
}

#[tokio::test]
async fn an_operator_gets_a_new_key_and_the_audit_log_says_so() {
    on_both_databases(|database| async move {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path(), database);
        let first = create(&config, "admin@co.com", "acme").await.unwrap();
        let (operator, second) =
            owner::new_key(&config, &Clock::system(), &email("admin@co.com")).await.unwrap();
        assert_ne!(first, second.expose());
        let nobody = owner::new_key(&config, &Clock::system(), &email("x@co.com")).await.unwrap_err();
        assert_eq!(nobody.to_string(), "x@co.com has no account on this gateway");

        let store = ground::open(&config).await.unwrap();
        let vault = master_key::vault(&config, &store).await.unwrap();
        let mut tx = store.read().await.unwrap();
        assert_eq!(account::live_keys(&mut tx, &operator.id).await.unwrap().len(), 2);
        let chain = operator.id.as_str();
        let mut verifier = Verifier::new(vault.audit_keys(), chain);
        let rows = audit::walk(&mut tx, chain, 0, 10).await.unwrap();
        let told = rows.iter().map(|row| {
            verifier.check(row).unwrap();
            row.event.as_ref().unwrap().action.word()
        });
        assert_eq!(told.collect::<Vec<_>>(), ["account_created", "key_created", "key_created"]);
        drop(tx);
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn somebody_who_is_no_operator_and_has_no_key_left_gets_one_as_well() {
    on_both_databases(|database| async move {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path(), database);
        create(&config, "admin@co.com", "acme").await.unwrap();
        let store = ground::open(&config).await.unwrap();
        let mut tx = store.write().await.unwrap();
        let admin = account::find_by_email(&mut tx, &email("admin@co.com")).await.unwrap().unwrap();
        let alice = Account {
            id: AccountId::new(admin.created_at, &mut rand::rng()),
            email: email("alice@co.com"),
            username: Slug::parse("alice").unwrap(),
            kind: AccountKind::Person,
            ..admin
        };
        account::insert(&mut tx, &alice).await.unwrap();
        tx.commit().await.unwrap();
        store.close().await;

        let (found, raw) = owner::new_key(&config, &Clock::system(), &alice.email).await.unwrap();
        assert_eq!(found.id, alice.id);
        let running = serve::start(config.clone(), Clock::system()).await.unwrap();
        let key = format!("authorization: Bearer {}\r\n", raw.expose());
        let answer = get(running.address, "/api/v1/account", &key).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("alice@co.com"), "{answer}");
        running.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_sealed_database_without_its_key_is_not_given_a_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config::local(folder.path().to_owned());
    create(&config, "admin@co.com", "acme").await.unwrap();
    let key = folder.path().join(crate::vault::MASTER_KEY_FILE);
    let away = folder.path().join("elsewhere");
    std::fs::rename(&key, &away).unwrap();
    serve::start(config.clone(), Clock::system()).await.unwrap().stop().await;
    assert!(!key.exists(), "no new key takes the place of the missing one");
    // Whoever has lost it for good can go on with another.
    let other = Config { master_key: Some("07".repeat(32).into()), ..config.clone() };
    serve::start(other, Clock::system()).await.unwrap().stop().await;
    std::fs::rename(&away, &key).unwrap();
    serve::start(config, Clock::system()).await.unwrap().stop().await;
}

async fn report(folder: &Path) -> (String, bool) {
    let flags = Flags { data_dir: Some(folder.display().to_string()), ..Flags::default() };
    check::report(&Settings::read(&flags, &Environment::default()).unwrap()).await
}

#[tokio::test]
async fn check_changes_nothing_and_names_what_would_stop_serve() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("data");
    let (text, would_start) = report(&folder).await;
    assert!(would_start && !folder.exists(), "{text}");
    assert!(text.contains("AEROSTACK_LISTEN "), "{text}");

    create(&Config::local(folder.clone()), "admin@co.com", "acme").await.unwrap();
    let (text, would_start) = report(&folder).await;
    assert!(would_start && text.contains("fits the database"), "{text}");

    std::fs::write(folder.join(crate::vault::MASTER_KEY_FILE), "damaged").unwrap();
    let (text, would_start) = report(&folder).await;
    assert!(!would_start && text.contains("FAIL  master key"), "{text}");

    let (text, would_start) = report(&folder.join("aerostack.db")).await;
    assert!(!would_start && text.contains("FAIL  data folder"), "{text}");
}
