//! The series as a table of Markdown.

use std::fmt::Write as _;

use super::super::sample::mib;
use super::part::told;
use super::point::Point;

const HEAD: &str = "| | CPU µs a call | × | p50 µs | p99 µs | start ms | idle MiB | gained MiB |
|---|---|---|---|---|---|---|---|
";

/// One table; each series begins with what grows.
pub(super) fn markdown(points: &[Point]) -> String {
    let mut text = HEAD.to_owned();
    let mut last = None;
    for point in points {
        if last != Some(point.part) {
            let _ = writeln!(text, "| **{}** | | | | | | | |", point.part.title());
            last = Some(point.part);
        }
        let [p50, p99] = point.latencies_us;
        let (start, idle) = point.alone.map_or_else(Default::default, |alone| {
            (format!("{:.0}", alone.start_ms), format!("{:.1}", mib(alone.idle_kib)))
        });
        let _ = writeln!(
            text,
            "| {} | {:.1} | {:.2} | {p50:.0} | {p99:.0} | {start} | {idle} | {:.1} |",
            told(point.part, point.size),
            point.cpu_us,
            point.ratio,
            mib(point.gained_kib),
        );
    }
    text
}
