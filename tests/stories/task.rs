//! Tasks: made, asked for, fetched, listed, cancelled, under handles that lead back and are nobody else's.

use aerostack_tests::answer::Answer;
use aerostack_tests::client::{Caller, META_CAPABILITIES, META_VERSION, MODERN, rpc};
use aerostack_tests::scene::{Scene, story_behind};
use aerostack_tests::upstream::{Setup, Tool, Upstream};
use serde_json::{Value, json};

const RELATED: &str = "io.modelcontextprotocol/related-task";
const EXTENSION: &str = "io.modelcontextprotocol/tasks";

fn tools() -> [Tool; 2] {
    [Tool::held("wait"), Tool::echo()]
}

/// Asks in the modern era as one who understands tasks.
async fn asks_new(caller: &Caller, method: &str, mut params: Value) -> Answer {
    let name = params["name"].as_str().or(params["taskId"].as_str()).map(str::to_owned);
    params["_meta"][META_VERSION] = json!(MODERN);
    params["_meta"][META_CAPABILITIES] = json!({ "extensions": { EXTENSION: {} } });
    caller.modern(method, name.as_deref()).posts(&rpc(1, method, &params)).await
}

/// A task of the held tool, as up to 2025-11-25; its handle.
async fn made_old(caller: &Caller) -> String {
    let params = json!({ "name": "desk__wait", "arguments": {}, "task": { "ttl": 60000 } });
    let made = caller.asks("tools/call", params).await;
    assert!(made.text().ends_with(r#","odd":2.5}}"#) || made.text().contains(r#""odd":2.5"#), "{made:?}");
    let task = &made.json()["result"]["task"];
    assert_eq!(task["status"], "working", "{made:?}");
    task["taskId"].as_str().unwrap().to_owned()
}

/// The same as the extension has it.
async fn made_new(caller: &Caller) -> String {
    let made = asks_new(caller, "tools/call", json!({ "name": "desk__wait", "arguments": {} })).await;
    let task = &made.json()["result"];
    assert_eq!((&task["resultType"], &task["status"]), (&json!("task"), &json!("working")), "{made:?}");
    task["taskId"].as_str().unwrap().to_owned()
}

fn of(handle: &str) -> Value {
    json!({ "taskId": handle })
}

#[tokio::test]
async fn a_legacy_task_is_made_asked_for_and_its_result_fetched() {
    story_behind(&[Setup::legacy().tasks().tools(tools())], async |scene| {
        let (alice, answer) = scene.alice.initializes("2025-11-25").await;
        let offered = json!({ "list": {}, "cancel": {}, "requests": { "tools": { "call": {} } } });
        assert_eq!(answer.json()["result"]["capabilities"]["tasks"], offered);
        let handle = made_old(&alice).await;
        assert!(!handle.contains("task-1"), "{handle}");
        let got = alice.asks("tasks/get", of(&handle)).await.json();
        let (id, status) = (&got["result"]["taskId"], &got["result"]["status"]);
        assert_eq!((id, status), (&json!(handle), &json!("working")));
        assert_eq!(
            scene.upstream.requests_of("tasks/get")[0].json()["params"],
            json!({ "taskId": "task-1" })
        );
        let asking = alice.asks("tasks/result", of(&handle));
        let letting_go = async {
            let asked =
                |seen: &aerostack_tests::upstream::Upstream| !seen.requests_of("tasks/result").is_empty();
            scene.upstream.until("the result is asked for", asked).await;
            scene.upstream.release();
        };
        let (fetched, ()) = tokio::join!(asking, letting_go);
        let result = &fetched.json()["result"];
        assert_eq!(result["content"][0]["text"], "let go");
        assert_eq!(result["_meta"][RELATED], of(&handle));
        assert_eq!(alice.asks("tasks/get", of(&handle)).await.json()["result"]["status"], "completed");
        // A call that wants no task is answered as ever.
        assert_eq!(
            alice.calls("desk__echo", json!({ "text": "hi" })).await.tool_text().as_deref(),
            Some("hi")
        );
    })
    .await;
}

#[tokio::test]
async fn a_modern_task_is_made_asked_for_updated_and_its_result_fetched() {
    story_behind(&[Setup::modern().tasks().tools(tools())], async |scene| {
        let alice = &scene.alice;
        let discovered = alice.asks_modern("server/discover", json!({})).await.json();
        assert_eq!(discovered["result"]["capabilities"]["extensions"], json!({ EXTENSION: {} }));
        let handle = made_new(alice).await;
        let got = asks_new(alice, "tasks/get", of(&handle)).await.json();
        assert_eq!((&got["result"]["taskId"], &got["result"]["status"]), (&json!(handle), &json!("working")));
        let seen = scene.upstream.requests_of("tasks/get");
        assert_eq!(
            (seen[0].header("mcp-name"), &seen[0].json()["params"]["taskId"]),
            (Some("task-1"), &json!("task-1"))
        );
        let mut update = of(&handle);
        update["inputResponses"] = json!({ "name": { "action": "decline" } });
        assert_eq!(asks_new(alice, "tasks/update", update).await.json()["result"]["resultType"], "complete");
        let told = &scene.upstream.requests_of("tasks/update")[0].json()["params"];
        assert_eq!(told["inputResponses"], json!({ "name": { "action": "decline" } }));
        scene.upstream.release();
        loop {
            let got = asks_new(alice, "tasks/get", of(&handle)).await.json();
            if got["result"]["status"] == "completed" {
                assert_eq!(got["result"]["result"]["content"][0]["text"], "let go");
                break;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_task_is_cancelled_at_its_server() {
    story_behind(&[Setup::legacy().tasks().tools(tools())], async |scene| {
        let (alice, _) = scene.alice.initializes("2025-11-25").await;
        let handle = made_old(&alice).await;
        let cancelled = alice.asks("tasks/cancel", of(&handle)).await.json();
        let (id, status) = (&cancelled["result"]["taskId"], &cancelled["result"]["status"]);
        assert_eq!((id, status), (&json!(handle), &json!("cancelled")));
    })
    .await;
    story_behind(&[Setup::modern().tasks().tools(tools())], async |scene| {
        let handle = made_new(&scene.alice).await;
        let cancelled = asks_new(&scene.alice, "tasks/cancel", of(&handle)).await.json();
        assert_eq!(cancelled["result"]["resultType"], "complete");
        let got = asks_new(&scene.alice, "tasks/get", of(&handle)).await.json();
        assert_eq!(got["result"]["status"], "cancelled");
    })
    .await;
}

#[tokio::test]
async fn a_handle_of_somebody_else_or_of_the_other_era_is_unknown() {
    story_behind(&[Setup::legacy().tasks().tools(tools())], async |scene| {
        let (alice, _) = scene.alice.initializes("2025-11-25").await;
        let handle = made_old(&alice).await;
        let bob = scene.owner.creates_token("Bob").await;
        let asked_for = |seen: &Upstream| {
            let methods = seen.requests().into_iter().filter_map(|request| request.rpc_method);
            methods.filter(|method| method.starts_with("tasks/")).count()
        };
        let before = asked_for(&scene.upstream);
        for (caller, handle) in
            [(&bob, handle.as_str()), (&alice, "task-1"), (&alice, ""), (&alice, "bWFkZSB1cA")]
        {
            for method in ["tasks/get", "tasks/result", "tasks/cancel"] {
                let answer = caller.asks(method, of(handle)).await;
                assert_eq!((answer.status(), answer.error_code()), (200, Some(-32602)), "{method} {handle}");
                assert!(answer.text().contains("unknown task"), "{answer:?}");
            }
        }
        assert_eq!(alice.asks("tasks/get", json!({ "taskId": 7 })).await.error_code(), Some(-32602));
        let modern = asks_new(&scene.alice, "tasks/get", of(&handle)).await;
        assert_eq!(
            (modern.status(), modern.error_code()),
            (404, Some(-32601)),
            "no server has the extension"
        );
        assert_eq!(alice.asks("tasks/update", of(&handle)).await.error_code(), Some(-32601));
        // Whoever keeps its list may begin to listen meanwhile.
        assert_eq!(asked_for(&scene.upstream), before, "nothing reaches the server");
    })
    .await;
}

#[tokio::test]
async fn a_modern_caller_declares_that_it_understands_tasks() {
    story_behind(&[Setup::modern().tasks().tools(tools())], async |scene| {
        let handle = made_new(&scene.alice).await;
        let name = Some(handle.as_str());
        let mut params = of(&handle);
        params["_meta"] = json!({ META_VERSION: MODERN, META_CAPABILITIES: {} });
        for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
            let answer = scene.alice.modern(method, name).asks(method, params.clone()).await;
            assert_eq!((answer.status(), answer.error_code()), (400, Some(-32021)), "{answer:?}");
            let needed = &answer.json()["error"]["data"]["requiredCapabilities"]["extensions"];
            assert_eq!(*needed, json!({ EXTENSION: {} }));
        }
        let filter = json!({ "notifications": { "taskIds": [handle] } });
        let answer = scene.alice.asks_modern("subscriptions/listen", filter).await;
        assert_eq!((answer.status(), answer.error_code()), (400, Some(-32021)), "{answer:?}");
        let wrong = scene.alice.modern("tasks/get", Some("other"));
        assert_eq!(wrong.asks("tasks/get", params).await.error_code(), Some(-32020));
    })
    .await;
}

/// All tasks that are listed, page by page, and how many pages there were.
async fn listed(caller: &Caller) -> (Vec<Value>, usize) {
    let (mut found, mut pages, mut params) = (Vec::new(), 0, json!({}));
    loop {
        let page = caller.asks("tasks/list", params).await.json();
        let tasks = page["result"]["tasks"].as_array().unwrap_or_else(|| panic!("{page}"));
        found.extend(tasks.iter().map(|task| task["taskId"].clone()));
        pages += 1;
        match page["result"]["nextCursor"].as_str() {
            Some(cursor) => params = json!({ "cursor": cursor }),
            None => return (found, pages),
        }
    }
}

#[tokio::test]
async fn tasks_are_listed_page_by_page_and_server_after_server() {
    story_behind(&[Setup::legacy().tasks().tools(tools())], async |scene| {
        let (alice, _) = scene.alice.initializes("2025-11-25").await;
        let shelf = Setup::legacy().tasks().tools(tools()).start().await;
        scene.owner.installs("shelf", &shelf).await;
        let mut made = vec![json!(made_old(&alice).await), json!(made_old(&alice).await)];
        let params = json!({ "name": "shelf__wait", "arguments": {}, "task": {} });
        let there = alice.asks("tools/call", params).await.json();
        made.push(there["result"]["task"]["taskId"].clone());
        assert_eq!(listed(&alice).await, (made, 3));
        let bob = scene.owner.creates_token("Bob").await;
        assert_eq!(listed(&bob).await, (vec![], 2));
        let page = alice.asks("tasks/list", json!({})).await.json();
        let cursor = json!({ "cursor": page["result"]["nextCursor"] });
        assert_eq!(bob.asks("tasks/list", cursor).await.error_code(), Some(-32602));
        assert_eq!(alice.asks("tasks/list", json!({ "cursor": "1" })).await.error_code(), Some(-32602));
    })
    .await;
}

#[tokio::test]
async fn where_no_server_has_tasks_there_are_none() {
    story_behind(&[Setup::legacy().tools(tools())], async |scene: &Scene| {
        let (alice, answer) = scene.alice.initializes("2025-11-25").await;
        assert_eq!(answer.json()["result"]["capabilities"].get("tasks"), None);
        for method in ["tasks/get", "tasks/result", "tasks/list", "tasks/cancel"] {
            assert_eq!(alice.asks(method, of("x")).await.error_code(), Some(-32601), "{method}");
        }
    })
    .await;
}
