//! `/workspaces/{slug}/servers`: what stands behind a workspace, and how each of it does now.
//!
//! One server is in `server_page`, what is done to it in `server_switch`, putting one in is in `server_install`.
//! Addresses that are no server's own stand below `-`, which is no slug.

use std::collections::HashMap;

use aerostack_core::api::operation::{Operation, endpoint};
use aerostack_core::api::page::{PAGE_MAX, PageQuery};
use aerostack_core::api::server::{InstallStatus, InstallView, ToolView};
use aerostack_core::slug::Slug;
use aerostack_core::time::Timestamp;
use aerostack_core::workspace::ToolPrefix;
use askama::Template;
use http::StatusCode;

use super::form::Form;
use super::frame::{Notice, draw};
use super::part::{Badge, Empty, Moment, Pager};
use super::path::Tab;
use super::problem::filled;
use super::shell::{Shell, WorkspaceGround};
use super::visitor::{Drawn, Visitor};
use super::{server_install, server_page, server_switch};

/// Servers on one page.
const ROWS_MAX: u32 = 50;
/// Tools of a server that are named in the list; its own page has all.
const NAMES_MAX: usize = 12;
/// Pages of tools that are read: 10,000 tools.
const TOOL_PAGES_MAX: usize = 10;

#[derive(Template)]
#[template(path = "pages/servers.html")]
struct ServersPage<'a> {
    shell: &'a Shell,
    ground: &'a WorkspaceGround,
    prefix: &'static str,
    /// Where they are put in, if the visitor may.
    install: Option<String>,
    add: Option<String>,
    rows: Vec<Row>,
    empty: Empty,
    pager: Pager,
}

struct Row {
    slug: Slug,
    href: String,
    /// `@user/name`, and its version if it is a skill.
    what: String,
    status: Badge,
    is_off: bool,
    is_failing: bool,
    error: Option<String>,
    tools: u32,
    names: Vec<String>,
    names_left: usize,
    listed: Option<Moment>,
    /// Where it is switched and taken out, if the visitor may.
    switch: Option<String>,
    uninstall: Option<String>,
}

/// Shows them, or one of the pages below.
pub(super) async fn show(visitor: &Visitor, slug: &str, below: &[&str]) -> Drawn {
    let ground = visitor.workspace_ground(slug, Tab::Servers).await?;
    match below {
        [] => list(visitor, &ground).await,
        ["-", "install"] => server_install::ask(visitor, &ground).await,
        ["-", "add"] => server_install::ask_new(visitor, &ground),
        [server] => server_page::show(visitor, &ground, server).await,
        [server, "uninstall"] => server_switch::ask_uninstall(visitor, &ground, server).await,
        _ => Err(Notice::nothing_here()),
    }
}

/// Does what one of the forms says.
pub(super) async fn does(visitor: &Visitor, slug: &str, below: &[&str], form: &Form) -> Drawn {
    let ground = visitor.workspace_ground(slug, Tab::Servers).await?;
    match below {
        ["-", "install"] => server_install::install(visitor, &ground, form).await,
        ["-", "add"] => server_install::add(visitor, &ground, form).await,
        [server, "switch"] => server_switch::switch(visitor, &ground, server, form).await,
        [server, "tools"] => server_switch::switch_tool(visitor, &ground, server, form).await,
        [server, "test"] => server_switch::test(visitor, &ground, server).await,
        [server, "upgrade"] => server_switch::upgrade(visitor, &ground, server, form).await,
        [server, "uninstall"] => server_switch::uninstall(visitor, &ground, server).await,
        _ => Err(Notice::nothing_here()),
    }
}

