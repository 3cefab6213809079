//! Who called what, how often, how well: what reports say against what callers counted themselves.

use std::collections::BTreeMap;
use std::time::Duration;

use aerostack_core::account::Email;
use aerostack_core::api::analytics::{AnalyticsQuery, By, CallView, CallsQuery, Figures, UsageReport};
use aerostack_core::api::operation::endpoint;
use aerostack_core::api::token::CreateTokenRequest;
use aerostack_core::usage::Outcome;
use aerostack_gateway::config::Config;
use aerostack_tests::cli::Terminal;
use aerostack_tests::client::Caller;
use aerostack_tests::person::{Person, token_named};
use aerostack_tests::program::runs_script;
use aerostack_tests::scene::Scene;
use aerostack_tests::story::{median_and_worst, rounds, short_story, story, tell_figures};
use aerostack_tests::upstream::{Setup, Tool};
use futures_util::future::join_all;
use serde_json::json;

/// Calls by tool and outcome.
type Counts = BTreeMap<(String, &'static str), u64>;

fn patient(config: &mut Config) {
    config.limits.rate_limit_per_minute = 1_000_000;
}

async fn report(owner: &Person, query: AnalyticsQuery) -> UsageReport {
    owner.asks::<endpoint::ShowAnalytics>(&[&owner.workspace], &query).await.expect("a report is made")
}

fn of_user(user: &str, by: By) -> AnalyticsQuery {
    AnalyticsQuery { user: Some(user.to_owned()), by: Some(by), ..AnalyticsQuery::default() }
}

async fn all_calls(owner: &Person) -> Vec<CallView> {
    let mut query = CallsQuery { limit: Some(1_000), ..CallsQuery::default() };
    let mut calls = Vec::new();
    loop {
        let page =
            owner.asks::<endpoint::ListCalls>(&[&owner.workspace], &query).await.expect("calls are listed");
        calls.extend(page.items);
        query.cursor = page.next_cursor;
        if query.cursor.is_none() {
            return calls;
        }
    }
}

/// One of five kinds of calls, and how it must end.
async fn makes_a_call(caller: &Caller, number: usize) -> (String, &'static str) {
    let (tool, arguments, outcome) = match number % 5 {
        0 => ("desk__echo", json!({ "text": "hi" }), "ok"),
        1 => ("desk__add", json!({ "a": 1, "b": 2 }), "ok"),
        2 => ("desk__fail", json!({ "reason": "so" }), "tool_error"),
        3 => ("desk__big", json!({ "kib": 100 }), "ok"),
        _ => ("nowhere", json!({}), "refused"),
    };
    let answer = caller.calls(tool, arguments).await;
    assert_eq!(answer.status(), 200);
    let counted = if tool == "nowhere" { "(unknown)" } else { tool };
    (counted.to_owned(), outcome)
}

fn counts_of(report: &UsageReport) -> Counts {
    let mut counts = Counts::new();
    for row in &report.tables[0].rows {
        let outcomes = row.figures.outcomes;
        let tool = row.tool.clone().unwrap_or_default();
        for (word, count) in [
            ("ok", outcomes.ok),
            ("tool_error", outcomes.tool_error),
            ("upstream_error", outcomes.upstream_error),
            ("timeout", outcomes.timeout),
            ("refused", outcomes.refused),
            ("cancelled", outcomes.cancelled),
        ] {
            if count > 0 {
                counts.insert((tool.clone(), word), count);
            }
        }
    }
    counts
}

/// The exact percentile by the nearest rank against the reported one.
fn assert_close(times: &mut [f64], percent: usize, reported: Option<f64>) {
    times.sort_unstable_by(f64::total_cmp);
    let exact = times[(times.len() * percent).div_ceil(100) - 1];
    let reported = reported.expect("there are calls");
    assert!((reported - exact).abs() <= exact / 64.0 + 1e-9, "p{percent}: {reported} for {exact}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prove_reports_count_what_callers_counted() {
    story(async |world| {
        let scene = Scene::set_in(world.gateway_with(patient).await, Setup::legacy()).await;
        let each = rounds(15, 5_000);
        let mut people = Vec::new();
        for number in 0..20 {
            let name = format!("Person {number}");
            people.push((scene.owner.creates_token(&name).await, name));
        }
        let counted = join_all(people.iter().map(|(caller, _)| async move {
            let mut counts = Counts::new();
            for number in 0..each {
                *counts.entry(makes_a_call(caller, number).await).or_insert(0) += 1;
            }
            counts
        }))
        .await;
        for ((_, name), counts) in people.iter().zip(&counted) {
            let reported = report(&scene.owner, of_user(name, By::Tool)).await;
            assert_eq!(counts_of(&reported), *counts, "{name}");
        }
        let whole = report(&scene.owner, AnalyticsQuery::default()).await;
        assert_eq!((whole.totals.calls, whole.not_recorded), (20 * each as u64, 0));
        assert_eq!(whole.tables.iter().map(|table| table.rows.len()).collect::<Vec<_>>(), [20, 5, 2]);

        let calls = all_calls(&scene.owner).await;
        assert_eq!(calls.len(), 20 * each);
        let mut totals: Vec<f64> = calls.iter().map(|call| call.total_ms).collect();
        let mut upstream: Vec<f64> = calls.iter().filter_map(|call| call.upstream_ms).collect();
        let Figures { p50_ms, p95_ms, p99_ms, upstream_p95_ms, .. } = whole.totals;
        for (percent, reported) in [(50, p50_ms), (95, p95_ms), (99, p99_ms)] {
            assert_close(&mut totals, percent, reported);
        }
        assert_close(&mut upstream, 95, upstream_p95_ms);
        let own: Vec<Duration> = calls
            .iter()
            .filter_map(|call| Some(Duration::from_secs_f64((call.total_ms - call.upstream_ms?) / 1_000.0)))
            .collect();
        if let Some((median, worst)) = median_and_worst(&own) {
            tell_figures(&format!("{} calls, of our own: median {median:?}, worst {worst:?}", own.len()));
        }
    })
    .await;
}

#[tokio::test]
async fn every_way_a_call_can_end_is_recorded_once() {
    story(async |world| {
        let quick = |config: &mut Config| config.limits.call_idle_timeout = Duration::from_secs(2);
        let upstream = Setup::legacy().tools([Tool::echo(), Tool::fail(), Tool::held("wait")]);
        let scene = Scene::set_in(world.gateway_with(quick).await, upstream).await;
        let alice = scene.alice.clone().with("User-Agent", "claude-code/2.1 (linux)");
        alice.calls("desk__echo", json!({ "text": "hi" })).await;
        alice.calls("desk__fail", json!({})).await;
        alice.calls("desk__wait", json!({})).await;
        alice.calls("desk__nothing", json!({})).await;
        alice.asks("tools/call", json!({ "arguments": {} })).await;
        alice.calls_modern("desk__echo", json!({ "text": "hi" })).await;
        alice.asks("tools/list", json!({})).await;
        let mut seen: Vec<(String, Outcome, Option<String>, bool)> = all_calls(&scene.owner)
            .await
            .into_iter()
            .map(|call| (call.tool, call.outcome, call.client, call.upstream_ms.is_some()))
            .collect();
        seen.reverse();
        let client = Some("claude-code".to_owned());
        let row = |tool: &str, outcome, asked| (tool.to_owned(), outcome, client.clone(), asked);
        assert_eq!(
            seen,
            [
                row("desk__echo", Outcome::Ok, true),
                row("desk__fail", Outcome::ToolError, true),
                row("desk__wait", Outcome::Timeout, true),
                row("(unknown)", Outcome::Refused, false),
                row("(unknown)", Outcome::Refused, false),
                row("desk__echo", Outcome::Ok, true),
            ]
        );
        let upstream = scene.upstream;
        drop(upstream);
    })
    .await;
}

#[tokio::test]
async fn a_member_sees_their_own_calls_with_nothing_but_their_token() {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        let tied = CreateTokenRequest {
            person: Some(Email::parse("bob@example.com").unwrap()),
            ..token_named("Bob Singh")
        };
        let bob = scene.owner.caller(&scene.owner.orders_token(&tied).await.unwrap());
        for caller in [&scene.alice, &bob, &bob] {
            caller.calls("desk__echo", json!({ "text": "hi" })).await;
        }
        let by_email = report(&scene.owner, of_user("Bob@Example.com", By::User)).await;
        assert_eq!(by_email.totals.calls, 2);
        assert_eq!(by_email.tables[0].rows[0].email.as_deref(), Some("bob@example.com"));

        let somebody = scene.gateway.somebody("bob", aerostack_core::plan::Plan::Free).await;
        let own = Terminal::of(&somebody).does(&["me", "usage", "--output", "json"]).await;
        let own: serde_json::Value = serde_json::from_str(&own).unwrap();
        assert_eq!(own["workspaces"][0]["totals"]["calls"], 2);

        let ran = Terminal::of(&somebody).runs(&["me", "usage", "--token", &bob.token]).await;
        assert!(ran.stdout.contains("2 calls, 0 errors (0.0 %)"), "{ran:?}");
        assert!(!ran.transcript().contains(&bob.token));
        scene.owner.revokes(&bob.id).await.unwrap();
        let ran = Terminal::of(&somebody).runs(&["me", "usage", "--token", &bob.token]).await;
        assert_eq!((ran.code, ran.stdout.as_str()), (1, ""));
    })
    .await;
}

