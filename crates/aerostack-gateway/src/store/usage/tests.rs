//! Recording, adding up, forgetting: the same on both engines.

use aerostack_core::id::{TokenId, WorkspaceId};
use aerostack_core::time::Timestamp;
use aerostack_core::usage::{Grain, KEPT, Measured, Outcome, Tally};

use super::adding_up::{self, Dropped};
use super::calls::{self, NumberedCall, Place};
use super::tallies::{self, Cell, Kind};
use super::{UsageStore, names, names_unused, retention};
use crate::config::Database;
use crate::store::sql::execute;
use crate::store::testing::on_both_databases;
use crate::store::testing::sample::NOW;

const HOUR_MS: i64 = 3_600_000;
const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(20);

async fn opened(database: &Database) -> UsageStore {
    let store = UsageStore::new(database, TIMEOUT).unwrap();
    assert_eq!(store.migrate().await.unwrap(), 2);
    assert_eq!(store.migrate().await.unwrap(), 0);
    store
}

fn call(token: i64, tool: i64, at_ms: i64, outcome: Outcome) -> NumberedCall {
    let measured = Measured {
        at: Timestamp::from_millis(at_ms),
        outcome,
        total_us: 1_000 + u64::try_from(token).unwrap(),
        upstream_us: (outcome != Outcome::Refused).then_some(900),
        bytes_in: 100,
        bytes_out: 200,
    };
    NumberedCall { id: 0, workspace: 1, token, tool, client: 0, measured }
}

async fn append(store: &UsageStore, mut batch: Vec<NumberedCall>) -> Vec<NumberedCall> {
    let mut tx = store.write().await.unwrap();
    calls::append(&mut tx, &mut batch).await.unwrap();
    tx.commit().await.unwrap();
    batch
}

async fn add_up(store: &UsageStore, dropped: &[Dropped]) -> i64 {
    let mut tx = store.write().await.unwrap();
    let added = adding_up::step(&mut tx, &[], dropped).await.unwrap();
    tx.commit().await.unwrap();
    added.left
}

async fn cells(store: &UsageStore, grain: Grain, kind: Kind) -> Vec<Cell> {
    let mut tx = store.read().await.unwrap();
    tallies::range(&mut tx, 1, grain, kind, i64::MIN, i64::MAX).await.unwrap()
}

fn sum<'a>(calls: impl IntoIterator<Item = &'a NumberedCall>) -> Tally {
    let mut tally = Tally::default();
    calls.into_iter().for_each(|call| tally.add(&call.measured));
    tally
}

fn some_calls() -> Vec<NumberedCall> {
    let mut calls = Vec::new();
    for number in 0..700 {
        let outcome = Outcome::ALL[usize::try_from(number % 6).unwrap()];
        let at_ms = NOW.as_millis() + number * 60_000;
        calls.push(call(1 + number % 50, 1 + number % 7, at_ms, outcome));
    }
    calls
}

