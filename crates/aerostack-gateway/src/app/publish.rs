//! What a commit means for callers, and what is done when nobody knows whether it holds.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use aerostack_core::bearer::TokenDigest;
use aerostack_core::id::{InstallId, TokenId, WorkspaceId};
use aerostack_core::secret::SealedSecret;
use aerostack_core::time::Timestamp;
use aerostack_core::token::Token;

use super::App;
use crate::lists;
use crate::offer_set::OfferSet;
use crate::snapshot::{Draft, Snapshot, target_of};
use crate::store::install::InstalledServer;
use crate::store::token::LiveToken;
use crate::store::workspace::WorkspaceState;
use crate::store::{self, StoreError, Tx};
use crate::upstream::{Caller, Credential, Target};

/// First and longest wait between attempts to read back a commit of unknown outcome.
const REREAD_FIRST: Duration = Duration::from_millis(50);
const REREAD_MAX: Duration = Duration::from_secs(5);

/// What a change means for callers.
pub enum Publication {
    /// Read the workspace's state in the same transaction and publish it.
    Workspace(WorkspaceId),
    /// Close the workspace.
    WorkspaceDeleted(WorkspaceId),
    /// Let a token in.
    TokenIssued(LiveToken),
    /// End a token.
    TokenEnds {
        /// Which.
        id: TokenId,
        /// SHA-256 of its text.
        digest: TokenDigest,
        /// Of which workspace.
        workspace: WorkspaceId,
        /// When; now or past is at once.
        at: Timestamp,
    },
}

impl Publication {
    /// Of a new token.
    #[must_use]
    pub fn token_issued(token: &Token) -> Self {
        Self::TokenIssued(LiveToken::from(token))
    }

    /// Of a token that ends at a moment; now or past is at once.
    #[must_use]
    pub fn token_ends(token: &Token, at: Timestamp) -> Self {
        let (id, workspace) = (token.id.clone(), token.workspace.clone());
        Self::TokenEnds { id, digest: token.digest, workspace, at }
    }
}

/// A list that was stored in an order.
pub(super) struct Relisted {
    pub(super) workspace: WorkspaceId,
    pub(super) install: InstallId,
    pub(super) offers: Arc<OfferSet>,
}

/// Snapshots that become valid with the commit.
#[derive(Default)]
pub(super) struct Prepared {
    drafts: Vec<Draft>,
    relisted: Vec<(WorkspaceId, Snapshot)>,
}

impl App {
    /// Makes ready what is to be published, so that little is left to do after the commit.
    pub(super) async fn prepare(
        &self,
        tx: &mut Tx,
        publications: &[Publication],
        relisted: Vec<Relisted>,
    ) -> Result<Prepared, StoreError> {
        let mut drafts: Vec<Draft> = Vec::new();
        for publication in publications {
            let Publication::Workspace(id) = publication else { continue };
            if let Some(state) = store::workspace::state(tx, id).await? {
                let offers = self.known_offers(tx, &state, &relisted).await?;
                drafts.push(Draft::of(state, offers).await);
            }
        }
        let mut snapshots: Vec<(WorkspaceId, Snapshot)> = Vec::new();
        for Relisted { workspace, install, offers } in relisted {
            if drafts.iter().any(|draft| draft.state.workspace.id == workspace) {
                continue;
            }
            let place = snapshots.iter().position(|(id, _)| *id == workspace);
            let changed = match (place, self.grants.snapshot(&workspace)) {
                (Some(place), _) => snapshots[place].1.with_offers(&install, &offers).await,
                (None, Some(present)) => present.with_offers(&install, &offers).await,
                (None, None) => None,
            };
            match (changed, place) {
                (Some(changed), Some(place)) => snapshots[place].1 = changed,
                (Some(changed), None) => snapshots.push((workspace, changed)),
                // Removed meanwhile, and with it the list.
                (None, _) => {}
            }
        }
        Ok(Prepared { drafts, relisted: snapshots })
    }

