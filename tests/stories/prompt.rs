//! Prompts of the servers behind: listed and got like tools are listed and called.

use aerostack_core::api::operation::endpoint::UpdateWorkspace;
use aerostack_core::api::workspace::UpdateWorkspaceRequest;
use aerostack_core::workspace::ToolPrefix;
use aerostack_gateway::definition::Kind;
use aerostack_tests::client::{Caller, META_VERSION, modern_params, rpc};
use aerostack_tests::gateway::Gateway;
use aerostack_tests::patience::eventually;
use aerostack_tests::scene::{Scene, story_behind};
use aerostack_tests::story::story;
use aerostack_tests::upstream::{Answers, Fault, Prompt, Setup};
use serde_json::{Value, json};

/// One server of each era, on each transport.
fn setups() -> [Setup; 5] {
    [
        Setup::legacy(),
        Setup::legacy().answers(Answers::Stream),
        Setup::old_sse(),
        Setup::modern(),
        Setup::dual(),
    ]
    .map(|setup| setup.prompts([Prompt::greet(), Prompt::greet().named("be.brief")]))
}

/// The message of an answer, however it was framed.
fn message(answer: &aerostack_tests::answer::Answer) -> Value {
    let text = answer.text();
    let text = text.strip_prefix("event: message\ndata: ").unwrap_or(&text);
    serde_json::from_str(text.trim_end()).unwrap()
}

async fn names(caller: &Caller) -> Vec<String> {
    let list = caller.asks("prompts/list", json!({})).await.json();
    let prompts = list["result"]["prompts"].as_array().unwrap_or_else(|| panic!("a list: {list}"));
    prompts.iter().map(|prompt| prompt["name"].as_str().unwrap().to_owned()).collect()
}

/// What stands in memory: asking for it costs no quota.
fn offered(gateway: &Gateway) -> Vec<String> {
    let grants = &gateway.app().grants;
    let installs = grants.installs();
    let snapshot = installs.first().and_then(|(workspace, _)| grants.snapshot(workspace)).unwrap();
    snapshot.listed_items(Kind::Prompt).map(|prompt| prompt.exposed.clone()).collect()
}

#[tokio::test]
async fn prompts_are_listed_and_got_in_every_crossing() {
    story_behind(&setups(), async |scene| {
        let alice = &scene.alice;
        let greeting = json!({ "name": "desk__greet", "arguments": { "who": "Bob" } });
        let (inside, welcome) = alice.initializes("2025-06-18").await;
        let offered = &welcome.json()["result"]["capabilities"];
        assert_eq!(
            (&offered["prompts"], &offered["completions"]),
            (&json!({ "listChanged": true }), &json!({}))
        );
        assert_eq!(offered.get("resources"), None);
        for caller in [alice, &inside] {
            assert_eq!(names(caller).await, ["desk__greet", "desk__be_brief"]);
            let got = message(&caller.asks("prompts/get", greeting.clone()).await);
            assert_eq!(got["result"]["messages"][0]["content"]["text"], "Say hello to Bob.");
            for field in ["resultType", "ttlMs", "cacheScope"] {
                assert_eq!(got["result"].get(field), None, "{field}");
            }
        }
        let found = alice.asks_modern("server/discover", json!({})).await.json();
        assert_eq!(found["result"]["capabilities"]["prompts"], json!({ "listChanged": true }));
        let list = alice.asks_modern("prompts/list", json!({})).await.json();
        let result = &list["result"];
        assert_eq!((&result["resultType"], &result["cacheScope"]), (&json!("complete"), &json!("private")));
        assert_eq!(result["prompts"][0]["arguments"][0]["name"], "who");
        let got = message(&alice.asks_modern("prompts/get", greeting).await);
        assert_eq!(got["result"]["resultType"], "complete");
        assert_eq!(got["result"]["messages"][0]["content"]["text"], "Say hello to Bob.");
        let sent = scene.upstream.requests_of("prompts/get");
        assert!(sent.iter().all(|get| get.json()["params"]["name"] == "greet"));
        let is_modern = |get: &&aerostack_tests::upstream::Received| {
            !get.json()["params"]["_meta"][META_VERSION].is_null()
        };
        for get in sent.iter().filter(is_modern).filter(|get| get.header("mcp-method").is_some()) {
            assert_eq!(
                (get.header("mcp-method"), get.header("mcp-name")),
                (Some("prompts/get"), Some("greet"))
            );
        }
    })
    .await;
}

