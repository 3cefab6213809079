//! How long reports take over much, how fast CSV streams, what a record costs, and how much room calls
//! take. Scaled down unless it is a proof.

use std::sync::Arc;
use std::time::{Duration, Instant};

use aerostack_core::api::analytics::{AnalyticsQuery, By};
use aerostack_core::api::operation::{Endpoint, endpoint};
use aerostack_core::bearer::TokenDigest;
use aerostack_core::usage::{Measured, Outcome, Period};
use aerostack_gateway::config::Database;
use aerostack_gateway::jsonrpc::VerdictReader;
use aerostack_gateway::recorder::CallNote;
use aerostack_gateway::snapshot::CountedTool;
use aerostack_tests::engine::Engine;
use aerostack_tests::person::Person;
use aerostack_tests::scene::Scene;
use aerostack_tests::story::{World, is_proof, median_and_worst, rounds, story, tell_figures};
use aerostack_tests::upstream::Setup;
use aerostack_tests::usage_history::History;
use secrecy::ExposeSecret;
use sqlx::{Connection, PgConnection};

const REPORT_30_DAYS: Duration = Duration::from_millis(200);
const REPORT_7_DAYS: Duration = Duration::from_millis(100);
const ROWS_PER_SECOND: f64 = 100_000.0;
/// What streaming may hold beyond what was held before.
const STREAMING_MAX_KIB: u64 = 64 * 1_024;
const RECORD_TARGET: Duration = Duration::from_micros(2);

fn query(period: &str, by: Option<By>) -> AnalyticsQuery {
    AnalyticsQuery { period: Some(period.to_owned()), by, ..AnalyticsQuery::default() }
}

/// Prints a figure beside its target; a proof must meet it.
fn assert_figure(what: &str, figure: Duration, target: Duration) {
    tell_figures(&format!("{what}: {figure:?} (target {target:?})"));
    assert!(!is_proof() || figure <= target, "{what}: {figure:?}");
}

async fn times_report(owner: &Person, period: &str) -> (Duration, u64) {
    let mut times = Vec::new();
    let mut calls = 0;
    for _ in 0..rounds(3, 20) {
        let begun = Instant::now();
        let report = owner.asks::<endpoint::ShowAnalytics>(&[&owner.workspace], &query(period, None)).await;
        times.push(begun.elapsed());
        calls = report.expect("a report is made").totals.calls;
    }
    (median_and_worst(&times).expect("it was timed").0, calls)
}

/// Streams an export, counting lines; gives them, the time it took, and by how much memory grew.
async fn streams<E: Endpoint>(owner: &Person, period: &str, by: Option<&str>) -> (usize, Duration, u64) {
    let by = by.map(|by| format!("&by={by}")).unwrap_or_default();
    let url =
        format!("http://{}{}?period={period}{by}", owner.address, E::OPERATION.fill(&[&owner.workspace]));
    let before = resident_kib();
    let begun = Instant::now();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().expect("a client can be made");
    let mut response = client.get(url).bearer_auth(&owner.key).send().await.expect("it is answered");
    assert_eq!(response.status(), 200);
    let (mut rows, mut most) = (0, before);
    while let Some(piece) = response.chunk().await.expect("it streams to its end") {
        rows += piece.iter().filter(|&&byte| byte == b'\n').count();
        if rows % 1_024 == 0 {
            most = most.max(resident_kib());
        }
    }
    (rows - 1, begun.elapsed(), most.max(resident_kib()).saturating_sub(before))
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB");
    line.trim().trim_end_matches(" kB").trim().parse().unwrap_or(0)
}

fn assert_rate(what: &str, (rows, elapsed, grown_kib): (usize, Duration, u64)) {
    let rate = rows as f64 / elapsed.as_secs_f64();
    tell_figures(&format!(
        "{what}: {rows} rows in {elapsed:?}, {rate:.0} rows/s (target {ROWS_PER_SECOND:.0}), memory +{grown_kib} KiB"
    ));
    assert!(!is_proof() || rate >= ROWS_PER_SECOND, "{what}: {rate}");
    assert!(!is_proof() || grown_kib <= STREAMING_MAX_KIB, "{what}: {grown_kib} KiB");
}

