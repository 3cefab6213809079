//! Who is made an admin, who stops being one, and what holds at once.

use aerostack_core::api::error::ErrorCode;
use aerostack_core::api::operation::endpoint;
use aerostack_core::api::page::Empty;
use aerostack_core::api::team::{ChangeRoleRequest, ChangedRole};
use aerostack_core::audit::Action;
use aerostack_core::member::TeamRole;

use super::person::{Person, in_a_hall};
use super::team::{actions, as_admin, as_member, brings, email, invites, looks};
use crate::store::testing::sample::slug;

const ADMIN: ChangeRoleRequest = ChangeRoleRequest { role: TeamRole::Admin };
const MEMBER: ChangeRoleRequest = ChangeRoleRequest { role: TeamRole::Member };

async fn gives(owner: &Person, address: &str, request: &ChangeRoleRequest) -> ChangedRole {
    owner.calls::<endpoint::ChangeRole>(&[address], request).await.unwrap()
}

#[tokio::test]
async fn a_role_holds_from_the_next_request_on_and_a_second_time_nothing_is_done() {
    in_a_hall(|hall| async move {
        let acme = hall.person("acme").await;
        acme.creates_workspace("engineering").await;
        let mike = brings(&hall, &acme, as_member("mike@x.com"), "mike").await.acting_for("acme");
        let listed = mike.is_refused::<endpoint::ShowTeam>(&[], &Empty {}).await;
        assert_eq!(listed.0, ErrorCode::Forbidden);

        let changed = |role, was, invites_ended| ChangedRole {
            team: slug("acme"),
            email: email("mike@x.com"),
            role,
            was,
            invites_ended,
        };
        use TeamRole::{Admin, Member};
        assert_eq!(gives(&acme, "Mike@X.com", &ADMIN).await, changed(Admin, Member, 0));
        let joined_at = mike.calls::<endpoint::ShowTeam>(&[], &Empty {}).await.unwrap().members[0].joined_at;
        assert!(joined_at.is_some());
        assert_eq!(gives(&acme, "mike@x.com", &ADMIN).await, changed(Admin, Admin, 0));
        assert_eq!(gives(&acme, "mike@x.com", &MEMBER).await, changed(Member, Admin, 0));
        let listed = mike.is_refused::<endpoint::ShowTeam>(&[], &Empty {}).await;
        assert_eq!(listed.0, ErrorCode::Forbidden);
        assert_eq!(gives(&acme, "mike@x.com", &MEMBER).await, changed(Member, Member, 0));

        // What was not done is not in the log.
        let deed = (Action::RoleChanged, "acme@co.com".to_owned(), "mike@x.com".to_owned());
        assert_eq!(actions(&acme).await[..2], [deed.clone(), deed]);
        assert_eq!(actions(&acme).await.len(), 4);
        let page = acme.calls::<endpoint::ListTeamAudit>(&[], &Default::default()).await.unwrap();
        assert_eq!(page.items[0].detail, "admin to member; 0 invitations ended");
        assert_eq!(page.items[1].detail, "member to admin; 0 invitations ended");
    })
    .await;
}

#[tokio::test]
async fn links_that_an_admin_was_shown_end_with_the_role() {
    in_a_hall(|hall| async move {
        let acme = hall.person("acme").await;
        let anna = brings(&hall, &acme, as_admin("anna@x.com"), "anna").await.acting_for("acme");
        let hers = invites(&anna, as_member("new@x.com")).await;
        let the_owners = invites(&acme, as_member("other@x.com")).await;
        assert_eq!(gives(&acme, "anna@x.com", &ADMIN).await.invites_ended, 0);
        assert!(looks(&hall, &hers).await.is_ok());
        assert_eq!(gives(&acme, "anna@x.com", &MEMBER).await.invites_ended, 1);
        assert_eq!(looks(&hall, &hers).await.err().unwrap().code, ErrorCode::NotFound);
        assert!(looks(&hall, &the_owners).await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn a_role_that_cannot_be_given_is_refused_with_what_to_do() {
    in_a_hall(|hall| async move {
        let acme = hall.person("acme").await;
        let anna = brings(&hall, &acme, as_admin("anna@x.com"), "anna").await.acting_for("acme");
        brings(&hall, &acme, as_member("mike@x.com"), "mike").await;
        let link = invites(&acme, as_member("waits@x.com")).await;
        let owners = "this is done by the owner of the team";
        for (by, address, request, expected) in [
            (&anna, "mike@x.com", ADMIN, (ErrorCode::Forbidden, "this account may not do that", owners)),
            (&anna, "anna@x.com", MEMBER, (ErrorCode::Forbidden, "this account may not do that", owners)),
            (&acme, "acme@co.com", MEMBER, (ErrorCode::Conflict, "the owner's role cannot be changed", "")),
            (
                &acme,
                "waits@x.com",
                ADMIN,
                (
                    ErrorCode::Conflict,
                    "an invitation keeps the role it was made with",
                    "invite them anew: aerostack team invite waits@x.com --role admin",
                ),
            ),
            (
                &acme,
                "somebody-else@company.example",
                ADMIN,
                (ErrorCode::NotFound, "nobody in @acme has the address somebody-else@company.example", ""),
            ),
        ] {
            let (code, message, hint) = by.is_refused::<endpoint::ChangeRole>(&[address], &request).await;
            let told = (code, message.as_str(), hint.as_deref().unwrap_or_default());
            assert_eq!(told, expected, "{address}");
        }
        let told = acme.is_refused::<endpoint::ChangeRole>(&["nonsense"], &ADMIN).await;
        assert_eq!(told.0, ErrorCode::InvalidRequest);
        assert_eq!(looks(&hall, &link).await.unwrap().role, TeamRole::Member);
    })
    .await;
}
