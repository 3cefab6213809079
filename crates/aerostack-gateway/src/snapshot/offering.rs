//! What the installs of a workspace offer together: every tool under the name that it is exposed by.

use std::collections::HashMap;
use std::sync::Arc;

use aerostack_core::server::Install;
use aerostack_core::tool::{Offer, expose};
use aerostack_core::workspace::ToolPrefix;

use crate::offload;
use crate::tool_definition::Definition;
use crate::tool_header::HeaderParameter;
use crate::tool_set::ToolSet;

/// About what naming a tool costs, compared with reading bytes.
const BYTES_PER_NAME: usize = 256;

/// An install and its tools, where they are known.
#[derive(Clone, Debug)]
pub struct Stock {
    /// The install.
    pub install: Install,
    /// Its tools.
    pub tools: Option<Arc<ToolSet>>,
}

/// One tool.
#[derive(Clone, Debug)]
pub struct ToolEntry {
    /// The name under which it is listed and called.
    pub exposed: String,
    /// Its server's place among the installs.
    pub install: usize,
    /// Whether it is listed and may be called.
    pub enabled: bool,
    /// Its definition.
    pub definition: Arc<Definition>,
    /// What calls of it are counted as.
    pub counted: Arc<CountedTool>,
}

/// What calls are counted as.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CountedTool {
    /// The slug of the installed server; empty where there is none.
    pub server: String,
    /// The name under which the tool is called, or that of unknown ones.
    pub tool: String,
}

impl ToolEntry {
    /// Arguments that modern requests mirror in headers.
    #[must_use]
    pub fn header_parameters(&self) -> &[HeaderParameter] {
        self.definition.header_parameters.as_deref().unwrap_or_default()
    }

    /// Tells whether callers meet the same in both, whichever their server.
    #[must_use]
    pub fn is_listed_as(&self, other: &Self) -> bool {
        let same = || {
            Arc::ptr_eq(&self.definition, &other.definition) || self.definition.form == other.definition.form
        };
        self.exposed == other.exposed && same()
    }
}

/// Tools by their exposed names, which are looked up here and nowhere taken apart.
#[derive(Clone, Debug, Default)]
pub struct Offering {
    /// All of them, switched on or not, in install order and the servers' own.
    pub tools: Vec<ToolEntry>,
    by_name: HashMap<String, usize>,
}

impl Offering {
    /// Names the tools of all installs, which stand in install order.
    pub async fn of(mode: ToolPrefix, stocks: Vec<Stock>) -> Self {
        let count: usize = stocks.iter().flat_map(|stock| &stock.tools).map(|set| set.tools.len()).sum();
        offload::run(count * BYTES_PER_NAME, move || Self::name(mode, &stocks)).await
    }

    fn name(mode: ToolPrefix, stocks: &[Stock]) -> Self {
        let definitions = |stock: &Stock| stock.tools.as_ref().map_or_else(Vec::new, |set| set.tools.clone());
        let definitions: Vec<Vec<Arc<Definition>>> = stocks.iter().map(definitions).collect();
        let names: Vec<Vec<&str>> =
            definitions.iter().map(|list| list.iter().map(|tool| tool.name.as_str()).collect()).collect();
        let offers: Vec<Offer<'_>> = stocks
            .iter()
            .zip(&names)
            .map(|(stock, tools)| Offer { slug: stock.install.slug.as_str(), tools })
            .collect();
        let exposed = expose(mode, &offers);
        let mut offering = Self::default();
        for (install, (definitions, exposed)) in definitions.into_iter().zip(exposed).enumerate() {
            for (definition, exposed) in definitions.into_iter().zip(exposed) {
                let enabled = stocks[install].install.offers(&definition.name);
                offering.by_name.insert(exposed.clone(), offering.tools.len());
                let server = stocks[install].install.slug.to_string();
                let counted = Arc::new(CountedTool { server, tool: exposed.clone() });
                offering.tools.push(ToolEntry { exposed, install, enabled, definition, counted });
            }
        }
        offering
    }

    /// The same with those tools alone switched on that `may_be_called` says, by install and own name.
    #[must_use]
    pub fn within(&self, may_be_called: impl Fn(usize, &str) -> bool) -> Self {
        let mut within = self.clone();
        for tool in &mut within.tools {
            tool.enabled &= may_be_called(tool.install, &tool.definition.name);
        }
        within
    }

    /// Finds a tool by its exposed name.
    #[must_use]
    pub fn find(&self, exposed: &str) -> Option<&ToolEntry> {
        self.by_name.get(exposed).map(|&index| &self.tools[index])
    }
}
