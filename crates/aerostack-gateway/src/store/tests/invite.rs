//! Invitations: found by their link's digest, open once per address and place.

use std::time::Duration;

use aerostack_core::account::{Account, Email};
use aerostack_core::id::WorkspaceId;
use aerostack_core::invite::{self, Invite, InviteOrder, InvitePlace, InviteStatus};
use aerostack_core::member::TeamRole;

use crate::store;
use crate::store::testing::on_both_engines;
use crate::store::testing::sample::{NOW, acme};

fn email(text: &str) -> Email {
    Email::parse(text).unwrap()
}

fn sample(team: &Account, workspace: Option<&WorkspaceId>, address: &str) -> Invite {
    let order = InviteOrder {
        team: team.id.clone(),
        workspace: workspace.cloned(),
        email: email(address),
        role: TeamRole::Admin,
        is_handed_over: false,
        invited_by: team.id.clone(),
    };
    invite::invite(order, InvitePlace::default(), NOW, &mut rand::rng()).unwrap().invite
}

fn addresses(invites: Vec<Invite>) -> Vec<String> {
    invites.into_iter().map(|invite| invite.email.to_string()).collect()
}

#[tokio::test]
async fn an_invitation_reads_back_and_is_used_up_once() {
    on_both_engines(|store| async move {
        let (team, workspace) = acme(&store).await;
        let mut tx = store.write().await.unwrap();
        for place in [None, Some(&workspace.id)] {
            let invite = sample(&team, place, "alice@co.com");
            store::invite::insert(&mut tx, &invite).await.unwrap();
            store::invite::set_handed_over(&mut tx, &invite.id).await.unwrap();
            let found = store::invite::find_by_digest(&mut tx, &invite.digest).await.unwrap().unwrap();
            let expected = Invite { is_handed_over: true, ..invite.clone() };
            assert_eq!(format!("{found:?}"), format!("{expected:?}"));
            assert!(store::invite::accept(&mut tx, &invite.id, NOW).await.unwrap());
            assert!(!store::invite::accept(&mut tx, &invite.id, NOW).await.unwrap());
            let found = store::invite::find_by_digest(&mut tx, &invite.digest).await.unwrap().unwrap();
            assert_eq!(found.status(NOW), InviteStatus::Accepted);
        }
    })
    .await;
}

#[tokio::test]
async fn places_are_apart_and_all_of_an_address_can_be_ended() {
    on_both_engines(|store| async move {
        let (team, workspace) = acme(&store).await;
        let place = Some(&workspace.id);
        let (alice, bob) = (email("alice@co.com"), email("bob@co.com"));
        let mut tx = store.write().await.unwrap();
        for (place, address) in [(None, &bob), (None, &alice), (place, &alice)] {
            store::invite::insert(&mut tx, &sample(&team, place, address.as_str())).await.unwrap();
        }
        let open = store::invite::list_open(&mut tx, &team.id, None).await.unwrap();
        assert_eq!(addresses(open), ["alice@co.com", "bob@co.com"]);
        let open = store::invite::list_open(&mut tx, &team.id, place).await.unwrap();
        assert_eq!(addresses(open), ["alice@co.com"]);
        assert_eq!(store::invite::count_open_others(&mut tx, &team.id, None, &alice).await.unwrap(), 1);
        assert_eq!(store::invite::count_open_others(&mut tx, &team.id, place, &alice).await.unwrap(), 0);
        let before = aerostack_core::time::Timestamp::from_millis(NOW.as_millis() - 1);
        assert_eq!(store::invite::count_since(&mut tx, &team.id, before).await.unwrap(), 3);
        assert_eq!(store::invite::count_since(&mut tx, &team.id, NOW).await.unwrap(), 0);

        let later = NOW.plus(Duration::from_secs(1));
        assert!(store::invite::end(&mut tx, &team.id, None, &bob, later).await.unwrap());
        assert!(!store::invite::end(&mut tx, &team.id, None, &bob, later).await.unwrap());
        assert_eq!(store::invite::list_open_of(&mut tx, &team.id, &alice).await.unwrap().len(), 2);
        assert_eq!(store::invite::end_all(&mut tx, &team.id, &alice, later).await.unwrap(), 2);
        assert_eq!(store::invite::end_all(&mut tx, &team.id, &alice, later).await.unwrap(), 0);
        assert!(store::invite::list_open(&mut tx, &team.id, None).await.unwrap().is_empty());
    })
    .await;
}
