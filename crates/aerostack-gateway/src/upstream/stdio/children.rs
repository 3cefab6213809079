//! All programs of the gateway: how many there may be, how large, and that none is left.
//!
//! Programs are started by a thread that does nothing else: starting takes a while, and the kernel ends a
//! program with the very thread that started it, so it has to be one that lives as long as the gateway.

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use aerostack_core::id::InstallId;
use tokio::process::{Child, Command};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot};
use tokio_util::sync::CancellationToken;

use super::super::error::UpstreamError;
use super::child::Doom;
use super::record;
use super::system::{self, Process, Told};
use crate::config::{Config, Limits};

/// The folder of programs in the data folder.
const FOLDER: &str = "stdio";
/// Time between two looks at how large programs are.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Looks at what is left of a group after its program is gone.
const LOOKS_AFTER_END: u32 = 20;
/// Time to wait for a place: one that is ended gives its own back in this time.
const PLACE_TIMEOUT: Duration = Duration::from_secs(7);
/// Time for programs to go when the gateway stops, once they were made to.
const KILLED_WITHIN: Duration = Duration::from_secs(1);

/// All programs of one gateway.
pub(in super::super) struct Children {
    launcher: PathBuf,
    folder: PathBuf,
    limits: Limits,
    places: Arc<Semaphore>,
    state: Mutex<State>,
    changed: Notify,
    starter: SyncSender<Start>,
    is_watched: AtomicBool,
}

#[derive(Default)]
struct State {
    running: HashMap<u32, Kept>,
    /// Groups whose program is gone, and how many more looks each gets.
    former: VecDeque<(u32, u32)>,
    /// How many clients an install has: one, or for a moment the one before as well.
    clients: HashMap<InstallId, usize>,
}

/// A program that runs.
struct Kept {
    ending: CancellationToken,
    doom: Doom,
}

/// A program to be started.
struct Start {
    command: Command,
    runtime: tokio::runtime::Handle,
    started: oneshot::Sender<std::io::Result<Child>>,
}

