//! An administrative change: the lane, a transaction, and what becomes known when it is committed.

use std::sync::Arc;

use aerostack_core::id::{InstallId, WorkspaceId};
use aerostack_core::time::Timestamp;
use tokio::sync::MutexGuard;
use tokio::time::timeout;

use super::App;
use super::publish::{Publication, Relisted};
use crate::offer_set::FreshList;
use crate::store::{self, StoreError, Tx};

impl App {
    /// Waits for the administrative lane and begins a transaction that writes.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when lane or database are not free in time, or it is not certain that
    /// nobody else serves; [`StoreError::LeaseLost`] when somebody does.
    pub async fn order(&self) -> Result<Order<'_>, StoreError> {
        let lane = timeout(self.config.limits.database_timeout, self.lane.lock()).await;
        let lane = lane.map_err(|_| StoreError::Unavailable(sqlx::Error::PoolTimedOut))?;
        if !self.store.term().holds() {
            return Err(StoreError::Unavailable(sqlx::Error::PoolClosed));
        }
        let tx = self.store.write().await?;
        Ok(Order { tx, app: self, relisted: Vec::new(), _lane: lane })
    }
}

/// A change under way: the lane and a transaction that writes. Dropped, it changes nothing.
pub struct Order<'a> {
    /// The transaction.
    pub tx: Tx,
    app: &'a App,
    relisted: Vec<Relisted>,
    _lane: MutexGuard<'a, ()>,
}

impl Order<'_> {
    /// Stores the list of an install; when the order is committed, it is published with what else is.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn save_list(
        &mut self,
        workspace: &WorkspaceId,
        install: &InstallId,
        list: &FreshList,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let note = list.note.as_deref();
        store::install::save_list(&mut self.tx, install, &list.document, note, now).await?;
        let (workspace, install) = (workspace.clone(), install.clone());
        self.relisted.push(Relisted { workspace, install, offers: Arc::clone(&list.offers) });
        Ok(())
    }

    /// Commits, then publishes. When this has returned, callers meet the new state and no other.
    ///
    /// # Errors
    /// [`StoreError::OutcomeUnknown`]: whatever would end has ended already, nothing new is let in,
    /// and the truth is read back behind.
    pub async fn commit(mut self, publications: Vec<Publication>) -> Result<(), StoreError> {
        let app = self.app;
        let prepared = app.prepare(&mut self.tx, &publications, self.relisted).await?;
        // A database that does not come to an end with it must not keep all others waiting.
        let committed = timeout(app.config.limits.database_timeout, self.tx.commit()).await;
        match committed.unwrap_or(Err(StoreError::OutcomeUnknown(sqlx::Error::PoolTimedOut))) {
            Ok(()) => {
                app.publish(prepared, publications);
                Ok(())
            }
            Err(error) => {
                if let StoreError::OutcomeUnknown(_) = &error {
                    app.fail_closed(&publications, &prepared);
                }
                Err(error)
            }
        }
    }
}
