//! What one install offers, read once, however often its workspace changes.

use std::sync::Arc;

use aerostack_core::capability::{Capabilities, TaskSupport};
use sha2::{Digest, Sha256};

use crate::definition::{Definition, Item, Kind};
use crate::offload;
use crate::store::StoreError;
use crate::store::install::{ListDocument, OfferList};
use crate::upstream::Listing;

/// What a server offers, each in its own order.
#[derive(Debug, Default)]
pub struct OfferSet {
    /// Its tools.
    pub tools: Vec<Arc<Definition>>,
    /// Its prompts.
    pub prompts: Vec<Arc<Item>>,
    /// Its resources.
    pub resources: Vec<Arc<Item>>,
    /// Its resource templates.
    pub templates: Vec<Arc<Item>>,
    /// What else it can do.
    pub capabilities: Capabilities,
    /// Its instructions to models.
    pub instructions: Option<String>,
    /// Tells two lists apart.
    pub digest: [u8; 32],
}

/// Lists that a server has just given, ready to be stored and published.
#[derive(Clone, Debug)]
pub struct FreshList {
    /// To be published.
    pub offers: Arc<OfferSet>,
    /// To be stored.
    pub document: ListDocument,
    /// What a person should know of it.
    pub note: Option<String>,
}

impl OfferSet {
    /// Reads stored lists.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] when they are none.
    pub async fn read(document: ListDocument) -> Result<Arc<Self>, StoreError> {
        let bytes = document.len_bytes();
        offload::run(bytes, move || Ok(Arc::new(Self::of(document.read()?)))).await
    }

    fn of(list: OfferList) -> Self {
        let digest = digest(&list);
        // What was stored could be read by the program that stored it.
        let tools = list.tools.iter().filter_map(|text| Definition::read(text).ok()).map(Arc::new).collect();
        let items = |kind: Kind, texts: &[String]| -> Vec<Arc<Item>> {
            texts.iter().filter_map(|text| Item::read(kind, text).ok()).map(Arc::new).collect()
        };
        Self {
            tools,
            prompts: items(Kind::Prompt, &list.prompts),
            resources: items(Kind::Resource, &list.resources),
            templates: items(Kind::Template, &list.templates),
            capabilities: list.capabilities,
            instructions: list.instructions,
            digest,
        }
    }

    /// Its definitions of a kind that is no tool.
    #[must_use]
    pub fn items(&self, kind: Kind) -> &[Arc<Item>] {
        match kind {
            Kind::Tool => &[],
            Kind::Prompt => &self.prompts,
            Kind::Resource => &self.resources,
            Kind::Template => &self.templates,
        }
    }

    /// How many definitions it has.
    #[must_use]
    pub fn count(&self) -> usize {
        self.tools.len() + self.prompts.len() + self.resources.len() + self.templates.len()
    }
}

fn digest(list: &OfferList) -> [u8; 32] {
    let OfferList { tools, prompts, resources, templates, capabilities, instructions } = list;
    let mut hasher = Sha256::new();
    for texts in [tools, prompts, resources, templates] {
        hasher.update((texts.len() as u64).to_be_bytes());
        for text in texts {
            hasher.update((text.len() as u64).to_be_bytes());
            hasher.update(text.as_bytes());
        }
    }
    let Capabilities { prompts, resources, subscriptions, completions, logging, tasks } = *capabilities;
    hasher.update([prompts, resources, subscriptions, completions, logging].map(u8::from));
    let TaskSupport { calls, list, cancel, extension } = tasks;
    hasher.update([calls, list, cancel, extension].map(u8::from));
    hasher.update(instructions.as_deref().unwrap_or_default().as_bytes());
    hasher.finalize().into()
}

impl FreshList {
    /// Makes a server's answer ready. Of a kind that it could not list this time, what it listed before
    /// stays.
    pub async fn of(listing: Listing, before: Option<Arc<OfferSet>>) -> Self {
        let note = note(&listing);
        let bytes = listing.len_bytes();
        let read = move || {
            let kept = |kind: Kind, listed: Result<Vec<String>, String>| {
                let items = before.as_ref().map(|before| before.items(kind)).unwrap_or_default();
                listed.unwrap_or_else(|_| items.iter().map(|item| item.form.own_text()).collect())
            };
            let list = OfferList {
                tools: listing.tools,
                prompts: kept(Kind::Prompt, listing.prompts),
                resources: kept(Kind::Resource, listing.resources),
                templates: kept(Kind::Template, listing.templates),
                capabilities: listing.capabilities,
                instructions: listing.instructions,
            };
            Self { document: list.to_document(), offers: Arc::new(OfferSet::of(list)), note }
        };
        offload::run(bytes, read).await
    }
}

/// What was left out, and what could not be listed.
fn note(listing: &Listing) -> Option<String> {
    let left_out = (!listing.left_out.is_empty()).then(|| listing.left_out.to_string());
    let unknown =
        [&listing.prompts, &listing.resources, &listing.templates].map(|listed| listed.as_ref().err());
    let told: Vec<String> = left_out.into_iter().chain(unknown.into_iter().flatten().cloned()).collect();
    (!told.is_empty()).then(|| told.join("; "))
}
