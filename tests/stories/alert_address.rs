//! Where an alert's messages may go, and what goes along: the same rules as towards servers and functions.

use std::time::Duration;

use aerostack_core::api::alert::{AlertTested, SetAlertRequest};
use aerostack_core::api::operation::endpoint;
use aerostack_core::api::page::Empty;
use aerostack_core::plan::Plan;
use aerostack_gateway::config::Config;
use aerostack_tests::function::{Conduct, Function};
use aerostack_tests::gateway::Gateway;
use aerostack_tests::person::Person;
use aerostack_tests::story::short_story;

async fn bob(gateway: &Gateway) -> Person {
    let mut bob = gateway.somebody("bob", Plan::Pro).await;
    bob.creates_workspace("bobs-own").await;
    bob
}

async fn tries(person: &Person, url: &str) -> AlertTested {
    let request = SetAlertRequest { url: Some(url.to_owned()), calls: Some(1), ..SetAlertRequest::default() };
    person.asks::<endpoint::SetAlert>(&[&person.workspace], &request).await.expect("it is set");
    person.asks::<endpoint::TestAlert>(&[&person.workspace], &Empty {}).await.expect("it is tried")
}

const NEVER: &str = "link-local, a metadata service's or not of one host; such addresses are never allowed";
const PRIVATE: &str = "in a private network that is not allowed (AEROSTACK_UPSTREAM_ALLOW)";

#[tokio::test]
async fn addresses_within_are_refused_however_they_are_written() {
    short_story(async |world| {
        let gateway = world.gateway().await;
        let (bob, receiver) = (bob(&gateway).await, Function::starts().await);
        let port = receiver.port();
        for (host, reason) in [
            ("127.0.0.1", PRIVATE),
            // A name that resolves to loopback.
            ("localhost", PRIVATE),
            ("[::1]", PRIVATE),
            ("[::ffff:127.0.0.1]", PRIVATE),
            ("2130706433", PRIVATE),
            ("0x7f.1", PRIVATE),
            ("10.0.0.1", PRIVATE),
            ("192.168.1.1", PRIVATE),
            ("0.0.0.0", NEVER),
            ("169.254.169.254", NEVER),
            ("[::ffff:169.254.169.254]", NEVER),
            ("[fd00:ec2::254]", NEVER),
            ("[fe80::1]", NEVER),
        ] {
            let tried = tries(&bob, &format!("http://{host}:{port}/hook")).await;
            let error = tried.error.unwrap_or_default();
            assert_eq!(error, format!("unreachable: its address is {reason}"), "{host}");
            assert!(!tried.ok);
        }
        assert_eq!(receiver.calls().len(), 0);
    })
    .await;
}

#[tokio::test]
async fn operators_reach_their_own_machine_and_others_what_the_installation_allows() {
    short_story(async |world| {
        let allow = |config: &mut Config| config.upstream_allow = vec!["127.0.0.0/8".parse().unwrap()];
        let gateway = world.gateway_with(allow).await;
        let (bob, receiver) = (bob(&gateway).await, Function::starts().await);
        receiver.behaves(Conduct::Status(202));
        assert!(tries(&bob, &receiver.url()).await.ok);
        let mut owner = gateway.owner().await;
        owner.creates_workspace("engineering").await;
        assert!(tries(&owner, &receiver.url()).await.ok);
        let metadata = tries(&owner, "http://169.254.169.254/latest").await;
        assert_eq!(metadata.error, Some(format!("unreachable: its address is {NEVER}")));
        assert_eq!(receiver.calls().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn redirects_are_not_followed_and_neither_cookies_nor_credentials_go_along() {
    short_story(async |world| {
        let hurried = |config: &mut Config| config.limits.webhook_timeout = Duration::from_secs(1);
        let gateway = world.gateway_with(hurried).await;
        let mut owner = gateway.owner().await;
        owner.creates_workspace("engineering").await;
        let receiver = Function::starts().await;
        for (conduct, error) in [
            (Conduct::SetsCookie, None),
            (
                Conduct::Redirects("http://169.254.169.254/latest"),
                Some("HTTP 307; redirects are not followed"),
            ),
            (Conduct::Status(500), Some("HTTP 500")),
            (Conduct::Status(401), Some("HTTP 401")),
            (Conduct::Status(410), Some("HTTP 410: the receiver wants no more messages")),
            (Conduct::Floods, None),
            (Conduct::Drips, None),
            (Conduct::Hangs, Some("timed out: no byte for 1 s")),
        ] {
            receiver.behaves(conduct.clone());
            let tried = tries(&owner, &receiver.url()).await;
            assert_eq!((tried.ok, tried.error.as_deref()), (error.is_none(), error), "{conduct:?}");
        }
        let calls = receiver.calls();
        assert_eq!(calls.len(), 8);
        for call in calls {
            let mut names: Vec<&str> = call.headers.keys().map(http::HeaderName::as_str).collect();
            names.sort_unstable();
            let expected = [
                "accept",
                "content-length",
                "content-type",
                "host",
                "user-agent",
                "webhook-id",
                "webhook-signature",
                "webhook-timestamp",
            ];
            assert_eq!(names, expected);
        }
        drop(receiver);
        let gone = tries(&owner, "http://127.0.0.1:9/hook?key=hidden").await.error.unwrap_or_default();
        assert!(gone.starts_with("unreachable: ") && !gone.contains("hidden"), "{gone}");
    })
    .await;
}
