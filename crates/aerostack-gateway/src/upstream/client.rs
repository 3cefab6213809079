//! Clients of servers: one per install and target, which a secret is part of.

use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use aerostack_core::id::{InstallId, TokenId};
use futures_util::StreamExt;
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::address::Trust;
use super::aside::Aside;
use super::call;
use super::connect::Connector;
use super::error::UpstreamError;
use super::frame::Reply;
use super::freshness::Freshness;
use super::function::Function;
use super::http::{Clients, Endpoint, Http};
use super::pool::{Pool, PoolLimits};
use super::stdio::{Children, Program};
use super::subscriptions::{Mailbox, Subscription, Subscriptions};
use super::target::{Caller, Listing, Outgoing, Target};
use super::{listing, watch};
use crate::config::{Config, Limits};

/// Clients that end their sessions at the same time.
const ENDING_AT_ONCE: usize = 64;

/// Time for establishing a session over HTTP, all in all.
const ESTABLISH_TIMEOUT: Duration = Duration::from_secs(30);
/// Time between two askings for the list of a program that announced nothing: it is asked whenever its client
/// is new, and to start it for no more than that is dear.
const PROGRAM_ASKED_EVERY: Duration = Duration::from_secs(86_400);

/// All clients of the gateway.
pub struct Upstreams {
    http: Clients,
    limits: Limits,
    /// The programs among the servers; `None` runs none.
    children: Option<Arc<Children>>,
    clients: RwLock<HashMap<InstallId, Arc<Client>>>,
}

/// A client of one installed server: its era, its sessions, its limits.
pub struct Client {
    target: Target,
    limits: Limits,
    list_refresh_every: Duration,
    pool: Arc<Pool>,
    calls: Arc<Semaphore>,
    freshness: Freshness,
    subscriptions: Arc<Subscriptions>,
    listener: Mutex<Option<AbortHandle>>,
    /// In place of sessions, if it is a function.
    function: Option<Arc<Function>>,
}

