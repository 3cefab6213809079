//! `aerostack.json`: what a skill is, before it is published.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;

use crate::input_schema::{self, SchemaRefusal};
use crate::server::{ServerUrlError, parse_url};
use crate::skill::Version;
use crate::slug::Slug;
use crate::text::{DESCRIPTION_MAX_CHARS, clean_line};

/// The file's name.
pub const MANIFEST_FILE: &str = "aerostack.json";
/// Most bytes of a manifest.
pub const MANIFEST_MAX_BYTES: usize = 256 * 1_024;
/// Most tools of one skill.
pub const TOOLS_MAX: usize = 100;
/// Most characters of a tool's name.
pub const TOOL_NAME_MAX_LEN: usize = 64;
/// Most characters of a tool's description.
pub const TOOL_DESCRIPTION_MAX_CHARS: usize = 4_096;
/// Most patterns of all tools' schemas together: each one is compiled and kept.
pub const PATTERNS_MAX: usize = 100;

/// The host in the manifest to begin with, and in every example: nobody's function is there.
pub const EXAMPLE_HOST: &str = "functions.example.com";

/// A manifest as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The skill's name.
    pub name: Slug,
    /// Its version, higher than the one before: `1.2.0`.
    #[schema(value_type = String)]
    pub version: Version,
    /// What it does, in one line.
    #[serde(default)]
    pub description: String,
    /// Its tools; an MCP server tells its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<ManifestTool>,
    /// The function that its tools call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function_url: Option<String>,
    /// The MCP server that it wraps, in place of a function.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mcp_url: Option<String>,
}

/// A tool of a function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ManifestTool {
    /// Its name, which the function is given.
    pub name: String,
    /// What it does, for models.
    #[serde(default)]
    pub description: String,
    /// What its input must be: JSON Schema of an object.
    #[schema(value_type = Object)]
    pub input_schema: Value,
}

impl ManifestTool {
    /// The tool as `tools/list` shows it.
    #[must_use]
    pub fn definition(&self) -> String {
        let Self { name, description, input_schema } = self;
        json!({ "name": name, "description": description, "inputSchema": input_schema }).to_string()
    }
}

/// What stands behind a skill's tools.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Backing {
    /// A function: each call is one POST.
    Function(Url),
    /// An MCP server.
    Mcp(Url),
}

impl Backing {
    /// The word used on the wire and in the database.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Function(_) => "function",
            Self::Mcp(_) => "mcp",
        }
    }

    /// Where it is.
    #[must_use]
    pub const fn url(&self) -> &Url {
        match self {
            Self::Function(url) | Self::Mcp(url) => url,
        }
    }

    /// Takes it back from its word and address; `None` for another word.
    #[must_use]
    pub fn from_stored(word: &str, url: Url) -> Option<Self> {
        match word {
            "function" => Some(Self::Function(url)),
            "mcp" => Some(Self::Mcp(url)),
            _ => None,
        }
    }
}

/// A manifest that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// The skill's name.
    pub name: Slug,
    /// Its version.
    pub version: Version,
    /// What it does, in one line.
    pub description: String,
    /// What stands behind it.
    pub backing: Backing,
    /// Its tools, if it is a function.
    pub tools: Vec<ManifestTool>,
}

/// Why a manifest cannot be published.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestRefusal {
    /// It is too large.
    #[error("a manifest has at most {MANIFEST_MAX_BYTES} bytes")]
    TooLarge,
    /// Neither address or both.
    #[error("a manifest names function_url or mcp_url, and not both")]
    Backing,
    /// An address cannot be used.
    #[error("{field}: {error}")]
    Url {
        /// Which.
        field: &'static str,
        /// Why.
        error: ServerUrlError,
    },
    /// The address is still the example's.
    #[error("{field} is still the example's address, where no function is")]
    Example {
        /// Which.
        field: &'static str,
    },
    /// A function without tools.
    #[error("a function has 1 to {TOOLS_MAX} tools")]
    Tools,
    /// An MCP server with tools in the manifest.
    #[error("an MCP server tells its tools itself: leave tools out, or name function_url")]
    ForeignTools,
    /// A name that is none.
    #[error("a tool's name has 1 to {TOOL_NAME_MAX_LEN} of A-Z, a-z, 0-9, _, - and .")]
    ToolName,
    /// Two tools of one name.
    #[error("two tools are named '{0}'")]
    ToolTwice(String),
    /// A description is too long.
    #[error("tool '{0}': a description has at most {TOOL_DESCRIPTION_MAX_CHARS} characters")]
    ToolDescription(String),
    /// Too many patterns.
    #[error("all input schemas together have at most {PATTERNS_MAX} patterns")]
    Patterns,
    /// A schema that is not taken.
    #[error("tool '{tool}': {refusal}")]
    Schema {
        /// Whose.
        tool: String,
        /// Why.
        refusal: SchemaRefusal,
    },
}

impl Manifest {
    /// Checks everything that can be seen without compiling the schemas.
    ///
    /// # Errors
    /// [`ManifestRefusal`] naming the first thing that does not fit.
    pub fn check(self) -> Result<Package, ManifestRefusal> {
        let backing = match (&self.function_url, &self.mcp_url) {
            (Some(url), None) => Backing::Function(address("function_url", url)?),
            (None, Some(url)) => Backing::Mcp(address("mcp_url", url)?),
            (Some(_), Some(_)) | (None, None) => return Err(ManifestRefusal::Backing),
        };
        match (&backing, self.tools.len()) {
            (Backing::Function(_), 1..=TOOLS_MAX) | (Backing::Mcp(_), 0) => {}
            (Backing::Function(_), _) => return Err(ManifestRefusal::Tools),
            (Backing::Mcp(_), _) => return Err(ManifestRefusal::ForeignTools),
        }
        check_tools(&self.tools)?;
        let bytes: usize = self.tools.iter().map(|tool| tool.definition().len()).sum();
        if bytes > MANIFEST_MAX_BYTES {
            return Err(ManifestRefusal::TooLarge);
        }
        let Self { name, version, description, tools, .. } = self;
        let description = clean_line(&description, DESCRIPTION_MAX_CHARS);
        Ok(Package { name, version, description, backing, tools })
    }
}

