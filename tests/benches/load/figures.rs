//! What a run comes to.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use hdrhistogram::Histogram;
use serde_json::{Value, json};

/// Longest latency that is told apart from longer ones.
const LONGEST: Duration = Duration::from_secs(60);
/// Digits that count.
const DIGITS: u8 = 3;

/// Calls and their latencies.
pub(super) struct Figures {
    /// What begins earlier is warm-up.
    measured_from: Instant,
    last_end: Instant,
    /// Answered as expected, warm-up included.
    calls: u64,
    errors: u64,
    first_error: Option<String>,
    nanoseconds: Histogram<u64>,
}

impl Figures {
    pub(super) fn new(measured_from: Instant) -> Result<Self> {
        let longest = u64::try_from(LONGEST.as_nanos()).context("a minute in nanoseconds")?;
        let nanoseconds = Histogram::new_with_bounds(1, longest, DIGITS)?;
        let last_end = measured_from;
        Ok(Self { measured_from, last_end, calls: 0, errors: 0, first_error: None, nanoseconds })
    }

    /// Counts an answered call.
    pub(super) fn count(&mut self, begun: Instant, ended: Instant) {
        self.calls += 1;
        if begun >= self.measured_from {
            let latency = u64::try_from((ended - begun).as_nanos()).unwrap_or(u64::MAX);
            self.nanoseconds.saturating_record(latency);
            self.last_end = self.last_end.max(ended);
        }
    }

    /// Counts one that was not.
    pub(super) fn fail(&mut self, error: &str) {
        self.errors += 1;
        self.first_error.get_or_insert_with(|| error.to_owned());
    }

    pub(super) fn as_json(&self) -> Value {
        let at = |quantile: f64| microseconds(self.nanoseconds.value_at_quantile(quantile));
        let seconds = (self.last_end - self.measured_from).as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "no run makes 2^52 calls")]
        let per_second = if seconds > 0.0 { self.nanoseconds.len() as f64 / seconds } else { 0.0 };
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
