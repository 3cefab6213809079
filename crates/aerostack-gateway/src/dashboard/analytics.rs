//! `/workspaces/{slug}/analytics`: who called what, how often, how well. Period and filter stand in the
//! address; below it, the same as sheets.
//!
//! Whoever manages the workspace sees all calls, others their own: the operation decides, the page says so.

use aerostack_core::api::analytics::{AnalyticsQuery, UsageReport};
use aerostack_core::api::operation::{Operation, endpoint};
use aerostack_core::time::Timestamp;
use aerostack_core::usage::Period;
use askama::Template;
use http::StatusCode;
use url::form_urlencoded::Serializer;

use super::analytics_report::{Fact, Table, charts, facts, tables};
use super::chart::Chart;
use super::form::Form;
use super::frame::{Notice, download, draw};
use super::part::{Empty, Field, Moment};
use super::path::Tab;
use super::shell::{Link, Shell, WorkspaceGround};
use super::visitor::{Drawn, Visitor};

/// How far back can be chosen; an address may say another.
const PERIODS: [(&str, &str); 4] =
    [("24h", "24 hours"), ("7d", "7 days"), ("30d", "30 days"), ("90d", "90 days")];

/// Which calls an address means. Absent is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Filter {
    /// How far back.
    pub(super) period: String,
    /// A token's name or a person's address.
    pub(super) user: String,
    /// A server's slug.
    pub(super) server: String,
    /// A tool's exposed name.
    pub(super) tool: String,
}

impl Filter {
    fn read(typed: &Form) -> Self {
        let field = |name| typed.field(name).to_owned();
        Self { period: field("period"), user: field("user"), server: field("server"), tool: field("tool") }
    }

    /// Its address below a page's own.
    pub(super) fn address(&self, own: &str) -> String {
        let fields =
            [("period", &self.period), ("user", &self.user), ("server", &self.server), ("tool", &self.tool)];
        let mut query = Serializer::new(String::new());
        query.extend_pairs(fields.into_iter().filter(|(_, text)| !text.is_empty()));
        match query.finish() {
            query if query.is_empty() => own.to_owned(),
            query => format!("{own}?{query}"),
        }
    }

    fn query(&self) -> AnalyticsQuery {
        let given = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        AnalyticsQuery {
            period: given(&self.period),
            user: given(&self.user),
            server: given(&self.server),
            tool: given(&self.tool),
            by: None,
        }
    }

    /// The same period without a choice of calls.
    fn unfiltered(&self) -> Self {
        Self { period: self.period.clone(), ..Self::default() }
    }
}

#[derive(Template)]
#[template(path = "pages/analytics.html")]
struct AnalyticsPage<'a> {
    shell: &'a Shell,
    ground: &'a WorkspaceGround,
    own: String,
    period: &'a str,
    periods: Vec<Link>,
    /// Of somebody who sees all calls: whose.
    user: Option<Field>,
    server: Field,
    tool: Field,
    /// Where all calls are shown again, if they are filtered.
    clear: Option<String>,
    figures_csv: String,
    calls_csv: String,
    from: Moment,
    not_recorded: Option<String>,
    facts: Vec<Fact>,
    charts: Vec<Chart>,
    tables: Vec<Table>,
    empty: Option<Empty>,
}

/// Shows it, or one of the sheets below.
pub(super) async fn show(visitor: &Visitor, slug: &str, below: &[&str]) -> Drawn {
    let ground = visitor.workspace_ground(slug, Tab::Analytics).await?;
    let filter = Filter::read(&visitor.query);
    let slug = ground.workspace.slug.as_str();
    match below {
        [] => page(visitor, &ground, &filter).await,
        ["figures.csv"] => {
            let sheet = visitor.stream::<endpoint::ExportAnalytics>(&[slug], filter.query()).await?;
            Ok(download(sheet, &format!("analytics-{slug}.csv")))
        }
        ["calls.csv"] => {
            let sheet = visitor.stream::<endpoint::ExportCalls>(&[slug], filter.query()).await?;
            Ok(download(sheet, &format!("calls-{slug}.csv")))
        }
        _ => Err(Notice::nothing_here()),
    }
}

