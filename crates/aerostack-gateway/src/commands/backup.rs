//! `backup` and `restore`, with the words that go with them.

use std::path::Path;

use crate::clock::Clock;
use crate::config::Config;
use crate::store::backup;
use crate::store::lease::{Doing, Lease};
use crate::telemetry;
use crate::vault::MASTER_KEY_FILE;

use super::ground;

/// Writes a backup, also beside a running gateway.
///
/// # Errors
/// Whatever [`backup::write`] refuses.
pub async fn write(config: &Config, file: &Path) -> anyhow::Result<()> {
    let copied = backup::write(&config.database, file, config.limits.database_timeout).await?;
    telemetry::say(&format!(
        "✓ {} rows of {} tables are in {}.\nThe master key is not: keep {} (or AEROSTACK_MASTER_KEY) elsewhere. \
         Without it nothing that was sealed can be opened or verified.",
        copied.rows,
        copied.tables,
        file.display(),
        config.data_dir.join(MASTER_KEY_FILE).display(),
    ));
    Ok(())
}

/// Fills an empty database from a backup. It takes the lease.
///
/// # Errors
/// Whatever is wrong with folder or lease, or [`backup::read`] refuses.
pub async fn restore(config: &Config, file: &Path) -> anyhow::Result<()> {
    ground::prepare_folder(config)?;
    let (now, timeout) = (Clock::system().now(), config.limits.database_timeout);
    let lease = Lease::take(&config.database, Doing::Restore, now, timeout).await?;
    let copied = backup::read(file, &config.database, &config.data_dir, timeout, &lease).await;
    lease.release().await;
    let copied = copied?;
    telemetry::say(&format!("✓ {} rows of {} tables were restored.", copied.rows, copied.tables));
    let key = config.data_dir.join(MASTER_KEY_FILE);
    if config.master_key.is_none() && !key.try_exists()? {
        telemetry::say(&format!(
            "The master key is not in a backup: put it at {} before serving.",
            key.display()
        ));
    }
    Ok(())
}
