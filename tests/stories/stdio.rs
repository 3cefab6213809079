//! Servers that are programs: listed and called like any other, in both eras, each caller with its own.

use aerostack_core::api::server::InstallStatus;
use aerostack_core::server::SessionMode;
use aerostack_tests::client::{Caller, modern_params, notification, rpc};
use aerostack_tests::events::Events;
use aerostack_tests::patience::eventually;
use aerostack_tests::stdio::{Example, Workshop};
use aerostack_tests::story::story;
use serde_json::{Value, json};

async fn text(caller: &Caller, tool: &str, arguments: Value) -> String {
    let answer = caller.calls(&format!("desk__{tool}"), arguments).await;
    answer.tool_text().unwrap_or_else(|| panic!("a text was expected: {answer:?}"))
}

#[tokio::test]
async fn a_program_of_any_era_is_listed_and_called_by_callers_of_any_era() {
    for era in ["legacy", "modern", "dual"] {
        story(async |world| {
            let shop = Workshop::set(world, &["--era", era, "--noise"]).await;
            assert!(shop.alice.tools().await.contains(&"desk__echo".to_owned()), "{era}");
            assert_eq!(text(&shop.alice, "echo", json!({ "text": "hi" })).await, "hi", "{era}");
            let modern = shop.alice.calls_modern("desk__echo", json!({ "text": "hello" })).await;
            assert_eq!(modern.tool_text().as_deref(), Some("hello"), "{era}: {modern:?}");
            let refused = shop.alice.calls("desk__nothing", json!({})).await;
            assert_eq!(refused.error_code(), Some(-32602));
            let is_initialized = shop.example.methods().iter().any(|method| method == "initialize");
            assert_eq!(is_initialized, era == "legacy");
        })
        .await;
    }
}

#[tokio::test]
async fn an_old_program_that_is_undone_by_an_unknown_message_is_started_again_in_its_era() {
    for unknown in ["exits", "ignores"] {
        story(async |world| {
            let arguments = ["--era", "legacy", "--unknown", unknown];
            let shop = Workshop::set_with(world, &arguments, SessionMode::PerCaller, |config| {
                config.limits.stdio_start_timeout = std::time::Duration::from_secs(6);
            })
            .await;
            assert_eq!(text(&shop.alice, "echo", json!({ "text": "hi" })).await, "hi");
            let methods = shop.example.methods();
            assert_eq!(methods[..2], ["server/discover", "initialize"], "{unknown}");
            // Installing asked a client of its own; of the one that serves, only the first run was asked.
            let discovers = methods.iter().filter(|method| *method == "server/discover").count();
            assert_eq!(discovers, 2, "the verdict is remembered: {methods:?}");
        })
        .await;
    }
}

#[tokio::test]
async fn each_caller_has_a_program_of_its_own_unless_it_is_shared() {
    story(async |world| {
        let shop = Workshop::set(world, &[]).await;
        let bob = shop.owner.creates_token("Bob").await;
        let mut pids = Vec::new();
        for caller in [&shop.alice, &bob, &shop.alice, &bob] {
            pids.push(text(caller, "pid", json!({})).await);
        }
        assert_eq!((&pids[0], &pids[1]), (&pids[2], &pids[3]));
        assert_ne!(pids[0], pids[1]);
        let shared = Example::new();
        shop.owner.adds_program("shared", shared.command(&[]), SessionMode::Shared).await.unwrap();
        shop.owner.installs_known("shared", None).await.unwrap();
        let mut pids = Vec::new();
        for caller in [&shop.alice, &bob] {
            pids.push(caller.calls("shared__pid", json!({})).await.tool_text());
        }
        assert_eq!(pids[0], pids[1]);
    })
    .await;
}

#[tokio::test]
async fn calls_at_once_share_a_program_and_each_gets_its_own_answer() {
    story(async |world| {
        let shop = Workshop::set(world, &[]).await;
        let calls = (0..50).map(|number| text(&shop.alice, "echo", json!({ "text": number.to_string() })));
        let answers = futures_util::future::join_all(calls).await;
        assert_eq!(answers, (0..50).map(|number| number.to_string()).collect::<Vec<_>>());
    })
    .await;
}

#[tokio::test]
async fn messages_pass_as_they_are_but_for_the_published_edits() {
    story(async |world| {
        let shop = Workshop::set(world, &["--era", "legacy"]).await;
        let id = "123456789012345678901";
        let request = format!(
            "{{\"jsonrpc\":\"2.0\",\n \"method\":\"tools/call\", \"x\":1.50,\r\n\"id\":{id},\"params\":{{\"name\":\"desk__raw\",\"arguments\":{{\"a\":\"\\n\",\"n\":2.50}}}}}}"
        );
        let answer = shop.alice.posts(&request).await.text();
        let seen: Value = serde_json::from_str(&answer).unwrap();
        let line = seen["result"]["content"][0]["text"].as_str().unwrap();
        let own = serde_json::from_str::<Value>(line).unwrap()["id"].to_string();
        let expected = request.replace(['\n', '\r'], " ").replace(id, &own).replace("desk__raw", "raw");
        // The blanks of `\n` within a text are its own.
        assert_eq!(line, expected);
        let expected = format!(
            r#"{{ "jsonrpc":"2.0",  "id":{id}, "result":{{"content":[{{"type":"text","text":{},"odd":2.50}}],"big":12345678901234567890123,"resultType":"complete"}} , "extra":[1 ,2]}}"#,
            Value::from(line)
        );
        assert_eq!(answer, expected);
    })
    .await;
}