#[tokio::test]
async fn names_come_out_of_csv_and_table_harmless_and_otherwise_intact() {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        let names = ["=HYPERLINK(\"http://evil.test\",\"x\")", "a \"quoted\", name", "שלום עולם", "🦀 crab", "-1+1"];
        for name in names {
            scene.owner.creates_token(name).await.calls("desk__echo", json!({ "text": "hi" })).await;
        }
        let mut terminal = Terminal::of(&scene.owner);
        let csv = terminal.does(&["analytics", "-w", "engineering", "--period", "30d", "--format", "csv"]).await;
        let mut lines = csv.split("\r\n");
        assert_eq!(
            lines.next(),
            Some(
                "user,email,token_id,server,tool,calls,errors,error_rate,p50_ms,p95_ms,p99_ms,upstream_p95_ms,\
                 bytes_in,bytes_out,first_call,last_call"
            )
        );
        let users = [
            "\"'=HYPERLINK(\"\"http://evil.test\"\",\"\"x\"\")\",,tok_",
            "\"a \"\"quoted\"\", name\",,tok_",
            "שלום עולם,,tok_",
            "🦀 crab,,tok_",
            "'-1+1,,tok_",
        ];
        let rows: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
        for user in users {
            let row = rows.iter().find(|row| row.starts_with(user)).unwrap_or_else(|| panic!("{user}: {csv}"));
            assert!(row.contains(",desk,desk__echo,1,0,0,"), "{row}");
        }
        assert_eq!(rows.len(), names.len());
        let table = terminal.does(&["analytics", "-w", "engineering"]).await;
        assert!(names.iter().all(|name| table.contains(name)), "{table}");
        let by_hour = terminal.does(&["analytics", "--by", "hour", "--format", "csv"]).await;
        assert!(by_hour.starts_with("bucket,user,email,"), "{by_hour}");
        assert_eq!(by_hour.matches("\r\n").count(), 1 + names.len());
        let raw = terminal.does(&["analytics", "--raw", "--format", "csv", "--user", "🦀 crab"]).await;
        assert_eq!(raw.matches("\r\n").count(), 2, "{raw}");
        assert!(raw.contains(",desk,desk__echo,,ok,"), "{raw}");
    })
    .await;
}

