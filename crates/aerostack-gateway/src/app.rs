//! The hall both doors stand in: configuration, clock, generator, store, keys, grants, upstreams.
//!
//! Administrative changes go through [`App::order`]: one at a time in this process, each committed and
//! then published before the next begins. So publications keep the order of the commits and nothing
//! older ever overwrites something newer.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use aerostack_core::id::{RequestId, TokenId, WorkspaceId};
use aerostack_core::slug::Slug;
use aerostack_core::time::Timestamp;
use aerostack_core::token::Token;
use rand::CryptoRng;
use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use tokio::sync::{Mutex, MutexGuard, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::config::Config;
use crate::grants::Grants;
use crate::http::budget::Budget;
use crate::recorder::Recorder;
use crate::snapshot::{Snapshot, target_of};
use crate::store::install::InstalledServer;
use crate::store::workspace::WorkspaceState;
use crate::store::{self, Store, StoreError, Tx};
use crate::upstream::{Caller, Credential, Upstreams};
use crate::vault::Vault;

/// Time between forgetting ended grants and freeing idle state.
const TIDY_EVERY: Duration = Duration::from_secs(30);
/// First and longest wait between attempts to read back a commit of unknown outcome.
const REREAD_FIRST: Duration = Duration::from_millis(50);
const REREAD_MAX: Duration = Duration::from_secs(5);

/// Everything a request may need.
pub struct App {
    /// Effective settings.
    pub config: Config,
    /// The time.
    pub clock: Clock,
    /// The database.
    pub store: Store,
    /// Keys derived from the master key.
    pub vault: Vault,
    /// Who may come in.
    pub grants: Grants,
    /// Clients of the servers behind.
    pub upstreams: Upstreams,
    /// What is written down of calls.
    pub recorder: Recorder,
    /// How many bytes of bodies and gathered answers may be held.
    pub budget: Budget,
    /// How many mails are handed over at once.
    pub mails: Semaphore,
    /// How many tool lists are refreshed at once.
    pub list_refreshes: Semaphore,
    /// Cancelled when the gateway drains: long streams say goodbye and end.
    pub draining: CancellationToken,
    /// Cancelled when everything is to stop.
    pub stopping: CancellationToken,
    /// Background tasks; awaited when the gateway stops.
    pub tasks: TaskTracker,
    public_url: OnceLock<String>,
    lane: Mutex<()>,
    is_draining: AtomicBool,
    in_doubt: OnceLock<Arc<AtomicBool>>,
    itself: Weak<Self>,
}

/// One request to the gateway, as every room knows it.
#[derive(Clone, Debug)]
pub struct RequestContext {
    /// Its identifier, in logs and error answers.
    pub id: RequestId,
    /// When it arrived.
    pub received_at: Timestamp,
}

impl App {
    /// Loads workspaces and tokens into memory and starts the background tasks.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub async fn start(
        config: Config,
        store: Store,
        vault: Vault,
        clock: Clock,
    ) -> Result<Arc<Self>, StoreError> {
        let (recorder, writer) = Recorder::new();
        let app = Arc::new_cyclic(|itself| Self {
            itself: Weak::clone(itself),
            upstreams: Upstreams::new(&config),
            budget: Budget::new(config.limits.held_bytes, config.limits.held_per_token_bytes),
            mails: Semaphore::new(config.limits.mails_at_once),
            list_refreshes: Semaphore::new(config.limits.list_refreshes_at_once),
            config,
            clock,
            store,
            vault,
            grants: Grants::default(),
            recorder,
            draining: CancellationToken::new(),
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
            public_url: OnceLock::new(),
            lane: Mutex::new(()),
            is_draining: AtomicBool::new(false),
            in_doubt: OnceLock::new(),
        });
        app.load().await?;
        app.tasks.spawn(writer.run(
            app.store.clone(),
            app.config.limits.last_used_every,
            app.stopping.clone(),
        ));
        app.tasks.spawn(tidy(Arc::clone(&app)));
        Ok(app)
    }

    /// The operating system's generator.
    #[must_use]
    pub fn rng(&self) -> impl CryptoRng + use<> {
        UnwrapErr(SysRng)
    }

    /// Tells where the gateway is reached when no public URL is set: the address it listens on.
    pub fn set_listening_url(&self, url: String) {
        let _ = self.public_url.set(url);
    }

    /// What editors are given for a workspace: `<public-url>/ws/<slug>`.
    #[must_use]
    pub fn gateway_url(&self, slug: &Slug) -> String {
        format!("{}/ws/{slug}", self.base_url())
    }

    /// Where the gateway is reached from outside, without a slash at its end.
    #[must_use]
    pub fn base_url(&self) -> String {
        let configured =
            self.config.public_url.as_ref().map(|url| url.as_str().trim_end_matches('/').to_owned());
        let listening =
            || self.public_url.get().cloned().unwrap_or_else(|| format!("http://{}", self.config.listen));
        configured.unwrap_or_else(listening)
    }

    /// Names the key that seals audit events.
    #[must_use]
    pub fn audit_key_id(&self) -> &str {
        self.vault.audit_key_id()
    }

    /// Waits for the administrative lane and begins a transaction that writes.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when lane or database are not free in time.
    pub async fn order(&self) -> Result<Order<'_>, StoreError> {
        let lane = tokio::time::timeout(self.config.limits.database_timeout, self.lane.lock()).await;
        let lane = lane.map_err(|_| StoreError::Unavailable(sqlx::Error::PoolTimedOut))?;
        if self.is_in_doubt() {
            return Err(StoreError::Unavailable(sqlx::Error::PoolClosed));
        }
        let tx = self.store.write().await?;
        Ok(Order { tx, app: self, _lane: lane })
    }

    /// Tells whether the gateway drains: new requests are refused, those in flight finish.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.is_draining.load(Ordering::Acquire)
    }

    /// Tells `/metrics` how much stands in memory now.
    pub fn measure(&self) {
        let (tokens, workspaces) = self.grants.counts();
        #[expect(
            clippy::cast_precision_loss,
            reason = "gauges are floating point; counts stay far below 2^53"
        )]
        let gauge = |count: usize| count as f64;
        metrics::gauge!("aerostack_tokens").set(gauge(tokens));
        metrics::gauge!("aerostack_workspaces").set(gauge(workspaces));
        metrics::gauge!("aerostack_held_bytes").set(gauge(self.budget.held_bytes()));
        metrics::counter!("aerostack_uses_dropped_total").absolute(self.recorder.dropped());
    }

    /// Gives the flag that is set while another process may be serving this database.
    pub fn set_doubt(&self, in_doubt: Arc<AtomicBool>) {
        let _ = self.in_doubt.set(in_doubt);
    }

    /// Tells whether nothing may be served now: the gateway drains, or may not be the only one.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.is_draining() || self.is_in_doubt()
    }

    fn is_in_doubt(&self) -> bool {
        self.in_doubt.get().is_some_and(|in_doubt| in_doubt.load(Ordering::Acquire))
    }

    /// Begins to drain.
    pub fn begin_drain(&self) {
        self.is_draining.store(true, Ordering::Release);
        self.draining.cancel();
    }

    /// Writes what is left to write, ends upstream sessions and closes the database, within `limit`.
    pub async fn finish(&self, limit: Duration) {
        self.begin_drain();
        self.stopping.cancel();
        self.tasks.close();
        let all = async {
            self.upstreams.shutdown(limit / 2).await;
            self.tasks.wait().await;
            self.store.close().await;
        };
        if tokio::time::timeout(limit, all).await.is_err() {
            tracing::warn!("background tasks did not end in time");
        }
    }

    async fn load(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let mut tx = self.store.read().await?;
        for workspace in store::workspace::all_live(&mut tx).await? {
            if let Some(state) = store::workspace::state(&mut tx, &workspace.id).await? {
                self.publish_state(&state);
            }
        }
        for token in store::token::unended(&mut tx, None, now).await? {
            self.grants.admit(&token, now);
        }
        Ok(())
    }

    fn publish_state(&self, state: &WorkspaceState) {
        let idle_timeout = self.config.limits.call_idle_timeout;
        let credential = |installed: &InstalledServer| {
            let own = state.secrets.iter().filter(|secret| secret.place.install == installed.install.id);
            Credential::open(&self.vault, &installed.server, own)
        };
        let snapshot = Snapshot::new(state, |installed| {
            self.upstreams.client(target_of(installed, credential(installed), idle_timeout))
        });
        let limits = self.config.plans.limits(state.owner_plan);
        self.grants.publish_workspace(&state.workspace.id, snapshot, limits.rate_limit_per_minute);
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
        let now = self.clock.now();
        let mut tx = self.store.write().await?;
        // Every order raises the revision first: whoever holds this row waits until the commit in doubt
        // has come to its end, and reads what that end was. The transaction is rolled back.
        store::workspace::lock(&mut tx, workspace).await?;
        let state = store::workspace::state(&mut tx, workspace).await?;
        let tokens = store::token::unended(&mut tx, Some(workspace), now).await?;
        match state {
            Some(state) => {
                self.publish_state(&state);
                self.grants.reconcile(workspace, &tokens, now);
            }
            None => self.grants.close_workspace(workspace),
        }
        Ok(())
    }
}

