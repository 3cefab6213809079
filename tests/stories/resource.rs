//! Resources of the servers behind: listed together, read where they are, and completion of what names
//! them.

use aerostack_tests::answer::Answer;
use aerostack_tests::client::Caller;
use aerostack_tests::scene::{Scene, story_behind};
use aerostack_tests::story::story;
use aerostack_tests::upstream::{Answers, Prompt, Resource, Setup, Tool};
use serde_json::{Value, json};

fn with_files(setup: Setup) -> Setup {
    setup.name("files").resources([
        Resource::at("file:///a b"),
        Resource::at("file:///shared"),
        Resource::template("file:///{name}/raw"),
    ])
}

fn setups() -> [Setup; 5] {
    [
        Setup::legacy(),
        Setup::legacy().answers(Answers::Stream),
        Setup::old_sse(),
        Setup::modern(),
        Setup::dual(),
    ]
    .map(with_files)
}

/// The message of an answer, however it was framed.
fn message(answer: &Answer) -> Value {
    let text = answer.text();
    let text = text.strip_prefix("event: message\ndata: ").unwrap_or(&text);
    serde_json::from_str(text.trim_end()).unwrap()
}

async fn uris(caller: &Caller, method: &str, field: &str, key: &str) -> Vec<String> {
    let list = caller.asks(method, json!({})).await.json();
    let found = list["result"][field].as_array().unwrap_or_else(|| panic!("a list: {list}"));
    found.iter().map(|one| one[key].as_str().unwrap().to_owned()).collect()
}

async fn resources(caller: &Caller) -> Vec<String> {
    uris(caller, "resources/list", "resources", "uri").await
}

async fn templates(caller: &Caller) -> Vec<String> {
    uris(caller, "resources/templates/list", "resourceTemplates", "uriTemplate").await
}

/// The text that is read at a URI, in both eras; or the code of the error.
async fn reads(caller: &Caller, uri: &str) -> Result<String, (i64, i64)> {
    let old = message(&caller.asks("resources/read", json!({ "uri": uri })).await);
    let new = message(&caller.asks_modern("resources/read", json!({ "uri": uri })).await);
    let text = |message: &Value| message["result"]["contents"][0]["text"].as_str().map(str::to_owned);
    assert_eq!(text(&old), text(&new), "{old} {new}");
    let code = |message: &Value| message["error"]["code"].as_i64().unwrap();
    text(&old).ok_or_else(|| (code(&old), code(&new)))
}

#[tokio::test]
async fn resources_are_listed_and_read_in_every_crossing() {
    story_behind(&setups(), async |scene| {
        let alice = &scene.alice;
        let (_, welcome) = alice.initializes("2025-11-25").await;
        let offered = welcome.json()["result"]["capabilities"]["resources"].clone();
        assert_eq!(offered, json!({ "listChanged": true, "subscribe": true }));
        assert_eq!(resources(alice).await, ["file:///a b", "file:///shared"]);
        assert_eq!(templates(alice).await, ["file:///{name}/raw"]);
        assert_eq!(reads(alice, "file:///a b").await.unwrap(), "files: file:///a b");
        assert_eq!(reads(alice, "file:///x/raw").await.unwrap(), "files: file:///x/raw");
        let none = reads(alice, "file:///none").await.unwrap_err();
        assert!([(-32002, -32602), (-32602, -32602)].contains(&none), "its only server says so: {none:?}");
        for method in ["resources/list", "resources/templates/list"] {
            let list = alice.asks_modern(method, json!({})).await.json();
            let result = &list["result"];
            assert_eq!(
                (&result["resultType"], &result["cacheScope"]),
                (&json!("complete"), &json!("private"))
            );
            assert!(result["ttlMs"].is_u64());
        }
        let read = message(&alice.asks_modern("resources/read", json!({ "uri": "file:///a b" })).await);
        let result = &read["result"];
        assert_eq!(
            (&result["resultType"], &result["ttlMs"], &result["cacheScope"]),
            (&json!("complete"), &json!(0), &json!("private"))
        );
        let read = message(&alice.asks("resources/read", json!({ "uri": "file:///a b" })).await);
        for field in ["resultType", "ttlMs", "cacheScope"] {
            assert_eq!(read["result"].get(field), None, "{field}");
        }
        for read in scene.upstream.requests_of("resources/read") {
            let name = read.header("mcp-name");
            assert!(name.is_none_or(|name| read.json()["params"]["uri"] == name));
        }
    })
    .await;
}

