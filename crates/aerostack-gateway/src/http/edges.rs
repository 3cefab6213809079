//! The threads that serve connections: one for each core, each with a runtime of its own.
//!
//! What a connection needs happens on one thread: its own task, and those of the connections to servers that it
//! uses. A request then wakes nobody on another core, which costs more than most requests themselves. What has
//! no connection (writers, timers, the accept loop) stays with the runtime that started all this.

use std::cell::Cell;
use std::future::Future;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tokio::runtime::{Builder, Handle};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Most places where something can be done: the edges, and everywhere else, which is the first.
pub const EDGES_MAX: usize = 33;
/// Threads of each edge for work that blocks.
const BLOCKING_THREADS: usize = 16;

thread_local! {
    static HERE: Cell<usize> = const { Cell::new(0) };
}

/// The number of the edge whose thread this is; 0 for any other thread, and below [`EDGES_MAX`].
#[must_use]
pub fn here() -> usize {
    HERE.get()
}

/// The edges of one gateway. Dropped, they end, and with them what they still have to do.
pub struct Edges {
    handles: Vec<Handle>,
    next: AtomicUsize,
    ended: CancellationToken,
}

impl Edges {
    /// Has no threads: connections are served where they are accepted.
    #[must_use]
    pub fn none() -> Self {
        Self { handles: Vec::new(), next: AtomicUsize::new(0), ended: CancellationToken::new() }
    }

    /// Starts one for each core.
    ///
    /// # Errors
    /// When threads cannot be had.
    pub fn start() -> io::Result<Self> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let mut edges = Self::none();
        for number in 1..=cores.min(EDGES_MAX - 1) {
            let runtime =
                Builder::new_current_thread().max_blocking_threads(BLOCKING_THREADS).enable_all().build()?;
            edges.handles.push(runtime.handle().clone());
            let ended = edges.ended.clone();
            thread::Builder::new().name(format!("edge-{number}")).spawn(move || {
                HERE.set(number);
                runtime.block_on(ended.cancelled());
                runtime.shutdown_background();
            })?;
        }
        Ok(edges)
    }

    /// Spawns a connection's task, on one edge after the other.
    pub(super) fn spawn<F>(&self, tracker: &TaskTracker, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        match self.handles.get(turn % self.handles.len().max(1)) {
            Some(handle) => tracker.spawn_on(task, handle),
            None => tracker.spawn(task),
        };
    }
}

impl Drop for Edges {
    fn drop(&mut self) {
        self.ended.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn tasks_take_turns_on_threads_of_their_own() {
        let (edges, tracker) = (Edges::start().unwrap(), TaskTracker::new());
        let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
        for _ in 0..edges.handles.len() {
            let told = told.clone();
            edges.spawn(&tracker, async move { told.send(here()).unwrap() });
        }
        drop(told);
        let mut places = Vec::new();
        while let Some(place) = heard.recv().await {
            places.push(place);
        }
        places.sort_unstable();
        assert_eq!(places, (1..=edges.handles.len()).collect::<Vec<_>>());
        assert_eq!(here(), 0);
    }

    #[tokio::test]
    async fn what_is_left_ends_with_them() {
        let (edges, tracker) = (Edges::start().unwrap(), TaskTracker::new());
        edges.spawn(&tracker, std::future::pending());
        tracker.close();
        drop(edges);
        tracker.wait().await;
    }
}
