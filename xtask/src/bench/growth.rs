//! `--growth`: how the cost of a call, memory and start-up grow with what a gateway holds, and the
//! promises that are about size.
//!
//! In each series one thing grows and all others stay small. Every size is called in turns with the
//! size that it is compared with, so that the ratio is one of the same minute.

mod chart;
mod document;
mod orders;
mod part;
mod point;
mod promises;
mod stalled;
mod streams;
mod subject;
mod table;

use anyhow::{Result, ensure};
use serde_json::json;

pub(super) use part::Part;
use point::Point;

use super::report;
use super::targets::Row;

/// Measures, prints, and writes what is wanted.
pub(super) fn run(options: &super::Options, machine: &str) -> Result<()> {
    let wanted = |part: &Part| options.only.is_empty() || options.only.contains(part);
    let (mut points, mut rows) = (Vec::new(), Vec::new());
    for part in Part::ALL.into_iter().filter(wanted) {
        if part == Part::Promises {
            rows.extend(promises::measure(options)?);
        } else {
            points.extend(point::measure(part, options)?);
        }
    }
    let rows: Vec<Row> = promises::of(&points).into_iter().chain(rows).collect();
    let sizes = if points.is_empty() { String::new() } else { table::markdown(&points) };
    let text = format!("{machine}\n\n{sizes}\n{}", report::beside_targets(&rows));
    println!("{text}");
    if let Some(file) = &options.json {
        let points: Vec<_> = points.iter().map(Point::as_json).collect();
        let rows: Vec<_> =
            rows.iter().map(|row| json!({ "what": row.what, "measured": row.measured })).collect();
        super::keep(file, &json!({ "machine": machine, "points": points, "promises": rows }))?;
    }
    if options.write {
        document::write(&text, &chart::svg(&points))?;
    }
    let errors: u64 = points.iter().map(|point| point.errors).sum();
    ensure!(errors == 0, "{errors} calls failed; the figures stand for nothing");
    Ok(())
}