#[tokio::test]
async fn every_uri_leads_to_its_own_server() {
    story(async |world| {
        let scene = Scene::set(world, with_files(Setup::legacy())).await;
        let alice = &scene.alice;
        let second = Setup::modern().name("second").resources([
            Resource::at("file:///shared"),
            Resource::at("db:users"),
            Resource::template("file:///{name}/raw"),
            Resource::template("db:{table}"),
        ]);
        let second = second.start().await;
        scene.owner.installs("second", &second).await;
        let expected = ["file:///a b", "file:///shared", "aerostack+second:file:///shared", "db:users"];
        assert_eq!(resources(alice).await, expected);
        let expected = ["file:///{name}/raw", "aerostack+second:file:///{name}/raw", "db:{table}"];
        assert_eq!(templates(alice).await, expected);
        for (uri, text) in [
            ("file:///shared", "files: file:///shared"),
            ("aerostack+second:file:///shared", "second: file:///shared"),
            ("aerostack+desk:file:///shared", "files: file:///shared"),
            ("db:users", "second: db:users"),
            ("db:orders", "second: db:orders"),
            ("file:///x/raw", "files: file:///x/raw"),
            ("aerostack+second:file:///x/raw", "second: file:///x/raw"),
        ] {
            assert_eq!(reads(alice, uri).await.as_deref(), Ok(text), "{uri}");
        }
        let reads_before = second.requests_of("resources/read").len();
        for uri in ["nobody:knows", "aerostack+none:db:users", "aerostack+second"] {
            assert_eq!(reads(alice, uri).await, Err((-32002, -32602)), "{uri}");
            let told = alice.asks("resources/read", json!({ "uri": uri })).await.json();
            assert_eq!(told["error"]["data"]["uri"], uri);
        }
        // What is switched off leads nowhere, not to somebody else's.
        scene.owner.switches("desk", None, false).await.unwrap();
        assert_eq!(resources(alice).await, ["aerostack+second:file:///shared", "db:users"]);
        assert_eq!(reads(alice, "file:///shared").await, Err((-32002, -32602)));
        assert_eq!(reads(alice, "file:///x/raw").await, Err((-32002, -32602)));
        assert_eq!(reads(alice, "aerostack+desk:file:///a b").await, Err((-32002, -32602)));
        assert_eq!(second.requests_of("resources/read").len(), reads_before);
        assert_eq!(reads(alice, "db:users").await.as_deref(), Ok("second: db:users"));
    })
    .await;
}

#[tokio::test]
async fn uris_in_answers_lead_back_to_who_wrote_them() {
    for setup in [Setup::legacy(), Setup::modern(), Setup::old_sse()] {
        story(async |world| {
            let scene = Scene::set(world, with_files(Setup::legacy())).await;
            let answer = |filler: usize| {
                let link = r#"{"type":"resource_link","uri":"file:\/\/\/shared","name":"a"}"#;
                let embedded = r#"{"type":"resource","resource":{"text":"2.50","uri" : "db:users"}}"#;
                let unknown = r#"{"uri":"nobody:knows","type":"resource_link","name":"b"}"#;
                format!(r#"{{"filler":"{}","content":[{link},{embedded},{unknown}]}}"#, "x".repeat(filler))
            };
            let tools = [Tool::answering("small", answer(1)), Tool::answering("large", answer(200_000))];
            let resources = [Resource::at("file:///shared"), Resource::at("db:users")];
            let second = setup.clone().name("second").tools(tools).resources(resources).start().await;
            scene.owner.installs("second", &second).await;
            for tool in ["second__small", "second__large"] {
                for answer in [
                    scene.alice.calls(tool, json!({})).await,
                    scene.alice.calls_modern(tool, json!({})).await,
                ] {
                    let content = message(&answer)["result"]["content"].clone();
                    let found = [&content[0]["uri"], &content[1]["resource"]["uri"], &content[2]["uri"]];
                    let led_back =
                        ["aerostack+second:file:///shared", "db:users", "aerostack+second:nobody:knows"];
                    assert_eq!(found, led_back.map(Value::from).each_ref(), "{tool}");
                    assert!(
                        answer.text().contains(r#""uri" : "db:users""#),
                        "what leads back stays as it is"
                    );
                }
            }
            let uri = "aerostack+second:file:///shared";
            let read = message(&scene.alice.asks("resources/read", json!({ "uri": uri })).await);
            assert_eq!(read["result"]["contents"][0]["uri"], uri);
            // What the first one lists leads nowhere while it is switched off.
            scene.owner.switches("desk", None, false).await.unwrap();
            let answer = message(&scene.alice.calls("second__small", json!({})).await);
            assert_eq!(answer["result"]["content"][0]["uri"], uri);
        })
        .await;
    }
}

#[tokio::test]
async fn completions_are_asked_of_whose_prompt_or_template_it_is() {
    let setups = setups().map(|setup| setup.prompts([Prompt::greet()]));
    story_behind(&setups, async |scene| {
        let bare = Setup::legacy().name("bare").resources([Resource::at("bare:x")]).start().await;
        scene.owner.installs("bare", &bare).await;
        let completes = async |reference: Value| {
            let params = json!({ "ref": reference, "argument": { "name": "who", "value": "B" } });
            let old = message(&scene.alice.asks("completion/complete", params.clone()).await);
            let new = message(&scene.alice.asks_modern("completion/complete", params).await);
            assert_eq!(old["result"]["completion"], new["result"]["completion"], "{old} {new}");
            assert_eq!(
                (old["result"].get("resultType"), &new["result"]["resultType"]),
                (None, &json!("complete"))
            );
            old["result"]["completion"]["values"].clone()
        };
        let prompt = completes(json!({ "type": "ref/prompt", "name": "desk__greet" })).await;
        assert_eq!(prompt, json!(["greet", "Bab"]));
        let template = completes(json!({ "type": "ref/resource", "uri": "file:///{name}/raw" })).await;
        assert_eq!(template, json!(["file:///{name}/raw", "Bab"]));
        let none = completes(json!({ "type": "ref/resource", "uri": "bare:x" })).await;
        assert_eq!(none, json!([]), "a server that completes nothing is not asked");
        assert_eq!(bare.requests_of("completion/complete").len(), 0);
        let unknown = json!({ "ref": { "type": "ref/prompt", "name": "greet" }, "argument": {} });
        assert_eq!(scene.alice.asks("completion/complete", unknown).await.error_code(), Some(-32602));
        let odd = scene.alice.asks("completion/complete", json!({ "ref": { "type": "ref/tool" } })).await;
        assert_eq!(odd.error_code(), Some(-32602));
    })
    .await;
}
