//! Workspaces.

use aerostack_core::account::AccountKind;
use aerostack_core::id::WorkspaceId;
use aerostack_core::plan::Plan;
use aerostack_core::server::Server;
use aerostack_core::workspace::ToolPrefix;

use crate::store::testing::on_both_engines;
use crate::store::testing::sample::{NOW, account, acme, install, server, slug, token, workspace};
use crate::store::workspace::WorkspaceState;
use crate::store::{self, StoreError, Tx};

#[tokio::test]
async fn a_workspace_reads_back_and_its_revision_rises() {
    on_both_engines(|store| async move {
        let (_, engineering) = acme(&store).await;
        let mut tx = store.write().await.unwrap();
        let found = store::workspace::find_by_slug(&mut tx, &engineering.slug).await.unwrap();
        assert_eq!(found, Some(engineering.clone()));
        let mut locked = store::workspace::lock(&mut tx, &engineering.id).await.unwrap().unwrap();
        assert_eq!(locked.revision, 2);
        locked.name = "Engineering ✓".to_owned();
        locked.tool_prefix = ToolPrefix::OnCollision;
        store::workspace::update(&mut tx, &locked).await.unwrap();
        assert_eq!(store::workspace::find_by_id(&mut tx, &engineering.id).await.unwrap(), Some(locked));
    })
    .await;
}

#[tokio::test]
async fn a_slug_is_never_used_again() {
    on_both_engines(|store| async move {
        let (owner, engineering) = acme(&store).await;
        let mut tx = store.write().await.unwrap();
        store::workspace::mark_deleted(&mut tx, &engineering.id, NOW).await.unwrap();
        assert_eq!(store::workspace::find_by_slug(&mut tx, &engineering.slug).await.unwrap(), None);
        assert_eq!(store::workspace::lock(&mut tx, &engineering.id).await.unwrap(), None);
        assert_eq!(store::workspace::count_of_owner(&mut tx, &owner.id).await.unwrap(), 0);
        assert!(store::workspace::state(&mut tx, &engineering.id).await.unwrap().is_none());
        assert!(store::workspace::states(&mut tx, None, 10).await.unwrap().is_empty());
        assert!(store::workspace::is_slug_taken(&mut tx, &engineering.slug).await.unwrap());
        let refused = store::workspace::insert(&mut tx, &workspace(&owner.id, "engineering")).await;
        assert!(matches!(refused, Err(StoreError::Conflict)), "{refused:?}");
    })
    .await;
}

#[tokio::test]
async fn pages_of_workspaces_follow_one_another_and_count() {
    on_both_engines(|store| async move {
        let (owner, engineering) = acme(&store).await;
        let mut tx = store.write().await.unwrap();
        for text in ["b-2", "b1", "b-1"] {
            store::workspace::insert(&mut tx, &workspace(&owner.id, text)).await.unwrap();
        }
        let stranger = account("stranger", AccountKind::Person);
        store::account::insert(&mut tx, &stranger).await.unwrap();
        store::workspace::insert(&mut tx, &workspace(&stranger.id, "aa")).await.unwrap();
        store::token::insert(&mut tx, &token(&engineering, "Alice")).await.unwrap();
        let page = store::workspace::list_of_owner(&mut tx, &owner.id, NOW, None, 3).await.unwrap();
        let slugs: Vec<_> = page.iter().map(|summary| summary.workspace.slug.as_str()).collect();
        assert_eq!(slugs, ["b-1", "b-2", "b1"], "bytes decide, on both engines");
        let rest = store::workspace::list_of_owner(&mut tx, &owner.id, NOW, Some("b1"), 3).await.unwrap();
        assert_eq!(rest.len(), 1);
        assert_eq!(rest[0].workspace, engineering);
        assert_eq!((rest[0].installs, rest[0].seats_used, rest[0].owner_plan), (0, 1, Plan::Pro));
        let one = store::workspace::summary(&mut tx, &engineering.id, NOW).await.unwrap().unwrap();
        assert_eq!((one.seats_used, one.owner_username), (1, slug("acme")));
    })
    .await;
}

#[tokio::test]
async fn the_state_of_a_workspace_has_its_installs_in_order_of_install() {
    on_both_engines(|store| async move {
        let (owner, engineering) = acme(&store).await;
        let operator = account("ops", AccountKind::Operator);
        let mut tx = store.write().await.unwrap();
        store::account::insert(&mut tx, &operator).await.unwrap();
        let first = Server { trusted: true, ..server(&operator.id, "zeta") };
        let second = server(&owner.id, "alpha");
        store::server::insert(&mut tx, &first).await.unwrap();
        store::server::insert(&mut tx, &second).await.unwrap();
        let later = NOW.plus(std::time::Duration::from_secs(1));
        let installs = [
            install(&engineering.id, &first, "zeta", NOW),
            install(&engineering.id, &second, "first", later),
        ];
        store::install::insert(&mut tx, &installs[1]).await.unwrap();
        store::install::insert(&mut tx, &installs[0]).await.unwrap();
        let state = store::workspace::state(&mut tx, &engineering.id).await.unwrap().unwrap();
        assert_eq!((state.owner_plan, state.owner_username), (Plan::Pro, slug("acme")));
        let read: Vec<_> = state.installs.iter().map(|installed| installed.install.clone()).collect();
        assert_eq!(read, installs);
        assert_eq!([&state.installs[0].server, &state.installs[1].server], [&first, &second]);
        assert_eq!(state.installs[0].server_owner, slug("ops"));
        store::workspace::mark_deleted(&mut tx, &engineering.id, NOW).await.unwrap();
        assert!(store::install::of_workspace(&mut tx, &engineering.id).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn pages_of_states_have_for_each_workspace_what_it_has_alone() {
    on_both_engines(|store| async move {
        let (owner, engineering) = acme(&store).await;
        let mut tx = store.write().await.unwrap();
        let of_both = server(&owner.id, "github");
        store::server::insert(&mut tx, &of_both).await.unwrap();
        let mut expected = vec![engineering];
        for text in ["design", "empty", "gone"] {
            expected.push(workspace(&owner.id, text));
            store::workspace::insert(&mut tx, expected.last().unwrap()).await.unwrap();
        }
        for place in [0, 1, 3] {
            let installed = install(&expected[place].id, &of_both, "github", NOW);
            store::install::insert(&mut tx, &installed).await.unwrap();
        }
        store::workspace::mark_deleted(&mut tx, &expected.remove(3).id, NOW).await.unwrap();
        expected.sort_by(|a, b| a.id.cmp(&b.id));
        let mut after = None;
        for workspace in expected {
            let [state] = <[_; 1]>::try_from(states(&mut tx, after.as_ref(), 1).await).unwrap();
            let alone = store::workspace::state(&mut tx, &workspace.id).await.unwrap().unwrap();
            assert_eq!(format!("{state:?}"), format!("{alone:?}"));
            assert_eq!(state.installs.is_empty(), workspace.slug.as_str() == "empty");
            after = Some(workspace.id);
        }
        assert!(states(&mut tx, after.as_ref(), 1).await.is_empty());
        assert_eq!(states(&mut tx, None, 10).await.len(), 3);
    })
    .await;
}

async fn states(tx: &mut Tx, after: Option<&WorkspaceId>, limit: i64) -> Vec<WorkspaceState> {
    store::workspace::states(tx, after, limit).await.unwrap()
}
