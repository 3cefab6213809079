//! Alerts of a workspace: how they are set and shown, and what receivers are sent.

use serde::{Deserialize, Serialize};

use crate::alert::{Counts, ErrorRate, Rule, Thresholds, Window, minute_start};
use crate::api::analytics::share;
use crate::slug::Slug;
use crate::time::Timestamp;

/// Sets an alert. What was set before is replaced; `url` and signing secret stay if they are absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetAlertRequest {
    /// Where messages are posted to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Tell when this share of calls, or more, ended in an error: 0.0001 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_rate: Option<f64>,
    /// With fewer calls than these the share of errors says nothing; 20 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_calls: Option<u32>,
    /// Tell when there were so many calls, or more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls: Option<u64>,
    /// The last minutes that are looked at, 1 to 1,440; 15 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_minutes: Option<u32>,
    /// Make a new signing secret; the one before signs nothing any more.
    #[serde(default)]
    pub new_secret: bool,
}

/// What is told of a workspace's calls, and where.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AlertView {
    /// The workspace.
    pub workspace: Slug,
    /// Where messages are posted to.
    pub url: String,
    /// The share of errors from which somebody is told.
    pub error_rate: Option<f64>,
    /// With fewer calls than these the share of errors says nothing.
    pub min_calls: u32,
    /// The number of calls from which somebody is told.
    pub calls: Option<u64>,
    /// The last minutes that are looked at.
    pub window_minutes: u32,
    /// Whether the signing secret cannot be opened: then nothing is sent until a new one is made.
    pub is_locked: bool,
    /// How each rule that is set stands.
    pub rules: Vec<AlertRuleView>,
    /// When it was first set.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was last set.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

/// How a rule stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AlertRuleView {
    /// Which.
    pub rule: Rule,
    /// Since when it is raised; `null` while all is well.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub raised_at: Option<Timestamp>,
    /// When a message was last delivered.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub told_at: Option<Timestamp>,
    /// When a message that waits is tried next.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_try_at: Option<Timestamp>,
    /// Tries of it that failed.
    pub tries: u32,
    /// Why the last try failed, if it did.
    pub last_error: Option<String>,
}

/// An alert that was set.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AlertSet {
    /// The alert.
    pub alert: AlertView,
    /// The signing secret, once, where it is new: `whsec_…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signing_secret: Option<String>,
}

/// A deleted alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DeletedAlert {
    /// The workspace it was of.
    pub workspace: Slug,
}

/// What became of a test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AlertTested {
    /// Whether the receiver took the message.
    pub ok: bool,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What a message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub enum AlertMessageType {
    /// A rule is exceeded.
    #[serde(rename = "alert.raised")]
    Raised,
    /// It is not exceeded any more.
    #[serde(rename = "alert.resolved")]
    Resolved,
    /// Somebody tries whether messages arrive.
    #[serde(rename = "alert.test")]
    Test,
}

/// What a receiver is sent. It names no person, no tool and no server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AlertMessage {
    /// What it says.
    #[serde(rename = "type")]
    pub kind: AlertMessageType,
    /// When that was found.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The workspace.
    pub workspace: Slug,
    /// The same in a sentence, for chats that show this field.
    pub text: String,
    /// The rule; absent from a test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<Rule>,
    /// The share or number that is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// When it was raised, if it is not any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub raised_at: Option<Timestamp>,
    /// Calls of the window.
    pub calls: u64,
    /// Those that ended in an error.
    pub errors: u64,
    /// Their share.
    pub error_rate: f64,
    /// Where the window begins.
    #[schema(value_type = String, format = DateTime)]
    pub from: Timestamp,
    /// Its minutes.
    pub window_minutes: u32,
}

/// What was found, for a message.
#[derive(Clone, Copy, Debug)]
pub struct Finding<'a> {
    /// The workspace.
    pub workspace: &'a Slug,
    /// What is set.
    pub thresholds: &'a Thresholds,
    /// Calls of the window.
    pub counts: Counts,
    /// When it was found.
    pub at: Timestamp,
}

impl AlertMessage {
    /// Says that a rule is exceeded.
    #[must_use]
    pub fn raised(finding: Finding<'_>, rule: Rule) -> Self {
        let Finding { workspace, counts, .. } = finding;
        let text = format!("{workspace}: {}, at or above {}.", found(finding, rule), set(finding, rule));
        let rate = share(counts.errors, counts.calls);
        Self::of(AlertMessageType::Raised, finding, Some(rule), rate, text)
    }

