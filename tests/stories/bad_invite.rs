//! Invitations that cannot be meant, sent past the command line: refused with the field, nothing written.

use aerostack_core::api::operation::endpoint;
use aerostack_core::api::page::Empty;
use aerostack_core::member::TeamRole;
use aerostack_core::plan::Plan;
use aerostack_tests::mailbox::{Mailbox, Manner};
use aerostack_tests::person::Person;
use aerostack_tests::story::story;
use aerostack_tests::wire::ask;
use serde_json::{Value, json};

async fn posts(person: &Person, method: &str, path: &str, body: &Value) -> (u16, String) {
    let bearer = format!("Bearer {}", person.key);
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    let answer = ask(person.address, method, path, &headers, body.to_string().as_bytes()).await;
    (answer.status(), answer.json()["error"]["code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn malformed_addresses_and_unknown_roles_are_refused_and_nobody_is_written_to() {
    story(async |world| {
        let mailbox = Mailbox::opens(Manner::Plain).await;
        let mail = mailbox.settings();
        let gateway = world.gateway_with(|config| config.mail = Some(mail)).await;
        let mut acme = gateway.owner().await;
        acme.creates_workspace("engineering").await;
        let bob = gateway.somebody("bob", Plan::Free).await;
        gateway.lets_join(&acme, &bob, TeamRole::Member).await;
        let before = acme.asks::<endpoint::VerifyTeamAudit>(&[], &Empty {}).await.unwrap().count;
        let long = format!("{}@x.com", "a".repeat(10_000));
        for address in [
            "",
            "nobody",
            "@x.com",
            "a@",
            "a b@x.com",
            "a@x.com\r\nBcc: everybody@x.com",
            "a@x.com\0",
            "a@x.com,b@x.com",
            "<a@x.com>",
            long.as_str(),
        ] {
            for path in ["/api/v1/team/invites", "/api/v1/workspaces/engineering/members"] {
                let told = posts(&acme, "POST", path, &json!({ "email": address })).await;
                assert_eq!(told, (400, "invalid_request".to_owned()), "{address:?} to {path}");
            }
        }
        for role in [json!("emperor"), json!("owner"), json!("ADMIN"), json!(""), json!(7), json!(["admin"])]
        {
            let invite = json!({ "email": "new@x.com", "role": role });
            let told = posts(&acme, "POST", "/api/v1/team/invites", &invite).await;
            assert_eq!(told, (400, "invalid_request".to_owned()), "{role}");
            let told = posts(&acme, "PATCH", "/api/v1/team/bob@example.com", &json!({ "role": role })).await;
            assert_eq!(told, (400, "invalid_request".to_owned()), "{role}");
        }
        let more = json!({ "email": "new@x.com", "plan": "enterprise" });
        let told = posts(&acme, "POST", "/api/v1/team/invites", &more).await;
        assert_eq!(told, (400, "invalid_request".to_owned()));

        assert_eq!(mailbox.taken(), []);
        let team = acme.asks::<endpoint::ShowTeam>(&[], &Empty {}).await.unwrap();
        let members: Vec<_> =
            team.members.iter().map(|member| (member.email.as_str(), member.role)).collect();
        assert_eq!(members, [("bob@example.com", TeamRole::Member)]);
        let after = acme.asks::<endpoint::VerifyTeamAudit>(&[], &Empty {}).await.unwrap();
        assert_eq!((after.ok, after.count), (true, before));
    })
    .await;
}
