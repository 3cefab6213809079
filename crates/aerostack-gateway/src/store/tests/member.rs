//! Places in single workspaces, and invitations that met a full plan.

use std::time::Duration;

use aerostack_core::account::AccountKind;
use aerostack_core::invite::{InviteOrder, InvitePlace, invite};
use aerostack_core::member::{TeamRole, WorkspaceMembership};
use aerostack_core::token::Token;

use crate::store::testing::on_both_engines;
use crate::store::testing::sample::{self, NOW};
use crate::store::{self, Tx};

async fn insert_tied(tx: &mut Tx, workspace: &aerostack_core::workspace::Workspace, name: &str) -> Token {
    let token = Token { person: Some("alice@co.com".parse().unwrap()), ..sample::token(workspace, name) };
    store::token::insert(tx, &token).await.unwrap();
    token
}

#[tokio::test]
async fn a_place_in_a_workspace_is_listed_with_its_last_use_and_is_none_in_another() {
    on_both_engines(|store| async move {
        let (acme, workspace) = sample::acme(&store).await;
        let alice = sample::account("alice", AccountKind::Person);
        let other = sample::workspace(&acme.id, "other");
        let mut tx = store.write().await.unwrap();
        store::account::insert(&mut tx, &alice).await.unwrap();
        store::workspace::insert(&mut tx, &other).await.unwrap();
        let membership = WorkspaceMembership {
            workspace: workspace.id.clone(),
            account: alice.id.clone(),
            joined_at: NOW,
        };
        for _ in 0..2 {
            store::workspace_member::put(&mut tx, &membership).await.unwrap();
        }
        let token = insert_tied(&mut tx, &workspace, "Alice").await;
        let elsewhere = insert_tied(&mut tx, &other, "Alice").await;
        let later = NOW.plus(Duration::from_secs(5));
        store::token::touch(&mut tx, &[(token.id.clone(), NOW), (elsewhere.id, later)]).await.unwrap();

        let listed = store::workspace_member::list(&mut tx, &workspace.id).await.unwrap();
        assert_eq!(listed.len(), 1);
        assert_eq!((&listed[0].membership, &listed[0].email), (&membership, &alice.email));
        assert_eq!(listed[0].last_active_at, Some(NOW));
        let tied = store::workspace_member::tied_tokens(&mut tx, &workspace.id, NOW).await.unwrap();
        assert_eq!(tied.iter().map(|token| &token.id).collect::<Vec<_>>(), [&token.id]);
        assert!(store::workspace_member::is_member(&mut tx, &workspace.id, &alice.id).await.unwrap());
        assert!(!store::workspace_member::is_member(&mut tx, &other.id, &alice.id).await.unwrap());
        assert_eq!(store::workspace_member::count(&mut tx, &workspace.id).await.unwrap(), 1);
        let places = store::workspace_member::in_team(&mut tx, &acme.id, &alice.id).await.unwrap();
        assert_eq!(places.iter().map(|place| place.slug.as_str()).collect::<Vec<_>>(), ["engineering"]);
        assert!(store::workspace_member::delete(&mut tx, &workspace.id, &alice.id).await.unwrap());
        assert!(!store::workspace_member::delete(&mut tx, &workspace.id, &alice.id).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn tokens_are_found_over_all_workspaces_of_one_account_by_name_and_tie() {
    on_both_engines(|store| async move {
        let (acme, workspace) = sample::acme(&store).await;
        let other = sample::workspace(&acme.id, "a-second");
        let stranger = sample::account("stranger", AccountKind::Person);
        let foreign = sample::workspace(&stranger.id, "foreign");
        let mut tx = store.write().await.unwrap();
        store::account::insert(&mut tx, &stranger).await.unwrap();
        for workspace in [&other, &foreign] {
            store::workspace::insert(&mut tx, workspace).await.unwrap();
            insert_tied(&mut tx, workspace, "Alice").await;
        }
        let ended = insert_tied(&mut tx, &workspace, "Gone").await;
        store::token::set_revoked(&mut tx, &ended.id, NOW).await.unwrap();
        let untied = sample::token(&workspace, "CI");
        store::token::insert(&mut tx, &untied).await.unwrap();

        let alice = "alice@co.com".parse().unwrap();
        let names = |found: Vec<aerostack_core::offboard::TeamToken>| {
            let shown = |held: &aerostack_core::offboard::TeamToken| {
                format!("{}/{}", held.workspace, held.token.name)
            };
            // Tokens of one millisecond come in any order.
            let mut names: Vec<_> = found.iter().map(shown).collect();
            names.sort();
            names
        };
        let active = store::team_token::list(&mut tx, &acme.id, None, None, NOW).await.unwrap();
        assert_eq!(names(active), ["a-second/Alice", "engineering/CI"]);
        let named = store::team_token::list(&mut tx, &acme.id, Some("Gone"), None, NOW).await.unwrap();
        assert_eq!(names(named), ["a-second/Alice", "engineering/CI", "engineering/Gone"]);
        let tied = store::team_token::list(&mut tx, &acme.id, None, Some(&alice), NOW).await.unwrap();
        assert_eq!(names(tied), ["a-second/Alice", "engineering/CI", "engineering/Gone"]);
        store::workspace::mark_deleted(&mut tx, &other.id, NOW).await.unwrap();
        let left = store::team_token::list(&mut tx, &acme.id, None, None, NOW).await.unwrap();
        assert_eq!(names(left), ["engineering/CI"]);
    })
    .await;
}

#[tokio::test]
async fn a_full_plan_is_noted_once_in_a_while_and_shown_while_the_invitation_is_open() {
    on_both_engines(|store| async move {
        let (acme, workspace) = sample::acme(&store).await;
        let order = InviteOrder {
            team: acme.id.clone(),
            workspace: Some(workspace.id.clone()),
            email: "alice@co.com".parse().unwrap(),
            role: TeamRole::Member,
            is_handed_over: true,
            invited_by: acme.id.clone(),
        };
        let invite = invite(order, InvitePlace::default(), NOW, &mut rand::rng()).unwrap().invite;
        let (hour, later) = (Duration::from_secs(3_600), NOW.plus(Duration::from_secs(7_200)));
        let mut tx = store.write().await.unwrap();
        store::invite::insert(&mut tx, &invite).await.unwrap();
        let list = async |tx: &mut Tx| store::full_house::list(tx, &acme.id, &workspace.id).await.unwrap();
        assert_eq!(list(&mut tx).await, []);
        let before = |at: aerostack_core::time::Timestamp| {
            aerostack_core::time::Timestamp::from_millis(at.as_millis() - 3_600_000)
        };
        assert!(store::full_house::note(&mut tx, &invite.id, NOW, before(NOW)).await.unwrap());
        let soon = NOW.plus(hour / 2);
        assert!(!store::full_house::note(&mut tx, &invite.id, soon, before(soon)).await.unwrap());
        assert!(store::full_house::note(&mut tx, &invite.id, later, before(later)).await.unwrap());
        assert_eq!(list(&mut tx).await, [(invite.id.clone(), later)]);
        assert!(store::invite::accept(&mut tx, &invite.id, later).await.unwrap());
        assert_eq!(list(&mut tx).await, []);
    })
    .await;
}
