//! `analytics --watch`: calls as they end, until Ctrl-C. A gateway that is away for a while is waited for.

use std::time::Duration;

use aerostack_core::api::analytics::{NewCalls, NewCallsQuery};
use aerostack_core::api::error::ErrorCode;
use aerostack_core::api::operation::endpoint::FollowCalls;

use super::analytics::{CALL_HEADING, call_table};
use crate::args::analytics::Analytics;
use crate::args::format::Format;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::table::Table;

/// Time between two looks for new calls.
const LOOK_EVERY: Duration = Duration::from_millis(700);
/// Time before a gateway that is away is tried again.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(2);
/// Widths of the columns, since nobody knows what is still to come.
const WIDTHS: [u16; 7] = [27, 21, 31, 17, 10, 11, 12];

pub(super) async fn run(context: &mut Context<'_>, slug: &str, arguments: &Analytics) -> Outcome {
    if arguments.output.format == Format::Csv {
        return Err(Failure::usage("calls are watched as a table or as JSON, one line each"));
    }
    let mut query = NewCallsQuery {
        after: None,
        user: arguments.user.clone(),
        server: arguments.server.clone(),
        tool: arguments.tool.clone(),
    };
    // The first answer only says where to begin; whatever is wrong with the question shows here.
    query.after = Some(context.call::<FollowCalls>(&[slug], &query).await?.mark);
    context.output.talk("Calls are shown as they end. Ctrl-C ends this.");
    if arguments.output.format == Format::Table {
        context.output.table(&Table::new(&CALL_HEADING).at_least(&WIDTHS))?;
        context.output.finish()?;
    }
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        while print_new(context, slug, &mut query, arguments.output.format).await? {}
    }
}

/// Prints what is new; tells whether more is there already.
async fn print_new(
    context: &mut Context<'_>,
    slug: &str,
    query: &mut NewCallsQuery,
    format: Format,
) -> Outcome<bool> {
    let NewCalls { items, mark, has_more } = look(context, slug, query).await?;
    query.after = Some(mark);
    if format == Format::Json {
        items.iter().try_for_each(|call| context.output.json_line(call))?;
    } else if !items.is_empty() {
        context.output.table(&call_table(&items, Table::plain().at_least(&WIDTHS)))?;
    }
    context.output.finish()?;
    Ok(has_more)
}

/// The calls since the last look. While the gateway is away, it is asked again.
async fn look(context: &mut Context<'_>, slug: &str, query: &NewCallsQuery) -> Outcome<NewCalls> {
    let mut is_told = false;
    loop {
        match context.call::<FollowCalls>(&[slug], query).await {
            Ok(new) => {
                if is_told {
                    context.output.talk("The gateway answers again.");
                }
                return Ok(new);
            }
            Err(failure) if is_passing(&failure) => {
                if !is_told {
                    context.output.warn(&format!("{failure}; it is tried again"));
                    is_told = true;
                }
                tokio::time::sleep(TRY_AGAIN_AFTER).await;
            }
            Err(failure) => return Err(failure),
        }
    }
}

/// Tells whether it may be over by itself: no answer, or one that says so.
fn is_passing(failure: &Failure) -> bool {
    match failure {
        Failure::Failed(_) => true,
        Failure::Refused(body) => body.code == ErrorCode::Unavailable,
        Failure::Usage(_) | Failure::Reported | Failure::OutputClosed => false,
    }
}
