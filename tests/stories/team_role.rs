//! Somebody is made an admin of the team, and stops being one.

use std::time::Duration;

use aerostack_core::member::TeamRole;
use aerostack_core::plan::Plan;
use aerostack_tests::browser::Browser;
use aerostack_tests::cli::Terminal;
use aerostack_tests::gateway::Gateway;
use aerostack_tests::mailbox::{Mailbox, Manner};
use aerostack_tests::patience::eventually;
use aerostack_tests::person::Person;
use aerostack_tests::story::story;
use futures_util::future::join;
use tokio::sync::Mutex;

fn terminal_of(gateway: &Gateway, key: &str) -> Terminal {
    Terminal::of(&Person::new(gateway.address(), "somebody", key, gateway.clock.clone()))
}

#[tokio::test]
async fn a_member_is_made_an_admin_and_a_member_again_and_every_door_knows_at_once() {
    story(async |world| {
        let gateway = world.gateway_out_of_time().await;
        let mut acme = Terminal::of(&gateway.owner().await);
        acme.does(&["workspace", "create", "engineering"]).await;
        let link = acme.does(&["team", "invite", "anna@x.com"]).await;
        let joined =
            terminal_of(&gateway, "").runs(&["team", "join", link.trim(), "--username", "anna"]).await;
        let key = joined.stdout.trim().to_owned();
        let mut anna = terminal_of(&gateway, &key);
        let mut browser = Browser::at(gateway.address());
        browser.opens("/sign-in").await;
        browser.sends("/sign-in", &[("key", &key)]).await;
        let create = ["workspace", "token", "create", "engineering", "--name", "CI", "--output", "token"];
        assert_eq!(anna.runs(&create).await.code, 1);
        let tab = "/workspaces/engineering/tokens\"";
        assert!(!browser.opens("/workspaces/engineering").await.text().contains(tab));

        let raise = ["team", "role", "anna@x.com", "admin"];
        let own = anna.runs(&["team", "role", "anna@x.com", "admin", "--team", "acme"]).await;
        assert_eq!(
            (own.code, own.stderr.as_str()),
            (
                1,
                "error: this account may not do that\n\
                 hint: this is done by the owner of the team\n"
            )
        );
        assert_eq!(acme.runs(&raise).await.stderr, "✓ anna@x.com is an admin of @acme now.\n");
        assert!(anna.does(&create).await.starts_with("mwt_ci_"));
        assert!(browser.opens("/workspaces/engineering").await.text().contains(tab));
        let again = acme.runs(&raise).await;
        assert_eq!(
            (again.code, again.stderr.as_str()),
            (0, "✓ anna@x.com is an admin of @acme already; nothing was done.\n")
        );

        anna.does(&["team", "invite", "bob@x.com", "--team", "acme"]).await;
        let lowered = acme.runs(&["team", "role", "anna@x.com", "member"]).await;
        assert_eq!(
            lowered.stderr,
            "✓ anna@x.com is a member of @acme now. 1 invitation whose link they were shown ended.\n"
        );
        let refused = anna.runs(&["workspace", "token", "list", "engineering"]).await;
        assert_eq!((refused.code, refused.stderr.as_str()), (
                1,
                "error: this account may not do that\nhint: this is done by the owner of the team and its admins\n"
            )
        );
        assert!(!browser.opens("/workspaces/engineering").await.text().contains(tab));
        // Her place is the one she had.
        anna.does(&["mcp", "list", "--workspace", "engineering"]).await;
        assert_eq!(acme.runs(&["team", "role", "anna@x.com", "emperor"]).await.code, 2);
        assert_eq!(
            acme.does(&["team", "audit", "--action", "role_changed"]).await,
            "2026-03-17 11:15 UTC   admin@co.com   role_changed: anna@x.com\n\
             2026-03-17 11:15 UTC   admin@co.com   role_changed: anna@x.com\n"
        );
        assert!(acme.runs(&["team", "audit", "--verify"]).await.stderr.contains("holds"));
    })
    .await;
}

#[tokio::test]
async fn whoever_lost_the_role_while_a_mail_was_tried_is_shown_no_link() {
    story(async |world| {
        let mailbox = Mailbox::opens(Manner::Silent).await;
        let mail = mailbox.settings();
        let gateway = world
            .gateway_with(|config| {
                config.mail = Some(mail);
                config.limits.mail_timeout = Duration::from_secs(3);
            })
            .await;
        let mut acme = gateway.owner().await;
        acme.creates_workspace("engineering").await;
        let anna = gateway.somebody("anna", Plan::Free).await;
        gateway.lets_join(&acme, &anna, TeamRole::Admin).await;
        let owner = Mutex::new(Terminal::of(&acme));
        for (invite, list) in [
            (&["team", "invite", "bob@x.com", "--team", "acme"][..], &["team", "list"][..]),
            (
                &["workspace", "member", "invite", "engineering", "bob@x.com"],
                &["workspace", "member", "list", "engineering"],
            ),
        ] {
            owner.lock().await.does(&["team", "role", "anna@example.com", "admin"]).await;
            let mut annas = Terminal::of(&anna);
            let lowered = async {
                eventually("bob is invited", async || {
                    owner.lock().await.does(list).await.contains("bob@x.com")
                })
                .await;
                owner.lock().await.does(&["team", "role", "anna@example.com", "member"]).await;
            };
            let (told, ()) = join(annas.runs(invite), lowered).await;
            assert_eq!(
                (told.code, told.stdout.as_str(), told.stderr.as_str()),
                (
                    1,
                    "",
                    "error: this account may not do that\nhint: this is done by the owner of the team and its admins\n"
                )
            );
        }
    })
    .await;
}
