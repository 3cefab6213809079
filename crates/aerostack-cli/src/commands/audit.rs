//! `workspace audit` and `team audit`: `2026-03-17 11:15 UTC   admin@co.com     token_revoked: Alice Chen`.

use aerostack_core::api::audit::{AuditQuery, AuditVerification, AuditView};
use aerostack_core::api::operation::Endpoint;
use aerostack_core::api::operation::endpoint::{ListAudit, ListTeamAudit, VerifyAudit, VerifyTeamAudit};
use aerostack_core::api::page::{Empty, PAGE_MAX, Page};
use aerostack_core::audit::Action;

use super::details::{count, details};
use crate::args::audit::{Audit, Wanted};
use crate::args::format::Format;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::table::Table;

const CSV_FIELDS: [&str; 6] = ["sequence", "at", "actor", "action", "object", "detail"];
const VERIFICATION_FIELDS: [&str; 4] = ["ok", "count", "head", "broken_at"];

pub(super) async fn run(context: &mut Context<'_>, arguments: Audit) -> Outcome {
    let slug = context.workspace(arguments.slug).await?;
    let of = format!("of '{slug}'");
    show::<ListAudit, VerifyAudit>(context, &[slug.as_str()], &of, &arguments.wanted).await
}

/// The log of what belongs to no workspace.
pub(super) async fn of_team(context: &mut Context<'_>, wanted: &Wanted) -> Outcome {
    show::<ListTeamAudit, VerifyTeamAudit>(context, &[], "of the team", wanted).await
}

/// Lists or verifies a log; `of` says whose it is.
async fn show<L, V>(context: &mut Context<'_>, parameters: &[&str], of: &str, arguments: &Wanted) -> Outcome
where
    L: Endpoint<Request = AuditQuery, Reply = Page<AuditView>>,
    V: Endpoint<Request = Empty, Reply = AuditVerification>,
{
    let format = arguments.output.format;
    if arguments.verify {
        let verification = context.call::<V>(parameters, &Empty {}).await?;
        return print_verification(context, of, &verification, format);
    }
    let (page, has_more) = collect::<L>(context, parameters, arguments).await?;
    match format {
        Format::Json => context.output.json(&page)?,
        Format::Csv => context.output.csv(&page.items, &CSV_FIELDS)?,
        Format::Table | Format::Token | Format::McpJson => context.output.table(&lines(&page.items))?,
    }
    if has_more {
        let shown = count(u64::from(arguments.limit), "event");
        context
            .output
            .talk(&format!("The newest {shown}; there are more: --limit or --since reach further back."));
    }
    Ok(())
}

/// Pages until the limit is reached, and whether there would be more.
async fn collect<L>(
    context: &mut Context<'_>,
    parameters: &[&str],
    arguments: &Wanted,
) -> Outcome<(Page<AuditView>, bool)>
where
    L: Endpoint<Request = AuditQuery, Reply = Page<AuditView>>,
{
    let mut query = AuditQuery {
        since: arguments.since.map(|when| when.moment(context.now)),
        until: arguments.until.map(|when| when.moment(context.now)),
        actor: arguments.actor.clone(),
        action: arguments.action,
        limit: None,
        cursor: None,
    };
    let mut items: Vec<AuditView> = Vec::new();
    let mut left = arguments.limit;
    loop {
        query.limit = Some(left.min(PAGE_MAX));
        let page = context.call::<L>(parameters, &query).await?;
        // An empty page that names a next one would go on for ever.
        let received = u32::try_from(page.items.len()).unwrap_or(u32::MAX).max(1);
        items.extend(page.items);
        left = left.saturating_sub(received);
        match page.next_cursor {
            Some(cursor) if left > 0 => query.cursor = Some(cursor),
            next => {
                return Ok((Page { items, next_cursor: None }, next.is_some()));
            }
        }
    }
}

fn lines(events: &[AuditView]) -> Table {
    let mut table = Table::plain();
    for event in events {
        let (at, actor) = (event.at.minute(), event.actor.clone());
        match skill_verb(event.action) {
            Some(verb) => table.row([at, actor, event.object.clone(), verb.to_owned()]),
            None => table.row([at, actor, sentence(event)]),
        }
    }
    table
}

/// `token_revoked: Alice Chen`, `secret_set: API_KEY (github)`: a secret has its name at one server.
fn sentence(event: &AuditView) -> String {
    let AuditView { action, object, detail, .. } = event;
    match action {
        Action::SecretSet | Action::SecretDeleted => format!("{action}: {object} ({detail})"),
        _ => format!("{action}: {object}"),
    }
}

/// What was done to an installed skill, in one word; such events are shown as who, which, what.
const fn skill_verb(action: Action) -> Option<&'static str> {
    match action {
        Action::SkillInstalled => Some("install"),
        Action::SkillUpgraded => Some("upgrade"),
        Action::SkillUninstalled => Some("uninstall"),
        _ => None,
    }
}

fn print_verification(
    context: &mut Context<'_>,
    of: &str,
    verification: &AuditVerification,
    format: Format,
) -> Outcome {
    match format {
        Format::Json => context.output.json(verification)?,
        Format::Csv => context.output.csv(std::slice::from_ref(verification), &VERIFICATION_FIELDS)?,
        Format::Table | Format::Token | Format::McpJson => {
            let shown =
                details([("Events", verification.count.to_string()), ("Head", verification.head.clone())]);
            context.output.table(&shown)?;
        }
    }
    if verification.ok {
        context.output.done(&format!(
            "The audit log {of} holds. Keep a copy of the head elsewhere: it shows a cut tail."
        ));
        return Ok(());
    }
    let place =
        verification.broken_at.map(|sequence| format!(" from event {sequence} on")).unwrap_or_default();
    Err(Failure::failed(format!(
        "the audit log {of} does not hold{place}: it was changed outside the gateway"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aerostack_core::time::Timestamp;

    #[test]
    fn a_line_reads_as_the_pages_show_it() {
        let event = AuditView {
            sequence: 1,
            at: Timestamp::parse("2026-03-17T11:15:42Z").unwrap(),
            actor: "admin@co.com".to_owned(),
            action: Action::TokenRevoked,
            object: "Alice Chen".to_owned(),
            detail: String::new(),
        };
        let install = AuditView {
            actor: "bob@acme".to_owned(),
            action: Action::SkillInstalled,
            object: "@acme/deploy-skill".to_owned(),
            ..event.clone()
        };
        let secret = AuditView {
            action: Action::SecretSet,
            object: "API_KEY".to_owned(),
            detail: "github".to_owned(),
            ..event.clone()
        };
        let told = "2026-03-17 11:15 UTC   admin@co.com   secret_set: API_KEY (github)\n";
        assert_eq!(lines(&[secret]).render(None), told);
        assert_eq!(
            lines(&[event]).render(None),
            "2026-03-17 11:15 UTC   admin@co.com   token_revoked: Alice Chen\n"
        );
        assert_eq!(
            lines(&[install]).render(None),
            "2026-03-17 11:15 UTC   bob@acme   @acme/deploy-skill   install\n"
        );
    }
}
