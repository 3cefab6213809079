//! `doctor`: one line per check, from this machine outwards. The first thing that stands in the way
//! of later checks ends them; exit code 1 if any fails.

use std::time::Duration;

use aerostack_core::api::analytics::AnalyticsQuery;
use aerostack_core::api::operation::endpoint::{ListInstalls, ListPlans, ShowAccount, ShowAnalytics};
use aerostack_core::api::page::Empty;
use aerostack_core::api::server::InstallStatus;
use aerostack_core::api::workspace::WorkspaceView;
use aerostack_core::time::Timestamp;

use super::details::count;
use super::login::sentence;
use crate::api_url::ApiUrl;
use crate::client::{Client, Probe};
use crate::context::Context;
use crate::failure::{Failure, Outcome};

const HEALTH_PATH: &str = "/healthz";
/// How far this machine's clock may be from the gateway's.
const CLOCK_SKEW_MAX: Duration = Duration::from_secs(60);

pub(super) async fn run(context: &mut Context<'_>) -> Outcome {
    let mut report = Report { failed: false };
    folder(context, &mut report)?;
    let url = context.api_url.as_str().to_owned();
    match probe(context.api_url.clone()).await {
        Ok(probe) if probe.status == 200 => {
            report.holds(context, &format!("A gateway answers at {url}"))?;
            clocks(context, &mut report, &probe)?;
            signed_in(context, &mut report).await?;
        }
        Ok(probe) => {
            let text = format!("{url} answered {} to {HEALTH_PATH}", probe.status);
            report.fails(context, &text, Some("check --api-url, and the gateway's log"))?;
        }
        Err(failure) => report.failure(context, &failure)?,
    }
    if report.failed { Err(Failure::Reported) } else { Ok(()) }
}

async fn probe(url: ApiUrl) -> Outcome<Probe> {
    Client::new(url, None)?.probe(HEALTH_PATH).await
}

struct Report {
    failed: bool,
}

impl Report {
    fn holds(&self, context: &mut Context<'_>, text: &str) -> Outcome {
        context.output.check(true, text)
    }

    fn fails(&mut self, context: &mut Context<'_>, text: &str, hint: Option<&str>) -> Outcome {
        self.failed = true;
        context.output.check(false, text)?;
        hint.map_or(Ok(()), |hint| context.output.line(&format!("  hint: {hint}")))
    }

    fn failure(&mut self, context: &mut Context<'_>, failure: &Failure) -> Outcome {
        self.fails(context, &failure.to_string(), failure.hint().as_deref())
    }
}

fn folder(context: &mut Context<'_>, report: &mut Report) -> Outcome {
    let Some(dir) = context.store.dir().map(|dir| dir.display().to_string()) else {
        return report.fails(
            context,
            "This platform names no folder for settings",
            Some("set AEROSTACK_CONFIG_DIR"),
        );
    };
    if let Some(path) = context.store.open_to_others() {
        let path = path.display();
        let hint = format!("chmod go-rwx '{path}'");
        return report.fails(context, &format!("Others on this machine can get at {path}"), Some(&hint));
    }
    report.holds(context, &format!("Settings are kept in {dir}, for you only"))
}

fn clocks(context: &mut Context<'_>, report: &mut Report, probe: &Probe) -> Outcome {
    let Some(theirs) = probe.date.as_deref().and_then(http_date) else {
        return report.holds(context, "The gateway does not say what time it is; its clock was not compared");
    };
    let skew = theirs.since(context.now).max(context.now.since(theirs));
    if skew > CLOCK_SKEW_MAX {
        let text = format!("This machine's clock and the gateway's are {} s apart", skew.as_secs());
        return report.fails(
            context,
            &text,
            Some("set both by NTP: expiry and \"last used\" are shown wrong otherwise"),
        );
    }
    report.holds(context, "The clocks agree")
}

async fn signed_in(context: &mut Context<'_>, report: &mut Report) -> Outcome {
    let account = match context.call::<ShowAccount>(&[], &Empty {}).await {
        Ok(account) => account,
        Err(failure) => return report.failure(context, &failure),
    };
    report.holds(context, &format!("The key is accepted: {}", sentence(&account)))?;
    match context.call::<ListPlans>(&[], &Empty {}).await {
        Ok(plans) => {
            let used = count(plans.workspaces_used, "workspace");
            report.holds(context, &format!("{used} on the {} plan", plans.current.title()))?;
        }
        Err(failure) => report.failure(context, &failure)?,
    }
    let workspaces = match context.workspaces().await {
        Ok(page) => page.items,
        Err(failure) => return report.failure(context, &failure),
    };
    active(context, report, &workspaces)?;
    for workspace in &workspaces {
        check_workspace(context, report, workspace).await?;
    }
    Ok(())
}

fn active(context: &mut Context<'_>, report: &mut Report, workspaces: &[WorkspaceView]) -> Outcome {
    let active = context.gateway().and_then(|gateway| gateway.workspace.clone());
    match active {
        None => report.holds(context, "No workspace is set as the active one"),
        Some(slug) if workspaces.iter().any(|workspace| workspace.slug == slug) => {
            report.holds(context, &format!("The active workspace '{slug}' exists"))
        }
        Some(slug) => {
            let text = format!("The active workspace '{slug}' does not exist");
            report.fails(context, &text, Some("choose another with `aerostack workspace use <slug>`"))
        }
    }
}

async fn check_workspace(
    context: &mut Context<'_>,
    report: &mut Report,
    workspace: &WorkspaceView,
) -> Outcome {
    let slug = &workspace.slug;
    // A full plan is no fault: what exists works.
    let full =
        if workspace.seats.has_room() { "" } else { "; the next one needs a revoked one or a larger plan" };
    report.holds(context, &format!("'{slug}': {}{full}", workspace.seats.line()))?;
    check_records(context, report, slug.as_str()).await?;
    let installs = match context.list::<ListInstalls, _>(&[slug.as_str()]).await {
        Ok(page) => page.items,
        Err(failure) => return report.failure(context, &failure),
    };
    for install in installs.iter().filter(|install| install.status == InstallStatus::Failing) {
        let reason = install.last_error.as_deref().unwrap_or("it gave no reason");
        let text = format!("'{slug}': server '{}' fails: {reason}", install.slug);
        report.fails(
            context,
            &text,
            Some(&format!("ask it yourself: aerostack mcp test {}", install.slug)),
        )?;
    }
    Ok(())
}

/// Tells of calls that analytics does not know of.
async fn check_records(context: &mut Context<'_>, report: &mut Report, slug: &str) -> Outcome {
    let told = match context.call::<ShowAnalytics>(&[slug], &AnalyticsQuery::default()).await {
        Ok(told) => told,
        Err(failure) => return report.failure(context, &failure),
    };
    if told.not_recorded == 0 {
        return Ok(());
    }
    let calls = count(told.not_recorded, "call");
    let (days, were) = ("of the last 7 days", if told.not_recorded == 1 { "was" } else { "were" });
    let hint = "the gateway's log says why: no room on the disk, or a database that does not keep up";
    report.fails(context, &format!("'{slug}': {calls} {days} {were} not recorded"), Some(hint))
}

/// `Sat, 21 Nov 2026 04:00:00 GMT`.
fn http_date(text: &str) -> Option<Timestamp> {
    let moment = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(Timestamp::from_millis(moment.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_header_is_read() {
        let read = http_date("Tue, 17 Mar 2026 11:15:00 GMT").map(|moment| moment.to_string());
        assert_eq!(read.as_deref(), Some("2026-03-17T11:15:00.000Z"));
        assert_eq!(http_date("soon"), None);
    }
}
