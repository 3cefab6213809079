//! What is written down of calls, behind them: so far, when each token was last used.
//!
//! A call only notes the moment in its grant and, the first time since the last write, puts the grant
//! into a bounded queue. A task writes what has gathered in one transaction. If the database does not
//! take it, the moments are lost and counted; calls never wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aerostack_core::id::TokenId;
use aerostack_core::time::Timestamp;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::grants::Grant;
use crate::store::{self, Store, StoreError};

/// Grants that may wait to be written.
const QUEUE_LEN: usize = 65_536;
/// Requests to write at once that may wait.
const FLUSHES_MAX: usize = 64;
/// How long whoever asked to write at once waits for it.
pub const FLUSH_WITHIN: Duration = Duration::from_secs(1);
/// Rows of one transaction.
const BATCH_LEN: usize = 1_000;

/// Takes notes of calls.
pub struct Recorder {
    used: mpsc::Sender<Arc<Grant>>,
    flushes: mpsc::Sender<oneshot::Sender<()>>,
    dropped: AtomicU64,
}

/// The writing end of a [`Recorder`].
pub struct Writer {
    used: mpsc::Receiver<Arc<Grant>>,
    flushes: mpsc::Receiver<oneshot::Sender<()>>,
}

impl Recorder {
    /// Makes a recorder and its writer, which must be run.
    #[must_use]
    pub fn new() -> (Self, Writer) {
        let (used, to_write) = mpsc::channel(QUEUE_LEN);
        let (flushes, to_flush) = mpsc::channel(FLUSHES_MAX);
        (Self { used, flushes, dropped: AtomicU64::new(0) }, Writer { used: to_write, flushes: to_flush })
    }

    /// Notes that a request of the grant was accepted.
    pub fn used(&self, grant: &Arc<Grant>, now: Timestamp) {
        if grant.note_use(now) && self.used.try_send(Arc::clone(grant)).is_err() {
            grant.take_last_use();
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Has written what was noted so far, so that a list shows it; gives up after [`FLUSH_WITHIN`].
    pub async fn flush(&self) {
        let (done, written) = oneshot::channel();
        let flushed = async {
            if self.flushes.send(done).await.is_ok() {
                let _ = written.await;
            }
        };
        // Without it the list is a few seconds behind, which nobody has to be told.
        let _ = tokio::time::timeout(FLUSH_WITHIN, flushed).await;
    }

    /// Notes that were dropped because the queue was full.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

impl Writer {
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
    store::token::touch(&mut tx, uses).await?;
    tx.commit().await
}
