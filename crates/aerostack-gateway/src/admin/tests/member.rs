//! Members of a workspace: invited, let in with a token, refused at a full plan, removed.

use std::time::Duration;

use aerostack_core::account::Email;
use aerostack_core::api::error::{ErrorBody, ErrorCode};
use aerostack_core::api::member::{InviteWorkspaceMemberRequest, WorkspaceInviteSent, WorkspaceMembersView};
use aerostack_core::api::operation::endpoint;
use aerostack_core::api::page::Empty;
use aerostack_core::api::team::{AcceptRequest, Joined, MemberStatus};
use aerostack_core::api::token::CreateTokenRequest;
use aerostack_core::bearer::TokenDigest;
use aerostack_core::invite::INVITE_LIFE;
use aerostack_core::plan::Plan;

use super::person::{Hall, Person, in_a_hall, token_named};
use crate::store;
use crate::store::testing::sample::slug;

fn email(text: &str) -> Email {
    Email::parse(text).unwrap()
}

fn link_of(sent: &WorkspaceInviteSent) -> String {
    sent.link.as_ref().and_then(|url| url.rsplit('/').next()).unwrap().to_owned()
}

impl Hall {
    fn opens_for(&self, token: &str) -> bool {
        let grant = self.app.grants.find(&TokenDigest::of(token));
        grant.is_some_and(|grant| grant.is_live(self.clock.now()))
    }

    async fn lets_join(&self, link: &str, username: &str) -> Result<Joined, ErrorBody> {
        let request = AcceptRequest { username: Some(slug(username)) };
        self.anybody_calls::<endpoint::AcceptInvite>(&[link], &request).await
    }
}

impl Person {
    async fn invites_into(&self, workspace: &str, address: &str) -> WorkspaceInviteSent {
        let request = InviteWorkspaceMemberRequest { email: email(address) };
        self.calls::<endpoint::InviteWorkspaceMember>(&[workspace], &request).await.unwrap()
    }

    async fn members(&self, workspace: &str) -> WorkspaceMembersView {
        self.calls::<endpoint::ListWorkspaceMembers>(&[workspace], &Empty {}).await.unwrap()
    }

    async fn events(&self, workspace: &str) -> Vec<String> {
        let page = self.calls::<endpoint::ListAudit>(&[workspace], &Default::default()).await.unwrap();
        let told =
            page.items.iter().map(|event| format!("{} {}: {}", event.actor, event.action, event.object));
        told.collect()
    }
}

#[tokio::test]
async fn a_new_person_who_accepts_has_an_account_a_token_and_no_place_in_the_team() {
    in_a_hall(|hall| async move {
        let acme = hall.person("acme").await;
        acme.creates_workspace("engineering").await;
        acme.creates_token("engineering", "Alice Chen").await.unwrap();
        let sent = acme.invites_into("engineering", "Alice.Chen@Co.com").await;
        let preview =
            hall.anybody_calls::<endpoint::ShowInvite>(&[&link_of(&sent)], &Empty {}).await.unwrap();
        assert_eq!((preview.workspace, preview.has_account), (Some(slug("engineering")), false));
        assert_eq!(preview.seats.map(|seats| seats.used), Some(1));

        let joined = hall.lets_join(&link_of(&sent), "alice").await.unwrap();
        assert_eq!((joined.workspace, joined.account.username), (Some(slug("engineering")), slug("alice")));
        let alice = hall.holding(&slug("alice"), &joined.key.unwrap()).await;
        let token = joined.token.unwrap();
        assert_eq!((token.name.as_str(), token.person), ("Alice Chen (2)", Some(email("alice.chen@co.com"))));
        assert_eq!(token.seats.used, 2);
        assert!(hall.opens_for(&token.token));
        assert_eq!(hall.lets_join(&link_of(&sent), "mallory").await.err().unwrap().code, ErrorCode::NotFound);

        let view = acme.members("engineering").await;
        assert_eq!((view.members.len(), view.seats.used), (1, 2));
        let member = &view.members[0];
        assert_eq!((&member.email, member.status), (&email("alice.chen@co.com"), MemberStatus::Active));
        assert_eq!(member.tokens.iter().map(|token| &token.name).collect::<Vec<_>>(), ["Alice Chen (2)"]);
        assert!(member.joined_at.is_some() && member.last_active_at.is_none());
        let strange = alice.is_refused::<endpoint::ShowWorkspace>(&["engineering"], &Empty {}).await;
        assert_eq!(strange.0, ErrorCode::NotFound, "a workspace member is no team member");
        let own = alice.calls::<endpoint::ListWorkspaces>(&[], &Default::default()).await.unwrap();
        assert!(own.items.is_empty());
        assert_eq!(
            acme.events("engineering").await[..3],
            [
                "alice.chen@co.com token_created: Alice Chen (2)",
                "alice.chen@co.com member_joined: alice.chen@co.com",
                "acme@co.com member_invited: alice.chen@co.com",
            ]
        );
    })
    .await;
}

