//! A version that was taken back: nobody installs it, and who has it keeps it and is told.

use aerostack_core::api::error::ErrorCode;
use aerostack_core::api::operation::endpoint;
use aerostack_core::api::skill::YankSkillRequest;
use aerostack_core::member::TeamRole;
use aerostack_core::plan::Plan;
use aerostack_core::skill::Visibility;
use aerostack_tests::browser::Browser;
use aerostack_tests::cli::Terminal;
use aerostack_tests::function::Function;
use aerostack_tests::page::{row, words};
use aerostack_tests::person_skill::manifest;
use aerostack_tests::story::story;
use serde_json::json;

#[tokio::test]
async fn a_yanked_version_is_not_installed_any_more_and_works_on_where_it_is() {
    story(async |world| {
        let gateway = world.gateway_out_of_time().await;
        let mut owner = gateway.owner().await;
        owner.creates_workspace("acme-team").await;
        let function = Function::starts().await;
        owner.publishes("crm", Visibility::Team, &function).await;
        owner.orders_skill(&manifest("crm", "1.1.0", &function)).await.unwrap();
        owner.installs_skill("@acme/crm").await.unwrap();
        let editor = owner.creates_token("Editor").await;
        owner.creates_workspace("second").await;
        let mut acme = Terminal::of(&owner);

        let yanked = acme.runs(&["skill", "yank", "@acme/crm@1.1.0"]).await;
        assert_eq!(
            (yanked.code, yanked.stderr.as_str()),
            (
                0,
                "✓ @acme/crm 1.1.0 yanked: it cannot be installed any more. \
                 It stays where it is installed: 1 workspace.\n"
            )
        );
        let again = acme.runs(&["skill", "yank", "crm@1.1.0"]).await;
        assert_eq!(again.stderr, "✓ @acme/crm 1.1.0 was yanked already on 2026-03-17; nothing was done.\n");
        // Who has it keeps it, and is told.
        let said = editor.calls("crm__echo", json!({ "text": "hi" })).await;
        assert_eq!(said.tool_text().as_deref(), Some("hi"));
        for list in
            [&["skill", "list", "--installed", "-w", "acme-team"][..], &["mcp", "list", "-w", "acme-team"]]
        {
            let listed = acme.runs(list).await;
            let warning = "warning: 'crm' is @acme/crm 1.1.0, which was yanked: \
                           move on with `aerostack skill upgrade crm`\n";
            assert!(listed.stderr.starts_with(warning), "{listed:?}");
        }
        let mut browser = Browser::of(&owner).await;
        let page = browser.opens("/skills/acme/crm").await;
        assert!(row(&page, "as crm").contains("1.1.0 yanked ok"), "{}", row(&page, "as crm"));
        assert!(words(&page.text()).contains("1.1.0 yanked taken back"), "{}", page.text());
        let offered = browser.opens("/skills/acme/crm/install").await.text();
        assert!(offered.contains("The newest, 1.0.0") && !offered.contains("value=\"1.1.0\""), "{offered}");
        let installed = acme.does(&["skill", "list", "--installed", "-w", "acme-team"]).await;
        assert!(installed.contains("crm    @acme/crm 1.1.0 (yanked)   ok"), "{installed}");
        assert!(owner.within("acme-team").installs_skill("crm").await.unwrap().already_installed);
        assert!(owner.within("acme-team").installs_skill("crm@1.1.0").await.unwrap().already_installed);

        let refused = acme.runs(&["skill", "install", "@acme/crm@1.1.0", "-w", "second"]).await;
        assert_eq!(
            (refused.code, refused.stderr.as_str()),
            (1, "error: version 1.1.0 of '@acme/crm' was yanked on 2026-03-17\nhint: the newest is 1.0.0\n")
        );
        let installed = owner.installs_skill("@acme/crm").await.unwrap().install;
        assert_eq!((installed.version.unwrap().to_string(), installed.yanked), ("1.0.0".to_owned(), false));
        let shown = acme.does(&["skill", "show", "crm"]).await;
        assert!(shown.contains("1.1.0 (yanked), 1.0.0"), "{shown}");
        assert!(acme.does(&["skill", "list"]).await.contains("@acme/crm   1.0.0     team"));
    })
    .await;
}

