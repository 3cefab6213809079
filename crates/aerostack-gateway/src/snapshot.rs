//! What the path of a call needs of one workspace, ready in memory: routes, tools, clients.
//!
//! A snapshot is made whole from what the database says and never changed; a change makes a new one.
//! Exposed names are looked up in a map here and nowhere taken apart.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aerostack_core::id::InstallId;
use aerostack_core::server::{Install, Server};
use aerostack_core::skill::SkillVersion;
use aerostack_core::slug::Slug;
use aerostack_core::tool::{Offer, SEPARATOR, expose};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::store::install::InstalledServer;
use crate::store::workspace::WorkspaceState;
use crate::tool_header::{self, HeaderParameter};
use crate::upstream::{Client, Credential, Target};

/// One workspace at one revision.
pub struct Snapshot {
    /// The workspace's revision it was made of.
    pub revision: i64,
    /// The workspace's slug.
    pub slug: String,
    /// The workspace's display name.
    pub name: String,
    /// Its installed servers, in install order.
    pub installs: Vec<SnapshotInstall>,
    /// All their tools, switched on or not, in install order and the upstreams' own.
    pub tools: Vec<ToolEntry>,
    by_name: HashMap<String, usize>,
}

/// An installed server, with the client that reaches it.
pub struct SnapshotInstall {
    /// The install.
    pub install: Install,
    /// The server's instructions to models.
    pub instructions: Option<String>,
    /// Whether its tools are known. If not, calls are relayed by prefix.
    pub is_listed: bool,
    /// Its client.
    pub client: Arc<Client>,
}

/// One tool.
pub struct ToolEntry {
    /// The name under which it is listed and called.
    pub exposed: String,
    /// Its server, as an index into [`Snapshot::installs`].
    pub install: usize,
    /// The upstream's own name.
    pub name: String,
    /// Whether it is listed and may be called.
    pub enabled: bool,
    /// What it does, in the upstream's words.
    pub description: Option<String>,
    /// Its definition as the upstream wrote it, but for the name.
    pub definition: String,
    /// Its definition for clients of 2025-11-25 and older, where that must differ: they refuse a whole
    /// list over one tool whose output schema is no object, so that schema is left out.
    pub legacy_definition: Option<String>,
    /// Arguments that modern requests mirror in headers.
    pub header_parameters: Vec<HeaderParameter>,
}

/// Where a call goes.
pub struct Route<'a> {
    /// The installed server.
    pub install: &'a SnapshotInstall,
    /// The upstream's own name of the tool.
    pub tool: String,
    /// The tool's entry, where its server's list is known.
    pub entry: Option<&'a ToolEntry>,
}

/// What of a tool definition is read; everything else passes as the upstream wrote it.
#[derive(Deserialize)]
struct Definition<'a> {
    #[serde(borrow)]
    name: &'a RawValue,
    description: Option<String>,
    #[serde(borrow, rename = "inputSchema")]
    input_schema: Option<&'a RawValue>,
    #[serde(borrow, rename = "outputSchema")]
    output_schema: Option<&'a RawValue>,
}

impl Snapshot {
    /// Makes the snapshot of a workspace. `client_of` gives the client of an installed server.
    pub fn new(state: &WorkspaceState, client_of: impl Fn(&InstalledServer) -> Arc<Client>) -> Self {
        let definitions: Vec<Vec<(String, &str)>> = state.installs.iter().map(named_definitions).collect();
        let tools = name_tools(state, &definitions);
        let by_name = tools.iter().enumerate().map(|(index, tool)| (tool.exposed.clone(), index)).collect();
        let installs = state
            .installs
            .iter()
            .map(|installed| SnapshotInstall {
                install: installed.install.clone(),
                instructions: installed.list.tools.as_ref().and_then(|list| list.instructions.clone()),
                is_listed: installed.list.tools.is_some(),
                client: client_of(installed),
            })
            .collect();
        Self {
            revision: state.workspace.revision,
            slug: state.workspace.slug.to_string(),
            name: state.workspace.name.clone(),
            installs,
            tools,
            by_name,
        }
    }

    /// The one decision for list and call: the tools that are listed are those that may be called.
    pub fn listed(&self) -> impl Iterator<Item = &ToolEntry> {
        self.tools.iter().filter(|tool| tool.enabled)
    }

    /// Tells whether callers would list the same of both.
    #[must_use]
    pub fn lists_the_same_as(&self, other: &Self) -> bool {
        self.listed().map(|tool| &tool.definition).eq(other.listed().map(|tool| &tool.definition))
    }

