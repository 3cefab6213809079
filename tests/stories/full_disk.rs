//! A disk that takes no more: what is under way goes on, what cannot be written is refused, and with room
//! again everything is as before, without a restart.
#![cfg(target_os = "linux")]

use std::path::Path;

use aerostack_core::api::error::ErrorCode;
use aerostack_tests::person::token_named;
use aerostack_tests::program::Process;
use aerostack_tests::story::short_story;
use aerostack_tests::upstream::Setup;
use serde_json::json;

/// The size of the largest file in a folder.
pub(super) fn largest(folder: &Path) -> u64 {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len());
    files.max().unwrap_or_default()
}

#[tokio::test]
async fn administration_goes_on_by_itself_when_there_is_room_again() {
    short_story(async |world| {
        let process = Process::starts_on_a_small_disk(&world.place, &[]).await;
        let mut owner = process.owner(&world.place).await;
        owner.creates_workspace("engineering").await;
        let upstream = Setup::legacy().start().await;
        owner.installs("desk", &upstream).await;
        let alice = owner.creates_token("Alice Chen").await;
        process.may_write(Some(largest(&world.place.config().data_dir)));
        let mut made = 1;
        let refused = loop {
            match owner.orders_token(&token_named(&format!("Token {made}"))).await {
                Ok(_) => made += 1,
                Err(refused) => break refused,
            }
            assert!(made < 500, "the disk is never full");
        };
        assert!(matches!(refused.code, ErrorCode::Internal | ErrorCode::Unavailable), "{refused:?}");
        let answer = alice.calls("desk__echo", json!({ "text": "hi" })).await;
        assert_eq!(answer.tool_text().as_deref(), Some("hi"));
        assert_eq!(owner.tokens().await.items.len(), made);
        process.may_write(None);
        owner.revokes("name:Alice Chen").await.expect("it is revoked as soon as there is room");
        assert_eq!(alice.calls("desk__echo", json!({ "text": "hi" })).await.status(), 401);
        assert!(owner.verifies_audit().await.ok);
    })
    .await;
}
