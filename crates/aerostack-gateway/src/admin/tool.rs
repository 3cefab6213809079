//! The tools of a workspace, with the names under which callers are offered them.

use aerostack_core::api::page::{Page, PageQuery};
use aerostack_core::api::server::ToolView;

use super::call::Call;
use super::error::ApiError;
use super::paging::Paging;
use crate::snapshot::{Snapshot, ToolEntry};

/// Lists the tools, switched off ones too, in order of their exposed names.
pub(super) async fn list(call: Call, query: PageQuery) -> Result<Page<ToolView>, ApiError> {
    let paging = Paging::read(query.limit, query.cursor.as_deref())?;
    let workspace = {
        let mut tx = call.read().await?;
        call.workspace(&mut tx).await?
    };
    // What stands in memory is what callers are offered.
    let Some(snapshot) = call.app.grants.snapshot(&workspace.id) else {
        return Ok(Page { items: Vec::new(), next_cursor: None });
    };
    let after = paging.after.as_deref().unwrap_or_default();
    // What a skill offers is no business of those whose right to it has ended.
    let is_known = |tool: &&ToolEntry| !snapshot.installs[tool.install].install.withdrawn;
    let is_after = |tool: &&ToolEntry| tool.exposed.as_str() > after;
    let mut tools: Vec<&ToolEntry> = snapshot.tools().iter().filter(is_known).filter(is_after).collect();
    tools.sort_by(|a, b| a.exposed.cmp(&b.exposed));
    let (tools, next_cursor) = paging.cut(tools, |tool| tool.exposed.clone());
    Ok(Page { items: tools.into_iter().map(|tool| view(&snapshot, tool)).collect(), next_cursor })
}

fn view(snapshot: &Snapshot, tool: &ToolEntry) -> ToolView {
    ToolView {
        name: tool.exposed.clone(),
        server: snapshot.installs[tool.install].install.slug.clone(),
        tool: tool.definition.name.clone(),
        description: tool.definition.description.clone(),
        enabled: tool.enabled,
    }
}
