//! What a gateway reads before it serves: everything that callers depend on, in one transaction and in
//! portions, so that a large database is neither asked a question for each workspace nor held whole.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aerostack_core::id::{InstallId, WorkspaceId};

use super::App;
use crate::offer_set::OfferSet;
use crate::snapshot::Draft;
use crate::store::{self, StoreError, Tx};

/// How far the machine's clock may be behind the database's without anybody being told.
const CLOCK_BEHIND_MAX: Duration = Duration::from_secs(60);
/// Workspaces whose states are read at once. Each may have `INSTALLS_MAX` servers.
const WORKSPACES_AT_ONCE: i64 = 256;
/// Lists of servers that are read at once. Each may be megabytes.
const LISTS_AT_ONCE: i64 = 64;

impl App {
    /// Begins no earlier than the database remembers, and reads everything that callers depend on.
    pub(super) async fn load(&self) -> Result<(), StoreError> {
        let mut tx = self.store.read().await?;
        if let Some(moment) = store::latest::moment(&mut tx).await? {
            let behind = self.clock.begin_at(moment);
            if behind > CLOCK_BEHIND_MAX {
                tracing::warn!(
                    behind_s = behind.as_secs(),
                    "the machine's clock is behind what this database remembers; time goes on from there"
                );
            }
        }
        let now = self.clock.now();
        self.load_workspaces(&mut tx).await?;
        store::token::each_unended(&mut tx, now, |token| self.grants.admit(token, now)).await
    }

    async fn load_workspaces(&self, tx: &mut Tx) -> Result<(), StoreError> {
        let offers = offers(tx).await?;
        let mut after: Option<WorkspaceId> = None;
        loop {
            let states = store::workspace::states(tx, after.as_ref(), WORKSPACES_AT_ONCE).await?;
            let Some(last) = states.last() else { return Ok(()) };
            after = Some(last.workspace.id.clone());
            for state in states {
                let ids = state.installs.iter().map(|installed| &installed.install.id);
                let known = ids.map(|id| offers.get(id).cloned()).collect();
                self.publish_draft(Draft::of(state, known).await);
            }
        }
    }
}

/// What each install offers. Of servers that gave the same lists it is read once, and is the same: those of
/// one server that is installed in many workspaces mostly are.
async fn offers(tx: &mut Tx) -> Result<HashMap<InstallId, Arc<OfferSet>>, StoreError> {
    let mut offers = HashMap::new();
    let mut by_text: HashMap<[u8; 32], Arc<OfferSet>> = HashMap::new();
    let mut after: Option<InstallId> = None;
    loop {
        let documents = store::install::all_documents(tx, after.as_ref(), LISTS_AT_ONCE).await?;
        let Some((last, _)) = documents.last() else { return Ok(offers) };
        after = Some(last.clone());
        for (install, document) in documents {
            let digest = document.digest();
            let known = match by_text.get(&digest) {
                Some(known) => Arc::clone(known),
                None => {
                    let read = OfferSet::read(document).await?;
                    by_text.insert(digest, Arc::clone(&read));
                    read
                }
            };
            offers.insert(install, known);
        }
    }
}
