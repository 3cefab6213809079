//! Tokens: seats, names, status, pages, last use.

use std::sync::Arc;
use std::time::Duration;

use aerostack_core::account::Email;
use aerostack_core::id::TokenId;
use aerostack_core::plan::{Plan, Seats};
use aerostack_core::time::Timestamp;
use aerostack_core::token::{self, IssueRefusal, Token, TokenOrder, TokenStatus};
use aerostack_core::workspace::Workspace;
use tokio::sync::Barrier;

use crate::store::testing::on_both_engines;
use crate::store::testing::sample::{NOW, acme, token, workspace};
use crate::store::token::LiveToken;
use crate::store::{self, Store, Tx};

const MINUTE: Duration = Duration::from_secs(60);

async fn insert(store: &Store, tokens: &[&Token]) {
    let mut tx = store.write().await.unwrap();
    for token in tokens {
        store::token::insert(&mut tx, token).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// An active one, one that is expired, one that is revoked, one on its way out of a rotation.
fn four_tokens(workspace: &Workspace) -> [Token; 4] {
    let active = Token { person: Some(Email::parse("alice@co.com").unwrap()), ..token(workspace, "Alice") };
    let expired = Token { expires_at: Some(NOW), rate_limit_per_minute: Some(7), ..token(workspace, "Bob") };
    let revoked = Token { revoked_at: Some(NOW), ..token(workspace, "Carol") };
    let leaving =
        Token { revoked_at: Some(NOW.plus(MINUTE)), takes_seat: false, ..token(workspace, "Alice") };
    [active, expired, revoked, leaving]
}

async fn create(store: &Store, workspace: &Workspace, number: usize) -> Result<(), IssueRefusal> {
    let mut tx = store.write().await.unwrap();
    let locked = store::workspace::lock(&mut tx, &workspace.id).await.unwrap().unwrap();
    let used = store::token::count_seats(&mut tx, &locked.id, NOW).await.unwrap();
    let name = format!("Person {number}");
    let is_taken = store::token::is_name_taken(&mut tx, &locked.id, &name, NOW).await.unwrap();
    let order = TokenOrder {
        workspace: locked.id,
        name,
        person: None,
        expires_in: None,
        rate_limit_per_minute: None,
        created_by: locked.owner,
    };
    let seats = Seats { used, limit: Some(25), plan: Plan::Pro };
    let issued = token::issue(order, seats, is_taken, NOW, &mut rand::rng())?;
    store::token::insert(&mut tx, &issued.token).await.unwrap();
    tx.commit().await.unwrap();
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_racing_creates_against_25_seats_give_25_tokens() {
    on_both_engines(|store| async move {
        let (_, engineering) = acme(&store).await;
        let start = Arc::new(Barrier::new(60));
        let racers = (0..60).map(|number| {
            let (store, engineering, start) = (store.clone(), engineering.clone(), Arc::clone(&start));
            tokio::spawn(async move {
                start.wait().await;
                create(&store, &engineering, number).await
            })
        });
        let outcomes: Vec<_> =
            futures_util::future::join_all(racers).await.into_iter().map(Result::unwrap).collect();
        let full = IssueRefusal::SeatLimitReached(Seats { used: 25, limit: Some(25), plan: Plan::Pro });
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 25);
        assert_eq!(outcomes.iter().filter(|outcome| outcome.as_ref() == Err(&full)).count(), 35);
        let mut tx = store.read().await.unwrap();
        let tokens = store::token::list_page(&mut tx, &engineering.id, None, NOW, None, 100).await.unwrap();
        assert_eq!(tokens.len(), 25);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn equal_names_racing_give_one_token() {
    on_both_engines(|store| async move {
        let (_, engineering) = acme(&store).await;
        let racers = (0..10).map(|_| {
            let (store, engineering) = (store.clone(), engineering.clone());
            tokio::spawn(async move { create(&store, &engineering, 1).await })
        });
        let outcomes: Vec<_> =
            futures_util::future::join_all(racers).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_token_reads_back_whole() {
    on_both_engines(|store| async move {
        let (_, engineering) = acme(&store).await;
        for token in four_tokens(&engineering) {
            insert(&store, &[&token]).await;
            let mut tx = store.read().await.unwrap();
            let found = store::token::find(&mut tx, &token.id).await.unwrap().unwrap();
            assert_eq!(format!("{found:?}"), format!("{token:?}"));
            assert_eq!(found.digest, token.digest);
        }
    })
    .await;
}

#[tokio::test]
async fn status_is_computed_from_the_clock() {
    on_both_engines(|store| async move {
        let (_, engineering) = acme(&store).await;
        let all = four_tokens(&engineering);
        let [active, expired, revoked, leaving] = &all;
        insert(&store, &[active, expired, revoked, leaving]).await;
        let mut tx = store.read().await.unwrap();
        let ids = |mut found: Vec<Token>| {
            found.sort_by(|a, b| a.id.cmp(&b.id));
            found.into_iter().map(|token| token.id).collect::<Vec<_>>()
        };
        let expected = |tokens: &[&Token]| ids(tokens.iter().map(|&token| token.clone()).collect());
        for (status, tokens) in [
            (Some(TokenStatus::Active), vec![active, leaving]),
            (Some(TokenStatus::Expired), vec![expired]),
            (Some(TokenStatus::Revoked), vec![revoked]),
            (None, vec![active, expired, revoked, leaving]),
        ] {
            let page =
                store::token::list_page(&mut tx, &engineering.id, status, NOW, None, 10).await.unwrap();
            for listed in &page {
                assert!(status.is_none_or(|status| listed.token.status(NOW) == status));
            }
            assert_eq!(ids(page.into_iter().map(|listed| listed.token).collect()), expected(&tokens));
        }
        assert_eq!(store::token::count_seats(&mut tx, &engineering.id, NOW).await.unwrap(), 1);
        assert_eq!(store::token::count_active(&mut tx, &engineering.id, NOW).await.unwrap(), 2);
        assert_eq!(store::token::count_active(&mut tx, &engineering.id, NOW.plus(MINUTE)).await.unwrap(), 1);
        let mut unended = store::token::unended(&mut tx, &engineering.id, NOW).await.unwrap();
        unended.sort_by(|a, b| a.id.cmp(&b.id));
        let unended: Vec<TokenId> = unended.into_iter().map(|token| token.id).collect();
        assert_eq!(unended, expected(&[active, leaving]));
        let names = store::token::active_names(&mut tx, &engineering.id, NOW, 10).await.unwrap();
        assert_eq!(names, ["Alice"]);
    })
    .await;
}

/// The seats of a workspace, told by looking at every token.
async fn seats_one_by_one(store: &Store, workspace: &Workspace, now: Timestamp) -> u32 {
    let mut tx = store.read().await.unwrap();
    let (active, all) = (Some(TokenStatus::Active), 1_000);
    let listed = store::token::list_page(&mut tx, &workspace.id, active, now, None, all).await.unwrap();
    u32::try_from(listed.iter().filter(|listed| listed.token.takes_seat).count()).unwrap()
}

async fn seats(store: &Store, workspace: &Workspace, now: Timestamp) -> u32 {
    let mut tx = store.read().await.unwrap();
    let told = store::token::count_seats(&mut tx, &workspace.id, now).await.unwrap();
    let list = store::workspace::list_of_owner(&mut tx, &workspace.owner, now, None, 10).await.unwrap();
    let listed = list.iter().find(|summary| summary.workspace.id == workspace.id).unwrap();
    assert_eq!(listed.seats_used, told);
    told
}

#[tokio::test]
async fn seats_are_the_active_tokens_that_take_one_whatever_becomes_of_them() {
    on_both_engines(|store| async move {
        let (_, engineering) = acme(&store).await;
        let later = Some(NOW.plus(MINUTE));
        let lasting = [token(&engineering, "Ann"), token(&engineering, "Ben"), token(&engineering, "Cy")];
        let expiring = Token { expires_at: later, ..token(&engineering, "Di") };
        let both = Token { expires_at: later, revoked_at: Some(NOW), ..token(&engineering, "Ed") };
        let overlapping = Token { revoked_at: later, ..token(&engineering, "Flo") };
        let expired = Token { expires_at: Some(NOW), ..token(&engineering, "Gus") };
        let [ann, ben, cy] = &lasting;
        insert(&store, &[ann, ben, cy, &expiring, &both, &overlapping, &expired]).await;
        let mut told = Vec::new();
        let mut look = async || {
            for now in [NOW, NOW.plus(MINUTE)] {
                assert_eq!(
                    seats(&store, &engineering, now).await,
                    seats_one_by_one(&store, &engineering, now).await
                );
                told.push(seats(&store, &engineering, now).await);
            }
        };
        look().await;
        let mut tx = store.write().await.unwrap();
        // Twice is once, and an end that comes later changes nothing.
        for at in [NOW, NOW.plus(MINUTE), NOW] {
            store::token::set_revoked(&mut tx, &ann.id, at).await.unwrap();
        }
        // As a rotation does, in either order.
        store::token::give_up_seat(&mut tx, &ben.id).await.unwrap();
        store::token::set_revoked(&mut tx, &ben.id, NOW.plus(MINUTE)).await.unwrap();
        store::token::set_revoked(&mut tx, &cy.id, NOW.plus(MINUTE)).await.unwrap();
        store::token::give_up_seat(&mut tx, &cy.id).await.unwrap();
        tx.commit().await.unwrap();
        look().await;
        let mut tx = store.write().await.unwrap();
        store::token::hand_on_seat(&mut tx, &engineering.id, "Ben", NOW).await.unwrap();
        store::token::set_revoked(&mut tx, &expiring.id, NOW).await.unwrap();
        store::token::set_revoked(&mut tx, &overlapping.id, NOW).await.unwrap();
        tx.commit().await.unwrap();
        look().await;
        assert_eq!(told, [5, 3, 2, 0, 1, 0]);
    })
    .await;
}

#[tokio::test]
async fn the_replacement_comes_before_the_token_it_replaces() {
    on_both_engines(|store| async move {
        let (_, engineering) = acme(&store).await;
        let all = four_tokens(&engineering);
        let [active, expired, revoked, leaving] = &all;
        insert(&store, &[active, expired, revoked, leaving]).await;
        let mut tx = store.read().await.unwrap();
        let of = &engineering.id;
        let found = store::token::find_active_by_name(&mut tx, of, "Alice", NOW).await.unwrap();
        assert_eq!(found.iter().map(|token| &token.id).collect::<Vec<_>>(), [&active.id, &leaving.id]);
        for (name, taken) in [("Alice", true), ("alice", false), ("Bob", false), ("Carol", false)] {
            assert_eq!(store::token::is_name_taken(&mut tx, of, name, NOW).await.unwrap(), taken, "{name}");
        }
        let latest = store::token::find_latest_by_name(&mut tx, of, "Carol").await.unwrap().unwrap();
        assert_eq!(latest.id, revoked.id);
    })
    .await;
}

#[tokio::test]
async fn a_token_is_found_by_prefix_and_digest_in_its_workspace_only() {
    on_both_engines(|store| async move {
        let (owner, engineering) = acme(&store).await;
        let other = workspace(&owner.id, "other");
        let mut tx = store.write().await.unwrap();
        store::workspace::insert(&mut tx, &other).await.unwrap();
        tx.commit().await.unwrap();
        let (alice, bob) = (token(&engineering, "Alice"), token(&other, "Bob"));
        insert(&store, &[&alice, &bob]).await;
        let mut tx = store.read().await.unwrap();
        let prefix = &alice.id.as_str()[..10];
        let found = store::token::find_by_prefix(&mut tx, &engineering.id, prefix, 10).await.unwrap();
        assert_eq!(found.iter().map(|token| &token.id).collect::<Vec<_>>(), [&alice.id]);
        assert!(
            store::token::find_by_prefix(&mut tx, &engineering.id, "tok_zzzz", 10).await.unwrap().is_empty()
        );
        let by_digest = store::token::find_by_digest(&mut tx, &engineering.id, &alice.digest).await.unwrap();
        assert_eq!(by_digest.map(|token| token.id), Some(alice.id));
        assert!(store::token::find_by_digest(&mut tx, &engineering.id, &bob.digest).await.unwrap().is_none());
    })
    .await;
}

#[tokio::test]
async fn an_end_is_only_ever_moved_forward() {
    on_both_engines(|store| async move {
        let (_, engineering) = acme(&store).await;
        let alice = token(&engineering, "Alice");
        insert(&store, &[&alice]).await;
        let mut tx = store.write().await.unwrap();
        for (at, stands) in [(NOW.plus(MINUTE), NOW.plus(MINUTE)), (NOW, NOW), (NOW.plus(MINUTE), NOW)] {
            store::token::set_revoked(&mut tx, &alice.id, at).await.unwrap();
            let found = store::token::find(&mut tx, &alice.id).await.unwrap().unwrap();
            assert_eq!(found.revoked_at, Some(stands));
        }
        store::token::give_up_seat(&mut tx, &alice.id).await.unwrap();
        assert!(!store::token::find(&mut tx, &alice.id).await.unwrap().unwrap().takes_seat);
    })
    .await;
}

#[tokio::test]
async fn tokens_of_a_deleted_workspace_are_not_loaded() {
    on_both_engines(|store| async move {
        let (_, engineering) = acme(&store).await;
        insert(&store, &[&token(&engineering, "Alice")]).await;
        let mut tx = store.write().await.unwrap();
        assert_eq!(loaded(&mut tx).await.len(), 1);
        assert_eq!(store::token::unended(&mut tx, &engineering.id, NOW).await.unwrap().len(), 1);
        store::workspace::mark_deleted(&mut tx, &engineering.id, NOW).await.unwrap();
        assert_eq!(loaded(&mut tx).await, []);
        assert_eq!(store::token::unended(&mut tx, &engineering.id, NOW).await.unwrap(), []);
    })
    .await;
}

/// What a gateway that starts loads, by identifier.
async fn loaded(tx: &mut Tx) -> Vec<LiveToken> {
    let mut tokens = Vec::new();
    store::token::each_unended(tx, NOW, |token| tokens.push(token)).await.unwrap();
    tokens.sort_by(|a, b| a.id.cmp(&b.id));
    tokens
}

#[tokio::test]
async fn a_token_is_loaded_with_all_that_its_calls_depend_on_unless_it_has_ended() {
    on_both_engines(|store| async move {
        let (_, engineering) = acme(&store).await;
        let all = four_tokens(&engineering);
        let [active, expired, revoked, leaving] = &all;
        let limited = Token { rate_limit_per_minute: Some(7), ..token(&engineering, "Dave") };
        insert(&store, &[active, expired, revoked, leaving, &limited]).await;
        let mut tx = store.read().await.unwrap();
        let mut expected = [active, leaving, &limited].map(LiveToken::from);
        expected.sort_by(|a, b| a.id.cmp(&b.id));
        assert_eq!(expected.iter().filter_map(|token| token.ends_at).collect::<Vec<_>>(), [NOW.plus(MINUTE)]);
        assert_eq!(loaded(&mut tx).await, expected);
    })
    .await;
}

#[tokio::test]
async fn last_use_never_goes_backwards() {
    on_both_engines(|store| async move {
        let (_, engineering) = acme(&store).await;
        let alice = token(&engineering, "Alice");
        insert(&store, &[&alice]).await;
        let later = NOW.plus(MINUTE);
        let mut tx = store.write().await.unwrap();
        assert_eq!(store::token::last_used_at(&mut tx, &alice.id).await.unwrap(), None);
        let uses: Vec<(_, Timestamp)> = vec![(alice.id.clone(), later), (alice.id.clone(), NOW)];
        store::token::touch(&mut tx, &uses).await.unwrap();
        assert_eq!(store::token::last_used_at(&mut tx, &alice.id).await.unwrap(), Some(later));
        let page = store::token::list_page(&mut tx, &engineering.id, None, NOW, None, 10).await.unwrap();
        assert_eq!(page[0].last_used_at, Some(later));
        let after = Some(alice.id.as_str());
        assert!(
            store::token::list_page(&mut tx, &engineering.id, None, NOW, after, 10).await.unwrap().is_empty()
        );
    })
    .await;
}
