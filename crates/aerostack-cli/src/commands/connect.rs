//! `workspace connect`: what to paste into an editor's configuration, `$TOKEN` in place of the token.

use aerostack_core::api::connect::{Editor, PLACEHOLDER, block};
use aerostack_core::api::operation::endpoint::ShowWorkspace;
use aerostack_core::api::page::Empty;

use crate::args::workspace::Connect;
use crate::context::Context;
use crate::failure::Outcome;

pub(super) async fn run(context: &mut Context<'_>, arguments: Connect) -> Outcome {
    let slug = context.workspace(arguments.slug).await?;
    let workspace = context.call::<ShowWorkspace>(&[slug.as_str()], &Empty {}).await?;
    let editor = arguments.client.map(Editor::from);
    context.output.line(&block(&workspace.slug, &workspace.gateway_url, editor, PLACEHOLDER))?;
    context.output.finish()?;
    context.output.talk(&place(editor));
    context.output.talk(&format!("A token: aerostack workspace token create {slug} --name \"Alice Chen\""));
    Ok(())
}

/// Where the block goes.
fn place(editor: Option<Editor>) -> String {
    let Some(editor) = editor else {
        return "Paste it into your editor's MCP configuration and put the token in place of $TOKEN."
            .to_owned();
    };
    // Codex reads the token from a variable: its block has none.
    let token = if editor == Editor::Codex { "" } else { ", the token in place of $TOKEN" };
    let needs = editor.needs().map(|needs| format!(" {needs}")).unwrap_or_default();
    format!("Paste it into {}{token}.{needs}", editor.file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_a_block_is_said_for_every_editor() {
        assert_eq!(
            place(Some(Editor::Cursor)),
            "Paste it into ~/.cursor/mcp.json, the token in place of $TOKEN."
        );
        assert_eq!(
            place(Some(Editor::ClaudeDesktop)),
            "Paste it into claude_desktop_config.json, the token in place of $TOKEN. It needs Node.js for npx."
        );
        assert_eq!(place(Some(Editor::Codex)), "Paste it into ~/.codex/config.toml.");
    }

    #[test]
    fn the_block_for_codex_is_toml() {
        let slug = aerostack_core::slug::Slug::parse("eng").unwrap();
        let text = block(&slug, "https://x.test/ws/eng", Some(Editor::Codex), PLACEHOLDER);
        let value: toml::Table = toml::from_str(&text).unwrap();
        assert_eq!(value["mcp_servers"]["eng"]["url"].as_str(), Some("https://x.test/ws/eng"));
    }
}