impl Upstreams {
    /// Makes an empty set. Nothing is connected yet; programs that an earlier gateway left are ended.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let http = Clients::new(&config.upstream_allow);
        Self { http, limits: config.limits, children: Children::new(config), clients: RwLock::default() }
    }

    /// The client of `target`: the same as before while the target is equal, else a new one, and the
    /// old one's sessions are ended behind, once what is under way on them is done.
    pub fn client(&self, target: Target) -> Arc<Client> {
        let known = self.clients.read().unwrap_or_else(PoisonError::into_inner).get(&target.install).cloned();
        if let Some(client) = known.filter(|client| client.target == target) {
            return client;
        }
        let mut clients = self.clients.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&target.install).filter(|client| client.target == target) {
            return client.clone();
        }
        let install = target.install.clone();
        let client = Arc::new(Client::new(target, self.limits, &self.http, self.children.as_ref()));
        let replaced = clients.insert(install, client.clone());
        drop(clients);
        if let Some(replaced) = replaced {
            replaced.close();
        }
        client
    }

    /// The HTTP client for addresses that were given by whoever is so far trusted.
    pub(super) fn http_of(&self, trust: Trust) -> Http {
        self.http.of(trust)
    }

    /// Lets go of a client that nobody is to call through any more. Its sessions are ended behind; one
    /// that has taken its place stays.
    pub fn forget(&self, client: &Arc<Client>) {
        let mut clients = self.clients.write().unwrap_or_else(PoisonError::into_inner);
        let install = &client.target.install;
        if clients.get(install).is_some_and(|known| Arc::ptr_eq(known, client)) {
            clients.remove(install);
        }
        drop(clients);
        client.close();
    }

    /// Ends the sessions of one caller everywhere, behind; to be called within the runtime.
    pub fn end_caller(&self, caller: &Caller) {
        for client in self.all() {
            client.pool.end_caller(caller);
        }
    }

    /// Ends what one session of a caller has of its own everywhere, behind; to be called within the runtime.
    pub fn end_session(&self, token: &TokenId, session: &str) {
        for client in self.all() {
            client.pool.end_session(token, session);
        }
    }

    /// Ends every session politely, within `limit`.
    pub async fn shutdown(&self, limit: Duration) {
        let began = Instant::now();
        let ending =
            futures_util::stream::iter(self.all()).for_each_concurrent(ENDING_AT_ONCE, |client| async move {
                client.stop_listening();
                client.pool.shutdown().await;
            });
        if tokio::time::timeout(limit, ending).await.is_err() {
            tracing::debug!("some sessions with servers were not ended in time");
        }
        if let Some(children) = &self.children {
            children.end_all(limit.saturating_sub(began.elapsed())).await;
        }
    }

    fn all(&self) -> Vec<Arc<Client>> {
        self.clients.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

impl Client {
    fn new(target: Target, limits: Limits, http: &Clients, children: Option<&Arc<Children>>) -> Self {
        let trust = if target.trusted { Trust::Operator } else { Trust::Anybody };
        let freshness = Freshness::default();
        let subscriptions = Subscriptions::new(target.install.clone());
        let credential = target.credential.clone();
        let endpoint = Endpoint::new(http.of(trust), target.url.clone(), target.idle_timeout, credential);
        let function = target
            .function
            .as_deref()
            .map(|tools| Arc::new(Function::new(&target, tools, endpoint.clone(), limits.event_limit_bytes)));
        let program = Program::of(&target, children, &limits);
        let (sessions, list_timeout, list_refresh_every) = match &program {
            None => (of_sessions(&limits), limits.list_timeout, limits.list_refresh_every),
            Some(_) => {
                (of_programs(&limits), limits.list_timeout + limits.stdio_start_timeout, PROGRAM_ASKED_EVERY)
            }
        };
        let connector = Connector {
            endpoint,
            program,
            ids: Arc::new(AtomicU64::new(1)),
            aside: Aside::new(freshness.wanted(), Arc::clone(&subscriptions)),
            event_limit_bytes: limits.event_limit_bytes,
        };
        Self {
            pool: Pool::new(connector, target.session, sessions),
            calls: Arc::new(Semaphore::new(limits.calls_per_install)),
            listener: Mutex::default(),
            function,
            target,
            limits: Limits { list_timeout, ..limits },
            list_refresh_every,
            freshness,
            subscriptions,
        }
    }

    /// How often its list is asked for while it announces nothing.
    #[must_use]
    pub fn list_refresh_every(&self) -> Duration {
        self.list_refresh_every
    }

    /// Ends its sessions as soon as nothing of them is under way: nobody is to call it for the time being.
    pub fn rest(&self) {
        self.pool.let_go();
    }

    /// The target it was made for.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Connects if need be and lists all that it offers, following pages, within `Limits::list_timeout` in all;
    /// a program has the time to start besides.
    ///
    /// # Errors
    /// [`UpstreamError`], the text of which the workspace's owner sees.
    pub async fn list(&self) -> Result<Listing, UpstreamError> {
        if let Some(function) = &self.function {
            return Ok(function.listing());
        }
        self.freshness.asked();
        let listed = listing::list(&self.pool, &self.limits).await;
        let mut listing = listed.map_err(|error| self.masked(error))?;
        self.target.credential.mask_listing(&mut listing);
        Ok(listing)
    }

    /// Sends a request and gives the answer once its first message or headers are there.
    ///
    /// *Cancellation*: dropped, it closes the exchange and frees its place; a legacy server is told
    /// where [`Outgoing::cancel_on_drop`] says so.
    ///
    /// # Errors
    /// [`UpstreamError`] when no answer begins.
    pub async fn call(&self, caller: &Caller, request: &dyn Outgoing) -> Result<Reply, UpstreamError> {
        let Ok(permit) = self.calls.clone().try_acquire_owned() else {
            let limit = self.limits.calls_per_install;
            return Err(UpstreamError::Busy(format!("{limit} calls are in flight")));
        };
        let called = match &self.function {
            Some(function) => Box::pin(function.call(request, permit)).await,
            None => {
                let held = (permit, &self.target.credential);
                call::call(&self.pool, caller, request, held, &self.limits).await
            }
        };
        called.map_err(|error| self.masked(error))
    }

    /// An error as the workspace's owner may read it.
    fn masked(&self, error: UpstreamError) -> UpstreamError {
        error.map_text(|text| self.target.credential.mask(text))
    }

    /// Waits until the server announces that its list changed; a function's never does. Keeps a listening stream open where
    /// the server announces changes; else never returns. Also woken by an announcement inside a call.
    ///
    /// An announcement nobody waits for is kept, once. One at a time may wait.
    pub async fn list_changed(&self) {
        if self.function.is_some() {
            return std::future::pending().await;
        }
        self.start_listening();
        self.freshness.wanted().notified().await;
    }

    /// Notes that whoever waits for changes of the list has dealt with the last one asked for: callers
    /// meet it now, or it did not come.
    pub fn list_settled(&self) {
        self.freshness.settle();
    }

    /// Lets the list count as changed, and waits until one that was asked for afterwards has settled,
    /// at most for `limit`.
    pub async fn list_again(&self, limit: Duration) {
        // Without anybody who keeps the list, or while the server fails, waiting is all there is.
        let _ = tokio::time::timeout(limit, self.freshness.renewed()).await;
    }

    /// Wants to be told, in `mailbox`, of updates of the server's own `uri`, which the listener calls
    /// `exposed`. The server is asked once for all listeners, behind; `None` if that is too many.
    #[must_use]
    pub fn subscribe(&self, uri: &str, exposed: &str, mailbox: &Mailbox) -> Option<Subscription> {
        if self.function.is_some() {
            return None;
        }
        self.start_listening();
        self.subscriptions.add(uri, exposed, mailbox)
    }

    /// Tells the server that the roots of one session of a caller changed, if it has one of its own there.
    pub fn roots_changed(&self, token: &TokenId, session: &str) {
        self.pool.roots_changed(token, session);
    }

    /// Its sessions, for tests.
    #[cfg(test)]
    pub(super) fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    fn start_listening(&self) {
        let mut listener = self.listener.lock().unwrap_or_else(PoisonError::into_inner);
        if listener.is_none() {
            let listening = watch::listen(
                self.pool.clone(),
                self.target.install.clone(),
                Arc::clone(&self.subscriptions),
            );
            *listener = Some(tokio::spawn(listening).abort_handle());
        }
    }

    fn stop_listening(&self) {
        if let Some(listener) = &*self.listener.lock().unwrap_or_else(PoisonError::into_inner) {
            listener.abort();
        }
    }

    /// Serves nobody any more; what is under way goes on.
    fn close(&self) {
        self.stop_listening();
        self.pool.close();
    }
}

fn of_sessions(limits: &Limits) -> PoolLimits {
    PoolLimits {
        sessions: limits.sessions_per_install,
        idle: limits.session_idle_timeout,
        establish: ESTABLISH_TIMEOUT,
    }
}

/// A session with a program is the program.
fn of_programs(limits: &Limits) -> PoolLimits {
    PoolLimits {
        sessions: limits.stdio_children_per_install.min(limits.sessions_per_install),
        idle: limits.stdio_idle_timeout,
        // It bounds itself; this is for what hangs.
        establish: limits.stdio_start_timeout * 2,
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.close();
    }
}
