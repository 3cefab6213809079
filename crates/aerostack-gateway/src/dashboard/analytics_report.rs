//! What a report is on a page: figures in words, charts, and tables whose rows lead to their own calls.

use aerostack_core::api::analytics::{By, Figures, UsagePoint, UsageReport, UsageRow, UsageTable, share};
use aerostack_core::usage::Grain;

use super::analytics::{Filter, moments};
use super::chart::{Chart, Plan, Series, Shape, Unit};

/// Rows of one table; the sheet has all.
const ROWS_MAX: usize = 25;
/// One error among so many calls is looked at.
const FAILING_PARTS: u64 = 20;
/// What stands where nothing was measured.
const NOTHING: &str = "–";

/// A figure under its name.
pub(super) struct Fact {
    /// What it is.
    pub(super) title: &'static str,
    /// The figure.
    pub(super) value: String,
    /// What else is to be known of it.
    pub(super) more: String,
}

/// Groups of calls.
pub(super) struct Table {
    /// Its name on the page, used once.
    pub(super) id: &'static str,
    /// What it shows.
    pub(super) title: &'static str,
    /// What its groups are.
    pub(super) of: &'static str,
    /// The groups.
    pub(super) rows: Vec<Row>,
    /// Groups that were left out.
    pub(super) left_out: u64,
}

/// One group of calls.
pub(super) struct Row {
    /// What it is called.
    pub(super) name: String,
    /// Where its calls alone are shown.
    pub(super) href: Option<String>,
    /// What else is to be known of it.
    pub(super) sub: Option<String>,
    /// Calls.
    pub(super) calls: String,
    /// Errors, and their share.
    pub(super) errors: String,
    /// Whether somebody should look at them.
    pub(super) is_failing: bool,
    /// How long its calls took: p50, p95, p99.
    pub(super) times: [String; 3],
}

/// The headline.
pub(super) fn facts(totals: &Figures) -> Vec<Fact> {
    let [calls, errors] = [totals.calls, totals.errors].map(count);
    let cancelled = match totals.outcomes.cancelled {
        0 => String::new(),
        cancelled => format!("{} taken back", count(cancelled)),
    };
    let latency = |title, middle: Option<f64>, high: Option<f64>, most: Option<f64>| Fact {
        title,
        value: time(middle),
        more: format!("p95 {} · p99 {}", time(high), time(most)),
    };
    let server = [totals.upstream_p50_ms, totals.upstream_p95_ms, totals.upstream_p99_ms];
    vec![
        Fact { title: "Calls", value: calls, more: cancelled },
        Fact { title: "Errors", value: errors, more: rate(totals) },
        latency("Median time", totals.p50_ms, totals.p95_ms, totals.p99_ms),
        latency("Of it, the server's", server[0], server[1], server[2]),
    ]
}

/// The course over time: calls, errors, times.
pub(super) fn charts(report: &UsageReport) -> Vec<Chart> {
    let points = &report.series.points;
    let column = |value: &dyn Fn(&UsagePoint) -> Option<f64>| points.iter().map(value).collect::<Vec<_>>();
    let grain = if report.series.by == By::Hour { Grain::Hour } else { Grain::Day };
    let plan = |id, title, summary, unit, shape, series| Plan {
        id,
        title,
        summary,
        unit,
        shape,
        grain,
        slots: moments(report),
        series,
    };
    let ok = column(&|point| Some(number(point.calls - point.errors.min(point.calls))));
    let errors = column(&|point| Some(number(point.errors)));
    let failing = column(&|point| (point.calls > 0).then(|| percent(point.errors, point.calls)));
    let volume = vec![
        Series { name: "ok", tone: "ok", values: ok },
        Series { name: "errors", tone: "bad", values: errors },
    ];
    let times = vec![
        Series { name: "p50", tone: "first", values: column(&|point| point.p50_ms) },
        Series { name: "p95", tone: "second", values: column(&|point| point.p95_ms) },
        Series { name: "p99", tone: "third", values: column(&|point| point.p99_ms) },
    ];
    let totals = &report.totals;
    let (calls, errors, rate) = (count(totals.calls), count(totals.errors), rate(totals));
    let told = format!("Calls over time: {calls} in all, {errors} with errors");
    let failures = format!("Share of calls with errors over time: {rate} in all");
    let [middle, high, most] = [totals.p50_ms, totals.p95_ms, totals.p99_ms].map(time);
    let latency = format!("Time of calls over time: p50 {middle}, p95 {high}, p99 {most} in all");
    let failing = vec![Series { name: "errors", tone: "bad", values: failing }];
    vec![
        Chart::draw(plan("volume", "Calls", told, Unit::Count, Shape::Bars, volume)),
        Chart::draw(plan("latency", "Time", latency, Unit::Millis, Shape::Lines, times)),
        Chart::draw(plan("failures", "Error rate", failures, Unit::Percent, Shape::Lines, failing)),
    ]
}

