//! The writer of calls: takes what has gathered, numbers it, writes it in one transaction, adds it up.
//! What is old is forgotten elsewhere ([`forgetting`](super::forgetting)).
//!
//! A batch that the database does not take is kept and tried again, so a locked database or a full
//! disk loses nothing but what no longer fits into the queue meanwhile. If it is one call that the
//! database refuses, that call is set aside and the others are written.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::numbering::Numbering;
use super::room::Room;
use super::{CallNote, Figures};
use crate::clock::Clock;
use crate::grants::LiveWorkspace;
use crate::store::StoreError;
use crate::store::usage::adding_up::{self, Dropped};
use crate::store::usage::calls::NumberedCall;
use crate::store::usage::{UsageStore, calls, names};

/// Time between writes; what is killed loses at most the calls of so long.
pub const WRITE_EVERY: Duration = Duration::from_millis(500);
/// Most calls of one transaction; never more than may wait for it.
const BATCH_LEN: usize = 4_096;
/// Time between additions to hours and days; until then reports add up single calls themselves.
const ADD_UP_EVERY: Duration = Duration::from_secs(5);
/// Most written calls that are remembered until they are added up; those beyond are read again.
const FRESH_MAX: usize = 65_536;
/// Remembered calls that are added up without waiting for the time.
const FRESH_ENOUGH: usize = FRESH_MAX / 2;
/// Time between looks at the disk.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How long a stopping gateway tries to write what is left.
const LAST_TRIES: Duration = Duration::from_secs(8);
const LAST_TRY_PAUSE: Duration = Duration::from_millis(200);

/// Writes calls.
pub struct CallWriter {
    waiting: mpsc::Receiver<CallNote>,
    flushes: mpsc::Receiver<oneshot::Sender<()>>,
    wake: Arc<Notify>,
    figures: Arc<Figures>,
}

/// What the writer works with.
pub struct Ground {
    /// Where calls are written.
    pub store: UsageStore,
    /// The time.
    pub clock: Clock,
    /// The room there is.
    pub room: Room,
    /// Workspaces that calls were dropped of.
    pub dropping: Box<dyn Fn() -> Vec<Arc<LiveWorkspace>> + Send>,
}

impl CallWriter {
    pub(super) const fn new(
        waiting: mpsc::Receiver<CallNote>,
        flushes: mpsc::Receiver<oneshot::Sender<()>>,
        wake: Arc<Notify>,
        figures: Arc<Figures>,
    ) -> Self {
        Self { waiting, flushes, wake, figures }
    }

    /// Writes what gathers until `stop`; then what is left, and returns.
    pub async fn run(self, ground: Ground, stop: CancellationToken) {
        let now = Instant::now();
        let mut work = Work {
            writer: self,
            ground,
            batch: Vec::new(),
            in_doubt: None,
            fresh: Vec::new(),
            numbering: Numbering::default(),
            is_failing: false,
            add_up_at: now + ADD_UP_EVERY,
            look_at: now,
            numbered_under: 0,
        };
        work.run(stop).await;
    }
}

struct Work {
    writer: CallWriter,
    ground: Ground,
    /// Taken from the queue and not written yet.
    batch: Vec<CallNote>,
    /// What was committed with nobody knows what outcome: the beginning of the batch, as it was written.
    in_doubt: Option<Vec<NumberedCall>>,
    /// Written and not added up, as far as it is remembered; by number, without a gap.
    fresh: Vec<NumberedCall>,
    numbering: Numbering,
    is_failing: bool,
    add_up_at: Instant,
    look_at: Instant,
    /// What the store said of its numbers when those that are known were looked up.
    numbered_under: u64,
}

