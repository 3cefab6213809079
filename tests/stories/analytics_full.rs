//! That every call is recorded while as many come as a busy gateway can have: none is dropped, and what is
//! reported is what was made. The recorder and its store are the real ones; the calls are handed to it as
//! the gateway does at their end, without being made.

use std::sync::Arc;
use std::time::{Duration, Instant};

use aerostack_core::api::analytics::AnalyticsQuery;
use aerostack_core::api::operation::endpoint;
use aerostack_core::bearer::TokenDigest;
use aerostack_core::time::Timestamp;
use aerostack_core::usage::{Measured, Outcome};
use aerostack_gateway::recorder::CallNote;
use aerostack_gateway::snapshot::CountedTool;
use aerostack_tests::scene::Scene;
use aerostack_tests::story::{World, rounds, story, tell_figures};
use aerostack_tests::upstream::Setup;

const PER_SECOND: usize = 20_000;
const TICKS_PER_SECOND: usize = 200;
const TICK: Duration = Duration::from_millis(5);
const TOKENS: usize = 20;
const TOOLS: usize = 40;
/// Until the last call is reported.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prove_twenty_thousand_calls_a_second_are_recorded_without_a_drop() {
    story(async |world| every_call_is_recorded(world).await).await;
}

async fn every_call_is_recorded(world: &World) {
    let scene = Scene::set(world, Setup::legacy()).await;
    let app = scene.gateway.app();
    let mut grants = Vec::new();
    for number in 0..TOKENS {
        let caller = scene.owner.creates_token(&format!("Caller {number}")).await;
        grants.push(app.grants.find(&TokenDigest::of(&caller.token)).expect("the caller is let in"));
    }
    let tool = |number| CountedTool { server: "desk".to_owned(), tool: format!("desk__tool_{number}") };
    let tools: Vec<Arc<CountedTool>> = (0..TOOLS).map(|number| Arc::new(tool(number))).collect();
    app.recorder.flush_calls().await;

    let seconds = rounds(2, 60);
    let (mut ticks, mut made, mut most_waiting) = (tokio::time::interval(TICK), 0usize, 0);
    let begun = Instant::now();
    for _ in 0..seconds * TICKS_PER_SECOND {
        ticks.tick().await;
        for _ in 0..PER_SECOND / TICKS_PER_SECOND {
            let client = app.recorder.client("claude-code");
            // Tokens and tools meet in every pair, and times are spread as those of real calls are.
            let (grant, tool) = (&grants[made % TOKENS], &tools[made / TOKENS % TOOLS]);
            let measured = measured(app.clock.now(), made);
            app.recorder.call(CallNote {
                grant: Arc::clone(grant),
                tool: Arc::clone(tool),
                client,
                measured,
            });
            made += 1;
        }
        most_waiting = most_waiting.max(app.recorder.calls_waiting());
    }
    let elapsed = begun.elapsed();
    app.recorder.flush_calls().await;
    let told = loop {
        let owner = &scene.owner;
        let query = AnalyticsQuery::default();
        let told = owner.asks::<endpoint::ShowAnalytics>(&[&owner.workspace], &query).await.unwrap();
        if told.totals.calls + told.not_recorded >= made as u64 {
            break told;
        }
        assert!(begun.elapsed() < elapsed + PATIENCE, "{made} made, {told:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    tell_figures(&format!(
        "{:?}: {made} calls in {elapsed:?}, {:.0} a second: {} recorded, {} dropped, at most {most_waiting} waited",
        world.place.engine,
        made as f64 / elapsed.as_secs_f64(),
        told.totals.calls,
        told.not_recorded,
    ));
    assert_eq!((told.totals.calls, told.not_recorded), (made as u64, 0));
}

fn measured(at: Timestamp, number: usize) -> Measured {
    let upstream_us = 800 + (number as u64).wrapping_mul(2_654_435_761) % 40_000;
    let outcome = if number.is_multiple_of(50) { Outcome::ToolError } else { Outcome::Ok };
    Measured {
        at,
        outcome,
        total_us: upstream_us + 90,
        upstream_us: Some(upstream_us),
        bytes_in: 1_024,
        bytes_out: 1_100,
    }
}
