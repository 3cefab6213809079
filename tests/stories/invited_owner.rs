//! Whoever invites an address that has an account holds a link for it, and gains nothing of the account.

use aerostack_core::member::TeamRole;
use aerostack_core::plan::Plan;
use aerostack_tests::browser::{Browser, path_of};
use aerostack_tests::cli::Terminal;
use aerostack_tests::person::Person;
use aerostack_tests::story::story;

/// Tells whether a text shows a key or a token, not only how one begins.
fn shows_credential(text: &str) -> bool {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words.into_iter().any(|word| word.len() > 20 && (word.starts_with("ak_") || word.starts_with("mwt_")))
}

/// That somebody has no part in `globex`: not in its workspace, not in its team, not in its name.
async fn assert_nothing_gained(terminal: &mut Terminal) {
    for (line, told) in [
        (&["workspace", "token", "list", "secret-plans"][..], "error: there is no workspace 'secret-plans'"),
        (&["workspace", "show", "secret-plans"], "error: there is no workspace 'secret-plans'"),
        (&["team", "list", "--team", "globex"], "error: there is no team '@globex'"),
        (&["team", "audit", "--team", "globex"], "error: there is no team '@globex'"),
        (&["mcp", "catalog", "--team", "globex"], "error: there is no team '@globex'"),
    ] {
        let ran = terminal.runs(line).await;
        assert_eq!((ran.code, ran.stderr.lines().next()), (1, Some(told)), "{line:?}");
    }
}

#[tokio::test]
async fn an_admin_who_invites_an_owners_address_gains_nothing_of_that_owners() {
    story(async |world| {
        let gateway = world.gateway_out_of_time().await;
        let mut acme = gateway.owner().await;
        acme.creates_workspace("engineering").await;
        let mut globex = gateway.somebody("globex", Plan::Pro).await;
        globex.creates_workspace("secret-plans").await;
        let address = "globex@example.com";
        let anna = gateway.somebody("anna", Plan::Free).await;
        gateway.lets_join(&acme, &anna, TeamRole::Admin).await;
        let mut annas = Terminal::of(&anna);
        for invite in [
            &["team", "invite", address, "--team", "acme"][..],
            &["workspace", "member", "invite", "engineering", address],
        ] {
            let link = annas.does(invite).await.trim().to_owned();
            // The page shows that the address has an account, and signs nobody in.
            let mut browser = Browser::at(gateway.address());
            let page = browser.opens(&path_of(&link)).await;
            assert_eq!(page.status(), 200);
            assert!(!shows_credential(&page.text()), "{}", page.text());
            for fields in
                [&[("username", "globex")][..], &[("username", "other")], &[], &[("key", &anna.key)]]
            {
                let answer = browser.sends(&path_of(&link), fields).await;
                assert!(answer.status() >= 400, "{fields:?}: {answer:?}");
                assert!(!shows_credential(&answer.text()), "{fields:?}: {answer:?}");
                // At most they are signed in as themselves.
                assert!(!browser.opens("/").await.text().contains(address), "{fields:?}");
                browser.opens(&path_of(&link)).await;
            }
            // Nor does the command line: with her own login, or with none.
            let nobody = Person { key: String::new(), ..anna.clone() };
            for mut terminal in [Terminal::of(&anna), Terminal::of(&nobody)] {
                let refused = terminal.runs(&["team", "join", &link, "--username", "globex"]).await;
                assert_eq!((refused.code, refused.stdout.as_str()), (1, ""), "{refused:?}");
            }
            assert_nothing_gained(&mut annas).await;
            // The owner may follow it; to be in somebody's team gives that somebody nothing.
            let joined = Terminal::of(&globex).runs(&["team", "join", &link]).await;
            assert_eq!(joined.code, 0, "{joined:?}");
            assert!(!joined.stdout.contains("ak_"), "an account that exists is shown no key");
            assert_nothing_gained(&mut annas).await;
            assert_nothing_gained(&mut Terminal::of(&anna)).await;
        }
        let mut owners = Terminal::of(&globex);
        assert!(owners.does(&["whoami"]).await.contains(&format!("globex ({address}), Pro plan")));
        assert_eq!(owners.does(&["team", "list"]).await, "Members of @globex:\nMEMBER   STATUS   JOINED\n");
    })
    .await;
}
