//! What the path of a call needs of one workspace, ready in memory: routes, offers, clients.
//!
//! A snapshot is made whole from what the database says and never changed; a change makes a new one. The
//! offers of installs that did not change are shared with the one before.

use std::sync::Arc;
use std::time::Duration;

use aerostack_core::capability::Capabilities;
use aerostack_core::id::InstallId;
use aerostack_core::server::{Install, Server};
use aerostack_core::skill::SkillVersion;
use aerostack_core::slug::Slug;
use aerostack_core::usage::UNKNOWN_TOOL;
use aerostack_core::workspace::ToolPrefix;

mod kept;
mod offering;
mod route;

pub use kept::KeptLists;
pub use offering::{CountedTool, ItemEntry, Offering, Stock, ToolEntry};
pub use route::{OwnTask, Route, Subject};

use crate::definition::Kind;
use crate::offer_set::OfferSet;

use crate::store::install::InstalledServer;
use crate::store::workspace::WorkspaceState;
use crate::upstream::{Client, Credential, Target};

/// One workspace at one revision.
pub struct Snapshot {
    /// The workspace's revision it was made of.
    pub revision: i64,
    /// The workspace's slug.
    pub slug: String,
    /// The workspace's display name.
    pub name: String,
    /// Its installed servers, in install order.
    pub installs: Vec<SnapshotInstall>,
    /// Its lists for legacy callers.
    pub legacy_lists: KeptLists,
    /// Its lists for modern callers.
    pub modern_lists: KeptLists,
    tool_prefix: ToolPrefix,
    offering: Offering,
}

/// An installed server, with the client that reaches it.
#[derive(Clone)]
pub struct SnapshotInstall {
    /// The install.
    pub install: Install,
    /// What it offers. While that is not known, requests are relayed by prefix.
    pub offers: Option<Arc<OfferSet>>,
    /// Its client.
    pub client: Arc<Client>,
    /// What calls of tools are counted as that are not in its list.
    pub counted: Arc<CountedTool>,
}

impl SnapshotInstall {
    /// Tells whether it is known what it offers.
    #[must_use]
    pub fn is_listed(&self) -> bool {
        self.offers.is_some()
    }

    /// What it has beside tools, if it is switched on. What is not known yet may be there.
    #[must_use]
    pub fn capabilities(&self) -> Capabilities {
        let perhaps = Capabilities { prompts: true, resources: true, ..Capabilities::default() };
        let known = self.offers.as_ref().map_or(perhaps, |offers| offers.capabilities);
        if self.install.is_active() { known } else { Capabilities::default() }
    }

    fn may_have_resources(&self) -> bool {
        self.capabilities().resources
    }

    /// The server's instructions to models.
    #[must_use]
    pub fn instructions(&self) -> Option<&str> {
        self.offers.as_ref()?.instructions.as_deref()
    }

    fn stock(&self) -> Stock {
        Stock { install: self.install.clone(), offers: self.offers.clone() }
    }
}

/// A snapshot before its change is committed: everything but the clients, which are made, and whose
/// predecessors are let go, only when it is certain.
pub struct Draft {
    /// The state it is made of.
    pub state: WorkspaceState,
    offers: Vec<Option<Arc<OfferSet>>>,
    offering: Offering,
}

impl Draft {
    /// Prepares a workspace's snapshot; `offers` has an entry for each install of the state.
    pub async fn of(state: WorkspaceState, offers: Vec<Option<Arc<OfferSet>>>) -> Self {
        let stock = |(installed, offers): (&InstalledServer, &Option<Arc<OfferSet>>)| Stock {
            install: installed.install.clone(),
            offers: offers.clone(),
        };
        let stocks = state.installs.iter().zip(&offers).map(stock).collect();
        let offering = Offering::of(state.workspace.tool_prefix, stocks).await;
        Self { state, offers, offering }
    }
}

impl Snapshot {
    /// Makes the snapshot of a workspace. `client_of` gives the client of an installed server.
    pub fn new(draft: Draft, client_of: impl Fn(&InstalledServer) -> Arc<Client>) -> Self {
        let Draft { state, offers, offering } = draft;
        let install = |(installed, offers): (&InstalledServer, _)| SnapshotInstall {
            install: installed.install.clone(),
            offers,
            client: client_of(installed),
            counted: Arc::new(CountedTool {
                server: installed.install.slug.to_string(),
                tool: UNKNOWN_TOOL.to_owned(),
            }),
        };
        Self {
            revision: state.workspace.revision,
            slug: state.workspace.slug.to_string(),
            name: state.workspace.name.clone(),
            installs: state.installs.iter().zip(offers).map(install).collect(),
            legacy_lists: KeptLists::default(),
            modern_lists: KeptLists::default(),
            tool_prefix: state.workspace.tool_prefix,
            offering,
        }
    }

