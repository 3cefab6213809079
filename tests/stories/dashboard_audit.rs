//! The audit log on pages: filtered, verified, taken away as a sheet.

use aerostack_core::audit::{Action, AuditEvent};
use aerostack_gateway::store;
use aerostack_tests::browser::Browser;
use aerostack_tests::page::row;
use aerostack_tests::story::story;

#[tokio::test]
async fn the_log_is_filtered_verified_and_exported_on_pages() {
    story(async |world| {
        let gateway = world.gateway_out_of_time().await;
        let mut owner = gateway.owner().await;
        owner.creates_workspace("engineering").await;
        let alice = owner.creates_token("=Alice, \"A\"").await;
        owner.revokes(&alice.id).await.unwrap();
        let mut browser = Browser::of(&owner).await;
        let own = "/workspaces/engineering/audit";
        let all = browser.opens(own).await;
        assert_eq!(
            row(&all, "token_revoked"),
            format!("2026-03-17 11:15 UTC admin@co.com token_revoked =Alice, \"A\" {}", alice.id)
        );
        let created = browser.opens(&format!("{own}?since=2026-03-17&action=token_created&actor=admin@co.com")).await;
        assert!(row(&created, "token_created").contains("=Alice"));
        assert!(!created.text().contains("<code>token_revoked</code>"));
        let export = "/workspaces/engineering/audit/export?since=2026-03-17&#38;actor=admin%40co.com&#38;action=token_created";
        assert!(created.text().contains(export), "{}", created.text());
        assert!(browser.opens(&format!("{own}?until=2026-03-17")).await.text().contains("No such events"));
        for bad in ["since=soon", "action=nothing"] {
            let answer = browser.opens(&format!("{own}?{bad}")).await;
            assert_eq!(answer.status(), 400, "{bad}");
            assert!(answer.text().contains("-problem\" role=\"alert\">"));
        }

        let verified = browser.opens(&format!("{own}/verify")).await.text();
        let head = owner.verifies_audit().await.head;
        assert!(verified.contains("The chain holds") && verified.contains("3 events") && verified.contains(&head));

        let sheet = browser.opens(&format!("{own}/export?action=token_created")).await;
        assert_eq!(sheet.header("content-type"), Some("text/csv; charset=utf-8"));
        assert_eq!(sheet.header("content-disposition"), Some("attachment; filename=\"audit-engineering.csv\""));
        let expected = format!(
            "sequence,at,actor,action,object,detail\r\n\
             2,2026-03-17T11:15:00.000Z,admin@co.com,token_created,\"'=Alice, \"\"A\"\"\",{}\r\n",
            alice.id
        );
        assert_eq!(sheet.text(), expected);

        let team = browser.opens("/team/audit").await;
        assert!(row(&team, "signed_in").contains("with an account key"));
    })
    .await;
}

#[tokio::test]
async fn a_sheet_holds_the_whole_log_however_long_it_is() {
    /// More than the API gives at once.
    const EVENTS: usize = 2_100;
    story(async |world| {
        let gateway = world.gateway_out_of_time().await;
        let mut owner = gateway.owner().await;
        let chain = owner.creates_workspace("engineering").await.id;
        let app = gateway.app();
        let (key, key_id) = (app.vault.audit_key(), app.vault.audit_key_id());
        let mut tx = app.store.write().await.unwrap();
        for number in 0..EVENTS {
            let event = AuditEvent {
                at: app.clock.now(),
                actor: "admin@co.com".to_owned(),
                action: Action::ToolDisabled,
                object: format!("tool_{number}"),
                detail: String::new(),
            };
            store::audit::append(&mut tx, key, key_id, chain.as_str(), &event).await.unwrap();
        }
        tx.commit().await.unwrap();
        let sheet = Browser::of(&owner).await.opens("/workspaces/engineering/audit/export").await.text();
        let rows: Vec<&str> = sheet.lines().collect();
        // The names of the columns, and that the workspace was made.
        assert_eq!(rows.len(), EVENTS + 2);
        assert!(rows[1].ends_with(",tool_2099,") && rows[EVENTS].ends_with(",tool_0,"), "{}", rows[1]);
    })
    .await;
}
