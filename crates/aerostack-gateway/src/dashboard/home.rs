//! `/`: the workspaces one has part in, or those of one team, with what became of today's calls.

use std::collections::HashMap;

use aerostack_core::api::operation::{Operation, endpoint};
use aerostack_core::api::page::PageQuery;
use aerostack_core::api::workspace::WorkspaceView;
use aerostack_core::slug::Slug;
use askama::Template;
use http::StatusCode;

use super::analytics_report::{count, is_failing};
use super::frame::draw;
use super::part::{Empty, Moment, Pager};
use super::path::Tab;
use super::shell::{Section, Shell, path_in};
use super::visitor::{Drawn, Visitor};

/// Workspaces on one page.
const ROWS_MAX: u32 = 50;

#[derive(Template)]
#[template(path = "pages/home.html")]
struct HomePage<'a> {
    shell: &'a Shell,
    rows: Vec<Row>,
    /// Whether they may be of several teams.
    shows_owner: bool,
    /// Where a new one is made, if the visitor may.
    create: Option<String>,
    empty: Empty,
    pager: Pager,
}

struct Row {
    workspace: WorkspaceView,
    href: String,
    created: Moment,
    /// Where its calls are told apart.
    analytics: String,
    calls: String,
    errors: String,
    is_failing: bool,
}

/// Shows them.
pub(super) async fn show(visitor: &Visitor) -> Drawn {
    let ground = visitor.team_ground(Section::Workspaces).await?;
    let cursor = visitor.query.field("cursor");
    let query = PageQuery { cursor: (!cursor.is_empty()).then(|| cursor.to_owned()), limit: Some(ROWS_MAX) };
    let team = ground.named.as_ref();
    let found = visitor.look::<endpoint::ListWorkspaces>(team, &[], query.clone()).await?;
    let today = visitor.look::<endpoint::ListCallsToday>(team, &[], query).await?.items;
    let today: HashMap<Slug, (u64, u64)> =
        today.into_iter().map(|today| (today.workspace, (today.calls, today.errors))).collect();
    let (base, now) = (&ground.shell.frame.base, visitor.app.clock.now());
    let rows = found.items.into_iter().map(|workspace| {
        let (calls, errors) = today.get(&workspace.slug).copied().unwrap_or_default();
        Row {
            href: base.clone() + &path_in(&workspace.slug, Tab::Overview, ""),
            analytics: format!("{base}{}?period=24h", path_in(&workspace.slug, Tab::Analytics, "")),
            created: Moment::past(workspace.created_at, now),
            calls: count(calls),
            errors: count(errors),
            is_failing: is_failing(calls, errors),
            workspace,
        }
    });
    let page = HomePage {
        rows: rows.collect(),
        shows_owner: !ground.shell.teams.is_empty() && ground.named.is_none(),
        create: ground.may(Operation::CreateWorkspace).then(|| ground.href("/new-workspace")),
        empty: nothing(ground.may(Operation::CreateWorkspace)),
        pager: Pager::of(&ground.href("/"), cursor, found.next_cursor.as_deref()),
        shell: &ground.shell,
    };
    Ok(draw(StatusCode::OK, &page))
}

fn nothing(may_create: bool) -> Empty {
    let title = "No workspaces yet";
    if may_create {
        let text = "A workspace is one URL for a set of MCP servers. Make one here, or at the command line:";
        return Empty::new(title, text).command("aerostack workspace create Engineering");
    }
    Empty::new(title, "Nobody has made one for this team so far.")
}
