//! `analytics`: reports, single calls, and CSV that streams through. Calls as they end are in
//! `analytics_watch`.

use aerostack_core::api::analytics::{AnalyticsQuery, By, CallView, CallsQuery};
use aerostack_core::api::operation::endpoint::{ExportAnalytics, ExportCalls, ListCalls, ShowAnalytics};
use aerostack_core::api::page::{PAGE_MAX, Page};

use super::analytics_watch;
use super::details::count;
use super::usage_report::{headline, ms, table};
use crate::args::analytics::Analytics;
use crate::args::format::Format;
use crate::context::Context;
use crate::failure::Outcome;
use crate::table::Table;

/// The columns of single calls.
pub(super) const CALL_HEADING: [&str; 7] = ["TIME", "USER", "TOOL", "OUTCOME", "TOTAL", "UPSTREAM", "CLIENT"];

pub(super) async fn run(context: &mut Context<'_>, arguments: Analytics) -> Outcome {
    let slug = context.workspace(None).await?.to_string();
    if arguments.watch {
        return analytics_watch::run(context, &slug, &arguments).await;
    }
    match (arguments.output.format, arguments.raw) {
        (Format::Csv, true) => export_calls(context, &slug, &query(&arguments)).await,
        (Format::Csv, false) => context.download::<ExportAnalytics>(&[&slug], &query(&arguments), None).await,
        (format, true) => single_calls(context, &slug, &arguments, format).await,
        (format, false) => report(context, &slug, &arguments, format).await,
    }
}

fn query(arguments: &Analytics) -> AnalyticsQuery {
    AnalyticsQuery {
        period: Some(arguments.period.to_string()),
        user: arguments.user.clone(),
        server: arguments.server.clone(),
        tool: arguments.tool.clone(),
        by: arguments.by,
    }
}

/// Single calls, all of them. Where somebody watches, how many there will be is asked first.
async fn export_calls(context: &mut Context<'_>, slug: &str, query: &AnalyticsQuery) -> Outcome {
    let lines = match context.output.shows_progress() {
        true => Some(context.call::<ShowAnalytics>(&[slug], query).await?.totals.calls),
        false => None,
    };
    context.download::<ExportCalls>(&[slug], query, lines).await
}

async fn report(context: &mut Context<'_>, slug: &str, arguments: &Analytics, format: Format) -> Outcome {
    let report = context.call::<ShowAnalytics>(&[slug], &query(arguments)).await?;
    if format == Format::Json {
        return context.output.json(&report);
    }
    for line in headline(&report) {
        context.output.line(&line)?;
    }
    // Servers stand in the names of tools; who wants them by themselves says so.
    let is_shown = |by: By| by != By::Server || arguments.by.is_some();
    for part in report.tables.iter().filter(|part| !part.rows.is_empty() && is_shown(part.by)) {
        context.output.line("")?;
        context.output.table(&table(part))?;
        if part.left_out > 0 {
            context.output.talk(&format!("{} more; --output csv has them all.", count(part.left_out, "row")));
        }
    }
    Ok(())
}

async fn single_calls(
    context: &mut Context<'_>,
    slug: &str,
    arguments: &Analytics,
    format: Format,
) -> Outcome {
    let (items, has_more) = collect(context, slug, arguments).await?;
    if format == Format::Json {
        context.output.json(&Page { items, next_cursor: None })?;
    } else {
        context.output.table(&call_table(&items, Table::new(&CALL_HEADING)))?;
    }
    if has_more {
        let shown = count(arguments.limit, "call");
        context
            .output
            .talk(&format!("The newest {shown}; there are more: --limit, or --output csv for all."));
    }
    Ok(())
}

/// Pages until the limit is reached, and whether there would be more.
async fn collect(
    context: &mut Context<'_>,
    slug: &str,
    arguments: &Analytics,
) -> Outcome<(Vec<CallView>, bool)> {
    let mut query = calls_query(arguments, &arguments.period.to_string());
    let mut items: Vec<CallView> = Vec::new();
    let limit = usize::try_from(arguments.limit).unwrap_or(usize::MAX);
    loop {
        let left = u32::try_from(limit - items.len()).unwrap_or(u32::MAX);
        query.limit = Some(left.min(PAGE_MAX));
        let page = context.call::<ListCalls>(&[slug], &query).await?;
        items.extend(page.items);
        match page.next_cursor {
            Some(cursor) if items.len() < limit => query.cursor = Some(cursor),
            next => return Ok((items, next.is_some())),
        }
    }
}

fn calls_query(arguments: &Analytics, period: &str) -> CallsQuery {
    CallsQuery {
        period: Some(period.to_owned()),
        user: arguments.user.clone(),
        server: arguments.server.clone(),
        tool: arguments.tool.clone(),
        limit: None,
        cursor: None,
    }
}

/// Single calls as rows of a table.
pub(super) fn call_table(calls: &[CallView], mut table: Table) -> Table {
    for call in calls {
        table.row([
            call.at.to_string(),
            call.user.clone(),
            call.tool.clone(),
            call.outcome.word().to_owned(),
            ms(Some(call.total_ms)),
            ms(call.upstream_ms),
            call.client.clone().unwrap_or_default(),
        ]);
    }
    table
}