#[tokio::test]
async fn the_way_off_a_yanked_version_leads_to_what_is_offered_and_its_number_stays_taken() {
    story(async |world| {
        let gateway = world.gateway_out_of_time().await;
        let mut owner = gateway.owner().await;
        owner.creates_workspace("acme-team").await;
        let function = Function::starts().await;
        owner.publishes("crm", Visibility::Team, &function).await;
        owner.orders_skill(&manifest("crm", "1.1.0", &function)).await.unwrap();
        owner.installs_skill("@acme/crm").await.unwrap();
        let mut acme = Terminal::of(&owner);
        acme.does(&["skill", "yank", "crm@1.1.0"]).await;
        let upgrade = ["skill", "upgrade", "crm", "--version", "1.1.0", "-w", "acme-team"];
        let moved = acme.runs(&["skill", "upgrade", "crm", "-w", "acme-team"]).await;
        assert!(moved.stderr.starts_with("✓ 'crm' moved from 1.1.0 to 1.0.0 in 'acme-team'.\n"), "{moved:?}");
        assert_eq!(acme.runs(&upgrade).await.code, 1);
        let taken = owner.orders_skill(&manifest("crm", "1.1.0", &function)).await.unwrap_err();
        assert_eq!(
            (taken.code, taken.message.as_str(), taken.hint.as_deref()),
            (ErrorCode::Conflict, "version 1.1.0 was yanked", Some("raise it, to 1.1.1 or more"))
        );

        let undone = acme.runs(&["skill", "yank", "crm@1.1.0", "--undo"]).await;
        assert_eq!(undone.stderr, "✓ @acme/crm 1.1.0 is offered again.\n");
        let undone = acme.runs(&["skill", "yank", "crm@1.1.0", "--undo"]).await;
        assert_eq!(
            (undone.code, undone.stderr.as_str()),
            (0, "✓ @acme/crm 1.1.0 is not yanked; nothing was done.\n")
        );
        assert_eq!(acme.runs(&upgrade).await.code, 0);
        let audit = acme.does(&["team", "audit", "--limit", "2"]).await;
        assert_eq!(
            audit,
            "2026-03-17 11:15 UTC   admin@co.com   skill_restored: @acme/crm@1.1.0\n\
             2026-03-17 11:15 UTC   admin@co.com   skill_yanked: @acme/crm@1.1.0\n"
        );
    })
    .await;
}

#[tokio::test]
async fn whoever_may_publish_may_yank_and_nobody_else() {
    story(async |world| {
        let gateway = world.gateway().await;
        let mut acme = gateway.owner().await;
        acme.creates_workspace("acme-team").await;
        let function = Function::starts().await;
        acme.publishes("crm", Visibility::Team, &function).await;
        acme.publishes("diary", Visibility::Private, &function).await;
        let mut told = Vec::new();
        for (name, role) in
            [("anna", Some(TeamRole::Admin)), ("bob", Some(TeamRole::Member)), ("mallory", None)]
        {
            let person = gateway.somebody(name, Plan::Pro).await;
            if let Some(role) = role {
                gateway.lets_join(&acme, &person, role).await;
            }
            let mut terminal = Terminal::of(&person);
            for reference in ["@acme/crm@1.0.0", "@acme/diary@1.0.0"] {
                let ran = terminal.runs(&["skill", "yank", reference]).await;
                told.push((name, reference, ran.code, ran.stderr.lines().next().unwrap().to_owned()));
            }
        }
        let told: Vec<_> =
            told.iter().map(|(name, of, code, line)| (*name, *of, *code, line.as_str())).collect();
        let no_diary = "error: there is no skill '@acme/diary'";
        let yanked = "✓ @acme/crm 1.0.0 yanked: it cannot be installed any more.";
        let (may_not, no_team) = ("error: this account may not do that", "error: there is no team '@acme'");
        assert_eq!(
            told,
            [
                ("anna", "@acme/crm@1.0.0", 0, yanked),
                ("anna", "@acme/diary@1.0.0", 1, no_diary),
                ("bob", "@acme/crm@1.0.0", 1, may_not),
                ("bob", "@acme/diary@1.0.0", 1, may_not),
                ("mallory", "@acme/crm@1.0.0", 1, no_team),
                ("mallory", "@acme/diary@1.0.0", 1, no_team),
            ]
        );

        let mut terminal = Terminal::of(&acme);
        assert_eq!(terminal.runs(&["skill", "yank", "crm"]).await.code, 2);
        assert!(terminal.does(&["skill", "list"]).await.contains("@acme/crm     1.0.0 (yanked)   team"));
        let refused = acme.installs_skill("crm").await.unwrap_err();
        assert_eq!(refused.hint.as_deref(), Some("every version of it was; ask whoever publishes it"));
        let yank = YankSkillRequest { yanked: true };
        for (version, code) in [("7.0.0", ErrorCode::NotFound), ("latest", ErrorCode::InvalidRequest)] {
            let refused = acme.asks::<endpoint::YankSkillVersion>(&["crm", version], &yank).await;
            assert_eq!(refused.unwrap_err().code, code, "{version}");
        }
    })
    .await;
}