impl Children {
    /// Ends what a gateway before has left, and makes ready to run programs if that is allowed.
    ///
    /// It blocks for as long as a look at all processes takes.
    pub(in super::super) fn new(config: &Config) -> Option<Arc<Self>> {
        let folder = config.data_dir.join(FOLDER);
        match record::end_what_is_left(&folder) {
            0 => {}
            ended => tracing::info!(ended, "programs that an earlier gateway had left were ended"),
        }
        let launcher = config.stdio.as_ref()?.launcher.clone();
        let (starter, starts) = sync_channel(config.limits.stdio_children);
        let thread =
            std::thread::Builder::new().name("stdio-starter".into()).spawn(move || start_all(&starts));
        if let Err(error) = thread {
            tracing::error!(%error, "no thread to start programs with");
            return None;
        }
        Some(Arc::new(Self {
            launcher,
            folder,
            limits: config.limits,
            places: Arc::new(Semaphore::new(config.limits.stdio_children)),
            state: Mutex::default(),
            changed: Notify::new(),
            starter,
            is_watched: AtomicBool::new(false),
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The gateway's own program.
    pub(super) fn launcher(&self) -> &Path {
        &self.launcher
    }

    /// Where programs write themselves down.
    pub(super) fn records(&self) -> PathBuf {
        record::folder(&self.folder)
    }

    /// The private folder of one install.
    pub(super) fn folder_of(&self, install: &InstallId) -> PathBuf {
        self.folder.join(install.as_str())
    }

    /// Counts a client of an install, whose folder is needed from now on.
    pub(super) fn need_folder(&self, install: &InstallId) {
        *self.state().clients.entry(install.clone()).or_default() += 1;
    }

    /// Counts one less. Nobody's folder goes if nothing was put into it; what a program has kept stays.
    pub(super) fn leave_folder(&self, install: &InstallId) {
        let mut state = self.state();
        let left = state.clients.get_mut(install).map_or(0, |clients| {
            *clients -= 1;
            *clients
        });
        if left == 0 {
            state.clients.remove(install);
            let _ = std::fs::remove_dir(self.folder_of(install));
        }
    }

    /// A place for one more program; one that is being ended is waited for.
    ///
    /// # Errors
    /// [`UpstreamError::Busy`] when there is none.
    pub(super) async fn place(&self) -> Result<OwnedSemaphorePermit, UpstreamError> {
        let place = tokio::time::timeout(PLACE_TIMEOUT, self.places.clone().acquire_owned()).await;
        place.ok().and_then(Result::ok).ok_or_else(|| {
            UpstreamError::Busy(format!("{} programs run on this gateway", self.limits.stdio_children))
        })
    }

    /// Starts a program; dropped before it is handed over, it is ended.
    ///
    /// # Errors
    /// When the operating system starts none.
    pub(super) async fn start(&self, command: Command) -> std::io::Result<Child> {
        let (started, starting) = oneshot::channel();
        let runtime = tokio::runtime::Handle::current();
        if self.starter.try_send(Start { command, runtime, started }).is_err() {
            return Err(std::io::Error::other("too many programs are being started"));
        }
        starting.await.unwrap_or_else(|_| Err(std::io::Error::other("the gateway stops")))
    }

    /// Keeps an eye on a program from now on.
    pub(super) fn keep(self: &Arc<Self>, pid: u32, ending: CancellationToken, doom: Doom) {
        let mut state = self.state();
        state.former.retain(|(group, _)| *group != pid);
        state.running.insert(pid, Kept { ending, doom });
        count(&state);
        drop(state);
        if !self.is_watched.swap(true, Ordering::AcqRel) {
            tokio::spawn(watch(Arc::downgrade(self)));
        }
    }

    /// Forgets a program that has ended.
    pub(super) async fn let_go(&self, pid: u32) {
        // Whatever the record said, it is gone.
        let _ = tokio::fs::remove_file(record::path(&self.folder, pid)).await;
        let mut state = self.state();
        state.running.remove(&pid);
        state.former.push_back((pid, LOOKS_AFTER_END));
        count(&state);
        drop(state);
        self.changed.notify_waiters();
    }

    /// Ends all programs: politely, and what is left after `limit` at once.
    pub(in super::super) async fn end_all(&self, limit: Duration) {
        for kept in self.state().running.values() {
            kept.ending.cancel();
        }
        if tokio::time::timeout(limit, self.until_none_runs()).await.is_ok() {
            return;
        }
        let left: Vec<u32> = self.state().running.keys().copied().collect();
        tracing::warn!(programs = left.len(), "programs that did not end in time were made to");
        for pid in left {
            system::tell_group(pid, Told::Kill);
        }
        let _ = tokio::time::timeout(KILLED_WITHIN, self.until_none_runs()).await;
    }

    async fn until_none_runs(&self) {
        loop {
            let changed = self.changed.notified();
            if self.state().running.is_empty() {
                return;
            }
            changed.await;
        }
    }

    /// Looks at how large every program is; tells whether there is anything to look at any more.
    fn look(&self, all: &[Process]) -> bool {
        let limit_bytes = self.limits.stdio_memory_bytes as u64;
        let mut pages: HashMap<u32, u64> = HashMap::new();
        for process in all {
            *pages.entry(process.group).or_default() += process.resident_pages;
        }
        let mut state = self.state();
        for (pid, kept) in &state.running {
            let bytes = pages.get(pid).copied().unwrap_or(0).saturating_mul(system::page_bytes());
            if bytes > limit_bytes {
                let [used, limit] = [bytes, limit_bytes].map(|bytes| bytes / 1_048_576);
                kept.doom.seal(format!("the program used {used} MiB of memory, more than its {limit} MiB"));
                system::tell_group(*pid, Told::Kill);
            }
        }
        // Where the gateway is the first process of all, orphans become its own.
        let own = std::process::id();
        let is_ours = |group: u32| {
            state.running.contains_key(&group) || state.former.iter().any(|(former, _)| *former == group)
        };
        let orphans = all.iter().filter(|process| {
            process.is_zombie
                && process.parent == own
                && process.pid != process.group
                && is_ours(process.group)
        });
        orphans.for_each(|orphan| system::bury(orphan.pid));
        state.former.iter_mut().for_each(|(_, looks)| *looks -= 1);
        state.former.retain(|(_, looks)| *looks > 0);
        !state.running.is_empty() || !state.former.is_empty()
    }
}

fn count(state: &State) {
    #[expect(clippy::cast_precision_loss, reason = "gauges are floating point; counts stay far below 2^53")]
    metrics::gauge!("aerostack_stdio_children").set(state.running.len() as f64);
}

/// Starts one program after the other, until the gateway is gone.
fn start_all(starts: &Receiver<Start>) {
    while let Ok(Start { mut command, runtime, started }) = starts.recv() {
        let _within = runtime.enter();
        // Whoever gave up meanwhile lets go of it, which ends it.
        let _ = started.send(command.spawn());
    }
}

async fn watch(children: Weak<Children>) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let Ok(all) = tokio::task::spawn_blocking(Process::all).await else { return };
        let Some(children) = children.upgrade() else { return };
        if !children.look(&all) {
            children.is_watched.store(false, Ordering::Release);
            // One that was begun in this moment found it watched.
            if children.state().running.is_empty() || children.is_watched.swap(true, Ordering::AcqRel) {
                return;
            }
        }
    }
}
