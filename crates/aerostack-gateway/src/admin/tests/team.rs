//! Teams: who invites whom, who enters by which link, and what ends when somebody leaves.

use std::time::Duration;

use aerostack_core::account::{AccountKind, Email};
use aerostack_core::api::error::{ErrorBody, ErrorCode};
use aerostack_core::api::operation::{Endpoint, endpoint};
use aerostack_core::api::page::{Empty, PageQuery};
use aerostack_core::api::team::{
    AcceptRequest, Delivery, InvitePreview, InviteRequest, InviteSent, Joined, MemberStatus,
};
use aerostack_core::api::token::{CreateTokenRequest, ListTokensQuery};
use aerostack_core::audit::Action;
use aerostack_core::bearer::{RawToken, TokenKind};
use aerostack_core::invite::{INVITE_LIFE, INVITES_PER_WINDOW};
use aerostack_core::member::TeamRole;
use aerostack_core::plan::Plan;
use aerostack_core::token::TokenStatus;

use super::person::{Hall, Person, in_a_hall, token_named};
use crate::store::testing::sample::slug;

const DEAD: &str = "this invitation is not valid any more";

pub(super) fn email(text: &str) -> Email {
    Email::parse(text).unwrap()
}

pub(super) fn as_member(text: &str) -> InviteRequest {
    InviteRequest { email: email(text), role: TeamRole::Member }
}

pub(super) fn as_admin(text: &str) -> InviteRequest {
    InviteRequest { email: email(text), role: TeamRole::Admin }
}

/// What stands at the end of an invitation's address.
fn link_of(sent: &InviteSent) -> String {
    assert_eq!(sent.delivery, Delivery::NotConfigured);
    sent.link.as_ref().and_then(|url| url.rsplit('/').next()).unwrap().to_owned()
}

pub(super) async fn invites(person: &Person, request: InviteRequest) -> String {
    link_of(&person.calls::<endpoint::InviteMember>(&[], &request).await.unwrap())
}

fn chooses(username: &str) -> AcceptRequest {
    AcceptRequest { username: Some(slug(username)) }
}

pub(super) async fn looks(hall: &Hall, link: &str) -> Result<InvitePreview, ErrorBody> {
    hall.anybody_calls::<endpoint::ShowInvite>(&[link], &Empty {}).await
}

async fn joins(hall: &Hall, link: &str, username: &str) -> Result<Joined, ErrorBody> {
    hall.anybody_calls::<endpoint::AcceptInvite>(&[link], &chooses(username)).await
}

/// Invites, joins, and gives the person with the key that was shown.
pub(super) async fn brings(hall: &Hall, team: &Person, request: InviteRequest, username: &str) -> Person {
    let joined = joins(hall, &invites(team, request).await, username).await.unwrap();
    hall.holding(&joined.account.username, &joined.key.unwrap()).await
}

async fn status_of_members(team: &Person) -> Vec<(String, MemberStatus)> {
    let view = team.calls::<endpoint::ShowTeam>(&[], &Empty {}).await.unwrap();
    view.members.into_iter().map(|member| (member.email.to_string(), member.status)).collect()
}

pub(super) async fn actions(team: &Person) -> Vec<(Action, String, String)> {
    let page = team.calls::<endpoint::ListTeamAudit>(&[], &Default::default()).await.unwrap();
    page.items.into_iter().map(|event| (event.action, event.actor, event.object)).collect()
}

