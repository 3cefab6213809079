//! Invitations from the first word to the last: made, mailed or handed over, followed, dead.

use aerostack_core::api::operation::endpoint;
use aerostack_core::api::page::Empty;
use aerostack_core::plan::Plan;
use aerostack_gateway::config::{Mail, MailTls};
use aerostack_tests::browser::{Browser, path_of};
use aerostack_tests::cli::Terminal;
use aerostack_tests::gateway::Gateway;
use aerostack_tests::mailbox::{Mailbox, Manner};
use aerostack_tests::person::Person;
use aerostack_tests::story::{BEGINNING, story};
use std::time::Duration;

/// A terminal at which nobody is logged in.
fn nobodys(gateway: &Gateway) -> Terminal {
    Terminal::of(&Person::new(gateway.address(), "nobody", "", gateway.clock.clone()))
}

/// A terminal of whoever holds a key.
fn terminal_of(gateway: &Gateway, key: &str) -> Terminal {
    Terminal::of(&Person::new(gateway.address(), "somebody", key, gateway.clock.clone()))
}

/// The account key that a text shows.
fn key_in(text: &str) -> String {
    let start = text.find("ak_").expect("a key is shown");
    text[start..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
}

#[tokio::test]
async fn whoever_is_invited_joins_at_the_page_and_works_at_the_command_line() {
    story(async |world| {
        let gateway = world.gateway_out_of_time().await;
        let mut acme = Terminal::of(&gateway.owner().await);
        let made = acme.runs(&["team", "invite", "alice@company.com"]).await;
        assert_eq!(
            (made.code, made.stderr.as_str()),
            (0, "✓ Invitation of alice@company.com made.\nNo mail server is configured: nothing was sent. Hand over this link:\n")
        );
        let path = path_of(made.stdout.trim());
        assert_eq!(
            acme.does(&["team", "list"]).await,
            "Members of @acme:\nMEMBER              STATUS    JOINED\nalice@company.com   pending   invited 2026-03-17\n"
        );

        let mut alice = Browser::at(gateway.address());
        // However often a scanner follows the link, it stays good.
        for _ in 0..3 {
            let page = alice.opens(&path).await;
            assert_eq!(page.status(), 200);
            for words in ["Join @acme", "alice@company.com", "member", "2026-03-24 11:15 UTC", "Choose a username"] {
                assert!(page.text().contains(words), "{words}");
            }
        }
        let taken = alice.sends(&path, &[("username", "acme")]).await;
        assert_eq!(taken.status(), 409);
        assert!(taken.text().contains("The username &#39;acme&#39; is taken"), "{}", taken.text());
        let page = alice.sends(&path, &[("username", "alice")]).await;
        assert_eq!((page.status(), page.header("cache-control")), (200, Some("no-store")));
        let key = key_in(&page.text());
        assert!(alice.opens("/").await.text().contains("alice@company.com"));
        let again = alice.opens(&path).await;
        assert_eq!(again.status(), 404);
        assert!(again.text().contains("This invitation is not valid any more"));

        let mut own = terminal_of(&gateway, &key);
        assert!(own.does(&["whoami"]).await.contains("alice (alice@company.com), Free plan"));
        own.does(&["workspace", "create", "personal"]).await;
        assert_eq!(
            acme.does(&["team", "list"]).await,
            "Members of @acme:\nMEMBER              STATUS   JOINED\nalice@company.com   active   2026-03-17\n"
        );
        assert_eq!(
            acme.does(&["team", "audit", "--limit", "2"]).await,
            "2026-03-17 11:15 UTC   alice@acme     member_joined: alice@company.com\n\
             2026-03-17 11:15 UTC   admin@co.com   member_invited: alice@company.com\n"
        );
    })
    .await;
}

#[tokio::test]
async fn a_link_is_joined_at_the_command_line_whole_or_from_its_end() {
    story(async |world| {
        let gateway = world.gateway_out_of_time().await;
        let mut acme = Terminal::of(&gateway.owner().await);
        let invite = async |acme: &mut Terminal, email: &str| {
            acme.does(&["team", "invite", email]).await.trim().to_owned()
        };
        let link = invite(&mut acme, "bob@company.com").await;
        let mut bob = nobodys(&gateway);
        let asked = bob.runs(&["team", "join", &link]).await;
        assert_eq!(asked.code, 2);
        assert!(
            asked.stderr.starts_with("error: bob@company.com has no account yet: a username is needed\n")
        );
        let joined = bob.runs(&["team", "join", &link, "--username", "bob"]).await;
        assert_eq!(joined.code, 0, "{joined:?}");
        assert!(joined.stderr.starts_with("✓ Joined @acme as bob (member).\n"), "{}", joined.stderr);
        let key = joined.stdout.trim().to_owned();
        // The account that exists joins another team with its own key, and is shown none.
        let mut other = Terminal::of(&gateway.somebody("zoe", Plan::Free).await);
        let link = invite(&mut other, "bob@company.com").await;
        let end = link.rsplit('/').next().unwrap().to_owned();
        let stranger = nobodys(&gateway).runs(&["team", "join", &end]).await;
        assert_eq!(stranger.code, 1);
        assert!(!stranger.stderr.contains(&end) && !stranger.stderr.contains("jl_"), "{}", stranger.stderr);
        let joined = terminal_of(&gateway, &key).runs(&["team", "join", &end]).await;
        assert_eq!((joined.code, joined.stdout.as_str()), (0, ""));
        assert_eq!(joined.stderr, "✓ Joined @zoe as bob (member).\n");
        let mut own = terminal_of(&gateway, &key);
        let refused = own.runs(&["team", "invite", "x@y.z", "--team", "zoe"]).await;
        assert_eq!(
            (refused.code, refused.stderr.lines().next()),
            (1, Some("error: this account may not do that"))
        );
    })
    .await;
}

#[tokio::test]
async fn dead_links_have_one_plain_page() {
    story(async |world| {
        let gateway = world.gateway_out_of_time().await;
        let owner = gateway.owner().await;
        let mut acme = Terminal::of(&owner);
        let mut paths = Vec::new();
        for email in ["a@x.com", "a@x.com", "b@x.com", "c@x.com"] {
            paths.push(path_of(acme.does(&["team", "invite", email]).await.trim()));
        }
        let mut somebody = Browser::at(gateway.address());
        somebody.opens(&paths[1]).await;
        assert_eq!(somebody.sends(&paths[1], &[("username", "anna")]).await.status(), 200);
        acme.does(&["team", "remove", "b@x.com"]).await;
        gateway.clock.advance(Duration::from_secs(7 * 86_400));
        let mut shown = Vec::new();
        for path in paths.iter().map(String::as_str).chain(["/join/jl_nothing"]) {
            let page = Browser::at(gateway.address()).opens(path).await;
            assert_eq!(page.status(), 404, "{path}");
            shown.push(page.text());
        }
        shown.dedup();
        assert_eq!(shown.len(), 1);
        assert!(shown[0].contains("This invitation is not valid any more"));
        assert!(acme.does(&["team", "list"]).await.contains("c@x.com   expired   invited 2026-03-17"));
    })
    .await;
}

#[tokio::test]
async fn mail_goes_out_over_every_kind_of_connection_and_proves_the_address() {
    story(async |world| {
        for manner in [Manner::Plain, Manner::StartTls, Manner::Tls] {
            let mailbox = Mailbox::opens(manner).await;
            let mail = mailbox.settings();
            let mut gateway = world.gateway_with(|config| config.mail = Some(mail)).await;
            let username = format!("owner-{manner:?}").to_lowercase();
            let mut acme = Terminal::of(&gateway.somebody(&username, Plan::Free).await);
            let address = format!("alice@{username}.test");
            let sent = acme.runs(&["team", "invite", &address]).await;
            assert_eq!((sent.code, sent.stdout.as_str()), (0, ""), "{sent:?}");
            assert_eq!(sent.stderr, "✓ Invitation sent. Alice will receive a join link via email.\n");
            let letter = mailbox.taken().pop().unwrap();
            assert_eq!((letter.to.as_str(), letter.over_tls), (address.as_str(), manner != Manner::Plain));
            assert_eq!(letter.credentials.is_some(), manner != Manner::Plain);
            for words in
                ["From: Aerostack <noreply@acme.test>", "text/plain", "text/html", "You are invited to @"]
            {
                assert!(letter.text.contains(words), "{words}: {}", letter.text);
            }
            let header = |name: &str| letter.text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            assert!(header("Date: ").ends_with(" +0000"), "{}", letter.text);
            let id = header("Message-ID: ").strip_prefix('<').unwrap().strip_suffix("@acme.test>").unwrap();
            assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
            let path = path_of(&mailbox.link_for(&address));
            let mut alice = Browser::at(gateway.address());
            alice.opens(&path).await;
            let page = alice.sends(&path, &[("username", &format!("alice-{manner:?}").to_lowercase())]).await;
            assert_eq!(page.status(), 200, "{}", page.text());
            // A mailed link proves the address: from now on it signs in by mail.
            let mut elsewhere = Browser::at(gateway.address());
            elsewhere.opens("/sign-in").await;
            let before = mailbox.taken().len();
            let told = elsewhere.sends("/sign-in", &[("email", &address)]).await;
            let nobody = elsewhere.sends("/sign-in", &[("email", "nobody@x.com")]).await;
            assert_eq!((told.status(), told.text()), (nobody.status(), nobody.text()));
            aerostack_tests::patience::eventually("a link is mailed", async || {
                mailbox.taken().len() > before
            })
            .await;
            let path = path_of(&mailbox.link_for(&address));
            assert_eq!(elsewhere.opens(&path).await.status(), 200);
            assert_eq!(elsewhere.sends(&path, &[]).await.header("location"), Some("/"));
            assert!(elsewhere.opens("/").await.text().contains(&address));
            assert_eq!(Browser::at(gateway.address()).opens(&path).await.status(), 404);
            gateway.stops().await;
        }
    })
    .await;
}

#[tokio::test]
async fn what_keeps_a_mail_server_from_being_used_is_said() {
    story(async |world| {
        let trusted = Mailbox::opens(Manner::Tls).await;
        let clear = Mailbox::opens(Manner::Plain).await;
        let gone = Mail { port: 1, ..clear.settings() };
        for (username, mail, why) in [
            (
                "una",
                Mail { roots: None, ..trusted.settings() },
                "the mail server's certificate is not accepted",
            ),
            (
                "dos",
                Mail { tls: MailTls::Required, ..clear.settings() },
                "the mail server does not offer what the settings demand: STARTTLS, or a way to sign in",
            ),
            ("tres", gone, "the mail server cannot be reached"),
        ] {
            let mut gateway = world.gateway_with(|config| config.mail = Some(mail)).await;
            let mut acme = Terminal::of(&gateway.somebody(username, Plan::Free).await);
            let sent = acme.runs(&["team", "invite", &format!("bob@{username}.test")]).await;
            assert!(
                sent.stderr.contains(&format!("the mail was not sent: {why}. Hand over this link:")),
                "{sent:?}"
            );
            gateway.stops().await;
        }
        assert!(trusted.taken().is_empty() && clear.taken().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_mail_that_cannot_be_sent_is_said_and_its_link_handed_over() {
    story(async |world| {
        for (manner, why) in [
            (Manner::Refusing, "the mail server refused the mail (550)"),
            (Manner::Silent, "the mail server did not answer in time"),
        ] {
            let mailbox = Mailbox::opens(manner).await;
            let mail = mailbox.settings();
            let mut gateway = world
                .gateway_with(|config| {
                    config.mail = Some(mail);
                    config.limits.mail_timeout = Duration::from_secs(2);
                })
                .await;
            let username = format!("owner-{manner:?}").to_lowercase();
            let mut acme = Terminal::of(&gateway.somebody(&username, Plan::Free).await);
            let sent = acme.runs(&["team", "invite", &format!("bob@{username}.test")]).await;
            assert_eq!(sent.code, 0);
            assert!(
                sent.stderr.contains(&format!("the mail was not sent: {why}. Hand over this link:")),
                "{sent:?}"
            );
            assert!(!sent.stderr.contains("Invitation sent"));
            let page = Browser::at(gateway.address()).opens(&path_of(sent.stdout.trim())).await;
            assert_eq!(page.status(), 200);
            gateway.stops().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_session_is_begun_by_a_link_used_once_and_ended_at_once() {
    story(async |world| {
        let gateway = world.gateway_out_of_time().await;
        let owner = gateway.owner().await;
        let mut acme = Terminal::of(&owner);
        let link = path_of(acme.does(&["dashboard"]).await.trim());
        let mut browser = Browser::at(gateway.address());
        assert_eq!(browser.opens("/").await.header("location"), Some("/sign-in"));
        assert_eq!(browser.opens(&link).await.status(), 200);
        let mut second = browser.clone();
        let signed_in = browser.sends(&link, &[]).await;
        assert_eq!((signed_in.status(), signed_in.header("location")), (303, Some("/")));
        assert_eq!(second.sends(&link, &[]).await.status(), 404);
        assert!(browser.opens("/").await.text().contains("admin@co.com"));
        let listed = acme.does(&["account", "sessions"]).await;
        assert!(
            listed.starts_with(
                "BROWSER   SIGNED IN    LAST USED   ID\nStory     2026-03-17   just now    sid_"
            ),
            "{listed}"
        );
        acme.does(&["account", "sessions", "revoke", "--all"]).await;
        assert_eq!(browser.opens("/").await.header("location"), Some("/sign-in"));

        // A key signs in as well; left alone for twelve hours, the session is over.
        browser.opens("/sign-in").await;
        assert_eq!(browser.sends("/sign-in", &[("key", "ak_nothing")]).await.status(), 401);
        assert_eq!(browser.sends("/sign-in", &[("key", &owner.key)]).await.status(), 303);
        gateway.clock.advance(Duration::from_secs(12 * 3_600));
        assert_eq!(browser.opens("/").await.header("location"), Some("/sign-in"));
        // And a link is good for a quarter of an hour.
        let link = path_of(acme.does(&["dashboard"]).await.trim());
        gateway.clock.advance(Duration::from_secs(15 * 60));
        assert_eq!(browser.opens(&link).await.status(), 404);
        assert!(gateway.clock.now() > BEGINNING);
    })
    .await;
}

#[tokio::test]
async fn a_form_of_another_site_or_without_its_token_does_nothing() {
    story(async |world| {
        let gateway = world.gateway_out_of_time().await;
        let owner = gateway.owner().await;
        let mut acme = Terminal::of(&owner);
        let path = path_of(acme.does(&["team", "invite", "alice@x.com"]).await.trim());
        let own = format!("http://{}", gateway.address());
        let mut browser = Browser::at(gateway.address());
        let page = browser.opens(&path).await;
        for (name, value) in [
            ("x-frame-options", "DENY"),
            ("referrer-policy", "same-origin"),
            ("x-content-type-options", "nosniff"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(page.header(name), Some(value));
        }
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; style-src 'self';") && !policy.contains("unsafe"));
        let inline = page.text().split("<script").skip(1).any(|script| !script.starts_with(" src=\""));
        assert!(!inline && !page.text().contains("style=\""));
        let cookie = page.header("set-cookie").unwrap();
        assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax"), "{cookie}");

        let fields = [("username", "alice"), ("form_token", "0".repeat(64).leak() as &str)];
        assert_eq!(browser.sends_from(&own, &path, &fields).await.status(), 403);
        assert_eq!(browser.sends_from(&own, &path, &fields[..1]).await.status(), 403);
        let token = page.text().split("name=\"form_token\" value=\"").nth(1).unwrap()[..64].to_owned();
        let fields = [("username", "alice"), ("form_token", token.as_str())];
        for origin in ["https://evil.test", "null", "http://127.0.0.1:1", "http://localhost:3000"] {
            assert_eq!(browser.sends_from(origin, &path, &fields).await.status(), 403, "{origin}");
        }
        // Without the cookie the token is worth nothing.
        let mut stranger = Browser::at(gateway.address());
        assert_eq!(stranger.sends_from(&own, &path, &fields).await.status(), 403);
        assert_eq!(browser.sends_from(&own, &path, &fields).await.status(), 200);
        let team = owner.asks::<endpoint::ShowTeam>(&[], &Empty {}).await.unwrap();
        assert_eq!(team.members.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn whoever_is_removed_is_out_at_once_and_unusable_invitations_are_refused() {
    story(async |world| {
        let gateway = world.gateway_out_of_time().await;
        let owner = gateway.owner().await;
        let mut acme = Terminal::of(&owner);
        acme.does(&["workspace", "create", "engineering"]).await;
        let link = acme.does(&["team", "invite", "anna@x.com", "--role", "admin"]).await;
        let joined = nobodys(&gateway).runs(&["team", "join", link.trim(), "--username", "anna"]).await;
        let mut anna = terminal_of(&gateway, joined.stdout.trim());
        anna.does(&["workspace", "token", "create", "engineering", "--name", "CI"]).await;
        anna.does(&["team", "invite", "bob@x.com", "--team", "acme"]).await;
        assert!(
            acme.does(&["team", "audit"])
                .await
                .starts_with("2026-03-17 11:15 UTC   anna@acme      member_invited: bob@x.com\n")
        );
        for (arguments, code) in [
            (&["team", "invite", "nonsense"][..], 2),
            (&["team", "invite", "a b@x.com"], 2),
            (&["team", "invite", "c@x.com", "--role", "emperor"], 2),
            (&["team", "invite", "admin@co.com"], 1),
            (&["team", "invite", "anna@x.com"], 1),
            (&["team", "remove", "nobody@x.com"], 1),
        ] {
            assert_eq!(acme.runs(arguments).await.code, code, "{arguments:?}");
        }
        let mut browser = Browser::at(gateway.address());
        browser.opens("/sign-in").await;
        browser.sends("/sign-in", &[("key", joined.stdout.trim())]).await;
        let removed = acme.runs(&["team", "remove", "anna@x.com"]).await;
        // Bob's link was shown to Anna.
        assert_eq!(removed.stderr, "✓ anna@x.com removed from the team. 1 invitation ended.\n");
        assert_eq!(acme.does(&["team", "list"]).await, "Members of @acme:\nMEMBER   STATUS   JOINED\n");
        assert_eq!(browser.opens("/").await.header("location"), Some("/sign-in"));
        let refused = anna.runs(&["workspace", "token", "list", "engineering"]).await;
        assert_eq!(
            (refused.code, refused.stderr.lines().next()),
            (1, Some("error: there is no workspace 'engineering'"))
        );
        assert!(anna.does(&["whoami"]).await.contains("anna (anna@x.com)"));
        let verified = acme.runs(&["team", "audit", "--verify"]).await;
        assert!(verified.stderr.contains("The audit log of the team holds."), "{verified:?}");
    })
    .await;
}
