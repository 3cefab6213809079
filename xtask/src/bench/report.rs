//! What the measurements come to, as Markdown: tables of medians; of memory, the most.

use std::fmt::Write as _;

use super::load::Load;
use super::sample::{self, Sample, median};
use super::stand::{GATEWAY, HOP, NGINX};
use super::targets::Row;

const HEAD: &str =
    "| | calls/s | p50 µs | p90 | p99 | p99.9 | CPU µs a call | × hop | × nginx | most MiB | gained |
|---|---|---|---|---|---|---|---|---|---|---|
";

/// A table for each load.
pub(super) fn tables(samples: &[Sample]) -> String {
    let mut text = String::new();
    let mut loads: Vec<Load> = Vec::new();
    for sample in samples {
        if !loads.contains(&sample.load) {
            loads.push(sample.load);
        }
    }
    for load in loads {
        let _ = write!(text, "\n{}\n\n{}", load.name(), table(samples, &load));
    }
    text
}

/// Figures beside what they should be.
pub(super) fn beside_targets(rows: &[Row]) -> String {
    let mut text = "| | measured | target | |\n|---|---|---|---|\n".to_owned();
    for row in rows {
        let verdict = if row.measured <= row.most {
            "holds".to_owned()
        } else {
            format!("missed: {:.1} times as much", row.measured / row.most)
        };
        let Row { what, measured, most, unit, digits } = row;
        let _ = writeln!(text, "| {what} | {measured:.digits$}{unit} | ≤ {most}{unit} | {verdict} |");
    }
    text
}

fn table(samples: &[Sample], load: &Load) -> String {
    let mut text = HEAD.to_owned();
    let mut targets: Vec<&str> = Vec::new();
    for sample in samples.iter().filter(|sample| sample.load == *load) {
        if !targets.contains(&sample.target) {
            targets.push(sample.target);
        }
    }
    for target in targets {
        let figure = |figure: &dyn Fn(&Sample) -> f64| {
            let own = samples.iter().filter(|sample| sample.target == target && sample.load == *load);
            median(own.map(figure))
        };
        let per_second = figure(&|sample| sample.per_second);
        let [p50, p90, p99, p999] = [0, 1, 2, 3].map(|at| figure(&|sample| sample.latencies_us[at]));
        let _ = write!(text, "| {target} | {per_second:.0} | {p50:.0} | {p90:.0} | {p99:.0} | {p999:.0} |");
        let most = |memory: &dyn Fn(&Sample) -> u64| {
            let own = samples.iter().filter(|sample| sample.target == target && sample.load == *load);
            own.map(|sample| sample::mib(memory(sample))).fold(0.0, f64::max)
        };
        let [peak, gained] = [most(&|sample| sample.memory_kib[1]), most(&Sample::growth_kib)];
        if peak == 0.0 {
            text.push_str(" | | | | |\n");
            continue;
        }
        let _ = writeln!(
            text,
            "{} {peak:.1} | {gained:.1} |",
            costs(samples, load, target, &|sample| sample.cpu_us)
        );
        if target == GATEWAY {
            let without = costs(samples, load, target, &|sample| sample.cpu_us - sample.writer_us);
            let _ = writeln!(text, "| … without the recorder's writer | | | | | |{without} | |");
        }
    }
    text
}

/// Cost a call and its ratios, as cells of a row.
fn costs(samples: &[Sample], load: &Load, target: &str, cost: &dyn Fn(&Sample) -> f64) -> String {
    let own = samples.iter().filter(|sample| sample.target == target && sample.load == *load);
    let cpu = median(own.map(cost));
    let to = |yardstick| {
        let put = |own: &Sample, other: &Sample| cost(own) / other.cpu_us;
        let ratio = sample::beside(samples, [target, yardstick], &|other| other == load, &put);
        ratio.map_or_else(String::new, |ratio| format!(" {ratio:.2}"))
    };
    format!(" {cpu:.1} |{} |{} |", to(HOP), to(NGINX))
}