    /// Finds where a call of `exposed` goes; `None` for unknown and switched-off tools alike.
    #[must_use]
    pub fn route(&self, exposed: &str) -> Option<Route<'_>> {
        if let Some(&index) = self.by_name.get(exposed) {
            let entry = &self.tools[index];
            let install = &self.installs[entry.install];
            return entry.enabled.then(|| Route { install, tool: entry.name.clone(), entry: Some(entry) });
        }
        self.route_by_prefix(exposed)
    }

    /// A server whose list is not known yet may still be called, by its prefix.
    fn route_by_prefix(&self, exposed: &str) -> Option<Route<'_>> {
        let (slug, tool) = exposed.split_once(SEPARATOR)?;
        let install = self.installs.iter().find(|install| install.install.slug.as_str() == slug)?;
        let may_be_called = !install.is_listed && install.install.offers(tool);
        may_be_called.then(|| Route { install, tool: tool.to_owned(), entry: None })
    }
}

/// Where an installed server or skill is and how it is reached.
#[must_use]
pub fn target_of(installed: &InstalledServer, credential: Credential, idle_timeout: Duration) -> Target {
    let Install { id, slug, .. } = &installed.install;
    let tools = installed.skill.as_ref().and_then(SkillVersion::function_tools);
    let target = target(id.clone(), slug, &installed.server, credential, idle_timeout);
    Target { function: tools.map(<[_]>::to_vec), ..target }
}

/// The same for a server that may not be installed; `idle_timeout` is for servers without their own.
#[must_use]
pub fn target(
    install: InstallId,
    slug: &Slug,
    server: &Server,
    credential: Credential,
    idle_timeout: Duration,
) -> Target {
    Target {
        install,
        slug: slug.to_string(),
        url: server.url.clone(),
        session: server.session,
        idle_timeout: server.timeout.unwrap_or(idle_timeout),
        trusted: server.trusted,
        function: None,
        credential,
    }
}

/// The definitions of an install's tools with their own names; one that has none is left out.
fn named_definitions(installed: &InstalledServer) -> Vec<(String, &str)> {
    let tools = installed.list.tools.iter().flat_map(|list| &list.tools);
    tools
        .filter_map(|text| {
            let definition: Definition<'_> = serde_json::from_str(text).ok()?;
            Some((serde_json::from_str(definition.name.get()).ok()?, text.as_str()))
        })
        .collect()
}

fn name_tools(state: &WorkspaceState, definitions: &[Vec<(String, &str)>]) -> Vec<ToolEntry> {
    let names: Vec<Vec<&str>> =
        definitions.iter().map(|list| list.iter().map(|(name, _)| name.as_str()).collect()).collect();
    let offers: Vec<Offer<'_>> = state
        .installs
        .iter()
        .zip(&names)
        .map(|(installed, tools)| Offer { slug: installed.install.slug.as_str(), tools })
        .collect();
    let exposed = expose(state.workspace.tool_prefix, &offers);
    let mut entries = Vec::new();
    for (install, (list, exposed)) in definitions.iter().zip(exposed).enumerate() {
        for ((name, text), exposed) in list.iter().zip(exposed) {
            entries.extend(entry(&state.installs[install], install, name, text, exposed));
        }
    }
    entries
}

fn entry(
    installed: &InstalledServer,
    install: usize,
    name: &str,
    text: &str,
    exposed: String,
) -> Option<ToolEntry> {
    let definition: Definition<'_> = serde_json::from_str(text).ok()?;
    let exposed_definition = replace_span(text, definition.name.get(), &format!("\"{exposed}\""));
    let odd_output =
        definition.output_schema.is_some_and(|schema| root_type(schema.get()).as_deref() != Some("object"));
    Some(ToolEntry {
        legacy_definition: odd_output.then(|| without_output_schema(&exposed_definition)),
        definition: exposed_definition,
        exposed,
        install,
        name: name.to_owned(),
        enabled: installed.install.offers(name),
        description: definition.description,
        header_parameters: definition
            .input_schema
            .and_then(|schema| tool_header::parameters(schema.get()).ok())
            .unwrap_or_default(),
    })
}

fn root_type(schema: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Root {
        #[serde(rename = "type")]
        kind: Option<serde_json::Value>,
    }
    let root: Root = serde_json::from_str(schema).ok()?;
    root.kind?.as_str().map(str::to_owned)
}

/// The definition without `outputSchema`; written anew, since this is a crossing of eras.
fn without_output_schema(definition: &str) -> String {
    let mut fields: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(definition).unwrap_or_default();
    fields.remove("outputSchema");
    serde_json::Value::Object(fields).to_string()
}

/// `text` with `part`, which lies inside it, replaced. Everything else stays byte for byte.
fn replace_span(text: &str, part: &str, replacement: &str) -> String {
    let start = part.as_ptr() as usize - text.as_ptr() as usize;
    [&text[..start], replacement, &text[start + part.len()..]].concat()
}
