//! A report on calls as text: a headline, the course over time, tables.

use aerostack_core::api::analytics::{By, Figures, UsageReport, UsageRow, UsageSeries, UsageTable};
use aerostack_core::time::Timestamp;

use super::details::count;
use crate::table::Table;

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Columns of the course over time; a longer one is drawn in groups.
const COURSE_MAX: usize = 60;
const NOTHING: &str = "-";

/// The lines above the tables.
pub(super) fn headline(report: &UsageReport) -> Vec<String> {
    let totals = &report.totals;
    let mut lines = vec![format!(
        "{}: {} to {} ({})",
        report.workspace,
        report.from.minute(),
        report.to.minute(),
        report.period
    )];
    if totals.calls == 0 {
        lines.push("No calls.".to_owned());
    } else {
        let cancelled = match totals.outcomes.cancelled {
            0 => String::new(),
            number => format!(", {} cancelled", thousands(number)),
        };
        lines.push(format!(
            "{}, {} ({}){cancelled}",
            calls(totals.calls),
            count(totals.errors, "error"),
            percent(totals.error_rate)
        ));
        let times = |name: &str, p50, p95, p99| {
            format!("{name}  p50 {}   p95 {}   p99 {}", ms(p50), ms(p95), ms(p99))
        };
        lines.push(times("Total    ", totals.p50_ms, totals.p95_ms, totals.p99_ms));
        lines.push(times(
            "Upstream ",
            totals.upstream_p50_ms,
            totals.upstream_p95_ms,
            totals.upstream_p99_ms,
        ));
        lines.push(format!(
            "Ours vs upstream, on average: {} vs {}",
            ms(totals.own_mean_ms),
            ms(totals.upstream_mean_ms)
        ));
        lines.extend(course(&report.series));
    }
    if report.not_recorded > 0 {
        let number = calls(report.not_recorded);
        lines.push(format!("Not recorded, and in none of these numbers: {number} of the workspace."));
    }
    lines
}

fn calls(number: u64) -> String {
    if number == 1 { "1 call".to_owned() } else { format!("{} calls", thousands(number)) }
}

/// `Per day   ▁▂█  most: 310 on 2026-03-14`
fn course(series: &UsageSeries) -> Option<String> {
    let most = series.points.iter().max_by_key(|point| point.calls).filter(|point| point.calls > 0)?;
    let group_len = series.points.len().div_ceil(COURSE_MAX).max(1);
    let groups: Vec<u64> =
        series.points.chunks(group_len).map(|group| group.iter().map(|point| point.calls).sum()).collect();
    let highest = groups.iter().copied().max().unwrap_or(0).max(1);
    let bar = |calls: u64| match calls {
        0 => ' ',
        calls => {
            let step = usize::try_from((calls - 1).saturating_mul(8) / highest).unwrap_or(7);
            BARS[step.min(7)]
        }
    };
    let bars: String = groups.into_iter().map(bar).collect();
    let (unit, when) = match series.by {
        By::Hour => ("hour", most.at.minute()),
        _ => ("day", most.at.date()),
    };
    Some(format!("Per {unit}  |{bars}|  most: {} on {when}", thousands(most.calls)))
}

/// One table of a report.
pub(super) fn table(table: &UsageTable) -> Table {
    let (first, second) = match table.by {
        By::User => ("USER", "EMAIL"),
        By::Tool => ("TOOL", "SERVER"),
        By::Server => ("SERVER", ""),
        By::Day => ("DAY", ""),
        By::Hour => ("HOUR", ""),
    };
    // A column of which nobody has anything is left out.
    let has_second = !second.is_empty() && table.rows.iter().any(|row| !names(table.by, row).1.is_empty());
    let figures = ["CALLS", "ERRORS", "P50", "P95", "P99", "UPSTREAM P95"];
    let heading: Vec<&str> =
        std::iter::once(first).chain(has_second.then_some(second)).chain(figures).collect();
    let mut shown = Table::new(&heading);
    for row in &table.rows {
        let (name, more) = names(table.by, row);
        let [calls, errors, p50, p95, p99, upstream] = cells(&row.figures);
        if has_second {
            shown.row([name, more, calls, errors, p50, p95, p99, upstream]);
        } else {
            shown.row([name, calls, errors, p50, p95, p99, upstream]);
        }
    }
    shown
}

