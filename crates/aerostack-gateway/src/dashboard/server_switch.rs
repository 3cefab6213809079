//! What is done to one server of a workspace: switched, tested, moved to a newer version, taken out.

use aerostack_core::api::operation::{Operation, endpoint};
use aerostack_core::api::page::Empty;
use aerostack_core::api::server::{InstallView, TestReply, UpdateInstallRequest};
use aerostack_core::api::skill::UpgradeSkillRequest;
use aerostack_core::server::Auth;
use askama::Template;
use http::StatusCode;

use super::form::Form;
use super::frame::{Notice, draw};
use super::path::Tab;
use super::problem::{Problem, filled};
use super::server_page::{catalogue_entry, find};
use super::shell::{Shell, WorkspaceGround, path_in};
use super::visitor::{Drawn, Visitor};

#[derive(Template)]
#[template(path = "pages/server_uninstall.html")]
struct UninstallPage<'a> {
    shell: &'a Shell,
    ground: &'a WorkspaceGround,
    install: &'a InstallView,
    action: String,
    back: String,
}

#[derive(Template)]
#[template(path = "pages/server_test.html")]
struct TestPage<'a> {
    shell: &'a Shell,
    ground: &'a WorkspaceGround,
    install: &'a InstallView,
    reply: &'a TestReply,
    /// Whether it is sent a secret, which a test never is.
    takes_secrets: bool,
    again: String,
    back: String,
}

/// Switches a server on or off.
pub(super) async fn switch(visitor: &Visitor, ground: &WorkspaceGround, server: &str, form: &Form) -> Drawn {
    let enabled = form.field("enabled") == "yes";
    let request = UpdateInstallRequest { enabled, tool: None };
    let slug = &ground.workspace.slug;
    let now = visitor.look::<endpoint::UpdateInstall>(None, &[slug.as_str(), server], request).await?;
    let said = match enabled {
        true => format!("{} is on. Open editors are told of its tools.", now.slug),
        false => {
            format!("{} is off. Its tools are gone from every list, and calls to them are refused.", now.slug)
        }
    };
    let below = if form.field("back") == "list" { "" } else { now.slug.as_str() };
    Ok(visitor.done(&path_in(slug, Tab::Servers, below), &said))
}

/// Switches one tool on (`enable`) or off (`disable`).
pub(super) async fn switch_tool(
    visitor: &Visitor,
    ground: &WorkspaceGround,
    server: &str,
    form: &Form,
) -> Drawn {
    // Not trimmed: a tool's own name may be anything.
    let (tool, enabled) = match (form.raw("enable"), form.raw("disable")) {
        ("", "") => return Err(Notice::nothing_here()),
        ("", tool) => (tool, false),
        (tool, _) => (tool, true),
    };
    let request = UpdateInstallRequest { enabled, tool: Some(tool.to_owned()) };
    let slug = &ground.workspace.slug;
    let now = visitor.look::<endpoint::UpdateInstall>(None, &[slug.as_str(), server], request).await?;
    let said = format!("{tool} is {}.", if enabled { "on" } else { "off" });
    Ok(visitor.done(&path_in(slug, Tab::Servers, now.slug.as_str()), &said))
}

/// Asks the server for its tools, as the catalogue does, and shows what it said.
pub(super) async fn test(visitor: &Visitor, ground: &WorkspaceGround, server: &str) -> Drawn {
    let install = find(visitor, ground, server).await?;
    let entry = catalogue_entry(visitor, &install).await?.ok_or_else(Notice::nothing_here)?;
    let reply =
        visitor.look::<endpoint::TestServer>(Some(&entry.owner), &[entry.slug.as_str()], Empty {}).await?;
    let back = ground.href(Tab::Servers, install.slug.as_str());
    let page = TestPage {
        shell: &ground.shell,
        ground,
        install: &install,
        reply: &reply,
        takes_secrets: entry.auth != Auth::None,
        again: format!("{back}/test"),
        back,
    };
    Ok(draw(StatusCode::OK, &page))
}

/// Moves a skill to another version, the newest unless one is named.
pub(super) async fn upgrade(visitor: &Visitor, ground: &WorkspaceGround, server: &str, form: &Form) -> Drawn {
    let slug = &ground.workspace.slug;
    let version = match filled(form, "version").map(str::parse).transpose() {
        Ok(version) => version,
        Err(error) => {
            let mut problem = Problem::with("", error);
            return Err(Notice::new(StatusCode::BAD_REQUEST, problem.rest().unwrap_or_default(), ""));
        }
    };
    let request = UpgradeSkillRequest { version };
    let done = visitor.look::<endpoint::UpgradeSkill>(None, &[slug.as_str(), server], request).await?;
    let now = done.install.version.map(|version| version.to_string()).unwrap_or_default();
    let mut said = match now == done.before.to_string() {
        true => format!("{} is at {now} already.", done.install.slug),
        false => format!("{} moved from {} to {now}.", done.install.slug, done.before),
    };
    if let Some(warning) = done.warning {
        said = format!("{said} But {warning}");
    }
    Ok(visitor.done(&path_in(slug, Tab::Servers, done.install.slug.as_str()), &said))
}

/// Asks whether it is really to go.
pub(super) async fn ask_uninstall(visitor: &Visitor, ground: &WorkspaceGround, server: &str) -> Drawn {
    ground.must(visitor, Operation::UninstallServer)?;
    let install = find(visitor, ground, server).await?;
    let page = UninstallPage {
        shell: &ground.shell,
        ground,
        action: ground.href(Tab::Servers, &format!("{}/uninstall", install.slug)),
        back: ground.href(Tab::Servers, ""),
        install: &install,
    };
    Ok(draw(StatusCode::OK, &page))
}

/// Takes it out.
pub(super) async fn uninstall(visitor: &Visitor, ground: &WorkspaceGround, server: &str) -> Drawn {
    let slug = &ground.workspace.slug;
    let gone = visitor.look::<endpoint::UninstallServer>(None, &[slug.as_str(), server], Empty {}).await?;
    let said = format!("{} is uninstalled. Its tools are gone from every list.", gone.slug);
    Ok(visitor.done(&path_in(slug, Tab::Servers, ""), &said))
}
