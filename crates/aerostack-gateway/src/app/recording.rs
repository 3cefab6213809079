//! Recording calls while the gateway runs: starting its writers, its figures, and its end.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::App;
use crate::config::{Config, Database};
use crate::recorder::calls::{CallWriter, Ground};
use crate::recorder::forgetting;
use crate::recorder::room::Room;
use crate::recorder::uses::UseWriter;

impl App {
    /// Starts what writes behind the calls.
    pub(super) fn start_recording(self: &Arc<Self>, uses: UseWriter, calls: CallWriter) {
        let (store, every) = (self.store.clone(), self.config.limits.last_used_every);
        self.writers.spawn(uses.run(store, every, self.recording_ends.clone()));
        let app = Arc::clone(self);
        let ground = Ground {
            store: self.usage.clone(),
            clock: self.clock.clone(),
            room: room(&self.config),
            dropping: Box::new(move || app.grants.dropping()),
        };
        self.writers.spawn(calls.run(ground, self.recording_ends.clone()));
        let (usage, clock) = (self.usage.clone(), self.clock.clone());
        self.tasks.spawn(forgetting::run(usage, clock, self.stopping.clone()));
    }

    /// Has what is left written, and closes both stores, within `limit`.
    pub(super) async fn end_recording(&self, limit: Duration) {
        self.recording_ends.cancel();
        self.writers.close();
        let written = async {
            self.writers.wait().await;
            self.usage.close().await;
            self.store.close().await;
        };
        if tokio::time::timeout(limit, written).await.is_err() {
            tracing::warn!("what was left to write was not written in time");
        }
    }

    pub(super) fn measure_recording(&self) {
        let (recorder, figures) = (&self.recorder, self.recorder.figures());
        let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        metrics::counter!("aerostack_uses_dropped_total").absolute(recorder.uses_dropped());
        metrics::counter!("aerostack_calls_recorded_total").absolute(count(&figures.recorded));
        metrics::counter!("aerostack_calls_set_aside_total").absolute(count(&figures.set_aside));
        let waiting = u32::try_from(recorder.calls_waiting()).unwrap_or(u32::MAX);
        metrics::gauge!("aerostack_calls_waiting").set(f64::from(waiting));
        let is_paused = figures.paused.load(Ordering::Relaxed);
        metrics::gauge!("aerostack_recording_paused").set(if is_paused { 1.0 } else { 0.0 });
        for live in self.grants.dropping() {
            metrics::counter!("aerostack_calls_dropped_total", "workspace" => live.slug.clone())
                .absolute(live.calls_dropped());
        }
    }
}

/// The room that a store of calls beside the database has.
fn room(config: &Config) -> Room {
    match &config.database {
        Database::Sqlite(path) => Room::in_folder(folder_of(path), config.limits.free_space_bytes as u64),
        Database::Postgres(_) => Room::elsewhere(),
    }
}

fn folder_of(database: &Path) -> PathBuf {
    let folder = database.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}