/// A change under way: the lane and a transaction that writes. Dropped, it changes nothing.
pub struct Order<'a> {
    /// The transaction.
    pub tx: Tx,
    app: &'a App,
    _lane: MutexGuard<'a, ()>,
}

/// What a change means for callers.
pub enum Publication {
    /// Read the workspace's state in the same transaction and publish it.
    Workspace(WorkspaceId),
    /// Close the workspace.
    WorkspaceDeleted(WorkspaceId),
    /// Let a token in.
    TokenIssued(Token),
    /// End a token.
    TokenEnds {
        /// Which.
        id: TokenId,
        /// Of which workspace.
        workspace: WorkspaceId,
        /// When; now or past is at once.
        at: Timestamp,
    },
}

impl Order<'_> {
    /// Commits, then publishes. When this has returned, callers meet the new state and no other.
    ///
    /// # Errors
    /// [`StoreError::OutcomeUnknown`]: whatever would end has ended already, nothing new is let in,
    /// and the truth is read back behind.
    pub async fn commit(mut self, publications: Vec<Publication>) -> Result<(), StoreError> {
        let mut states = Vec::new();
        for publication in &publications {
            if let Publication::Workspace(id) = publication {
                states.extend(store::workspace::state(&mut self.tx, id).await?);
            }
        }
        let result = self.tx.commit().await;
        if let Err(StoreError::OutcomeUnknown(_)) = &result {
            self.app.fail_closed(&publications);
        }
        result?;
        states.iter().for_each(|state| self.app.publish_state(state));
        let now = self.app.clock.now();
        for publication in publications {
            self.app.publish(publication, now);
        }
        Ok(())
    }
}

