//! Who may have programs run: operators, where the gateway was started for it; nobody else, nowhere else.

use aerostack_core::account::AccountKind;
use aerostack_core::member::TeamRole;
use aerostack_core::plan::Plan;
use aerostack_core::server::SessionMode;
use aerostack_tests::cli::Terminal;
use aerostack_tests::gateway::Gateway;
use aerostack_tests::stdio::{Workshop, allow};
use aerostack_tests::story::{World, story};
use serde_json::json;

const ADD: [&str; 8] = ["mcp", "add", "files", "--stdio", "--", "/bin/true", "-y", "a b"];

async fn gateway(world: &World, is_allowed: bool) -> Gateway {
    world
        .gateway_with(|config| {
            if is_allowed {
                allow(config);
            }
        })
        .await
}

/// What a command came to: its exit code, and the first line of its talk.
async fn said(terminal: &mut Terminal, line: &str) -> (u8, String) {
    let words: Vec<&str> = line.split(' ').collect();
    let ran = terminal.runs(&words).await;
    (ran.code, ran.stderr.lines().next().unwrap_or_default().to_owned())
}

const NO_OPERATOR: &str = "error: only an operator adds or changes servers that are programs";
const OFF: &str =
    "error: servers that are programs are switched off: the gateway was started without --allow-stdio";
const FORBIDDEN: &str = "error: this account may not do that";

#[tokio::test]
async fn only_operators_add_programs_and_only_where_the_gateway_was_started_for_it() {
    for is_allowed in [false, true] {
        story(async |world| {
            let gateway = gateway(world, is_allowed).await;
            let operator = gateway.owner().await;
            let [carol, anna, mike] =
                ["carol", "anna", "mike"].map(|name| gateway.somebody(name, Plan::Team));
            let (carol, anna, mike) = (carol.await, anna.await, mike.await);
            gateway.lets_join(&operator, &anna, TeamRole::Admin).await;
            gateway.lets_join(&operator, &mike, TeamRole::Member).await;
            let second = gateway.person("second", "second@co.com", Plan::Team, AccountKind::Operator).await;
            let add = |slug: &str, team: &str| format!("mcp add {slug} --team {team} --stdio -- /bin/true");
            let theirs = "error: @carol is no operator: no program is run from this catalogue";
            let on = |told: &'static str| if is_allowed { (0, told) } else { (1, OFF) };
            let table = [
                (&operator, "acme", on("✓ Server 'one' added to the catalogue.")),
                (&second, "acme", on("✓ Server 'two' added to the catalogue.")),
                (&operator, "carol", (1, theirs)),
                (&carol, "carol", (1, NO_OPERATOR)),
                (&anna, "acme", (1, NO_OPERATOR)),
                (&anna, "anna", (1, NO_OPERATOR)),
                (&mike, "acme", (1, FORBIDDEN)),
                (&carol, "acme", (1, "error: there is no team '@acme'")),
            ];
            for ((person, team, (code, told)), slug) in
                table.into_iter().zip(["one", "two", "own", "own", "own", "own", "own", "own"])
            {
                let came = said(&mut Terminal::of(person), &add(slug, team)).await;
                assert_eq!(came, (code, told.to_owned()), "{} in @{team}", person.username);
            }
            let ran = Terminal::of(&carol).runs(&ADD).await;
            let hint = "hint: ask whoever runs this gateway, or add the server by its address: --url URL\n";
            assert_eq!(
                (ran.code, ran.stdout.as_str(), ran.stderr),
                (1, "", format!("{NO_OPERATOR}\n{hint}"))
            );
            if !is_allowed {
                let ran = Terminal::of(&operator).runs(&ADD).await;
                let hint = "hint: start the gateway with --allow-stdio, or AEROSTACK_ALLOW_STDIO=true\n";
                assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr), (1, "", format!("{OFF}\n{hint}")));
            }
        })
        .await;
    }
}

#[tokio::test]
async fn whoever_may_install_chooses_among_the_programs_of_an_operator_and_changes_none() {
    story(async |world| {
        let shop = Workshop::set(world, &[]).await;
        let [anna, mike] = ["anna", "mike"].map(|name| shop.gateway.somebody(name, Plan::Team));
        let (mut anna, mike) = (anna.await, mike.await);
        shop.gateway.lets_join(&shop.owner, &anna, TeamRole::Admin).await;
        shop.gateway.lets_join(&shop.owner, &mike, TeamRole::Member).await;
        let mut annas = Terminal::of(&anna);
        let done = |(code, _): &(u8, String)| *code == 0;
        let installed = said(&mut annas, "mcp install desk -w engineering --as again").await;
        assert!(done(&installed), "{installed:?}");
        assert!(done(&said(&mut annas, "mcp test desk --team acme").await));
        for change in ["-- /bin/sh", "--env A=b", "--secret LD_PRELOAD", "--session shared"] {
            let came = said(&mut annas, &format!("mcp edit desk --team acme {change}")).await;
            assert_eq!(came, (1, NO_OPERATOR.to_owned()), "{change}");
        }
        let refused = said(&mut Terminal::of(&mike), "mcp install desk -w engineering --as mikes").await;
        assert_eq!(refused, (1, FORBIDDEN.to_owned()));
        // Into a workspace of one's own comes only what is in one's own catalogue.
        anna.creates_workspace("private").await;
        let refused = said(&mut annas, "mcp install @acme/desk -w private").await;
        assert_eq!(refused, (1, "error: there is no server '@acme/desk'".to_owned()));
        assert!(done(&said(&mut annas, "mcp uninstall again -w engineering").await));
    })
    .await;
}

