//! The alert of a workspace: set, shown, tried and deleted.

use aerostack_core::alert::{
    Alert, ErrorRate, MIN_CALLS_DEFAULT, Rule, RuleRecord, RuleState, SigningSecret, Thresholds, Window,
};
use aerostack_core::api::alert::{
    AlertRuleView, AlertSet, AlertTested, AlertView, DeletedAlert, SetAlertRequest,
};
use aerostack_core::api::page::Empty;
use aerostack_core::audit::Action;
use aerostack_core::server::{URL_MAX_LEN, parse_url};
use aerostack_core::slug::Slug;
use aerostack_core::workspace::Workspace;
use url::Url;

use super::call::{Call, Deed};
use super::error::ApiError;
use crate::alerts;
use crate::store;
use crate::vault::Vault;

/// Shows the alert of a workspace.
pub(super) async fn show(call: Call, _request: Empty) -> Result<AlertView, ApiError> {
    let mut tx = call.read().await?;
    let workspace = call.workspace(&mut tx).await?;
    let alert = store::alert::find(&mut tx, &workspace.id).await?.ok_or_else(|| no_alert(&workspace))?;
    let records = store::alert_rule::of_workspace(&mut tx, &workspace.id).await?;
    Ok(view(&call.app.vault, &workspace.slug, &alert, &records))
}

/// Sets the alert of a workspace; what was found so far is forgotten.
pub(super) async fn set(call: Call, request: SetAlertRequest) -> Result<AlertSet, ApiError> {
    let thresholds = read_thresholds(&request)?;
    let url = request.url.as_deref().map(read_url).transpose()?;
    let (mut order, now) = call.order().await?;
    let workspace = call.lock_workspace(&mut order.tx).await?;
    let before = store::alert::find(&mut order.tx, &workspace.id).await?;
    let stays = before.as_ref().filter(|before| url.as_ref().is_none_or(|url| *url == before.url));
    // An address that stays keeps the trust of whoever gave it.
    let (url, trusted) = match (stays, url) {
        (Some(before), _) => (before.url.clone(), before.trusted),
        (None, Some(url)) => (url, call.is_operator()),
        (None, None) => {
            return Err(ApiError::invalid("a new alert needs the URL that messages are posted to"));
        }
    };
    let new_secret =
        (before.is_none() || request.new_secret).then(|| SigningSecret::generate(&mut call.app.rng()));
    let vault = &call.app.vault;
    let (key_id, sealed) = match (&new_secret, &before) {
        (None, Some(before)) => (before.key_id.clone(), before.sealed.clone()),
        (Some(secret), _) => {
            let sealed = vault.seal_signing(&workspace.id, secret, &mut call.app.rng())?;
            (vault.id().to_owned(), sealed)
        }
        (None, None) => return Err(ApiError::internal("a new alert has no signing secret".to_owned())),
    };
    let alert = Alert {
        workspace: workspace.id.clone(),
        revision: workspace.revision,
        url,
        trusted,
        key_id,
        sealed,
        thresholds,
        created_at: before.as_ref().map_or(now, |before| before.created_at),
        updated_at: now,
    };
    store::alert::put(&mut order.tx, &alert).await?;
    let secret = if new_secret.is_some() { "; new signing secret" } else { "" };
    let deed = deed(Action::AlertSet, &alert, format!("{thresholds}{secret}"));
    call.audit_workspace(&mut order.tx, &workspace, now, deed).await?;
    order.commit(Vec::new()).await?;
    Ok(AlertSet {
        alert: view(vault, &workspace.slug, &alert, &[]),
        signing_secret: new_secret.map(|secret| secret.expose().to_owned()),
    })
}