    /// What a workspace's installs offer: those just stored, those in memory, which are what the
    /// database has, and from there only what is in neither.
    async fn known_offers(
        &self,
        tx: &mut Tx,
        state: &WorkspaceState,
        relisted: &[Relisted],
    ) -> Result<Vec<Option<Arc<OfferSet>>>, StoreError> {
        let present = self.grants.snapshot(&state.workspace.id);
        let mut known = Vec::with_capacity(state.installs.len());
        for installed in &state.installs {
            let id = &installed.install.id;
            let fresh = relisted.iter().rfind(|relisted| relisted.install == *id);
            // Another version of a skill offers other things.
            let in_memory = present
                .as_ref()
                .and_then(|snapshot| snapshot.install(id))
                .filter(|present| present.install.source == installed.install.source);
            known.push(match (fresh, in_memory) {
                (Some(fresh), _) => Some(Arc::clone(&fresh.offers)),
                (None, Some(in_memory)) => in_memory.offers.clone(),
                (None, None) => stored_offers(tx, &state.workspace.id, id).await?,
            });
        }
        Ok(known)
    }

    /// Lets callers meet what was committed. The lane is held.
    pub(super) fn publish(&self, prepared: Prepared, publications: Vec<Publication>) {
        prepared.drafts.into_iter().for_each(|draft| self.publish_draft(draft));
        for (workspace, snapshot) in prepared.relisted {
            self.grants.republish_workspace(&workspace, snapshot);
        }
        let now = self.clock.now();
        for publication in publications {
            match publication {
                // Published from its draft before.
                Publication::Workspace(_) => {}
                Publication::WorkspaceDeleted(id) => self.close_workspace(&id),
                Publication::TokenIssued(token) => self.grants.admit(token, now),
                Publication::TokenEnds { id, digest, at, .. } => self.end_token(&id, &digest, at, now),
            }
        }
    }

    /// Publishes a workspace: clients that it no longer has are let go, and new ones find somebody who
    /// keeps their lists.
    pub(super) fn publish_draft(&self, draft: Draft) {
        let limits = self.config.plans.limits(draft.state.owner_plan);
        let (id, installed) = (draft.state.workspace.id.clone(), draft.state.installs.clone());
        let secrets = draft.state.secrets.clone();
        let snapshot =
            Snapshot::new(draft, |installed| self.upstreams.client(self.target(installed, &secrets)));
        let before = self.grants.snapshot(&id);
        self.grants.publish_workspace(&id, snapshot, limits.rate_limit_per_minute);
        let Some(now) = self.grants.snapshot(&id) else { return };
        for gone in before.iter().flat_map(|before| &before.installs) {
            if !now.has_client(&gone.client) {
                self.upstreams.forget(&gone.client);
            }
        }
        let Some(app) = self.itself.upgrade() else { return };
        for (new, installed) in now.installs.iter().zip(&installed) {
            if !new.install.is_active() {
                new.client.rest();
            }
            if !before.as_ref().is_some_and(|before| before.has_client(&new.client)) {
                lists::adopt(&app, new, &installed.status);
            }
        }
    }

    /// Where an install is, with those of its workspace's secrets that are its own.
    fn target(&self, installed: &InstalledServer, secrets: &[SealedSecret]) -> Target {
        let own = secrets.iter().filter(|secret| secret.place.install == installed.install.id);
        let credential = Credential::open(&self.vault, &installed.server, own);
        target_of(installed, credential, self.config.limits.call_idle_timeout)
    }

    /// Offers no more what a state that may hold by now would not offer, or would reach otherwise.
    fn hold_back(&self, draft: &Draft) {
        let id = &draft.state.workspace.id;
        let Some(present) = self.grants.snapshot(id) else { return };
        let held = present.held_back(draft, |present, installed| {
            *present.client.target() == self.target(installed, &draft.state.secrets)
        });
        self.grants.republish_workspace(id, held);
    }

