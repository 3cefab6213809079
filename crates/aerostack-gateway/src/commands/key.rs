//! `key rotate`: another master key, and everything sealed anew under it.
//!
//! First the new key is on disk, or in the hands of whoever set it; then, in one transaction, all
//! secrets, what is kept of former keys, and the end of every audit chain are sealed under it; then it
//! takes the old one's place. Killed anywhere, the database is sealed under one of two keys that are
//! both at hand, and a start finds out which.

use std::io::Read;

use aerostack_core::audit::{Action, AuditEvent};
use aerostack_core::id::WorkspaceId;
use aerostack_core::secret::SecretPlace;
use aerostack_core::time::Timestamp;
use anyhow::{Context, bail, ensure};
use rand::Rng;
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::ground::{self, rng};
use super::master_key::{self, Place};
use crate::args::KeyOrder;
use crate::clock::Clock;
use crate::config::Config;
use crate::store::lease::{Doing, Lease};
use crate::store::{Store, Tx, account, alert, audit, former_key, secret};
use crate::telemetry;
use crate::vault::key_file::{self, FORMER_KEY_FILE, NEXT_KEY_FILE};
use crate::vault::{MASTER_KEY_FILE, MASTER_KEY_LEN, Vault, key_id, parse_master_key};

/// Secrets read at once.
const PAGE_LEN: i64 = 500;
/// Most bytes of a key on standard input.
const STDIN_MAX_BYTES: u64 = 1_024;
/// Who the audit log says it was: it was done on the gateway's command line, where nobody is signed in.
const ACTOR: &str = "aerostack-gateway";

/// What replacing the key came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotated {
    /// Everything is sealed under the new key.
    Done {
        /// Secrets that were sealed anew.
        secrets: u64,
        /// Secrets that could not be opened, and stay as they are.
        unreadable: u64,
    },
    /// Everything but the key was lost, and is forgotten.
    Forgotten {
        /// Secrets that were deleted.
        secrets: u64,
    },
    /// An earlier attempt had come so far that only the file had to be moved.
    Finished,
    /// The database was sealed under the new key already.
    Already,
}

/// Replaces the master key and says what that means.
///
/// # Errors
/// As [`rotate`].
pub async fn run(mut config: Config, order: KeyOrder) -> anyhow::Result<()> {
    let KeyOrder::Rotate { new_key_from_stdin, lost } = order;
    if new_key_from_stdin {
        config.next_master_key = Some(read_stdin()?);
    }
    let kept_elsewhere = config.next_master_key.is_some();
    let rotated = rotate(&config, &Clock::system(), lost).await?;
    telemetry::say(&match rotated {
        Rotated::Done { secrets, unreadable: 0 } => {
            format!("✓ The master key was replaced; secrets sealed anew: {secrets}.")
        }
        Rotated::Done { secrets, unreadable } => format!(
            "✓ The master key was replaced; secrets sealed anew: {secrets}. {unreadable} could not be opened: \
             set them again."
        ),
        Rotated::Forgotten { secrets } => format!(
            "✓ The database goes on under a new master key. Secrets that were forgotten: {secrets}. What the \
             audit logs say up to now can no longer be verified."
        ),
        Rotated::Finished => "✓ The master key had been replaced; it was moved into place.".to_owned(),
        Rotated::Already => "The database is sealed under this key already.".to_owned(),
    });
    // What was finished is an earlier attempt, whose key was made into a file.
    telemetry::say(&match kept_elsewhere && rotated != Rotated::Finished {
        true => "Set AEROSTACK_MASTER_KEY to the new key, and keep the old one as long as backups need it."
            .to_owned(),
        false => format!(
            "The old key is in {}: keep it with the backups made before, and remove it from here.",
            config.data_dir.join(FORMER_KEY_FILE).display()
        ),
    });
    Ok(())
}

