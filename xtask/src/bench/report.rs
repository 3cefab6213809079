//! What the measurements come to: medians, ratios, tables.

use std::fmt::Write as _;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::load::Shape;
use super::stand::{GATEWAY, HOP, NGINX};
use super::usage::Usage;

/// One measurement.
pub(super) struct Sample {
    round: u32,
    target: &'static str,
    shape: Shape,
    pub(super) errors: u64,
    first_error: Option<String>,
    per_second: f64,
    /// p50, p90, p99, p99.9 in microseconds.
    latencies_us: [f64; 4],
    /// Processor time a call in microseconds, all told.
    cpu_us: f64,
    /// The part of it that threads which write records took.
    writer_us: f64,
}

impl Sample {
    pub(super) fn new(
        round: u32,
        target: &'static str,
        shape: Shape,
        figures: &Value,
        before: &Usage,
        after: &Usage,
    ) -> Result<Self> {
        let figure = |name: &str| figures[name].as_f64().with_context(|| format!("{name} is told"));
        let spent = after.since(before);
        let calls = figure("calls")?.max(1.0);
        let a_call = |spent: std::time::Duration| spent.as_secs_f64() * 1e6 / calls;
        Ok(Self {
            round,
            target,
            shape,
            errors: figures["errors"].as_u64().context("errors are told")?,
            first_error: figures["first_error"].as_str().map(str::to_owned),
            per_second: figure("per_second")?,
            latencies_us: [figure("p50_us")?, figure("p90_us")?, figure("p99_us")?, figure("p999_us")?],
            cpu_us: a_call(spent.all),
            writer_us: a_call(spent.writer),
        })
    }

    /// For whoever waits.
    pub(super) fn line(&self) -> String {
        let errors = match (&self.first_error, self.errors) {
            (Some(error), errors) => format!(", {errors} errors: {error}"),
            (None, _) => String::new(),
        };
        let (shape, target) = (self.shape.name(), self.target);
        let ([p50, _, p99, _], cpu) = (self.latencies_us, self.cpu_us);
        format!(
            "{shape}: {target} {:.0}/s, p50 {p50:.0} µs, p99 {p99:.0} µs, {cpu:.1} µs of processor{errors}",
            self.per_second
        )
    }

    /// All of it, for keeping.
    pub(super) fn as_json(&self) -> Value {
        let [p50, p90, p99, p999] = self.latencies_us;
        json!({
            "round": self.round, "target": self.target, "connections": self.shape.connections,
            "rate": self.shape.rate, "errors": self.errors, "per_second": self.per_second,
            "p50_us": p50, "p90_us": p90, "p99_us": p99, "p999_us": p999,
            "cpu_us": self.cpu_us, "writer_us": self.writer_us,
        })
    }

    fn is_beside(&self, other: &Self) -> bool {
        self.round == other.round && self.shape == other.shape
    }
}

/// A table for each shape of load.
pub(super) fn tables(samples: &[Sample]) -> String {
    let mut text = String::new();
    let mut shapes: Vec<Shape> = Vec::new();
    for sample in samples {
        if !shapes.contains(&sample.shape) {
            shapes.push(sample.shape);
        }
    }
    for shape in shapes {
        let of_shape: Vec<&Sample> = samples.iter().filter(|sample| sample.shape == shape).collect();
        let _ = write!(text, "\n{}\n\n{}", shape.name(), table(&of_shape));
    }
    text
}

fn table(samples: &[&Sample]) -> String {
    let mut text = "| | calls/s | p50 µs | p90 | p99 | p99.9 | CPU µs a call | × hop | × nginx |\n\
                    |---|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    let mut targets: Vec<&str> = Vec::new();
    for sample in samples {
        if !targets.contains(&sample.target) {
            targets.push(sample.target);
        }
    }
    for target in targets {
        let of_target = |figure: &dyn Fn(&Sample) -> f64| {
            median(samples.iter().filter(|sample| sample.target == target).map(|sample| figure(sample)))
        };
        let per_second = of_target(&|sample| sample.per_second);
        let [p50, p90, p99, p999] = [0, 1, 2, 3].map(|at| of_target(&|sample| sample.latencies_us[at]));
        let _ = write!(text, "| {target} | {per_second:.0} | {p50:.0} | {p90:.0} | {p99:.0} | {p999:.0} |");
        let _ = writeln!(text, "{}", costs(samples, target, &|sample| sample.cpu_us));
        if target == GATEWAY {
            let without = costs(samples, target, &|sample| sample.cpu_us - sample.writer_us);
            let _ = writeln!(text, "| … without the recorder's writer | | | | | |{without}");
        }
    }
    text
}

/// Cost a call and its ratios, as the last cells of a row.
fn costs(samples: &[&Sample], target: &str, cost: &dyn Fn(&Sample) -> f64) -> String {
    let own = || samples.iter().filter(|sample| sample.target == target);
    let cpu = median(own().map(|sample| cost(sample)));
    if cpu == 0.0 {
        return " | | |".to_owned();
    }
    let to = |yardstick: &str| {
        let ratios = own().filter_map(|sample| {
            let beside = |other: &&&Sample| other.target == yardstick && sample.is_beside(other);
            Some(cost(sample) / samples.iter().find(beside)?.cpu_us)
        });
        let ratios: Vec<f64> = ratios.collect();
        if ratios.is_empty() { String::new() } else { format!(" {:.2}", median(ratios.into_iter())) }
    };
    format!(" {cpu:.1} |{} |{} |", to(HOP), to(NGINX))
}

fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    match figures.len() {
        0 => 0.0,
        even if even % 2 == 0 => f64::midpoint(figures[middle - 1], figures[middle]),
        _ => figures[middle],
    }
}
