//! Log messages of servers: of the level that was asked for, to who asked.

use aerostack_tests::answer::Answer;
use aerostack_tests::client::{Caller, modern_params};
use aerostack_tests::scene::story_behind;
use aerostack_tests::upstream::{Answers, Prompt, Setup, Tool};
use serde_json::{Value, json};

const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";

fn setups() -> [Setup; 4] {
    [Setup::legacy(), Setup::old_sse(), Setup::modern(), Setup::dual()]
        .map(|setup| setup.answers(Answers::Stream).logging().tools([Tool::talk()]))
}

/// The levels of the log messages of an answer, after which comes the result.
fn levels(answer: &Answer) -> Vec<String> {
    let text = answer.text();
    let messages: Vec<Value> = match text.contains("data: ") {
        // A stream that can be resumed begins with an event without data.
        true => text
            .lines()
            .filter_map(|line| line.strip_prefix("data: "))
            .filter(|data| !data.is_empty())
            .map(parsed)
            .collect(),
        false => vec![parsed(&text)],
    };
    let (result, logged) = messages.split_last().unwrap();
    assert_eq!(result["result"]["content"][0]["text"], "talked", "{text}");
    for message in logged {
        assert_eq!(message["method"], "notifications/message");
        assert_eq!(message["params"]["data"], json!({ "odd": 2.5 }));
    }
    logged.iter().map(|message| message["params"]["level"].as_str().unwrap().to_owned()).collect()
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

async fn talks_modern(caller: &Caller, level: Option<&str>) -> Vec<String> {
    let mut params = modern_params(json!({ "name": "desk__talk", "arguments": {} }));
    if let Some(level) = level {
        params["_meta"][LOG_LEVEL] = json!(level);
    }
    levels(&caller.modern("tools/call", Some("desk__talk")).asks("tools/call", params).await)
}

#[tokio::test]
async fn messages_of_the_level_that_was_asked_for_come_with_the_call() {
    story_behind(&setups(), async |scene| {
        let (inside, welcome) = scene.alice.initializes("2025-11-25").await;
        assert_eq!(welcome.json()["result"]["capabilities"]["logging"], json!({}));
        for (level, expected) in [("error", vec!["error"]), ("debug", vec!["debug", "error"])] {
            let set = inside.asks("logging/setLevel", json!({ "level": level })).await;
            assert_eq!(set.text(), r#"{"jsonrpc":"2.0","id":1,"result":{}}"#);
            for _ in 0..2 {
                assert_eq!(levels(&inside.calls("desk__talk", json!({})).await), expected);
            }
        }
        let set = scene.upstream.requests_of("logging/setLevel");
        assert!(set.len() <= 2, "a level is set once: {set:?}");
        let none: [&str; 0] = [];
        assert_eq!(talks_modern(&scene.alice, None).await, none);
        assert_eq!(talks_modern(&scene.alice, Some("error")).await, ["error"]);
        assert_eq!(talks_modern(&scene.alice, Some("debug")).await, ["debug", "error"]);
        for params in [json!({}), json!({ "level": "loud" })] {
            assert_eq!(inside.asks("logging/setLevel", params).await.error_code(), Some(-32602));
        }
    })
    .await;
}

#[tokio::test]
async fn without_a_server_that_logs_there_is_no_level_to_set() {
    story_behind(&[Setup::legacy().prompts([Prompt::greet()])], async |scene| {
        let refused = scene.alice.asks("logging/setLevel", json!({ "level": "info" })).await;
        assert_eq!((refused.status(), refused.error_code()), (200, Some(-32601)));
    })
    .await;
}
