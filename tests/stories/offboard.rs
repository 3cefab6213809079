//! One command ends everything of a person: tokens, calls and streams under way; seats are free at once.

use aerostack_core::api::offboard::{OffboardReport, OffboardRequest};
use aerostack_core::api::operation::endpoint;
use aerostack_core::api::token::CreateTokenRequest;
use aerostack_core::plan::Plan;
use aerostack_tests::cli::Terminal;
use aerostack_tests::client::Caller;
use aerostack_tests::golden::assert_golden;
use aerostack_tests::person::{Person, token_named};
use aerostack_tests::scene::Scene;
use aerostack_tests::story::story;
use aerostack_tests::upstream::{Setup, Tool};
use serde_json::json;

use super::token::status;

const ALICE: &str = "alice@company.com";

/// A token that is tied to an address.
async fn tied(owner: &Person, name: &str, address: &str) -> Caller {
    let order = CreateTokenRequest { person: Some(address.parse().unwrap()), ..token_named(name) };
    owner.caller(&owner.orders_token(&order).await.unwrap())
}

#[tokio::test]
async fn one_command_shows_asks_ends_and_says_when_nothing_is_left() {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        let mut operations = scene.owner.clone();
        operations.creates_workspace("operations").await;
        let first = tied(&scene.owner, "Alice on Cursor", ALICE).await;
        let second = tied(&operations, "Laptop", ALICE).await;
        let mut terminal = Terminal::of(&scene.owner);
        let dry = terminal.runs(&["offboard", ALICE, "--dry-run"]).await;
        assert_golden("offboard-dry-run", &dry.transcript());
        let unasked = terminal.runs(&["offboard", ALICE]).await;
        assert_golden("offboard-unasked", &unasked.transcript());
        assert_eq!((unasked.code, status(&first).await), (2, 200), "nobody agreed, so nothing ended");
        let done = terminal.runs(&["offboard", ALICE, "--yes"]).await;
        assert_golden("offboard", &done.transcript());
        assert_eq!(status(&first).await, 401);
        assert_eq!(second.asks("ping", json!({})).await.status(), 401);
        assert_eq!(status(&scene.alice).await, 200, "a name is no tie");
        let again = terminal.runs(&["offboard", ALICE, "--yes"]).await;
        assert_golden("offboard-again", &again.transcript());
        let slip = terminal.runs(&["offboard", "alcie@company.com", "--yes"]).await;
        let told = "error: nobody has, or ever had, the address alcie@company.com in this team\n\
                    hint: did you mean the token 'Alice Chen'?\n";
        assert_eq!((slip.code, slip.stdout.as_str(), slip.stderr.as_str()), (1, "", told));
        let json = terminal.does(&["offboard", "Laptop", "--yes", "--output", "json"]).await;
        let report: OffboardReport = serde_json::from_str(&json).unwrap();
        assert!(report.nothing_to_do && report.person.is_some_and(|person| person.as_str() == ALICE));
        assert!(scene.owner.verifies_audit().await.ok && operations.verifies_audit().await.ok);
    })
    .await;
}

#[tokio::test]
async fn streams_and_calls_end_and_the_seat_is_free_when_the_command_answers() {
    story(async |world| {
        let gateway = world.gateway().await;
        let mut owner = gateway.owner_on(Plan::Free).await;
        owner.creates_workspace("engineering").await;
        let upstream = Setup::legacy().tools([Tool::held("wait")]).start().await;
        owner.installs("desk", &upstream).await;
        let alice = tied(&owner, "Alice Chen", ALICE).await;
        for name in ["Bob", "Carol"] {
            owner.creates_token(name).await;
        }
        let (inside, _) = alice.initializes("2025-11-25").await;
        let mut streams = [inside.listens().await, alice.listens_modern().await];
        streams[1].json().await;
        let call = tokio::spawn({
            let alice = alice.clone();
            async move { alice.calls("desk__wait", json!({})).await }
        });
        upstream.until("the call is held", |seen| seen.calls().len() == 1).await;
        owner.is_refused(&token_named("Dora")).await;

        let order = OffboardRequest { who: ALICE.to_owned(), dry_run: false };
        let report = owner.asks::<endpoint::Offboard>(&[], &order).await.unwrap();
        assert_eq!(report.seats[0].seats.used, 2);
        owner.creates_token("Dora").await;
        assert_eq!(call.await.unwrap().status(), 401);
        for stream in &mut streams {
            assert_eq!(stream.until_over().await, []);
        }
        assert_eq!(alice.asks("ping", json!({})).await.status(), 401);
    })
    .await;
}

#[tokio::test]
async fn the_tie_is_shown_by_lists_in_json_and_csv() {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        let mut terminal = Terminal::of(&scene.owner);
        let create = ["workspace", "token", "create", "engineering", "--name", "Cursor", "--for"];
        terminal.does(&[create.as_slice(), &["Alice@Company.com"]].concat()).await;
        let list = ["workspace", "token", "list", "engineering", "--output"];
        let json: serde_json::Value =
            serde_json::from_str(&terminal.does(&[list.as_slice(), &["json"]].concat()).await).unwrap();
        let ties: Vec<_> = json["items"].as_array().unwrap().iter().map(|token| &token["for"]).collect();
        assert_eq!(ties, [&json!(null), &json!(ALICE)]);
        let csv = terminal.does(&[list.as_slice(), &["csv"]].concat()).await;
        assert!(csv.lines().any(|line| line.contains(",Cursor,active,alice@company.com,")), "{csv}");
    })
    .await;
}
