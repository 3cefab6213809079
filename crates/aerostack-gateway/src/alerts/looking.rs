//! One look at all alerts: what their windows hold, and what that changes.

use aerostack_core::alert::{Alert, Change, Counts, Rule, RuleRecord, RuleState, Waiting};
use aerostack_core::api::alert::{AlertMessage, Finding};
use aerostack_core::id::{AlertMessageId, WorkspaceId};
use aerostack_core::time::Timestamp;

use super::PAGE_LEN;
use super::counting::Counting;
use crate::app::App;
use crate::store::{self, StoreError, Tx};

/// Looks at every alert; gives how many rules changed.
pub(super) async fn look(app: &App, counting: &mut Counting) -> Result<usize, StoreError> {
    let alerts = read_all(&mut app.store.read().await?).await?;
    if alerts.is_empty() {
        *counting = Counting::default();
        return Ok(0);
    }
    let now = app.clock.now();
    let counts = counting.count(&app.usage, &alerts, now).await?;
    let mut changes = 0;
    for (alert, counts) in alerts.iter().zip(counts) {
        changes += look_at(app, alert, counts, now).await?;
    }
    Ok(changes)
}

async fn read_all(tx: &mut Tx) -> Result<Vec<Alert>, StoreError> {
    let mut alerts: Vec<Alert> = Vec::new();
    loop {
        let last: Option<WorkspaceId> = alerts.last().map(|alert| alert.workspace.clone());
        let page = store::alert::page_of_all(tx, last.as_ref(), PAGE_LEN).await?;
        if page.is_empty() {
            return Ok(alerts);
        }
        alerts.extend(page);
    }
}

/// Writes what a look at one alert changes.
async fn look_at(app: &App, alert: &Alert, counts: Counts, now: Timestamp) -> Result<usize, StoreError> {
    let known = store::alert_rule::of_workspace(&mut app.store.read().await?, &alert.workspace).await?;
    let changes: Vec<(Rule, Change)> = Rule::ALL
        .into_iter()
        .filter_map(|rule| {
            let is_exceeded = alert.thresholds.is_exceeded(rule, counts)?;
            let change = state_of(&known, rule).look(is_exceeded, alert.thresholds.window, now)?;
            Some((rule, change))
        })
        .collect();
    if changes.is_empty() {
        return Ok(0);
    }
    let mut tx = app.store.write().await?;
    let slug = store::alert::slug_of(&mut tx, &alert.workspace).await?;
    let finding = Finding { workspace: &slug, thresholds: &alert.thresholds, counts, at: now };
    for &(rule, change) in &changes {
        let (state, message) = match change {
            Change::Raised => (RuleState::Raised { since: now }, AlertMessage::raised(finding, rule)),
            Change::Resolved { since } => (RuleState::Quiet, AlertMessage::resolved(finding, rule, since)),
        };
        let id = AlertMessageId::new(now, &mut app.rng());
        let waiting = Waiting { id, body: message.body(), tries: 0, next_try_at: now };
        store::alert_rule::change(&mut tx, &alert.workspace, alert.revision, rule, state, &waiting).await?;
    }
    tx.commit().await?;
    for (rule, change) in &changes {
        let state = if matches!(change, Change::Raised) { "raised" } else { "resolved" };
        tracing::info!(workspace = %slug, rule = rule.word(), state, "an alert changed");
    }
    Ok(changes.len())
}

fn state_of(known: &[RuleRecord], rule: Rule) -> RuleState {
    known.iter().find(|record| record.rule == rule).map_or(RuleState::Quiet, |record| record.state)
}
