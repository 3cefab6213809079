//! The hall both doors stand in: configuration, clock, generator, store, keys, grants, upstreams.
//!
//! Administrative changes go through [`App::order`]: one at a time in this process, each committed and
//! then published before the next begins. So publications keep the order of the commits and nothing
//! older ever overwrites something newer.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use aerostack_core::id::RequestId;
use aerostack_core::slug::Slug;
use aerostack_core::time::Timestamp;
use rand::CryptoRng;
use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use tokio::sync::{Mutex, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

mod load;
mod order;
mod publish;
mod recording;
#[cfg(test)]
pub(crate) mod tests;

pub use order::Order;
pub use publish::Publication;

use crate::alerts::{self, Alerts};
use crate::clock::Clock;
use crate::config::Config;
use crate::grants::Grants;
use crate::http::budget::Budget;
use crate::recorder::Recorder;
use crate::store::usage::UsageStore;
use crate::store::{Store, StoreError};
use crate::upstream::{Caller, Upstreams};
use crate::vault::Vault;

/// Time between forgetting ended grants and freeing idle state.
const TIDY_EVERY: Duration = Duration::from_secs(30);

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
    /// What those share who look at calls and tell of them.
    pub alerts: Alerts,
    /// Where calls are recorded.
    pub usage: UsageStore,
    /// How many tool lists are refreshed at once.
    pub list_refreshes: Semaphore,
    /// Cancelled when the gateway drains: long streams say goodbye and end.
    pub draining: CancellationToken,
    /// Cancelled when everything is to stop.
    pub stopping: CancellationToken,
    /// Background tasks; awaited when the gateway stops.
    pub tasks: TaskTracker,
    writers: TaskTracker,
    recording_ends: CancellationToken,
    public_url: OnceLock<String>,
    lane: Mutex<()>,
    is_draining: AtomicBool,
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
        let (recorder, use_writer, call_writer) = Recorder::new(config.limits.calls_waiting);
        let usage = UsageStore::new(&config.database, config.limits.database_timeout)?;
        let app = Arc::new_cyclic(|itself| Self {
            itself: Weak::clone(itself),
            upstreams: Upstreams::new(&config),
            budget: Budget::new(config.limits.held_bytes, config.limits.held_per_token_bytes),
            mails: Semaphore::new(config.limits.mails_at_once),
            alerts: Alerts::new(config.limits.webhooks_at_once),
            list_refreshes: Semaphore::new(0),
            grants: Grants::under(store.term().clone()),
            config,
            clock,
            store,
            vault,
            recorder,
            usage,
            draining: CancellationToken::new(),
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
            writers: TaskTracker::new(),
            recording_ends: CancellationToken::new(),
            public_url: OnceLock::new(),
            lane: Mutex::new(()),
            is_draining: AtomicBool::new(false),
        });
        app.load().await?;
        // Servers are asked for their lists when callers can be served from the last ones.
        app.list_refreshes.add_permits(app.config.limits.list_refreshes_at_once);
        app.start_recording(use_writer, call_writer);
        alerts::start(&app);
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
        self.measure_recording();
    }

    /// Tells whether nothing may be served now: the gateway drains, or may not be the only one.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.is_draining() || !self.store.term().holds()
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
        let work = async {
            self.upstreams.shutdown(limit / 2).await;
            self.tasks.wait().await;
        };
        if tokio::time::timeout(limit, work).await.is_err() {
            tracing::warn!("background tasks did not end in time");
        }
        // Last, since whatever ends may still have a call to record.
        self.end_recording(limit).await;
    }
}

async fn tidy(app: Arc<App>) {
    // What has just been loaded is tidy.
    let mut ticks = tokio::time::interval_at(Instant::now() + TIDY_EVERY, TIDY_EVERY);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = app.stopping.cancelled() => return,
        }
        // Every grant is looked at; of a million that takes too long for a thread that serves calls.
        let looking = tokio::task::spawn_blocking({
            let app = Arc::clone(&app);
            move || app.grants.tidy(app.clock.now())
        });
        for token in looking.await.unwrap_or_default() {
            app.upstreams.end_caller(&Caller::Token(token));
        }
    }
}
