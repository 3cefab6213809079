//! A server sees its own secret, and nobody else sees it.

use std::path::Path;

use aerostack_core::api::operation::endpoint;
use aerostack_core::api::page::{Empty, PageQuery};
use aerostack_core::api::secret::SecretState;
use aerostack_core::api::server::EditServerRequest;
use aerostack_tests::cli::Terminal;
use aerostack_tests::client::Caller;
use aerostack_tests::program::{LOG_FILE, Process, runs_gateway};
use aerostack_tests::scene::Scene;
use aerostack_tests::story::{World, story};
use aerostack_tests::upstream::{Fault, Setup, Upstream};
use serde_json::json;

const GITHUB: &str = "ghp_0123456789abcdefABCDEF";
const CRM: &str = "crm-key-0123456789";
/// What a client may claim to be a secret.
const CLAIMED: [(&str, &str); 3] = [
    ("X-Mcp-Secret-CRM-KEY", "of-the-client"),
    ("X-Mcp-Secret-Anything", "of-the-client"),
    ("Proxy-Authorization", "Bearer of-the-client"),
];

/// Two servers with secrets, and a caller who claims some of their own.
struct Servers {
    scene: Scene,
    github: Upstream,
    crm: Upstream,
    alice: Caller,
}

async fn servers(world: &World, setup: &Setup) -> Servers {
    let scene = Scene::set(world, Setup::legacy()).await;
    let (github, crm) = (setup.clone().start().await, setup.clone().start().await);
    scene.owner.installs_with("github", &github, "bearer:GITHUB_TOKEN").await;
    scene.owner.installs_with("crm", &crm, "headers").await;
    scene.owner.sets_secret("github-token", "github", GITHUB).await;
    scene.owner.sets_secret("CRM_KEY", "crm", CRM).await;
    scene.owner.sets_secret("CRM_REGION", "crm", "eu").await;
    let alice = CLAIMED.iter().fold(scene.alice.clone(), |alice, (name, value)| alice.with(name, value));
    Servers { scene, github, crm, alice }
}

#[tokio::test]
async fn each_server_sees_its_own_secrets_and_never_anothers_or_the_clients() {
    for setup in [Setup::legacy(), Setup::modern(), Setup::old_sse()] {
        story(async |world| {
            let Servers { scene, github, crm, alice } = servers(world, &setup).await;
            for server in ["github", "crm", "desk"] {
                let answer = alice.calls(&format!("{server}__echo"), json!({ "text": "hi" })).await;
                assert_eq!(answer.tool_text().as_deref(), Some("hi"), "{server}: {answer:?}");
            }
            let bearer = format!("Bearer {GITHUB}");
            assert!(!github.requests().is_empty() && !crm.requests().is_empty());
            for request in github.requests() {
                assert_eq!(request.header("authorization"), Some(bearer.as_str()), "{request:?}");
                assert!(request.headers.keys().all(|name| !name.as_str().starts_with("x-mcp-secret")));
                assert_eq!(request.header("proxy-authorization"), None);
            }
            for request in crm.requests() {
                assert_eq!(request.header("authorization"), None);
            }
            let call = crm.calls().pop().unwrap();
            assert_eq!(call.header("x-mcp-secret-crm-key"), Some(CRM));
            assert_eq!(call.header("x-mcp-secret-crm-region"), Some("eu"));
            assert_eq!(call.header("x-mcp-secret-anything"), None);
            for request in scene.upstream.requests() {
                let seen = format!("{:?}", request.headers);
                assert!(
                    !seen.contains("x-mcp-secret") && request.header("authorization").is_none(),
                    "{seen}"
                );
            }
            for upstream in [&github, &crm, &scene.upstream] {
                for request in upstream.requests() {
                    let seen = format!("{:?} {}", request.headers, request.text());
                    assert!(!seen.contains(&alice.token) && !seen.contains("of-the-client"), "{seen}");
                }
            }
        })
        .await;
    }
}

