//! Event streams that are cut off and gone on with: what was missed is told, once, to whom it was meant for.

use std::time::Duration;

use aerostack_tests::client::{Caller, modern_params, rpc};
use aerostack_tests::events::Events;
use aerostack_tests::scene::{Scene, story_behind};
use aerostack_tests::story::{short_story, story};
use aerostack_tests::upstream::{Answers, Ended, Setup, Tool};
use serde_json::{Value, json};

const REVISION: &str = "2025-11-25";

/// A call of `slow` with so many steps, followed from its beginning.
async fn follows(caller: &Caller, steps: u32, pause_ms: u32) -> Events {
    let params = json!({
        "name": "desk__slow", "arguments": { "steps": steps, "pause_ms": pause_ms },
        "_meta": { "progressToken": "p" }
    });
    Events::open(caller.begins("POST", &rpc(7, "tools/call", &params)).await).await
}

/// Goes on after an event.
async fn resumes(caller: &Caller, last_id: &str) -> Events {
    caller.clone().with("Last-Event-ID", last_id).listens().await
}

/// What is told from now on, up to the end: progress as its number, the answer as its text.
async fn told(events: &mut Events) -> Vec<Value> {
    let short = |message: Value| match message["params"]["progress"].clone() {
        Value::Null if message["method"].is_string() => message["method"].clone(),
        Value::Null => message["result"]["content"][0]["text"].clone(),
        progress => progress,
    };
    let mut told = Vec::new();
    while let Some(event) = events.next().await.expect("the stream stands") {
        told.push(short(event.json()));
    }
    told
}

fn all_lists() -> Vec<Value> {
    let lists = ["tools", "prompts", "resources"];
    lists.map(|list| json!(format!("notifications/{list}/list_changed"))).into()
}

/// The first so many messages of a stream that goes on.
async fn first(events: &mut Events, count: usize) -> Vec<Value> {
    let mut found = Vec::new();
    for _ in 0..count {
        found.push(events.json().await["method"].clone());
    }
    found
}

#[tokio::test]
async fn a_call_that_was_cut_off_in_the_middle_is_gone_on_with() {
    let setups = [Setup::legacy(), Setup::old_sse(), Setup::modern()];
    story_behind(&setups, async |scene| {
        let (inside, _) = scene.alice.initializes(REVISION).await;
        let mut cut = follows(&inside, 4, 30).await;
        assert_eq!(cut.json().await["params"]["progress"], json!(1));
        let last_id = cut.last_id.take().unwrap();
        drop(cut);
        let rest = told(&mut resumes(&inside, &last_id).await).await;
        assert_eq!(rest, [json!(2), json!(3), json!(4), json!("done after 4 steps")]);
        // It is over, and can be asked for again until it is forgotten.
        assert_eq!(told(&mut resumes(&inside, &last_id).await).await, rest);
        let calls = scene.upstream.calls();
        assert_eq!((calls.len(), scene.upstream.requests_of("notifications/cancelled").len()), (1, 0));
    })
    .await;
}

#[tokio::test]
async fn a_reader_who_comes_back_takes_the_place_of_one_who_does_not_read() {
    story_behind(&[Setup::legacy()], async |scene| {
        let (inside, _) = scene.alice.initializes(REVISION).await;
        let mut old = follows(&inside, 3, 200).await;
        assert_eq!(old.json().await["params"]["progress"], json!(1));
        let last_id = old.last_id.clone().unwrap();
        let rest = told(&mut resumes(&inside, &last_id).await).await;
        assert_eq!(rest, [json!(2), json!(3), json!("done after 3 steps")]);
        assert!(old.until_over().await.len() <= 2, "it ends");
    })
    .await;
}

#[tokio::test]
async fn nobody_else_is_told_anything() {
    story_behind(&[Setup::legacy()], async |scene| {
        let (inside, _) = scene.alice.initializes(REVISION).await;
        let mut events = follows(&inside, 2, 1).await;
        let told_first = told(&mut events).await;
        let id = events.last_id.take().unwrap();
        let beginning = format!("{}-0", id.rsplit_once('-').unwrap().0);
        let (elsewhere, _) = scene.alice.initializes(REVISION).await;
        let bob = scene.owner.creates_token("Bob").await;
        let (bobs, _) = bob.initializes(REVISION).await;
        for stranger in [&elsewhere, &bobs, &bob] {
            // A new stream of their own, which cannot say what they missed.
            let mut fresh = resumes(stranger, &beginning).await;
            assert_eq!(first(&mut fresh, 3).await, all_lists());
        }
        for forged in ["", "-", "0-0", "deadbeef-1", &format!("{beginning}0x")] {
            assert_eq!(first(&mut resumes(&inside, forged).await, 3).await, all_lists(), "{forged}");
        }
        assert_eq!(told(&mut resumes(&inside, &beginning).await).await, told_first);
        assert_eq!(inside.sends("DELETE", "").await.status(), 204);
        assert_eq!(inside.clone().with("Last-Event-ID", &beginning).sends("GET", "").await.status(), 404);
    })
    .await;
}

