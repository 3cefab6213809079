//! What the installs of a workspace offer together, each under the name or URI that it is exposed by.

use std::collections::HashMap;
use std::sync::Arc;

use aerostack_core::resource::{self, Shelf};
use aerostack_core::server::Install;
use aerostack_core::tool::{self, Offer};
use aerostack_core::workspace::ToolPrefix;

use crate::definition::{Definition, Item, Kind};
use crate::offer_set::OfferSet;
use crate::offload;
use crate::tool_header::HeaderParameter;

/// About what naming something costs, compared with reading bytes.
const BYTES_PER_NAME: usize = 256;

/// An install and what it offers, where that is known.
#[derive(Clone, Debug)]
pub struct Stock {
    /// The install.
    pub install: Install,
    /// What it offers.
    pub offers: Option<Arc<OfferSet>>,
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

/// One prompt, resource or resource template.
#[derive(Clone, Debug)]
pub struct ItemEntry {
    /// The name, URI or URI template under which it is listed and asked for.
    pub exposed: String,
    /// Its server's place among the installs.
    pub install: usize,
    /// Whether it is listed and may be asked for.
    pub enabled: bool,
    /// Its definition.
    pub item: Arc<Item>,
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

impl ItemEntry {
    /// Tells whether callers meet the same in both, whichever their server.
    #[must_use]
    pub fn is_listed_as(&self, other: &Self) -> bool {
        let same = || Arc::ptr_eq(&self.item, &other.item) || self.item.form == other.item.form;
        self.exposed == other.exposed && same()
    }
}

/// Everything by what it is exposed as, which is looked up here and nowhere taken apart.
#[derive(Clone, Debug, Default)]
pub struct Offering {
    /// All tools, switched on or not, in install order and the servers' own.
    pub tools: Vec<ToolEntry>,
    by_name: HashMap<String, usize>,
    prompts: Catalogue,
    resources: Catalogue,
    templates: Catalogue,
}

/// All of one kind, in install order and the servers' own.
#[derive(Clone, Debug, Default)]
struct Catalogue {
    entries: Vec<ItemEntry>,
    by_exposed: HashMap<String, usize>,
}

impl Catalogue {
    /// `exposed` has a list per stock, and in it an entry per definition; `None` is not offered.
    fn of(kind: Kind, stocks: &[Stock], exposed: Vec<Vec<Option<String>>>) -> Self {
        let mut catalogue = Self::default();
        for (install, (stock, exposed)) in stocks.iter().zip(exposed).enumerate() {
            let enabled = stock.install.is_active();
            for (item, exposed) in items(stock, kind).iter().zip(exposed) {
                let Some(exposed) = exposed else { continue };
                catalogue.by_exposed.insert(exposed.clone(), catalogue.entries.len());
                let item = Arc::clone(item);
                catalogue.entries.push(ItemEntry { exposed, install, enabled, item });
            }
        }
        catalogue
    }
}

fn items(stock: &Stock, kind: Kind) -> &[Arc<Item>] {
    stock.offers.as_ref().map(|offers| offers.items(kind)).unwrap_or_default()
}

impl Offering {
    /// Names what all installs offer, which stand in install order.
    pub async fn of(mode: ToolPrefix, stocks: Vec<Stock>) -> Self {
        let count: usize = stocks.iter().flat_map(|stock| &stock.offers).map(|offers| offers.count()).sum();
        offload::run(count * BYTES_PER_NAME, move || Self::name(mode, &stocks)).await
    }

    fn name(mode: ToolPrefix, stocks: &[Stock]) -> Self {
        let mut offering = Self {
            prompts: Catalogue::of(Kind::Prompt, stocks, prompt_names(mode, stocks)),
            resources: Catalogue::of(Kind::Resource, stocks, uris(Kind::Resource, stocks)),
            templates: Catalogue::of(Kind::Template, stocks, uris(Kind::Template, stocks)),
            ..Self::default()
        };
        let definitions =
            |stock: &Stock| stock.offers.as_ref().map_or_else(Vec::new, |set| set.tools.clone());
        let definitions: Vec<Vec<Arc<Definition>>> = stocks.iter().map(definitions).collect();
        let names: Vec<Vec<&str>> =
            definitions.iter().map(|list| list.iter().map(|tool| tool.name.as_str()).collect()).collect();
        let exposed = expose_names(mode, stocks, &names);
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

    /// The same with that alone switched on which these installs, the same in the same order, offer.
    #[must_use]
    pub fn within<'a>(&self, install: impl Fn(usize) -> &'a Install) -> Self {
        let mut within = self.clone();
        for tool in &mut within.tools {
            tool.enabled &= install(tool.install).offers(&tool.definition.name);
        }
        for catalogue in [&mut within.prompts, &mut within.resources, &mut within.templates] {
            for entry in &mut catalogue.entries {
                entry.enabled &= install(entry.install).is_active();
            }
        }
        within
    }

    /// Finds a tool by its exposed name.
    #[must_use]
    pub fn find(&self, exposed: &str) -> Option<&ToolEntry> {
        self.by_name.get(exposed).map(|&index| &self.tools[index])
    }

    /// All of a kind that is no tool, switched on or not.
    #[must_use]
    pub fn items(&self, kind: Kind) -> &[ItemEntry] {
        self.catalogue(kind).map_or(&[], |catalogue| &catalogue.entries)
    }

    /// Finds one by what it is exposed as.
    #[must_use]
    pub fn find_item(&self, kind: Kind, exposed: &str) -> Option<&ItemEntry> {
        let catalogue = self.catalogue(kind)?;
        catalogue.by_exposed.get(exposed).map(|&index| &catalogue.entries[index])
    }

    const fn catalogue(&self, kind: Kind) -> Option<&Catalogue> {
        match kind {
            Kind::Tool => None,
            Kind::Prompt => Some(&self.prompts),
            Kind::Resource => Some(&self.resources),
            Kind::Template => Some(&self.templates),
        }
    }
}

fn own_names(kind: Kind, stocks: &[Stock]) -> Vec<Vec<&str>> {
    let own = |stock| items(stock, kind).iter().map(|item| item.own.as_str()).collect();
    stocks.iter().map(own).collect()
}

fn expose_names(mode: ToolPrefix, stocks: &[Stock], names: &[Vec<&str>]) -> Vec<Vec<String>> {
    let offer = |(stock, names)| -> Offer<'_> {
        let (stock, names): (&Stock, &Vec<&str>) = (stock, names);
        Offer { slug: stock.install.slug.as_str(), tools: names }
    };
    let offers: Vec<Offer<'_>> = stocks.iter().zip(names).map(offer).collect();
    tool::expose(mode, &offers)
}

fn prompt_names(mode: ToolPrefix, stocks: &[Stock]) -> Vec<Vec<Option<String>>> {
    let exposed = expose_names(mode, stocks, &own_names(Kind::Prompt, stocks));
    exposed.into_iter().map(|names| names.into_iter().map(Some).collect()).collect()
}

fn uris(kind: Kind, stocks: &[Stock]) -> Vec<Vec<Option<String>>> {
    let own = own_names(kind, stocks);
    let shelf = |(stock, uris)| -> Shelf<'_> {
        let (stock, uris): (&Stock, &Vec<&str>) = (stock, uris);
        Shelf { slug: stock.install.slug.as_str(), uris }
    };
    let shelves: Vec<Shelf<'_>> = stocks.iter().zip(&own).map(shelf).collect();
    resource::expose(&shelves)
}
