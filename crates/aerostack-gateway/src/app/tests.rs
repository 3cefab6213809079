//! The hall on both engines: commits of unknown outcome, and lists that change.

use std::sync::Arc;
use std::time::Duration;

use aerostack_core::account::AccountKind;
use aerostack_core::capability::Capabilities;
use aerostack_core::server::{Install, Server};
use aerostack_core::workspace::Workspace;
use tokio::net::{TcpListener, TcpStream};

use super::publish::Prepared;
use super::{App, Publication};
use crate::clock::Clock;
use crate::config::Config;
use crate::definition::Kind;
use crate::offer_set::FreshList;
use crate::snapshot::{Snapshot, Subject};
use crate::store::testing::on_both_engines;
use crate::store::testing::sample::{self, NOW};
use crate::store::{self, Store, StoreError, Tx};
use crate::upstream::{Listing, UpstreamError};
use crate::vault::Vault;

/// A hall, a workspace of an operator, and a server that takes connections and says nothing.
pub(crate) struct Hall {
    pub(crate) app: Arc<App>,
    workspace: Workspace,
    server: Server,
    listener: TcpListener,
}

impl Hall {
    pub(crate) async fn open(store: Store, change: impl FnOnce(&mut Config)) -> Self {
        let owner = sample::account("acme", AccountKind::Operator);
        let workspace = sample::workspace(&owner.id, "engineering");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap()).parse().unwrap();
        let server = Server { url, trusted: true, ..sample::server(&owner.id, "github") };
        let mut tx = store.write().await.unwrap();
        store::account::insert(&mut tx, &owner).await.unwrap();
        store::workspace::insert(&mut tx, &workspace).await.unwrap();
        store::server::insert(&mut tx, &server).await.unwrap();
        tx.commit().await.unwrap();
        let mut config = Config::local(std::env::temp_dir());
        change(&mut config);
        let app = App::start(config, store, Vault::new(&[7; 32]), Clock::manual(NOW)).await.unwrap();
        Self { app, workspace, server, listener }
    }

    /// Writes an install as an order does, but for publishing it.
    async fn writes_install(&self, slug: &str) -> Install {
        let seen = self.snapshot().map_or(0, |snapshot| snapshot.installs.len());
        let at = NOW.plus(Duration::from_secs(seen as u64));
        let placed = sample::install(&self.workspace.id, &self.server, slug, at);
        let mut tx = self.app.store.write().await.unwrap();
        store::workspace::lock(&mut tx, &self.workspace.id).await.unwrap();
        store::install::insert(&mut tx, &placed).await.unwrap();
        tx.commit().await.unwrap();
        placed
    }

    pub(crate) async fn installs(&self, slug: &str) -> Install {
        let placed = self.writes_install(slug).await;
        let order = self.app.order().await.unwrap();
        order.commit(vec![self.publication()]).await.unwrap();
        placed
    }

    pub(crate) async fn lists(&self, install: &Install, tool: &str) {
        let mut order = self.app.order().await.unwrap();
        let list = list_of(tool).await;
        order.save_list(&self.workspace.id, &install.id, &list, NOW).await.unwrap();
        order.commit(Vec::new()).await.unwrap();
    }

    /// Lets the server stand at another address, where nobody listens.
    pub(crate) async fn moves_server(&self) {
        let url = "http://127.0.0.1:9/mcp".parse().unwrap();
        let moved = Server { url, ..self.server.clone() };
        let mut order = self.app.order().await.unwrap();
        store::workspace::lock(&mut order.tx, &self.workspace.id).await.unwrap();
        store::server::update(&mut order.tx, &moved).await.unwrap();
        order.commit(vec![self.publication()]).await.unwrap();
    }

    /// The tools that callers would list.
    pub(crate) fn exposes(&self) -> Vec<String> {
        exposed(&self.snapshot().unwrap()).into_iter().map(str::to_owned).collect()
    }

    /// The same of what is no tool.
    fn exposes_more(&self, kind: Kind) -> Vec<String> {
        self.snapshot().unwrap().listed_items(kind).map(|entry| entry.exposed.clone()).collect()
    }

    fn publication(&self) -> Publication {
        Publication::Workspace(self.workspace.id.clone())
    }

    pub(crate) fn snapshot(&self) -> Option<Arc<Snapshot>> {
        self.app.grants.snapshot(&self.workspace.id)
    }

    /// Waits for whoever keeps a list to ask the server.
    async fn is_asked(&self) -> TcpStream {
        self.listener.accept().await.unwrap().0
    }

    async fn until(&self, is_so: impl Fn(&App) -> bool) {
        while !is_so(&self.app) {
            tokio::task::yield_now().await;
        }
    }

    pub(crate) async fn closes(self) {
        drop(self.listener);
        self.app.finish(Duration::from_secs(5)).await;
    }
}

