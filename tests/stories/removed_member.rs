//! Somebody is put out of the team, by either command: everything of the team ends for them at once.

use aerostack_core::member::TeamRole;
use aerostack_core::plan::Plan;
use aerostack_core::skill::Visibility;
use aerostack_tests::browser::Browser;
use aerostack_tests::cli::Terminal;
use aerostack_tests::function::Function;
use aerostack_tests::story::story;
use serde_json::json;

#[tokio::test]
async fn the_teams_skills_vanish_calls_are_refused_sessions_and_installs_stop() {
    for command in
        [&["team", "remove", "bob@example.com", "--yes"][..], &["offboard", "bob@example.com", "--yes"]]
    {
        story(async |world| {
            let gateway = world.gateway().await;
            let acme = gateway.owner().await;
            let mut bob = gateway.somebody("bob", Plan::Pro).await;
            bob.creates_workspace("bobs-own").await;
            gateway.lets_join(&acme, &bob, TeamRole::Member).await;
            let function = Function::starts().await;
            acme.publishes("crm", Visibility::Team, &function).await;
            bob.publishes("own", Visibility::Private, &function).await;
            let mut bobs = Terminal::of(&bob);
            for reference in ["@acme/crm", "own"] {
                bobs.does(&["skill", "install", reference, "-w", "bobs-own"]).await;
            }
            let editor = bob.creates_token("Editor").await;
            let call = json!({ "text": "hi" });
            assert_eq!(editor.calls("crm__echo", call.clone()).await.tool_text().as_deref(), Some("hi"));
            let mut browser = Browser::at(gateway.address());
            browser.opens("/sign-in").await;
            browser.sends("/sign-in", &[("key", &bob.key)]).await;
            assert_eq!(browser.opens("/").await.status(), 200);
            let called = function.calls().len();

            let removed = Terminal::of(&acme).runs(command).await;
            assert_eq!(removed.code, 0, "{removed:?}");
            assert_eq!(editor.tools().await, ["own__echo", "own__fail"], "{command:?}");
            let refused = editor.calls("crm__echo", call).await.json();
            assert_eq!(refused["error"], json!({ "code": -32602, "message": "Unknown tool: crm__echo" }));
            assert_eq!(function.calls().len(), called);
            assert_eq!(browser.opens("/").await.header("location"), Some("/sign-in"));
            for install in ["@acme/crm", "@acme/crm@1.0.0"] {
                let refused =
                    bobs.runs(&["skill", "install", install, "-w", "bobs-own", "--as", "again"]).await;
                assert_eq!(
                    (refused.code, refused.stderr.as_str()),
                    (1, "✗ 403: You are not a member of @acme\n"),
                    "{command:?}"
                );
            }
            // What is theirs stays theirs.
            assert!(bobs.does(&["whoami"]).await.contains("bob (bob@example.com), Pro plan"));
        })
        .await;
    }
}
