//! `workspace alert set|show|test|delete`.

use aerostack_core::alert::{ErrorRate, Rule, Window};
use aerostack_core::api::alert::{AlertRuleView, AlertView, SetAlertRequest};
use aerostack_core::api::operation::endpoint::{DeleteAlert, SetAlert, ShowAlert, TestAlert};
use aerostack_core::api::page::Empty;

use super::details::count;
use crate::args::alert::{self as arguments, AlertCommand};
use crate::args::format::Format;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::table::Table;

pub(super) async fn run(context: &mut Context<'_>, command: AlertCommand) -> Outcome {
    match command {
        AlertCommand::Set(arguments) => set(context, arguments).await,
        AlertCommand::Show(arguments) => show(context, arguments).await,
        AlertCommand::Test(arguments) => test(context, arguments).await,
        AlertCommand::Delete(arguments) => delete(context, arguments).await,
    }
}

async fn set(context: &mut Context<'_>, arguments: arguments::SetAlert) -> Outcome {
    let slug = context.workspace(arguments.slug).await?;
    let request = SetAlertRequest {
        url: arguments.url,
        error_rate: arguments.error_rate.map(ErrorRate::share),
        min_calls: arguments.min_calls,
        calls: arguments.calls,
        window_minutes: Some(arguments.within.minutes()),
        new_secret: arguments.new_secret,
    };
    let set = context.call::<SetAlert>(&[slug.as_str()], &request).await?;
    context.output.done(&format!("Alert of '{slug}' set."));
    match arguments.output.format {
        Format::Json => return context.output.json(&set),
        Format::Token => {
            return match &set.signing_secret {
                Some(secret) => context.output.line(secret),
                None => Err(Failure::failed("the signing secret stays as it was, and is not shown again")
                    .with_hint("--new-secret makes another")),
            };
        }
        Format::Table | Format::Csv | Format::McpJson => {}
    }
    print(context, &set.alert)?;
    if let Some(secret) = &set.signing_secret {
        context.output.line(&format!("Signing secret: {secret}"))?;
        context.output.talk("It is shown once: keep it where messages are received.");
    }
    context.output.talk(&format!("Try it: aerostack workspace alert test {slug}"));
    Ok(())
}

async fn show(context: &mut Context<'_>, arguments: arguments::ShowAlert) -> Outcome {
    let slug = context.workspace(arguments.slug).await?;
    let alert = context.call::<ShowAlert>(&[slug.as_str()], &Empty {}).await?;
    if arguments.output.format == Format::Json {
        return context.output.json(&alert);
    }
    print(context, &alert)
}

async fn test(context: &mut Context<'_>, arguments: arguments::ShowAlert) -> Outcome {
    let slug = context.workspace(arguments.slug).await?;
    let tested = context.call::<TestAlert>(&[slug.as_str()], &Empty {}).await?;
    if arguments.output.format == Format::Json {
        context.output.json(&tested)?;
        return if tested.ok { Ok(()) } else { Err(Failure::Reported) };
    }
    if let Some(error) = &tested.error {
        return Err(Failure::failed(format!("the message was not taken: {error}")));
    }
    context.output.done("The message was taken.");
    Ok(())
}

async fn delete(context: &mut Context<'_>, arguments: arguments::ShowAlert) -> Outcome {
    let slug = context.workspace(arguments.slug).await?;
    let deleted = context.call::<DeleteAlert>(&[slug.as_str()], &Empty {}).await?;
    context.output.done(&format!("Alert of '{slug}' deleted."));
    if arguments.output.format == Format::Json { context.output.json(&deleted) } else { Ok(()) }
}

fn print(context: &mut Context<'_>, alert: &AlertView) -> Outcome {
    let mut table = Table::plain();
    table.row(["URL:".to_owned(), alert.url.clone()]);
    for rule in &alert.rules {
        let (name, threshold) = threshold(alert, rule.rule);
        table.row([format!("{name}:"), format!("{threshold}; {}", state(rule))]);
    }
    let window = Window::of_minutes(alert.window_minutes).unwrap_or(Window::DEFAULT);
    table.row(["Within:".to_owned(), window.to_string()]);
    table.row(["Set:".to_owned(), alert.updated_at.date()]);
    context.output.table(&table)?;
    for rule in &alert.rules {
        if let Some(error) = &rule.last_error {
            let then = match rule.next_try_at {
                Some(at) => format!("tried {}, next at {}", count(rule.tries, "time"), at.minute()),
                None => "it is not tried again".to_owned(),
            };
            context.output.warn(&format!("a message was not taken: {error} ({then})"));
        }
    }
    if alert.is_locked {
        context
            .output
            .warn("the signing secret cannot be opened, so nothing is sent: set a new one with --new-secret");
    }
    Ok(())
}

fn threshold(alert: &AlertView, rule: Rule) -> (&'static str, String) {
    match rule {
        Rule::ErrorRate => {
            let rate = alert.error_rate.and_then(|share| ErrorRate::of_share(share).ok());
            let rate = rate.map(|rate| rate.to_string()).unwrap_or_default();
            ("Error rate", format!("{rate} of {} or more", count(alert.min_calls, "call")))
        }
        Rule::Calls => ("Calls", format!("{} or more", alert.calls.unwrap_or_default())),
    }
}

fn state(rule: &AlertRuleView) -> String {
    match (rule.raised_at, rule.told_at) {
        (Some(at), _) => format!("raised at {}", at.minute()),
        (None, Some(at)) => format!("quiet, last told at {}", at.minute()),
        (None, None) => "quiet".to_owned(),
    }
}
