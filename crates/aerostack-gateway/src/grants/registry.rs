//! Token digest → grant, and workspace → what is open of it.
//!
//! The path of a call reads only this. Administrative commits publish here before they are answered,
//! one after the other (see `app`), so what stands here is never older than an answered order.

use std::collections::HashMap;
use std::sync::Arc;

use aerostack_core::bearer::TokenDigest;
use aerostack_core::id::{InstallId, TokenId, WorkspaceId};
use aerostack_core::time::Timestamp;
use tokio::sync::watch;

use super::by_digest::ByDigest;
use super::grant::Grant;
use super::live_workspace::LiveWorkspace;
use crate::snapshot::Snapshot;
use crate::store::lease::Term;
use crate::store::token::LiveToken;

/// All grants and workspaces of the gateway.
#[derive(Default)]
pub struct Grants {
    term: Term,
    by_digest: ByDigest,
    workspaces: papaya::HashMap<WorkspaceId, Arc<LiveWorkspace>>,
}

impl Grants {
    /// Begins with none, under the term of a lease.
    #[must_use]
    pub fn under(term: Term) -> Self {
        Self { term, ..Self::default() }
    }

    /// Finds the grant of a digest. Whether it is live and opens the workspace asked for is another question.
    #[must_use]
    pub fn find(&self, digest: &TokenDigest) -> Option<Arc<Grant>> {
        self.by_digest.find(digest)
    }

    /// The snapshot of an open workspace.
    #[must_use]
    pub fn snapshot(&self, workspace: &WorkspaceId) -> Option<Arc<Snapshot>> {
        self.workspaces.pin().get(workspace).map(|live| live.snapshot())
    }

    /// Everything that is installed into open workspaces.
    #[must_use]
    pub fn installs(&self) -> Vec<(WorkspaceId, InstallId)> {
        let workspaces = self.workspaces.pin();
        let of = |live: &Arc<LiveWorkspace>| {
            let snapshot = live.snapshot();
            let ids =
                snapshot.installs.iter().map(|installed| (live.id.clone(), installed.install.id.clone()));
            ids.collect::<Vec<_>>()
        };
        workspaces.values().flat_map(of).collect()
    }

    /// Open workspaces of which calls were not recorded.
    #[must_use]
    pub fn dropping(&self) -> Vec<Arc<LiveWorkspace>> {
        let workspaces = self.workspaces.pin();
        workspaces.values().filter(|live| live.calls_dropped() > 0).cloned().collect()
    }

    /// Calls of a workspace that were not recorded and are in no report yet.
    #[must_use]
    pub fn calls_dropped_unwritten(&self, workspace: &WorkspaceId) -> u64 {
        self.workspaces.pin().get(workspace).map_or(0, |live| live.calls_dropped_unwritten())
    }

    /// Tells of every publication of an open workspace.
    #[must_use]
    pub fn publications(&self, workspace: &WorkspaceId) -> Option<watch::Receiver<u64>> {
        self.workspaces.pin().get(workspace).map(|live| live.publications())
    }

    /// Opens a workspace, or replaces its snapshot unless a newer revision stands.
    pub fn publish_workspace(&self, id: &WorkspaceId, snapshot: Snapshot, plan_rate_limit: Option<u32>) {
        let workspaces = self.workspaces.pin();
        match workspaces.get(id) {
            Some(live) => live.publish(snapshot, plan_rate_limit),
            None => {
                let live = LiveWorkspace::new(id.clone(), snapshot, plan_rate_limit);
                workspaces.insert(id.clone(), Arc::new(live));
            }
        }
    }

    /// Replaces the snapshot of an open workspace, unless a newer revision stands; its plan stays.
    pub fn republish_workspace(&self, id: &WorkspaceId, snapshot: Snapshot) {
        if let Some(live) = self.workspaces.pin().get(id) {
            live.republish(snapshot);
        }
    }

    /// Closes a workspace: every grant of it ends.
    pub fn close_workspace(&self, id: &WorkspaceId) {
        if let Some(live) = self.workspaces.pin().remove(id) {
            live.announce();
        }
        for grant in self.of_workspace(id) {
            self.remove(&grant);
        }
    }

