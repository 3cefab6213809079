//! Alerts: looking at the calls of workspaces that asked for it, and telling their receivers.
//!
//! Two tasks. One looks every few seconds: it counts the calls of each window (`counting`), asks core
//! what that changes, and writes what changed together with the message that says so (`looking`). The
//! other delivers messages that wait, and tries again with growing pauses (`telling`). All there is to
//! know stands in the database: what breaks off is found again, and nothing is told twice for a restart.
//! What waits is bounded: one message for each of the two rules of a workspace.

mod counting;
mod looking;
mod telling;

use std::sync::Arc;

use tokio::sync::{Notify, Semaphore};
use tokio::time::{MissedTickBehavior, interval};

use crate::app::App;

pub use telling::test;

/// Alerts read at once.
const PAGE_LEN: i64 = 500;

/// What the two tasks share.
pub struct Alerts {
    /// Woken when a message waits.
    wake: Notify,
    /// How many messages are posted at once.
    turns: Semaphore,
}

impl Alerts {
    /// Prepares it; at most `at_once` messages are posted at the same time.
    #[must_use]
    pub fn new(at_once: usize) -> Self {
        Self { wake: Notify::new(), turns: Semaphore::new(at_once) }
    }
}

/// Starts both tasks; they end when everything is to stop.
pub(crate) fn start(app: &Arc<App>) {
    let looking = Arc::clone(app);
    app.tasks.spawn(async move {
        tokio::select! {
            () = look_again_and_again(&looking) => {}
            () = looking.stopping.cancelled() => {}
        }
    });
    let telling = Arc::clone(app);
    app.tasks.spawn(async move {
        tokio::select! {
            () = tell_again_and_again(&telling) => {}
            () = telling.stopping.cancelled() => {}
        }
    });
}

async fn look_again_and_again(app: &App) {
    let mut ticks = interval(app.config.limits.alerts_every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut counting = counting::Counting::default();
    let mut is_failing = false;
    loop {
        ticks.tick().await;
        let looked = looking::look(app, &mut counting).await;
        if let Err(error) = &looked
            && !is_failing
        {
            tracing::warn!(%error, "alerts cannot be looked at now");
        }
        is_failing = looked.is_err();
        if looked.is_ok_and(|changes| changes > 0) {
            app.alerts.wake.notify_one();
        }
    }
}

async fn tell_again_and_again(app: &App) {
    let mut ticks = interval(app.config.limits.alerts_every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut is_failing = false;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = app.alerts.wake.notified() => {}
        }
        let told = telling::tell(app).await;
        if let Err(error) = &told
            && !is_failing
        {
            tracing::warn!(%error, "messages of alerts cannot be delivered now");
        }
        is_failing = told.is_err();
    }
}
