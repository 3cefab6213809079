//! When tokens were last used.
//!
//! A request only notes the moment in its grant and, the first time since the last write, puts the
//! grant into a bounded queue. If the database does not take what has gathered, it is lost.

use std::sync::Arc;
use std::time::Duration;

use aerostack_core::id::TokenId;
use aerostack_core::time::Timestamp;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::grants::Grant;
use crate::store::{self, Store, StoreError};

/// Rows of one transaction.
const BATCH_LEN: usize = 1_000;

/// Writes when tokens were last used.
pub struct UseWriter {
    used: mpsc::Receiver<Arc<Grant>>,
    flushes: mpsc::Receiver<oneshot::Sender<()>>,
}

impl UseWriter {
    pub(super) const fn new(
        used: mpsc::Receiver<Arc<Grant>>,
        flushes: mpsc::Receiver<oneshot::Sender<()>>,
    ) -> Self {
        Self { used, flushes }
    }

    /// Writes what gathers, every `interval`, until `stop`; then what is left, and returns.
    pub async fn run(mut self, store: Store, interval: Duration, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(interval);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let (stopping, waiting) = tokio::select! {
                _ = ticks.tick() => (false, None),
                waiting = self.flushes.recv() => (false, waiting),
                () = stop.cancelled() => (true, None),
            };
            self.write_gathered(&store).await;
            if let Some(waiting) = waiting {
                let _ = waiting.send(());
            }
            if stopping {
                return;
            }
        }
    }

    async fn write_gathered(&mut self, store: &Store) {
        loop {
            let mut uses: Vec<(TokenId, Timestamp)> = Vec::new();
            while uses.len() < BATCH_LEN {
                let Ok(grant) = self.used.try_recv() else { break };
                uses.push((grant.token.clone(), grant.take_last_use()));
            }
            if uses.is_empty() {
                return;
            }
            if let Err(error) = write(store, &uses).await {
                tracing::warn!(%error, tokens = uses.len(), "when tokens were last used could not be written");
            }
        }
    }
}

async fn write(store: &Store, uses: &[(TokenId, Timestamp)]) -> Result<(), StoreError> {
    let mut tx = store.write().await?;
    store::token_activity::touch(&mut tx, uses).await?;
    tx.commit().await
}
