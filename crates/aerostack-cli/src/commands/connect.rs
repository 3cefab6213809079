//! `workspace connect`: what to paste into an editor's configuration, `$TOKEN` in place of the token.
//!
//! Editors differ: Claude Code and VS Code want the transport named, Windsurf calls the address
//! `serverUrl`, Claude Desktop's file takes no remote server and goes through `mcp-remote`, Codex
//! reads the token from a variable (`docs/guides/connect.md`).

use aerostack_core::api::operation::endpoint::ShowWorkspace;
use aerostack_core::api::page::Empty;
use aerostack_core::api::token::mcp_json;
use aerostack_core::api::workspace::WorkspaceView;
use serde_json::{Value, json};

use crate::api_url::ApiUrl;
use crate::args::workspace::{Connect, Editor};
use crate::context::Context;
use crate::failure::Outcome;

const PLACEHOLDER: &str = "$TOKEN";
/// The variable Codex is told to read.
const CODEX_VARIABLE: &str = "AEROSTACK_TOKEN";

pub(super) async fn run(context: &mut Context<'_>, arguments: Connect) -> Outcome {
    let slug = context.workspace(arguments.slug).await?;
    let workspace = context.call::<ShowWorkspace>(&[slug.as_str()], &Empty {}).await?;
    context.output.line(&block(&workspace, arguments.client))?;
    context.output.finish()?;
    context.output.talk(place(arguments.client));
    context.output.talk(&format!("A token: aerostack workspace token create {slug} --name \"Alice Chen\""));
    Ok(())
}

/// The block for one editor, without a line end.
fn block(workspace: &WorkspaceView, editor: Option<Editor>) -> String {
    let (slug, url) = (workspace.slug.as_str(), workspace.gateway_url.as_str());
    let headers = json!({ "Authorization": format!("Bearer {PLACEHOLDER}") });
    let value = match editor {
        None | Some(Editor::Cursor) => mcp_json(&workspace.slug, url, PLACEHOLDER),
        Some(Editor::ClaudeCode) => {
            json!({ "mcpServers": { slug: { "type": "http", "url": url, "headers": headers } } })
        }
        Some(Editor::Vscode) => {
            json!({ "servers": { slug: { "type": "http", "url": url, "headers": headers } } })
        }
        Some(Editor::Windsurf) => json!({ "mcpServers": { slug: { "serverUrl": url, "headers": headers } } }),
        Some(Editor::ClaudeDesktop) => claude_desktop(slug, url),
        Some(Editor::Codex) => return codex(slug, url),
    };
    serde_json::to_string_pretty(&value).expect("a block is plain data")
}

/// The header stands in a variable because some systems cut an argument at its blank.
fn claude_desktop(slug: &str, url: &str) -> Value {
    let mut arguments = vec!["-y", "mcp-remote", url, "--header", "Authorization:${AUTH_HEADER}"];
    if ApiUrl::parse(url).is_ok_and(|url| url.is_in_the_clear()) {
        arguments.push("--allow-http");
    }
    let env = json!({ "AUTH_HEADER": format!("Bearer {PLACEHOLDER}") });
    json!({ "mcpServers": { slug: { "command": "npx", "args": arguments, "env": env } } })
}

fn codex(slug: &str, url: &str) -> String {
    let url = toml::Value::String(url.to_owned());
    format!(
        "# Codex reads the token from the environment: export {CODEX_VARIABLE}=\"{PLACEHOLDER}\"\n\
         [mcp_servers.{slug}]\n\
         url = {url}\n\
         bearer_token_env_var = \"{CODEX_VARIABLE}\""
    )
}

/// Where the block goes.
const fn place(editor: Option<Editor>) -> &'static str {
    match editor {
        None => "Paste it into your editor's MCP configuration and put the token in place of $TOKEN.",
        Some(Editor::ClaudeCode) => "Paste it into .mcp.json of the project, the token in place of $TOKEN.",
        Some(Editor::ClaudeDesktop) => {
            "Paste it into claude_desktop_config.json, the token in place of $TOKEN. It needs Node.js for npx."
        }
        Some(Editor::Cursor) => "Paste it into ~/.cursor/mcp.json, the token in place of $TOKEN.",
        Some(Editor::Vscode) => "Paste it into .vscode/mcp.json, the token in place of $TOKEN.",
        Some(Editor::Windsurf) => {
            "Paste it into ~/.codeium/windsurf/mcp_config.json, the token in place of $TOKEN."
        }
        Some(Editor::Codex) => "Paste it into ~/.codex/config.toml.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aerostack_core::id::WorkspaceId;
    use aerostack_core::plan::{Plan, Seats};
    use aerostack_core::slug::Slug;
    use aerostack_core::time::Timestamp;
    use aerostack_core::workspace::ToolPrefix;

    fn workspace(url: &str) -> WorkspaceView {
        WorkspaceView {
            id: WorkspaceId::from_stored("ws_1".to_owned()),
            slug: Slug::parse("eng").unwrap(),
            name: "Engineering".to_owned(),
            description: String::new(),
            owner: Slug::parse("acme").unwrap(),
            role: None,
            tool_prefix: ToolPrefix::Always,
            gateway_url: url.to_owned(),
            servers: 0,
            seats: Seats { used: 0, limit: None, plan: Plan::Enterprise },
            created_at: Timestamp::default(),
        }
    }

    fn of(editor: Option<Editor>) -> Value {
        serde_json::from_str(&block(&workspace("https://x.test/ws/eng"), editor)).unwrap()
    }

    #[test]
    fn every_editor_gets_the_block_it_reads() {
        let (url, headers) = ("https://x.test/ws/eng", json!({ "Authorization": "Bearer $TOKEN" }));
        let plain = json!({ "mcpServers": { "eng": { "url": url, "headers": headers } } });
        assert_eq!((of(None), of(Some(Editor::Cursor))), (plain.clone(), plain));
        let typed = json!({ "eng": { "type": "http", "url": url, "headers": headers } });
        assert_eq!(of(Some(Editor::ClaudeCode)), json!({ "mcpServers": typed }));
        assert_eq!(of(Some(Editor::Vscode)), json!({ "servers": typed }));
        assert_eq!(
            of(Some(Editor::Windsurf)),
            json!({ "mcpServers": { "eng": { "serverUrl": url, "headers": headers } } })
        );
    }

    #[test]
    fn claude_desktop_goes_through_a_bridge_that_must_be_told_about_plain_http() {
        let arguments = |url: &str| {
            let text = block(&workspace(url), Some(Editor::ClaudeDesktop));
            let value: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(value["mcpServers"]["eng"]["env"]["AUTH_HEADER"], "Bearer $TOKEN");
            value["mcpServers"]["eng"]["args"].as_array().unwrap().len()
        };
        assert_eq!(arguments("https://x.test/ws/eng"), 5);
        assert_eq!(arguments("http://127.0.0.1:8787/ws/eng"), 5);
        assert_eq!(arguments("http://x.test/ws/eng"), 6);
    }

    #[test]
    fn codex_reads_toml_and_takes_the_token_from_a_variable() {
        let text = block(&workspace("https://x.test/ws/eng"), Some(Editor::Codex));
        let value: toml::Table = toml::from_str(&text).unwrap();
        let server = &value["mcp_servers"]["eng"];
        assert_eq!(server["url"].as_str(), Some("https://x.test/ws/eng"));
        assert_eq!(server["bearer_token_env_var"].as_str(), Some("AEROSTACK_TOKEN"));
    }
}
