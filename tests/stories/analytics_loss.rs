//! What is not lost of calls, and what may be: a gateway that is asked to end, one that is killed, and a
//! database that does not answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use aerostack_core::api::analytics::{AnalyticsQuery, UsageReport};
use aerostack_core::api::operation::endpoint;
use aerostack_gateway::config::{Config, Database};
use aerostack_tests::client::Caller;
use aerostack_tests::patience::eventually;
use aerostack_tests::person::Person;
use aerostack_tests::program::Process;
use aerostack_tests::scene::Scene;
use aerostack_tests::story::{is_proof, rounds, short_story, story};
use aerostack_tests::upstream::Setup;
use secrecy::ExposeSecret;
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};

const CALLERS: usize = 4;
/// What a killed gateway may lose: one interval between writes, and one batch that was being written.
/// On a busy machine both take longer, which only a proof does not allow for.
const MAY_BE_LOST: Duration = Duration::from_millis(1_500);

/// A report; right after a start the store of calls may not be open yet.
async fn report(owner: &Person) -> UsageReport {
    let (query, mut told) = (AnalyticsQuery::default(), None);
    eventually("a report is made", async || {
        told = owner.asks::<endpoint::ShowAnalytics>(&[&owner.workspace], &query).await.ok();
        told.is_some()
    })
    .await;
    told.expect("a report was made")
}

/// Calls until the gateway is gone; counts what was answered, and notes when each answer came.
fn keeps_calling(caller: Caller, sent: Arc<AtomicU64>) -> tokio::task::JoinHandle<Vec<Instant>> {
    tokio::spawn(async move {
        let body = json!({
            "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": { "name": "desk__echo", "arguments": { "text": "hi" } }
        });
        let mut answered = Vec::new();
        loop {
            sent.fetch_add(1, Ordering::Relaxed);
            match caller.tries("POST", &body.to_string()).await {
                Ok(answer) if answer.status() == 200 => answered.push(Instant::now()),
                _ => return answered,
            }
        }
    })
}