#[tokio::test]
async fn calls_are_numbered_in_the_order_of_their_commits_and_read_back_whole() {
    on_both_databases(|database| async move {
        let store = opened(&database).await;
        let first = append(&store, some_calls()).await;
        let second = append(&store, vec![call(1, 1, 5, Outcome::Ok)]).await;
        assert_eq!((first[0].id, first[699].id, second[0].id), (1, 700, 701));
        let mut tx = store.read().await.unwrap();
        assert_eq!(calls::by_number(&mut tx, 0, 700).await.unwrap(), first);
        let begin = Place { at: NOW, id: 0 };
        assert_eq!(calls::forwards(&mut tx, 1, begin, 10_000).await.unwrap(), first);
        let middle = Place { at: first[99].measured.at, id: first[99].id };
        assert_eq!(calls::forwards(&mut tx, 1, middle, 5).await.unwrap(), first[100..105]);
        let mut newest = calls::backwards(&mut tx, 1, NOW, middle, 5).await.unwrap();
        newest.reverse();
        assert_eq!(newest, first[94..99]);
        drop(tx);
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn every_call_is_in_exactly_one_sum_of_each_kind_even_when_recorded_late() {
    on_both_databases(|database| async move {
        let store = opened(&database).await;
        let mut all = append(&store, some_calls()).await;
        assert_eq!(add_up(&store, &[]).await, 0);
        // Recorded later than what is added up already, and of an hour before.
        all.extend(append(&store, vec![call(1, 1, NOW.as_millis() - 5, Outcome::Timeout); 40]).await);
        let dropped = Dropped { workspace: 1, at: NOW, calls: 3 };
        assert_eq!(add_up(&store, &[dropped]).await, 0);
        assert_eq!(add_up(&store, &[]).await, 0);

        for kind in Kind::ALL {
            for &grain in kind.grains() {
                for cell in cells(&store, grain, kind).await {
                    let belongs = |call: &&NumberedCall| {
                        let key = adding_up::key_of(kind, call.token, call.tool);
                        grain.bucket(call.measured.at) == cell.bucket && key == (cell.token, cell.tool)
                    };
                    let mut expected = sum(all.iter().filter(belongs));
                    if kind == Kind::Whole && grain.bucket(NOW) == cell.bucket {
                        expected.dropped = 3;
                    }
                    assert_eq!(cell.tally, expected, "{grain:?} {kind:?} {} {}", cell.token, cell.tool);
                }
                let counted =
                    cells(&store, grain, kind).await.iter().map(|cell| cell.tally.calls()).sum::<u64>();
                assert_eq!(counted, 740, "{grain:?} {kind:?}");
            }
        }
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn weeks_are_whole_from_the_first_that_begins_after_their_migration() {
    const MIGRATION: &str = include_str!("../../../migrations/usage/sqlite/0002_weeks.sql");
    on_both_databases(|database| async move {
        let store = opened(&database).await;
        append(&store, some_calls()).await;
        let mut tx = store.write().await.unwrap();
        assert_eq!(calls::state(&mut tx).await.unwrap().weeks_from, 0);
        let (_, update) = MIGRATION.split_once("0;\n").unwrap();
        execute!(&mut tx, update).unwrap();
        assert_eq!(calls::state(&mut tx).await.unwrap().weeks_from, 0);
        tx.commit().await.unwrap();
        add_up(&store, &[]).await;
        let mut tx = store.write().await.unwrap();
        execute!(&mut tx, update).unwrap();
        let newest = NOW.plus(std::time::Duration::from_secs(699 * 60));
        let next = Grain::Week.bucket(newest) + 1;
        assert_eq!(calls::state(&mut tx).await.unwrap().weeks_from, next);
        drop(tx);
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn an_addition_that_is_broken_off_is_made_once() {
    on_both_databases(|database| async move {
        let store = opened(&database).await;
        append(&store, some_calls()).await;
        let mut tx = store.write().await.unwrap();
        adding_up::step(&mut tx, &[], &[]).await.unwrap();
        drop(tx);
        assert_eq!(cells(&store, Grain::Day, Kind::Whole).await, []);
        add_up(&store, &[]).await;
        let counted: u64 =
            cells(&store, Grain::Day, Kind::Whole).await.iter().map(|cell| cell.tally.calls()).sum();
        assert_eq!(counted, 700);
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn what_was_just_written_is_added_up_as_if_it_were_read() {
    on_both_databases(|database| async move {
        let store = opened(&database).await;
        let step = async |fresh: &[NumberedCall]| {
            let mut tx = store.write().await.unwrap();
            let added = adding_up::step(&mut tx, fresh, &[]).await.unwrap();
            tx.commit().await.unwrap();
            (added.up_to, added.left)
        };
        let written = append(&store, some_calls()).await;
        // Twice the same, from the middle, with a gap, of a database that was since set back: each counts once.
        assert_eq!(step(&written[..100]).await, (100, 600));
        assert_eq!(step(&written[..300]).await, (300, 400));
        let with_gap = [&written[300..350], &written[351..400]].concat();
        assert_eq!(step(&with_gap).await, (350, 350));
        let others = append(&store, vec![call(1, 1, 5, Outcome::Ok); 3]).await;
        assert_eq!(step(&others).await, (703, 0));
        let lost: Vec<_> = (704..710).map(|id| NumberedCall { id, ..call(1, 1, 5, Outcome::Ok) }).collect();
        assert_eq!(step(&lost).await, (703, 0));
        let whole = sum(written.iter().chain(&others));
        for (kind, grain) in
            Kind::ALL.into_iter().flat_map(|kind| kind.grains().iter().map(move |&it| (kind, it)))
        {
            let mut merged = Tally::default();
            cells(&store, grain, kind).await.iter().for_each(|cell| merged.merge(&cell.tally));
            assert_eq!(merged, whole, "{grain:?} {kind:?}");
        }
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn what_is_old_is_forgotten_in_steps_and_nothing_else() {
    on_both_databases(|database| async move {
        let store = opened(&database).await;
        let mut tx = store.write().await.unwrap();
        let workspace = WorkspaceId::new(NOW, &mut rand::rng());
        assert_eq!(names::number_workspace(&mut tx, &workspace).await.unwrap(), 1);
        tx.commit().await.unwrap();
        let day_ms = 24 * HOUR_MS;
        let mut batch = Vec::new();
        for day in 0..100 {
            batch.extend((0..60).map(|_| call(1, 1, NOW.as_millis() - (100 - day) * day_ms, Outcome::Ok)));
        }
        append(&store, batch).await;
        add_up(&store, &[]).await;
        let cutoff = NOW.minus(KEPT);
        let mut steps = 0;
        while retention::step(&store, cutoff).await.unwrap() {
            steps += 1;
        }
        assert!(steps > 10, "{steps}");
        let mut tx = store.read().await.unwrap();
        let kept = calls::by_number(&mut tx, 0, i64::MAX).await.unwrap();
        let oldest = kept.iter().map(|call| call.measured.at).min().unwrap();
        // PostgreSQL keeps the day in which the cutoff lies.
        assert!(oldest >= Grain::Day.start(Grain::Day.bucket(cutoff)), "{oldest}");
        assert_eq!(kept.iter().filter(|call| call.measured.at >= cutoff).count(), 90 * 60);
        drop(tx);
        for kind in Kind::ALL {
            assert_eq!(cells(&store, Grain::Hour, kind).await.len(), 90);
            assert_eq!(cells(&store, Grain::Day, kind).await.len(), 90);
        }
        // Of the week in which the cutoff lies, days are kept and their sum is not.
        let weeks = cells(&store, Grain::Week, Kind::Token).await;
        assert_eq!(weeks.iter().map(|week| week.bucket).min(), Some(Grain::Week.bucket(cutoff) + 1));
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn names_get_one_number_each_and_clients_come_to_an_end() {
    on_both_databases(|database| async move {
        let store = opened(&database).await;
        let mut tx = store.write().await.unwrap();
        let ids = [WorkspaceId::new(NOW, &mut rand::rng()), WorkspaceId::new(NOW, &mut rand::rng())];
        for expected in [1, 2] {
            let id = &ids[expected - 1];
            for _ in 0..2 {
                let number = names::number_workspace(&mut tx, id).await.unwrap();
                assert_eq!(number, i64::try_from(expected).unwrap());
            }
        }
        let token = TokenId::new(NOW, &mut rand::rng());
        assert_eq!(names::number_token(&mut tx, 1, &token, "Alice", None).await.unwrap(), 1);
        assert_eq!(names::number_token(&mut tx, 1, &token, "Alice", Some("a@b.c")).await.unwrap(), 1);
        let found = names::tokens(&mut tx, 1).await.unwrap();
        assert_eq!(found[0].person.as_deref(), Some("a@b.c"));
        assert_eq!(names::workspaces_of(&mut tx, "a@b.c").await.unwrap(), [ids[0].clone()]);
        assert_eq!(names::number_tool(&mut tx, 1, "github", "github__x").await.unwrap(), 1);
        assert_eq!(names::number_tool(&mut tx, 2, "github", "github__x").await.unwrap(), 2);
        assert_eq!(names::number_tool(&mut tx, 1, "github", "github__x").await.unwrap(), 1);
        for number in 0..1_005 {
            names::number_client(&mut tx, &format!("client {number}")).await.unwrap();
        }
        let clients = names::clients(&mut tx).await.unwrap();
        assert_eq!(clients.len(), 1_001);
        assert_eq!(clients[1_000].1, names::OTHER_CLIENTS);
        tx.commit().await.unwrap();
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn names_that_no_call_is_kept_of_are_forgotten_and_no_others() {
    on_both_databases(|database| async move {
        let store = opened(&database).await;
        let mut tx = store.write().await.unwrap();
        let workspace = WorkspaceId::new(NOW, &mut rand::rng());
        assert_eq!(names::number_workspace(&mut tx, &workspace).await.unwrap(), 1);
        for number in 1..=4 {
            let token = TokenId::new(NOW, &mut rand::rng());
            let named = names::number_token(&mut tx, 1, &token, "CI", None).await.unwrap();
            assert_eq!(named, number);
            let tool = format!("desk__{number}");
            assert_eq!(names::number_tool(&mut tx, 1, "desk", &tool).await.unwrap(), number);
        }
        tx.commit().await.unwrap();
        // 1 was used long ago, 2 of late, 3 just now and is in no sum yet; of 4 there is nothing.
        let long_ago = NOW.as_millis() - 100 * 24 * HOUR_MS;
        append(&store, vec![call(1, 1, long_ago, Outcome::Ok), call(2, 2, NOW.as_millis(), Outcome::Ok)])
            .await;
        add_up(&store, &[]).await;
        append(&store, vec![call(3, 3, NOW.as_millis(), Outcome::Ok)]).await;
        while retention::step(&store, NOW.minus(KEPT)).await.unwrap() {}
        let before = store.numbering();
        assert_eq!(names_unused::forget(&store, 1).await.unwrap(), 4);
        assert_ne!(store.numbering(), before, "whoever remembers numbers looks them up anew");
        assert_eq!(names_unused::forget(&store, 1).await.unwrap(), 0);
        let mut tx = store.read().await.unwrap();
        assert_eq!(names_unused::workspaces(&mut tx).await.unwrap(), [1]);
        let tokens: Vec<i64> =
            names::tokens(&mut tx, 1).await.unwrap().into_iter().map(|token| token.id).collect();
        let tools: Vec<i64> =
            names::tools(&mut tx, 1).await.unwrap().into_iter().map(|tool| tool.id).collect();
        drop(tx);
        assert_eq!((sorted(tokens), sorted(tools)), (vec![2, 3], vec![2, 3]));
        store.close().await;
    })
    .await;
}

fn sorted(mut numbers: Vec<i64>) -> Vec<i64> {
    numbers.sort_unstable();
    numbers
}

#[tokio::test]
async fn calls_are_counted_by_minute_and_sums_read_by_token() {
    on_both_databases(|database| async move {
        let store = opened(&database).await;
        append(&store, some_calls()).await;
        add_up(&store, &[]).await;
        let mut tx = store.read().await.unwrap();
        let since = Timestamp::from_millis(NOW.as_millis() + 690 * 60_000);
        let minutes = calls::by_minute(&mut tx, 1, since).await.unwrap();
        let first = NOW.as_millis() / 60_000 + 690;
        let expected: Vec<(i64, Outcome, u64)> = (0..10)
            .map(|minute| (first + minute, Outcome::ALL[usize::try_from(minute % 6).unwrap()], 1))
            .collect();
        assert_eq!(minutes, expected);
        let day = Grain::Day.bucket(NOW);
        let (shelf, tokens) = ((Grain::Day, Kind::TokenAndTool), (10, 12));
        let bounds = tallies::Bounds { tokens, ..tallies::Bounds::OPEN };
        let part = tallies::range_within(&mut tx, 1, shelf, (day, day + 1), bounds).await.unwrap();
        let all = tallies::range(&mut tx, 1, Grain::Day, Kind::TokenAndTool, day, day + 1).await.unwrap();
        let some: Vec<Cell> = all.into_iter().filter(|cell| (10..=12).contains(&cell.token)).collect();
        assert!(!some.is_empty());
        assert_eq!(part, some);
        drop(tx);
        store.close().await;
    })
    .await;
}
