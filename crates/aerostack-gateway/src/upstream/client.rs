//! Clients of servers: one per install and target.

use std::sync::Arc;

use super::error::UpstreamError;
use super::frame::Reply;
use super::target::{Caller, Listing, Outgoing, Target};
use crate::config::Config;

/// All clients of the gateway.
pub struct Upstreams {}

/// A client of one installed server: its era, its sessions, its limits.
pub struct Client {}

impl Upstreams {
    /// Makes an empty set. Nothing is connected yet.
    pub fn new(_config: &Config) -> Self {
        Self {}
    }

    /// The client of `target`: the same as before while the target is equal, else a new one, and the
    /// old one's sessions are ended behind.
    pub fn client(&self, _target: Target) -> Arc<Client> {
        Arc::new(Client {})
    }

    /// Ends whatever is kept for installs outside `installs` ... see `forget`.
    pub fn forget(&self, _install: &aerostack_core::id::InstallId) {}

    /// Ends the sessions of one caller everywhere, behind.
    pub fn end_caller(&self, _caller: &Caller) {}

    /// Ends every session politely, within `limit`.
    pub async fn shutdown(&self, _limit: std::time::Duration) {}
}

impl Client {
    /// The target it was made for.
    pub fn target(&self) -> &Target {
        unimplemented!("filled in by the upstream floor")
    }

    /// Connects if need be and lists all tools, following pages, within `Limits::list_timeout` in all.
    ///
    /// # Errors
    /// [`UpstreamError`], the text of which the workspace's owner sees.
    pub async fn list(&self) -> Result<Listing, UpstreamError> {
        Err(UpstreamError::TimedOut(String::new()))
    }

    /// Sends a request and gives the answer once its first message or headers are there.
    ///
    /// # Errors
    /// [`UpstreamError`] when no answer begins.
    pub async fn call(&self, _caller: &Caller, _request: &dyn Outgoing) -> Result<Reply, UpstreamError> {
        Err(UpstreamError::TimedOut(String::new()))
    }

    /// Waits until the server announces that its list changed. Keeps a listening stream open where
    /// the server announces changes; else never returns. Also woken by an announcement inside a call.
    pub async fn list_changed(&self) {}
}
