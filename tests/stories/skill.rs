//! Skills of a team: who may install them, and what becomes of them when a right ends.

use aerostack_core::api::error::ErrorCode;
use aerostack_core::api::operation::endpoint;
use aerostack_core::api::page::{Empty, PageQuery};
use aerostack_core::api::server::InstallStatus;
use aerostack_core::api::skill::{
    InstallSkillRequest, PublishSkillRequest, SearchSkillsQuery, SkillView, UpgradeSkillRequest,
};
use aerostack_core::member::TeamRole;
use aerostack_core::plan::Plan;
use aerostack_core::server::SessionMode;
use aerostack_core::skill::Visibility;
use aerostack_tests::client::Caller;
use aerostack_tests::function::Function;
use aerostack_tests::gateway::Gateway;
use aerostack_tests::person::Person;
use aerostack_tests::person_skill::manifest;
use aerostack_tests::story::{World, story};
use aerostack_tests::upstream::Setup;
use serde_json::{Value, json};

/// The account `acme`, Bob who is a member of its team, Mallory who is not, each with a workspace.
struct Team {
    gateway: Gateway,
    acme: Person,
    bob: Person,
    mallory: Person,
    function: Function,
}

impl Team {
    async fn gathers(world: &World) -> Self {
        let gateway = world.gateway().await;
        let mut acme = gateway.owner().await;
        acme.creates_workspace("acme-team").await;
        let mut people = Vec::new();
        for name in ["bob", "mallory"] {
            let mut person = gateway.somebody(name, Plan::Pro).await;
            person.creates_workspace(&format!("{name}s-own")).await;
            people.push(person);
        }
        let (mallory, bob) = (people.remove(1), people.remove(0));
        gateway.lets_join(&acme, &bob, TeamRole::Member).await;
        Self { gateway, acme, bob, mallory, function: Function::starts().await }
    }
}

async fn calls_echo(caller: &Caller, tool: &str) -> Value {
    caller.calls(tool, json!({ "text": "hi" })).await.json()
}

async fn refusal(person: &Person, reference: &str) -> (ErrorCode, String) {
    let refused = person.installs_skill(reference).await.expect_err("it is refused");
    (refused.code, refused.message)
}

#[tokio::test]
async fn team_skills_are_for_members_and_private_ones_for_nobody_else() {
    story(async |world| {
        let Team { gateway: _gateway, acme, bob, mallory, function } = Team::gathers(world).await;
        acme.publishes("crm", Visibility::Team, &function).await;
        acme.publishes("diary", Visibility::Private, &function).await;
        acme.publishes("open", Visibility::Public, &function).await;

        let team_only = (ErrorCode::NotAMember, "You are not a member of @acme".to_owned());
        assert_eq!(refusal(&mallory, "@acme/crm").await, team_only);
        assert!(mallory.installs_skill("acme/open").await.is_ok());
        for person in [&bob, &mallory] {
            let private = (ErrorCode::NotFound, "there is no skill '@acme/diary'".to_owned());
            assert_eq!(refusal(person, "@acme/diary").await, private);
            let nothing = (ErrorCode::NotFound, "there is no skill '@acme/nothing'".to_owned());
            assert_eq!(refusal(person, "@acme/nothing").await, nothing);
        }
        assert_eq!(bob.skills().await, ["@acme/crm", "@acme/open"]);
        assert_eq!(mallory.skills().await, Vec::<String>::new());
        let found = mallory.asks::<endpoint::SearchSkills>(&[], &SearchSkillsQuery::default()).await.unwrap();
        assert_eq!(found.items.iter().map(SkillView::reference).collect::<Vec<_>>(), ["@acme/open"]);
        let shown = mallory.asks::<endpoint::ShowSkill>(&["acme", "crm"], &Empty {}).await.unwrap_err();
        assert_eq!(shown.code, ErrorCode::NotAMember);

        // Into the team's workspace a member installs the team's own skills, and nothing else.
        let bob_at_acme = bob.within("acme-team");
        assert!(!bob_at_acme.installs_skill("@acme/crm").await.unwrap().already_installed);
        assert!(bob_at_acme.installs_skill("crm").await.unwrap().already_installed);
        bob.publishes("tool", Visibility::Public, &function).await;
        assert_eq!(refusal(&bob_at_acme, "@bob/tool").await.0, ErrorCode::Forbidden);
        acme.installs_skill("@bob/tool").await.unwrap();
        assert!(bob_at_acme.installs_skill("@bob/tool").await.unwrap().already_installed);
        let uninstalled =
            bob_at_acme.asks::<endpoint::UninstallSkill>(&["acme-team", "crm"], &Empty {}).await;
        assert_eq!(uninstalled.unwrap_err().code, ErrorCode::Forbidden);
        // A skill for oneself alone does not go into somebody else's workspace.
        bob.publishes("secretary", Visibility::Private, &function).await;
        assert_eq!(refusal(&bob_at_acme, "@bob/secretary").await.0, ErrorCode::Forbidden);
    })
    .await;
}

