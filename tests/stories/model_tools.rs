//! A workspace's tools as function definitions of other models' interfaces.

use aerostack_core::api::token::CreateTokenRequest;
use aerostack_core::skill::Visibility;
use aerostack_tests::function::Function;
use aerostack_tests::person::token_named;
use aerostack_tests::scene::Scene;
use aerostack_tests::story::story;
use aerostack_tests::upstream::Setup;
use serde_json::{Value, json};

fn names(list: &Value, name: impl Fn(&Value) -> &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|tool| name(tool).as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn both_lists_have_the_tools_that_may_be_called_under_the_same_names() {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        let function = Function::starts().await;
        scene.owner.publishes("crm", Visibility::Team, &function).await;
        scene.owner.installs_skill("crm").await.unwrap();
        scene.owner.switches("desk", Some("echo"), false).await.unwrap();
        let listed = scene.alice.tools().await;
        let openai = scene.alice.at("/ws/engineering/openai-tools").sends("GET", "").await;
        let gemini = scene.alice.at("/api/gateway/ws/engineering/gemini-tools").sends("GET", "").await;
        assert_eq!((openai.status(), openai.header("content-type")), (200, Some("application/json")));
        let (openai, gemini) = (openai.json(), gemini.json());
        assert_eq!(names(&openai, |tool| &tool["function"]["name"]), listed);
        assert_eq!(names(&gemini["functionDeclarations"], |tool| &tool["name"]), listed);
        let echo = openai.as_array().unwrap().iter().find(|tool| tool["function"]["name"] == "crm__echo");
        let schema = Function::tools()[0]["input_schema"].clone();
        let function = json!({ "name": "crm__echo", "description": "Says it again", "parameters": schema });
        assert_eq!(echo, Some(&json!({ "type": "function", "function": function })));
        let echo = gemini["functionDeclarations"]
            .as_array()
            .unwrap()
            .iter()
            .find(|tool| tool["name"] == "crm__echo");
        let properties = json!({
            "text": { "type": "string", "maxLength": 20 },
            "times": { "type": "integer", "minimum": 1 }
        });
        let parameters = json!({ "type": "object", "properties": properties, "required": ["text"] });
        let declaration =
            json!({ "name": "crm__echo", "description": "Says it again", "parameters": parameters });
        assert_eq!(echo, Some(&declaration));
    })
    .await;
}

#[tokio::test]
async fn a_stranger_gets_the_doors_own_refusal_and_a_request_counts() {
    story(async |world| {
        let scene = Scene::set(world, Setup::legacy()).await;
        let order = CreateTokenRequest { rate_limit_per_minute: Some(2), ..token_named("Program") };
        let program = scene.owner.caller(&scene.owner.orders_token(&order).await.unwrap());
        let stranger = program.holding("mwt_nonsense");
        let at_the_door = stranger.asks("tools/list", json!({})).await;
        for segment in ["openai-tools", "gemini-tools"] {
            let path = format!("/ws/engineering/{segment}");
            let refused = stranger.at(&path).sends("GET", "").await;
            assert_eq!((refused.status(), &refused.body), (401, &at_the_door.body));
            assert_eq!(refused.header("www-authenticate"), at_the_door.header("www-authenticate"));
            let posted = program.at(&path).posts("{}").await;
            assert_eq!((posted.status(), posted.header("allow")), (405, Some("GET")));
            assert_eq!(program.at(&path).sends("GET", "").await.status(), 200);
        }
        let limited = program.at("/ws/engineering/openai-tools").sends("GET", "").await;
        assert_eq!((limited.status(), limited.json()["error"]["code"].as_i64()), (429, Some(-32000)));
        assert!(limited.header("retry-after").is_some());
        assert_eq!(program.asks("tools/list", json!({})).await.status(), 429);
    })
    .await;
}
