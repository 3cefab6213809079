//! Sums of calls, and periods.

use proptest::prelude::*;

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_773_746_100_123);

fn call(outcome: Outcome, at_ms: i64, total_us: u64, upstream_us: Option<u64>) -> Measured {
    let at = Timestamp::from_millis(at_ms);
    Measured { at, outcome, total_us, upstream_us, bytes_in: 10, bytes_out: 20 }
}

#[test]
fn calls_add_up_and_a_cancelled_one_is_no_error() {
    let mut tally = Tally::default();
    for (number, &outcome) in (0u64..).zip(Outcome::ALL) {
        tally.add(&call(outcome, 1_000 + i64::try_from(number).unwrap(), 100, (number > 2).then_some(90)));
    }
    assert_eq!((tally.calls(), tally.errors()), (6, 4));
    assert_eq!((tally.total_us, tally.upstream_us), (600, 270));
    assert_eq!((tally.total.count(), tally.upstream.count()), (6, 3));
    assert_eq!(tally.span, Some((Timestamp::from_millis(1_000), Timestamp::from_millis(1_005))));
}

#[test]
fn words_and_numbers_of_outcomes_agree_with_their_wire_form() {
    for (number, outcome) in (0i64..).zip(Outcome::ALL) {
        assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.word());
        assert_eq!(Outcome::of_number(number), Some(*outcome));
    }
    assert_eq!(Outcome::of_number(6), None);
    assert_eq!(Outcome::of_number(-1), None);
}

#[test]
fn a_period_begins_at_the_hour() {
    let start = |text: &str| text.parse::<Period>().unwrap().start(NOW).minute();
    assert_eq!(NOW.minute(), "2026-03-17 11:15 UTC");
    assert_eq!(start("24h"), "2026-03-16 11:00 UTC");
    assert_eq!(start("7d"), "2026-03-10 11:00 UTC");
    assert_eq!(start("90d"), "2025-12-17 11:00 UTC");
    assert_eq!(Period::DEFAULT.to_string(), "7d");
    for bad in ["", "7", "d", "0d", "91d", "2161h", "-1d", "+1d", "7w", "1.5d", "99999999999d", "７d"] {
        assert_eq!(bad.parse::<Period>(), Err(PeriodError), "{bad}");
    }
}

#[test]
fn the_course_of_up_to_two_days_is_shown_in_hours() {
    let grain = |text: &str| text.parse::<Period>().unwrap().grain();
    assert_eq!([grain("48h"), grain("2d"), grain("49h")], [Grain::Hour, Grain::Hour, Grain::Day]);
}

proptest! {
    #[test]
    fn a_tally_reads_back_as_it_was_written(
        calls in proptest::collection::vec((0usize..OUTCOMES, 0i64..2_000_000_000_000, any::<u32>(), any::<bool>()), 0..50),
        dropped in any::<u32>(),
    ) {
        let mut tally = Tally { dropped: u64::from(dropped), ..Tally::default() };
        for (outcome, at, us, asked) in calls {
            tally.add(&call(Outcome::ALL[outcome], at, u64::from(us), asked.then_some(u64::from(us) / 2)));
        }
        prop_assert_eq!(Tally::decode(&tally.encode()), Some(tally));
    }

    #[test]
    fn parts_merge_to_the_whole(
        calls in proptest::collection::vec((0usize..OUTCOMES, 0i64..1_000_000, any::<u32>()), 0..50),
        cut in 0usize..50,
    ) {
        let all: Vec<Measured> =
            calls.iter().map(|&(outcome, at, us)| call(Outcome::ALL[outcome], at, u64::from(us), Some(1))).collect();
        let sum = |calls: &[Measured]| {
            let mut tally = Tally::default();
            calls.iter().for_each(|call| tally.add(call));
            tally
        };
        let (left, right) = all.split_at(cut.min(all.len()));
        let mut merged = sum(left);
        merged.merge(&sum(right));
        prop_assert_eq!(merged, sum(&all));
    }

    #[test]
    fn noise_is_refused_or_read_and_never_a_panic(noise in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _ = Tally::decode(&noise);
    }

    #[test]
    fn a_period_reads_back_as_it_was_written(number in 1u32..=90, days in any::<bool>()) {
        let period = Period { number, unit: if days { Unit::Days } else { Unit::Hours } };
        prop_assert_eq!(period.to_string().parse(), Ok(period));
    }
}
