//! What a run comes to.

use std::time::Duration;

use anyhow::{Context, Result};
use hdrhistogram::Histogram;
use serde_json::{Value, json};

/// Longest latency that is told apart from longer ones.
const LONGEST: Duration = Duration::from_secs(60);
/// Digits that count.
const DIGITS: u8 = 3;

/// Calls and their latencies.
pub(super) struct Figures {
    /// Answered as expected, warm-up included.
    calls: u64,
    errors: u64,
    first_error: Option<String>,
    nanoseconds: Histogram<u64>,
}

impl Figures {
    pub(super) fn new() -> Result<Self> {
        let longest = u64::try_from(LONGEST.as_nanos()).context("a minute in nanoseconds")?;
        let nanoseconds = Histogram::new_with_bounds(1, longest, DIGITS)?;
        Ok(Self { calls: 0, errors: 0, first_error: None, nanoseconds })
    }

    /// Counts an answered call.
    pub(super) fn count(&mut self, latency: Duration, is_measured: bool) {
        self.calls += 1;
        if is_measured {
            self.nanoseconds.saturating_record(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX));
        }
    }

    /// Counts one that was not.
    pub(super) fn fail(&mut self, error: &str) {
        self.errors += 1;
        self.first_error.get_or_insert_with(|| error.to_owned());
    }

    pub(super) fn as_json(&self, seconds: f64) -> Value {
        let at = |quantile: f64| microseconds(self.nanoseconds.value_at_quantile(quantile));
        #[expect(clippy::cast_precision_loss, reason = "no run makes 2^52 calls")]
        let per_second = self.nanoseconds.len() as f64 / seconds;
        json!({
            "calls": self.calls,
            "errors": self.errors,
            "first_error": self.first_error,
            "per_second": per_second,
            "p50_us": at(0.5),
            "p90_us": at(0.9),
            "p99_us": at(0.99),
            "p999_us": at(0.999),
            "max_us": microseconds(self.nanoseconds.max()),
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "a minute in nanoseconds is below 2^52")]
fn microseconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1_000.0
}
