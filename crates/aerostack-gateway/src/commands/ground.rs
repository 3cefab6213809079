//! What several commands stand on: the data folder, an open database.

use std::fs;
use std::path::Path;

use anyhow::Context;
use rand::CryptoRng;
use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;

use crate::clock::Clock;
use crate::config::{Config, Database};
use crate::store::Store;
use crate::store::lease::{Doing, Lease};
use crate::store::usage::open::file_beside;

/// The operating system's generator.
pub(super) fn rng() -> impl CryptoRng {
    UnwrapErr(SysRng)
}

/// Makes the data folder (0700) unless it is there, and in it the database's files (0600), so that nobody
/// else can read what SQLite would make readable.
pub(super) fn prepare_folder(config: &Config) -> anyhow::Result<()> {
    make_folder(&config.data_dir)?;
    if let Database::Sqlite(path) = &config.database {
        make_file(path)?;
        make_file(&file_beside(path))?;
    }
    Ok(())
}

fn make_file(path: &Path) -> anyhow::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).with_context(|| format!("the database file {} cannot be made", path.display()))?;
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
        let migrated = store.migrate().await;
        lease.release().await;
        migrated.context("the database's schema cannot be brought up to date")?;
    }
    Ok(store)
}
