//! `analytics`: reports, single calls, CSV that streams through, and calls as they end.

use std::time::Duration;

use aerostack_core::api::analytics::{AnalyticsQuery, By, CallView, CallsQuery};
use aerostack_core::api::operation::endpoint::{ExportAnalytics, ExportCalls, ListCalls, ShowAnalytics};
use aerostack_core::api::page::{PAGE_MAX, Page};

use super::details::count;
use super::usage_report::{headline, ms, table};
use crate::args::analytics::Analytics;
use crate::args::format::Format;
use crate::context::Context;
use crate::failure::Outcome;
use crate::table::Table;

/// Time between two looks for new calls.
const WATCH_EVERY: Duration = Duration::from_secs(1);
/// How far back a look for new calls reaches.
const WATCH_PERIOD: &str = "1h";

pub(super) async fn run(context: &mut Context<'_>, arguments: Analytics) -> Outcome {
    let slug = context.workspace(None).await?.to_string();
    if arguments.watch {
        return watch(context, &slug, &arguments).await;
    }
    match (arguments.output.format, arguments.raw) {
        (Format::Csv, true) => context.download::<ExportCalls>(&[&slug], &query(&arguments)).await,
        (Format::Csv, false) => context.download::<ExportAnalytics>(&[&slug], &query(&arguments)).await,
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
        context.output.table(&call_table(&items, true))?;
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

fn call_table(calls: &[CallView], has_heading: bool) -> Table {
    let heading = ["TIME", "USER", "TOOL", "OUTCOME", "TOTAL", "UPSTREAM", "CLIENT"];
    let mut table = if has_heading { Table::new(&heading) } else { Table::plain() };
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

/// Prints calls as they end: those of a page that were not in the page before.
async fn watch(context: &mut Context<'_>, slug: &str, arguments: &Analytics) -> Outcome {
    let mut query = calls_query(arguments, WATCH_PERIOD);
    query.limit = Some(PAGE_MAX);
    let mut seen = context.call::<ListCalls>(&[slug], &query).await?.items;
    context.output.talk("Calls are shown as they end. Ctrl-C ends this.");
    loop {
        tokio::time::sleep(WATCH_EVERY).await;
        let found = context.call::<ListCalls>(&[slug], &query).await?.items;
        let mut new: Vec<CallView> = found.iter().filter(|call| !seen.contains(call)).cloned().collect();
        new.reverse();
        for call in &new {
            match arguments.output.format {
                Format::Json => context.output.json_line(call)?,
                _ => context.output.table(&call_table(std::slice::from_ref(call), false))?,
            }
        }
        if !new.is_empty() {
            context.output.finish()?;
        }
        seen = found;
    }
}
