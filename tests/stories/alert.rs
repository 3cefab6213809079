//! What a webhook is told of a workspace's calls: when, how often, and what it does not learn.

use std::time::Duration;

use aerostack_core::alert::SigningSecret;
use aerostack_core::api::alert::{AlertSet, AlertView, SetAlertRequest};
use aerostack_core::api::operation::endpoint;
use aerostack_core::api::page::Empty;
use aerostack_gateway::clock::Clock;
use aerostack_gateway::commands::key;
use aerostack_tests::function::{Called, Conduct, Function};
use aerostack_tests::gateway::Gateway;
use aerostack_tests::patience::eventually;
use aerostack_tests::person::Person;
use aerostack_tests::scene::Scene;
use aerostack_tests::story::{BEGINNING, World, story};
use aerostack_tests::upstream::Setup;
use serde_json::{Value, json};

/// A gateway whose clock the story moves, and which looks all the time.
async fn set(world: &World) -> (Scene, Function) {
    let mut config = world.place.config();
    config.limits.alerts_every = Duration::from_millis(50);
    config.limits.webhook_timeout = Duration::from_secs(2);
    let gateway = Gateway::start(config, Clock::manual(BEGINNING)).await;
    let receiver = Function::starts().await;
    receiver.behaves(Conduct::Status(204));
    (Scene::set_in(gateway, Setup::legacy()).await, receiver)
}

fn wanted(receiver: &Function) -> SetAlertRequest {
    SetAlertRequest {
        url: Some(receiver.url()),
        error_rate: Some(0.5),
        min_calls: Some(4),
        calls: Some(6),
        window_minutes: Some(1),
        new_secret: false,
    }
}

async fn sets(owner: &Person, request: SetAlertRequest) -> AlertSet {
    owner.asks::<endpoint::SetAlert>(&[&owner.workspace], &request).await.expect("an alert is set")
}

async fn shown(owner: &Person) -> AlertView {
    owner.asks::<endpoint::ShowAlert>(&[&owner.workspace], &Empty {}).await.expect("the alert is shown")
}

async fn fails(scene: &Scene, times: usize) {
    for _ in 0..times {
        scene.alice.calls("desk__fail", json!({})).await;
    }
}

async fn has_received(receiver: &Function, messages: usize) -> Vec<Called> {
    eventually("the messages have come", async || receiver.calls().len() >= messages).await;
    let calls = receiver.calls();
    assert_eq!(calls.len(), messages, "{calls:?}");
    calls
}

fn header<'a>(called: &'a Called, name: &str) -> &'a str {
    called.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn assert_signed(called: &Called, secret: &str) {
    let at_seconds = header(called, "webhook-timestamp").parse().unwrap();
    let secret = SigningSecret::parse(secret).unwrap();
    let signature = secret.sign(header(called, "webhook-id"), at_seconds, &called.text);
    assert_eq!(header(called, "webhook-signature"), signature);
}

fn said(called: &Called) -> (Value, Value, Value, Value) {
    let body = &called.body;
    (body["type"].clone(), body["rule"].clone(), body["calls"].clone(), body["errors"].clone())
}

#[tokio::test]
async fn a_rule_that_is_exceeded_is_told_once_and_again_when_it_is_over() {
    story(async |world| {
        let (scene, receiver) = set(world).await;
        let made = sets(&scene.owner, wanted(&receiver)).await;
        let secret = made.signing_secret.expect("a new alert has a new secret");
        fails(&scene, 4).await;
        let first = has_received(&receiver, 1).await.remove(0);
        assert_eq!(said(&first), (json!("alert.raised"), json!("error_rate"), json!(4), json!(4)));
        assert_eq!(
            first.body,
            json!({
                "type": "alert.raised",
                "at": "2026-03-17T11:15:00.000Z",
                "workspace": "engineering",
                "text": "engineering: 4 of 4 calls within 1m ended in an error (100.0 %), at or above 50 %.",
                "rule": "error_rate",
                "threshold": 0.5,
                "calls": 4,
                "errors": 4,
                "error_rate": 1.0,
                "from": "2026-03-17T11:15:00.000Z",
                "window_minutes": 1
            })
        );
        assert_signed(&first, &secret);
        fails(&scene, 2).await;
        let second = has_received(&receiver, 2).await.remove(1);
        assert_eq!(said(&second), (json!("alert.raised"), json!("calls"), json!(6), json!(6)));
        assert_ne!(header(&first, "webhook-id"), header(&second, "webhook-id"));

        scene.gateway.clock.advance(Duration::from_secs(60));
        let mut over: Vec<_> =
            has_received(&receiver, 4).await.drain(2..).map(|called| said(&called)).collect();
        over.sort_by_key(|said| said.1.to_string());
        let resolved = |rule: &str| (json!("alert.resolved"), json!(rule), json!(0), json!(0));
        assert_eq!(over, [resolved("calls"), resolved("error_rate")]);
        eventually("it is noted that they were delivered", async || {
            shown(&scene.owner).await.rules.iter().all(|rule| rule.next_try_at.is_none())
        })
        .await;
        let alert = shown(&scene.owner).await;
        let at = BEGINNING.plus(Duration::from_secs(60));
        let rules: Vec<_> = alert.rules.iter().map(|rule| (rule.raised_at, rule.told_at)).collect();
        assert_eq!(rules, [(None, Some(at)); 2]);
        scene.gateway.clock.advance(Duration::from_secs(3_600));
        fails(&scene, 3).await;
        assert_eq!(has_received(&receiver, 4).await.len(), 4);
        assert!(scene.owner.verifies_audit().await.ok);
    })
    .await;
}