fn address(field: &'static str, url: &str) -> Result<Url, ManifestRefusal> {
    let url = parse_url(url).map_err(|error| ManifestRefusal::Url { field, error })?;
    match url.host_str() {
        Some(EXAMPLE_HOST) => Err(ManifestRefusal::Example { field }),
        _ => Ok(url),
    }
}

fn check_tools(tools: &[ManifestTool]) -> Result<(), ManifestRefusal> {
    let mut patterns = 0;
    for (index, tool) in tools.iter().enumerate() {
        if !is_tool_name(&tool.name) {
            return Err(ManifestRefusal::ToolName);
        }
        let name = || tool.name.clone();
        if tools[..index].iter().any(|other| other.name == tool.name) {
            return Err(ManifestRefusal::ToolTwice(name()));
        }
        if tool.description.chars().count() > TOOL_DESCRIPTION_MAX_CHARS {
            return Err(ManifestRefusal::ToolDescription(name()));
        }
        let checked = input_schema::check(&tool.input_schema);
        patterns += checked.map_err(|refusal| ManifestRefusal::Schema { tool: name(), refusal })?;
    }
    if patterns > PATTERNS_MAX { Err(ManifestRefusal::Patterns) } else { Ok(()) }
}

fn is_tool_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    (1..=TOOL_NAME_MAX_LEN).contains(&name.len()) && name.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function() -> Value {
        json!({
            "name": "deploy-skill", "version": "1.0.0", "description": "Deploys\na branch",
            "function_url": "https://fn.test/deploy",
            "tools": [{ "name": "deploy", "description": "Deploys a branch", "input_schema": { "type": "object" } }]
        })
    }

    fn check(manifest: Value) -> Result<Package, ManifestRefusal> {
        serde_json::from_value::<Manifest>(manifest).unwrap().check()
    }

    #[test]
    fn a_function_has_tools_and_a_server_tells_its_own() {
        let package = check(function()).unwrap();
        assert_eq!(package.backing.word(), "function");
        assert_eq!(package.description, "Deploys\u{fffd}a branch");
        let expected =
            r#"{"name":"deploy","description":"Deploys a branch","inputSchema":{"type":"object"}}"#;
        assert_eq!(package.tools[0].definition(), expected);
        let server = json!({ "name": "crm", "version": "0.1.0", "mcp_url": "https://crm.test/mcp" });
        assert_eq!(check(server.clone()).unwrap().backing.word(), "mcp");
        let mut both = function();
        both["mcp_url"] = json!("https://crm.test/mcp");
        assert_eq!(check(both), Err(ManifestRefusal::Backing));
        let mut tools = server;
        tools["tools"] = function()["tools"].clone();
        assert_eq!(check(tools), Err(ManifestRefusal::ForeignTools));
    }

    #[test]
    fn everything_is_bounded() {
        let with = |field: &str, value: Value| {
            let mut manifest = function();
            manifest[field] = value;
            check(manifest)
        };
        let tool = |name: &str| json!({ "name": name, "input_schema": { "type": "object" } });
        let tools = |count: usize| Value::Array((0..count).map(|index| tool(&format!("t{index}"))).collect());
        assert!(with("tools", tools(100)).is_ok());
        assert_eq!(with("tools", tools(101)), Err(ManifestRefusal::Tools));
        assert_eq!(with("tools", json!([])), Err(ManifestRefusal::Tools));
        assert_eq!(with("tools", json!([tool("a b")])), Err(ManifestRefusal::ToolName));
        assert_eq!(with("tools", json!([tool("")])), Err(ManifestRefusal::ToolName));
        let twice = json!([tool("a"), tool("a")]);
        assert_eq!(with("tools", twice), Err(ManifestRefusal::ToolTwice("a".to_owned())));
        let mut long = tool("a");
        long["description"] = json!("x".repeat(5_000));
        assert_eq!(with("tools", json!([long])), Err(ManifestRefusal::ToolDescription("a".to_owned())));
        let mut bomb = tool("a");
        bomb["input_schema"] = json!({ "type": "object", "$ref": "https://evil.test/" });
        let refusal = SchemaRefusal::ForeignReference;
        assert_eq!(
            with("tools", json!([bomb])),
            Err(ManifestRefusal::Schema { tool: "a".to_owned(), refusal })
        );
        let error = ServerUrlError::Scheme;
        assert_eq!(
            with("function_url", json!("ftp://x.test/")),
            Err(ManifestRefusal::Url { field: "function_url", error })
        );
        assert_eq!(
            with("function_url", json!("https://functions.example.com/mine")),
            Err(ManifestRefusal::Example { field: "function_url" })
        );
        let mut patterns = tools(101);
        patterns.as_array_mut().unwrap().truncate(100);
        for tool in patterns.as_array_mut().unwrap() {
            tool["input_schema"] = json!({ "type": "object", "patternProperties": { "a": {}, "b": {} } });
        }
        assert_eq!(with("tools", patterns), Err(ManifestRefusal::Patterns));
        let large = Value::Array(
            (0..100)
                .map(|index| {
                    let mut tool = tool(&format!("t{index}"));
                    tool["description"] = json!("x".repeat(4_000));
                    tool
                })
                .collect(),
        );
        assert_eq!(with("tools", large), Err(ManifestRefusal::TooLarge));
    }
}