async fn page(visitor: &Visitor, ground: &WorkspaceGround, filter: &Filter) -> Drawn {
    let slug = ground.workspace.slug.as_str();
    let report = visitor.look::<endpoint::ShowAnalytics>(None, &[slug], filter.query()).await?;
    let own = ground.href(Tab::Analytics, "");
    let below = |sheet| filter.address(&ground.href(Tab::Analytics, sheet));
    let sees_all = ground.may(Operation::UpdateWorkspace);
    let is_empty = report.totals.calls == 0;
    let page = AnalyticsPage {
        shell: &ground.shell,
        ground,
        period: &filter.period,
        periods: periods(&own, filter),
        user: sees_all
            .then(|| Field::text("user", "Who").value(&filter.user).placeholder("a name or address")),
        server: Field::text("server", "Server").value(&filter.server),
        tool: Field::text("tool", "Tool").value(&filter.tool),
        clear: (*filter != filter.unfiltered()).then(|| filter.unfiltered().address(&own)),
        figures_csv: below("figures.csv"),
        calls_csv: below("calls.csv"),
        from: Moment::exact(report.from),
        not_recorded: not_recorded(&report),
        facts: facts(&report.totals),
        charts: if is_empty { Vec::new() } else { charts(&report) },
        tables: if is_empty { Vec::new() } else { tables(filter, report.tables) },
        empty: is_empty.then(|| nothing(ground, filter)),
        own,
    };
    Ok(draw(StatusCode::OK, &page))
}

fn periods(own: &str, filter: &Filter) -> Vec<Link> {
    let default = Period::DEFAULT.to_string();
    let chosen = if filter.period.is_empty() { default.as_str() } else { &filter.period };
    let other = PERIODS.iter().all(|(word, _)| *word != chosen).then_some((chosen, chosen));
    let choices = PERIODS.into_iter().chain(other);
    let link = |(word, title): (&str, &str)| Link {
        title: title.to_owned(),
        href: Filter { period: word.to_owned(), ..filter.clone() }.address(own),
        is_current: word == chosen,
    };
    choices.map(link).collect()
}

fn not_recorded(report: &UsageReport) -> Option<String> {
    match report.not_recorded {
        0 => None,
        1 => Some("1 call could not be recorded and is in no figure".to_owned()),
        count => Some(format!("{count} calls could not be recorded and are in no figure")),
    }
}

fn nothing(ground: &WorkspaceGround, filter: &Filter) -> Empty {
    if *filter != filter.unfiltered() {
        return Empty::new("No such calls", "No call of this period fits the filter.");
    }
    let text = "A call shows up here within two seconds. Connect an editor with one of your tokens:";
    Empty::new("No calls yet", text).command(format!("aerostack workspace connect {}", ground.workspace.slug))
}

/// The moments of a course, without gaps.
pub(super) fn moments(report: &UsageReport) -> Vec<Timestamp> {
    report.series.points.iter().map(|point| point.at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_holds_what_was_chosen_and_nothing_else() {
        let filter =
            Filter { user: "O'Neil & Søn".to_owned(), period: "30d".to_owned(), ..Filter::default() };
        assert_eq!(filter.address("/a"), "/a?period=30d&user=O%27Neil+%26+S%C3%B8n");
        assert_eq!(filter.unfiltered().address("/a"), "/a?period=30d");
        assert_eq!(Filter::default().address("/a"), "/a");
    }

    #[test]
    fn another_period_of_the_address_is_among_the_choices() {
        let shown = |period: &str| {
            let filter = Filter { period: period.to_owned(), ..Filter::default() };
            let link = |link: Link| format!("{}{}", link.title, if link.is_current { "*" } else { "" });
            periods("/a", &filter).into_iter().map(link).collect::<Vec<_>>().join(", ")
        };
        assert_eq!(shown(""), "24 hours, 7 days*, 30 days, 90 days");
        assert_eq!(shown("36h"), "24 hours, 7 days, 30 days, 90 days, 36h*");
    }
}