    /// Says that a rule is not exceeded any more.
    #[must_use]
    pub fn resolved(finding: Finding<'_>, rule: Rule, raised_at: Timestamp) -> Self {
        let Finding { workspace, counts, .. } = finding;
        let (found, set, since) = (found(finding, rule), set(finding, rule), raised_at.minute());
        let text = format!("{workspace}: back to normal, {found}. It was at or above {set} at {since}.");
        let rate = share(counts.errors, counts.calls);
        let message = Self::of(AlertMessageType::Resolved, finding, Some(rule), rate, text);
        Self { raised_at: Some(raised_at), ..message }
    }

    /// Says that somebody tries whether messages arrive.
    #[must_use]
    pub fn test(finding: Finding<'_>) -> Self {
        let text = format!("{}: this is a test of the alert. Nothing is wrong.", finding.workspace);
        let rate = share(finding.counts.errors, finding.counts.calls);
        Self::of(AlertMessageType::Test, finding, None, rate, text)
    }

    fn of(
        kind: AlertMessageType,
        finding: Finding<'_>,
        rule: Option<Rule>,
        error_rate: f64,
        text: String,
    ) -> Self {
        let Finding { workspace, thresholds, counts, at } = finding;
        Self {
            kind,
            at,
            workspace: workspace.clone(),
            text,
            threshold: rule.and_then(|rule| threshold(thresholds, rule)),
            rule,
            raised_at: None,
            calls: counts.calls,
            errors: counts.errors,
            error_rate,
            from: minute_start(thresholds.window.first_minute(at)),
            window_minutes: thresholds.window.minutes(),
        }
    }

    /// The text that is sent.
    #[must_use]
    pub fn body(&self) -> String {
        serde_json::to_string(self).expect("a message is plain data")
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
fn threshold(thresholds: &Thresholds, rule: Rule) -> Option<f64> {
    match rule {
        Rule::ErrorRate => thresholds.error_rate.map(ErrorRate::share),
        Rule::Calls => thresholds.calls.map(|calls| calls as f64),
    }
}

/// `12 of 100 calls within 15m ended in an error (12 %)`
fn found(finding: Finding<'_>, rule: Rule) -> String {
    let Counts { calls, errors } = finding.counts;
    let window: Window = finding.thresholds.window;
    match rule {
        Rule::ErrorRate => {
            let percent = share(errors, calls) * 100.0;
            format!("{errors} of {calls} calls within {window} ended in an error ({percent:.1} %)")
        }
        Rule::Calls => format!("{calls} calls within {window}"),
    }
}

fn set(finding: Finding<'_>, rule: Rule) -> String {
    match rule {
        Rule::ErrorRate => finding.thresholds.error_rate.map(|rate| rate.to_string()),
        Rule::Calls => finding.thresholds.calls.map(|calls| calls.to_string()),
    }
    .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn messages_say_what_was_found_in_numbers_and_in_a_sentence() {
        let at = Timestamp::parse("2026-03-17T11:15:00Z").unwrap();
        let thresholds = Thresholds {
            error_rate: Some("5%".parse().unwrap()),
            min_calls: 20,
            calls: Some(1_000),
            window: Window::DEFAULT,
        };
        let workspace = Slug::parse("engineering").unwrap();
        let counts = Counts { calls: 100, errors: 12 };
        let finding = Finding { workspace: &workspace, thresholds: &thresholds, counts, at };
        let message = AlertMessage::raised(finding, Rule::ErrorRate);
        let sent: serde_json::Value = serde_json::from_str(&message.body()).unwrap();
        assert_eq!(
            sent,
            json!({
                "type": "alert.raised",
                "at": "2026-03-17T11:15:00.000Z",
                "workspace": "engineering",
                "text": "engineering: 12 of 100 calls within 15m ended in an error (12.0 %), at or above 5 %.",
                "rule": "error_rate",
                "threshold": 0.05,
                "calls": 100,
                "errors": 12,
                "error_rate": 0.12,
                "from": "2026-03-17T11:01:00.000Z",
                "window_minutes": 15
            })
        );
        let resolved = AlertMessage::resolved(finding, Rule::Calls, at);
        assert_eq!(
            resolved.text,
            "engineering: back to normal, 100 calls within 15m. It was at or above 1000 at 2026-03-17 11:15 UTC."
        );
        assert_eq!((resolved.threshold, resolved.raised_at), (Some(1_000.0), Some(at)));
        let test: serde_json::Value = serde_json::from_str(&AlertMessage::test(finding).body()).unwrap();
        assert_eq!((&test["type"], &test["rule"]), (&json!("alert.test"), &serde_json::Value::Null));
    }
}
