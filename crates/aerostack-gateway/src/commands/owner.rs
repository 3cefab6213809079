//! `owner create` and `owner key`: how the first person gets in, and whoever lost their key. They write to the database directly,
//! also beside a running gateway, which always reads accounts and their keys from there.

use aerostack_core::account::{Account, AccountKind, Email, IssuedKey, KEYS_MAX, issue_key};
use aerostack_core::audit::{Action, AuditEvent};
use aerostack_core::bearer::RawToken;
use aerostack_core::id::AccountId;
use aerostack_core::plan::Plan;
use aerostack_core::slug::Slug;
use aerostack_core::time::Timestamp;
use anyhow::{Context, bail, ensure};

use super::{ground, master_key};
use crate::args::Owner;
use crate::clock::Clock;
use crate::config::Config;
use crate::store::{Store, StoreError, Tx, account, audit, latest};
use crate::telemetry;
use crate::vault::Vault;

/// Name of the key that comes with a new account.
const FIRST_KEY: &str = "first key";
/// What the audit log says of where it was done.
const DETAIL: &str = "on the gateway's command line";

/// Obeys, and prints the key alone on stdout.
///
/// # Errors
/// As [`create`] and [`new_key`].
pub async fn run(config: &Config, order: Owner) -> anyhow::Result<()> {
    let clock = Clock::system();
    let raw = match order {
        Owner::Create { email, username, plan } => {
            let (account, raw) = create(config, &clock, email, username, plan).await?;
            let Account { username, email, .. } = account;
            telemetry::say(&format!(
                "✓ Operator account {username} ({email}), {} plan. Its key is shown only now; to use it:\n  \
                 aerostack login --api-key -",
                plan.title(),
            ));
            raw
        }
        Owner::Key { email } => {
            let (account, raw) = new_key(config, &clock, &email).await?;
            let username = account.username;
            telemetry::say(&format!(
                "✓ A new key of {username}. It is shown only now; the others still work."
            ));
            raw
        }
    };
    telemetry::result(raw.expose()).context("the key could not be printed; make another with `owner key`")
}

/// Makes an operator account; gives it and its first key.
///
/// # Errors
/// When address or username are taken, or whatever is wrong with folder, database or master key.
pub async fn create(
    config: &Config,
    clock: &Clock,
    email: Email,
    username: Slug,
    plan: Plan,
) -> anyhow::Result<(Account, RawToken)> {
    let store = open(config, clock).await?;
    let now = clock.now();
    let account = Account {
        id: AccountId::new(now, &mut ground::rng()),
        email,
        // Whoever has the machine vouches for it.
        email_verified: true,
        username,
        plan,
        kind: AccountKind::Operator,
        revision: 0,
        created_at: now,
    };
    let issued = issue_key(account.id.clone(), FIRST_KEY, now, &mut ground::rng())?;
    let mut tx = store.write().await?;
    let vault = master_key::vault(config, &store).await?;
    refuse_taken(&mut tx, &account).await?;
    match insert(&mut tx, &account, &issued, &vault).await {
        // Somebody was faster between the question and the order.
        Err(StoreError::Conflict) => bail!("the e-mail address or the username has an account already"),
        inserted => inserted?,
    }
    tx.commit().await?;
    store.close().await;
    Ok((account, issued.raw))
}

/// Makes a new key for an account; the old ones stay. Without a mail server it is the one way back for
/// whoever has no key left, and who has the machine may do this to everybody's account anyway.
///
/// # Errors
/// When the address has no account, or whatever is wrong with folder, database or master key.
pub async fn new_key(config: &Config, clock: &Clock, email: &Email) -> anyhow::Result<(Account, RawToken)> {
    let store = open(config, clock).await?;
    let now = clock.now();
    let mut tx = store.write().await?;
    let found = account::find_by_email(&mut tx, email).await?;
    let Some(person) = found else { bail!("{email} has no account on this gateway") };
    // The lock, so that no other key is counted or made meanwhile, and the master key is not replaced: so it
    // is found out only now which one seals the account's chain.
    let person = account::lock(&mut tx, &person.id).await?.context("the account is gone")?;
    let vault = master_key::vault(config, &store).await?;
    let live = account::live_keys(&mut tx, &person.id).await?.len();
    ensure!(
        live < KEYS_MAX as usize,
        "{email} has {live} keys; revoke one with `aerostack account key revoke`"
    );
    let name = format!("made on the server {}", now.minute());
    let issued = issue_key(person.id.clone(), &name, now, &mut ground::rng())?;
    account::insert_key(&mut tx, &issued.key).await?;
    record(&mut tx, &vault, &person, Action::KeyCreated, &name, now).await?;
    tx.commit().await?;
    store.close().await;
    Ok((person, issued.raw))
}

async fn open(config: &Config, clock: &Clock) -> anyhow::Result<Store> {
    let store = ground::open_current(config, clock).await?;
    if let Some(moment) = latest::moment(&mut store.read().await?).await? {
        clock.begin_at(moment);
    }
    Ok(store)
}

async fn refuse_taken(tx: &mut Tx, account: &Account) -> anyhow::Result<()> {
    if account::find_by_email(tx, &account.email).await?.is_some() {
        bail!(
            "{} has an account already; for a new key: aerostack-gateway owner key --email {}",
            account.email,
            account.email
        );
    }
    if account::find_by_username(tx, &account.username).await?.is_some() {
        bail!("the username {} is taken", account.username);
    }
    Ok(())
}

async fn insert(tx: &mut Tx, account: &Account, issued: &IssuedKey, vault: &Vault) -> Result<(), StoreError> {
    let now = account.created_at;
    account::insert(tx, account).await?;
    account::insert_key(tx, &issued.key).await?;
    record(tx, vault, account, Action::AccountCreated, account.username.as_str(), now).await?;
    record(tx, vault, account, Action::KeyCreated, FIRST_KEY, now).await
}

async fn record(
    tx: &mut Tx,
    vault: &Vault,
    account: &Account,
    action: Action,
    object: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    let event = AuditEvent {
        at,
        actor: account.email.as_str().to_owned(),
        action,
        object: object.to_owned(),
        detail: DETAIL.to_owned(),
    };
    audit::append(tx, vault.audit_key(), vault.audit_key_id(), account.id.as_str(), &event).await
}