/// The table by server, which is short and stands beside a chart, and those by user and tool.
pub(super) fn tables(filter: &Filter, mut found: Vec<UsageTable>) -> Vec<Table> {
    found.sort_by_key(|table| table.by != By::Server);
    found.into_iter().filter_map(|found| table(filter, found)).collect()
}

fn table(filter: &Filter, found: UsageTable) -> Option<Table> {
    let (id, title, of) = match found.by {
        By::User => ("by-user", "By user", "User"),
        By::Tool => ("by-tool", "By tool", "Tool"),
        By::Server => ("by-server", "By server", "Server"),
        By::Day | By::Hour => return None,
    };
    let left_out = found.left_out + found.rows.len().saturating_sub(ROWS_MAX) as u64;
    let rows = found.rows.into_iter().take(ROWS_MAX).map(|group| row(filter, found.by, group));
    Some(Table { id, title, of, rows: rows.collect(), left_out })
}

fn row(filter: &Filter, by: By, group: UsageRow) -> Row {
    let UsageRow { user, email, server, tool, figures, .. } = group;
    let (user, server, tool) =
        (user.unwrap_or_default(), server.unwrap_or_default(), tool.unwrap_or_default());
    let mut narrower = filter.clone();
    let (name, sub) = match by {
        By::User => {
            narrower.user.clone_from(&user);
            (user, email)
        }
        By::Tool => {
            narrower.tool.clone_from(&tool);
            let sub = (!tool.starts_with(&server)).then_some(server);
            (tool, sub)
        }
        _ => {
            narrower.server.clone_from(&server);
            (server, None)
        }
    };
    let times = [figures.p50_ms, figures.p95_ms, figures.p99_ms].map(time);
    Row {
        // Calls of tools that do not exist reached no server. Of the page's own address only what follows
        // is said: pages of many rows stay small.
        href: (!name.is_empty()).then(|| narrower.address("")),
        name: if name.is_empty() { "(none)".to_owned() } else { name },
        sub,
        calls: count(figures.calls),
        errors: match figures.errors {
            0 => "0".to_owned(),
            errors => format!("{} · {}", count(errors), rate(&figures)),
        },
        is_failing: is_failing(figures.calls, figures.errors),
        times,
    }
}

/// Whether so many errors should be looked at; a few are among all calls.
pub(super) const fn is_failing(calls: u64, errors: u64) -> bool {
    errors > 0 && errors.saturating_mul(FAILING_PARTS) >= calls
}

/// A number of calls as it is written.
pub(super) fn count(count: u64) -> String {
    Unit::Count.say(number(count))
}

fn rate(figures: &Figures) -> String {
    Unit::Percent.say(figures.error_rate * 100.0)
}

fn percent(part: u64, whole: u64) -> f64 {
    share(part, whole) * 100.0
}

fn time(millis: Option<f64>) -> String {
    millis.map_or_else(|| NOTHING.to_owned(), |millis| Unit::Millis.say(millis))
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
fn number(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(user: &str, calls: u64, errors: u64) -> UsageRow {
        let error_rate = share(errors, calls);
        let figures = Figures { calls, errors, error_rate, p50_ms: Some(12.0), ..Figures::default() };
        UsageRow { user: Some(user.to_owned()), figures, ..UsageRow::default() }
    }

    #[test]
    fn rows_lead_to_their_own_calls_and_what_is_left_out_is_counted() {
        let rows = (0..30).map(|person| group(&format!("Person {person}"), 1_204, person)).collect();
        let filter = Filter { period: "30d".to_owned(), tool: "desk__echo".to_owned(), ..Filter::default() };
        let found = UsageTable { by: By::User, rows, left_out: 2 };
        let shown = table(&filter, found).unwrap();
        assert_eq!((shown.rows.len(), shown.left_out), (25, 7));
        let row = &shown.rows[3];
        assert_eq!(row.href.as_deref(), Some("?period=30d&user=Person+3&tool=desk__echo"));
        assert_eq!((row.calls.as_str(), row.errors.as_str()), ("1,204", "3 · 0.25%"));
        assert_eq!(row.times, ["12 ms", "–", "–"]);
        assert_eq!((shown.rows[0].errors.as_str(), shown.rows[0].is_failing), ("0", false));
    }

    #[test]
    fn one_error_in_twenty_calls_is_looked_at() {
        let seen =
            [(0, 0), (100, 0), (100, 4), (100, 5), (1, 1)].map(|(calls, errors)| is_failing(calls, errors));
        assert_eq!(seen, [false, false, false, true, true]);
    }

    #[test]
    fn calls_of_no_server_lead_nowhere() {
        let row = row(&Filter::default(), By::Server, UsageRow::default());
        assert_eq!((row.name.as_str(), row.href), ("(none)", None));
    }
}