#[tokio::test]
async fn large_answers_pass_and_one_beyond_the_limit_ends_the_program() {
    story(async |world| {
        let shop = Workshop::set_with(world, &[], SessionMode::PerCaller, |config| {
            config.limits.stdio_line_bytes = 1_024 * 1_024;
        })
        .await;
        let answer = shop.alice.calls("desk__big", json!({ "bytes": 1_000_000 })).await.text();
        assert!(answer.contains(&"x".repeat(1_000_000)) && answer.ends_with("}]}}\n\n"));
        let answer = shop.alice.calls("desk__big", json!({ "bytes": 1_100_000 })).await;
        assert_eq!(answer.error_code(), Some(-32012), "{answer:?}");
        assert_eq!(text(&shop.alice, "echo", json!({ "text": "again" })).await, "again");
    })
    .await;
}

#[tokio::test]
async fn hanging_up_takes_back_modern_calls_alone() {
    for era in ["legacy", "modern"] {
        story(async |world| {
            let shop = Workshop::set(world, &["--era", era]).await;
            let ids = |words: &str| -> Vec<Value> {
                let lines = shop.example.lines().into_iter().filter(|(_, line)| line.contains(words));
                let messages = lines.filter_map(|(_, line)| serde_json::from_str::<Value>(&line).ok());
                let id = |it: Value| {
                    if it["id"].is_null() { it["params"]["requestId"].clone() } else { it["id"].clone() }
                };
                messages.map(id).collect()
            };
            let params = json!({ "name": "desk__hold", "arguments": {} });
            let old = shop.alice.begins("POST", &rpc(7, "tools/call", &params)).await;
            eventually("the first is held", async || ids("\"hold\"").len() == 1).await;
            drop(old);
            let modern = shop.alice.modern("tools/call", Some("desk__hold"));
            let new = modern.begins("POST", &rpc(8, "tools/call", &modern_params(params))).await;
            eventually("the second is held", async || ids("\"hold\"").len() == 2).await;
            drop(new);
            shop.example.wrote("notifications/cancelled").await;
            assert_eq!(ids("notifications/cancelled"), ids("\"hold\"")[1..], "{era}");
        })
        .await;
    }
}