#[tokio::test]
async fn a_new_person_enters_by_a_link_and_is_given_a_key_once() {
    in_a_hall(|hall| async move {
        let acme = hall.person("acme").await;
        let link = invites(&acme, as_member("alice@co.com")).await;
        let preview = looks(&hall, &link).await.unwrap();
        assert_eq!((preview.team, preview.workspace, preview.has_account), (slug("acme"), None, false));
        assert_eq!(preview.email, email("alice@co.com"));
        let refused = hall.anybody_calls::<endpoint::AcceptInvite>(&[&link], &AcceptRequest::default()).await;
        assert_eq!(refused.err().unwrap().message, "a new person chooses a username");
        let refused = joins(&hall, &link, "acme").await.err().unwrap();
        assert_eq!(
            (refused.code, refused.message.as_str()),
            (ErrorCode::NameTaken, "the username 'acme' is taken")
        );

        let joined = joins(&hall, &link, "alice").await.unwrap();
        assert_eq!((joined.team, joined.role), (slug("acme"), TeamRole::Member));
        assert_eq!((joined.account.plan, joined.account.kind), (Plan::Free, AccountKind::Person));
        let alice = hall.holding(&joined.account.username, &joined.key.unwrap()).await;
        // A link that somebody else saw proves no address.
        assert!(!alice.account.email_verified);
        assert_eq!(
            alice.calls::<endpoint::ShowAccount>(&[], &Empty {}).await.unwrap().email,
            alice.account.email
        );
        assert_eq!(status_of_members(&acme).await, [("alice@co.com".to_owned(), MemberStatus::Active)]);
        let told = [
            (Action::MemberJoined, "alice@acme".to_owned(), "alice@co.com".to_owned()),
            (Action::MemberInvited, "acme@co.com".to_owned(), "alice@co.com".to_owned()),
        ];
        assert_eq!(actions(&acme).await, told);
        let verified = acme.calls::<endpoint::VerifyTeamAudit>(&[], &Empty {}).await.unwrap();
        assert_eq!((verified.ok, verified.count), (true, 2));

        for refused in [looks(&hall, &link).await.err(), joins(&hall, &link, "mallory").await.err()] {
            let refused = refused.unwrap();
            assert_eq!((refused.code, refused.message.as_str()), (ErrorCode::NotFound, DEAD));
        }
    })
    .await;
}

#[tokio::test]
async fn replaced_removed_expired_and_made_up_links_are_dead_in_the_same_words() {
    in_a_hall(|hall| async move {
        let acme = hall.person("acme").await;
        let first = invites(&acme, as_member("alice@co.com")).await;
        let again = acme.calls::<endpoint::InviteMember>(&[], &as_member("alice@co.com")).await.unwrap();
        assert!(again.replaced);
        let second = link_of(&again);
        let removed = invites(&acme, as_member("bob@co.com")).await;
        acme.calls::<endpoint::RemoveInvite>(&["bob@co.com"], &Empty {}).await.unwrap();
        let twice = acme.is_refused::<endpoint::RemoveInvite>(&["bob@co.com"], &Empty {}).await;
        assert_eq!((twice.0, twice.1.as_str()), (ErrorCode::NotFound, "no invitation waits for bob@co.com"));
        let last = if second.ends_with('0') { '1' } else { '0' };
        let made_up = format!("{}{last}", &second[..second.len() - 1]);
        for link in [&first, &removed, &made_up, "jl_", "nothing"] {
            let (looked, joined) = (looks(&hall, link).await, joins(&hall, link, "mallory").await);
            for refused in [looked.err().unwrap(), joined.err().unwrap()] {
                assert_eq!((refused.code, refused.message.as_str()), (ErrorCode::NotFound, DEAD), "{link}");
                assert_eq!(refused.hint.as_deref(), Some("ask whoever invited you for a new link"));
            }
        }
        assert!(looks(&hall, &second).await.is_ok());
        hall.clock.advance(INVITE_LIFE);
        assert_eq!(joins(&hall, &second, "alice").await.err().unwrap().message, DEAD);
        assert_eq!(status_of_members(&acme).await, [("alice@co.com".to_owned(), MemberStatus::Expired)]);
        let invited = acme.calls::<endpoint::ListInvites>(&[], &PageQuery::default()).await.unwrap().items;
        assert_eq!((invited.len(), invited[0].status), (1, MemberStatus::Expired));
    })
    .await;
}

