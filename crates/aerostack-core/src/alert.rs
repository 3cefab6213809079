//! Alerts: what the owner of a workspace is told of its calls, and when.
//!
//! There are two rules, the share of errors and the number of calls, both over the last minutes. A rule
//! is *raised* by the look that finds it exceeded, and falls back with the first look that finds it is
//! not, but no sooner than one window after it was raised. So a rule says at most two things in a
//! window, however calls come and go.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::id::{AlertMessageId, WorkspaceId};
use crate::time::Timestamp;

mod measure;
mod signing;

pub use measure::{Counts, ErrorRate, ErrorRateError, Window, WindowError, minute_of, minute_start};
pub use signing::{SigningSecret, SigningSecretError};

/// Calls of a window below which a share of errors says nothing, unless another number is set.
pub const MIN_CALLS_DEFAULT: u32 = 20;
/// Most calls a rule can ask for.
pub const CALLS_MAX: u64 = 1_000_000_000;
/// Tries after which a message is given up.
pub const TRIES_MAX: u32 = 12;
/// Pause after the first try; doubled after each.
const PAUSE_FIRST: Duration = Duration::from_secs(10);
/// Longest pause between two tries.
const PAUSE_MAX: Duration = Duration::from_secs(3_600);

/// What is looked at.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The share of errors.
    ErrorRate,
    /// The number of calls.
    Calls,
}

impl Rule {
    /// Both.
    pub const ALL: [Self; 2] = [Self::ErrorRate, Self::Calls];

    /// The word sent and stored.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::ErrorRate => "error_rate",
            Self::Calls => "calls",
        }
    }
}

/// A word that names no rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected error_rate or calls")]
pub struct RuleError;

impl FromStr for Rule {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        Self::ALL.into_iter().find(|rule| rule.word() == text).ok_or(RuleError)
    }
}

/// When somebody wants to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// At this share of errors, or more.
    pub error_rate: Option<ErrorRate>,
    /// With fewer calls than these the share of errors says nothing.
    pub min_calls: u32,
    /// At so many calls, or more.
    pub calls: Option<u64>,
    /// Over which time.
    pub window: Window,
}

/// Why thresholds cannot be meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ThresholdsError {
    /// Neither rule has one.
    #[error("an alert needs an error rate, a number of calls, or both")]
    None,
    /// The number of calls is none, or beyond all measure.
    #[error("a number of calls is from 1 to {CALLS_MAX}")]
    Calls,
}

impl Thresholds {
    /// Checks that they can be meant.
    ///
    /// # Errors
    /// [`ThresholdsError`] when they cannot.
    pub fn check(&self) -> Result<(), ThresholdsError> {
        if self.error_rate.is_none() && self.calls.is_none() {
            return Err(ThresholdsError::None);
        }
        let fits = |calls: u64| (1..=CALLS_MAX).contains(&calls);
        if !fits(u64::from(self.min_calls)) || !self.calls.is_none_or(fits) {
            return Err(ThresholdsError::Calls);
        }
        Ok(())
    }

    /// Tells whether counts exceed a rule; `None` if the rule is not asked for.
    #[must_use]
    pub fn is_exceeded(&self, rule: Rule, counts: Counts) -> Option<bool> {
        match rule {
            Rule::ErrorRate => self.error_rate.map(|rate| {
                counts.calls >= u64::from(self.min_calls) && counts.errors > 0 && rate.is_reached_by(counts)
            }),
            Rule::Calls => self.calls.map(|calls| counts.calls >= calls),
        }
    }
}

impl fmt::Display for Thresholds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(rate) = self.error_rate {
            write!(f, "errors: {rate} of {} calls or more", self.min_calls)?;
        }
        if let Some(calls) = self.calls {
            let between = if self.error_rate.is_some() { "; " } else { "" };
            write!(f, "{between}calls: {calls} or more")?;
        }
        write!(f, "; within {}", self.window)
    }
}

/// Whether a rule is raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleState {
    /// All is well.
    Quiet,
    /// It was exceeded.
    Raised {
        /// When that was found.
        since: Timestamp,
    },
}

/// What a look at a rule comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is exceeded now.
    Raised,
    /// It is not exceeded any more.
    Resolved {
        /// When it was raised.
        since: Timestamp,
    },
}

impl RuleState {
    /// What a look changes, if anything.
    #[must_use]
    pub fn look(self, is_exceeded: bool, window: Window, now: Timestamp) -> Option<Change> {
        match (self, is_exceeded) {
            (Self::Quiet, true) => Some(Change::Raised),
            (Self::Raised { since }, false) if now.since(since) >= window.span() => {
                Some(Change::Resolved { since })
            }
            (Self::Quiet, false) | (Self::Raised { .. }, _) => None,
        }
    }
}

/// An alert, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// The workspace whose calls it is about.
    pub workspace: WorkspaceId,
    /// The workspace's revision at which it was set: what was found under another one is void.
    pub revision: i64,
    /// Where messages go.
    pub url: Url,
    /// Whether an operator gave that address: then it may be on loopback and in private networks.
    pub trusted: bool,
    /// Which master key the signing secret is sealed under.
    pub key_id: String,
    /// The sealed signing secret.
    pub sealed: Vec<u8>,
    /// When there is something to tell.
    pub thresholds: Thresholds,
    /// When it was first set.
    pub created_at: Timestamp,
    /// When it was last set.
    pub updated_at: Timestamp,
}

/// What is known of one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleRecord {
    /// Which.
    pub rule: Rule,
    /// What it is.
    pub state: RuleState,
    /// A message that was not delivered so far. A newer one takes its place.
    pub waiting: Option<Waiting>,
    /// When a message was last delivered.
    pub told_at: Option<Timestamp>,
    /// Why the last try failed, if it did.
    pub last_error: Option<String>,
}

/// A message that waits to be delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Its identifier: the same at every try, so that a receiver can tell.
    pub id: AlertMessageId,
    /// What it says, as it is sent.
    pub body: String,
    /// Tries that failed.
    pub tries: u32,
    /// When it is tried next.
    pub next_try_at: Timestamp,
}

impl RuleRecord {
    /// One that nothing was ever found of.
    #[must_use]
    pub const fn new(rule: Rule) -> Self {
        Self { rule, state: RuleState::Quiet, waiting: None, told_at: None, last_error: None }
    }
}

/// How long to wait after so many tries that failed; `None` to give up.
#[must_use]
pub fn pause_after(tries: u32) -> Option<Duration> {
    if tries >= TRIES_MAX {
        return None;
    }
    let doublings = tries.saturating_sub(1).min(30);
    Some(PAUSE_FIRST.saturating_mul(1 << doublings).min(PAUSE_MAX))
}

#[cfg(test)]
mod tests;