#[tokio::test]
async fn others_than_operators_set_only_secrets_that_an_operator_has_named() {
    story(async |world| {
        let shop = Workshop::set(world, &[]).await;
        let anna = shop.gateway.somebody("anna", Plan::Team).await;
        shop.gateway.lets_join(&shop.owner, &anna, TeamRole::Admin).await;
        let (mut owners, mut annas) = (Terminal::of(&shop.owner), Terminal::of(&anna));
        let set = |name: &str| format!("workspace secret set engineering {name} value --server desk");
        let told = "error: 'desk' is a program, and no operator has named LD_PRELOAD among its secrets";
        let first =
            |text: String| text.lines().find(|line| line.starts_with("error")).unwrap_or_default().to_owned();
        let refused = annas.runs(&set("LD_PRELOAD").split(' ').collect::<Vec<_>>()).await;
        assert_eq!((refused.code, first(refused.stderr)), (1, told.to_owned()));
        owners.does(&["mcp", "edit", "desk", "--secret", "API_KEY"]).await;
        annas.does(&set("API_KEY").split(' ').collect::<Vec<_>>()).await;
        let refused = annas.runs(&set("LD_PRELOAD").split(' ').collect::<Vec<_>>()).await;
        assert_eq!(refused.code, 1);
        owners.does(&set("ANYTHING").split(' ').collect::<Vec<_>>()).await;
        let seen = shop.alice.calls("desk__env", json!({ "name": "API_KEY" })).await.tool_text();
        assert_eq!(seen.as_deref(), Some("value"));
    })
    .await;
}

#[tokio::test]
async fn the_command_line_adds_shows_changes_and_tests_a_program() {
    story(async |world| {
        let shop = Workshop::set(world, &[]).await;
        let mut terminal = Terminal::of(&shop.owner);
        terminal.does(&ADD).await;
        let catalogue = terminal.does(&["mcp", "catalog"]).await;
        assert!(catalogue.contains("/bin/true -y 'a b'"), "{catalogue}");
        let test = terminal.does(&["mcp", "test", "desk"]).await;
        assert!(test.contains("stdio-example") && test.contains("Transport") && test.contains("stdio"), "{test}");
        let ran = terminal.runs(&["mcp", "test", "files"]).await;
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(ran.stderr.contains("the program ended (exit status: 0)"), "{ran:?}");
        let line = ["mcp", "edit", "files", "--env", "A=b", "--env", "C=d=e", "--secret", "key", "--output", "json"];
        let edited: serde_json::Value = serde_json::from_str(&terminal.does(&line).await).unwrap();
        assert_eq!(
            edited["stdio"],
            json!({ "command": ["/bin/true", "-y", "a b"], "env": { "A": "b", "C": "d=e" }, "secrets": ["KEY"] })
        );
        terminal.does(&["mcp", "edit", "files", "--session", "shared", "--", "/bin/false"]).await;
        let catalogue = terminal.does(&["mcp", "catalog"]).await;
        assert!(catalogue.contains("/bin/false") && catalogue.contains("shared"), "{catalogue}");
        for wrong in [
            vec!["mcp", "add", "own", "--stdio"],
            vec!["mcp", "add", "own", "--", "true"],
            vec!["mcp", "add", "own", "--stdio", "--url", "http://x.test/", "--", "true"],
            vec!["mcp", "add", "own", "--stdio", "--env", "=b", "--", "true"],
            vec!["mcp", "add", "own", "--url", "http://x.test/", "--env", "A=b"],
        ] {
            assert_eq!(terminal.runs(&wrong).await.code, 2, "{wrong:?}");
        }
        for refused in [
            vec!["mcp", "edit", "files", "--url", "http://x.test/"],
            vec!["mcp", "edit", "files", "--auth", "headers"],
            vec!["mcp", "add", "own", "--stdio", "--env", "1A=b", "--", "true"],
        ] {
            assert_eq!(terminal.runs(&refused).await.code, 1, "{refused:?}");
        }
        terminal.does(&["mcp", "delete", "files", "--yes"]).await;
    })
    .await;
}

#[tokio::test]
async fn what_is_at_an_address_is_no_program_and_stays_none() {
    story(async |world| {
        let shop = Workshop::set(world, &[]).await;
        shop.owner.adds("there", "http://127.0.0.1:1/mcp", SessionMode::PerCaller, None).await;
        let mut terminal = Terminal::of(&shop.owner);
        for refused in [
            vec!["mcp", "edit", "there", "--", "true"],
            vec!["mcp", "edit", "there", "--auth", "environment"],
            vec!["mcp", "add", "own", "--url", "http://127.0.0.1:1/", "--auth", "environment"],
        ] {
            assert_eq!(terminal.runs(&refused).await.code, 1, "{refused:?}");
        }
    })
    .await;
}
