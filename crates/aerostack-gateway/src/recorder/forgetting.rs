//! Forgetting what is old, in a task of its own: a step that has to wait for somebody keeps no call from
//! being written.

use std::time::Duration;

use aerostack_core::usage::KEPT;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::store::StoreError;
use crate::store::usage::{UsageStore, names_unused, retention};

/// Time between searches for what is old.
const SEARCH_EVERY: Duration = Duration::from_secs(600);
/// Time between searches for names that nothing is left of.
const NAMES_EVERY: Duration = Duration::from_secs(86_400);
/// Pause between two steps.
const STEP_PAUSE: Duration = Duration::from_millis(20);
/// Time before a store that is not there yet is looked at again.
const OPEN_PAUSE: Duration = Duration::from_secs(1);

/// Forgets what is old until `stop`.
pub async fn run(store: UsageStore, clock: Clock, stop: CancellationToken) {
    tokio::select! {
        () = forget_again_and_again(&store, &clock) => {}
        () = stop.cancelled() => {}
    }
}

async fn forget_again_and_again(store: &UsageStore, clock: &Clock) {
    let mut names_at = Instant::now() + SEARCH_EVERY;
    loop {
        while !store.is_migrated() {
            tokio::time::sleep(OPEN_PAUSE).await;
        }
        let is_time_for_names = Instant::now() >= names_at;
        match forget(store, clock, is_time_for_names).await {
            Ok(()) if is_time_for_names => names_at = Instant::now() + NAMES_EVERY,
            Ok(()) => {}
            Err(error) => tracing::warn!(%error, "old calls could not be forgotten; that is tried again"),
        }
        tokio::time::sleep(SEARCH_EVERY).await;
    }
}

/// Calls and sums; then, if it is time for it, the names that nothing is left of.
async fn forget(store: &UsageStore, clock: &Clock, names_too: bool) -> Result<(), StoreError> {
    while retention::step(store, clock.now().minus(KEPT)).await? {
        tokio::time::sleep(STEP_PAUSE).await;
    }
    if !names_too {
        return Ok(());
    }
    let workspaces = names_unused::workspaces(&mut store.read().await?).await?;
    for workspace in workspaces {
        while names_unused::forget(store, workspace).await? > 0 {
            tokio::time::sleep(STEP_PAUSE).await;
        }
        tokio::time::sleep(STEP_PAUSE).await;
    }
    Ok(())
}