#[tokio::test]
async fn who_needs_no_invitation_is_told_how_to_get_a_token() {
    in_a_hall(|hall| async move {
        let acme = hall.person("acme").await;
        acme.creates_workspace("engineering").await;
        let link = link_of(&acme.invites_into("engineering", "eve@co.com").await);
        hall.lets_join(&link, "eve").await.unwrap();
        let refused = async |address: &str| {
            let request = InviteWorkspaceMemberRequest { email: email(address) };
            acme.is_refused::<endpoint::InviteWorkspaceMember>(&["engineering"], &request).await
        };
        let (_, message, hint) = refused("eve@co.com").await;
        assert_eq!(message, "this address belongs to a member already");
        assert_eq!(hint.unwrap(), "another token for them: aerostack workspace token create --for <email>");
        let (_, message, hint) = refused("acme@co.com").await;
        assert_eq!(message, "this address is the owner's own");
        assert_eq!(hint.unwrap(), "a token of one's own: aerostack workspace token create");
    })
    .await;
}

#[tokio::test]
async fn an_existing_account_accepts_signed_in_and_is_shown_no_key() {
    in_a_hall(|hall| async move {
        let acme = hall.person("acme").await;
        acme.creates_workspace("engineering").await;
        let bob = hall.person("bob").await;
        let link = link_of(&acme.invites_into("engineering", "bob@co.com").await);
        assert_eq!(hall.lets_join(&link, "impostor").await.err().unwrap().code, ErrorCode::Unauthorized);
        let request = AcceptRequest::default();
        let refused =
            hall.person("carol").await.is_refused::<endpoint::AcceptInvite>(&[&link], &request).await;
        assert_eq!(refused.0, ErrorCode::Forbidden);
        let joined = bob.calls::<endpoint::AcceptInvite>(&[&link], &request).await.unwrap();
        assert!(joined.key.is_none() && hall.opens_for(&joined.token.unwrap().token));
    })
    .await;
}

