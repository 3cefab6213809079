//! `account sessions` and `dashboard`: browsers that are signed in, and a link that signs one in.

use aerostack_core::api::operation::endpoint::{CreateSignInLink, EndSession, ListSessions};
use aerostack_core::api::page::Empty;

use super::details::count;
use crate::args::account::{RevokeSession, Sessions, SessionsCommand};
use crate::args::format::{Format, ItemOutput, ListOutput};
use crate::context::Context;
use crate::failure::Outcome;
use crate::table::Table;

const CSV_FIELDS: [&str; 4] = ["id", "browser", "created_at", "last_used_at"];

pub(super) async fn run(context: &mut Context<'_>, arguments: Sessions) -> Outcome {
    match arguments.command {
        None => list(context, arguments.output).await,
        Some(SessionsCommand::Revoke(arguments)) => revoke(context, arguments).await,
    }
}

async fn list(context: &mut Context<'_>, arguments: ListOutput) -> Outcome {
    let page = context.list::<ListSessions, _>(&[]).await?;
    match arguments.format {
        Format::Json => return context.output.json(&page),
        Format::Csv => return context.output.csv(&page.items, &CSV_FIELDS),
        Format::Table | Format::Token | Format::McpJson => {}
    }
    let mut table = Table::new(&["BROWSER", "SIGNED IN", "LAST USED", "ID"]);
    for session in &page.items {
        table.row([
            session.browser.clone(),
            session.created_at.date(),
            session.last_used_at.relative_to(context.now),
            session.id.to_string(),
        ]);
    }
    context.output.table(&table)
}

async fn revoke(context: &mut Context<'_>, arguments: RevokeSession) -> Outcome {
    let which = arguments.id.as_deref().unwrap_or("all");
    let ended = context.call::<EndSession>(&[which], &Empty {}).await?.ended;
    match ended {
        0 => context.output.done("No session was open; nothing was done."),
        ended => context.output.done(&format!("{} ended.", count(ended, "session"))),
    }
    Ok(())
}

/// Prints the link, and opens it where there is a desktop and somebody at it.
pub(super) async fn dashboard(context: &mut Context<'_>, arguments: ItemOutput) -> Outcome {
    let made = context.call::<CreateSignInLink>(&[], &Empty {}).await?;
    if arguments.format == Format::Json {
        return context.output.json(&made);
    }
    context.output.line(&made.url)?;
    context.output.talk(&format!("The link signs a browser in once, until {}.", made.expires_at.minute()));
    if context.opens(&made.url) {
        context.output.talk("Opening it in your browser.");
    }
    Ok(())
}
