//! Clients refuse a whole list over one definition that they cannot read.

use aerostack_core::api::server::InstallStatus;
use aerostack_tests::cli::Terminal;
use aerostack_tests::story::story;
use aerostack_tests::upstream::{Setup, Tool};
use serde_json::json;

#[tokio::test]
async fn a_tool_that_clients_cannot_read_takes_no_list_away() {
    for setup in [Setup::legacy(), Setup::modern()] {
        story(async |world| {
            let any = json!({ "type": "object", "properties": { "text": true } });
            let tools = [
                Tool::add().named("none").with("inputSchema", json!(null)),
                Tool::echo().with("outputSchema", json!(null)).with("title", json!(7)),
                Tool::add().named("bare").with("inputSchema", json!({})),
                Tool::slow().with("inputSchema", any.clone()),
            ];
            let gateway = world.gateway().await;
            let mut owner = gateway.owner().await;
            owner.creates_workspace("engineering").await;
            let upstream = setup.clone().tools(tools).start().await;
            let installed = owner.installs("desk", &upstream).await;
            let told = "2 tools are left out: none, bare (no usable input schema of type \"object\")";
            assert_eq!(installed.warning.as_deref(), Some(told));
            assert_eq!((installed.install.status, installed.install.tools), (InstallStatus::Ok, 2));
            let shown = Terminal::of(&owner).does(&["mcp", "list", "-w", "engineering"]).await;
            assert!(shown.lines().any(|line| line.contains(" ok ") && line.contains(told)), "{shown}");
            let alice = owner.creates_token("Alice Chen").await;
            let old = alice.asks("tools/list", json!({})).await.json();
            let new = alice.asks_modern("tools/list", json!({})).await.json();
            for list in [&old, &new] {
                let tools = list["result"]["tools"].as_array().unwrap();
                let names: Vec<_> = tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
                assert_eq!(names, ["desk__echo", "desk__slow"]);
                assert!(tools[0].get("outputSchema").is_none() && tools[0].get("title").is_none());
                assert_eq!(tools[0]["description"], "Answers what it is told.");
            }
            assert_eq!(new["result"]["tools"][1]["inputSchema"], any);
            assert_eq!(old["result"]["tools"][1]["inputSchema"]["properties"]["text"], json!({}));
        })
        .await;
    }
}
