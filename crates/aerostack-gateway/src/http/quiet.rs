//! A task that is not woken by what it does itself.
//!
//! hyper wakes a connection whenever somebody takes a piece of a body from it, so that it reads the next one. Mostly
//! there is none, and who takes it is the connection's own task, which would be polled once more from top to
//! bottom, twice a call. So a piece is taken [`quietly`], and whoever does that looks after the next one.

use std::cell::Cell;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};

use futures_util::task::AtomicWaker;

thread_local! {
    static IS_QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Does something that wakes no connection whose task runs on this thread.
pub fn quietly<T>(act: impl FnOnce() -> T) -> T {
    let _before = Before(IS_QUIET.replace(true));
    act()
}

/// Whether it was quiet before; put back also by a panic, after which the thread serves others.
struct Before(bool);

impl Drop for Before {
    fn drop(&mut self) {
        IS_QUIET.set(self.0);
    }
}

/// Wakes a task, but for what is done [`quietly`].
pub struct Quiet {
    heard: Arc<Heard>,
    waker: Waker,
}

#[derive(Default)]
struct Heard(AtomicWaker);

impl Wake for Heard {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !IS_QUIET.get() {
            self.0.wake();
        }
    }
}

impl Default for Quiet {
    fn default() -> Self {
        Self::new()
    }
}

impl Quiet {
    /// Nobody is to be woken yet.
    #[must_use]
    pub fn new() -> Self {
        let heard = Arc::new(Heard::default());
        Self { waker: Waker::from(Arc::clone(&heard)), heard }
    }

    /// The context for what is polled within a task's own. It stands next to what is polled: whoever stood between
    /// and remembered being woken would wait for a wake-up that was not heard.
    pub fn within(&self, context: &Context<'_>) -> Context<'_> {
        self.heard.0.register(context.waker());
        Context::from_waker(&self.waker)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[derive(Default)]
    struct Task(AtomicUsize);

    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn what_is_done_quietly_wakes_nobody_and_what_another_thread_does_meanwhile_does() {
        let task = Arc::new(Task::default());
        let waker = Waker::from(Arc::clone(&task));
        let quiet = Quiet::new();
        let inner = quiet.within(&Context::from_waker(&waker)).waker().clone();
        let woken = || task.0.load(Ordering::Relaxed);
        quietly(|| inner.wake_by_ref());
        assert_eq!(woken(), 0);
        quietly(|| {
            let inner = inner.clone();
            std::thread::spawn(move || inner.wake()).join().unwrap();
        });
        assert_eq!(woken(), 1);
        inner.wake_by_ref();
        assert_eq!(woken(), 1, "it has not been polled since");
        let _ = quiet.within(&Context::from_waker(&waker));
        inner.wake_by_ref();
        assert_eq!(woken(), 2);
    }
}