#[tokio::test]
async fn a_revoked_token_resumes_nothing() {
    story_behind(&[Setup::legacy()], async |scene| {
        let bob = scene.owner.creates_token("Bob").await;
        let (inside, _) = bob.initializes(REVISION).await;
        let mut cut = follows(&inside, 1_000, 20).await;
        cut.json().await;
        let last_id = cut.last_id.take().unwrap();
        drop(cut);
        let mut resumed = resumes(&inside, &last_id).await;
        resumed.json().await;
        scene.owner.revokes(&bob.id).await.unwrap();
        resumed.until_over().await;
        assert_eq!(inside.clone().with("Last-Event-ID", &last_id).sends("GET", "").await.status(), 401);
        let ended = |seen: &aerostack_tests::upstream::Upstream| {
            let calls = seen.calls();
            calls.iter().all(|call| call.outcome() == Some(Ended::Abandoned))
        };
        scene.upstream.until("the call is taken back", ended).await;
    })
    .await;
}

#[tokio::test]
async fn only_who_understands_them_is_sent_ids_and_empty_events() {
    story_behind(&[Setup::legacy(), Setup::modern()], async |scene| {
        for (revision, ids, retry) in
            [("2025-11-25", true, true), ("2025-06-18", true, false), ("2025-03-26", true, false)]
        {
            let (inside, _) = scene.alice.initializes(revision).await;
            let mut events = follows(&inside, 1, 1).await;
            told(&mut events).await;
            assert_eq!((events.last_id.is_some(), events.retry_ms.is_some()), (ids, retry), "{revision}");
        }
        let (oldest, _) = scene.alice.initializes("2024-11-05").await;
        for caller in [&oldest, &scene.alice] {
            let mut events = follows(caller, 1, 1).await;
            told(&mut events).await;
            assert_eq!((events.last_id, events.retry_ms), (None, None));
        }
        let modern = scene.alice.modern("tools/call", Some("desk__slow"));
        let params = modern_params(json!({
            "name": "desk__slow", "arguments": { "steps": 1, "pause_ms": 1 }, "_meta": { "progressToken": 1 }
        }));
        let mut events = Events::open(modern.begins("POST", &rpc(7, "tools/call", &params)).await).await;
        told(&mut events).await;
        assert_eq!((events.last_id, events.retry_ms), (None, None));
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_is_one_document_has_nothing_to_resume() {
    story_behind(&[Setup::legacy().answers(Answers::Stream)], async |scene| {
        let (inside, _) = scene.alice.initializes(REVISION).await;
        let answer = inside.calls("desk__echo", json!({ "text": "hi" })).await;
        assert_eq!(answer.header("content-type"), Some("application/json"));
    })
    .await;
}

#[tokio::test]
async fn of_a_long_stream_the_latest_is_told() {
    story_behind(&[Setup::legacy()], async |scene| {
        let (inside, _) = scene.alice.initializes(REVISION).await;
        let mut events = follows(&inside, 400, 0).await;
        let all = told(&mut events).await;
        let id = events.last_id.take().unwrap();
        let beginning = format!("{}-0", id.rsplit_once('-').unwrap().0);
        let rest = told(&mut resumes(&inside, &beginning).await).await;
        assert_eq!((all.len(), rest.len()), (401, 256));
        assert_eq!(rest, all[all.len() - 256..]);
    })
    .await;
}

#[tokio::test]
async fn a_large_answer_is_kept_and_one_too_large_is_told_to_be_lost() {
    let big = || Setup::legacy().answers(Answers::Stream).tools([Tool::big(), Tool::talk()]);
    story(async |world| {
        let gateway =
            world.gateway_with(|config| config.limits.keep_alive_every = Duration::from_millis(20)).await;
        let scene = Scene::set_in(gateway, big()).await;
        let (inside, _) = scene.alice.initializes(REVISION).await;
        for (kib, is_kept) in [(300, true), (3_000, false)] {
            scene.upstream.misbehave(
                aerostack_tests::upstream::Fault::Delays(Duration::from_millis(200))
                    .on("tools/call")
                    .times(1),
            );
            let params = json!({ "name": "desk__big", "arguments": { "kib": kib } });
            let mut events = Events::open(inside.begins("POST", &rpc(7, "tools/call", &params)).await).await;
            let answer = events.json().await;
            assert_eq!(answer["result"]["content"][0]["text"].as_str().map(str::len), Some(kib * 1_024));
            let id = events.last_id.take().unwrap();
            let beginning = format!("{}-0", id.rsplit_once('-').unwrap().0);
            let again = resumes(&inside, &beginning).await.json().await;
            if is_kept {
                assert_eq!(again, answer);
            } else {
                assert_eq!((&again["id"], &again["error"]["code"]), (&json!(7), &json!(-32012)));
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_stream_is_forgotten_after_a_while() {
    story(async |world| {
        let gateway =
            world.gateway_with(|config| config.limits.replay_timeout = Duration::from_millis(100)).await;
        let scene = Scene::set_in(gateway, Setup::legacy()).await;
        let (inside, _) = scene.alice.initializes(REVISION).await;
        let mut events = follows(&inside, 1, 1).await;
        told(&mut events).await;
        let id = events.last_id.take().unwrap();
        let beginning = format!("{}-0", id.rsplit_once('-').unwrap().0);
        loop {
            let mut resumed = resumes(&inside, &beginning).await;
            if resumed.json().await["method"] == all_lists()[0] {
                break;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn notices_that_were_missed_are_told_when_their_reader_is_back() {
    story_behind(&[Setup::legacy(), Setup::modern()], async |scene| {
        let (inside, _) = scene.alice.initializes(REVISION).await;
        let mut listening = inside.listens().await;
        scene.upstream.until("changes are listened to", |seen| seen.open_streams() > 0).await;
        scene.upstream.set_tools([Tool::echo(), Tool::add()]);
        assert_eq!(first(&mut listening, 1).await, [json!("notifications/tools/list_changed")]);
        let last_id = listening.last_id.take().unwrap();
        let (beside, _) = scene.alice.initializes(REVISION).await;
        let mut witness = beside.listens().await;
        drop(listening);
        scene.upstream.set_tools([Tool::echo()]);
        assert_eq!(first(&mut witness, 1).await, [json!("notifications/tools/list_changed")]);
        let mut back = resumes(&inside, &last_id).await;
        assert_eq!(first(&mut back, 1).await, [json!("notifications/tools/list_changed")]);
        assert_ne!(back.last_id.as_ref(), Some(&last_id));
    })
    .await;
}

#[tokio::test]
async fn a_connection_that_lasts_is_closed_and_asked_for_again() {
    story(async |world| {
        let gateway = world
            .gateway_with(|config| {
                config.limits.keep_alive_every = Duration::from_millis(20);
                config.limits.call_stream_for = Duration::from_millis(100);
            })
            .await;
        let scene = Scene::set_in(gateway, Setup::legacy().tools([Tool::held("wait")])).await;
        let (inside, _) = scene.alice.initializes(REVISION).await;
        let params = json!({ "name": "desk__wait", "arguments": {} });
        let mut events = Events::open(inside.begins("POST", &rpc(7, "tools/call", &params)).await).await;
        assert_eq!(told(&mut events).await, Vec::<Value>::new(), "it ends properly, without an answer");
        assert_eq!(events.retry_ms, Some(1_000));
        let last_id = events.last_id.take().unwrap();
        assert_eq!(told(&mut resumes(&inside, &last_id).await).await, Vec::<Value>::new());
        scene.upstream.release();
        let answer = loop {
            // It may be closed before the answer is there.
            if let Some(event) = resumes(&inside, &last_id).await.next().await.unwrap() {
                break event.json();
            }
        };
        assert_eq!(answer["id"], 7);
        // Whoever does not know of this is left alone.
        let (older, _) = scene.alice.initializes("2025-06-18").await;
        let mut events = Events::open(older.begins("POST", &rpc(8, "tools/call", &params)).await).await;
        let long = tokio::time::timeout(Duration::from_millis(300), events.next()).await;
        assert!(long.is_err(), "{long:?}");
    })
    .await;
}

#[tokio::test]
async fn a_server_that_closes_its_stream_is_asked_again() {
    story_behind(&[Setup::legacy().tools([Tool::reconnecting("again")])], async |scene| {
        let (inside, _) = scene.alice.initializes(REVISION).await;
        for caller in [&scene.alice, &inside] {
            let answer = caller.calls("desk__again", json!({})).await;
            assert!(answer.text().contains("it was asked again"), "{answer:?}");
        }
        let answer = scene.alice.calls_modern("desk__again", json!({})).await;
        assert!(answer.text().contains("it was asked again"), "{answer:?}");
        let gets = scene.upstream.requests();
        let gets = gets.iter().filter(|one| one.header("last-event-id").is_some());
        assert_eq!(gets.count(), 3);
    })
    .await;
}

#[tokio::test]
async fn what_is_kept_ends_with_the_gateway() {
    short_story(async |world| {
        let mut scene = Scene::set(world, Setup::legacy()).await;
        let (inside, _) = scene.alice.initializes(REVISION).await;
        let mut events = follows(&inside, 1, 1).await;
        told(&mut events).await;
        let last_id = events.last_id.take().unwrap();
        drop(events);
        scene.gateway.restarts().await;
        let inside = Caller { address: scene.gateway.address(), ..inside };
        assert_eq!(first(&mut resumes(&inside, &last_id).await, 3).await, all_lists());
    })
    .await;
}