impl Work {
    async fn run(&mut self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(WRITE_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let wake = Arc::clone(&self.writer.wake);
        loop {
            let first = tokio::select! {
                _ = ticks.tick() => None,
                () = wake.notified() => None,
                waiting = self.writer.flushes.recv() => waiting,
                () = stop.cancelled() => break,
            };
            // Whoever asked by now is answered by one write.
            let mut waiting: Vec<oneshot::Sender<()>> = first.into_iter().collect();
            while let Ok(another) = self.writer.flushes.try_recv() {
                waiting.push(another);
            }
            self.look_at_disk().await;
            let result = self.write_all().await;
            self.tell(result);
            for waiting in waiting {
                let _ = waiting.send(());
            }
            let result = self.keep_house().await;
            self.tell(result);
        }
        self.write_last().await;
    }

    /// A failure is told when it begins and when it ends, not at every attempt.
    fn tell(&mut self, result: Result<(), StoreError>) {
        match result {
            Ok(()) if self.is_failing => {
                self.is_failing = false;
                tracing::info!("calls are recorded again");
            }
            Err(error) if !self.is_failing => {
                self.is_failing = true;
                tracing::warn!(%error, "calls cannot be recorded now; they are kept and tried again");
            }
            Ok(()) | Err(_) => {}
        }
    }

    async fn look_at_disk(&mut self) {
        if Instant::now() < self.look_at {
            return;
        }
        self.look_at = Instant::now() + LOOK_EVERY;
        let is_short = self.ground.room.is_short().await;
        if self.writer.figures.paused.swap(is_short, Ordering::Relaxed) != is_short {
            if is_short {
                tracing::warn!("too little room is left on the disk: calls go on and are not recorded");
            } else {
                tracing::info!("there is room on the disk again: calls are recorded");
            }
        }
    }

    async fn write_all(&mut self) -> Result<(), StoreError> {
        // Also without room for calls: a report of nothing is a report.
        if !self.ground.store.is_migrated() {
            let migrated = self.ground.store.migrate().await;
            if !self.is_paused() {
                migrated?;
            }
        }
        if self.is_paused() {
            self.drop_waiting();
            return Ok(());
        }
        let batch_len = BATCH_LEN.min(self.writer.waiting.max_capacity());
        loop {
            while self.batch.len() < batch_len {
                let Ok(note) = self.writer.waiting.try_recv() else { break };
                self.batch.push(note);
            }
            if self.batch.is_empty() {
                return Ok(());
            }
            self.write_batch().await?;
        }
    }

    fn is_paused(&self) -> bool {
        self.writer.figures.paused.load(Ordering::Relaxed)
    }

    /// What was taken from the queue already stays: it may have been written.
    fn drop_waiting(&mut self) {
        while let Ok(note) = self.writer.waiting.try_recv() {
            note.grant.workspace.drop_call();
        }
    }

    /// Writes the batch; where single calls spoil it, without those.
    async fn write_batch(&mut self) -> Result<(), StoreError> {
        if let Some(doubtful) = &self.in_doubt {
            let (is_there, len) = (is_there(&self.ground.store, doubtful).await?, doubtful.len());
            self.in_doubt = None;
            if is_there {
                self.written(len);
            }
        }
        let mut len = self.batch.len();
        while !self.batch.is_empty() {
            len = len.min(self.batch.len());
            match self.write_first(len).await {
                Ok(()) => self.written(len),
                Err(error) if is_of_a_row(&error) && len == 1 => {
                    tracing::warn!(%error, "a call cannot be recorded and is set aside");
                    let note = self.batch.remove(0);
                    note.grant.workspace.drop_call();
                    self.writer.figures.set_aside.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) if is_of_a_row(&error) => len /= 2,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn written(&mut self, len: usize) {
        self.batch.drain(..len);
        self.writer.figures.recorded.fetch_add(len as u64, Ordering::Relaxed);
    }

    async fn write_first(&mut self, len: usize) -> Result<(), StoreError> {
        let result = self.try_write_first(len).await;
        if result.is_err() {
            self.numbering.forget();
        }
        result
    }

    async fn try_write_first(&mut self, len: usize) -> Result<(), StoreError> {
        let mut tx = self.ground.store.write().await?;
        calls::lock(&mut tx).await?;
        let numbering = self.ground.store.numbering();
        if std::mem::replace(&mut self.numbered_under, numbering) != numbering {
            self.numbering.forget();
        }
        let mut numbered = Vec::with_capacity(len);
        for note in &self.batch[..len] {
            numbered.push(self.numbering.number(&mut tx, note).await?);
        }
        calls::append(&mut tx, &mut numbered).await?;
        let result = tx.commit().await;
        match &result {
            Ok(()) => self.remember(&numbered),
            Err(StoreError::OutcomeUnknown(_)) => self.in_doubt = Some(numbered),
            Err(_) => {}
        }
        result
    }

    fn remember(&mut self, written: &[NumberedCall]) {
        let follows = match (self.fresh.last(), written.first()) {
            (Some(last), Some(first)) => last.id + 1 == first.id,
            _ => true,
        };
        if !follows || self.fresh.len() + written.len() > FRESH_MAX {
            self.fresh.clear();
        }
        self.fresh.extend_from_slice(written);
    }

    /// Adds up, when it is time for it.
    async fn keep_house(&mut self) -> Result<(), StoreError> {
        if !self.ground.store.is_migrated() || !self.batch.is_empty() || self.is_paused() {
            return Ok(());
        }
        if Instant::now() >= self.add_up_at || self.fresh.len() >= FRESH_ENOUGH {
            self.add_up_at = Instant::now() + ADD_UP_EVERY;
            if self.add_up().await? > 0 {
                self.add_up_at = Instant::now();
            }
        }
        Ok(())
    }

    /// One step; gives how many calls are left to add up.
    async fn add_up(&mut self) -> Result<i64, StoreError> {
        let mut dropping = (self.ground.dropping)();
        dropping.retain(|live| live.calls_dropped_unwritten() > 0);
        let now = self.ground.clock.now();
        let mut tx = self.ground.store.write().await?;
        let state = calls::state(&mut tx).await?;
        if state.last_id == state.added_up_to && dropping.is_empty() {
            return Ok(0);
        }
        calls::lock(&mut tx).await?;
        let mut dropped = Vec::with_capacity(dropping.len());
        for live in &dropping {
            let workspace = names::number_workspace(&mut tx, &live.id).await?;
            dropped.push(Dropped { workspace, at: now, calls: live.calls_dropped_unwritten() });
        }
        let added = adding_up::step(&mut tx, &self.fresh, &dropped).await?;
        tx.commit().await?;
        self.fresh = self.fresh.split_off(self.fresh.partition_point(|call| call.id <= added.up_to));
        dropping.iter().zip(&dropped).for_each(|(live, dropped)| live.note_drops_written(dropped.calls));
        Ok(added.left)
    }

    async fn write_last(&mut self) {
        let until = Instant::now() + LAST_TRIES;
        loop {
            let Err(error) = self.write_all().await else { break };
            if Instant::now() >= until {
                let lost = self.batch.len() + self.writer.waiting.len();
                tracing::error!(%error, calls = lost, "calls could not be recorded before the end");
                return;
            }
            tokio::time::sleep(LAST_TRY_PAUSE).await;
        }
        // Without room it was taken from the queue and could not be written.
        if self.in_doubt.is_none() {
            self.batch.drain(..).for_each(|note| note.grant.workspace.drop_call());
        }
        // What was dropped is known in memory alone until it is added up.
        if let Err(error) = self.add_up().await {
            tracing::warn!(%error, "how many calls were not recorded could not be noted before the end");
        }
    }
}

/// Tells whether calls stand under their numbers: somebody else's might.
async fn is_there(store: &UsageStore, doubtful: &[NumberedCall]) -> Result<bool, StoreError> {
    let (Some(first), Some(last)) = (doubtful.first(), doubtful.last()) else { return Ok(false) };
    let mut tx = store.read().await?;
    Ok(calls::by_number(&mut tx, first.id - 1, last.id).await? == doubtful)
}

/// Tells whether one row is to blame, rather than the database as it is now: PostgreSQL's classes 22 and
/// 23, SQLite's "too big", "constraint" and "mismatch".
fn is_of_a_row(error: &StoreError) -> bool {
    match error {
        StoreError::Conflict => true,
        StoreError::Engine(sqlx::Error::Encode(_)) => true,
        StoreError::Engine(sqlx::Error::Database(database)) => database.code().is_some_and(|code| {
            let primary = code.parse::<u32>().map(|code| code & 0xff);
            if code.len() == 5 {
                code.starts_with("22") || code.starts_with("23")
            } else {
                matches!(primary, Ok(18..=20))
            }
        }),
        _ => false,
    }
}