fn names(by: By, row: &UsageRow) -> (String, String) {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    match by {
        By::User => (text(&row.user), text(&row.email)),
        By::Tool => (text(&row.tool), text(&row.server)),
        By::Server => {
            let server = text(&row.server);
            (if server.is_empty() { "(none)".to_owned() } else { server }, String::new())
        }
        By::Day => (row.bucket.map(Timestamp::date).unwrap_or_default(), String::new()),
        By::Hour => (row.bucket.map(Timestamp::minute).unwrap_or_default(), String::new()),
    }
}

fn cells(figures: &Figures) -> [String; 6] {
    let errors = match figures.errors {
        0 => "0".to_owned(),
        number => format!("{} ({})", thousands(number), percent(figures.error_rate)),
    };
    [
        thousands(figures.calls),
        errors,
        ms(figures.p50_ms),
        ms(figures.p95_ms),
        ms(figures.p99_ms),
        ms(figures.upstream_p95_ms),
    ]
}

/// `0.42 ms`, `41 ms`, `1.5 s`.
pub(super) fn ms(millis: Option<f64>) -> String {
    match millis {
        None => NOTHING.to_owned(),
        Some(millis) if millis < 10.0 => format!("{millis:.2} ms"),
        Some(millis) if millis < 1_000.0 => format!("{millis:.0} ms"),
        Some(millis) => format!("{:.1} s", millis / 1_000.0),
    }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// `1,234,567`
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use aerostack_core::api::analytics::{Outcomes, UsagePoint};

    fn report() -> UsageReport {
        let moment = |text: &str| Timestamp::parse(text).unwrap();
        let figures = Figures {
            calls: 1_234,
            errors: 12,
            error_rate: 0.0097,
            outcomes: Outcomes { ok: 1_222, tool_error: 12, ..Outcomes::default() },
            p50_ms: Some(41.2),
            p95_ms: Some(120.0),
            p99_ms: Some(1_510.0),
            upstream_p50_ms: Some(40.0),
            upstream_p95_ms: Some(118.0),
            upstream_p99_ms: Some(1_500.0),
            own_mean_ms: Some(0.4),
            upstream_mean_ms: Some(44.0),
            ..Figures::default()
        };
        let point = |at: &str, calls| UsagePoint {
            at: moment(at),
            calls,
            errors: 0,
            p50_ms: None,
            p95_ms: None,
            p99_ms: None,
        };
        let (from, to) = (moment("2026-03-10T11:00:00Z"), moment("2026-03-17T11:15:00Z"));
        UsageReport {
            workspace: "engineering".to_owned(),
            period: "7d".to_owned(),
            from,
            to,
            not_recorded: 2,
            relative_error: 1.0 / 64.0,
            totals: figures.clone(),
            series: UsageSeries {
                from,
                to,
                by: By::Day,
                points: vec![point("2026-03-10", 4), point("2026-03-11", 0), point("2026-03-12", 1_230)],
            },
            tables: vec![UsageTable {
                by: By::User,
                rows: vec![UsageRow { user: Some("Alice Chen".to_owned()), figures, ..UsageRow::default() }],
                left_out: 0,
            }],
        }
    }

    #[test]
    fn a_report_reads_as_documented() {
        assert_eq!(
            headline(&report()),
            [
                "engineering: 2026-03-10 11:00 UTC to 2026-03-17 11:15 UTC (7d)",
                "1,234 calls, 12 errors (1.0 %)",
                "Total      p50 41 ms   p95 120 ms   p99 1.5 s",
                "Upstream   p50 40 ms   p95 118 ms   p99 1.5 s",
                "Ours vs upstream, on average: 0.40 ms vs 44 ms",
                "Per day  |▁ █|  most: 1,230 on 2026-03-12",
                "Not recorded, and in none of these numbers: 2 calls of the workspace.",
            ]
        );
        assert_eq!(
            table(&report().tables[0]).render(None),
            "USER         CALLS   ERRORS       P50     P95      P99     UPSTREAM P95\n\
             Alice Chen   1,234   12 (1.0 %)   41 ms   120 ms   1.5 s   118 ms\n"
        );
    }

    #[test]
    fn nothing_is_said_of_times_when_there_are_no_calls() {
        let empty = UsageReport { totals: Figures::default(), not_recorded: 0, ..report() };
        assert_eq!(headline(&empty)[1..], ["No calls."]);
    }

    #[test]
    fn numbers_are_grouped() {
        let shown = [0, 999, 1_000, 1_234_567].map(thousands);
        assert_eq!(shown, ["0", "999", "1,000", "1,234,567"]);
    }
}
