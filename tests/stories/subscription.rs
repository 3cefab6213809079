//! Notices: of lists that changed, and of resources that were updated, to exactly who wants them.

use aerostack_tests::client::{META_SUBSCRIPTION, rpc};
use aerostack_tests::events::Events;
use aerostack_tests::patience::eventually;
use aerostack_tests::scene::{Scene, story_behind};
use aerostack_tests::story::story;
use aerostack_tests::upstream::{Prompt, Resource, Setup, Tool};
use serde_json::{Value, json};

const FILE: &str = "file:///a";

fn setups() -> [Setup; 4] {
    [Setup::legacy(), Setup::old_sse(), Setup::modern(), Setup::dual()].map(|setup| {
        setup.resources([Resource::at(FILE), Resource::at("file:///b")]).prompts([Prompt::greet()])
    })
}

/// A notice of an update, as legacy listeners get it.
fn updated(uri: &str) -> Value {
    json!({
        "jsonrpc": "2.0",
        "method": "notifications/resources/updated",
        "params": { "uri": uri, "revision": 2.5 }
    })
}

/// The same as modern listeners of the id `listen:0` get it.
fn tagged(uri: &str) -> Value {
    let mut notice = updated(uri);
    notice["params"]["_meta"] = json!({ META_SUBSCRIPTION: "listen:0" });
    notice
}

