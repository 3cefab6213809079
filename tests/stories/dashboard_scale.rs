//! How soon pages come and how large they are, over many tokens and calls. Scaled down unless it is a proof.

use std::time::{Duration, Instant};

use aerostack_core::api::analytics::{AnalyticsQuery, By};
use aerostack_core::api::operation::endpoint;
use aerostack_core::api::page::PageQuery;
use aerostack_core::bearer::TokenDigest;
use aerostack_core::usage::Period;
use aerostack_tests::browser::Browser;
use aerostack_tests::page::unescaped;
use aerostack_tests::person::Person;
use aerostack_tests::story::{is_proof, median_and_worst, rounds, story, tell_figures};
use aerostack_tests::usage_history::History;
use aerostack_tests::wire::{Wire, request};

use super::dashboard_role::{PAGES, furnish};

const FIRST_BYTE: Duration = Duration::from_millis(20);
const PAGE_MAX_BYTES: usize = 60_000;
const TOKENS: usize = 25;
/// Pages beside those of the table of roles.
const MORE: [&str; 4] = [
    "/workspaces/engineering/analytics?period=24h",
    "/workspaces/engineering/analytics?period=7d",
    "/workspaces/engineering/analytics?period=30d",
    "/workspaces/engineering/analytics?period=90d",
];
/// What a page or its style could ask of another host.
const REFERENCES: [&str; 6] = [" src=\"", " href=\"", " action=\"", " srcset=\"", " poster=\"", " data=\""];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prove_every_page_is_small_comes_soon_and_asks_no_other_host() {
    story(async |world| {
        let gateway = world.gateway_out_of_time().await;
        let house = furnish(&gateway).await;
        let app = gateway.app();
        let grant = app.grants.find(&TokenDigest::of(&house.alice.token)).expect("Alice is let in");
        app.recorder.flush_calls().await;
        let now = app.clock.now();
        let history = History { calls: rounds(5_000, 1_000_000), tokens: TOKENS, tools: 40 };
        let since = "1h".parse::<Period>().expect("a period").start(now);
        history.write(&app.usage, &grant.workspace.id, now, since).await;
        today_is_what_a_report_says(&house.crew.owner).await;
        for number in 1..TOKENS {
            house.crew.owner.creates_token(&format!("Person {number}")).await;
        }
        let browser = Browser::of(&house.crew.owner).await;
        let shown = PAGES.iter().filter(|(_, statuses)| statuses[0] == 200).map(|(page, _)| *page);
        let (mut soonest_missed, mut largest) = (Vec::new(), (0, ""));
        for page in shown.chain(MORE) {
            let path = page.replace("{token}", &house.alice.id);
            let mut wire = Wire::open(gateway.address()).await;
            let asked = request("GET", &path, &[("Cookie", &browser.cookie_line())], b"");
            let mut times = Vec::new();
            for _ in 0..rounds(1, 50) {
                let begun = Instant::now();
                wire.write(&asked).await.unwrap();
                let head = wire.head().await.unwrap();
                times.push(begun.elapsed());
                assert_eq!(head.status, 200, "{page}");
                let body = wire.rest().await.unwrap();
                if head.header("content-type").is_some_and(|kind| kind.starts_with("text/html")) {
                    let text = String::from_utf8_lossy(&body).into_owned();
                    assert!(body.len() < PAGE_MAX_BYTES, "{page} has {} bytes", body.len());
                    asks_nobody_else(&text, page);
                    largest = largest.max((body.len(), page));
                }
            }
            let (median, worst) = median_and_worst(&times).expect("it was timed");
            if is_proof() {
                let engine = world.place.engine;
                tell_figures(&format!("{engine:?}: first byte of {page}: median {median:?}, worst {worst:?} (target {FIRST_BYTE:?})"));
            }
            if median > FIRST_BYTE {
                soonest_missed.push(page);
            }
        }
        tell_figures(&format!("the largest page: {} bytes, {} (target {PAGE_MAX_BYTES})", largest.0, largest.1));
        assert!(!is_proof() || soonest_missed.is_empty(), "too late: {soonest_missed:?}");
    })
    .await;
}

/// What the list of workspaces says of today is what a report by day says of it.
async fn today_is_what_a_report_says(owner: &Person) {
    let by_day = AnalyticsQuery { by: Some(By::Day), ..AnalyticsQuery::default() };
    let report = owner.asks::<endpoint::ShowAnalytics>(&["engineering"], &by_day).await.unwrap();
    let figures = report.tables[0].rows.last().map(|row| (row.figures.calls, row.figures.errors));
    let today = owner.asks::<endpoint::ListCallsToday>(&[], &PageQuery::default()).await.unwrap();
    let today = today.items.iter().find(|today| today.workspace.as_str() == "engineering");
    assert_eq!(today.map(|today| (today.calls, today.errors)), figures);
}

/// Every reference of a page stays at its own host.
fn asks_nobody_else(text: &str, page: &str) {
    for reference in REFERENCES {
        for rest in text.split(reference).skip(1) {
            let target = unescaped(rest.split('"').next().unwrap_or_default());
            let is_own = target.starts_with(['/', '#', '?']) && !target.starts_with("//");
            assert!(is_own, "{page}: {target}");
        }
    }
}

#[tokio::test]
async fn style_and_script_ask_no_other_host() {
    story(async |world| {
        let gateway = world.gateway().await;
        let mut browser = Browser::at(gateway.address());
        for (asset, most) in [("style.css", 30_000), ("app.js", 15_000), ("icon.svg", 2_000)] {
            let text = browser.opens(&format!("/assets/{asset}")).await.text();
            let text = text.replace("http://www.w3.org/2000/svg", "");
            assert!(!text.contains("://") && !text.contains("url(") && !text.contains("@import"), "{asset}");
            assert!(text.len() < most, "{asset} has {} bytes", text.len());
        }
    })
    .await;
}