#[tokio::test]
async fn a_link_opens_no_account_that_exists_and_gives_nobody_anothers_place() {
    in_a_hall(|hall| async move {
        let (acme, mallory) = (hall.person("acme").await, hall.person("mallory").await);
        let mut acme = acme;
        acme.has_plan(Plan::Enterprise).await;
        acme.account.plan = Plan::Enterprise;
        acme.creates_workspace("engineering").await;
        let link = invites(&mallory, as_admin("acme@co.com")).await;
        assert!(looks(&hall, &link).await.unwrap().has_account);
        // Whoever made the invitation holds its link: it shows no key, and changes nothing.
        let refused = joins(&hall, &link, "other").await.err().unwrap();
        assert_eq!(
            (refused.code, refused.message.as_str()),
            (ErrorCode::Unauthorized, "this address has an account: sign in with it to join")
        );
        let refused = mallory.is_refused::<endpoint::AcceptInvite>(&[&link], &AcceptRequest::default()).await;
        assert_eq!(refused.0, ErrorCode::Forbidden);
        let joined = acme.calls::<endpoint::AcceptInvite>(&[&link], &AcceptRequest::default()).await.unwrap();
        assert_eq!((joined.key.is_none(), joined.account.username), (true, slug("acme")));
        // To be in somebody's team gives that somebody nothing.
        let foreign = mallory.is_refused::<endpoint::ShowWorkspace>(&["engineering"], &Empty {}).await;
        assert_eq!(foreign.0, ErrorCode::NotFound);
        // And an invitation of somebody new is not for whoever is signed in.
        let link = invites(&acme, as_member("alice@co.com")).await;
        let refused = mallory.is_refused::<endpoint::AcceptInvite>(&[&link], &chooses("alice")).await;
        assert_eq!(refused.0, ErrorCode::Forbidden);
        assert!(joins(&hall, &link, "alice").await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn only_the_owner_makes_and_removes_admins() {
    in_a_hall(|hall| async move {
        let acme = hall.person("acme").await;
        let anna = brings(&hall, &acme, as_admin("anna@x.com"), "anna").await.acting_for("acme");
        let mike = brings(&hall, &acme, as_member("mike@x.com"), "mike").await.acting_for("acme");
        brings(&hall, &acme, as_admin("otto@x.com"), "otto").await;
        invites(&acme, as_admin("waits@x.com")).await;
        let may_not = |told: (ErrorCode, String, Option<String>)| {
            assert_eq!(told.0, ErrorCode::Forbidden, "{told:?}");
        };
        may_not(anna.is_refused::<endpoint::InviteMember>(&[], &as_admin("new@x.com")).await);
        may_not(anna.is_refused::<endpoint::InviteMember>(&[], &as_member("waits@x.com")).await);
        may_not(anna.is_refused::<endpoint::RemoveInvite>(&["waits@x.com"], &Empty {}).await);
        may_not(anna.is_refused::<endpoint::RemoveMember>(&["otto@x.com"], &Empty {}).await);
        may_not(mike.is_refused::<endpoint::ShowTeam>(&[], &Empty {}).await);
        invites(&anna, as_member("new@x.com")).await;
        assert_eq!(actions(&acme).await[0].1, "anna@acme");
        anna.calls::<endpoint::RemoveMember>(&["mike@x.com"], &Empty {}).await.unwrap();
        let gone = mike.is_refused::<endpoint::ListWorkspaces>(&[], &PageQuery::default()).await;
        assert_eq!((gone.0, gone.1.as_str()), (ErrorCode::NotFound, "there is no team '@acme'"));
        acme.calls::<endpoint::RemoveMember>(&["anna@x.com"], &Empty {}).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn who_may_not_is_told_who_may() {
    in_a_hall(|hall| async move {
        let acme = hall.person("acme").await;
        acme.creates_workspace("engineering").await;
        let anna = brings(&hall, &acme, as_admin("anna@x.com"), "anna").await;
        let mike = brings(&hall, &acme, as_member("mike@x.com"), "mike").await;
        let managers = Some("this is done by the owner of the team and its admins".to_owned());
        let owner = Some("this is done by the owner of the team".to_owned());
        let of_team = mike.clone().acting_for("acme").is_refused::<endpoint::ShowTeam>(&[], &Empty {}).await;
        assert_eq!(of_team.2, managers);
        let tokens = ListTokensQuery::default();
        let of_workspace = mike.is_refused::<endpoint::ListTokens>(&["engineering"], &tokens).await;
        assert_eq!(of_workspace.2, managers);
        let delete = anna.is_refused::<endpoint::DeleteWorkspace>(&["engineering"], &Empty {}).await;
        assert_eq!((delete.1.as_str(), delete.2), ("this account may not do that", owner));
    })
    .await;
}

#[tokio::test]
async fn who_cannot_be_invited_is_told_why() {
    in_a_hall(|hall| async move {
        let acme = hall.person("acme").await;
        brings(&hall, &acme, as_member("alice@co.com"), "alice").await;
        let told = acme.is_refused::<endpoint::InviteMember>(&[], &as_member("acme@co.com")).await;
        assert_eq!((told.0, told.1.as_str()), (ErrorCode::Conflict, "this address is the owner's own"));
        let told = acme.is_refused::<endpoint::InviteMember>(&[], &as_member("Alice@Co.com")).await;
        assert_eq!(
            (told.0, told.1.as_str()),
            (ErrorCode::Conflict, "this address belongs to a member already")
        );
        for index in 1..INVITES_PER_WINDOW {
            invites(&acme, as_member(&format!("p{index}@co.com"))).await;
        }
        let told = acme.is_refused::<endpoint::InviteMember>(&[], &as_member("last@co.com")).await;
        assert_eq!(
            (told.0, told.1.as_str()),
            (ErrorCode::LimitReached, "a team sends at most 100 invitations an hour")
        );
        hall.clock.advance(Duration::from_secs(3_600));
        invites(&acme, as_member("last@co.com")).await;
    })
    .await;
}

#[tokio::test]
async fn whoever_is_removed_loses_membership_and_tied_tokens_and_keeps_their_own() {
    in_a_hall(|hall| async move {
        let acme = hall.person("acme").await;
        acme.creates_workspace("engineering").await;
        let alice = brings(&hall, &acme, as_member("alice@co.com"), "alice").await;
        alice.creates_workspace("personal").await;
        alice.creates_token("personal", "Alice").await.unwrap();
        let tied = CreateTokenRequest { person: Some(email("alice@co.com")), ..token_named("Laptop") };
        acme.calls::<endpoint::CreateToken>(&["engineering"], &tied).await.unwrap();
        acme.creates_token("engineering", "Alice").await.unwrap();

        let removed = acme.calls::<endpoint::RemoveMember>(&["alice@co.com"], &Empty {}).await.unwrap();
        assert_eq!((removed.was, removed.tokens_revoked), (MemberStatus::Active, 1));
        let list = ListTokensQuery::default();
        let page = acme.calls::<endpoint::ListTokens>(&["engineering"], &list).await.unwrap();
        let mut statuses: Vec<_> =
            page.items.iter().map(|token| (token.name.as_str(), token.status)).collect();
        statuses.sort_by_key(|(name, _)| *name);
        assert_eq!(statuses, [("Alice", TokenStatus::Active), ("Laptop", TokenStatus::Revoked)]);
        let page = alice.calls::<endpoint::ListTokens>(&["personal"], &list).await.unwrap();
        assert_eq!(page.items[0].status, TokenStatus::Active);
        let told = acme.is_refused::<endpoint::RemoveMember>(&["alice@co.com"], &Empty {}).await;
        assert_eq!(
            (told.0, told.1.as_str()),
            (ErrorCode::NotFound, "nobody in @acme has the address alice@co.com")
        );
        assert_eq!(
            actions(&acme).await[0],
            (Action::MemberRemoved, "acme@co.com".to_owned(), "alice@co.com".to_owned())
        );
    })
    .await;
}

#[tokio::test]
async fn removing_somebody_who_was_only_invited_kills_the_link() {
    in_a_hall(|hall| async move {
        let acme = hall.person("acme").await;
        let link = invites(&acme, as_member("bob@co.com")).await;
        let removed = acme.calls::<endpoint::RemoveMember>(&["bob@co.com"], &Empty {}).await.unwrap();
        assert_eq!((removed.was, removed.tokens_revoked), (MemberStatus::Pending, 0));
        assert_eq!(joins(&hall, &link, "bob").await.err().unwrap().message, DEAD);
        let told = acme.is_refused::<endpoint::RemoveMember>(&["acme@co.com"], &Empty {}).await;
        assert_eq!(
            (told.0, told.1.as_str()),
            (ErrorCode::Conflict, "the owner cannot be removed from the team")
        );
        let told = acme.is_refused::<endpoint::RemoveMember>(&["nonsense"], &Empty {}).await;
        assert_eq!(told.0, ErrorCode::InvalidRequest);
    })
    .await;
}

#[tokio::test]
async fn of_ten_who_follow_a_link_at_once_one_enters() {
    in_a_hall(|hall| async move {
        let acme = hall.person("acme").await;
        let link = invites(&acme, as_member("alice@co.com")).await;
        let tries = (0..10).map(|index| {
            let (hall, link) = (hall.clone(), link.clone());
            tokio::spawn(async move { joins(&hall, &link, &format!("alice-{index}")).await.is_ok() })
        });
        let mut entered = 0;
        for joined in tries.collect::<Vec<_>>() {
            entered += usize::from(joined.await.unwrap());
        }
        assert_eq!(entered, 1);
        assert_eq!(endpoint::AcceptInvite::OPERATION.success_status(), 200);
    })
    .await;
}

#[tokio::test]
async fn strangers_with_links_of_their_own_making_wait_for_nobody_and_keep_nobody_waiting() {
    in_a_hall(|hall| async move {
        let link = RawToken::generate(TokenKind::JoinLink, "", &mut rand::rng());
        let held = hall.app.order().await.unwrap();
        let refused = joins(&hall, link.expose(), "mallory").await.err().unwrap();
        assert_eq!((refused.code, refused.message.as_str()), (ErrorCode::NotFound, DEAD));
        drop(held);
    })
    .await;
}