async fn method(events: &mut Events) -> String {
    events.json().await["method"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn updates_reach_exactly_who_subscribed_in_every_crossing() {
    story_behind(&setups(), async |scene| {
        let (alice, upstream) = (&scene.alice, &scene.upstream);
        let (inside, _) = alice.initializes("2025-11-25").await;
        let mut stream = inside.listens().await;
        let (other, _) = alice.initializes("2025-11-25").await;
        let mut deaf = other.listens().await;
        let subscribed = inside.asks("resources/subscribe", json!({ "uri": FILE })).await;
        assert_eq!(subscribed.text(), r#"{"jsonrpc":"2.0","id":1,"result":{}}"#);
        let (mut sse, post) = alice.opens_sse().await;
        post.posts(&rpc(1, "resources/subscribe", &json!({ "uri": FILE }))).await;
        assert_eq!(sse.json().await["result"], json!({}));
        let mut modern = alice.listens_to(json!({ "resourceSubscriptions": [FILE] })).await;
        let acknowledged = modern.json().await;
        assert_eq!(acknowledged["params"]["notifications"], json!({ "resourceSubscriptions": [FILE] }));
        upstream.until("it is asked once for all", |seen| seen.subscriptions() == [FILE]).await;
        upstream.updates("file:///b");
        upstream.updates(FILE);
        assert_eq!(stream.json().await, updated(FILE));
        assert_eq!(sse.json().await, updated(FILE));
        assert_eq!(modern.json().await, tagged(FILE));
        upstream.updates("file:///a/below");
        assert_eq!(stream.json().await, updated("file:///a/below"));
        upstream.set_tools([Tool::echo()]);
        assert_eq!(method(&mut deaf).await, "notifications/tools/list_changed");
        let unsubscribed = inside.asks("resources/unsubscribe", json!({ "uri": FILE })).await;
        assert_eq!(unsubscribed.json()["result"], json!({}));
        drop(sse);
        assert_eq!(upstream.subscriptions(), [FILE], "somebody still listens");
        drop(modern);
        upstream.until("nobody listens any more", |seen| seen.subscriptions().is_empty()).await;
    })
    .await;
}

#[tokio::test]
async fn a_subscription_outlasts_its_stream_and_its_servers_restart() {
    for setup in setups() {
        story(async |world| {
            let mut scene = Scene::set(world, setup.clone()).await;
            let (inside, _) = scene.alice.initializes("2025-11-25").await;
            // Before there is a stream, and while there is none, nobody is asked.
            inside.asks("resources/subscribe", json!({ "uri": "aerostack+desk:file:///a" })).await;
            assert_eq!(scene.upstream.subscriptions(), Vec::<String>::new());
            drop(inside.listens().await);
            let mut stream = inside.listens().await;
            scene.upstream.until("it is subscribed to", |seen| seen.subscriptions() == [FILE]).await;
            let address = scene.upstream.address();
            drop(std::mem::replace(&mut scene.upstream, Setup::legacy().start().await));
            scene.upstream = setup.clone().back_at(address).await;
            scene.upstream.until("it is subscribed to again", |seen| seen.subscriptions() == [FILE]).await;
            scene.upstream.updates(FILE);
            assert_eq!(
                stream.json().await,
                updated("aerostack+desk:file:///a"),
                "under the caller's own name"
            );
        })
        .await;
    }
}

#[tokio::test]
async fn subscriptions_end_with_the_right_to_them() {
    story_behind(&setups(), async |scene| {
        let (inside, _) = scene.alice.initializes("2025-11-25").await;
        inside.asks("resources/subscribe", json!({ "uri": FILE })).await;
        let mut stream = inside.listens().await;
        let mut modern = scene.alice.listens_to(json!({ "resourceSubscriptions": [FILE] })).await;
        modern.json().await;
        scene.upstream.until("it is subscribed to", |seen| seen.subscriptions() == [FILE]).await;
        scene.owner.switches("desk", None, false).await.unwrap();
        scene.upstream.until("nobody may listen", |seen| seen.subscriptions().is_empty()).await;
        scene.owner.switches("desk", None, true).await.unwrap();
        scene.upstream.until("everybody may", |seen| seen.subscriptions() == [FILE]).await;
        scene.owner.revokes(&scene.alice.id).await.unwrap();
        stream.until_over().await;
        modern.until_over().await;
        scene.upstream.until("the token has ended", |seen| seen.subscriptions().is_empty()).await;
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_subscribed_to_is_told() {
    story_behind(&setups()[..1], async |scene| {
        let (inside, _) = scene.alice.initializes("2025-11-25").await;
        for params in [json!({}), json!({ "uri": 7 })] {
            let refused = inside.asks("resources/subscribe", params).await;
            assert_eq!((refused.status(), refused.error_code()), (200, Some(-32602)));
        }
        let unknown = json!({ "uri": "aerostack+none:file:///a" });
        assert_eq!(inside.asks("resources/subscribe", unknown).await.error_code(), Some(-32002));
        let long = json!({ "uri": format!("file:///{}", "x".repeat(3_000)) });
        assert_eq!(inside.asks("resources/subscribe", long).await.error_code(), Some(-32602));
        let odd = json!({ "notifications": { "resourceSubscriptions": "all" } });
        assert_eq!(scene.alice.asks_modern("subscriptions/listen", odd).await.error_code(), Some(-32602));
        let asked =
            json!({ "resourceSubscriptions": [FILE, "aerostack+none:x"], "promptsListChanged": true });
        let acknowledged = scene.alice.listens_to(asked).await.json().await;
        let honoured = json!({ "resourceSubscriptions": [FILE], "promptsListChanged": true });
        assert_eq!(acknowledged["params"]["notifications"], honoured);
    })
    .await;
}

#[tokio::test]
async fn changes_of_every_list_are_told_to_who_wants_them() {
    story_behind(&setups(), async |scene| {
        let (alice, upstream) = (&scene.alice, &scene.upstream);
        let mut stream = alice.listens().await;
        let mut modern = alice.listens_to(json!({ "resourcesListChanged": true })).await;
        modern.json().await;
        upstream.until("the gateway listens", |seen| seen.open_streams() == 1).await;
        upstream.set_prompts([Prompt::greet(), Prompt::greet().named("new")]);
        assert_eq!(method(&mut stream).await, "notifications/prompts/list_changed");
        upstream.set_resources([Resource::at(FILE)]);
        assert_eq!(method(&mut stream).await, "notifications/resources/list_changed");
        let notice = modern.json().await;
        assert_eq!(notice["method"], "notifications/resources/list_changed", "and not the other");
        assert_eq!(notice["params"], json!({ "_meta": { META_SUBSCRIPTION: "listen:0" } }));
        upstream.set_resources([Resource::at(FILE), Resource::template("file:///{x}")]);
        assert_eq!(method(&mut stream).await, "notifications/resources/list_changed");
    })
    .await;
}

#[tokio::test]
async fn one_token_cannot_have_all_subscriptions_of_a_server() {
    story_behind(&setups()[2..3], async |scene| {
        let honoured = async |number: usize| {
            let mut uris: Vec<String> = (0..256).map(|at| format!("file:///{number}/{at}")).collect();
            uris.insert(0, format!("file:///{}", "x".repeat(3_000)));
            uris.insert(1, uris[1].clone());
            let mut stream = scene.alice.listens_to(json!({ "resourceSubscriptions": uris })).await;
            let told = stream.json().await["params"]["notifications"]["resourceSubscriptions"].take();
            let count = told.as_array().map_or(0, Vec::len);
            // While others are let go, some in between may not be had.
            let are_the_first = || told[0] == uris[1] && told[count - 1] == uris[1 + count];
            assert!(count < 256 || are_the_first(), "{told}");
            (stream, count)
        };
        let mut streams = Vec::new();
        for number in 0..4 {
            let (stream, count) = honoured(number).await;
            assert_eq!(count, 256, "no URI twice, and none that is too long");
            streams.push(stream);
        }
        assert_eq!(honoured(4).await.1, 0);
        let bob = scene.owner.creates_token("Bob").await;
        let mut his = bob.listens_to(json!({ "resourceSubscriptions": [FILE] })).await;
        assert_eq!(his.json().await["params"]["notifications"], json!({ "resourceSubscriptions": [FILE] }));
        streams.pop();
        eventually("what is let go can be had again", async || honoured(5).await.1 == 256).await;
    })
    .await;
}