    /// Lets a token in, if its workspace is open and the token has not ended.
    pub fn admit(&self, token: LiveToken, now: Timestamp) {
        let Some(workspace) = self.workspaces.pin().get(&token.workspace).cloned() else {
            return;
        };
        let grant = Grant::new(token, workspace, self.term.clone());
        if grant.is_live(now) {
            self.by_digest.insert(Arc::new(grant));
        }
    }

    /// Ends the token of a digest at `moment`: at once when that is `now` or past, else when it comes.
    pub fn end_token(&self, digest: &TokenDigest, moment: Timestamp, now: Timestamp) {
        let Some(grant) = self.by_digest.find(digest) else {
            return;
        };
        grant.end_at(moment);
        if moment <= now {
            self.remove(&grant);
        }
    }

    /// Makes the tokens of a workspace exactly `tokens`: after a commit whose outcome was not known.
    pub fn reconcile(&self, workspace: &WorkspaceId, tokens: Vec<LiveToken>, now: Timestamp) {
        let ends: HashMap<TokenDigest, Option<Timestamp>> =
            tokens.iter().map(|token| (token.digest, token.ends_at)).collect();
        for grant in self.of_workspace(workspace) {
            // An end that was published in vain, such as a rotation's, is undone by a new grant.
            if ends.get(&grant.digest) != Some(&grant.ends_at()) {
                self.remove(&grant);
            }
        }
        for token in tokens {
            if self.find(&token.digest).is_none_or(|grant| !grant.is_live(now)) {
                self.admit(token, now);
            }
        }
    }

    /// Forgets ended grants, which it gives, and frees the quota state of idle ones.
    pub fn tidy(&self, now: Timestamp) -> Vec<TokenId> {
        let ended = self.by_digest.all(|grant| {
            if grant.is_live(now) {
                grant.meter.free_if_idle(now);
            }
            !grant.is_live(now)
        });
        ended.iter().for_each(|grant| self.remove(grant));
        ended.iter().map(|grant| grant.token.clone()).collect()
    }

