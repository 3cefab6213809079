//! `offboard`: what will end, a question, and the report of what has ended.

use aerostack_core::api::offboard::{OffboardReport, OffboardRequest, OffboardedToken};
use aerostack_core::api::operation::endpoint::Offboard;
use aerostack_core::slug::Slug;

use super::details::count;
use crate::args::format::Format;
use crate::args::offboard::Offboard as Arguments;
use crate::context::Context;
use crate::failure::Outcome;
use crate::table::Table;

pub(super) async fn run(context: &mut Context<'_>, arguments: Arguments) -> Outcome {
    let who = arguments.who;
    if arguments.dry_run || !arguments.yes {
        let request = OffboardRequest { who: who.clone(), dry_run: true };
        let plan = context.call::<Offboard>(&[], &request).await?;
        if arguments.dry_run || plan.nothing_to_do {
            return print(context, &plan, arguments.output.format);
        }
        // Standard output is the report's alone.
        context.output.talk_table(&table_of(&plan));
        let question = format!("End {} of {} in @{}?", ended(&plan), whom(&plan), plan.team);
        context.input.confirm(&mut context.output, &question)?;
    }
    let report = context.call::<Offboard>(&[], &OffboardRequest { who, dry_run: false }).await?;
    print(context, &report, arguments.output.format)
}

fn print(context: &mut Context<'_>, report: &OffboardReport, format: Format) -> Outcome {
    if format == Format::Json {
        context.output.json(report)?;
    } else {
        print_table(context, report)?;
    }
    context.output.finish()?;
    let (whom, team) = (whom(report), &report.team);
    if report.nothing_to_do {
        context.output.done(&format!("Nothing to do: {whom} has nothing left in @{team}."));
    } else if report.dry_run {
        context.output.talk(&format!("Nothing was changed: this is what would end of {whom} in @{team}."));
    } else {
        context.output.done(&format!("{whom} is offboarded from @{team}: {} ended.", ended(report)));
    }
    if !report.not_touched.is_empty() {
        context.output.talk(
            "What is not tied to the person was not touched. If it is theirs: aerostack workspace token revoke <workspace> <id>",
        );
    }
    Ok(())
}

fn print_table(context: &mut Context<'_>, report: &OffboardReport) -> Outcome {
    if !report.nothing_to_do || !report.not_touched.is_empty() {
        context.output.table(&table_of(report))?;
    }
    for free in &report.seats {
        let when = if report.dry_run { " afterwards" } else { "" };
        context.output.line(&format!("{}{when}: {}", free.workspace, free.seats.line()))?;
    }
    Ok(())
}

fn table_of(report: &OffboardReport) -> Table {
    let mut table = Table::new(&["WHAT", "WHERE", "NAME", "ID", "RESULT"]);
    let result = |word: &str| if report.dry_run { format!("will be {word}") } else { word.to_owned() };
    let person = || whom(report).to_owned();
    let mut row = |what: &str, place: String, name: String, id: String, result: String| {
        table.row([what.to_owned(), place, name, id, result]);
    };
    for token in &report.tokens {
        let id = token.id.to_string();
        row("token", token.workspace.to_string(), token.name.clone(), id, result("revoked"));
    }
    if let Some(membership) = report.team_membership {
        let role = membership.role.word();
        row(
            "team membership",
            team(report),
            format!("{} ({role})", person()),
            String::new(),
            result("removed"),
        );
    }
    for place in &report.workspace_memberships {
        row("workspace membership", place.workspace.to_string(), person(), String::new(), result("removed"));
    }
    for invite in &report.invitations {
        let place = invite.workspace.as_ref().map_or_else(|| team(report), Slug::to_string);
        row("invitation", place, person(), String::new(), result("withdrawn"));
    }
    for token in &report.not_touched {
        let (id, result) = (token.id.to_string(), format!("not touched: {}", tie(token)));
        row("token", token.workspace.to_string(), token.name.clone(), id, result);
    }
    if report.not_touched_unshown > 0 {
        let more = format!("and {} more", report.not_touched_unshown);
        row("token", String::new(), more, String::new(), "not touched".to_owned());
    }
    table
}

fn team(report: &OffboardReport) -> String {
    format!("@{}", report.team)
}

fn tie(token: &OffboardedToken) -> String {
    token.person.as_ref().map_or_else(|| "tied to nobody".to_owned(), |person| format!("tied to {person}"))
}

fn whom(report: &OffboardReport) -> &str {
    match (&report.person, &report.token_name) {
        (Some(person), _) => person.as_str(),
        (None, Some(name)) => name,
        // The gateway always says one of the two.
        (None, None) => "nobody",
    }
}

/// `2 tokens, team membership, 1 invitation`.
fn ended(report: &OffboardReport) -> String {
    let counted = |number: usize, noun: &str| (number > 0).then(|| count(number as u64, noun));
    let parts = [
        counted(report.tokens.len(), "token"),
        report.team_membership.map(|_| "team membership".to_owned()),
        counted(report.workspace_memberships.len(), "workspace membership"),
        counted(report.invitations.len(), "invitation"),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}
