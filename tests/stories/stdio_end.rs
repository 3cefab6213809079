//! Programs end: when nobody needs them, when nobody may have them, and however the gateway does.

use std::time::Duration;

use aerostack_core::api::server::InstallStatus;
use aerostack_core::server::SessionMode;
use aerostack_gateway::config::Config;
use aerostack_tests::client::Caller;
use aerostack_tests::patience::eventually;
use aerostack_tests::stdio::{Example, Workshop, has_group, is_there};
use aerostack_tests::story::{rounds, story, tell_figures};
use futures_util::StreamExt;
use futures_util::stream;
use serde_json::json;

const SECRET: &str = "s3cr3t-value-of-desk";

async fn pid(caller: &Caller) -> u32 {
    let answer = caller.calls("desk__pid", json!({})).await;
    answer.tool_text().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("a number: {answer:?}"))
}

fn idle_soon(config: &mut Config) {
    config.limits.stdio_idle_timeout = Duration::from_millis(400);
}

#[tokio::test]
async fn a_program_that_nobody_uses_is_ended_and_started_again_when_it_is_needed() {
    story(async |world| {
        let shop = Workshop::set_with(world, &["--helper"], SessionMode::PerCaller, idle_soon).await;
        let first = pid(&shop.alice).await;
        shop.example.is_gone().await;
        assert_ne!(pid(&shop.alice).await, first);
    })
    .await;
}