    /// How many tokens are let in and how many workspaces are open.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        (self.by_digest.len(), self.workspaces.len())
    }

    fn of_workspace(&self, id: &WorkspaceId) -> Vec<Arc<Grant>> {
        self.by_digest.all(|grant| grant.workspace.id == *id)
    }

    fn remove(&self, grant: &Arc<Grant>) {
        grant.end();
        self.by_digest.remove(grant);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aerostack_core::id::AccountId;
    use aerostack_core::plan::Plan;
    use aerostack_core::slug::Slug;
    use aerostack_core::workspace::{ToolPrefix, Workspace};
    use futures_util::FutureExt;
    use rand::SeedableRng;
    use rand::rngs::StdRng;
    use std::time::Duration;

    use crate::clock::Clock;
    use crate::snapshot::Draft;
    use crate::store::workspace::WorkspaceState;

    const NOW: Timestamp = Timestamp::from_millis(1_773_746_100_000);

    fn state(revision: i64) -> WorkspaceState {
        let mut rng = StdRng::seed_from_u64(1);
        let workspace = Workspace {
            id: WorkspaceId::new(NOW, &mut rng),
            slug: Slug::parse("engineering").unwrap(),
            owner: AccountId::new(NOW, &mut rng),
            name: format!("revision {revision}"),
            description: String::new(),
            tool_prefix: ToolPrefix::Always,
            revision,
            created_at: NOW,
            deleted_at: None,
        };
        let owner_username = Slug::parse("acme").unwrap();
        WorkspaceState {
            workspace,
            owner_plan: Plan::Pro,
            owner_username,
            installs: Vec::new(),
            secrets: Vec::new(),
        }
    }

    fn publish(grants: &Grants, revision: i64) -> WorkspaceId {
        let state = state(revision);
        let id = state.workspace.id.clone();
        // Nothing is installed, so there is nothing to wait for.
        let draft = Draft::of(state, Vec::new()).now_or_never().unwrap();
        let snapshot = Snapshot::new(draft, |_| unreachable!("nothing is installed"));
        grants.publish_workspace(&id, snapshot, None);
        id
    }

    fn token(workspace: &WorkspaceId, seed: u64) -> LiveToken {
        LiveToken {
            id: TokenId::new(NOW, &mut StdRng::seed_from_u64(seed)),
            workspace: workspace.clone(),
            name: format!("token {seed}"),
            digest: TokenDigest::of(&seed.to_string()),
            person: None,
            rate_limit_per_minute: None,
            ends_at: None,
        }
    }

    #[tokio::test]
    async fn an_ended_token_is_not_found_and_whoever_holds_its_grant_is_woken() {
        let (grants, clock) = (Grants::default(), Clock::manual(NOW));
        let token = token(&publish(&grants, 1), 7);
        grants.admit(token.clone(), NOW);
        let grant = grants.find(&token.digest).unwrap();
        let waiting = tokio::spawn({
            let (grant, clock) = (Arc::clone(&grant), clock.clone());
            async move { grant.until_ended(&clock).await }
        });
        tokio::task::yield_now().await;
        grants.end_token(&token.digest, NOW, NOW);
        waiting.await.unwrap();
        assert!(!grant.is_live(NOW));
        assert!(grants.find(&token.digest).is_none());
    }

    #[tokio::test]
    async fn an_end_in_the_future_comes_when_the_clock_does() {
        let (grants, clock) = (Grants::default(), Clock::manual(NOW));
        let token = token(&publish(&grants, 1), 7);
        grants.admit(token.clone(), NOW);
        let grant = grants.find(&token.digest).unwrap();
        let in_a_minute = NOW.plus(Duration::from_secs(60));
        grants.end_token(&token.digest, in_a_minute, NOW);
        assert!(grant.is_live(NOW));
        clock.advance(Duration::from_secs(60));
        grant.until_ended(&clock).await;
        assert!(!grant.is_live(in_a_minute));
    }

    #[test]
    fn an_older_revision_never_replaces_a_newer_one() {
        let grants = Grants::default();
        let id = publish(&grants, 5);
        publish(&grants, 4);
        assert_eq!(grants.snapshot(&id).unwrap().name, "revision 5");
        publish(&grants, 6);
        assert_eq!(grants.snapshot(&id).unwrap().name, "revision 6");
    }

    #[test]
    fn a_closed_workspace_ends_every_token_of_it_and_admits_no_more() {
        let grants = Grants::default();
        let id = publish(&grants, 1);
        let (first, second) = (token(&id, 1), token(&id, 2));
        grants.admit(first.clone(), NOW);
        let grant = grants.find(&first.digest).unwrap();
        grants.close_workspace(&id);
        grants.admit(second.clone(), NOW);
        assert!(!grant.is_live(NOW));
        assert!(grants.find(&first.digest).is_none() && grants.find(&second.digest).is_none());
        assert_eq!(grants.counts(), (0, 0));
    }

    #[test]
    fn reconciling_leaves_exactly_the_tokens_the_database_has() {
        let grants = Grants::default();
        let id = publish(&grants, 1);
        let (stays, goes, comes) = (token(&id, 1), token(&id, 2), token(&id, 3));
        grants.admit(stays.clone(), NOW);
        grants.admit(goes.clone(), NOW);
        let kept = grants.find(&stays.digest).unwrap();
        // A revocation whose commit was in doubt ended it; the database says it did not happen.
        grants.end_token(&stays.digest, NOW, NOW);
        grants.reconcile(&id, vec![stays.clone(), comes.clone()], NOW);
        assert!(!kept.is_live(NOW));
        assert!(grants.find(&stays.digest).unwrap().is_live(NOW));
        assert!(grants.find(&comes.digest).is_some());
        assert!(grants.find(&goes.digest).is_none());
    }

    #[test]
    fn streams_are_counted_and_given_back() {
        let grants = Grants::default();
        let token = token(&publish(&grants, 1), 1);
        grants.admit(token.clone(), NOW);
        let grant = grants.find(&token.digest).unwrap();
        let (first, _second) = (grant.open_stream(2).unwrap(), grant.open_stream(2).unwrap());
        assert!(grant.open_stream(2).is_none());
        drop(first);
        assert!(grant.open_stream(2).is_some());
    }

    #[test]
    fn tidying_forgets_what_has_ended() {
        let grants = Grants::default();
        let mut token = token(&publish(&grants, 1), 1);
        token.ends_at = Some(NOW.plus(Duration::from_secs(60)));
        grants.admit(token.clone(), NOW);
        assert_eq!(grants.tidy(NOW), []);
        assert_eq!(grants.counts().0, 1);
        assert_eq!(grants.tidy(NOW.plus(Duration::from_secs(60))), [token.id]);
        assert_eq!(grants.counts().0, 0);
    }
}
