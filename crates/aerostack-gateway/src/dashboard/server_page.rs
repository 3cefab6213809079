//! `…/servers/{server}`: one server of a workspace, and each of its tools. Its switches are in `server_switch`.

use aerostack_core::api::error::ErrorCode;
use aerostack_core::api::operation::{Operation, endpoint};
use aerostack_core::api::page::Empty;
use aerostack_core::api::server::{InstallStatus, InstallView, ServerView, ToolView};
use aerostack_core::secret::SecretName;
use aerostack_core::server::{Auth, Reference};
use aerostack_core::skill::Version;
use aerostack_core::slug::Slug;
use aerostack_core::text::{DESCRIPTION_MAX_CHARS, clean_line};
use askama::Template;
use http::StatusCode;

use super::frame::{Notice, draw};
use super::part::{Badge, Moment, Pager};
use super::path::Tab;
use super::servers::{badge, tools_of, what_it_is};
use super::shell::{Shell, WorkspaceGround, with_team};
use super::visitor::{Drawn, Visitor};
use crate::admin::ApiError;

/// Tools on one page.
const TOOLS_MAX: usize = 100;

#[derive(Template)]
#[template(path = "pages/server.html")]
struct ServerPage<'a> {
    shell: &'a Shell,
    ground: &'a WorkspaceGround,
    install: &'a InstallView,
    what: String,
    /// Where what was installed is looked at, if the visitor may.
    source: Option<String>,
    status: Badge,
    is_off: bool,
    is_failing: bool,
    catalogue: Option<&'a ServerView>,
    /// Where the secret it is sent is set, if the visitor may.
    secret: Option<String>,
    newer: Option<Version>,
    may_switch: bool,
    may_uninstall: bool,
    own: String,
    listed: Option<Moment>,
    installed: Moment,
    count: usize,
    tools: Vec<ToolRow>,
    /// Tools that are switched off and that it does not list any more.
    gone: Vec<String>,
    pager: Pager,
}

struct ToolRow {
    exposed: String,
    own: String,
    description: String,
    enabled: bool,
}

/// Finds an installed server.
///
/// # Errors
/// The page of a refusal.
pub(super) async fn find(
    visitor: &Visitor,
    ground: &WorkspaceGround,
    server: &str,
) -> Result<InstallView, Notice> {
    visitor.look::<endpoint::ShowInstall>(None, &[ground.workspace.slug.as_str(), server], Empty {}).await
}

/// Shows it.
pub(super) async fn show(visitor: &Visitor, ground: &WorkspaceGround, server: &str) -> Drawn {
    let install = find(visitor, ground, server).await?;
    let now = visitor.app.clock.now();
    let catalogue = catalogue_entry(visitor, &install).await?;
    let newest = newest_version(visitor, &install).await?;
    let (source, newer) = match (&catalogue, newest, install.version) {
        (Some(entry), ..) => {
            (Some(with_team(&format!("/catalog/{}/edit", entry.slug), Some(&entry.owner))), None)
        }
        (None, Some(newest), Some(version)) => {
            let skill = format!("/skills/{}", install.server.trim_start_matches('@'));
            (Some(skill), Some(newest).filter(|newest| *newest > version))
        }
        _ => (None, None),
    };
    let mut all = tools_of(visitor, ground).await?;
    all.retain(|tool| tool.server == install.slug);
    let gone = install.disabled_tools.iter().filter(|name| all.iter().all(|tool| tool.tool != **name));
    let own = ground.href(Tab::Servers, install.slug.as_str());
    let after = visitor.query.field("cursor");
    let mut rows = all.iter().filter(|tool| tool.name.as_str() > after);
    let tools: Vec<ToolRow> = rows.by_ref().take(TOOLS_MAX).map(tool_row).collect();
    let next = rows.next().and(tools.last()).map(|last| last.exposed.clone());
    let page = ServerPage {
        shell: &ground.shell,
        ground,
        what: what_it_is(&install),
        source: source.map(|path| ground.shell.frame.base.clone() + &path),
        status: badge(install.status),
        is_off: install.status == InstallStatus::Disabled,
        is_failing: install.status == InstallStatus::Failing,
        secret: catalogue.as_ref().and_then(|entry| secret_form(ground, &install, entry)),
        catalogue: catalogue.as_ref(),
        newer: newer.filter(|_| ground.may(Operation::UpgradeSkill)),
        may_switch: ground.may(Operation::UpdateInstall),
        may_uninstall: ground.may(Operation::UninstallServer),
        listed: install.listed_at.map(|at| Moment::past(at, now)),
        installed: Moment::past(install.created_at, now),
        count: all.len(),
        tools,
        gone: gone.cloned().collect(),
        pager: Pager::of(&own, after, next.as_deref()),
        own,
        install: &install,
    };
    Ok(draw(StatusCode::OK, &page))
}

fn tool_row(tool: &ToolView) -> ToolRow {
    ToolRow {
        exposed: tool.name.clone(),
        own: tool.tool.clone(),
        description: clean_line(tool.description.as_deref().unwrap_or_default(), DESCRIPTION_MAX_CHARS),
        enabled: tool.enabled,
    }
}

/// Its entry in the catalogue, where the visitor may see that.
///
/// # Errors
/// The page of a failure.
pub(super) async fn catalogue_entry(
    visitor: &Visitor,
    install: &InstallView,
) -> Result<Option<ServerView>, Notice> {
    let is_server = install.version.is_none();
    let Some((team, name)) = reference(install).filter(|_| is_server) else { return Ok(None) };
    seen(visitor, visitor.ask::<endpoint::ShowServer>(Some(&team), &[name.as_str()], Empty {}).await)
}

/// The newest version of the skill it is, where the visitor may still use that.
async fn newest_version(visitor: &Visitor, install: &InstallView) -> Result<Option<Version>, Notice> {
    let is_skill = install.version.is_some();
    let Some((owner, name)) = reference(install).filter(|_| is_skill) else { return Ok(None) };
    let skill = visitor.ask::<endpoint::ShowSkill>(None, &[owner.as_str(), name.as_str()], Empty {}).await;
    Ok(seen(visitor, skill)?.map(|skill| skill.version))
}

fn reference(install: &InstallView) -> Option<(Slug, Slug)> {
    let Reference { username, name } = install.server.parse().ok()?;
    Some((username?, name))
}

/// What is not the visitor's to see is not there.
fn seen<T>(visitor: &Visitor, found: Result<T, ApiError>) -> Result<Option<T>, Notice> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) => match error.code {
            ErrorCode::Forbidden | ErrorCode::NotAMember | ErrorCode::NotFound => Ok(None),
            _ => Err(visitor.notice(error)),
        },
    }
}

/// Where the secret is set that a server asks for.
pub(super) fn secret_form(
    ground: &WorkspaceGround,
    install: &InstallView,
    entry: &ServerView,
) -> Option<String> {
    let form = format!("{}?server={}", ground.href(Tab::Secrets, "set"), install.slug);
    let of = |name: &SecretName| format!("{form}&name={name}");
    let named = entry.stdio.as_ref().map_or(&[][..], |stdio| &stdio.secrets);
    let form = match &entry.auth {
        Auth::None | Auth::Body => return None,
        // Others than operators set those of a program that were named.
        Auth::Environment if named.is_empty() && !ground.standing.is_operator => return None,
        Auth::Environment if named.len() == 1 => of(&named[0]),
        Auth::Headers | Auth::Environment => form,
        Auth::Bearer(name) => of(name),
    };
    ground.may(Operation::SetSecret).then_some(form)
}
