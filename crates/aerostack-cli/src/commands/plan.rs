//! `plan show` and `plan set`.

use aerostack_core::api::operation::endpoint::{ListPlans, SetPlan};
use aerostack_core::api::page::Empty;
use aerostack_core::api::plan::{PlansReply, SetPlanRequest};

use super::details::mark;
use crate::args::format::{Format, ListOutput};
use crate::args::plan::{self as arguments, PlanCommand};
use crate::context::Context;
use crate::failure::Outcome;
use crate::table::Table;

const CSV_FIELDS: [&str; 4] = ["plan", "limits.tokens", "limits.workspaces", "limits.rate_limit_per_minute"];

pub(super) async fn run(context: &mut Context<'_>, command: PlanCommand) -> Outcome {
    match command {
        PlanCommand::Show(arguments) => show(context, arguments).await,
        PlanCommand::Set(arguments) => set(context, arguments).await,
    }
}

async fn show(context: &mut Context<'_>, arguments: ListOutput) -> Outcome {
    let reply = context.call::<ListPlans>(&[], &Empty {}).await?;
    match arguments.format {
        Format::Json => return context.output.json(&reply),
        Format::Csv => return context.output.csv(&reply.plans, &CSV_FIELDS),
        Format::Table | Format::Token | Format::McpJson => {}
    }
    let mut table = Table::new(&["", "PLAN", "TOKENS PER WORKSPACE", "WORKSPACES", "REQUESTS PER MINUTE"]);
    for row in &reply.plans {
        let limit =
            |number: Option<u32>, none: &str| number.map_or_else(|| none.to_owned(), |n| n.to_string());
        table.row([
            mark(row.plan == reply.current),
            row.plan.title().to_owned(),
            limit(row.limits.tokens, "unlimited"),
            limit(row.limits.workspaces, "unlimited"),
            limit(row.limits.rate_limit_per_minute, "the gateway's setting"),
        ]);
    }
    context.output.table(&table)?;
    context.output.line(&used(&reply))
}

async fn set(context: &mut Context<'_>, arguments: arguments::SetPlan) -> Outcome {
    let request = SetPlanRequest { plan: arguments.plan };
    let reply = context.call::<SetPlan>(&[arguments.username.as_str()], &request).await?;
    let (username, plan) = (&reply.username, reply.plan.title());
    let sentence = if reply.plan == reply.previous {
        format!("{username} is on the {plan} plan already; nothing was done.")
    } else {
        format!("{username} is on the {plan} plan now (was {}).", reply.previous.title())
    };
    context.output.done(&sentence);
    Ok(())
}

/// `2 of 5 workspaces used (Pro plan)`.
fn used(reply: &PlansReply) -> String {
    let own = reply.plans.iter().find(|row| row.plan == reply.current);
    let limit =
        own.and_then(|row| row.limits.workspaces).map(|limit| format!(" of {limit}")).unwrap_or_default();
    let noun = if limit.is_empty() && reply.workspaces_used == 1 { "workspace" } else { "workspaces" };
    format!("{}{limit} {noun} used ({} plan)", reply.workspaces_used, reply.current.title())
}

#[cfg(test)]
mod tests {
    use super::*;
    use aerostack_core::api::plan::PlanView;
    use aerostack_core::plan::{Plan, PlanTable};

    #[test]
    fn the_footer_counts_workspaces_against_the_own_plan() {
        let plans = Plan::ALL.map(|plan| PlanView { plan, limits: PlanTable::default().limits(plan) });
        let reply = |current| PlansReply { current, workspaces_used: 1, plans: plans.to_vec() };
        assert_eq!(used(&reply(Plan::Pro)), "1 of 5 workspaces used (Pro plan)");
        assert_eq!(used(&reply(Plan::Enterprise)), "1 workspace used (Enterprise plan)");
    }
}