async fn loads(process: &mut Process, owner: &Person, end: impl FnOnce(&mut Process)) -> (Vec<Instant>, u64) {
    let sent = Arc::new(AtomicU64::new(0));
    let mut calling = Vec::new();
    for number in 0..CALLERS {
        let caller = owner.creates_token(&format!("Caller {number}")).await;
        calling.push(keeps_calling(caller, Arc::clone(&sent)));
    }
    tokio::time::sleep(Duration::from_secs(4)).await;
    end(process);
    let mut answered = Vec::new();
    for calling in calling {
        answered.extend(calling.await.expect("whoever calls does not panic"));
    }
    (answered, sent.load(Ordering::Relaxed))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prove_a_gateway_that_is_asked_to_end_has_recorded_every_answered_call() {
    story(async |world| {
        let mut process = Process::starts_as(&world.place, &QUOTA).await;
        let mut owner = process.owner(&world.place).await;
        owner.creates_workspace("engineering").await;
        let upstream = Setup::legacy().start().await;
        owner.installs("desk", &upstream).await;
        for _ in 0..rounds(1, 5) {
            let before = report(&owner).await.totals.calls;
            let (answered, _) = loads(&mut process, &owner, |process| process.is_asked_to_end()).await;
            assert_eq!(process.ends().await.code(), Some(0));
            process = Process::starts_as(&world.place, &QUOTA).await;
            owner = owner.at(process.address);
            let after = report(&owner).await.totals.calls;
            assert_eq!(after - before, answered.len() as u64);
            for number in 0..CALLERS {
                owner.revokes(&format!("name:Caller {number}")).await.unwrap();
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prove_a_killed_gateway_loses_the_last_moment_and_reports_nothing_wrong() {
    story(async |world| {
        let mut process = Process::starts_as(&world.place, &QUOTA).await;
        let mut owner = process.owner(&world.place).await;
        owner.creates_workspace("engineering").await;
        let upstream = Setup::legacy().start().await;
        owner.installs("desk", &upstream).await;
        for _ in 0..rounds(1, 5) {
            let before = report(&owner).await.totals.calls;
            let mut killed = Instant::now();
            let (answered, sent) = loads(&mut process, &owner, |process| {
                killed = Instant::now();
                process.is_killed();
            })
            .await;
            process = Process::starts_as(&world.place, &QUOTA).await;
            owner = owner.at(process.address);
            let told = report(&owner).await;
            let may_be_lost = if is_proof() { MAY_BE_LOST } else { 2 * MAY_BE_LOST };
            let safe = answered.iter().filter(|&&at| killed.duration_since(at) > may_be_lost).count();
            let recorded = told.totals.calls - before;
            assert!((safe as u64..=sent).contains(&recorded), "{safe} <= {recorded} <= {sent}");
            assert_eq!((told.totals.errors, told.not_recorded), (0, 0));
            let by_user: u64 = told.tables[0].rows.iter().map(|row| row.figures.calls).sum();
            assert_eq!(by_user, told.totals.calls);
            for number in 0..CALLERS {
                owner.revokes(&format!("name:Caller {number}")).await.unwrap();
            }
        }
    })
    .await;
}

const QUOTA: [(&str, &str); 1] = [("AEROSTACK_RATE_LIMIT_PER_MINUTE", "1000000")];

/// Holds the store of calls, so that nobody else can write there.
enum Holder {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Holder {
    async fn takes(config: &Config) -> Self {
        match &config.database {
            Database::Sqlite(path) => {
                let path = path.with_file_name("analytics.db");
                let mut connection =
                    SqliteConnection::connect(&format!("sqlite:{}", path.display())).await.unwrap();
                sqlx::query("BEGIN EXCLUSIVE").execute(&mut connection).await.unwrap();
                Self::Sqlite(connection)
            }
            Database::Postgres(url) => {
                let mut connection = PgConnection::connect(url.expose_secret()).await.unwrap();
                for statement in ["BEGIN", "LOCK TABLE usage_state IN EXCLUSIVE MODE"] {
                    sqlx::query(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
                }
                Self::Postgres(connection)
            }
        }
    }

    async fn lets_go(self) {
        match self {
            Self::Sqlite(mut connection) => {
                sqlx::query("ROLLBACK").execute(&mut connection).await.map(drop).unwrap();
            }
            Self::Postgres(mut connection) => {
                sqlx::query("ROLLBACK").execute(&mut connection).await.map(drop).unwrap();
            }
        }
    }
}

#[tokio::test]
async fn prove_a_locked_store_hinders_no_call_and_recording_resumes_by_itself() {
    story(async |world| {
        let small = |config: &mut Config| {
            config.limits.rate_limit_per_minute = 1_000_000;
            config.limits.calls_waiting = 16;
            config.limits.database_timeout = Duration::from_secs(2);
        };
        let scene = Scene::set_in(world.gateway_with(small).await, Setup::legacy()).await;
        scene.alice.calls("desk__echo", json!({ "text": "before" })).await;
        assert_eq!(report(&scene.owner).await.totals.calls, 1);
        let holder = Holder::takes(&scene.gateway.config).await;
        let begun = Instant::now();
        let held = Duration::from_secs(rounds(3, 30) as u64);
        let mut made = 1;
        while begun.elapsed() < held {
            let asked = Instant::now();
            let answer = scene.alice.calls("desk__echo", json!({ "text": "hi" })).await;
            assert_eq!(answer.tool_text().as_deref(), Some("hi"));
            assert!(asked.elapsed() < Duration::from_secs(2), "a call waited for the store");
            made += 1;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // What administration needs is elsewhere.
        scene.owner.creates_token("Bob").await;
        holder.lets_go().await;
        let patience = Instant::now();
        let told = loop {
            let told = report(&scene.owner).await;
            if told.totals.calls + told.not_recorded == made {
                break told;
            }
            assert!(patience.elapsed() < Duration::from_secs(20), "{made} made, {told:?}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        };
        assert!(told.not_recorded > 0 && told.totals.calls >= 16, "{told:?}");
        scene.alice.calls("desk__echo", json!({ "text": "after" })).await;
        assert_eq!(report(&scene.owner).await.totals.calls, told.totals.calls + 1);
    })
    .await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_disk_that_takes_no_more_hinders_no_call_and_recording_resumes_by_itself() {
    short_story(async |world| {
        let variables = [QUOTA[0], ("AEROSTACK_LIMIT_CALLS_WAITING", "16")];
        let process = Process::starts_on_a_small_disk(&world.place, &variables).await;
        let mut owner = process.owner(&world.place).await;
        owner.creates_workspace("engineering").await;
        let upstream = Setup::legacy().start().await;
        owner.installs("desk", &upstream).await;
        let alice = owner.creates_token("Alice Chen").await;
        assert_eq!(report(&owner).await.totals.calls, 0);
        // What administration writes has room for a while; calls come to the end of theirs.
        process.may_write(Some(super::full_disk::largest(&world.place.config().data_dir) + 128 * 1_024));
        let (mut made, begun) = (0u64, Instant::now());
        loop {
            for _ in 0..8 {
                let answer = alice.calls("desk__echo", json!({ "text": "hi" })).await;
                assert_eq!(answer.tool_text().as_deref(), Some("hi"));
                made += 1;
            }
            if report(&owner).await.not_recorded > 0 {
                break;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "{made} calls were recorded on a full disk");
        }
        process.may_write(None);
        let patience = Instant::now();
        let told = loop {
            let told = report(&owner).await;
            if told.totals.calls + told.not_recorded == made {
                break told;
            }
            assert!(patience.elapsed() < Duration::from_secs(20), "{made} made, {told:?}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        };
        alice.calls("desk__echo", json!({ "text": "after" })).await;
        assert_eq!(report(&owner).await.totals.calls, told.totals.calls + 1);
    })
    .await;
}

#[tokio::test]
async fn what_was_not_recorded_is_told_also_after_a_restart() {
    story(async |world| {
        let full = |config: &mut Config| config.limits.calls_waiting = 1;
        let mut scene = Scene::set_in(world.gateway_with(full).await, Setup::legacy()).await;
        // A report waits for the tables that are held then.
        assert_eq!(report(&scene.owner).await.totals.calls, 0);
        // Nothing can be written, so of these calls one waits and the others are dropped.
        let holder = Holder::takes(&scene.gateway.config).await;
        for _ in 0..4 {
            scene.alice.calls("desk__echo", json!({ "text": "hi" })).await;
        }
        holder.lets_go().await;
        let mut told = report(&scene.owner).await;
        eventually("every call is accounted for", async || {
            told = report(&scene.owner).await;
            told.totals.calls + told.not_recorded == 4
        })
        .await;
        assert!(told.not_recorded > 0, "{told:?}");
        scene.gateway.restarts().await;
        scene.owner = scene.owner.at(scene.gateway.address());
        let after = report(&scene.owner).await;
        assert_eq!((after.totals.calls, after.not_recorded), (told.totals.calls, told.not_recorded));
    })
    .await;
}

#[tokio::test]
async fn what_is_old_is_forgotten_beside_the_calls_that_come() {
    story(async |world| {
        let mut scene = Scene::set_in(world.gateway_out_of_time().await, Setup::legacy()).await;
        scene.alice.calls("desk__echo", json!({ "text": "hi" })).await;
        assert_eq!(report(&scene.owner).await.totals.calls, 1);
        let Database::Postgres(url) = scene.gateway.config.database.clone() else { return };
        let mut reader = PgConnection::connect(url.expose_secret()).await.unwrap();
        for statement in ["BEGIN", "LOCK TABLE usage_calls IN ACCESS SHARE MODE"] {
            sqlx::query(AssertSqlSafe(statement)).execute(&mut reader).await.unwrap();
        }
        // By now the first day is to go, and its partition cannot be taken off while somebody reads.
        scene.gateway.clock.advance(Duration::from_secs(92 * 86_400));
        scene.gateway.restarts().await;
        let owner = scene.owner.at(scene.gateway.address());
        let alice = Caller { address: scene.gateway.address(), ..scene.alice.clone() };
        for made in 1..=20 {
            let begun = Instant::now();
            alice.calls("desk__echo", json!({ "text": "hi" })).await;
            assert_eq!(report(&owner).await.totals.calls, made);
            assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        sqlx::query("ROLLBACK").execute(&mut reader).await.unwrap();
        scene.gateway.restarts().await;
        let mut looking = PgConnection::connect(url.expose_secret()).await.unwrap();
        eventually("the old day is gone", async || {
            let sql =
                "SELECT COUNT(*) FROM pg_class WHERE relname ~ '^usage_calls_d[0-9]+$' AND relkind = 'r'";
            let days: i64 = sqlx::query_scalar(sql).fetch_one(&mut looking).await.unwrap();
            days == 1
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn somebody_who_reads_old_calls_for_long_keeps_new_ones_from_nothing() {
    story(async |world| {
        let scene = Scene::set_in(world.gateway_out_of_time().await, Setup::legacy()).await;
        scene.alice.calls("desk__echo", json!({ "text": "hi" })).await;
        assert_eq!(report(&scene.owner).await.totals.calls, 1);
        // As a dump of the database does: it has begun to read and takes its time.
        let Database::Postgres(url) = &scene.gateway.config.database else { return };
        let mut reader = PgConnection::connect(url.expose_secret()).await.unwrap();
        for statement in ["BEGIN", "LOCK TABLE usage_calls IN ACCESS SHARE MODE"] {
            sqlx::query(AssertSqlSafe(statement)).execute(&mut reader).await.unwrap();
        }
        // The next day has a partition of its own, which is not there yet.
        scene.gateway.clock.advance(Duration::from_secs(86_400));
        let begun = Instant::now();
        scene.alice.calls("desk__echo", json!({ "text": "hi" })).await;
        let query = AnalyticsQuery { period: Some("2d".to_owned()), ..AnalyticsQuery::default() };
        let told = scene.owner.asks::<endpoint::ShowAnalytics>(&["engineering"], &query).await.unwrap();
        assert_eq!(told.totals.calls, 2);
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        sqlx::query("ROLLBACK").execute(&mut reader).await.unwrap();
    })
    .await;
}
