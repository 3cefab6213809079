//! A workspace that is open to callers: its snapshot, and who is told when that changes.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use aerostack_core::id::WorkspaceId;
use arc_swap::ArcSwap;
use tokio::sync::watch;

use crate::definition::Kind;
use crate::snapshot::Snapshot;

/// Stands for "the plan says nothing"; no plan allows no requests at all.
const NO_LIMIT: u32 = 0;

/// How often what callers may list has changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ListVersions {
    /// The tools.
    pub tools: u64,
    /// The prompts.
    pub prompts: u64,
    /// The resources, or their templates.
    pub resources: u64,
}

/// A workspace that is open to callers.
pub struct LiveWorkspace {
    /// Its identifier.
    pub id: WorkspaceId,
    /// Its slug.
    pub slug: String,
    snapshot: ArcSwap<Snapshot>,
    plan_rate_limit: AtomicU32,
    calls_dropped: AtomicU64,
    drops_written: AtomicU64,
    published: watch::Sender<u64>,
    list_versions: Mutex<ListVersions>,
}

impl LiveWorkspace {
    /// Opens a workspace.
    #[must_use]
    pub fn new(id: WorkspaceId, snapshot: Snapshot, plan_rate_limit: Option<u32>) -> Self {
        Self {
            id,
            slug: snapshot.slug.clone(),
            snapshot: ArcSwap::from_pointee(snapshot),
            plan_rate_limit: AtomicU32::new(plan_rate_limit.unwrap_or(NO_LIMIT)),
            calls_dropped: AtomicU64::new(0),
            drops_written: AtomicU64::new(0),
            published: watch::Sender::new(0),
            list_versions: Mutex::default(),
        }
    }

    /// Replaces snapshot and rate limit, unless a newer revision stands.
    pub fn publish(&self, snapshot: Snapshot, plan_rate_limit: Option<u32>) {
        if snapshot.revision >= self.snapshot().revision {
            self.plan_rate_limit.store(plan_rate_limit.unwrap_or(NO_LIMIT), Ordering::Relaxed);
            self.republish(snapshot);
        }
    }

    /// Replaces the snapshot, unless a newer revision stands.
    pub fn republish(&self, snapshot: Snapshot) {
        let previous = self.snapshot();
        if snapshot.revision < previous.revision {
            return;
        }
        let changed = |kind| u64::from(!previous.lists_the_same_as(&snapshot, kind));
        let (tools, prompts) = (changed(Kind::Tool), changed(Kind::Prompt));
        let resources = changed(Kind::Resource).max(changed(Kind::Template));
        self.snapshot.store(Arc::new(snapshot));
        {
            let mut versions = self.list_versions.lock().unwrap_or_else(PoisonError::into_inner);
            versions.tools += tools;
            versions.prompts += prompts;
            versions.resources += resources;
        }
        // Last: whoever is woken by it finds everything as it is now.
        self.announce();
    }

    /// Wakes whoever watches the workspace's publications.
    pub fn announce(&self) {
        self.published.send_modify(|version| *version += 1);
    }

    /// Requests per minute the plan allows a token, if it says so.
    #[must_use]
    pub fn plan_rate_limit(&self) -> Option<u32> {
        Some(self.plan_rate_limit.load(Ordering::Relaxed)).filter(|limit| *limit != NO_LIMIT)
    }

    /// Tells of every publication.
    #[must_use]
    pub fn publications(&self) -> watch::Receiver<u64> {
        self.published.subscribe()
    }

    /// Counts a call that is not recorded.
    pub fn drop_call(&self) {
        self.calls_dropped.fetch_add(1, Ordering::Relaxed);
    }

    /// Calls that were not recorded since the gateway started.
    #[must_use]
    pub fn calls_dropped(&self) -> u64 {
        self.calls_dropped.load(Ordering::Relaxed)
    }

    /// Those of them that are in no report yet.
    #[must_use]
    pub fn calls_dropped_unwritten(&self) -> u64 {
        self.calls_dropped().saturating_sub(self.drops_written.load(Ordering::Relaxed))
    }

    /// Notes that so many of them are in the reports now.
    pub fn note_drops_written(&self, calls: u64) {
        self.drops_written.fetch_add(calls, Ordering::Relaxed);
    }

    /// What the workspace is now.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// How often what callers may list has changed. Every change is followed by a publication.
    #[must_use]
    pub fn list_versions(&self) -> ListVersions {
        *self.list_versions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