#[tokio::test]
async fn progress_is_relayed_and_a_call_that_is_taken_back_is_cancelled() {
    for era in ["legacy", "modern"] {
        story(async |world| {
            let shop = Workshop::set(world, &["--era", era]).await;
            let params = json!({ "name": "desk__progress", "_meta": { "progressToken": "mine" } });
            let answer = shop.alice.asks("tools/call", params).await.text();
            assert_eq!(answer.matches(r#""progressToken":"mine""#).count(), 3, "{answer}");
            assert!(answer.contains("done"), "{answer}");
            let (session, _) = shop.alice.initializes("2025-11-25").await;
            let held = rpc(7, "tools/call", &json!({ "name": "desk__hold", "arguments": {} }));
            let caller = session.clone();
            let call = tokio::spawn(async move { caller.posts(&held).await });
            shop.example.wrote(r#""hold""#).await;
            session.posts(&notification("notifications/cancelled", &json!({ "requestId": 7 }))).await;
            call.await.unwrap();
            shop.example.wrote("notifications/cancelled").await;
            let (pid, line) =
                shop.example.lines().into_iter().rfind(|(_, line)| line.contains("\"hold\"")).unwrap();
            let id = serde_json::from_str::<Value>(&line).unwrap()["id"].clone();
            let cancelled =
                shop.example.lines().into_iter().rfind(|(_, line)| line.contains("cancelled")).unwrap();
            let cancelled_id =
                serde_json::from_str::<Value>(&cancelled.1).unwrap()["params"]["requestId"].clone();
            assert_eq!((cancelled.0, cancelled_id), (pid, id), "{era}");
        })
        .await;
    }
}

#[tokio::test]
async fn a_change_that_a_program_announces_is_in_the_list() {
    for era in ["legacy", "modern"] {
        story(async |world| {
            let shop = Workshop::set_with(world, &["--era", era], SessionMode::Shared, |config| {
                // She asks again and again.
                config.limits.rate_limit_per_minute = 1_000_000;
            })
            .await;
            assert_eq!(text(&shop.alice, "announce", json!({})).await, "announced");
            eventually("the new tool is listed", async || {
                shop.alice.tools().await.contains(&"desk__changed".to_owned())
            })
            .await;
        })
        .await;
    }
}

#[tokio::test]
async fn what_a_program_asks_is_answered_as_servers_elsewhere_are() {
    story(async |world| {
        let shop = Workshop::set(world, &["--era", "legacy"]).await;
        assert_eq!(text(&shop.alice, "ask", json!({ "method": "ping" })).await, "{}");
        let refused = text(&shop.alice, "ask", json!({ "method": "elicitation/create" })).await;
        assert!(refused.contains("-32601"), "{refused}");
    })
    .await;
}

#[tokio::test]
async fn a_program_sees_its_settings_and_secrets_and_nothing_else_of_the_gateway() {
    story(async |world| {
        let shop = Workshop::set(world, &[]).await;
        let example = Example::new();
        let mut command = example.command(&[]);
        command.env = [("API_HOST".to_owned(), "api.test".to_owned())].into();
        shop.owner.adds_program("env", command, SessionMode::PerCaller).await.unwrap();
        shop.owner.installs_known("env", None).await.unwrap();
        let see = async |name: &str| {
            shop.alice.calls("env__env", json!({ "name": name })).await.tool_text().unwrap()
        };
        assert_eq!((see("API_HOST").await.as_str(), see("API_KEY").await.as_str()), ("api.test", "(unset)"));
        shop.owner.sets_secret("api-key", "env", "first value").await;
        assert_eq!(see("API_KEY").await, "first value");
        shop.owner.sets_secret("api-key", "env", "second value").await;
        assert_eq!(see("API_KEY").await, "second value", "the next call uses it");
        let names = shop.alice.calls("env__environment", json!({})).await.tool_text().unwrap();
        let allowed = ["API_HOST", "API_KEY", "HOME", "LANG", "PATH", "TMPDIR"];
        assert!(names.split(' ').all(|name| allowed.contains(&name)), "{names}");
        shop.owner.deletes_secret("api-key", "env").await;
        assert_eq!(see("API_KEY").await, "(unset)");
    })
    .await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_program_runs_in_a_private_folder_with_few_files() {
    use std::os::unix::fs::PermissionsExt;
    story(async |world| {
        let shop = Workshop::set_with(world, &[], SessionMode::PerCaller, |config| {
            config.limits.stdio_open_files = 77;
        })
        .await;
        let folder = text(&shop.alice, "cwd", json!({})).await;
        let home = shop.gateway.config.data_dir.join("stdio").canonicalize().unwrap();
        let folder = std::path::Path::new(&folder);
        assert_eq!(folder.parent(), Some(home.as_path()));
        assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        let limits = text(&shop.alice, "files", json!({})).await;
        let files = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
        assert_eq!(files.split_whitespace().skip(3).take(2).collect::<Vec<_>>(), ["77", "77"]);
        let pid = text(&shop.alice, "pid", json!({})).await;
        let open = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten();
        let open = open.map(|file| file.path().read_link().unwrap().display().to_string());
        let data = shop.gateway.config.data_dir.display().to_string();
        let of_gateway =
            |file: &String| ["socket:", "anon_inode:", &data].iter().any(|of| file.starts_with(of));
        assert_eq!(
            open.filter(of_gateway).collect::<Vec<_>>(),
            [""; 0],
            "nothing of the gateway is open to it"
        );
    })
    .await;
}

#[tokio::test]
async fn a_program_that_cannot_run_says_why_and_its_callers_are_told_at_once() {
    story(async |world| {
        let shop = Workshop::set(world, &[]).await;
        let example = Example::new();
        let mut command = example.command(&[]);
        command.command = vec!["/no/such/program".to_owned(), "--flag".to_owned()];
        shop.owner.adds_program("broken", command, SessionMode::PerCaller).await.unwrap();
        let installed = shop.owner.installs_known("broken", None).await.unwrap();
        let warning = installed.warning.unwrap();
        assert!(warning.contains("No such file or directory"), "{warning}");
        let answer = shop.alice.calls("broken__echo", json!({})).await;
        assert_eq!(answer.error_code(), Some(-32010), "{answer:?}");
        assert!(!answer.text().contains("/no/such"), "callers see the kind alone");
        let shown = shop.owner.installed("broken").await;
        assert_eq!(shown.status, InstallStatus::Failing);
    })
    .await;
}

#[tokio::test]
async fn what_a_program_asks_of_a_caller_who_can_answer_is_asked() {
    story(async |world| {
        let shop = Workshop::set(world, &["--era", "legacy"]).await;
        let (session, _) = shop.alice.initializes_with("2025-11-25", json!({ "elicitation": {} })).await;
        let call = json!({ "name": "desk__ask", "arguments": { "method": "elicitation/create" } });
        let mut events = Events::open(session.begins("POST", &rpc("c", "tools/call", &call)).await).await;
        let question = events.json().await;
        assert_eq!(question["method"], "elicitation/create");
        session.responds(&question["id"], json!({ "action": "decline" })).await;
        let answer = events.json().await;
        assert_eq!(answer["result"]["content"][0]["text"], r#"{"action":"decline"}"#);
    })
    .await;
}