#[tokio::test]
async fn a_receiver_that_is_away_is_tried_again_also_after_a_restart_and_told_once() {
    story(async |world| {
        let (mut scene, receiver) = set(world).await;
        sets(&scene.owner, SetAlertRequest { calls: None, ..wanted(&receiver) }).await;
        receiver.behaves(Conduct::Status(500));
        fails(&scene, 4).await;
        let tries = async |owner: &Person, number: u32| {
            eventually("it is tried", async || shown(owner).await.rules[0].tries >= number).await;
            shown(owner).await.rules.remove(0)
        };
        let rule = tries(&scene.owner, 1).await;
        assert_eq!(rule.last_error.as_deref(), Some("HTTP 500"));
        assert_eq!(rule.next_try_at, Some(BEGINNING.plus(Duration::from_secs(10))));
        scene.gateway.clock.advance(Duration::from_secs(10));
        let rule = tries(&scene.owner, 2).await;
        assert_eq!(rule.next_try_at, Some(BEGINNING.plus(Duration::from_secs(30))));

        scene.gateway.restarts().await;
        scene.owner = scene.owner.at(scene.gateway.address());
        receiver.behaves(Conduct::Status(204));
        scene.gateway.clock.advance(Duration::from_secs(20));
        eventually("it is delivered", async || shown(&scene.owner).await.rules[0].told_at.is_some()).await;
        let calls = receiver.calls();
        let ids: Vec<&str> = calls.iter().map(|called| header(called, "webhook-id")).collect();
        assert!(ids.len() == 3 && ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        let moments: Vec<&str> = calls.iter().map(|called| header(called, "webhook-timestamp")).collect();
        assert_eq!(moments, ["1773746100", "1773746110", "1773746130"]);
        let rule = shown(&scene.owner).await.rules.remove(0);
        assert_eq!((rule.tries, rule.last_error, rule.next_try_at), (0, None, None));
    })
    .await;
}

#[tokio::test]
async fn of_what_waits_only_the_newest_is_told_and_one_who_wants_no_more_is_left_alone() {
    story(async |world| {
        let (scene, receiver) = set(world).await;
        sets(&scene.owner, SetAlertRequest { calls: None, ..wanted(&receiver) }).await;
        receiver.behaves(Conduct::Status(500));
        fails(&scene, 4).await;
        eventually("it was tried in vain", async || shown(&scene.owner).await.rules[0].tries > 0).await;
        scene.gateway.clock.advance(Duration::from_secs(60));
        eventually("it is over", async || shown(&scene.owner).await.rules[0].raised_at.is_none()).await;
        receiver.behaves(Conduct::Status(204));
        eventually("it is delivered", async || {
            scene.gateway.clock.advance(Duration::from_secs(10));
            shown(&scene.owner).await.rules[0].told_at.is_some()
        })
        .await;
        let calls = receiver.calls();
        let newest = &calls[calls.len() - 1];
        let raised_at = json!("2026-03-17T11:15:00.000Z");
        assert_eq!((&newest.body["type"], &newest.body["raised_at"]), (&json!("alert.resolved"), &raised_at));

        receiver.behaves(Conduct::Status(410));
        fails(&scene, 4).await;
        has_received(&receiver, calls.len() + 1).await;
        let given_up = "HTTP 410: the receiver wants no more messages";
        eventually("it is given up", async || {
            let rule = shown(&scene.owner).await.rules.remove(0);
            rule.next_try_at.is_none() && rule.last_error.as_deref() == Some(given_up)
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn without_an_alert_nothing_is_sent_and_a_deleted_one_sends_nothing_more() {
    story(async |world| {
        let (scene, receiver) = set(world).await;
        fails(&scene, 10).await;
        let owner = &scene.owner;
        let missing = owner.asks::<endpoint::ShowAlert>(&["engineering"], &Empty {}).await.unwrap_err();
        assert_eq!(missing.message, "'engineering' has no alert");
        receiver.behaves(Conduct::Status(500));
        sets(owner, wanted(&receiver)).await;
        eventually("both are tried", async || receiver.calls().len() >= 2).await;
        owner.asks::<endpoint::DeleteAlert>(&["engineering"], &Empty {}).await.expect("it is deleted");
        let tried = receiver.calls().len();
        scene.gateway.clock.advance(Duration::from_secs(10));
        // Looks go on, and whatever waited would be due: another workspace's alert is told meanwhile.
        let mut other = owner.clone();
        other.creates_workspace("other").await;
        let quick = Function::starts().await;
        sets(&other, SetAlertRequest { calls: Some(1), error_rate: None, ..wanted(&quick) }).await;
        let probe = other.creates_token("Probe").await;
        probe.calls("nothing", json!({})).await;
        has_received(&quick, 1).await;
        assert_eq!(receiver.calls().len(), tried);
        other.deletes_workspace().await;
        let audit = owner.verifies_audit().await;
        assert!(audit.ok, "{audit:?}");
    })
    .await;
}

#[tokio::test]
async fn the_signing_secret_is_shown_once_is_sealed_and_outlives_its_master_key() {
    story(async |world| {
        let (mut scene, receiver) = set(world).await;
        let first = sets(&scene.owner, wanted(&receiver)).await.signing_secret.unwrap();
        let kept = sets(&scene.owner, SetAlertRequest { url: None, ..wanted(&receiver) }).await;
        assert_eq!((kept.signing_secret, kept.alert.url), (None, receiver.url()));
        let renewed = SetAlertRequest { new_secret: true, ..wanted(&receiver) };
        let secret = sets(&scene.owner, renewed).await.signing_secret.unwrap();
        assert_ne!(secret, first);
        let tried = async |owner: &Person| {
            owner.asks::<endpoint::TestAlert>(&["engineering"], &Empty {}).await.expect("it is tried")
        };
        assert!(tried(&scene.owner).await.ok);
        assert_signed(&has_received(&receiver, 1).await[0], &secret);

        scene.gateway.stops().await;
        for entry in std::fs::read_dir(&scene.gateway.config.data_dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let bytes = std::fs::read(&path).unwrap();
                let key = secret.trim_start_matches("whsec_").as_bytes();
                assert!(!bytes.windows(key.len()).any(|window| window == key), "{}", path.display());
            }
        }
        key::rotate(&scene.gateway.config, &scene.gateway.clock, false).await.expect("the key is replaced");
        scene.gateway.starts().await;
        scene.owner = scene.owner.at(scene.gateway.address());
        assert!(tried(&scene.owner).await.ok);
        assert_signed(&has_received(&receiver, 2).await[1], &secret);

        scene.gateway.stops().await;
        let master = scene.gateway.config.data_dir.join("master.key");
        std::fs::rename(&master, world.place.folder().join("elsewhere")).unwrap();
        scene.gateway.starts().await;
        scene.owner = scene.owner.at(scene.gateway.address());
        let refused = tried(&scene.owner).await;
        let error = "the signing secret cannot be opened: make a new one";
        assert_eq!((refused.ok, refused.error.as_deref()), (false, Some(error)));
        assert!(shown(&scene.owner).await.is_locked);
        assert_eq!(receiver.calls().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn thresholds_that_cannot_be_meant_are_refused_and_change_nothing() {
    story(async |world| {
        let (scene, receiver) = set(world).await;
        let plain = wanted(&receiver);
        let with_url = |url: &str| SetAlertRequest { url: Some(url.to_owned()), ..plain.clone() };
        let url = "the URL begins with http:// or https://, holds no user name or password and has at most 2048 bytes";
        for (request, message) in [
            (SetAlertRequest { url: None, ..plain.clone() }, "a new alert needs the URL that messages are posted to"),
            (with_url("ftp://hooks.example.com"), url),
            (with_url("https://user:pass@hooks.example.com"), url),
            (with_url("hooks"), url),
            (
                SetAlertRequest { error_rate: None, calls: None, ..plain.clone() },
                "an alert needs an error rate, a number of calls, or both",
            ),
            (
                SetAlertRequest { error_rate: Some(1.5), ..plain.clone() },
                "an error rate is from 0.01 % to 100 %, such as 5%",
            ),
            (
                SetAlertRequest { window_minutes: Some(1_441), ..plain.clone() },
                "a window is whole minutes such as 15m or 1h, at most 24h",
            ),
            (
                SetAlertRequest { calls: Some(0), ..plain.clone() },
                "a number of calls is from 1 to 1000000000",
            ),
        ] {
            let refused = scene.owner.asks::<endpoint::SetAlert>(&["engineering"], &request).await.err().unwrap();
            assert_eq!(refused.message, message);
        }
        assert!(scene.owner.asks::<endpoint::ShowAlert>(&["engineering"], &Empty {}).await.is_err());
    })
    .await;
}
