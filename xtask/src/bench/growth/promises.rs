//! Promises about size, beside what was measured.

use anyhow::Result;

use super::super::Options;
use super::super::sample::mib;
use super::super::targets::Row;
use super::part::{Part, told};
use super::point::Point;
use super::{orders, stalled, streams};

/// Those that are no point of a series.
pub(super) fn measure(options: &Options) -> Result<Vec<Row>> {
    let mut rows = orders::measure()?;
    rows.extend(stalled::measure(options)?);
    rows.extend(streams::measure()?);
    Ok(rows)
}

/// Those that are.
pub(super) fn of(points: &[Point]) -> Vec<Row> {
    let at = |part: Part, size: u32| points.iter().find(|point| point.part == part && point.size == size);
    let mut rows = Vec::new();
    let most = at(Part::Tokens, 1_000_000);
    rows.extend(
        most.map(|point| Row::new("CPU a call, 1,000,000 tokens beside 100", point.ratio, 1.1, " ×", 2)),
    );
    for (size, most) in [(1, 100.0), (100_000, 500.0)] {
        let alone = at(Part::Tokens, size).and_then(|point| point.alone);
        let what = format!("start to first served call, {} tokens, median", told(Part::Tokens, size));
        rows.extend(alone.map(|alone| Row::new(&what, alone.start_ms, most, " ms", 0)));
    }
    let huge = at(Part::Payload, 10 << 20);
    let what = "memory gained at most, 64 answers of 10 MiB at once";
    rows.extend(huge.map(|point| Row::new(what, mib(point.gained_kib), 64.0, " MiB", 1)));
    rows
}