    /// The same with other offers of one install; `None` if that is not there.
    pub async fn with_offers(&self, install: &InstallId, offers: &Arc<OfferSet>) -> Option<Self> {
        let mut installs = self.installs.clone();
        let changed = installs.iter_mut().find(|installed| installed.install.id == *install)?;
        changed.offers = Some(Arc::clone(offers));
        let stocks = installs.iter().map(SnapshotInstall::stock).collect();
        let offering = Offering::of(self.tool_prefix, stocks).await;
        Some(self.with(installs, offering))
    }

    /// The same without whatever callers could not do in another state of the workspace, of which nobody
    /// knows whether it holds. `is_reached_alike` tells whether an install is called there as it is here.
    #[must_use]
    pub fn held_back(
        &self,
        other: &Draft,
        is_reached_alike: impl Fn(&SnapshotInstall, &InstalledServer) -> bool,
    ) -> Self {
        let mut installs = self.installs.clone();
        for held in &mut installs {
            let found = other.state.installs.iter().find(|found| found.install.id == held.install.id);
            match found.filter(|found| is_reached_alike(held, found)) {
                Some(found) => held.install.hold_back(&found.install),
                None => held.install.enabled = false,
            }
        }
        let offering = self.offering.within(|place| &installs[place].install);
        self.with(installs, offering)
    }

    fn with(&self, installs: Vec<SnapshotInstall>, offering: Offering) -> Self {
        Self {
            revision: self.revision,
            slug: self.slug.clone(),
            name: self.name.clone(),
            installs,
            legacy_lists: KeptLists::default(),
            modern_lists: KeptLists::default(),
            tool_prefix: self.tool_prefix,
            offering,
        }
    }

    /// Finds an install.
    #[must_use]
    pub fn install(&self, id: &InstallId) -> Option<&SnapshotInstall> {
        self.installs.iter().find(|installed| installed.install.id == *id)
    }

    /// Tells whether calls may go through this client.
    #[must_use]
    pub fn has_client(&self, client: &Arc<Client>) -> bool {
        self.installs.iter().any(|installed| Arc::ptr_eq(&installed.client, client))
    }

    /// All tools, switched on or not, in install order and the servers' own.
    #[must_use]
    pub fn tools(&self) -> &[ToolEntry] {
        &self.offering.tools
    }

    /// The one decision for list and call: the tools that are listed are those that may be called.
    pub fn listed(&self) -> impl Iterator<Item = &ToolEntry> {
        self.tools().iter().filter(|tool| tool.enabled)
    }

    /// All prompts, resources or resource templates, switched on or not, in install order and the
    /// servers' own.
    #[must_use]
    pub fn items(&self, kind: Kind) -> &[ItemEntry] {
        self.offering.items(kind)
    }

    /// Those that are listed, which are those that may be asked for.
    pub fn listed_items(&self, kind: Kind) -> impl Iterator<Item = &ItemEntry> {
        self.items(kind).iter().filter(|entry| entry.enabled)
    }

    /// What the workspace's servers have beside tools.
    #[must_use]
    pub fn capabilities(&self) -> Capabilities {
        let all = self.installs.iter().map(SnapshotInstall::capabilities);
        all.fold(Capabilities::default(), Capabilities::and)
    }

    /// Tells whether callers would list the same of a kind in both.
    #[must_use]
    pub fn lists_the_same_as(&self, other: &Self, kind: Kind) -> bool {
        if kind == Kind::Tool {
            return self.listed().count() == other.listed().count()
                && self.listed().zip(other.listed()).all(|(ours, theirs)| ours.is_listed_as(theirs));
        }
        let (ours, theirs) = (|| self.listed_items(kind), || other.listed_items(kind));
        ours().count() == theirs().count() && ours().zip(theirs()).all(|(a, b)| a.is_listed_as(b))
    }
}

/// Where an installed server or skill is and how it is reached.
#[must_use]
pub fn target_of(installed: &InstalledServer, credential: Credential, idle_timeout: Duration) -> Target {
    let Install { id, slug, .. } = &installed.install;
    let tools = installed.skill.as_ref().and_then(SkillVersion::function_tools);
    let target = target(id.clone(), slug, &installed.server, credential, idle_timeout);
    Target { function: tools.map(<[_]>::to_vec), ..target }
}

/// The same for a server that may not be installed; `idle_timeout` is for servers without their own.
#[must_use]
pub fn target(
    install: InstallId,
    slug: &Slug,
    server: &Server,
    credential: Credential,
    idle_timeout: Duration,
) -> Target {
    Target {
        install,
        slug: slug.to_string(),
        url: server.url.clone(),
        stdio: server.stdio.clone(),
        session: server.session,
        idle_timeout: server.timeout.unwrap_or(idle_timeout),
        trusted: server.trusted,
        function: None,
        credential,
    }
}