#[tokio::test]
async fn an_unknown_prompt_is_told_and_a_modern_caller_must_name_it_in_a_header() {
    story_behind(&setups()[..1], async |scene| {
        let unknown = json!({ "name": "desk__none" });
        for answer in [
            scene.alice.asks("prompts/get", unknown.clone()).await,
            scene.alice.asks_modern("prompts/get", unknown.clone()).await,
        ] {
            assert_eq!((answer.status(), answer.error_code()), (200, Some(-32602)));
            assert_eq!(answer.json()["error"]["message"], "Unknown prompt: desk__none");
        }
        let other = scene.alice.modern("prompts/get", Some("desk__other"));
        let answer = other.asks("prompts/get", modern_params(unknown)).await;
        assert_eq!((answer.status(), answer.error_code()), (400, Some(-32020)));
        let cursor = scene.alice.asks("prompts/list", json!({ "cursor": "2" })).await;
        assert_eq!(cursor.error_code(), Some(-32602));
        assert_eq!(scene.upstream.requests_of("prompts/get").len(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_workspace_without_prompts_does_not_know_the_method() {
    story_behind(&[Setup::legacy(), Setup::modern()], async |scene| {
        let (_, welcome) = scene.alice.initializes("2025-11-25").await;
        assert_eq!(welcome.json()["result"]["capabilities"], json!({ "tools": { "listChanged": true } }));
        for method in
            ["prompts/list", "prompts/get", "resources/list", "resources/read", "completion/complete"]
        {
            let params =
                if method == "resources/read" { json!({ "uri": "a:b" }) } else { json!({ "name": "a" }) };
            let old = scene.alice.asks(method, params.clone()).await;
            assert_eq!((old.status(), old.error_code()), (200, Some(-32601)), "{method}");
            let new = scene.alice.asks_modern(method, params).await;
            assert_eq!((new.status(), new.error_code()), (404, Some(-32601)), "{method}");
        }
    })
    .await;
}

#[tokio::test]
async fn prompts_take_their_names_as_the_workspace_is_set_and_go_with_their_server() {
    story(async |world| {
        let scene = Scene::set(world, setups()[0].clone().page_len(1)).await;
        let second = Setup::modern().prompts([Prompt::greet(), Prompt::greet().named("other")]).start().await;
        scene.owner.installs("second", &second).await;
        let named = async |mode| {
            let change =
                UpdateWorkspaceRequest { tool_prefix: Some(mode), ..UpdateWorkspaceRequest::default() };
            scene.owner.asks::<UpdateWorkspace>(&["engineering"], &change).await.unwrap();
            names(&scene.alice).await
        };
        let expected = ["desk__greet", "desk__be_brief", "second__greet", "second__other"];
        assert_eq!(named(ToolPrefix::Always).await, expected);
        let expected = ["desk__greet", "be_brief", "second__greet", "other"];
        assert_eq!(named(ToolPrefix::OnCollision).await, expected);
        assert_eq!(named(ToolPrefix::Never).await, ["greet", "be_brief", "greet_2", "other"]);
        scene.alice.asks("prompts/get", json!({ "name": "greet_2" })).await;
        assert_eq!(second.requests_of("prompts/get")[0].json()["params"]["name"], "greet");
        scene.owner.switches("desk", None, false).await.unwrap();
        assert_eq!(names(&scene.alice).await, ["greet_2", "other"], "names do not move");
        let refused = scene.alice.asks("prompts/get", json!({ "name": "greet" })).await;
        assert_eq!(refused.json()["error"]["message"], "Unknown prompt: greet");
        scene.owner.uninstalls("desk").await;
        assert_eq!(names(&scene.alice).await, ["greet", "other"]);
        second.until("its notices are listened to", |seen| seen.open_streams() == 1).await;
        second.set_prompts([Prompt::greet().named("new")]);
        eventually("the new list is served", async || offered(&scene.gateway) == ["new"]).await;
        assert_eq!(names(&scene.alice).await, ["new"]);
    })
    .await;
}

#[tokio::test]
async fn lists_survive_a_restart_and_a_server_that_fails() {
    story(async |world| {
        let mut scene = Scene::set(world, setups()[0].clone()).await;
        let before = scene.alice.asks("prompts/list", json!({})).await.text();
        let address = scene.upstream.address();
        drop(std::mem::replace(&mut scene.upstream, Setup::legacy().start().await));
        scene.gateway.restarts().await;
        scene.alice.address = scene.gateway.address();
        assert_eq!(scene.alice.asks("prompts/list", json!({})).await.text(), before);
        let gone = scene.alice.asks("prompts/get", json!({ "name": "desk__greet" })).await;
        assert_eq!(
            (gone.error_code(), &gone.json()["error"]["data"]["server"]),
            (Some(-32010), &json!("desk"))
        );
        let back = Setup::legacy().prompts([Prompt::greet().named("back")]).back_at(address).await;
        eventually("the server is asked again", async || offered(&scene.gateway) == ["desk__back"]).await;
        drop(back);
    })
    .await;
}

#[tokio::test]
async fn what_goes_wrong_with_prompts_costs_no_tools() {
    story(async |world| {
        let gateway = world.gateway().await;
        let mut owner = gateway.owner().await;
        owner.creates_workspace("engineering").await;
        let odd = [Prompt::greet(), Prompt::greet().with("name", json!(7))];
        let upstream = Setup::legacy().prompts(odd).start().await;
        upstream.misbehave(Fault::Error(-32603).on("resources/list"));
        let installed = owner.installs("desk", &upstream).await;
        let told = "1 prompt is left out: 1 (no name)";
        assert_eq!(installed.warning.as_deref(), Some(told));
        assert_eq!((installed.install.tools, installed.install.prompts), (5, 1));
        let alice = owner.creates_token("Alice").await;
        assert_eq!(names(&alice).await, ["desk__greet"]);
        upstream.misbehave(Fault::NeverAnswers.on("prompts/list"));
        let later = owner.installs_known("desk", Some("again")).await.unwrap();
        let warning = later.warning.unwrap();
        assert_eq!(warning, "its prompts could not be listed: no list within 5 s");
        assert_eq!((later.install.tools, later.install.prompts), (5, 0));
        assert_eq!(alice.tools().await.len(), 10);
    })
    .await;
}

#[tokio::test]
async fn a_prompt_and_its_answer_are_unchanged_but_for_id_and_name() {
    const RESULT: &str = r#"{"z":2.50,"messages":[ {"role":"user","content":{"type":"new","x":1e2}} ],"description":"\u00e9"}"#;
    let setups = [Setup::legacy(), Setup::old_sse()]
        .map(|setup| setup.prompts([Prompt::answering("odd.one", RESULT)]));
    story_behind(&setups, async |scene| {
        let body = |id: &str, name: &str| {
            format!("{{\"method\":\"prompts/get\", \"x\":2.50,\n\"id\" : {id},\"params\":{{ \"name\" :\"{name}\",\"arguments\":{{\"a\":1.0}} }},\"jsonrpc\":\"2.0\"}}")
        };
        let answer = scene.alice.posts(&body("7.0", "desk__odd_one")).await;
        assert_eq!(answer.text(), format!(r#"{{"jsonrpc":"2.0","id":7.0,"result":{RESULT}}}"#));
        let sent = scene.upstream.requests_of("prompts/get").pop().unwrap();
        assert_eq!(sent.text(), body(&sent.json()["id"].to_string(), "odd.one"));
        let (mut events, post) = scene.alice.opens_sse().await;
        post.posts(&rpc("s", "prompts/get", &json!({ "name": "desk__odd_one" }))).await;
        let got = events.next().await.unwrap().unwrap().data;
        assert_eq!(got, format!(r#"{{"jsonrpc":"2.0","id":"s","result":{RESULT}}}"#));
        let batch = format!("[{}]", rpc(1, "prompts/get", &json!({ "name": "desk__odd_one" })));
        let got = scene.alice.posts(&batch).await.text();
        assert_eq!(got, format!(r#"[{{"jsonrpc":"2.0","id":1,"result":{RESULT}}}]"#));
    })
    .await;
}