/// The lists of a server with one tool, and one prompt, resource and template of the same name.
pub(crate) async fn list_of(tool: &str) -> FreshList {
    let definition = format!(r#"{{"name":"{tool}","inputSchema":{{"type":"object"}}}}"#);
    let listing = Listing {
        prompts: Ok(vec![format!(r#"{{"name":"{tool}"}}"#)]),
        resources: Ok(vec![format!(r#"{{"name":"{tool}","uri":"x:{tool}"}}"#)]),
        templates: Ok(vec![format!(r#"{{"name":"{tool}","uriTemplate":"x:{tool}/{{y}}"}}"#)]),
        capabilities: Capabilities { prompts: true, resources: true, ..Capabilities::default() },
        ..Listing::of_tools(vec![definition], "modern")
    };
    FreshList::of(listing, None).await
}

fn exposed(snapshot: &Snapshot) -> Vec<&str> {
    snapshot.listed().map(|tool| tool.exposed.as_str()).collect()
}

#[tokio::test]
async fn an_install_of_unknown_outcome_that_did_happen_has_its_list_kept() {
    on_both_engines(|store| async move {
        let hall = Hall::open(store, |_| {}).await;
        let placed = hall.writes_install("github").await;
        hall.app.fail_closed(&[hall.publication()], &Prepared::default());
        let asking = hall.is_asked().await;
        assert!(hall.snapshot().unwrap().install(&placed.id).is_some());
        drop(asking);
        hall.closes().await;
    })
    .await;
}

#[tokio::test]
async fn a_deletion_of_unknown_outcome_that_did_not_happen_leaves_what_is_live() {
    on_both_engines(|store| async move {
        let hall = Hall::open(store, |_| {}).await;
        let placed = hall.installs("github").await;
        let first = hall.is_asked().await;
        let deletion = Publication::WorkspaceDeleted(hall.workspace.id.clone());
        hall.app.fail_closed(&[deletion], &Prepared::default());
        assert!(hall.snapshot().is_none(), "closed until the truth is known");
        let second = hall.is_asked().await;
        let tasks = hall.app.tasks.len();
        // Who kept the list before the deletion finds out only now that the workspace was closed.
        drop(first);
        hall.until(|app| app.tasks.len() < tasks).await;
        let client = Arc::clone(&hall.snapshot().unwrap().install(&placed.id).unwrap().client);
        let Hall { app, listener, .. } = hall;
        drop((second, listener));
        let error = client.list().await.unwrap_err();
        assert_ne!(error, UpstreamError::Unreachable("the server was changed or removed".into()));
        app.finish(Duration::from_secs(5)).await;
    })
    .await;
}

#[tokio::test]
async fn what_a_change_of_unknown_outcome_takes_away_is_not_offered_until_the_truth_is_known() {
    on_both_engines(|store| async move {
        let hall = Hall::open(store, |_| {}).await;
        for slug in ["stays", "removed", "off", "partly"] {
            let placed = hall.installs(slug).await;
            hall.lists(&placed, "a").await;
        }
        let before = hall.exposes();
        assert_eq!(before, ["stays__a", "removed__a", "off__a", "partly__a"]);
        let install = |place: usize| hall.snapshot().unwrap().installs[place].install.clone();
        let mut order = hall.app.order().await.unwrap();
        store::install::delete(&mut order.tx, &install(1).id).await.unwrap();
        let off = Install { enabled: false, ..install(2) };
        let partly = Install { disabled_tools: vec!["a".to_owned()], ..install(3) };
        for changed in [off, partly] {
            store::install::update_switches(&mut order.tx, &changed).await.unwrap();
        }
        let publications = [hall.publication()];
        let prepared = hall.app.prepare(&mut order.tx, &publications, Vec::new()).await.unwrap();
        drop(order);
        hall.app.fail_closed(&publications, &prepared);
        assert_eq!(hall.exposes(), ["stays__a"]);
        assert_eq!(hall.exposes_more(Kind::Prompt), ["stays__a", "partly__a"]);
        assert_eq!(hall.exposes_more(Kind::Resource), ["x:a", "aerostack+partly:x:a"]);
        assert_eq!(hall.exposes_more(Kind::Template), ["x:a/{y}", "aerostack+partly:x:a/{y}"]);
        for uri in ["aerostack+removed:x:a", "aerostack+off:x:b", "aerostack+off:x:a/b"] {
            let subject = Subject::Resource(uri.to_owned());
            assert!(hall.snapshot().unwrap().route(&subject).is_none(), "{uri}");
        }
        // It did not happen.
        hall.until(|_| hall.exposes() == before).await;
        hall.closes().await;
    })
    .await;
}

#[tokio::test]
async fn a_removed_install_has_no_client_any_more() {
    on_both_engines(|store| async move {
        let hall = Hall::open(store, |_| {}).await;
        let placed = hall.installs("github").await;
        let client = Arc::clone(&hall.snapshot().unwrap().install(&placed.id).unwrap().client);
        let mut order = hall.app.order().await.unwrap();
        store::install::delete(&mut order.tx, &placed.id).await.unwrap();
        order.commit(vec![hall.publication()]).await.unwrap();
        let error = client.list().await.unwrap_err();
        assert_eq!(error, UpstreamError::Unreachable("the server was changed or removed".into()));
        hall.closes().await;
    })
    .await;
}

#[tokio::test]
async fn a_new_list_leaves_other_installs_as_they_are_and_survives_every_publication() {
    on_both_engines(|store| async move {
        let hall = Hall::open(store.clone(), |_| {}).await;
        let (first, second) = (hall.installs("first").await, hall.installs("second").await);
        hall.lists(&first, "a").await;
        hall.lists(&second, "b").await;
        let before = hall.snapshot().unwrap();
        assert_eq!(exposed(&before), ["first__a", "second__b"]);
        hall.lists(&second, "c").await;
        let order = hall.app.order().await.unwrap();
        order.commit(vec![hall.publication()]).await.unwrap();
        let after = hall.snapshot().unwrap();
        assert_eq!(exposed(&after), ["first__a", "second__c"]);
        let tools = |snapshot: &Snapshot| snapshot.install(&first.id).unwrap().offers.clone().unwrap();
        assert!(Arc::ptr_eq(&tools(&before), &tools(&after)), "what did not change is not read again");
        assert!(after.has_client(&before.install(&first.id).unwrap().client));
        // An order that is dropped publishes no list.
        let mut order = hall.app.order().await.unwrap();
        store::install::delete(&mut order.tx, &second.id).await.unwrap();
        drop(order);
        assert_eq!(exposed(&hall.snapshot().unwrap()), ["first__a", "second__c"]);
        let config = Config::local(std::env::temp_dir());
        let again = App::start(config, store, Vault::new(&[7; 32]), Clock::manual(NOW)).await.unwrap();
        let loaded = again.grants.snapshot(&hall.workspace.id).unwrap();
        assert_eq!(exposed(&loaded), ["first__a", "second__c"]);
        again.stopping.cancel();
        hall.closes().await;
    })
    .await;
}

/// Has PostgreSQL do something whenever a commit that touched an install comes to its end; gives `false`
/// on SQLite, which cannot.
async fn at_the_end_of_commits(store: &Store, deed: &str) -> bool {
    let mut tx = store.write().await.unwrap();
    let Tx::Postgres(transaction) = &mut tx else { return false };
    let text = format!(
        "CREATE FUNCTION deed() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM {deed}; RETURN NULL; END';
         CREATE CONSTRAINT TRIGGER deed AFTER INSERT ON installs DEFERRABLE INITIALLY DEFERRED
             FOR EACH ROW EXECUTE FUNCTION deed();"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(text)).execute(&mut **transaction).await.unwrap();
    tx.commit().await.unwrap();
    true
}

#[tokio::test]
async fn a_connection_that_breaks_in_a_commit_leaves_its_outcome_unknown() {
    for deed in ["pg_terminate_backend(pg_backend_pid())", "pg_sleep(4)"] {
        on_both_engines(|store| async move {
            if !at_the_end_of_commits(&store, deed).await {
                return;
            }
            let timeout = Duration::from_secs(1);
            let hall = Hall::open(store, |config| config.limits.database_timeout = timeout).await;
            let placed = sample::install(&hall.workspace.id, &hall.server, "github", NOW);
            let mut order = hall.app.order().await.unwrap();
            store::install::insert(&mut order.tx, &placed).await.unwrap();
            let ended = order.commit(vec![hall.publication()]).await;
            assert!(matches!(ended, Err(StoreError::OutcomeUnknown(_))), "{deed}: {ended:?}");
            // Whatever became of it, others go on.
            hall.app.order().await.unwrap().commit(Vec::new()).await.unwrap();
            assert!(hall.snapshot().unwrap().install(&placed.id).is_none());
            hall.closes().await;
        })
        .await;
    }
}
