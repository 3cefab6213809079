//! Seats are counted in the transaction that inserts, and the audit log shows who changed it.

use aerostack_core::api::error::ErrorCode;
use aerostack_core::plan::Plan;
use aerostack_gateway::store::Tx;
use aerostack_tests::cli::Terminal;
use aerostack_tests::gateway::Gateway;
use aerostack_tests::golden::assert_golden;
use aerostack_tests::person::token_named;
use aerostack_tests::story::story;
use futures_util::future::join_all;
use serde_json::json;

/// Changes of one event in the log, each with the change back.
const CHANGES: [(&str, &str); 2] = [
    (
        "UPDATE audit SET object = 'X' || substr(object, 2) WHERE sequence = 14 AND action = 'token_created'",
        "UPDATE audit SET object = 'S' || substr(object, 2) WHERE sequence = 14 AND action = 'token_created'",
    ),
    (
        "UPDATE audit SET at_ms = at_ms + 1 WHERE sequence = 14 AND action = 'token_created'",
        "UPDATE audit SET at_ms = at_ms - 1 WHERE sequence = 14 AND action = 'token_created'",
    ),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_creates_at_once_against_the_pro_plan_give_twenty_five_tokens() {
    story(async |world| {
        let gateway = world.gateway().await;
        let mut owner = gateway.owner_on(Plan::Pro).await;
        owner.creates_workspace("engineering").await;
        let orders = (0..50).map(|number| {
            let owner = owner.clone();
            tokio::spawn(async move { owner.orders_token(&token_named(&format!("Seat {number}"))).await })
        });
        let outcomes: Vec<_> = join_all(orders).await.into_iter().map(Result::unwrap).collect();
        let (made, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
        assert_eq!((made.len(), refused.len()), (25, 25));
        for refusal in refused.into_iter().filter_map(Result::err) {
            assert_eq!(refusal.code, ErrorCode::SeatLimitReached);
            assert_eq!(refusal.message, "25 of 25 tokens used (Pro plan)");
            assert!(refusal.hint.is_some());
        }
        for created in made.into_iter().filter_map(Result::ok) {
            assert_eq!(owner.caller(&created).asks("ping", json!({})).await.status(), 200);
        }
        let mut terminal = Terminal::of(&owner);
        let ran = terminal.runs(&["workspace", "token", "create", "engineering", "--name", "One More"]).await;
        assert_golden("seat-limit-reached", &ran.transcript());
        assert_eq!(owner.tokens().await.items.len(), 25);
        assert_the_log_names_a_changed_row(&gateway, &mut terminal).await;
    })
    .await;
}

/// 26 events stand in the log: the workspace and 25 tokens.
async fn assert_the_log_names_a_changed_row(gateway: &Gateway, terminal: &mut Terminal) {
    let verify = ["workspace", "audit", "engineering", "--verify"];
    let whole = terminal.runs(&verify).await;
    assert_eq!(whole.code, 0, "{whole:?}");
    assert!(whole.stdout.contains("26"), "{whole:?}");
    for (change, back) in CHANGES {
        assert_eq!(tampers(gateway, change).await, 1);
        let broken = terminal.runs(&verify).await;
        assert_eq!(broken.code, 1, "{broken:?}");
        assert!(broken.transcript().contains("14"), "{broken:?}");
        assert_eq!(tampers(gateway, back).await, 1);
        assert_eq!(terminal.runs(&verify).await, whole);
    }
}

/// Changes the database behind the gateway's back; gives the number of rows.
async fn tampers(gateway: &Gateway, sql: &'static str) -> u64 {
    let mut tx = gateway.app().store.write().await.unwrap();
    let changed = match &mut tx {
        Tx::Sqlite(tx) => sqlx::query(sql).execute(&mut **tx).await.unwrap().rows_affected(),
        Tx::Postgres(tx) => sqlx::query(sql).execute(&mut **tx).await.unwrap().rows_affected(),
    };
    tx.commit().await.unwrap();
    changed
}