#[tokio::test]
async fn a_full_plan_refuses_tells_the_owner_and_leaves_the_invitation_good() {
    in_a_hall(|hall| async move {
        let acme = hall.person("acme").await;
        acme.has_plan(Plan::Free).await;
        acme.creates_workspace("engineering").await;
        for name in ["a", "b", "c"] {
            acme.creates_token("engineering", name).await.unwrap();
        }
        let sent = acme.invites_into("engineering", "alice@co.com").await;
        assert!(!sent.seats.has_room());
        let link = link_of(&sent);
        for _ in 0..3 {
            let refused = hall.lets_join(&link, "alice").await.err().unwrap();
            assert_eq!(refused.code, ErrorCode::SeatLimitReached);
            assert_eq!(refused.message, "no seat is free in 'engineering': 3 of 3 tokens used (Free plan)");
            assert!(refused.hint.is_some());
        }
        let mut tx = hall.app.store.read().await.unwrap();
        let made = store::account::find_by_email(&mut tx, &email("alice@co.com")).await.unwrap();
        assert!(made.is_none(), "nothing is half done");
        drop(tx);
        let told = acme.events("engineering").await;
        let refusals = told.iter().filter(|event| event.contains("join_refused"));
        assert_eq!(refusals.count(), 1, "{told:?}");
        let waiting = &acme.members("engineering").await.members[0];
        assert_eq!((waiting.status, waiting.no_seat_at), (MemberStatus::Pending, Some(hall.clock.now())));

        acme.calls::<endpoint::RevokeToken>(&["engineering", "name:a"], &Empty {}).await.unwrap();
        let joined = hall.lets_join(&link, "alice").await.unwrap();
        assert!(hall.opens_for(&joined.token.unwrap().token));
        assert_eq!(acme.members("engineering").await.members[0].no_seat_at, None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_accept_at_once_only_as_many_enter_as_there_are_seats() {
    in_a_hall(|hall| async move {
        let acme = hall.person("acme").await;
        acme.has_plan(Plan::Free).await;
        acme.creates_workspace("engineering").await;
        let mut links = Vec::new();
        for number in 0..8 {
            links.push(link_of(&acme.invites_into("engineering", &format!("p{number}@co.com")).await));
        }
        let racers = links.into_iter().enumerate().map(|(number, link)| {
            let hall = hall.clone();
            tokio::spawn(async move { hall.lets_join(&link, &format!("person-{number}")).await })
        });
        let outcomes: Vec<_> =
            futures_util::future::join_all(racers).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 3);
        for refused in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
            assert_eq!(refused.code, ErrorCode::SeatLimitReached);
        }
        let view = acme.members("engineering").await;
        assert_eq!((view.members.len(), view.seats.used), (8, 3));
    })
    .await;
}

#[tokio::test]
async fn removing_ends_tied_tokens_of_that_workspace_at_once_or_the_invitation() {
    in_a_hall(|hall| async move {
        let acme = hall.person("acme").await;
        for workspace in ["engineering", "operations"] {
            acme.creates_workspace(workspace).await;
        }
        let link = link_of(&acme.invites_into("engineering", "alice@co.com").await);
        let personal = hall.lets_join(&link, "alice").await.unwrap().token.unwrap();
        let tied = CreateTokenRequest { person: Some(email("alice@co.com")), ..token_named("Second") };
        let second = acme.calls::<endpoint::CreateToken>(&["engineering"], &tied).await.unwrap();
        let elsewhere = acme.calls::<endpoint::CreateToken>(&["operations"], &tied).await.unwrap();
        let look_alike = acme.creates_token("engineering", "Alice 2").await.unwrap();

        let path = ["engineering", "alice@co.com"];
        let removed = acme.calls::<endpoint::RemoveWorkspaceMember>(&path, &Empty {}).await.unwrap();
        assert_eq!((removed.was, removed.tokens_revoked), (MemberStatus::Active, 2));
        assert!(!hall.opens_for(&personal.token) && !hall.opens_for(&second.token));
        assert!(hall.opens_for(&elsewhere.token) && hall.opens_for(&look_alike.token));
        let (code, message, _) = acme.is_refused::<endpoint::RemoveWorkspaceMember>(&path, &Empty {}).await;
        assert_eq!(code, ErrorCode::NotFound);
        assert_eq!(message, "nobody in the workspace 'engineering' has the address alice@co.com");

        let link = link_of(&acme.invites_into("engineering", "bob@co.com").await);
        hall.clock.advance(INVITE_LIFE - Duration::from_secs(60));
        let path = ["engineering", "bob@co.com"];
        let removed = acme.calls::<endpoint::RemoveWorkspaceMember>(&path, &Empty {}).await.unwrap();
        assert_eq!((removed.was, removed.tokens_revoked), (MemberStatus::Pending, 0));
        assert_eq!(hall.lets_join(&link, "bob").await.err().unwrap().code, ErrorCode::NotFound);
        assert!(acme.members("engineering").await.members.is_empty());
    })
    .await;
}

#[tokio::test]
async fn an_invitation_is_replaced_and_dies_with_its_workspace() {
    in_a_hall(|hall| async move {
        let acme = hall.person("acme").await;
        for workspace in ["engineering", "operations"] {
            acme.creates_workspace(workspace).await;
        }
        let first = acme.invites_into("engineering", "alice@co.com").await;
        let other = acme.invites_into("operations", "alice@co.com").await;
        let second = acme.invites_into("engineering", "alice@co.com").await;
        assert!(!first.replaced && !other.replaced && second.replaced);
        let code = |outcome: Result<Joined, ErrorBody>| outcome.err().unwrap().code;
        assert_eq!(code(hall.lets_join(&link_of(&first), "alice").await), ErrorCode::NotFound);
        acme.calls::<endpoint::DeleteWorkspace>(&["engineering"], &Empty {}).await.unwrap();
        assert_eq!(code(hall.lets_join(&link_of(&second), "alice").await), ErrorCode::NotFound);
        let joined = hall.lets_join(&link_of(&other), "alice").await.unwrap();
        assert_eq!(joined.workspace, Some(slug("operations")));
        let again = InviteWorkspaceMemberRequest { email: email("alice@co.com") };
        let refused = acme.is_refused::<endpoint::InviteWorkspaceMember>(&["operations"], &again).await;
        assert_eq!(refused.0, ErrorCode::Conflict);
        let own = InviteWorkspaceMemberRequest { email: email("acme@co.com") };
        let refused = acme.is_refused::<endpoint::InviteWorkspaceMember>(&["operations"], &own).await;
        assert_eq!(refused.0, ErrorCode::Conflict);
    })
    .await;
}