#[tokio::test]
async fn the_workspaces_owner_must_have_the_right_as_well() {
    story(async |world| {
        let Team { gateway, acme, bob, mallory, function } = Team::gathers(world).await;
        acme.publishes("crm", Visibility::Team, &function).await;
        gateway.lets_join(&mallory, &bob, TeamRole::Admin).await;
        let refused = refusal(&bob.within("mallorys-own"), "@acme/crm").await;
        let expected = "The owner of 'mallorys-own' is not a member of @acme".to_owned();
        assert_eq!(refused, (ErrorCode::NotAMember, expected));
    })
    .await;
}

#[tokio::test]
async fn a_removed_member_loses_the_teams_skills_in_the_next_list_and_call() {
    story(async |world| {
        let Team { gateway, acme, bob, function, .. } = Team::gathers(world).await;
        acme.publishes("crm", Visibility::Team, &function).await;
        bob.publishes("own", Visibility::Private, &function).await;
        bob.installs_skill("@acme/crm").await.unwrap();
        bob.installs_skill("own").await.unwrap();
        let editor = bob.creates_token("Editor").await;
        let all = ["crm__echo", "crm__fail", "own__echo", "own__fail"];
        assert_eq!(editor.tools().await, all);
        assert_eq!(calls_echo(&editor, "crm__echo").await["result"]["content"][0]["text"], "hi");
        let called = function.calls().len();

        gateway.lets_go(&acme, &bob).await;
        assert_eq!(editor.tools().await, ["own__echo", "own__fail"]);
        let refused = calls_echo(&editor, "crm__echo").await;
        assert_eq!(refused["error"], json!({ "code": -32602, "message": "Unknown tool: crm__echo" }));
        assert_eq!(function.calls().len(), called);
        assert_eq!(bob.tools().await.items.len(), 2);
        let installs =
            bob.asks::<endpoint::ListInstalledSkills>(&["bobs-own"], &PageQuery::default()).await.unwrap();
        let shown: Vec<_> = installs.items.iter().map(|it| (it.server.as_str(), it.status)).collect();
        assert_eq!(shown, [("@acme/crm", InstallStatus::Withdrawn), ("@bob/own", InstallStatus::Ok)]);
        assert_eq!(refusal(&bob, "@acme/crm").await.0, ErrorCode::NotAMember);

        gateway.lets_join(&acme, &bob, TeamRole::Member).await;
        assert_eq!(editor.tools().await, all);
        acme.shows_skill_to("crm", Visibility::Private).await;
        assert_eq!(editor.tools().await, ["own__echo", "own__fail"]);
        assert_eq!(calls_echo(&editor, "crm__echo").await["error"]["code"], -32602);
        acme.shows_skill_to("crm", Visibility::Public).await;
        assert_eq!(editor.tools().await, all);
    })
    .await;
}

#[tokio::test]
async fn a_right_that_ended_stays_ended_over_a_restart() {
    story(async |world| {
        let Team { mut gateway, acme, bob, function, .. } = Team::gathers(world).await;
        acme.publishes("crm", Visibility::Team, &function).await;
        bob.installs_skill("@acme/crm").await.unwrap();
        let editor = bob.creates_token("Editor").await;
        gateway.lets_go(&acme, &bob).await;
        gateway.restarts().await;
        let editor = Caller { address: gateway.address(), ..editor };
        assert_eq!(editor.tools().await, Vec::<String>::new());
        assert_eq!(calls_echo(&editor, "crm__echo").await["error"]["code"], -32602);
    })
    .await;
}

#[tokio::test]
async fn versions_never_change_rise_and_are_pinned_by_installs() {
    story(async |world| {
        let Team { gateway: _gateway, acme, function, .. } = Team::gathers(world).await;
        let second = Function::starts().await;
        acme.publishes("crm", Visibility::Team, &function).await;
        let again = acme.orders_skill(&manifest("crm", "1.0.0", &function)).await.unwrap();
        assert!(again.already_published && again.skill.visibility == Visibility::Team);
        let refused = |request: PublishSkillRequest| {
            let acme = acme.clone();
            async move {
                let refused = acme.orders_skill(&request).await.expect_err("it is refused");
                (refused.code, refused.message, refused.hint.unwrap_or_default())
            }
        };
        let hint = "raise it, to 1.0.1 or more".to_owned();
        let taken = "version 1.0.0 is published already, and a version never changes".to_owned();
        assert_eq!(
            refused(manifest("crm", "1.0.0", &second)).await,
            (ErrorCode::Conflict, taken, hint.clone())
        );
        let falling = "version 1.0.0 is published already, and versions rise".to_owned();
        assert_eq!(refused(manifest("crm", "0.9.9", &second)).await, (ErrorCode::Conflict, falling, hint));

        acme.installs_skill("crm").await.unwrap();
        acme.within("acme-team").sets_secret("KEY", "crm", "s3cret").await;
        acme.orders_skill(&manifest("crm", "1.1.0", &second)).await.unwrap();
        let editor = acme.creates_token("Editor").await;
        calls_echo(&editor, "crm__echo").await;
        assert_eq!((function.calls().len(), second.calls().len()), (1, 0));
        let moved = acme
            .asks::<endpoint::UpgradeSkill>(&["acme-team", "@acme/crm"], &UpgradeSkillRequest::default())
            .await
            .unwrap();
        assert_eq!(
            (moved.before.to_string(), moved.install.version.unwrap().to_string()),
            ("1.0.0".into(), "1.1.0".into())
        );
        let behind = "'crm' has another address now, and is not sent KEY: set it again";
        assert_eq!(moved.warning.as_deref(), Some(behind));
        acme.within("acme-team").sets_secret("KEY", "crm", "s3cret").await;
        calls_echo(&editor, "crm__echo").await;
        assert_eq!((function.calls().len(), second.calls().len()), (1, 1));
        assert_eq!(refusal(&acme, "@acme/crm@1.0.0").await.0, ErrorCode::Conflict);
        assert_eq!(refusal(&acme, "@acme/crm@7.0.0").await.0, ErrorCode::NotFound);
    })
    .await;
}

