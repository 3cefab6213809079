//! Keeps the tool list of every installed server fresh, behind the callers' backs.
//!
//! Callers are answered from memory; one task per install asks its server again when it announces a
//! change, every few minutes, and with growing pauses after a failure. The last good list is kept in
//! the database, is served while a server fails, and survives a restart.

use std::sync::Arc;
use std::time::Duration;

use aerostack_core::id::{InstallId, WorkspaceId};
use aerostack_core::server::Server;
use sha2::{Digest, Sha256};

use crate::app::{App, Publication};
use crate::snapshot::target;
use crate::store::install::ToolList;
use crate::store::{self, StoreError};
use crate::upstream::{Client, Credential, Listing, Target, UpstreamError};

/// First pause after a failure; doubled each time up to `Limits::list_refresh_every`.
const RETRY_FIRST: Duration = Duration::from_secs(1);

/// Shortest time between a refresh and the next that an announcement causes.
const ANNOUNCED_AFTER: Duration = Duration::from_millis(500);

/// An install whose list is kept fresh.
struct Kept {
    workspace: WorkspaceId,
    install: InstallId,
    /// What was last written of it.
    stored: Option<Stored>,
}

/// What was written of a list, as far as it decides whether to write again.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Stored {
    List([u8; 32]),
    Failure(String),
}

/// Where a server is that is not installed yet, or only tested.
#[must_use]
pub fn target_of_server(app: &App, server: &Server, credential: Credential) -> Target {
    let id = InstallId::new(app.clock.now(), &mut app.rng());
    target(id, &server.slug, server, credential, app.config.limits.call_idle_timeout)
}

/// Asks a server for its tools once; nothing is kept of the connection.
///
/// # Errors
/// [`UpstreamError`] when it does not list them within `Limits::list_timeout`.
pub async fn ask(app: &App, target: Target) -> Result<Listing, UpstreamError> {
    let install = target.install.clone();
    let result = app.upstreams.client(target).list().await;
    app.upstreams.forget(&install);
    result
}

/// What is kept of a server's answer.
#[must_use]
pub fn tool_list(listing: &Listing) -> ToolList {
    ToolList { tools: listing.tools.clone(), instructions: listing.instructions.clone() }
}

/// Starts to keep the lists of everything that is installed.
pub fn keep_all(app: &Arc<App>) {
    for (workspace, install) in app.grants.installs() {
        adopt(app, workspace, install);
    }
}

/// Starts to keep the list of a new install. It ends by itself when the install is removed.
pub fn adopt(app: &Arc<App>, workspace: WorkspaceId, install: InstallId) {
    let kept = Kept { workspace, install, stored: None };
    let task = {
        let app = Arc::clone(app);
        async move {
            tokio::select! {
                () = keep_fresh(&app, kept) => {}
                () = app.stopping.cancelled() => {}
            }
        }
    };
    app.tasks.spawn(task);
}

async fn keep_fresh(app: &App, mut kept: Kept) {
    let mut pause = RETRY_FIRST;
    while let Some((client, enabled)) = find(app, &kept) {
        let mut answered = false;
        if enabled {
            answered = refresh(app, &client, &mut kept).await;
            client.list_settled();
            pause = if answered {
                app.config.limits.list_refresh_every
            } else {
                (pause * 2).clamp(RETRY_FIRST, app.config.limits.list_refresh_every)
            };
        }
        let Some(mut published) = app.grants.publications(&kept.workspace) else {
            break;
        };
        tokio::select! {
            () = tokio::time::sleep(pause), if enabled => {}
            // A server that announces and does not answer waits like any that fails.
            () = announced(&client), if answered => {}
            () = until_replaced(app, &kept, &client, enabled, &mut published) => pause = RETRY_FIRST,
        }
    }
    app.upstreams.forget(&kept.install);
}

/// Waits for an announcement; one that follows at once on a refresh waits a little, so that a server
/// which announces without end does not keep the gateway busy.
async fn announced(client: &Client) {
    tokio::time::sleep(ANNOUNCED_AFTER).await;
    client.list_changed().await;
}

/// The install's present client, and whether it offers anything; `None` once it is removed.
fn find(app: &App, kept: &Kept) -> Option<(Arc<Client>, bool)> {
    let snapshot = app.grants.snapshot(&kept.workspace)?;
    let found = snapshot.installs.iter().find(|candidate| candidate.install.id == kept.install)?;
    Some((Arc::clone(&found.client), found.install.is_active()))
}

/// Waits until the install has another client, was switched on or off, or is gone.
async fn until_replaced(
    app: &App,
    kept: &Kept,
    client: &Arc<Client>,
    enabled: bool,
    published: &mut tokio::sync::watch::Receiver<u64>,
) {
    loop {
        let same = |(present, on): (Arc<Client>, bool)| Arc::ptr_eq(&present, client) && on == enabled;
        if !find(app, kept).is_some_and(same) || published.changed().await.is_err() {
            return;
        }
    }
}

/// Asks the server and stores what is new; tells whether it answered.
async fn refresh(app: &App, client: &Client, kept: &mut Kept) -> bool {
    let Ok(_permit) = app.list_refreshes.acquire().await else {
        return false;
    };
    let outcome = client.list().await;
    let (answered, stored) = match &outcome {
        Ok(listing) => (true, Stored::List(digest(&tool_list(listing)))),
        Err(error) => (false, Stored::Failure(error.to_string())),
    };
    if kept.stored.as_ref() == Some(&stored) {
        return answered;
    }
    match write(app, kept, &outcome).await {
        Ok(()) => kept.stored = Some(stored),
        Err(error) => tracing::warn!(%error, install = %kept.install, "a tool list could not be stored"),
    }
    answered
}

async fn write(app: &App, kept: &Kept, outcome: &Result<Listing, UpstreamError>) -> Result<(), StoreError> {
    let now = app.clock.now();
    let mut order = app.order().await?;
    match outcome {
        Ok(listing) => {
            store::install::save_list(&mut order.tx, &kept.install, &tool_list(listing), now).await?;
        }
        Err(error) => {
            store::install::save_failure(&mut order.tx, &kept.install, &error.to_string(), now).await?;
        }
    }
    order.commit(vec![Publication::Workspace(kept.workspace.clone())]).await
}

fn digest(list: &ToolList) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for text in list.tools.iter().chain(&list.instructions) {
        hasher.update((text.len() as u64).to_be_bytes());
        hasher.update(text.as_bytes());
    }
    hasher.finalize().into()
}
