//! `me usage`: one's own calls, with a workspace token or an account key.

use aerostack_core::api::analytics::{OwnUsage, OwnUsageQuery};
use aerostack_core::api::operation::endpoint::ShowOwnUsage;

use super::usage_report::{headline, table};
use crate::args::analytics::{self, MeCommand};
use crate::args::format::Format;
use crate::context::Context;
use crate::failure::Outcome;

pub(super) async fn run(context: &mut Context<'_>, command: MeCommand) -> Outcome {
    match command {
        MeCommand::Usage(arguments) => usage(context, arguments).await,
    }
}

async fn usage(context: &mut Context<'_>, arguments: analytics::OwnUsage) -> Outcome {
    let query = OwnUsageQuery { period: Some(arguments.period.to_string()) };
    let usage = match arguments.token {
        Some(token) => {
            let token = context.credential(token, "the workspace token")?;
            context.call_with_token::<ShowOwnUsage>(token, &query).await?
        }
        None => context.call::<ShowOwnUsage>(&[], &query).await?,
    };
    if arguments.output.format == Format::Json {
        return context.output.json(&usage);
    }
    print(context, &usage)
}

fn print(context: &mut Context<'_>, usage: &OwnUsage) -> Outcome {
    if usage.workspaces.is_empty() {
        let (from, to) = (usage.from.minute(), usage.to.minute());
        return context.output.line(&format!("No calls of yours from {from} to {to}."));
    }
    for (place, report) in usage.workspaces.iter().enumerate() {
        if place > 0 {
            context.output.line("")?;
        }
        for line in headline(report) {
            context.output.line(&line)?;
        }
        for part in report.tables.iter().filter(|part| !part.rows.is_empty()) {
            context.output.line("")?;
            context.output.table(&table(part))?;
        }
    }
    Ok(())
}
