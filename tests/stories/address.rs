//! Where the gateway connects to for others than operators, whatever the address was given for: a server
//! of a catalogue, a function, an MCP server behind a skill.

use aerostack_core::api::skill::PublishSkillRequest;
use aerostack_core::plan::Plan;
use aerostack_core::server::SessionMode;
use aerostack_core::skill::Visibility;
use aerostack_tests::function::Function;
use aerostack_tests::person::Person;
use aerostack_tests::story::short_story;
use aerostack_tests::upstream::Setup;
use serde_json::{Value, json};

/// For what an address is given.
#[derive(Clone, Copy, Debug)]
enum What {
    Server,
    Function,
    Wrapped,
}

/// Gives the gateway an address and installs what is there as `slug`; tells whether it took it.
async fn gives(person: &Person, what: What, slug: &str, url: &str) -> bool {
    let tools = match what {
        What::Server => {
            person.adds(slug, url, SessionMode::default(), None).await;
            return person.installs_known(slug, None).await.is_ok();
        }
        What::Function => Function::tools(),
        What::Wrapped => Value::Null,
    };
    let field = if matches!(what, What::Function) { "function_url" } else { "mcp_url" };
    let mut manifest = json!({ "name": slug, "version": "1.0.0", field: url });
    if !tools.is_null() {
        manifest["tools"] = tools;
    }
    let request: PublishSkillRequest = serde_json::from_value(manifest).unwrap();
    let request = PublishSkillRequest { visibility: Some(Visibility::Private), ..request };
    person.orders_skill(&request).await.is_ok() && person.installs_skill(slug).await.is_ok()
}

#[tokio::test]
async fn addresses_within_are_refused_to_servers_functions_and_what_skills_wrap() {
    short_story(async |world| {
        let gateway = world.gateway().await;
        let mut bob = gateway.somebody("bob", Plan::Pro).await;
        bob.creates_workspace("bobs-own").await;
        let editor = bob.creates_token("Editor").await;
        let (upstream, function) = (Setup::legacy().start().await, Function::starts().await);
        let port = |url: String| url::Url::parse(&url).unwrap().port().unwrap();
        for (kind, (what, port)) in [
            (What::Server, port(upstream.url())),
            (What::Function, port(function.url())),
            (What::Wrapped, port(upstream.url())),
        ]
        .into_iter()
        .enumerate()
        {
            let mut tried = 0;
            for (number, host) in [
                "127.0.0.1",
                // A name that leads to loopback.
                "localhost",
                "[::1]",
                "[::ffff:127.0.0.1]",
                "0.0.0.0",
                "2130706433",
                "169.254.169.254",
                "[fe80::1]",
                "10.0.0.1",
            ]
            .into_iter()
            .enumerate()
            {
                let slug = format!("inside-{kind}-{number}");
                if !gives(&bob, what, &slug, &format!("http://{host}:{port}/run")).await {
                    continue;
                }
                tried += 1;
                let answer = editor.calls(&format!("{slug}__echo"), json!({ "text": "hi" })).await;
                assert_eq!(answer.error_code(), Some(-32010), "{what:?} at {host}: {answer:?}");
                assert!(!answer.text().contains(host), "{what:?} at {host}: {answer:?}");
            }
            assert!(tried > 0, "{what:?}: some addresses are looked at only when they are connected to");
        }
        assert_eq!((upstream.requests().len(), function.calls().len()), (0, 0));
    })
    .await;
}
