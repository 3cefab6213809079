//! What the figures should be.

use super::alone::Alone;
use super::load::{Load, What};
use super::sample::{Sample, beside, median};
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

/// Every figure that has a target and was measured.
pub(super) fn rows(samples: &[Sample], alone: &Alone) -> Vec<Row> {
    let mut rows = ratios(samples);
    let one = |load: &Load| load.connections == 1 && load.rate.is_none();
    for (name, at, most) in [("p50", 0, 25.0), ("p99", 2, 150.0)] {
        let added = |own: &Sample, hop: &Sample| own.latencies_us[at] - hop.latencies_us[at];
        let what = format!("added {name} over the hop, 1 connection");
        rows.extend(beside(samples, [GATEWAY, HOP], &one, &added).map(|measured| Row {
            what,
            measured,
            most,
            unit: " µs",
            digits: 0,
        }));
    }
    let of_gateway = |wanted: &dyn Fn(&Load) -> bool, figure: &dyn Fn(&Sample) -> f64| {
        let own = samples.iter().filter(|sample| sample.target == GATEWAY && wanted(&sample.load));
        median(own.map(figure))
    };
    let lists = of_gateway(&|load| load.what == What::List, &|sample| sample.cpu_us);
    let what = "CPU a `tools/list`, 10 servers × 20 tools".to_owned();
    rows.push(Row { what, measured: lists, most: 25.0, unit: " µs", digits: 1 });
    let is_huge = |load: &Load| matches!(load.what, What::Big(letters) if letters >= 10 << 20);
    let what = "resident memory gained, 64 answers of 10 MiB at once".to_owned();
    rows.push(Row {
        what,
        measured: of_gateway(&is_huge, &|sample| mib(sample.growth_kib())),
        most: 64.0,
        unit: " MiB",
        digits: 1,
    });
    let alone = [
        ("start to first served call, empty database, median", alone.start_ms, 100.0, " ms"),
        ("resident memory when idle", mib(alone.idle_kib), 20.0, " MiB"),
        ("the program", mib(alone.program_kib), 20.0, " MiB"),
    ];
    rows.extend(alone.map(|(what, measured, most, unit)| Row {
        what: what.to_owned(),
        measured,
        most,
        unit,
        digits: 1,
    }));
    rows
}

/// The cost of a call against hop and nginx, with and without the recorder's writer.
fn ratios(samples: &[Sample]) -> Vec<Row> {
    let mut rows = Vec::new();
    for (connections, yardstick) in [(16, HOP), (64, HOP), (16, NGINX), (64, NGINX)] {
        let wanted = |load: &Load| {
            load.connections == connections && load.rate.is_none() && matches!(load.what, What::Echo(_))
        };
        let kinds = [("without the recorder's writer", 1.0, 1.3), ("with it", 0.0, 1.6)];
        for (kind, less, most) in kinds {
            let put = |own: &Sample, other: &Sample| (own.cpu_us - less * own.writer_us) / other.cpu_us;
            let measured = beside(samples, [GATEWAY, yardstick], &wanted, &put);
            let what = format!("CPU a call beside {yardstick}, {connections} connections, {kind}");
            rows.extend(measured.map(|measured| Row { what, measured, most, unit: " ×", digits: 2 }));
        }
    }
    rows
}

#[expect(clippy::cast_precision_loss, reason = "memory in KiB is far below 2^52")]
fn mib(kib: u64) -> f64 {
    kib as f64 / 1_024.0
}
