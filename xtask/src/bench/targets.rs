//! What the figures should be.

use super::alone::Alone;
use super::load::{KIB, Load, What};
use super::sample::{Sample, beside, median, mib};
use super::stand::{GATEWAY, HOP, NGINX};

/// A figure beside its target.
pub(super) struct Row {
    pub(super) what: String,
    pub(super) measured: f64,
    pub(super) most: f64,
    pub(super) unit: &'static str,
    /// Digits after the point that mean something.
    pub(super) digits: usize,
}

impl Row {
    pub(super) fn new(what: &str, measured: f64, most: f64, unit: &'static str, digits: usize) -> Self {
        Self { what: what.to_owned(), measured, most, unit, digits }
    }
}

/// Every figure that has a target and was measured.
pub(super) fn rows(samples: &[Sample], alone: &Alone) -> Vec<Row> {
    let mut rows = ratios(samples);
    let one = |load: &Load| load.connections == 1 && load.rate.is_none();
    for (name, at, most) in [("p50", 0, 25.0), ("p99", 2, 150.0)] {
        let added = |own: &Sample, hop: &Sample| own.latencies_us[at] - hop.latencies_us[at];
        let added = beside(samples, [GATEWAY, HOP], &one, &added);
        let what = format!("added {name} over the hop, 1 connection");
        rows.extend(added.map(|measured| Row::new(&what, measured, most, " µs", 0)));
    }
    let of_gateway = |wanted: &dyn Fn(&Load) -> bool, figure: &dyn Fn(&Sample) -> f64| -> Vec<f64> {
        let own = samples.iter().filter(|sample| sample.target == GATEWAY && wanted(&sample.load));
        own.map(figure).collect()
    };
    let lists = of_gateway(&|load| load.what == What::List, &|sample| sample.cpu_us);
    let lists = median(lists.into_iter());
    rows.push(Row::new("CPU a `tools/list`, 10 servers × 20 tools", lists, 25.0, " µs", 1));
    let is_huge = |load: &Load| matches!(load.what, What::Big(letters) if letters >= 10 << 20);
    let gained = of_gateway(&is_huge, &|sample| mib(sample.growth_kib()));
    let gained = gained.into_iter().fold(0.0, f64::max);
    rows.push(Row::new("memory gained at most, 64 answers of 10 MiB at once", gained, 64.0, " MiB", 1));
    let start = "start to first served call, small database, median";
    rows.push(Row::new(start, alone.start_ms, 100.0, " ms", 1));
    rows.push(Row::new("resident memory when idle", mib(alone.idle_kib), 20.0, " MiB", 1));
    rows.push(Row::new("the program's file without names", alone.stripped_mb, 20.0, " MB", 1));
    rows
}

/// The cost of a call against hop and nginx, with and without the recorder's writer.
fn ratios(samples: &[Sample]) -> Vec<Row> {
    let mut rows = Vec::new();
    for (connections, yardstick) in [(16, HOP), (64, HOP), (16, NGINX), (64, NGINX)] {
        let wanted = |load: &Load| *load == Load::new(What::Echo(KIB), connections, None);
        let kinds = [("without the recorder's writer", 1.0, 1.3), ("with it", 0.0, 1.6)];
        for (kind, less, most) in kinds {
            let put = |own: &Sample, other: &Sample| (own.cpu_us - less * own.writer_us) / other.cpu_us;
            let measured = beside(samples, [GATEWAY, yardstick], &wanted, &put);
            let what = format!("CPU a call beside {yardstick}, {connections} connections, {kind}");
            rows.extend(measured.map(|measured| Row::new(&what, measured, most, " ×", 2)));
        }
    }
    rows
}