/// Deletes the alert of a workspace. What waits to be delivered goes with it.
pub(super) async fn delete(call: Call, _request: Empty) -> Result<DeletedAlert, ApiError> {
    let (mut order, now) = call.order().await?;
    let workspace = call.lock_workspace(&mut order.tx).await?;
    let alert = store::alert::find(&mut order.tx, &workspace.id).await?;
    let alert = alert.ok_or_else(|| no_alert(&workspace))?;
    store::alert::delete(&mut order.tx, &workspace.id).await?;
    let deed = deed(Action::AlertDeleted, &alert, String::new());
    call.audit_workspace(&mut order.tx, &workspace, now, deed).await?;
    order.commit(Vec::new()).await?;
    Ok(DeletedAlert { workspace: workspace.slug })
}

/// Sends a message that says that it is a test, once.
pub(super) async fn test(call: Call, _request: Empty) -> Result<AlertTested, ApiError> {
    let (workspace, alert) = {
        let mut tx = call.read().await?;
        let workspace = call.workspace(&mut tx).await?;
        let alert = store::alert::find(&mut tx, &workspace.id).await?;
        let alert = alert.ok_or_else(|| no_alert(&workspace))?;
        (workspace, alert)
    };
    let sent = alerts::test(&call.app, &alert, &workspace.slug).await;
    Ok(AlertTested { ok: sent.is_ok(), error: sent.err().map(|error| error.to_string()) })
}

fn read_url(text: &str) -> Result<Url, ApiError> {
    parse_url(text).map_err(|_| {
        let message = format!(
            "the URL begins with http:// or https://, holds no user name or password and has at most \
             {URL_MAX_LEN} bytes"
        );
        ApiError::invalid(message)
    })
}

fn read_thresholds(request: &SetAlertRequest) -> Result<Thresholds, ApiError> {
    let invalid = |error: &dyn std::error::Error| ApiError::invalid(error.to_string());
    let rate = request.error_rate.map(ErrorRate::of_share).transpose().map_err(|error| invalid(&error))?;
    let window = request.window_minutes.map_or(Ok(Window::DEFAULT), Window::of_minutes);
    let thresholds = Thresholds {
        error_rate: rate,
        min_calls: request.min_calls.unwrap_or(MIN_CALLS_DEFAULT),
        calls: request.calls,
        window: window.map_err(|error| invalid(&error))?,
    };
    thresholds.check().map_err(|error| invalid(&error))?;
    Ok(thresholds)
}

/// The host alone: the rest of an address may hold a key.
fn deed(action: Action, alert: &Alert, detail: String) -> Deed<'_> {
    Deed { action, object: alert.url.host_str().unwrap_or_default(), detail }
}

fn no_alert(workspace: &Workspace) -> ApiError {
    ApiError::not_found(format!("'{}' has no alert", workspace.slug)).with_hint(format!(
        "set one with: aerostack workspace alert set {} --url <url> --error-rate 5%",
        workspace.slug
    ))
}

fn view(vault: &Vault, workspace: &Slug, alert: &Alert, records: &[RuleRecord]) -> AlertView {
    let Thresholds { error_rate, min_calls, calls, window } = alert.thresholds;
    let is_set = |rule: &Rule| match rule {
        Rule::ErrorRate => error_rate.is_some(),
        Rule::Calls => calls.is_some(),
    };
    let rule_view = |rule: Rule| {
        let record = records.iter().find(|record| record.rule == rule).cloned();
        let record = record.unwrap_or_else(|| RuleRecord::new(rule));
        AlertRuleView {
            rule,
            raised_at: match record.state {
                RuleState::Quiet => None,
                RuleState::Raised { since } => Some(since),
            },
            told_at: record.told_at,
            next_try_at: record.waiting.as_ref().map(|waiting| waiting.next_try_at),
            tries: record.waiting.as_ref().map_or(0, |waiting| waiting.tries),
            last_error: record.last_error,
        }
    };
    AlertView {
        workspace: workspace.clone(),
        url: alert.url.to_string(),
        error_rate: error_rate.map(ErrorRate::share),
        min_calls,
        calls,
        window_minutes: window.minutes(),
        is_locked: vault.open_signing(alert).is_none(),
        rules: Rule::ALL.into_iter().filter(is_set).map(rule_view).collect(),
        created_at: alert.created_at,
        updated_at: alert.updated_at,
    }
}
