//! Offboarding: by address and by name, in all workspaces at once, twice, dry, and by whom not.

use aerostack_core::account::Email;
use aerostack_core::api::error::ErrorCode;
use aerostack_core::api::offboard::{OffboardReport, OffboardRequest, OffboardedToken, WorkspaceSeats};
use aerostack_core::api::operation::endpoint;
use aerostack_core::api::token::{CreateTokenRequest, CreatedToken};
use aerostack_core::bearer::TokenDigest;
use aerostack_core::invite::{InviteOrder, InvitePlace, invite};
use aerostack_core::member::{Membership, TeamRole, WorkspaceMembership};
use aerostack_core::plan::{Plan, Seats};
use aerostack_core::slug::Slug;

use super::person::{Hall, Person, in_a_hall, token_named};
use crate::store;
use crate::store::testing::sample::NOW;

fn email(text: &str) -> Email {
    Email::parse(text).unwrap()
}

fn asked(who: &str, dry_run: bool) -> OffboardRequest {
    OffboardRequest { who: who.to_owned(), dry_run }
}

impl Hall {
    fn lets_in(&self, token: &CreatedToken) -> bool {
        let grant = self.app.grants.find(&TokenDigest::of(&token.token));
        grant.is_some_and(|grant| grant.is_live(self.clock.now()))
    }

