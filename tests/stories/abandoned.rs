//! Sessions that nobody ends: clients come, call once, and never say goodbye.

use aerostack_tests::client::{Caller, rpc};
use aerostack_tests::events::Events;
use aerostack_tests::patience::eventually;
use aerostack_tests::person::Person;
use aerostack_tests::program::Process;
use aerostack_tests::story::{is_proof, rounds, short_story, tell_figures};
use aerostack_tests::upstream::{Setup, Tool, Upstream};
use futures_util::StreamExt;
use futures_util::stream;
use serde_json::json;

const TOKENS: usize = 20;
const AT_ONCE: usize = 16;
/// What an abandoned session may cost, and what may be left of it once it is forgotten.
const SESSION_MAX_BYTES: usize = 6 * 1_024;
const LEFT_MAX_BYTES: usize = 512;

/// Opens a session, makes one call in it that is answered with an event stream, and goes.
async fn comes_and_goes(caller: &Caller) {
    let (inside, _) = caller.initializes("2025-11-25").await;
    let params = json!({
        "name": "desk__slow", "arguments": { "steps": 1, "pause_ms": 0 }, "_meta": { "progressToken": 1 }
    });
    let mut events = Events::open(inside.begins("POST", &rpc(1, "tools/call", &params)).await).await;
    events.until_over().await;
    assert!(events.last_id.is_some(), "it could be resumed");
}

async fn callers(owner: &Person) -> Vec<Caller> {
    let mut callers = Vec::new();
    for number in 0..TOKENS {
        callers.push(owner.creates_token(&format!("Editor {number}")).await);
    }
    callers
}

/// So many sessions of these callers; gives the gateway's resident memory afterwards, in KiB.
async fn wave(callers: &[Caller], sessions: usize, process: &Process) -> usize {
    stream::iter((0..sessions).map(|number| comes_and_goes(&callers[number % callers.len()])))
        .buffer_unordered(AT_ONCE)
        .collect::<Vec<()>>()
        .await;
    process.resident_kib()
}

async fn until_forgotten(upstream: &Upstream) {
    upstream.until("the servers' sessions have ended", |seen| seen.sessions().open <= 1).await;
}

#[tokio::test]
async fn prove_abandoned_sessions_cost_little_and_then_nothing() {
    short_story(async |world| {
        let limits = [
            ("AEROSTACK_RATE_LIMIT_PER_MINUTE", "1000000"),
            ("AEROSTACK_LIMIT_REPLAY_TIMEOUT", "5s"),
            ("AEROSTACK_LIMIT_SESSION_IDLE_TIMEOUT", "5s"),
        ];
        let process = Process::starts_as(&world.place, &limits).await;
        let mut owner = process.owner(&world.place).await;
        owner.creates_workspace("engineering").await;
        let upstream = Setup::legacy().tools([Tool::slow()]).start().await;
        owner.installs("desk", &upstream).await;
        let callers = callers(&owner).await;
        eventually("the server's list is known", async || callers[0].tools().await.len() == 1).await;
        let sessions = rounds(300, 10_000);
        let before = wave(&callers, TOKENS * 4, &process).await;
        let first = wave(&callers, sessions, &process).await;
        until_forgotten(&upstream).await;
        let second = wave(&callers, sessions, &process).await;
        let each = first.saturating_sub(before) * 1_024 / sessions;
        let left = second.saturating_sub(first) * 1_024 / sessions;
        tell_figures(&format!(
            "{sessions} abandoned sessions: {before} KiB before, {first} KiB after, {second} KiB after as many \
             again; {each} bytes each (target {SESSION_MAX_BYTES}), {left} left (target {LEFT_MAX_BYTES})"
        ));
        assert!(upstream.sessions().opened <= 3 * (TOKENS + 2), "{:?}", upstream.sessions());
        assert!(!is_proof() || each < SESSION_MAX_BYTES, "{each} bytes");
        assert!(!is_proof() || left < LEFT_MAX_BYTES, "{left} bytes");
    })
    .await;
}