#[tokio::test]
async fn a_skill_wraps_an_mcp_server_and_shares_the_names_of_a_workspace_with_servers() {
    story(async |world| {
        let Team { gateway: _gateway, acme, .. } = Team::gathers(world).await;
        let upstream = Setup::legacy().start().await;
        let manifest: PublishSkillRequest = serde_json::from_value(json!({
            "name": "desk", "version": "1.0.0", "mcp_url": upstream.url(), "visibility": "team"
        }))
        .unwrap();
        acme.orders_skill(&manifest).await.unwrap();
        let installed = acme.installs_skill("@acme/desk").await.unwrap();
        assert_eq!((installed.warning, installed.install.tools), (None, 5));
        let editor = acme.creates_token("Editor").await;
        let said = editor.calls("desk__echo", json!({ "text": "hi" })).await.tool_text();
        assert_eq!(said.as_deref(), Some("hi"));
        acme.adds("desk", &upstream.url(), SessionMode::default(), None).await;
        let taken = acme.installs_known("desk", None).await.unwrap_err();
        let expected = "'desk' is @acme/desk in this workspace".to_owned();
        assert_eq!((taken.code, taken.message), (ErrorCode::NameTaken, expected));
        let other = InstallSkillRequest { skill: "@acme/desk".to_owned(), alias: "desk-2".parse().ok() };
        acme.asks::<endpoint::InstallSkill>(&["acme-team"], &other).await.unwrap();
        acme.switches("desk", Some("echo"), false).await.unwrap();
        assert!(!editor.tools().await.contains(&"desk__echo".to_owned()));
        acme.asks::<endpoint::UninstallSkill>(&["acme-team", "desk"], &Empty {}).await.unwrap();
        assert!(editor.tools().await.iter().all(|tool| tool.starts_with("desk-2__")));
    })
    .await;
}

#[tokio::test]
async fn manifests_that_are_bombs_are_refused_and_nothing_is_half_written() {
    story(async |world| {
        let Team { gateway: _gateway, acme, function, .. } = Team::gathers(world).await;
        let deep = format!("{}{}", r#"{"not":"#.repeat(10_000), "}".repeat(10_000));
        let body = |schema: &str| {
            format!(
                r#"{{"name":"bomb","version":"1.0.0","function_url":"{}","tools":[{{"name":"a","input_schema":{schema}}}]}}"#,
                function.url()
            )
        };
        let large = format!(r#"{{"type":"object","title":"{}"}}"#, "x".repeat(40_000));
        for (schema, status) in [
            (r#"{"type":"object","$ref":"https://evil.test/schema.json"}"#, 400),
            (r#"{"type":"object","properties":{"x":{"$ref":"file:///etc/passwd"}}}"#, 400),
            (r##"{"type":"object","$ref":"#"}"##, 400),
            (r#"{"type":"object","properties":{"x":{"pattern":"(?<=a)b"}}}"#, 400),
            (r#"{"type":"object","required":7}"#, 400),
            (r#"{"type":"string"}"#, 400),
            (deep.as_str(), 400),
            (large.as_str(), 400),
            (&format!(r#"{{"title":"{}"}}"#, "x".repeat(1_100_000)), 413),
        ] {
            let bearer = format!("Bearer {}", acme.key);
            let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
            let text = body(schema);
            let answer =
                aerostack_tests::wire::ask(acme.address, "POST", "/api/v1/skills", &headers, text.as_bytes())
                    .await;
            assert_eq!(answer.status(), status, "{}: {answer:?}", &schema[..schema.len().min(80)]);
        }
        assert_eq!(acme.skills().await, Vec::<String>::new());
    })
    .await;
}