#[tokio::test]
async fn a_changed_secret_is_used_by_the_very_next_call_and_a_deleted_one_by_none() {
    story(async |world| {
        let Servers { scene, github, crm, alice } = servers(world, &Setup::legacy()).await;
        for round in 0..20 {
            let value = format!("ghp_round_{round}");
            scene.owner.sets_secret("GITHUB_TOKEN", "github", &value).await;
            alice.calls("github__echo", json!({ "text": "hi" })).await;
            let call = github.calls().pop().unwrap();
            assert_eq!(call.header("authorization"), Some(format!("Bearer {value}").as_str()));
        }
        scene.owner.deletes_secret("GITHUB_TOKEN", "github").await;
        let calls = github.calls().len();
        let answer = alice.calls("github__echo", json!({ "text": "hi" })).await;
        assert_eq!((answer.error_code(), github.calls().len()), (Some(-32013), calls));
        assert_eq!(answer.json()["error"]["data"], json!({ "server": "github" }));
        scene.owner.deletes_secret("CRM_KEY", "crm").await;
        alice.calls("crm__echo", json!({ "text": "hi" })).await;
        let call = crm.calls().pop().unwrap();
        assert_eq!(
            (call.header("x-mcp-secret-crm-key"), call.header("x-mcp-secret-crm-region")),
            (None, Some("eu"))
        );
    })
    .await;
}

