//! Keeps the lists of every installed server fresh, behind the callers' backs.
//!
//! Callers are answered from memory; one task per client asks its server again when it announces a
//! change, every few minutes, and with growing pauses after a failure. The last good list is kept in
//! the database, is served while a server fails, and survives a restart.
//!
//! A task begins when its client is first published, and ends when that client is published no more: when
//! the install is removed, its server edited, or its workspace closed.

use std::sync::Arc;
use std::time::Duration;

use aerostack_core::id::{InstallId, WorkspaceId};
use aerostack_core::server::Server;
use tokio::sync::watch;

use crate::app::App;
use crate::offer_set::{FreshList, OfferSet};
use crate::snapshot::{SnapshotInstall, target};
use crate::store::install::ListStatus;
use crate::store::{self, StoreError};
use crate::upstream::{Client, Credential, Listing, Target, UpstreamError};

/// First pause after a failure; doubled each time up to `Limits::list_refresh_every`.
const RETRY_FIRST: Duration = Duration::from_secs(1);

/// Shortest time between a refresh and the next that an announcement causes.
const ANNOUNCED_AFTER: Duration = Duration::from_millis(500);

/// A client whose server's list is kept fresh.
struct Kept {
    workspace: WorkspaceId,
    install: InstallId,
    client: Arc<Client>,
    /// What was last written of it.
    stored: Option<Stored>,
}

/// What was written of a list, as far as it decides whether to write again.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Stored {
    List { digest: [u8; 32], note: Option<String> },
    Failure(String),
}

/// How a refresh went.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Refreshed {
    /// What the server answered is stored and published.
    Known,
    /// It did not answer, or that could not be stored.
    NotYet,
}

/// Where a server is that is not installed yet, or only tested.
#[must_use]
pub fn target_of_server(app: &App, server: &Server, credential: Credential) -> Target {
    let id = InstallId::new(app.clock.now(), &mut app.rng());
    target(id, &server.slug, server, credential, app.config.limits.call_idle_timeout)
}

/// Asks a server once for what it offers; nothing is kept of the connection.
///
/// # Errors
/// [`UpstreamError`] when it does not list its tools within `Limits::list_timeout`.
pub async fn ask(app: &App, target: Target) -> Result<Listing, UpstreamError> {
    let client = app.upstreams.client(target);
    let result = client.list().await;
    app.upstreams.forget(&client);
    result
}

/// Starts to keep the list of an install whose client has just been published for the first time.
pub(crate) fn adopt(app: &Arc<App>, installed: &SnapshotInstall, status: &ListStatus) {
    let stored = match &installed.offers {
        Some(offers) if status.failed_at.is_none() => {
            Some(Stored::List { digest: offers.digest, note: status.last_error.clone() })
        }
        _ => None,
    };
    let kept = Kept {
        workspace: installed.install.workspace.clone(),
        install: installed.install.id.clone(),
        client: Arc::clone(&installed.client),
        stored,
    };
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
    while let Some(enabled) = find(app, &kept) {
        let mut refreshed = Refreshed::NotYet;
        if enabled {
            refreshed = refresh(app, &mut kept).await;
            kept.client.list_settled();
            pause = match refreshed {
                Refreshed::Known => kept.client.list_refresh_every(),
                Refreshed::NotYet => (pause * 2).clamp(RETRY_FIRST, app.config.limits.list_refresh_every),
            };
        }
        let Some(mut published) = app.grants.publications(&kept.workspace) else {
            break;
        };
        tokio::select! {
            () = tokio::time::sleep(pause), if enabled => {}
            // A server that announces and does not answer waits like any that fails.
            () = announced(&kept.client), if refreshed == Refreshed::Known => {}
            () = until_switched(app, &kept, enabled, &mut published) => pause = RETRY_FIRST,
        }
    }
}

/// Waits for an announcement; one that follows at once on a refresh waits a little, so that a server
/// which announces without end does not keep the gateway busy.
async fn announced(client: &Client) {
    tokio::time::sleep(ANNOUNCED_AFTER).await;
    client.list_changed().await;
}