async fn bytes_of_store(world: &World, scene: &Scene) -> u64 {
    match &scene.gateway.config.database {
        Database::Sqlite(path) => {
            std::fs::metadata(path.with_file_name("analytics.db")).map_or(0, |file| file.len())
        }
        Database::Postgres(url) => {
            assert_eq!(world.place.engine, Engine::Postgres);
            let mut connection = PgConnection::connect(url.expose_secret()).await.expect("it is reached");
            let sql = "SELECT SUM(pg_total_relation_size(oid))::BIGINT FROM pg_class
                       WHERE relname LIKE 'usage%' AND relkind = 'r'";
            let bytes: i64 =
                sqlx::query_scalar(sql).fetch_one(&mut connection).await.expect("it is measured");
            u64::try_from(bytes).unwrap_or(0)
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prove_reports_over_ninety_days_of_calls_are_quick() {
    story(async |world| {
        // A clock that stands: a report begins where what is made up was counted from.
        let scene = Scene::set_in(world.gateway_out_of_time().await, Setup::legacy()).await;
        let app = scene.gateway.app();
        let history = History { calls: rounds(20_000, 10_000_000), tokens: 50, tools: 40 };
        let digest = TokenDigest::of(&scene.alice.token);
        let workspace = app.grants.find(&digest).expect("Alice is let in").workspace.id.clone();
        // The gateway brings the store's schema up to date before it writes.
        app.recorder.flush_calls().await;
        let begun = Instant::now();
        let now = app.clock.now();
        let since = "30d".parse::<Period>().expect("a period").start(now);
        let met = history.write(&app.usage, &workspace, now, since).await;
        let bytes = bytes_of_store(world, &scene).await;
        tell_figures(&format!(
            "{:?}: {} calls written and added up in {:?}; {} MB, {} bytes a call",
            world.place.engine,
            history.calls,
            begun.elapsed(),
            bytes / 1_000_000,
            bytes / history.calls as u64
        ));
        let owner = &scene.owner;
        for (period, target) in [("7d", REPORT_7_DAYS), ("30d", REPORT_30_DAYS), ("90d", REPORT_30_DAYS * 5)]
        {
            let (median, calls) = times_report(owner, period).await;
            let what = format!("{:?}: report of {period}, {calls} calls, median", world.place.engine);
            assert_figure(&what, median, target);
        }
        let name = |what: &str| format!("{:?}: {what}", world.place.engine);
        let calls = streams::<endpoint::ExportCalls>(owner, "30d", None).await;
        assert_eq!(calls.0 as u64, met.values().sum::<u64>());
        assert_rate(&name("single calls of 30 days as CSV"), calls);
        let (rows, elapsed, _) = streams::<endpoint::ExportAnalytics>(owner, "30d", None).await;
        tell_figures(&name(&format!("figures of 30 days as CSV: {rows} rows in {elapsed:?}")));
        // Of few calls, not every token meets every tool.
        assert_eq!(rows, met.len());
        let (rows, elapsed, _) = streams::<endpoint::ExportAnalytics>(owner, "7d", Some("hour")).await;
        tell_figures(&name(&format!("figures by hour of 7 days as CSV: {rows} rows in {elapsed:?}")));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prove_a_record_costs_its_call_next_to_nothing() {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        let app = scene.gateway.app();
        let grant = app.grants.find(&TokenDigest::of(&scene.alice.token)).expect("Alice is let in");
        let tool = Arc::new(CountedTool { server: "desk".to_owned(), tool: "desk__echo".to_owned() });
        let answer = br#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"a short answer, as most are"}],"isError":false}}"#;
        app.recorder.flush_calls().await;
        let count = rounds(2_000, 50_000);
        let begun = Instant::now();
        for _ in 0..count {
            let began = Instant::now();
            let client = app.recorder.client("claude-code");
            let mut reader = VerdictReader::default();
            reader.push(answer);
            assert!(reader.verdict().is_some());
            let total_us = u64::try_from(began.elapsed().as_micros()).unwrap_or(0);
            app.recorder.call(CallNote {
                grant: Arc::clone(&grant),
                tool: Arc::clone(&tool),
                client,
                measured: Measured {
                    at: app.clock.now(),
                    outcome: Outcome::Ok,
                    total_us,
                    upstream_us: Some(total_us),
                    bytes_in: 100,
                    bytes_out: answer.len() as u64,
                },
            });
        }
        let each = begun.elapsed() / u32::try_from(count).expect("not so many");
        assert_figure(&format!("{:?}: a record on its call's thread", world.place.engine), each, RECORD_TARGET);
        let begun = Instant::now();
        app.recorder.flush_calls().await;
        while app.recorder.calls_waiting() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let each = begun.elapsed() / u32::try_from(count).expect("not so many");
        tell_figures(&format!("{:?}: a record in its writer, at most: {each:?}", world.place.engine));
    })
    .await;
}