#[tokio::test]
async fn a_program_ends_with_the_token_it_ran_for_and_its_calls_do_too() {
    story(async |world| {
        let shop = Workshop::set(world, &["--stubborn", "--helper"]).await;
        let (alice, bob) = (pid(&shop.alice).await, shop.owner.creates_token("Bob").await);
        let bobs = pid(&bob).await;
        let caller = shop.alice.clone();
        let call = tokio::spawn(async move { caller.calls("desk__hold", json!({})).await });
        shop.example.wrote(r#""hold""#).await;
        shop.owner.revokes("name:Alice Chen").await.unwrap();
        assert_eq!(call.await.unwrap().status(), 401);
        eventually("her program is gone, with what it started", async || {
            !is_there(alice) && !has_group(alice)
        })
        .await;
        assert_eq!(pid(&bob).await, bobs, "his goes on");
    })
    .await;
}

#[tokio::test]
async fn programs_end_when_their_server_is_switched_off_changed_or_removed() {
    story(async |world| {
        let shop = Workshop::set(world, &[]).await;
        let ended = async |first: u32| eventually("the program ends", async || !is_there(first)).await;
        let first = pid(&shop.alice).await;
        shop.owner.switches("desk", None, false).await.unwrap();
        ended(first).await;
        shop.owner.switches("desk", None, true).await.unwrap();
        let second = pid(&shop.alice).await;
        shop.owner.sets_secret("key", "desk", "value").await;
        ended(second).await;
        let third = pid(&shop.alice).await;
        shop.owner.uninstalls("desk").await;
        ended(third).await;
        shop.example.is_gone().await;
    })
    .await;
}

#[tokio::test]
async fn a_program_that_is_too_large_is_ended_and_its_call_answered() {
    story(async |world| {
        let shop = Workshop::set_with(world, &[], SessionMode::PerCaller, |config| {
            config.limits.stdio_memory_bytes = 64 << 20;
        })
        .await;
        let first = pid(&shop.alice).await;
        let answer = shop.alice.calls("desk__eat", json!({ "mib": 200 })).await;
        assert_eq!(answer.error_code(), Some(-32012), "{answer:?}");
        assert!(!is_there(first));
        assert_ne!(pid(&shop.alice).await, first, "the next call starts another");
    })
    .await;
}

#[tokio::test]
async fn a_program_that_breaks_off_is_started_again_more_and_more_patiently() {
    story(async |world| {
        let shop = Workshop::set_with(world, &[], SessionMode::PerCaller, |config| {
            // She asks again and again.
            config.limits.rate_limit_per_minute = 1_000_000;
        })
        .await;
        for round in 0..2 {
            let answer = shop.alice.calls("desk__crash", json!({ "line": "out of luck" })).await;
            assert_eq!(answer.error_code(), Some(-32012), "{round}: {answer:?}");
        }
        let refused = shop.alice.calls("desk__pid", json!({})).await;
        assert_eq!(refused.error_code(), Some(-32010), "a second break in a row keeps its caller waiting");
        let bob = shop.owner.creates_token("Bob").await;
        pid(&bob).await;
        eventually("hers runs again", async || {
            shop.alice.calls("desk__pid", json!({})).await.tool_text().is_some()
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn a_place_that_is_needed_is_taken_from_whoever_used_it_longest_ago() {
    story(async |world| {
        let shop = Workshop::set_with(world, &[], SessionMode::PerCaller, |config| {
            config.limits.stdio_children_per_install = 2;
            config.limits.stdio_children = 3;
        })
        .await;
        // The gateway's own is there before: installing asked one for its list, and keeping the list another.
        let lists = || shop.example.methods().iter().filter(|method| *method == "tools/list").count();
        eventually("the list is kept", async || lists() == 2).await;
        let mut pids = Vec::new();
        for name in ["Bob", "Carol", "Dan"] {
            let caller = shop.owner.creates_token(name).await;
            pids.push(pid(&caller).await);
        }
        eventually("the first is gone", async || !is_there(pids[0])).await;
        assert!(is_there(pids[1]) && is_there(pids[2]));
    })
    .await;
}

#[tokio::test]
async fn the_gateways_end_is_the_end_of_all_programs() {
    story(async |world| {
        let mut shop = Workshop::set(world, &["--stubborn", "--helper"]).await;
        pid(&shop.alice).await;
        shop.gateway.stops().await;
        assert_eq!(shop.example.running(), [].into());
        // What was killed is gone when its turn has come.
        shop.example.is_gone().await;
        let left = std::fs::read_dir(shop.gateway.config.data_dir.join("stdio/running")).unwrap().count();
        assert_eq!(left, 0, "nothing is written down of what does not run");
    })
    .await;
}

#[tokio::test]
async fn a_gateway_that_may_run_none_shows_programs_as_switched_off() {
    story(async |world| {
        let mut shop = Workshop::set(world, &[]).await;
        shop.gateway.stops().await;
        shop.gateway.config.stdio = None;
        shop.gateway.starts().await;
        let owner = shop.owner.at(shop.gateway.address());
        let alice = Caller { address: shop.gateway.address(), ..shop.alice.clone() };
        let shown = owner.installed("desk").await;
        let why = "servers that are programs are switched off: the gateway was started without --allow-stdio";
        assert_eq!((shown.status, shown.last_error.as_deref()), (InstallStatus::Disabled, Some(why)));
        let answer = alice.calls("desk__echo", json!({ "text": "hi" })).await;
        assert_eq!(answer.error_code(), Some(-32010), "{answer:?}");
        shop.gateway.stops().await;
        aerostack_tests::stdio::allow(&mut shop.gateway.config);
        shop.gateway.starts().await;
        let alice = Caller { address: shop.gateway.address(), ..shop.alice };
        pid(&alice).await;
    })
    .await;
}

#[tokio::test]
async fn prove_abandoned_programs_all_end_and_leave_no_zombies() {
    story(async |world| {
        let count = rounds(12, 100);
        let shop = Workshop::set_with(world, &["--helper"], SessionMode::PerCaller, |config| {
            config.limits.stdio_idle_timeout = Duration::from_secs(3);
        })
        .await;
        // Alice is one of them: the plan has no more seats than are needed in full.
        let others = stream::iter(1..count)
            .map(|number| {
                let owner = shop.owner.clone();
                async move { owner.creates_token(&format!("Caller {number}")).await }
            })
            .buffered(8)
            .collect::<Vec<Caller>>()
            .await;
        let callers: Vec<&Caller> = others.iter().chain([&shop.alice]).collect();
        let pids: Vec<u32> = stream::iter(callers).map(pid).buffer_unordered(8).collect().await;
        let distinct: std::collections::BTreeSet<u32> = pids.into_iter().collect();
        assert_eq!(distinct.len(), count, "each has its own");
        shop.example.is_gone().await;
        let records = shop.gateway.config.data_dir.join("stdio/running");
        eventually("none is written down", async || std::fs::read_dir(&records).unwrap().count() == 0).await;
        tell_figures(&format!(
            "{count} programs with helpers were started and abandoned: none left, no zombie"
        ));
    })
    .await;
}

#[tokio::test]
async fn what_a_program_says_is_logged_without_its_secrets() {
    use aerostack_tests::program::{LOG_FILE, Process, logged};
    story(async |world| {
        let log = world.place.folder().join(LOG_FILE);
        let process = Process::starts_running_programs(&world.place, &log).await;
        let mut owner = process.owner(&world.place).await;
        owner.creates_workspace("engineering").await;
        let example = Example::new();
        owner.adds_program("desk", example.command(&[]), SessionMode::PerCaller).await.unwrap();
        owner.installs_known("desk", None).await.unwrap();
        owner.sets_secret("key", "desk", SECRET).await;
        let alice = owner.creates_token("Alice Chen").await;
        let line = format!("connecting with {SECRET} now");
        alice.calls("desk__say", json!({ "line": line })).await;
        alice.calls("desk__crash", json!({ "line": format!("refused: {SECRET}") })).await;
        logged(&log, "connecting with [secret] now").await;
        let text = logged(&log, "refused: [secret]").await;
        assert!(!text.contains(SECRET));
        let shown = owner.installed("desk").await;
        assert!(!format!("{shown:?}").contains(SECRET));
    })
    .await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn prove_what_a_killed_gateway_leaves_is_ended_by_the_next() {
    use aerostack_tests::program::{LOG_FILE, Process, logged};
    story(async |world| {
        let log = world.place.folder().join(LOG_FILE);
        let mut process = Process::starts_running_programs(&world.place, &log).await;
        let mut owner = process.owner(&world.place).await;
        owner.creates_workspace("engineering").await;
        let example = Example::new();
        let command = example.command(&["--stubborn", "--helper"]);
        owner.adds_program("desk", command, SessionMode::PerCaller).await.unwrap();
        owner.installs_known("desk", None).await.unwrap();
        let count = rounds(3, 100);
        let mut pids = Vec::new();
        for number in 0..count {
            pids.push(pid(&owner.creates_token(&format!("Caller {number}")).await).await);
        }
        process.is_killed();
        eventually("the programs themselves end with their gateway", async || {
            !pids.iter().any(|pid| aerostack_tests::stdio::runs(*pid))
        })
        .await;
        assert!(pids.iter().all(|pid| has_group(*pid)), "what they started is left");
        let next = Process::starts_running_programs(&world.place, &log).await;
        eventually("nothing is left", async || !pids.iter().any(|pid| has_group(*pid))).await;
        logged(&log, "programs that an earlier gateway had left were ended").await;
        drop(next);
        tell_figures(&format!("{count} programs of a killed gateway: none left after the next start"));
    })
    .await;
}
