//! One upstream that never answers delays nobody else.

use std::time::Duration;

use aerostack_core::server::SessionMode;
use aerostack_tests::cli::Terminal;
use aerostack_tests::client::Caller;
use aerostack_tests::gateway::Gateway;
use aerostack_tests::patience::eventually;
use aerostack_tests::person::Person;
use aerostack_tests::scene::Scene;
use aerostack_tests::story::{World, story};
use aerostack_tests::upstream::{Fault, Setup, Tool, Upstream};
use serde_json::json;

/// Three servers in one workspace; of the second nothing is known yet.
struct Three {
    gateway: Gateway,
    owner: Person,
    alice: Caller,
    upstreams: [Upstream; 3],
}

async fn three(world: &World) -> Three {
    // Long enough that a list which waited for the stalled one would be noticed.
    let gateway = world.gateway_with(|config| config.limits.list_timeout = Duration::from_secs(2)).await;
    let mut owner = gateway.owner().await;
    owner.creates_workspace("engineering").await;
    let upstreams = [
        Setup::legacy().tools([Tool::echo()]).start().await,
        Setup::modern().tools([Tool::echo()]).start().await,
        Setup::modern().tools([Tool::echo()]).start().await,
    ];
    let alice = owner.creates_token("Alice Chen").await;
    Three { gateway, owner, alice, upstreams }
}

/// Whether the stalled server still has a request that waits for its answer.
fn is_asked(upstream: &Upstream) -> bool {
    upstream.requests().iter().any(|request| request.ended.is_none())
}

#[tokio::test]
async fn a_server_that_never_answers_is_installed_with_a_warning_and_the_others_serve() {
    story(async |world| {
        let Three { gateway, owner, alice, upstreams: [first, stalled, third] } = three(world).await;
        stalled.misbehave(Fault::NeverAnswers);
        owner.installs("first", &first).await;
        owner.adds("stalled", &stalled.url(), SessionMode::default(), None).await;
        let mut terminal = Terminal::of(&owner);
        let ran = terminal.runs(&["mcp", "install", "stalled", "-w", "engineering"]).await;
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(ran.stderr.contains("warning:"), "{ran:?}");
        owner.installs("third", &third).await;
        stalled.until("it is asked again", is_asked).await;
        assert_eq!(alice.tools().await, ["first__echo", "third__echo"]);
        for tool in ["first__echo", "third__echo"] {
            assert_eq!(alice.calls(tool, json!({ "text": "hi" })).await.tool_text().as_deref(), Some("hi"));
        }
        assert!(is_asked(&stalled), "nobody has waited for it");
        // It is started again, which ends what waits for it.
        let address = stalled.address();
        drop(stalled);
        let mut healthy = None;
        eventually("its port is free", async || {
            let setup = Setup::modern().tools([Tool::echo()]);
            healthy = setup.start_at(address).await.ok();
            healthy.is_some()
        })
        .await;
        eventually("its list is known", async || owner.tools().await.items.len() == 3).await;
        assert_eq!(alice.tools().await, ["first__echo", "stalled__echo", "third__echo"]);
        drop(gateway);
    })
    .await;
}

#[tokio::test]
async fn the_last_good_list_is_served_while_a_server_stalls_and_after_a_restart() {
    story(async |world| {
        let Three { mut gateway, owner, alice, upstreams } = three(world).await;
        for (slug, upstream) in ["first", "second", "third"].iter().zip(&upstreams) {
            owner.installs(slug, upstream).await;
        }
        let all = ["first__echo", "second__echo", "third__echo"];
        assert_eq!(alice.tools().await, all);
        upstreams[1].misbehave(Fault::NeverAnswers);
        gateway.restarts().await;
        let alice = Caller { address: gateway.address(), ..alice };
        upstreams[1].until("it is asked", is_asked).await;
        assert_eq!(alice.tools().await, all);
        assert_eq!(
            alice.calls("third__echo", json!({ "text": "hi" })).await.tool_text().as_deref(),
            Some("hi")
        );
        assert!(is_asked(&upstreams[1]), "nobody has waited for it");
        let mut terminal = Terminal::of(&owner.at(gateway.address()));
        eventually("its failure is shown with the reason", async || {
            let shown = terminal.does(&["mcp", "list", "-w", "engineering"]).await;
            shown.lines().any(|line| line.contains("second") && line.contains("failing"))
        })
        .await;
        assert_eq!(alice.tools().await, all);
    })
    .await;
}

#[tokio::test]
async fn a_server_whose_list_is_not_known_is_called_by_its_prefix() {
    story(async |world| {
        let Three { gateway, owner, alice, upstreams: [first, ..] } = three(world).await;
        first.misbehave(Fault::NeverAnswers.on("tools/list"));
        let installed = owner.installs("first", &first).await;
        assert!(installed.warning.is_some());
        assert_eq!(alice.tools().await, Vec::<String>::new());
        let answer = alice.calls("first__echo", json!({ "text": "hi" })).await;
        assert_eq!(answer.tool_text().as_deref(), Some("hi"));
        drop(gateway);
    })
    .await;
}

#[tokio::test]
async fn a_call_that_waits_for_a_session_is_not_sent_once_its_tool_was_switched_off() {
    is_not_sent_after(async |owner| drop(owner.switches("desk", Some("echo"), false).await.unwrap())).await;
}

#[tokio::test]
async fn a_call_that_waits_for_a_session_is_not_sent_once_its_server_was_removed() {
    is_not_sent_after(async |owner| owner.uninstalls("desk").await).await;
}

async fn is_not_sent_after(takes_away: impl AsyncFn(&Person)) {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        let upstream = &scene.upstream;
        let before = upstream.requests_of("initialize").len();
        upstream.misbehave(Fault::Delays(Duration::from_secs(3)).on("initialize"));
        let meanwhile = async {
            upstream.until("a session is asked for", |it| it.requests_of("initialize").len() > before).await;
            takes_away(&scene.owner).await;
        };
        let waits = scene.alice.calls("desk__echo", json!({ "text": "hi" }));
        let (answer, ()) = tokio::join!(waits, meanwhile);
        assert_eq!(answer.json()["error"]["code"], -32602);
        assert_eq!(upstream.calls().len(), 0);
    })
    .await;
}