#[tokio::test]
async fn whoever_moves_a_server_is_not_sent_its_secret() {
    story(async |world| {
        let Servers { scene, github, alice, .. } = servers(world, &Setup::legacy()).await;
        let elsewhere = Setup::legacy().start().await;
        let edit = |url: String| EditServerRequest { url: Some(url), ..EditServerRequest::default() };
        let moved = edit(elsewhere.url());
        scene.owner.asks::<endpoint::EditServer>(&["github"], &moved).await.unwrap();
        let answer = alice.calls("github__echo", json!({ "text": "hi" })).await;
        assert_eq!(answer.error_code(), Some(-32013));
        assert_eq!(elsewhere.requests().len(), 0);
        let page = PageQuery::default();
        let listed = scene.owner.asks::<endpoint::ListSecrets>(&["engineering"], &page).await.unwrap();
        let found = listed.items.iter().find(|secret| secret.name.as_str() == "GITHUB_TOKEN").unwrap();
        assert_eq!(found.state, SecretState::Moved);
        scene.owner.asks::<endpoint::EditServer>(&["github"], &edit(github.url())).await.unwrap();
        let answer = alice.calls("github__echo", json!({ "text": "hi" })).await;
        assert_eq!(answer.tool_text().as_deref(), Some("hi"));
        // A redirect is not followed either, to wherever it leads.
        for there in [elsewhere.url(), "http://169.254.169.254/latest".to_owned()] {
            github.misbehave(Fault::Redirects(there).on("tools/call").times(1));
            let answer = alice.calls("github__echo", json!({ "text": "hi" })).await;
            assert_eq!(answer.error_code(), Some(-32012));
        }
        assert_eq!(elsewhere.requests().len(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_server_that_refuses_the_secret_says_so_and_nothing_shows_it() {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        let locked = Setup::legacy().bearer("right-0123456789").start().await;
        let installed = scene.owner.installs_with("locked", &locked, "bearer:KEY").await;
        assert_eq!(
            installed.warning.as_deref(),
            Some("its tools are not known yet: no credential: the secret KEY is not set")
        );
        assert_eq!(locked.requests().len(), 0);
        scene.owner.sets_secret("KEY", "locked", "wrong-0123456789").await;
        let answer = scene.alice.calls("locked__echo", json!({ "text": "hi" })).await;
        assert_eq!(answer.error_code(), Some(-32013));
        scene.owner.sets_secret("KEY", "locked", "right-0123456789").await;
        let answer = scene.alice.calls("locked__echo", json!({ "text": "hi" })).await;
        assert_eq!(answer.tool_text().as_deref(), Some("hi"));
        // A stranger's look, without any secret.
        let tested = scene.owner.asks::<endpoint::TestServer>(&["locked"], &Empty {}).await.unwrap();
        assert_eq!(tested.error.as_deref(), Some("refused our credential: HTTP 401"));
    })
    .await;
}

#[tokio::test]
async fn no_secret_is_in_the_database_the_logs_or_any_answer() {
    story(async |world| {
        let process = Process::starts_logging(&world.place, &world.place.folder().join(LOG_FILE)).await;
        let mut owner = process.owner(&world.place).await;
        owner.creates_workspace("engineering").await;
        let upstream = Setup::legacy().start().await;
        owner.installs_with("crm", &upstream, "headers").await;
        let mut terminal = Terminal::of(&owner);
        let line = ["workspace", "secret", "set", "engineering", "crm-key", CRM];
        let set = terminal.runs(&line).await;
        assert_eq!(set.code, 0, "{set:?}");
        assert!(set.stderr.contains("warning: the value stood on the command line"), "{set:?}");
        assert!(
            set.stderr.contains("✓ Secret CRM_KEY ('crm-key' as typed) of 'crm' set in 'engineering'."),
            "{set:?}"
        );
        assert!(set.stderr.contains("The next call sends it as `X-Mcp-Secret-CRM-KEY: …`."), "{set:?}");
        owner.sets_secret("OTHER", "crm", GITHUB).await;
        let alice = owner.creates_token("Alice Chen").await;
        alice.calls("crm__echo", json!({ "text": "hi" })).await;
        assert_eq!(upstream.calls().pop().unwrap().header("x-mcp-secret-crm-key"), Some(CRM));
        let mut shown = set.stdout + &set.stderr;
        for line in [
            &["workspace", "secret", "list", "engineering"][..],
            &["workspace", "secret", "list", "engineering", "--output", "json"],
            &["workspace", "audit", "engineering", "--output", "json"],
            &["mcp", "list", "-w", "engineering", "--output", "json"],
            &["workspace", "secret", "delete", "engineering", "OTHER"],
        ] {
            let ran = terminal.runs(line).await;
            assert_eq!(ran.code, 0, "{ran:?}");
            shown += &(ran.stdout + &ran.stderr);
        }
        let backup = world.place.folder().join("backup.db");
        assert!(runs_gateway(&world.place, &["backup", backup.to_str().unwrap()]).await.status.success());
        process.is_asked_to_end();
        process.ends().await;
        let log = std::fs::read_to_string(world.place.folder().join(LOG_FILE)).unwrap();
        assert!(log.contains("TRACE"), "everything is logged");
        let mut places = vec![("answers".to_owned(), shown)];
        for file in files(world.place.folder()) {
            let text = String::from_utf8_lossy(&std::fs::read(&file).unwrap()).into_owned();
            places.push((file.display().to_string(), text));
        }
        for (place, text) in places {
            for secret in [CRM, GITHUB] {
                assert!(!text.contains(secret), "a secret is in the {place}");
            }
        }
    })
    .await;
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[tokio::test]
async fn an_error_that_repeats_the_secret_reaches_nobody() {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        let echo = Setup::legacy().start().await;
        scene.owner.installs_with("crm", &echo, "headers").await;
        scene.owner.sets_secret("KEY", "crm", CRM).await;
        echo.misbehave(Fault::Says(format!("the key {CRM} is not known")).on("tools/call"));
        let answer = scene.alice.calls("crm__echo", json!({ "text": "hi" })).await;
        assert_eq!(answer.json()["error"]["message"], "the key [secret] is not known");
        echo.misbehave(Fault::Says(format!("the key {CRM} is not known")).on("tools/list"));
        // The list is asked for again with another secret, and fails with it in its words.
        scene.owner.sets_secret("OTHER", "crm", GITHUB).await;
        aerostack_tests::patience::eventually("the failure is noted", async || {
            let show = scene.owner.asks::<endpoint::ShowInstall>(&["engineering", "crm"], &Empty {}).await;
            show.unwrap().last_error.is_some()
        })
        .await;
        let shown =
            scene.owner.asks::<endpoint::ShowInstall>(&["engineering", "crm"], &Empty {}).await.unwrap();
        let error = shown.last_error.unwrap();
        assert!(error.contains("[secret]") && !error.contains(CRM), "{error}");
    })
    .await;
}