    fn close_workspace(&self, id: &WorkspaceId) {
        let before = self.grants.snapshot(id);
        self.grants.close_workspace(id);
        for gone in before.iter().flat_map(|before| &before.installs) {
            self.upstreams.forget(&gone.client);
        }
    }

    fn end_token(&self, id: &TokenId, digest: &TokenDigest, at: Timestamp, now: Timestamp) {
        self.grants.end_token(digest, at, now);
        if at <= now {
            self.upstreams.end_caller(&Caller::Token(id.clone()));
        }
    }

    /// Ends what may have ended, lets nothing new in, and reads the truth back behind.
    pub(super) fn fail_closed(&self, publications: &[Publication], prepared: &Prepared) {
        prepared.drafts.iter().for_each(|draft| self.hold_back(draft));
        let now = self.clock.now();
        let mut in_doubt = BTreeSet::new();
        for publication in publications {
            in_doubt.insert(match publication {
                Publication::Workspace(id) => id,
                Publication::WorkspaceDeleted(id) => {
                    self.close_workspace(id);
                    id
                }
                Publication::TokenIssued(token) => &token.workspace,
                Publication::TokenEnds { id, digest, workspace, at } => {
                    self.end_token(id, digest, *at, now);
                    workspace
                }
            });
        }
        let Some(app) = self.itself.upgrade() else { return };
        for workspace in in_doubt {
            let (app, workspace) = (Arc::clone(&app), workspace.clone());
            self.tasks.spawn(async move { app.reread(&workspace).await });
        }
    }

    /// Reads a workspace back after a commit of unknown outcome, until the database answers.
    async fn reread(&self, workspace: &WorkspaceId) {
        let mut wait = REREAD_FIRST;
        while let Err(error) = self.reread_once(workspace).await {
            tracing::error!(%error, %workspace, "a commit's outcome is not known and cannot be read back yet");
            tokio::select! {
                () = tokio::time::sleep(wait) => wait = (wait * 2).min(REREAD_MAX),
                () = self.stopping.cancelled() => return,
            }
        }
    }

    async fn reread_once(&self, workspace: &WorkspaceId) -> Result<(), StoreError> {
        // The lane keeps orders out between reading and publishing.
        let _lane = self.lane.lock().await;
        // Alone: the commit in doubt has come to its end, and what it came to is read.
        let mut tx = self.store.write_alone().await?;
        let now = self.clock.now();
        let draft = read_draft(&mut tx, workspace).await?;
        let tokens = store::token::unended(&mut tx, workspace, now).await?;
        match draft {
            Some(draft) => {
                self.publish_draft(draft);
                self.grants.reconcile(workspace, tokens, now);
            }
            None => self.close_workspace(workspace),
        }
        Ok(())
    }
}

/// A workspace as the database has it, with all that it offers; `None` if it is deleted or unknown.
pub(super) async fn read_draft(tx: &mut Tx, workspace: &WorkspaceId) -> Result<Option<Draft>, StoreError> {
    let Some(state) = store::workspace::state(tx, workspace).await? else {
        return Ok(None);
    };
    let mut offers = vec![None; state.installs.len()];
    for (install, document) in store::install::documents(tx, workspace, None).await? {
        if let Some(place) = state.installs.iter().position(|installed| installed.install.id == install) {
            offers[place] = Some(OfferSet::read(document).await?);
        }
    }
    Ok(Some(Draft::of(state, offers).await))
}

async fn stored_offers(
    tx: &mut Tx,
    workspace: &WorkspaceId,
    install: &InstallId,
) -> Result<Option<Arc<OfferSet>>, StoreError> {
    match store::install::documents(tx, workspace, Some(install)).await?.pop() {
        Some((_, document)) => Ok(Some(OfferSet::read(document).await?)),
        None => Ok(None),
    }
}
