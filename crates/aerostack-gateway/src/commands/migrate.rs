//! `migrate`: the schema, brought up to date without serving.

use anyhow::Context;

use super::ground;
use crate::clock::Clock;
use crate::config::Config;
use crate::store::lease::{Doing, Lease};
use crate::telemetry;

/// Applies what is missing. It takes the lease: the schema does not change under a running gateway.
///
/// # Errors
/// Whatever is wrong with folder, lease or database.
pub async fn run(config: &Config) -> anyhow::Result<()> {
    ground::prepare_folder(config)?;
    let (now, timeout) = (Clock::system().now(), config.limits.database_timeout);
    let lease = Lease::take(&config.database, Doing::Migrate, now, timeout).await?;
    let applied = apply(config).await;
    lease.release().await;
    match applied? {
        0 => telemetry::say("The schema is up to date."),
        count => telemetry::say(&format!("✓ The schema is up to date; migrations applied: {count}.")),
    }
    Ok(())
}

async fn apply(config: &Config) -> anyhow::Result<usize> {
    let store = ground::open(config).await?;
    let applied = store.migrate().await.context("the database's schema cannot be brought up to date");
    store.close().await;
    applied
}