    async fn joins_team(&self, team: &Person, person: &Person, role: TeamRole) {
        let (team, account) = (team.account.id.clone(), person.account.id.clone());
        let mut tx = self.app.store.write().await.unwrap();
        store::member::put(&mut tx, &Membership { team, account, role, joined_at: NOW }).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn joins_workspace(&self, workspace: &str, person: &Person) {
        let mut tx = self.app.store.write().await.unwrap();
        let slug = Slug::parse(workspace).unwrap();
        let workspace = store::workspace::find_by_slug(&mut tx, &slug).await.unwrap().unwrap().id;
        let membership =
            WorkspaceMembership { workspace, account: person.account.id.clone(), joined_at: NOW };
        store::workspace_member::put(&mut tx, &membership).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn is_invited(&self, team: &Person, workspace: Option<&str>, address: &str, role: TeamRole) {
        let mut tx = self.app.store.write().await.unwrap();
        let workspace = match workspace {
            Some(slug) => {
                let slug = Slug::parse(slug).unwrap();
                Some(store::workspace::find_by_slug(&mut tx, &slug).await.unwrap().unwrap().id)
            }
            None => None,
        };
        let order = InviteOrder {
            team: team.account.id.clone(),
            workspace,
            email: email(address),
            role,
            is_handed_over: true,
            invited_by: team.account.id.clone(),
        };
        let issued = invite(order, InvitePlace::default(), NOW, &mut rand::rng()).unwrap();
        store::invite::insert(&mut tx, &issued.invite).await.unwrap();
        tx.commit().await.unwrap();
    }
}

impl Person {
    async fn ties(&self, workspace: &str, name: &str, address: &str) -> CreatedToken {
        let request = CreateTokenRequest { person: Some(email(address)), ..token_named(name) };
        self.calls::<endpoint::CreateToken>(&[workspace], &request).await.unwrap()
    }

    async fn offboards(&self, who: &str) -> OffboardReport {
        self.calls::<endpoint::Offboard>(&[], &asked(who, false)).await.unwrap()
    }

    /// As a member of somebody's team.
    async fn offboards_from(&self, team: &str, who: &str) -> Result<OffboardReport, ErrorCode> {
        let answer = self.acting_for(team).calls::<endpoint::Offboard>(&[], &asked(who, false)).await;
        answer.map_err(|error| error.code)
    }

    async fn audits(&self, workspace: &str) -> Vec<String> {
        let page = self.calls::<endpoint::ListAudit>(&[workspace], &Default::default()).await.unwrap();
        page.items.iter().map(|event| format!("{}: {}", event.action, event.object)).collect()
    }

    /// The words of the account's own chain, oldest first.
    async fn account_audit(&self) -> Vec<String> {
        let mut tx = self.app.store.read().await.unwrap();
        let rows = store::audit::walk(&mut tx, self.account.id.as_str(), 0, 100).await.unwrap();
        rows.into_iter()
            .map(|row| row.event.map(|event| format!("{} ({})", event.summary(), event.detail)).unwrap())
            .collect()
    }
}

/// What ended and what stayed, as `workspace/name`.
fn names(report: &OffboardReport) -> (Vec<String>, Vec<String>) {
    let shown = |token: &OffboardedToken| format!("{}/{}", token.workspace, token.name);
    (report.tokens.iter().map(shown).collect(), report.not_touched.iter().map(shown).collect())
}

#[tokio::test]
async fn everything_tied_to_a_person_ends_in_all_workspaces_and_what_only_looks_like_them_stays() {
    in_a_hall(|hall| async move {
        let acme = hall.person("acme").await;
        for workspace in ["engineering", "operations"] {
            acme.creates_workspace(workspace).await;
        }
        let alice = hall.person("alice").await;
        alice.creates_workspace("alices-own").await;
        let own = alice.ties("alices-own", "Mine", "alice@co.com").await;
        hall.joins_team(&acme, &alice, TeamRole::Member).await;
        hall.joins_workspace("operations", &alice).await;
        hall.is_invited(&acme, Some("engineering"), "alice@co.com", TeamRole::Member).await;
        let first = acme.ties("engineering", "Alice Chen", "alice@co.com").await;
        let second = acme.ties("operations", "Laptop", "alice@co.com").await;
        let resembling = acme.creates_token("operations", "Alice Cursor").await.unwrap();
        let bob = acme.ties("engineering", "Bob", "bob@co.com").await;

        let plan = acme.calls::<endpoint::Offboard>(&[], &asked("alice@co.com", true)).await.unwrap();
        assert!(plan.dry_run && !plan.nothing_to_do);
        assert!(hall.lets_in(&first), "a dry run changes nothing");
        let report = acme.offboards("Alice@Co.com").await;
        assert_eq!(OffboardReport { dry_run: true, ..report.clone() }, plan, "the plan is what is done");
        let (ended, left) = names(&report);
        assert_eq!(ended, ["engineering/Alice Chen", "operations/Laptop"]);
        assert_eq!(left, ["operations/Alice Cursor"]);
        assert_eq!(report.person, Some(email("alice@co.com")));
        assert_eq!(report.team_membership.map(|membership| membership.role), Some(TeamRole::Member));
        assert_eq!(report.workspace_memberships.len(), 1);
        assert_eq!(report.invitations.len(), 1);
        let seats = |workspace: &str, used| WorkspaceSeats {
            workspace: Slug::parse(workspace).unwrap(),
            seats: Seats { used, limit: Some(25), plan: Plan::Pro },
        };
        assert_eq!(report.seats, [seats("engineering", 1), seats("operations", 1)]);
        assert!(!hall.lets_in(&first) && !hall.lets_in(&second));
        assert!(hall.lets_in(&resembling) && hall.lets_in(&bob) && hall.lets_in(&own));
        let listed = acme.calls::<endpoint::ListTokens>(&["engineering"], &Default::default()).await.unwrap();
        assert_eq!(listed.seats.used, 1);

        let again = acme.offboards("alice@co.com").await;
        assert!(again.nothing_to_do && again.tokens.is_empty() && again.seats.is_empty());
        assert_eq!(names(&again).1, ["operations/Alice Cursor"]);
        let by_name = acme.offboards("Alice Chen").await;
        assert!(by_name.nothing_to_do);
        assert_eq!(by_name.person, Some(email("alice@co.com")));

        let engineering = acme.audits("engineering").await;
        assert_eq!(engineering[..2], ["invite_removed: alice@co.com", "token_revoked: Alice Chen"]);
        let operations = acme.audits("operations").await;
        assert_eq!(operations[..2], ["member_removed: alice@co.com", "token_revoked: Laptop"]);
        assert_eq!(
            acme.account_audit().await,
            [
                "member_removed: alice@co.com (member, offboarding)",
                "person_offboarded: alice@co.com (2 tokens, team membership (member), \
                 1 workspace membership, 1 invitation)",
            ]
        );
    })
    .await;
}

#[tokio::test]
async fn a_name_stands_for_its_person_and_a_name_of_nobody_for_its_tokens_alone() {
    in_a_hall(|hall| async move {
        let acme = hall.person("acme").await;
        for workspace in ["engineering", "operations"] {
            acme.creates_workspace(workspace).await;
        }
        let tied = acme.ties("engineering", "Alice Chen", "alice@co.com").await;
        let other = acme.ties("operations", "Cursor", "alice@co.com").await;
        let namesake = acme.creates_token("operations", "Alice Chen").await.unwrap();
        let report = acme.offboards("Alice Chen").await;
        assert_eq!(names(&report).0, ["engineering/Alice Chen", "operations/Cursor"]);
        assert_eq!(names(&report).1, ["operations/Alice Chen"]);
        assert!(!hall.lets_in(&tied) && !hall.lets_in(&other) && hall.lets_in(&namesake));

        let bots = [
            acme.creates_token("engineering", "CI Bot").await.unwrap(),
            acme.creates_token("operations", "CI Bot").await.unwrap(),
        ];
        let second = acme.creates_token("operations", "CI Bot 2").await.unwrap();
        let report = acme.offboards("CI Bot").await;
        assert_eq!((report.person, report.token_name.as_deref()), (None, Some("CI Bot")));
        assert!(bots.iter().all(|bot| !hall.lets_in(bot)) && hall.lets_in(&second));
        let again = acme.offboards("CI Bot").await;
        assert!(again.nothing_to_do);
    })
    .await;
}

#[tokio::test]
async fn what_names_nobody_is_refused_and_a_pasted_token_is_not_repeated() {
    in_a_hall(|hall| async move {
        let acme = hall.person("acme").await;
        acme.creates_workspace("engineering").await;
        let created = acme.ties("engineering", "Alice Chen", "alice@co.com").await;
        let refused = acme.is_refused::<endpoint::Offboard>(&[], &asked("Alice Chan", false)).await;
        let message = "no token of this team is named 'Alice Chan'".to_owned();
        let hint = "did you mean 'Alice Chen' or 'alice@co.com'?";
        assert_eq!(refused, (ErrorCode::NotFound, message, Some(hint.to_owned())));
        let (code, message, hint) =
            acme.is_refused::<endpoint::Offboard>(&[], &asked(&created.token, false)).await;
        assert_eq!(code, ErrorCode::InvalidRequest);
        assert!(!format!("{message}{hint:?}").contains(&created.token));
        let (code, ..) = acme.is_refused::<endpoint::Offboard>(&[], &asked("", true)).await;
        assert_eq!(code, ErrorCode::InvalidRequest);
        assert!(hall.lets_in(&created));
        assert!(acme.account_audit().await.is_empty(), "nothing was done, so nothing is written");
    })
    .await;
}

#[tokio::test]
async fn an_address_that_the_team_never_knew_is_no_success_and_one_it_knew_is() {
    in_a_hall(|hall| async move {
        let acme = hall.person("acme").await;
        acme.creates_workspace("engineering").await;
        acme.ties("engineering", "Alice Chen", "alice@co.com").await;
        acme.creates_token("engineering", "Dora Laptop").await.unwrap();
        // An account of the gateway that is no part of this team is as unknown as no account.
        hall.person("stranger").await;
        let refused = |who: &'static str, dry_run| {
            let acme = &acme;
            async move { acme.is_refused::<endpoint::Offboard>(&[], &asked(who, dry_run)).await }
        };
        let told = |who: &str, hint: &str| {
            let message = format!("nobody has, or ever had, the address {who} in this team");
            (ErrorCode::NotFound, message, Some(hint.to_owned()))
        };
        let lists = "`aerostack team list` and `aerostack workspace token list` show who there is";
        for (who, hint) in [
            ("alcie@co.com", "did you mean 'alice@co.com'?"),
            ("dora@co.com", "did you mean the token 'Dora Laptop'?"),
            ("stranger@co.com", lists),
            ("nobody@co.com", lists),
        ] {
            assert_eq!(refused(who, true).await, told(who, hint));
            assert_eq!(refused(who, false).await, told(who, hint));
        }
        assert!(acme.account_audit().await.is_empty(), "nothing was done, so nothing is written");

        hall.is_invited(&acme, None, "carol@co.com", TeamRole::Member).await;
        for who in ["alice@co.com", "carol@co.com"] {
            assert!(!acme.offboards(who).await.nothing_to_do, "{who}");
            assert!(acme.offboards(who).await.nothing_to_do, "{who}");
        }
    })
    .await;
}

#[tokio::test]
async fn nobody_offboards_the_owner_and_an_admin_no_admin() {
    in_a_hall(|hall| async move {
        let acme = hall.person("acme").await;
        acme.creates_workspace("engineering").await;
        let (anna, adam, mike) =
            (hall.person("anna").await, hall.person("adam").await, hall.person("mike").await);
        hall.joins_team(&acme, &anna, TeamRole::Admin).await;
        hall.joins_team(&acme, &adam, TeamRole::Admin).await;
        hall.joins_team(&acme, &mike, TeamRole::Member).await;
        hall.is_invited(&acme, None, "new@co.com", TeamRole::Admin).await;
        for protected in ["acme@co.com", "adam@co.com", "new@co.com", "anna@co.com"] {
            let refused = anna.offboards_from("acme", protected).await.unwrap_err();
            assert_eq!(refused, ErrorCode::Forbidden, "{protected}");
        }
        let own = acme.is_refused::<endpoint::Offboard>(&[], &asked("acme@co.com", true)).await;
        assert_eq!(own.1, "acme@co.com owns this team and cannot be offboarded from it");
        assert!(anna.offboards_from("acme", "mike@co.com").await.unwrap().team_membership.is_some());
        assert_eq!(mike.offboards_from("acme", "anna@co.com").await.unwrap_err(), ErrorCode::NotFound);
        assert!(acme.offboards("adam@co.com").await.team_membership.is_some());
        assert_eq!(acme.offboards("new@co.com").await.invitations.len(), 1);
        assert_eq!(adam.offboards_from("acme", "anna@co.com").await.unwrap_err(), ErrorCode::NotFound);
    })
    .await;
}
