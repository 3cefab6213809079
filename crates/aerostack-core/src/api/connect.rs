//! What an editor is given to reach a workspace: a block to paste, and where it goes.
//!
//! Editors differ: Claude Code and VS Code want the transport named, Windsurf calls the address
//! `serverUrl`, Claude Desktop's file takes no remote server and goes through `mcp-remote`, Codex
//! reads the token from a variable (`docs/guides/connect.md`).

use serde_json::{Value, json};

use super::token::mcp_json;
use crate::slug::Slug;

/// What stands in a block in place of a token.
pub const PLACEHOLDER: &str = "$TOKEN";
/// The variable Codex is told to read.
const CODEX_VARIABLE: &str = "AEROSTACK_TOKEN";

/// An editor whose configuration we know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Editor {
    /// Claude Code.
    ClaudeCode,
    /// Claude Desktop.
    ClaudeDesktop,
    /// Cursor.
    Cursor,
    /// VS Code.
    Vscode,
    /// Windsurf.
    Windsurf,
    /// Codex.
    Codex,
}

impl Editor {
    /// Every one.
    pub const ALL: [Self; 6] =
        [Self::ClaudeCode, Self::ClaudeDesktop, Self::Cursor, Self::Vscode, Self::Windsurf, Self::Codex];

    /// The name shown to people.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::ClaudeCode => "Claude Code",
            Self::ClaudeDesktop => "Claude Desktop",
            Self::Cursor => "Cursor",
            Self::Vscode => "VS Code",
            Self::Windsurf => "Windsurf",
            Self::Codex => "Codex",
        }
    }

    /// The word it is named by on the command line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::ClaudeCode => "claude-code",
            Self::ClaudeDesktop => "claude-desktop",
            Self::Cursor => "cursor",
            Self::Vscode => "vscode",
            Self::Windsurf => "windsurf",
            Self::Codex => "codex",
        }
    }

    /// The file that its block goes into.
    #[must_use]
    pub const fn file(self) -> &'static str {
        match self {
            Self::ClaudeCode => ".mcp.json of the project",
            Self::ClaudeDesktop => "claude_desktop_config.json",
            Self::Cursor => "~/.cursor/mcp.json",
            Self::Vscode => ".vscode/mcp.json",
            Self::Windsurf => "~/.codeium/windsurf/mcp_config.json",
            Self::Codex => "~/.codex/config.toml",
        }
    }

    /// What else it needs, in a sentence.
    #[must_use]
    pub const fn needs(self) -> Option<&'static str> {
        match self {
            Self::ClaudeDesktop => Some("It needs Node.js for npx."),
            _ => None,
        }
    }
}

/// The block for one editor, or the plain one that most understand, without a line end.
///
/// # Panics
/// Never: a block is plain data.
#[must_use]
pub fn block(slug: &Slug, gateway_url: &str, editor: Option<Editor>, token: &str) -> String {
    let (name, url) = (slug.as_str(), gateway_url);
    let headers = json!({ "Authorization": format!("Bearer {token}") });
    let value = match editor {
        None | Some(Editor::Cursor) => mcp_json(slug, url, token),
        Some(Editor::ClaudeCode) => {
            json!({ "mcpServers": { name: { "type": "http", "url": url, "headers": headers } } })
        }
        Some(Editor::Vscode) => {
            json!({ "servers": { name: { "type": "http", "url": url, "headers": headers } } })
        }
        Some(Editor::Windsurf) => json!({ "mcpServers": { name: { "serverUrl": url, "headers": headers } } }),
        Some(Editor::ClaudeDesktop) => claude_desktop(name, url, token),
        Some(Editor::Codex) => return codex(name, url, token),
    };
    serde_json::to_string_pretty(&value).expect("a block is plain data")
}

/// The header stands in a variable because some systems cut an argument at its blank.
fn claude_desktop(name: &str, url: &str, token: &str) -> Value {
    let mut arguments = vec!["-y", "mcp-remote", url, "--header", "Authorization:${AUTH_HEADER}"];
    if is_in_the_clear(url) {
        arguments.push("--allow-http");
    }
    let env = json!({ "AUTH_HEADER": format!("Bearer {token}") });
    json!({ "mcpServers": { name: { "command": "npx", "args": arguments, "env": env } } })
}

/// Plain HTTP to another machine, which the bridge refuses unless told.
fn is_in_the_clear(url: &str) -> bool {
    let Ok(url) = url::Url::parse(url) else { return false };
    let is_loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.scheme() == "http" && !is_loopback
}

fn codex(name: &str, url: &str, token: &str) -> String {
    // A JSON string is a TOML string, too.
    let url = Value::from(url);
    format!(
        "# Codex reads the token from the environment: export {CODEX_VARIABLE}=\"{token}\"\n\
         [mcp_servers.{name}]\n\
         url = {url}\n\
         bearer_token_env_var = \"{CODEX_VARIABLE}\""
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(url: &str, editor: Option<Editor>) -> String {
        block(&Slug::parse("eng").unwrap(), url, editor, PLACEHOLDER)
    }

    fn of(editor: Option<Editor>) -> Value {
        serde_json::from_str(&text("https://x.test/ws/eng", editor)).unwrap()
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
            let value: Value = serde_json::from_str(&text(url, Some(Editor::ClaudeDesktop))).unwrap();
            assert_eq!(value["mcpServers"]["eng"]["env"]["AUTH_HEADER"], "Bearer $TOKEN");
            value["mcpServers"]["eng"]["args"].as_array().unwrap().len()
        };
        for safe in ["https://x.test/ws/eng", "http://127.0.0.1:8787/ws/eng", "http://localhost/ws/eng"] {
            assert_eq!(arguments(safe), 5, "{safe}");
        }
        assert_eq!(arguments("http://x.test/ws/eng"), 6);
    }

    #[test]
    fn codex_takes_the_token_from_a_variable() {
        assert_eq!(
            text("https://x.test/ws/eng", Some(Editor::Codex)),
            "# Codex reads the token from the environment: export AEROSTACK_TOKEN=\"$TOKEN\"\n\
             [mcp_servers.eng]\n\
             url = \"https://x.test/ws/eng\"\n\
             bearer_token_env_var = \"AEROSTACK_TOKEN\""
        );
    }
}
