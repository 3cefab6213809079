//! The tools of one install, read once, however often its workspace changes.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::offload;
use crate::store::StoreError;
use crate::store::install::{ListDocument, ToolList};
use crate::tool_definition::Definition;
use crate::upstream::Listing;

/// What a server offers.
#[derive(Debug)]
pub struct ToolSet {
    /// Its tools, in its own order.
    pub tools: Vec<Arc<Definition>>,
    /// Its instructions to models.
    pub instructions: Option<String>,
    /// Tells two lists apart.
    pub digest: [u8; 32],
}

/// A list that a server has just given, ready to be stored and published.
#[derive(Clone, Debug)]
pub struct FreshList {
    /// To be published.
    pub tools: Arc<ToolSet>,
    /// To be stored.
    pub document: ListDocument,
    /// What a person should know of it.
    pub note: Option<String>,
}

impl ToolSet {
    /// Reads a stored list.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] when it is none.
    pub async fn read(document: ListDocument) -> Result<Arc<Self>, StoreError> {
        let bytes = document.len_bytes();
        offload::run(bytes, move || Ok(Arc::new(Self::of(document.read()?)))).await
    }

    fn of(list: ToolList) -> Self {
        let mut hasher = Sha256::new();
        for text in list.tools.iter().chain(&list.instructions) {
            hasher.update((text.len() as u64).to_be_bytes());
            hasher.update(text.as_bytes());
        }
        // What was stored could be read by the program that stored it.
        let tools = list.tools.iter().filter_map(|text| Definition::read(text).ok()).map(Arc::new);
        Self { tools: tools.collect(), instructions: list.instructions, digest: hasher.finalize().into() }
    }
}

impl FreshList {
    /// Makes a server's answer ready.
    pub async fn of(listing: Listing) -> Self {
        let note = (!listing.left_out.is_empty()).then(|| listing.left_out.to_string());
        let bytes = listing.tools.iter().map(String::len).sum();
        let read = move || {
            let list = ToolList { tools: listing.tools, instructions: listing.instructions };
            Self { document: list.to_document(), tools: Arc::new(ToolSet::of(list)), note }
        };
        offload::run(bytes, read).await
    }
}
