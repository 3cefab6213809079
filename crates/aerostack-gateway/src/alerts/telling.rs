//! Delivering messages: signed, one try at a time, with growing pauses between tries.

use aerostack_core::alert::{Alert, RuleRecord, pause_after};
use aerostack_core::api::alert::{AlertMessage, Finding};
use aerostack_core::id::{AlertMessageId, WorkspaceId};
use aerostack_core::slug::Slug;
use aerostack_core::text::clean_line;
use aerostack_core::time::Timestamp;
use futures_util::StreamExt;
use http::{HeaderName, HeaderValue};

use crate::app::App;
use crate::store::alert_rule::{self, Tried};
use crate::store::{self, StoreError};
use crate::upstream::{Webhook, WebhookError};

/// Messages read at once.
const DUE_LEN: i64 = 256;
/// Longest reason that is kept.
const REASON_CHARS: usize = 200;

const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// Tries everything that is to be tried by now.
pub(super) async fn tell(app: &App) -> Result<(), StoreError> {
    let due = alert_rule::due(&mut app.store.read().await?, app.clock.now(), DUE_LEN).await?;
    let at_once = app.config.limits.webhooks_at_once;
    let tried: Vec<Result<(), StoreError>> = futures_util::stream::iter(due)
        .map(|(workspace, record)| tell_one(app, workspace, record))
        .buffer_unordered(at_once)
        .collect()
        .await;
    tried.into_iter().collect()
}

async fn tell_one(app: &App, workspace: WorkspaceId, record: RuleRecord) -> Result<(), StoreError> {
    let Some(waiting) = record.waiting else { return Ok(()) };
    let (alert, slug) = {
        let mut tx = app.store.read().await?;
        let Some(alert) = store::alert::find(&mut tx, &workspace).await? else { return Ok(()) };
        let slug = store::alert::slug_of(&mut tx, &workspace).await?;
        (alert, slug)
    };
    let posted = post(app, &alert, &waiting.id, waiting.body).await;
    let now = app.clock.now();
    let tried = settled(posted, waiting.tries + 1, now);
    count(&tried);
    if let Tried::GivenUp { error } = &tried {
        tracing::warn!(workspace = %slug, %error, "a message of an alert is given up");
    }
    let mut tx = app.store.write().await?;
    alert_rule::settle(&mut tx, &workspace, record.rule, &waiting.id, &tried).await?;
    tx.commit().await
}

fn settled(posted: Result<(), WebhookError>, tries: u32, now: Timestamp) -> Tried {
    let error = match posted {
        Ok(()) => return Tried::Delivered { at: now },
        Err(error) => error,
    };
    let text = clean_line(&error.to_string(), REASON_CHARS);
    match (error, pause_after(tries)) {
        (WebhookError::NotTaken(_), Some(pause)) => Tried::Again { at: now.plus(pause), error: text },
        (WebhookError::NotTaken(_), None) | (WebhookError::Gone, _) => Tried::GivenUp { error: text },
    }
}

fn count(tried: &Tried) {
    let result = match tried {
        Tried::Delivered { .. } => "delivered",
        Tried::Again { .. } => "failed",
        Tried::GivenUp { .. } => "given_up",
    };
    metrics::counter!("aerostack_alert_messages_total", "result" => result).increment(1);
}

/// Posts a message that says that it is a test, once.
///
/// # Errors
/// [`WebhookError`] when the receiver does not take it.
pub async fn test(app: &App, alert: &Alert, workspace: &Slug) -> Result<(), WebhookError> {
    let now = app.clock.now();
    let counts = aerostack_core::alert::Counts::default();
    let finding = Finding { workspace, thresholds: &alert.thresholds, counts, at: now };
    let id = AlertMessageId::new(now, &mut app.rng());
    post(app, alert, &id, AlertMessage::test(finding).body()).await
}

async fn post(app: &App, alert: &Alert, id: &AlertMessageId, body: String) -> Result<(), WebhookError> {
    let not_taken = |reason: &str| WebhookError::NotTaken(reason.to_owned());
    let secret = app.vault.open_signing(alert);
    let secret = secret.ok_or_else(|| not_taken("the signing secret cannot be opened: make a new one"))?;
    let _turn = app.alerts.turns.acquire().await.map_err(|_| not_taken("the gateway stops"))?;
    // The moment of this try: receivers refuse what is old.
    let at_seconds = app.clock.now().as_millis().div_euclid(1_000);
    let text = |text: String| HeaderValue::try_from(text).expect("it is plain ASCII");
    let headers = [
        (ID, text(id.to_string())),
        (TIMESTAMP, text(at_seconds.to_string())),
        (SIGNATURE, text(secret.sign(id.as_str(), at_seconds, &body))),
    ];
    let timeout = app.config.limits.webhook_timeout;
    let webhook = Webhook { url: alert.url.clone(), trusted: alert.trusted, headers, body, timeout };
    app.upstreams.post_webhook(webhook).await
}