/// Whether the install is switched on; `None` once calls go through another client, or none.
fn find(app: &App, kept: &Kept) -> Option<bool> {
    let snapshot = app.grants.snapshot(&kept.workspace)?;
    let found = snapshot.install(&kept.install)?;
    Arc::ptr_eq(&found.client, &kept.client).then_some(found.install.is_active())
}

/// Waits until the install was switched on or off, or has another client or none.
async fn until_switched(app: &App, kept: &Kept, enabled: bool, published: &mut watch::Receiver<u64>) {
    while find(app, kept) == Some(enabled) && published.changed().await.is_ok() {}
}

/// What callers are offered of it now.
fn known(app: &App, kept: &Kept) -> Option<Arc<OfferSet>> {
    app.grants.snapshot(&kept.workspace)?.install(&kept.install)?.offers.clone()
}

/// Asks the server, and stores and publishes what is new.
async fn refresh(app: &App, kept: &mut Kept) -> Refreshed {
    match app.list_refreshes.acquire().await {
        // Boxed, so that those who wait for their turn, or for their time, do not carry what asking takes.
        Ok(_permit) => Box::pin(refresh_now(app, kept)).await,
        Err(_) => Refreshed::NotYet,
    }
}

async fn refresh_now(app: &App, kept: &mut Kept) -> Refreshed {
    let outcome = match kept.client.list().await {
        // Here and not in the order: others should not have to wait until it is read.
        Ok(listing) => Ok(FreshList::of(listing, known(app, kept)).await),
        Err(error) => Err(error.to_string()),
    };
    let (refreshed, stored) = match &outcome {
        Ok(list) => (Refreshed::Known, Stored::List { digest: list.offers.digest, note: list.note.clone() }),
        Err(error) => (Refreshed::NotYet, Stored::Failure(error.clone())),
    };
    if kept.stored.as_ref() == Some(&stored) {
        return refreshed;
    }
    match write(app, kept, &outcome).await {
        Ok(()) => {
            kept.stored = Some(stored);
            refreshed
        }
        Err(error) => {
            tracing::warn!(%error, install = %kept.install, "a server's lists could not be stored");
            Refreshed::NotYet
        }
    }
}

async fn write(app: &App, kept: &Kept, outcome: &Result<FreshList, String>) -> Result<(), StoreError> {
    let mut order = app.order().await?;
    let now = app.clock.now();
    // With the lane held nothing is published meanwhile. Another address, version or secret has a keeper
    // of its own, and what was asked before says nothing of it.
    if find(app, kept).is_none() {
        return Ok(());
    }
    match outcome {
        Ok(list) => order.save_list(&kept.workspace, &kept.install, list, now).await?,
        Err(error) => store::install::save_failure(&mut order.tx, &kept.install, error, now).await?,
    }
    order.commit(Vec::new()).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tests::{Hall, list_of};
    use crate::store::testing::on_both_engines;

    #[tokio::test]
    async fn what_a_server_said_at_its_former_address_is_kept_nowhere() {
        on_both_engines(|store| async move {
            let hall = Hall::open(store, |_| {}).await;
            let placed = hall.installs("github").await;
            let former = hall.snapshot().unwrap().install(&placed.id).unwrap().clone();
            hall.moves_server().await;
            hall.lists(&placed, "new").await;
            let workspace = placed.workspace.clone();
            let kept = Kept { workspace, install: placed.id.clone(), client: former.client, stored: None };
            write(&hall.app, &kept, &Ok(list_of("old").await)).await.unwrap();
            write(&hall.app, &kept, &Err("no connection".to_owned())).await.unwrap();
            assert_eq!(hall.exposes(), ["github__new"]);
            let mut tx = hall.app.store.read().await.unwrap();
            let stored = store::install::documents(&mut tx, &placed.workspace, None).await.unwrap();
            assert_eq!(stored[0].1.read().unwrap().tools.len(), 1);
            assert!(stored[0].1.read().unwrap().tools[0].contains("new"));
            let all = store::install::of_workspace(&mut tx, &placed.workspace).await.unwrap();
            assert_ne!(all[0].status.last_error.as_deref(), Some("no connection"));
            drop(tx);
            hall.closes().await;
        })
        .await;
    }
}