#[tokio::test]
async fn the_commands_of_the_pages_run_unchanged() {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        scene.alice.calls("desk__echo", json!({ "text": "hi" })).await;
        let script = include_str!("seed/analytics.sh");
        let ran = runs_script(&scene.owner, world.place.folder(), script, &[]).await;
        let text = String::from_utf8_lossy(&ran.stdout).into_owned();
        assert!(ran.status.success(), "{text}");
        assert_eq!(text.matches("1 call, 0 errors (0.0 %)").count(), 2, "{text}");
        assert_eq!(text.matches("No calls.").count(), 1, "{text}");
        let csv = std::fs::read_to_string(world.place.folder().join("usage-report.csv")).unwrap();
        assert!(csv.lines().count() == 2 && csv.contains("Alice Chen,,tok_"), "{csv}");
    })
    .await;
}

#[tokio::test]
async fn without_room_on_the_disk_calls_go_on_and_what_is_not_recorded_is_counted() {
    short_story(async |world| {
        let full = |config: &mut Config| config.limits.free_space_bytes = usize::MAX;
        let scene = Scene::set_in(world.gateway_with(full).await, Setup::legacy()).await;
        for _ in 0..3 {
            let answer = scene.alice.calls("desk__echo", json!({ "text": "hi" })).await;
            assert_eq!(answer.tool_text().as_deref(), Some("hi"));
        }
        let told = report(&scene.owner, AnalyticsQuery::default()).await;
        assert_eq!((told.totals.calls, told.not_recorded), (0, 3));
        scene.owner.revokes("name:Alice Chen").await.unwrap();
        let doctor = Terminal::of(&scene.owner).runs(&["doctor"]).await;
        assert!(
            doctor.stdout.contains("'engineering': 3 calls of the last 7 days were not recorded"),
            "{doctor:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_member_learns_nothing_of_somebody_whose_token_has_the_same_name() {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        let bob = scene.gateway.somebody("bob", aerostack_core::plan::Plan::Free).await;
        let invite = aerostack_core::api::team::InviteRequest {
            email: Email::parse("bob@example.com").unwrap(),
            role: aerostack_core::member::TeamRole::Member,
        };
        let invited = scene.owner.asks::<endpoint::InviteMember>(&[], &invite).await.unwrap();
        let link = invited.link.unwrap();
        Terminal::of(&bob).does(&["team", "join", &link]).await;
        for email in ["bob@example.com", "carol@example.com"] {
            let tied =
                CreateTokenRequest { person: Some(Email::parse(email).unwrap()), ..token_named("Laptop") };
            let made = scene.owner.orders_token(&tied).await.unwrap();
            scene.owner.caller(&made).calls("desk__echo", json!({ "text": "hi" })).await;
            scene.owner.revokes("name:Laptop").await.unwrap();
        }
        let own = bob.within("engineering");
        let told = report(&own, AnalyticsQuery { by: Some(By::User), ..AnalyticsQuery::default() }).await;
        assert_eq!(told.totals.calls, 1);
        let rows: Vec<_> = told.tables[0].rows.iter().map(|row| (&row.user, &row.email)).collect();
        let (name, email) = (Some("Laptop".to_owned()), Some("bob@example.com".to_owned()));
        assert_eq!(rows, [(&name, &email)]);
        // Another's address asks for nobody.
        assert_eq!(report(&own, of_user("carol@example.com", By::Tool)).await.totals.calls, 0);
        let calls = all_calls(&own).await;
        assert_eq!(calls.iter().map(|call| call.email.clone()).collect::<Vec<_>>(), [email]);
        let everybody = report(&scene.owner, AnalyticsQuery::default()).await;
        assert_eq!(everybody.totals.calls, 2);
    })
    .await;
}

#[tokio::test]
async fn names_that_cannot_be_stored_as_they_are_lose_no_call() {
    story(async |world| {
        let odd = ["nul\u{0}here", "=cmd|calc", "a\"b,c", "😀"];
        let tools: Vec<Tool> = odd.iter().map(|name| Tool::echo().named(name)).collect();
        let scene = Scene::set(world, Setup::legacy().tools(tools)).await;
        let listed = scene.alice.tools().await;
        assert!(!listed.is_empty(), "{listed:?}");
        for tool in &listed {
            scene.alice.calls(tool, json!({ "text": "hi" })).await;
        }
        for client in ["\"nul\\u0000here\"", "\"lone \\ud800 half\"", "\"=HYPERLINK(1)\"", "7"] {
            let body = format!(
                "{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{{\"name\":\"{}\",\
                 \"arguments\":{{\"text\":\"hi\"}},\"_meta\":{{\"io.modelcontextprotocol/clientInfo\":{{\"name\":{client}}}}}}}}}",
                listed[0]
            );
            scene.alice.posts(&body).await;
        }
        let told = report(&scene.owner, AnalyticsQuery::default()).await;
        assert_eq!((told.totals.calls, told.not_recorded), (listed.len() as u64 + 4, 0));
        let calls = all_calls(&scene.owner).await;
        assert_eq!(calls.len(), listed.len() + 4);
        assert!(calls.iter().all(|call| call.client.as_deref().is_none_or(|name| !name.contains('\0'))));
    })
    .await;
}