fn read_stdin() -> anyhow::Result<SecretString> {
    let mut text = Zeroizing::new(String::new());
    std::io::stdin().take(STDIN_MAX_BYTES).read_to_string(&mut text).context("standard input")?;
    parse_master_key(&text).context("the key on standard input")?;
    Ok(SecretString::from(text.trim()))
}

/// Replaces the master key. It takes the lease: no gateway serves meanwhile. With `lost`, what the
/// present key sealed is forgotten.
///
/// # Errors
/// When a gateway serves, the present key does not fit, there is no new one, or whatever is wrong with
/// folder or database. Then nothing was changed, or it can be called again.
pub async fn rotate(config: &Config, clock: &Clock, lost: bool) -> anyhow::Result<Rotated> {
    ground::prepare_folder(config)?;
    let timeout = config.limits.database_timeout;
    let lease = Lease::take(&config.database, Doing::RotateKey, clock.now(), timeout).await?;
    let store = ground::open(config).await?;
    let rotated = replace(config, &store, clock.now(), lost).await;
    store.close().await;
    lease.release().await;
    rotated
}

async fn replace(config: &Config, store: &Store, now: Timestamp, lost: bool) -> anyhow::Result<Rotated> {
    store.migrate().await.context("the database's schema cannot be brought up to date")?;
    if master_key::finish(config, store).await? {
        return Ok(Rotated::Finished);
    }
    let present = master_key::fitting(config, store).await?;
    if let Some((Place::NextVariable, _)) = present {
        put_in_place(config)?;
        return Ok(Rotated::Already);
    }
    let rotated = match present {
        Some(_) if lost => bail!("the master key is not lost: it fits the database. Nothing was changed"),
        Some((_, before)) => reseal(store, &before, prepare(config)?, now).await?,
        None if lost => forget(store, prepare(config)?, now).await?,
        None => bail!(
            "the master key is missing, or is not the one this database was sealed with: nothing was changed. \
             If it is lost for good, `key rotate --lost` forgets every secret and goes on with a new one"
        ),
    };
    put_in_place(config)?;
    Ok(rotated)
}

/// The vault of the new key, which lasts from now on: in a file beside the old one, or where it was set.
pub(super) fn prepare(config: &Config) -> anyhow::Result<Vault> {
    let next = match &config.next_master_key {
        Some(text) => parse_master_key(secrecy::ExposeSecret::expose_secret(text))?,
        None if config.master_key.is_some() => bail!(
            "the master key is in AEROSTACK_MASTER_KEY: give the new one in AEROSTACK_MASTER_KEY_NEW, or on \
             standard input with --new-key-from-stdin"
        ),
        None => key_file::find_or_make(&config.data_dir, NEXT_KEY_FILE, &mut rng())?,
    };
    if let Some((_, present)) = master_key::present(config)? {
        ensure!(key_id(&present) != key_id(&next), "the new master key is the present one");
    }
    Ok(Vault::new(&next))
}

/// Seals everything anew, in one transaction.
pub(super) async fn reseal(
    store: &Store,
    before: &Vault,
    next: Vault,
    now: Timestamp,
) -> anyhow::Result<Rotated> {
    let mut tx = store.write().await?;
    // Whoever makes an operator's key beside this waits, and finds the new master key.
    account::lock_all(&mut tx).await?;
    let mut kept = former_key::all(&mut tx).await?;
    // Their order is that of these moments, also where the clock was put back.
    let latest = kept.iter().map(|former| former.retired_at.as_millis() + 1).max();
    let now = latest.map_or(now, |latest| now.max(Timestamp::from_millis(latest)));
    for former in &mut kept {
        *former = next.reseal_former(former, before, &mut rng())?;
    }
    kept.push(next.seal_former(before, now, &mut rng()));
    for former in &kept {
        former_key::put(&mut tx, former).await?;
    }
    let of_servers = reseal_secrets(&mut tx, before, &next).await?;
    let of_alerts = reseal_alerts(&mut tx, before, &next).await?;
    note(&mut tx, &next.after(kept)?, now, "key rotate").await?;
    tx.commit().await?;
    Ok(Rotated::Done {
        secrets: of_servers.sealed + of_alerts.sealed,
        unreadable: of_servers.unreadable + of_alerts.unreadable,
    })
}