async fn list(visitor: &Visitor, ground: &WorkspaceGround) -> Drawn {
    let slug = ground.workspace.slug.as_str();
    let cursor = filled(&visitor.query, "cursor").map(str::to_owned);
    let query = PageQuery { limit: Some(ROWS_MAX), cursor };
    let found = visitor.look::<endpoint::ListInstalls>(None, &[slug], query).await?;
    let mut names: HashMap<Slug, Vec<String>> = HashMap::new();
    for tool in tools_of(visitor, ground).await?.into_iter().filter(|tool| tool.enabled) {
        names.entry(tool.server).or_default().push(tool.name);
    }
    let now = visitor.app.clock.now();
    let below_it = |operation, below| ground.may(operation).then(|| ground.href(Tab::Servers, below));
    let rows = found.items.into_iter().map(|install| {
        let names = names.remove(&install.slug).unwrap_or_default();
        row(ground, install, names, now)
    });
    let page = ServersPage {
        shell: &ground.shell,
        ground,
        prefix: prefix_line(ground.workspace.tool_prefix),
        install: below_it(Operation::InstallServer, "-/install"),
        add: below_it(Operation::AddServer, "-/add"),
        rows: rows.collect(),
        empty: nothing(ground),
        pager: Pager::of(
            &ground.href(Tab::Servers, ""),
            visitor.query.field("cursor"),
            found.next_cursor.as_deref(),
        ),
    };
    Ok(draw(StatusCode::OK, &page))
}

fn row(ground: &WorkspaceGround, install: InstallView, mut names: Vec<String>, now: Timestamp) -> Row {
    let names_left = names.len().saturating_sub(NAMES_MAX);
    names.truncate(NAMES_MAX);
    let below = |operation, word: &str| {
        ground.may(operation).then(|| ground.href(Tab::Servers, &format!("{}/{word}", install.slug)))
    };
    Row {
        href: ground.href(Tab::Servers, install.slug.as_str()),
        what: what_it_is(&install),
        status: badge(install.status),
        is_off: install.status == InstallStatus::Disabled,
        is_failing: install.status == InstallStatus::Failing,
        tools: install.tools,
        names,
        names_left,
        listed: install.listed_at.map(|at| Moment::past(at, now)),
        switch: below(Operation::UpdateInstall, "switch"),
        uninstall: below(Operation::UninstallServer, "uninstall"),
        slug: install.slug,
        error: install.last_error,
    }
}

/// `@user/name`, and its version if it is a skill.
pub(super) fn what_it_is(install: &InstallView) -> String {
    let version = install.version.map(|version| format!(" {version}")).unwrap_or_default();
    format!("{}{version}{}", install.server, if install.yanked { " (yanked)" } else { "" })
}

/// How an installed server does.
pub(super) fn badge(status: InstallStatus) -> Badge {
    match status {
        InstallStatus::Ok => Badge::good(status.word()),
        InstallStatus::Failing | InstallStatus::Withdrawn => Badge::bad(status.word()),
        InstallStatus::Pending => Badge::waiting(status.word()),
        InstallStatus::Disabled => Badge::plain(status.word()),
    }
}

/// How the tools of a workspace are named.
pub(super) const fn prefix_line(prefix: ToolPrefix) -> &'static str {
    match prefix {
        ToolPrefix::Always => "Tool names begin with the server's: github__create_issue.",
        ToolPrefix::OnCollision => "Tool names begin with the server's where two servers share one.",
        ToolPrefix::Never => "Tool names stand alone; where two servers share one, the later gets a number.",
    }
}

/// Every tool of the workspace, switched off ones too.
///
/// # Errors
/// The page of a refusal.
pub(super) async fn tools_of(visitor: &Visitor, ground: &WorkspaceGround) -> Result<Vec<ToolView>, Notice> {
    let slug = ground.workspace.slug.as_str();
    let mut tools = Vec::new();
    let mut cursor = None;
    for _ in 0..TOOL_PAGES_MAX {
        let query = PageQuery { limit: Some(PAGE_MAX), cursor };
        let found = visitor.look::<endpoint::ListTools>(None, &[slug], query).await?;
        tools.extend(found.items);
        cursor = found.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    Ok(tools)
}

fn nothing(ground: &WorkspaceGround) -> Empty {
    let title = "No servers yet";
    if !ground.may(Operation::InstallServer) {
        return Empty::new(title, "Whoever manages this workspace has put none behind it so far.");
    }
    let text = "Put MCP servers behind this workspace's URL: here, or at the command line:";
    let command = format!(
        "aerostack mcp add github --url https://mcp.example.com/mcp\naerostack mcp install github -w {}",
        ground.workspace.slug
    );
    Empty::new(title, text).command(command)
}
