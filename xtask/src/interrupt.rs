//! Ctrl-C and SIGTERM: every child ends, then the command unwinds and clears up as after an error.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use anyhow::{Context, Result};
use tokio::signal::unix::{SignalKind, signal};

static HAPPENED: AtomicBool = AtomicBool::new(false);
static CHILDREN: Mutex<Vec<Target>> = Mutex::new(Vec::new());
static BELL: Condvar = Condvar::new();

/// Whom a signal goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// One process.
    Process(u32),
    /// A process and all it has started.
    Group(u32),
}

impl Target {
    /// Sends a signal by name. Whoever has gone already is not missed.
    pub(crate) fn send(self, signal: &str) {
        let target = match self {
            Self::Process(id) => id.to_string(),
            Self::Group(id) => format!("-{id}"),
        };
        // The shell's own `kill`: the program of that name is not everywhere.
        let _ =
            Command::new("sh").args(["-c", &format!("kill -s {signal} -- {target} 2>/dev/null")]).status();
    }
}

/// Starts to listen. From the first signal on no child is left running and nothing new begins.
pub(crate) fn watch() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("a runtime")?;
    let (mut interrupt, mut terminate) = {
        let _inside = runtime.enter();
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
    };
    thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        });
        HAPPENED.store(true, Ordering::SeqCst);
        let children = children();
        children.iter().for_each(|child| child.send("TERM"));
        BELL.notify_all();
    });
    Ok(())
}

/// Tells whether this run was interrupted.
pub(crate) fn happened() -> bool {
    HAPPENED.load(Ordering::SeqCst)
}

/// Waits until it is.
pub(crate) fn wait() {
    let mut children = children();
    while !happened() {
        children = BELL.wait(children).unwrap_or_else(PoisonError::into_inner);
    }
}

/// Ends this child too when the run is interrupted.
pub(crate) fn register(child: Target) {
    children().push(child);
    if happened() {
        child.send("TERM");
    }
}

/// Forgets a child that has ended.
pub(crate) fn forget(child: Target) {
    children().retain(|known| *known != child);
}

fn children() -> MutexGuard<'static, Vec<Target>> {
    CHILDREN.lock().unwrap_or_else(PoisonError::into_inner)
}
