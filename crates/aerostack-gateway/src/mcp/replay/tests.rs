//! What is kept, for whom, and what makes room.

use aerostack_core::time::Timestamp;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::*;

const SMALL: Bounds = Bounds {
    events: 3,
    stream_bytes: 1_000,
    token_bytes: 1_500,
    all_bytes: 2_000,
    token_streams: 2,
    all_streams: 3,
};

const A: StreamName = StreamName(0xa);
const B: StreamName = StreamName(0xb);
const C: StreamName = StreamName(0xc);
const D: StreamName = StreamName(0xd);
const E: StreamName = StreamName(0xe);
const F: StreamName = StreamName(0xf);

fn token(seed: u64) -> TokenId {
    TokenId::new(Timestamp::from_millis(1), &mut StdRng::seed_from_u64(seed))
}

/// An event whose memory counts as 100 bytes.
fn event(number: u64) -> KeptEvent {
    KeptEvent { number, text: vec![b'x'; 100 - EVENT_BYTES].into() }
}

fn filled(replays: &Replays, name: StreamName, token: &TokenId, bytes: usize) {
    replays.open(Kind::Call, token, "s", name).unwrap();
    let text = vec![b'x'; bytes - EVENT_BYTES].into();
    assert!(replays.record(name, KeptEvent { number: 1, text }).is_kept, "{name}");
}

fn missed(replays: &Replays, token: &TokenId, stream: StreamName, number: u64) -> Option<Vec<u64>> {
    let resumed = replays.resume(token, "s", EventId { stream, number })?;
    Some(resumed.missed.iter().map(|event| event.number).collect())
}

#[test]
fn an_id_is_read_as_it_was_written() {
    let id = EventId { stream: StreamName::random(&mut StdRng::seed_from_u64(1)), number: 7 };
    assert_eq!(EventId::parse(&id.to_string()), Some(id));
    assert_eq!(format!("{}", EventId { stream: A, number: 0 }), "0000000000000000000000000000000a-0");
    let digits = A.to_string();
    for name in
        ["", &digits[1..], &format!("+{}", &digits[1..]), &digits.to_uppercase(), &format!("{digits}0")]
    {
        assert_eq!(EventId::parse(&format!("{name}-1")), None, "{name}");
    }
    for rest in ["", "-", "-x", "--1"] {
        assert_eq!(EventId::parse(&format!("{digits}{rest}")), None, "{rest}");
    }
}

#[test]
fn what_was_missed_is_there_for_its_own_token_and_session_alone() {
    let (replays, alice, bob) = (Replays::new(SMALL), token(1), token(2));
    replays.open(Kind::Call, &alice, "s", A).unwrap();
    for number in 1..=3 {
        assert!(replays.record(A, event(number)).is_kept);
    }
    assert_eq!(missed(&replays, &alice, A, 0), Some(vec![1, 2, 3]));
    assert_eq!(missed(&replays, &alice, A, 2), Some(vec![3]));
    assert_eq!(missed(&replays, &alice, A, 9), Some(vec![]));
    assert_eq!(missed(&replays, &bob, A, 0), None);
    assert_eq!(missed(&replays, &alice, B, 0), None);
    assert!(replays.resume(&alice, "t", EventId { stream: A, number: 0 }).is_none());
    replays.forget_session(&bob, "s");
    assert_eq!(missed(&replays, &alice, A, 2), Some(vec![3]));
    replays.forget_session(&alice, "s");
    assert_eq!(missed(&replays, &alice, A, 2), None);
    assert!(replays.shelf().tokens.is_empty() && replays.shelf().bytes == 0);
}

#[test]
fn of_a_long_stream_the_latest_is_kept() {
    let (replays, alice) = (Replays::new(SMALL), token(1));
    replays.open(Kind::Call, &alice, "s", A).unwrap();
    for number in 1..=5 {
        assert!(replays.record(A, event(number)).is_kept);
    }
    assert_eq!(missed(&replays, &alice, A, 0), Some(vec![3, 4, 5]));
    let large = KeptEvent { number: 6, text: vec![b'x'; 2_000].into() };
    assert!(!replays.record(A, large).is_kept);
    assert_eq!((missed(&replays, &alice, A, 0), replays.shelf().bytes), (Some(vec![3, 4, 5]), 300));
}

#[test]
fn only_what_nobody_waits_for_makes_room_for_another_stream() {
    let (replays, alice) = (Replays::new(SMALL), token(1));
    let open = |token: &TokenId, name: StreamName| replays.open(Kind::Call, token, "s", name);
    let first = open(&alice, A).unwrap();
    let second = open(&alice, B).unwrap();
    assert!(open(&alice, C).is_none());
    replays.end(B);
    replays.end(A);
    assert!(open(&alice, C).is_some());
    assert!(second.is_forgotten() && !first.is_forgotten());
    open(&token(2), D).unwrap();
    open(&token(3), E).unwrap();
    assert!(first.is_forgotten(), "of everybody's, the oldest goes");
    assert!(open(&token(4), F).is_none());
}

#[test]
fn bytes_are_bounded_for_a_token_and_in_all() {
    let (replays, alice, bob) = (Replays::new(SMALL), token(1), token(2));
    filled(&replays, A, &alice, 900);
    replays.end(A);
    filled(&replays, B, &alice, 900);
    assert_eq!(missed(&replays, &alice, A, 0), None, "over the token's share");
    filled(&replays, C, &bob, 900);
    replays.end(B);
    filled(&replays, D, &bob, 400);
    assert_eq!(missed(&replays, &alice, B, 0), None, "over the share of all");
    assert_eq!(replays.shelf().bytes, 1_300);
    assert!(!replays.record(C, KeptEvent { number: 2, text: vec![b'x'; 990].into() }).is_kept);
}

#[test]
fn a_reader_who_comes_gets_what_follows() {
    let (replays, alice) = (Replays::new(SMALL), token(1));
    replays.open(Kind::Notices, &alice, "s", A).unwrap();
    replays.rest(A);
    let resumed = replays.resume(&alice, "s", EventId { stream: A, number: 0 }).unwrap();
    assert!(resumed.kind == Kind::Notices && resumed.rest.is_some());
    replays.rest(A);
    assert!(replays.shelf().idle.is_empty(), "somebody has come");
    assert!(replays.record(A, event(1)).reader.is_some());
    assert!(replays.record(A, event(2)).reader.is_none(), "it is met once");
    assert!(replays.end(A).is_none());
    let resumed = replays.resume(&alice, "s", EventId { stream: A, number: 1 }).unwrap();
    assert!(resumed.missed.len() == 1 && resumed.rest.is_none());
}
