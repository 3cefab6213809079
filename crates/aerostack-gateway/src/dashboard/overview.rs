//! `/workspaces/{slug}`: what it is, and what an editor is given to reach it.

use askama::Template;
use http::StatusCode;

use super::frame::{Notice, draw};
use super::part::{Copy, Moment};
use super::path::Tab;
use super::shell::{Shell, WorkspaceGround};
use super::visitor::{Drawn, Visitor};

#[derive(Template)]
#[template(path = "pages/overview.html")]
struct OverviewPage<'a> {
    shell: &'a Shell,
    ground: &'a WorkspaceGround,
    url: Copy,
    created: Moment,
}

/// Shows it, or one of the pages below.
pub(super) async fn show(visitor: &Visitor, slug: &str, below: &[&str]) -> Drawn {
    let ground = visitor.workspace_ground(slug, Tab::Overview).await?;
    match below {
        [] => Ok(overview(visitor, &ground)),
        _ => Err(Notice::nothing_here()),
    }
}

fn overview(visitor: &Visitor, ground: &WorkspaceGround) -> http::Response<crate::http::body::Body> {
    let workspace = &ground.workspace;
    let page = OverviewPage {
        shell: &ground.shell,
        ground,
        url: Copy::of("gateway-url", "gateway URL", &workspace.gateway_url),
        created: Moment::past(workspace.created_at, visitor.app.clock.now()),
    };
    draw(StatusCode::OK, &page)
}