/// What became of sealed values.
#[derive(Default)]
struct Resealed {
    sealed: u64,
    unreadable: u64,
}

async fn reseal_secrets(tx: &mut Tx, before: &Vault, next: &Vault) -> anyhow::Result<Resealed> {
    let mut resealed = Resealed::default();
    let mut last: Option<SecretPlace> = None;
    loop {
        let page = secret::page_of_all(tx, last.as_ref(), PAGE_LEN).await?;
        let Some(end) = page.last() else { return Ok(resealed) };
        last = Some(end.place.clone());
        for found in page {
            let Some(value) = before.open_secret(&found) else {
                resealed.unreadable += 1;
                continue;
            };
            let sealed = next.seal_secret(&found.place, &value, &mut rng())?;
            secret::reseal(tx, &found.place, next.id(), &sealed).await?;
            resealed.sealed += 1;
        }
    }
}

async fn reseal_alerts(tx: &mut Tx, before: &Vault, next: &Vault) -> anyhow::Result<Resealed> {
    let mut resealed = Resealed::default();
    let mut last: Option<WorkspaceId> = None;
    loop {
        let page = alert::page_of_all(tx, last.as_ref(), PAGE_LEN).await?;
        let Some(end) = page.last() else { return Ok(resealed) };
        last = Some(end.workspace.clone());
        for found in page {
            let Some(secret) = before.open_signing(&found) else {
                resealed.unreadable += 1;
                continue;
            };
            let sealed = next.seal_signing(&found.workspace, &secret, &mut rng())?;
            alert::reseal(tx, &found.workspace, next.id(), &sealed).await?;
            resealed.sealed += 1;
        }
    }
}

/// Forgets what nobody can open any more, and begins anew.
async fn forget(store: &Store, next: Vault, now: Timestamp) -> anyhow::Result<Rotated> {
    let mut tx = store.write().await?;
    account::lock_all(&mut tx).await?;
    let secrets = secret::delete_all(&mut tx).await? + alert::forget_all_secrets(&mut tx).await?;
    former_key::delete_all(&mut tx).await?;
    // In the place of the lost key stands one that nobody ever had: nothing of its time verifies.
    let mut nobodys = Zeroizing::new([0u8; MASTER_KEY_LEN]);
    rng().fill_bytes(&mut nobodys[..]);
    let former = next.seal_former(&Vault::new(&nobodys), now, &mut rng());
    former_key::put(&mut tx, &former).await?;
    note(&mut tx, &next.after(vec![former])?, now, "key rotate --lost").await?;
    tx.commit().await?;
    Ok(Rotated::Forgotten { secrets })
}

/// Says so at the end of every chain, under the new key: so whoever has the old one can change no row
/// before it unnoticed.
async fn note(tx: &mut Tx, vault: &Vault, at: Timestamp, detail: &str) -> anyhow::Result<()> {
    let event = AuditEvent {
        at,
        actor: ACTOR.to_owned(),
        action: Action::MasterKeyRotated,
        object: vault.id().to_owned(),
        detail: detail.to_owned(),
    };
    for chain in audit::chains(tx).await? {
        audit::append(tx, vault.audit_key(), vault.audit_key_id(), &chain, &event).await?;
    }
    Ok(())
}

/// Lets the new key take the old one's place. A file whose key is set elsewhere from now on is put aside.
fn put_in_place(config: &Config) -> anyhow::Result<()> {
    let folder = &config.data_dir;
    if config.next_master_key.is_none() {
        return Ok(key_file::swap(folder)?);
    }
    if config.master_key.is_none() && key_file::find(folder, MASTER_KEY_FILE)?.is_some() {
        key_file::set_aside(folder)?;
        key_file::remove(folder)?;
    }
    Ok(())
}
