//! What is written down of calls, behind them: each call, and when each token was last used.
//!
//! A request only hands over a note; tasks write what has gathered, so requests never wait. What does
//! not fit is dropped and counted.

pub mod calls;
pub mod forgetting;
pub mod numbering;
pub mod room;
pub mod uses;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aerostack_core::time::Timestamp;
use aerostack_core::usage::Measured;
use tokio::sync::{Notify, mpsc, oneshot};

use crate::grants::Grant;
use crate::snapshot::CountedTool;
use calls::CallWriter;
use uses::UseWriter;

/// Grants that may wait for their last use to be written.
const USES_MAX: usize = 65_536;
/// Requests to write at once that may wait.
const FLUSHES_MAX: usize = 64;
/// How long whoever asked to write at once waits for it.
pub const FLUSH_WITHIN: Duration = Duration::from_secs(1);

/// A call that has ended.
#[derive(Clone)]
pub struct CallNote {
    /// Whose it was.
    pub grant: Arc<Grant>,
    /// What it is counted as.
    pub tool: Arc<CountedTool>,
    /// What the client called itself.
    pub client: Option<Arc<str>>,
    /// What was measured.
    pub measured: Measured,
}

/// Takes notes of calls.
pub struct Recorder {
    used: mpsc::Sender<Arc<Grant>>,
    uses_dropped: AtomicU64,
    uses_flushes: mpsc::Sender<oneshot::Sender<()>>,
    calls: mpsc::Sender<CallNote>,
    calls_flushes: mpsc::Sender<oneshot::Sender<()>>,
    wake: Arc<Notify>,
    figures: Arc<Figures>,
    clients: numbering::Clients,
}

/// What the writer of calls tells of itself.
#[derive(Debug, Default)]
pub struct Figures {
    /// Calls that were written.
    pub recorded: AtomicU64,
    /// Calls that the database would not take by themselves.
    pub set_aside: AtomicU64,
    /// Whether too little room is left on the disk.
    pub paused: std::sync::atomic::AtomicBool,
}

impl Recorder {
    /// Makes a recorder and its writers, which must be run. At most `calls_waiting` calls may wait.
    #[must_use]
    pub fn new(calls_waiting: usize) -> (Self, UseWriter, CallWriter) {
        let (used, uses) = mpsc::channel(USES_MAX);
        let (uses_flushes, flush_uses) = mpsc::channel(FLUSHES_MAX);
        let (calls, waiting) = mpsc::channel(calls_waiting.max(1));
        let (calls_flushes, flush_calls) = mpsc::channel(FLUSHES_MAX);
        let (wake, figures) = (Arc::new(Notify::new()), Arc::new(Figures::default()));
        let use_writer = UseWriter::new(uses, flush_uses);
        let call_writer = CallWriter::new(waiting, flush_calls, Arc::clone(&wake), Arc::clone(&figures));
        let recorder = Self {
            used,
            uses_dropped: AtomicU64::new(0),
            uses_flushes,
            calls,
            calls_flushes,
            wake,
            figures,
            clients: numbering::Clients::default(),
        };
        (recorder, use_writer, call_writer)
    }

    /// Notes that a request of the grant was accepted.
    pub fn used(&self, grant: &Arc<Grant>, now: Timestamp) {
        if grant.note_use(now) && self.used.try_send(Arc::clone(grant)).is_err() {
            grant.take_last_use();
            self.uses_dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Notes a call that has ended. If too many wait, it is dropped and counted.
    pub fn call(&self, note: CallNote) {
        if let Err(refused) = self.calls.try_send(note) {
            refused.into_inner().grant.workspace.drop_call();
        }
        // Nobody waits for the queue itself: a wake-up for each call would cost more than its note.
        if self.calls.capacity() < self.calls.max_capacity() / 2 {
            self.wake.notify_one();
        }
    }

    /// The one text for what a client calls itself.
    #[must_use]
    pub fn client(&self, name: &str) -> Option<Arc<str>> {
        self.clients.find_or_keep(name)
    }

    /// Has written when tokens were last used, so that a list shows it; gives up after [`FLUSH_WITHIN`].
    pub async fn flush(&self) {
        flush(&self.uses_flushes).await;
    }

    /// Has written the calls that have ended, so that a report shows them; gives up after [`FLUSH_WITHIN`].
    pub async fn flush_calls(&self) {
        flush(&self.calls_flushes).await;
    }

    /// Notes of last use that were dropped because the queue was full.
    #[must_use]
    pub fn uses_dropped(&self) -> u64 {
        self.uses_dropped.load(Ordering::Relaxed)
    }

    /// Calls that wait to be written.
    #[must_use]
    pub fn calls_waiting(&self) -> usize {
        self.calls.max_capacity() - self.calls.capacity()
    }

    /// What the writer of calls tells of itself.
    #[must_use]
    pub fn figures(&self) -> &Figures {
        &self.figures
    }
}

async fn flush(flushes: &mpsc::Sender<oneshot::Sender<()>>) {
    let (done, written) = oneshot::channel();
    let flushed = async {
        if flushes.send(done).await.is_ok() {
            let _ = written.await;
        }
    };
    // Without it what is shown is a few seconds behind, which nobody has to be told.
    let _ = tokio::time::timeout(FLUSH_WITHIN, flushed).await;
}
