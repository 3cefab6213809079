//! Which master key this database was sealed with, among those that may be at hand.
//!
//! Usually there is one. While a key is being replaced there are two, and the database says which of
//! them it is sealed under: everything in it changes its key in one transaction. So whenever that is
//! broken off, a start finds the right one.

use anyhow::Context;
use rand::Rng;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::ground::rng;
use crate::config::Config;
use crate::store::sealed::{self, Fit};
use crate::store::{Store, StoreError, alert, former_key, secret};
use crate::vault::key_file::{self, NEXT_KEY_FILE};
use crate::vault::{MASTER_KEY_FILE, MASTER_KEY_LEN, MasterKey, Vault, parse_master_key};

/// Where a master key stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In `AEROSTACK_MASTER_KEY`.
    Variable,
    /// In `master.key`.
    File,
    /// In `AEROSTACK_MASTER_KEY_NEW`.
    NextVariable,
    /// In `master.key.new`.
    NextFile,
}

/// The master key that is set, or kept in the data folder; `None` if there is none.
pub(super) fn present(config: &Config) -> anyhow::Result<Option<(Place, MasterKey)>> {
    if let Some(text) = &config.master_key {
        return Ok(Some((Place::Variable, read(text, "AEROSTACK_MASTER_KEY")?)));
    }
    Ok(key_file::find(&config.data_dir, MASTER_KEY_FILE)?.map(|master| (Place::File, master)))
}

/// The keys that are to take its place.
fn next(config: &Config) -> anyhow::Result<Vec<(Place, MasterKey)>> {
    let mut found = Vec::new();
    if let Some(text) = &config.next_master_key {
        found.push((Place::NextVariable, read(text, "AEROSTACK_MASTER_KEY_NEW")?));
    }
    if config.master_key.is_none()
        && let Some(master) = key_file::find(&config.data_dir, NEXT_KEY_FILE)?
    {
        found.push((Place::NextFile, master));
    }
    Ok(found)
}

fn read(text: &SecretString, name: &'static str) -> anyhow::Result<MasterKey> {
    parse_master_key(text.expose_secret()).context(name)
}

/// The vault of the key that fits the database, and where that key stands; `None` if none of them does.
pub(super) async fn fitting(config: &Config, store: &Store) -> anyhow::Result<Option<(Place, Vault)>> {
    // Read in this order: a key that is moved into place meanwhile is met in one place or the other.
    let next = next(config)?;
    for (place, master) in present(config)?.into_iter().chain(next) {
        if let Some(vault) = fits(store, &master).await? {
            return Ok(Some((place, vault)));
        }
    }
    Ok(None)
}

/// The vault of a key, if the database was sealed with it, or nothing in it is sealed.
async fn fits(store: &Store, master: &MasterKey) -> Result<Option<Vault>, StoreError> {
    let mut tx = store.read().await?;
    let former = former_key::all(&mut tx).await?;
    let was_replaced = !former.is_empty();
    let Ok(vault) = Vault::new(master).after(former) else { return Ok(None) };
    let fits = was_replaced
        || sealed::try_key(&mut tx, vault.audit_keys()).await? != Fit::DoesNotFit
        || secret::is_any_under(&mut tx, vault.id()).await?
        || alert::is_any_under(&mut tx, vault.id()).await?;
    Ok(fits.then_some(vault))
}

/// Reads the master key, or makes one if the database holds nothing that needs the old one.
///
/// A key that is missing or does not fit stops nothing, and none is written in its place: access must
/// be revocable also on the day the key is lost. It is said aloud, and what is sealed meanwhile under a
/// key that nobody keeps shows in the audit as what it is.
pub(super) async fn vault(config: &Config, store: &Store) -> anyhow::Result<Vault> {
    if let Some((place, vault)) = fitting(config, store).await? {
        tell_unfinished(config, place)?;
        return Ok(vault);
    }
    if let Some((_, master)) = present(config)? {
        tracing::error!(
            "the master key is not the one this database was sealed with; what was sealed before cannot be \
             opened or verified, servers that need a secret are not called, and no secret can be set"
        );
        return Ok(Vault::new(&master).not_fitting());
    }
    if !sealed::is_anything_sealed(&mut store.read().await?).await? {
        let made = key_file::find_or_make(&config.data_dir, MASTER_KEY_FILE, &mut rng())?;
        return Ok(Vault::new(&made));
    }
    tracing::error!(
        path = %config.data_dir.join(MASTER_KEY_FILE).display(),
        "the master key is missing; put it back or set AEROSTACK_MASTER_KEY. Until then nothing that \
         was sealed can be opened or verified, servers that need a secret are not called, no secret can be \
         set, and sessions and audit events are sealed under a key that ends with this process"
    );
    let mut passing = Zeroizing::new([0u8; MASTER_KEY_LEN]);
    rng().fill_bytes(&mut passing[..]);
    Ok(Vault::new(&passing).not_fitting())
}

/// Says what is left to do where a replacement of the key was broken off.
fn tell_unfinished(config: &Config, place: Place) -> anyhow::Result<()> {
    match place {
        Place::NextVariable => tracing::warn!(
            "the database is sealed under the key in AEROSTACK_MASTER_KEY_NEW; put it into AEROSTACK_MASTER_KEY"
        ),
        Place::File if key_file::find(&config.data_dir, NEXT_KEY_FILE)?.is_some() => tracing::warn!(
            "replacing the master key was broken off before anything was sealed anew; run `key rotate` \
             again, or remove {}",
            config.data_dir.join(NEXT_KEY_FILE).display()
        ),
        Place::Variable | Place::File | Place::NextFile => {}
    }
    Ok(())
}

/// Moves the next key's file into place, where the database is sealed under it already; tells whether
/// it was so. Needs the lease.
pub(super) async fn finish(config: &Config, store: &Store) -> anyhow::Result<bool> {
    let waits = matches!(fitting(config, store).await?, Some((Place::NextFile, _)));
    if waits {
        key_file::swap(&config.data_dir)?;
        tracing::info!("the new master key was moved into place, which had been broken off");
    }
    Ok(waits)
}