impl App {
    fn publish(&self, publication: Publication, now: Timestamp) {
        match publication {
            // Published from its state before.
            Publication::Workspace(_) => {}
            Publication::WorkspaceDeleted(id) => self.grants.close_workspace(&id),
            Publication::TokenIssued(token) => self.grants.admit(&token, now),
            Publication::TokenEnds { id, at, .. } => {
                self.grants.end_token(&id, at, now);
                if at <= now {
                    self.upstreams.end_caller(&Caller::Token(id));
                }
            }
        }
    }

    /// Ends what may have ended, lets nothing new in, and reads the truth back behind.
    fn fail_closed(&self, publications: &[Publication]) {
        let now = self.clock.now();
        for publication in publications {
            let workspace = match publication {
                Publication::Workspace(id) => id,
                Publication::WorkspaceDeleted(id) => {
                    self.grants.close_workspace(id);
                    id
                }
                Publication::TokenIssued(token) => &token.workspace,
                Publication::TokenEnds { id, workspace, at } => {
                    self.grants.end_token(id, *at, now);
                    workspace
                }
            };
            self.reread_behind(workspace.clone());
        }
    }

    fn reread_behind(&self, workspace: WorkspaceId) {
        let Some(app) = self.itself.upgrade() else { return };
        self.tasks.spawn(async move { app.reread(&workspace).await });
    }
}

async fn tidy(app: Arc<App>) {
    let mut ticks = tokio::time::interval(TIDY_EVERY);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = app.stopping.cancelled() => return,
        }
        for token in app.grants.tidy(app.clock.now()) {
            app.upstreams.end_caller(&Caller::Token(token));
        }
    }
}
