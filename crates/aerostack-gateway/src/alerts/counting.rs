//! Calls of the last minutes, of every workspace with an alert. Each call is read once: a window begins
//! with one question to the store of calls, and goes on with what was recorded since.

use std::collections::{BTreeMap, HashMap};

use aerostack_core::alert::{Alert, Counts, Window, minute_of, minute_start};
use aerostack_core::id::WorkspaceId;
use aerostack_core::time::Timestamp;

use crate::store::usage::{UsageStore, calls, names};
use crate::store::{StoreError, Tx};

/// Calls read at once.
const STEP_CALLS: i64 = 20_000;

/// Windows, and up to which call they are complete.
#[derive(Default)]
pub(super) struct Counting {
    windows: HashMap<WorkspaceId, Minutes>,
    read_up_to: i64,
}

/// Calls of one workspace by minute, no more of them than its window has.
struct Minutes {
    /// The alert's revision that it was begun under.
    revision: i64,
    window: Window,
    /// The workspace's number in the store of calls, once it has one.
    number: Option<i64>,
    counts: BTreeMap<i64, Counts>,
}

impl Minutes {
    fn add(&mut self, minute: i64, counts: Counts) {
        let sum = self.counts.entry(minute).or_default();
        sum.calls = sum.calls.saturating_add(counts.calls);
        sum.errors = sum.errors.saturating_add(counts.errors);
    }

    /// What is in the window now; what has left it is forgotten.
    fn sum(&mut self, now: Timestamp) -> Counts {
        let first = self.window.first_minute(now);
        self.counts = self.counts.split_off(&first);
        self.counts.values().fold(Counts::default(), |sum, counts| Counts {
            calls: sum.calls.saturating_add(counts.calls),
            errors: sum.errors.saturating_add(counts.errors),
        })
    }
}

impl Counting {
    /// Reads what was recorded since the last time, and gives the counts of every alert's window.
    pub(super) async fn count(
        &mut self,
        usage: &UsageStore,
        alerts: &[Alert],
        now: Timestamp,
    ) -> Result<Vec<Counts>, StoreError> {
        let mut tx = usage.read().await?;
        let read = self.read(&mut tx, alerts, now).await;
        if read.is_err() {
            // What was counted in part would be counted again.
            *self = Self::default();
        }
        read?;
        let sums = alerts.iter().map(|alert| {
            self.windows.get_mut(&alert.workspace).map_or_else(Counts::default, |minutes| minutes.sum(now))
        });
        Ok(sums.collect())
    }

    async fn read(&mut self, tx: &mut Tx, alerts: &[Alert], now: Timestamp) -> Result<(), StoreError> {
        let state = calls::state(tx).await?;
        let is_as_it_was = |minutes: &Minutes, alert: &Alert| minutes.revision == alert.revision;
        let asked: HashMap<&WorkspaceId, &Alert> =
            alerts.iter().map(|alert| (&alert.workspace, alert)).collect();
        self.windows.retain(|workspace, minutes| {
            asked.get(workspace).is_some_and(|alert| is_as_it_was(minutes, alert))
        });
        self.go_on(tx, state.last_id).await?;
        for alert in alerts {
            let is_begun = self.windows.get(&alert.workspace).is_some_and(|it| it.number.is_some());
            if !is_begun {
                let begun = begin(tx, alert, now).await?;
                self.windows.insert(alert.workspace.clone(), begun);
            }
        }
        self.read_up_to = state.last_id;
        Ok(())
    }

    /// Adds what was recorded since the last time to the windows that were begun.
    async fn go_on(&mut self, tx: &mut Tx, last_id: i64) -> Result<(), StoreError> {
        let mut by_number: HashMap<i64, &mut Minutes> = self
            .windows
            .values_mut()
            .filter_map(|minutes| minutes.number.map(|number| (number, minutes)))
            .collect();
        let mut after = self.read_up_to;
        while after < last_id && !by_number.is_empty() {
            let up_to = last_id.min(after.saturating_add(STEP_CALLS));
            for call in calls::by_number(tx, after, up_to).await? {
                if let Some(minutes) = by_number.get_mut(&call.workspace) {
                    let errors = u64::from(call.measured.outcome.is_error());
                    minutes.add(minute_of(call.measured.at), Counts { calls: 1, errors });
                }
            }
            after = up_to;
        }
        Ok(())
    }
}

/// What is in an alert's window already.
async fn begin(tx: &mut Tx, alert: &Alert, now: Timestamp) -> Result<Minutes, StoreError> {
    let window = alert.thresholds.window;
    let number = names::find_workspace(tx, &alert.workspace).await?;
    let mut minutes = Minutes { revision: alert.revision, window, number, counts: BTreeMap::new() };
    if let Some(number) = number {
        let since = minute_start(window.first_minute(now));
        for (minute, outcome, calls) in calls::by_minute(tx, number, since).await? {
            let errors = if outcome.is_error() { calls } else { 0 };
            minutes.add(minute, Counts { calls, errors });
        }
    }
    Ok(minutes)
}
