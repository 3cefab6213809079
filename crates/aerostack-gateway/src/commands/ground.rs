//! What several commands stand on: the data folder, an open database, the master key.

use std::fs;
use std::path::Path;

use aerostack_core::audit::AuditKey;
use anyhow::Context;
use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use rand::{CryptoRng, Rng};
use secrecy::ExposeSecret;
use zeroize::Zeroizing;

use crate::clock::Clock;
use crate::config::{Config, Database};
use crate::store::lease::{Doing, Lease};
use crate::store::sealed::{self, Fit};
use crate::store::{Store, StoreError};
use crate::vault::{MASTER_KEY_FILE, MASTER_KEY_LEN, Vault, master_key_of, parse_master_key};

/// The operating system's generator.
pub(super) fn rng() -> impl CryptoRng {
    UnwrapErr(SysRng)
}

/// Makes the data folder (0700) unless it is there, and in it the database file (0600), so that nobody
/// else can read what SQLite would make readable.
pub(super) fn prepare_folder(config: &Config) -> anyhow::Result<()> {
    make_folder(&config.data_dir)?;
    if let Database::Sqlite(path) = &config.database {
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(path).with_context(|| format!("the database file {} cannot be made", path.display()))?;
    }
    Ok(())
}

fn make_folder(folder: &Path) -> anyhow::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).with_context(|| {
        format!("the data folder {} cannot be made; set --data-dir or AEROSTACK_DATA_DIR", folder.display())
    })
}

/// Opens the database; its schema is as it is.
pub(super) async fn open(config: &Config) -> anyhow::Result<Store> {
    let opened = Store::open(&config.database, config.limits.database_timeout).await;
    opened.context("the database cannot be opened (AEROSTACK_DATABASE_URL)")
}

/// Opens the database beside a running gateway.
///
/// If its schema is not this program's, nobody can be serving it with this program: then it is brought
/// up to date under the lease, as `serve` would.
pub(super) async fn open_current(config: &Config, clock: &Clock) -> anyhow::Result<Store> {
    prepare_folder(config)?;
    let store = open(config).await?;
    if !store.schema_is_current().await? {
        let timeout = config.limits.database_timeout;
        let lease = Lease::take(&config.database, Doing::Migrate, clock.now(), timeout).await;
        let lease =
            lease.context("the database's schema is not this program's, and cannot be changed now")?;
        store.migrate().await.context("the database's schema cannot be brought up to date")?;
        lease.release().await;
    }
    Ok(store)
}

/// Reads the master key, or makes one if the database holds nothing that needs the old one.
///
/// A key that is missing or does not fit stops nothing, and none is written in its place: access must
/// be revocable also on the day the key is lost. It is said aloud, and what is sealed meanwhile under a
/// key that nobody keeps shows in the audit as what it is.
pub(super) async fn vault(config: &Config, store: &Store) -> anyhow::Result<Vault> {
    let path = config.data_dir.join(MASTER_KEY_FILE);
    let master = match &config.master_key {
        Some(text) => parse_master_key(text.expose_secret()).context("AEROSTACK_MASTER_KEY")?,
        None if !path.try_exists()? && sealed::is_anything_sealed(&mut store.read().await?).await? => {
            tracing::error!(
                path = %path.display(),
                "the master key is missing; put it back or set AEROSTACK_MASTER_KEY. Until then nothing that \
                 was sealed can be opened or verified, and sessions and audit events are sealed under a key \
                 that ends with this process"
            );
            let mut passing = Zeroizing::new([0u8; MASTER_KEY_LEN]);
            rng().fill_bytes(&mut passing[..]);
            passing
        }
        None => master_key_of(&config.data_dir, &mut rng())?,
    };
    let vault = Vault::new(&master);
    if fit(store, vault.audit_key()).await? == Fit::DoesNotFit {
        tracing::error!(
            "the master key is not the one this database was sealed with; what was sealed before cannot be \
             opened or verified"
        );
    }
    Ok(vault)
}

/// How the key and the database fit.
pub(super) async fn fit(store: &Store, key: &AuditKey) -> Result<Fit, StoreError> {
    sealed::try_key(&mut store.read().await?, key).await
}
