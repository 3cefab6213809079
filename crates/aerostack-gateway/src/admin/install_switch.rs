//! Switching an installed server, or one of its tools, on and off.

use aerostack_core::api::error::ErrorCode;
use aerostack_core::api::server::{InstallView, UpdateInstallRequest};
use aerostack_core::audit::Action;
use aerostack_core::server::Install;
use aerostack_core::suggest;

use super::call::{Call, Deed, shown};
use super::error::ApiError;
use super::install::{find, view};
use crate::app::Publication;
use crate::store;

/// Switches a server or a tool. What is as wanted already is left alone.
pub(super) async fn update(call: Call, request: UpdateInstallRequest) -> Result<InstallView, ApiError> {
    let (mut order, now) = call.order().await?;
    let workspace = call.lock_workspace(&mut order.tx).await?;
    let mut found = find(&call, &mut order.tx, &workspace).await?;
    let before = found.install.clone();
    let reference = found.reference();
    let (action, object, detail) = match &request.tool {
        None => {
            found.install.enabled = request.enabled;
            let action = if request.enabled { Action::ServerEnabled } else { Action::ServerDisabled };
            (action, reference, before.slug.to_string())
        }
        Some(text) => {
            let tool = find_tool(&call, &before, text)?;
            switch(&mut found.install.disabled_tools, &tool, request.enabled);
            let action = if request.enabled { Action::ToolEnabled } else { Action::ToolDisabled };
            (action, tool, format!("{reference} as {}", before.slug))
        }
    };
    if found.install == before {
        return Ok(view(&call, found));
    }
    store::install::update_switches(&mut order.tx, &found.install).await?;
    let deed = Deed { action, object: &object, detail };
    call.audit_workspace(&mut order.tx, &workspace, now, deed).await?;
    order.commit(vec![Publication::Workspace(workspace.id)]).await?;
    Ok(view(&call, found))
}

/// The upstream's own name of a tool that was named by it or by its exposed name.
///
/// A tool that is switched off is known even if its server does not list it any more.
fn find_tool(call: &Call, install: &Install, text: &str) -> Result<String, ApiError> {
    let snapshot = call.app.grants.snapshot(&install.workspace);
    let place = snapshot.as_ref().and_then(|snapshot| {
        snapshot.installs.iter().position(|candidate| candidate.install.id == install.id)
    });
    let of_install = || {
        let tools = snapshot.iter().flat_map(|snapshot| snapshot.tools());
        tools.filter(|tool| Some(tool.install) == place)
    };
    let by_own = of_install().find(|tool| tool.definition.name == text);
    if let Some(tool) = by_own.or_else(|| of_install().find(|tool| tool.exposed == text)) {
        return Ok(tool.definition.name.clone());
    }
    if install.disabled_tools.iter().any(|name| name == text) {
        return Ok(text.to_owned());
    }
    let is_listed =
        place.is_some_and(|place| snapshot.as_ref().is_some_and(|found| found.installs[place].is_listed()));
    if !is_listed {
        let message = format!("the tools of '{}' are not known yet", install.slug);
        return Err(ApiError::new(ErrorCode::Conflict, message).with_hint(
            "it has not answered so far; see its last error with: aerostack mcp list".to_owned(),
        ));
    }
    let hint = suggest::hint(text, of_install().map(|tool| tool.definition.name.as_str()));
    Err(ApiError::not_found(format!("'{}' has no tool '{}'", install.slug, shown(text))).with_hint(hint))
}

fn switch(disabled_tools: &mut Vec<String>, tool: &str, enabled: bool) {
    // Kept sorted: `Install::offers` searches it.
    match (disabled_tools.binary_search_by(|name| name.as_str().cmp(tool)), enabled) {
        (Ok(place), true) => drop(disabled_tools.remove(place)),
        (Err(place), false) => disabled_tools.insert(place, tool.to_owned()),
        (Ok(_), false) | (Err(_), true) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switched_off_tools_stay_sorted_and_come_once() {
        let mut tools = vec!["b".to_owned()];
        for (tool, enabled) in [("c", false), ("a", false), ("a", false), ("x", true)] {
            switch(&mut tools, tool, enabled);
        }
        assert_eq!(tools, ["a", "b", "c"]);
        switch(&mut tools, "b", true);
        assert_eq!(tools, ["a", "c"]);
    }
}
