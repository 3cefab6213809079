//! One measurement.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::load::Load;
use super::usage::Spent;

/// What one load of one target came to.
pub(super) struct Sample {
    pub(super) round: u32,
    pub(super) target: &'static str,
    pub(super) load: Load,
    pub(super) errors: u64,
    first_error: Option<String>,
    pub(super) per_second: f64,
    /// p50, p90, p99, p99.9 in microseconds.
    pub(super) latencies_us: [f64; 4],
    /// Processor time a call in microseconds, all told.
    pub(super) cpu_us: f64,
    /// The part of it that threads which write records took.
    pub(super) writer_us: f64,
    /// Resident memory before, and at its peak.
    pub(super) memory_kib: [u64; 2],
}

impl Sample {
    pub(super) fn new(
        round: u32,
        target: &'static str,
        load: &Load,
        figures: &Value,
        spent: Spent,
        memory_kib: [u64; 2],
    ) -> Result<Self> {
        let figure = |name: &str| figures[name].as_f64().with_context(|| format!("{name} is told"));
        let calls = figure("calls")?.max(1.0);
        let a_call = |spent: Duration| spent.as_secs_f64() * 1e6 / calls;
        Ok(Self {
            round,
            target,
            load: *load,
            errors: figures["errors"].as_u64().context("errors are told")?,
            first_error: figures["first_error"].as_str().map(str::to_owned),
            per_second: figure("per_second")?,
            latencies_us: [figure("p50_us")?, figure("p90_us")?, figure("p99_us")?, figure("p999_us")?],
            cpu_us: a_call(spent.all),
            writer_us: a_call(spent.writer),
            memory_kib,
        })
    }

    /// Most that was resident beyond what was before, in KiB.
    pub(super) fn growth_kib(&self) -> u64 {
        self.memory_kib[1].saturating_sub(self.memory_kib[0])
    }

    /// For whoever waits.
    pub(super) fn line(&self) -> String {
        let errors = match &self.first_error {
            Some(error) => format!(", {} ERRORS: {error}", self.errors),
            None => String::new(),
        };
        let ([p50, _, p99, _], cpu, rate) = (self.latencies_us, self.cpu_us, self.per_second);
        let (load, target) = (self.load.name(), self.target);
        format!(
            "{load}: {target} {rate:.0}/s, p50 {p50:.0} µs, p99 {p99:.0} µs, {cpu:.1} µs of processor{errors}"
        )
    }

    /// All of it, for keeping.
    pub(super) fn as_json(&self) -> Value {
        let ([p50, p90, p99, p999], [before, peak]) = (self.latencies_us, self.memory_kib);
        json!({
            "round": self.round, "target": self.target, "load": self.load.name(),
            "connections": self.load.connections, "rate": self.load.rate,
            "errors": self.errors, "first_error": self.first_error, "per_second": self.per_second,
            "p50_us": p50, "p90_us": p90, "p99_us": p99, "p999_us": p999,
            "cpu_us": self.cpu_us, "writer_us": self.writer_us,
            "resident_kib": before, "peak_kib": peak,
        })
    }
}

/// KiB as MiB.
#[expect(clippy::cast_precision_loss, reason = "memory in KiB is far below 2^52")]
pub(super) fn mib(kib: u64) -> f64 {
    kib as f64 / 1_024.0
}

/// The middle one; 0 of none.
pub(super) fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    match figures.len() {
        0 => 0.0,
        even if even.is_multiple_of(2) => f64::midpoint(figures[middle - 1], figures[middle]),
        _ => figures[middle],
    }
}

/// Of each of `target`'s measurements that `wanted` picks, the figure of both it and of the yardstick's
/// in the same round, put together; the median of that. `None` where the yardstick was not measured.
pub(super) fn beside(
    samples: &[Sample],
    [target, yardstick]: [&str; 2],
    wanted: &dyn Fn(&Load) -> bool,
    put: &dyn Fn(&Sample, &Sample) -> f64,
) -> Option<f64> {
    let own = samples.iter().filter(|sample| sample.target == target && wanted(&sample.load));
    let pairs = own.filter_map(|own| {
        let is_pair =
            |other: &&Sample| other.target == yardstick && other.round == own.round && other.load == own.load;
        Some(put(own, samples.iter().find(is_pair)?))
    });
    let figures: Vec<f64> = pairs.collect();
    if figures.is_empty() { None } else { Some(median(figures.into_iter())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_an_even_number_lies_between_two() {
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0].into_iter()), 2.5);
        assert_eq!(median([].into_iter()), 0.0);
    }
}
