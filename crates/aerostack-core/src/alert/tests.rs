//! When a rule speaks, what its settings look like, how a message is signed.

use proptest::prelude::*;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_773_746_100_000);

fn thresholds(error_rate: Option<&str>, calls: Option<u64>) -> Thresholds {
    let error_rate = error_rate.map(|text| text.parse().unwrap());
    Thresholds { error_rate, min_calls: 20, calls, window: Window::DEFAULT }
}

#[test]
fn percent_reads_the_way_people_type_it() {
    for (text, shown) in
        [("5%", "5 %"), ("5", "5 %"), (" 0.5 % ", "0.5 %"), ("100", "100 %"), ("0.01", "0.01 %")]
    {
        assert_eq!(text.parse::<ErrorRate>().unwrap().to_string(), shown, "{text}");
    }
    for text in ["", "%", "0", "0.001", "100.01", "-1", "1e1", "inf", "NaN", "five"] {
        assert_eq!(text.parse::<ErrorRate>(), Err(ErrorRateError), "{text}");
    }
    assert_eq!(ErrorRate::of_share(f64::NAN), Err(ErrorRateError));
}

#[test]
fn a_window_is_whole_minutes_of_one_day_at_most() {
    for (text, shown) in [("15m", "15m"), ("60", "1m"), ("1h", "1h"), ("90m", "90m"), ("1d", "24h")] {
        assert_eq!(text.parse::<Window>().unwrap().to_string(), shown, "{text}");
    }
    for text in ["", "0", "30s", "90s", "25h", "2d", "m"] {
        assert_eq!(text.parse::<Window>(), Err(WindowError), "{text}");
    }
    // 11:15:00 is in a minute of its own, and fourteen stand before it.
    let first = Window::DEFAULT.first_minute(NOW);
    assert_eq!(minute_start(first).minute(), "2026-03-17 11:01 UTC");
}

#[test]
fn thresholds_must_mean_something() {
    assert_eq!(thresholds(None, None).check(), Err(ThresholdsError::None));
    assert_eq!(thresholds(None, Some(0)).check(), Err(ThresholdsError::Calls));
    assert_eq!(thresholds(None, Some(CALLS_MAX + 1)).check(), Err(ThresholdsError::Calls));
    let none = Thresholds { min_calls: 0, ..thresholds(Some("5%"), None) };
    assert_eq!(none.check(), Err(ThresholdsError::Calls));
    assert_eq!(thresholds(Some("5%"), Some(1)).check(), Ok(()));
    let shown = thresholds(Some("5%"), Some(10_000)).to_string();
    assert_eq!(shown, "errors: 5 % of 20 calls or more; calls: 10000 or more; within 15m");
}

#[test]
fn errors_exceed_at_their_share_and_not_among_few_calls() {
    let rules = thresholds(Some("5%"), None);
    for (calls, errors, exceeded) in
        [(0, 0, false), (19, 19, false), (20, 0, false), (20, 1, true), (21, 1, false), (1_000, 50, true)]
    {
        let counts = Counts { calls, errors };
        assert_eq!(rules.is_exceeded(Rule::ErrorRate, counts), Some(exceeded), "{counts:?}");
        assert_eq!(rules.is_exceeded(Rule::Calls, counts), None);
    }
    let rules = thresholds(None, Some(100));
    for (calls, exceeded) in [(99, false), (100, true)] {
        assert_eq!(rules.is_exceeded(Rule::Calls, Counts { calls, errors: 0 }), Some(exceeded));
    }
}

#[test]
fn a_rule_is_raised_at_once_and_falls_back_after_a_window_at_the_earliest() {
    let window = Window::DEFAULT;
    assert_eq!(RuleState::Quiet.look(false, window, NOW), None);
    assert_eq!(RuleState::Quiet.look(true, window, NOW), Some(Change::Raised));
    let raised = RuleState::Raised { since: NOW };
    let early = NOW.plus(window.span() - Duration::from_millis(1));
    assert_eq!(raised.look(false, window, early), None);
    let late = NOW.plus(window.span());
    assert_eq!(raised.look(true, window, late), None);
    assert_eq!(raised.look(false, window, late), Some(Change::Resolved { since: NOW }));
}

#[test]
fn pauses_double_to_an_hour_and_tries_come_to_an_end() {
    let pauses: Vec<u64> = (1..).map_while(|tries| pause_after(tries).map(|pause| pause.as_secs())).collect();
    assert_eq!(pauses, [10, 20, 40, 80, 160, 320, 640, 1_280, 2_560, 3_600, 3_600]);
}

#[test]
fn a_signature_is_that_of_standard_webhooks() {
    // Checked against the reference libraries' own example.
    let secret = SigningSecret::parse("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD").unwrap();
    let body = r#"{"email":"test@example.com","username":"test_user"}"#;
    let signature = secret.sign("msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", 1_649_367_553, body);
    assert_eq!(signature, "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=");
}

#[test]
fn a_signing_secret_has_one_form_and_is_not_shown() {
    let secret = SigningSecret::generate(&mut StdRng::seed_from_u64(1));
    assert!(SigningSecret::parse(secret.expose()).is_ok());
    assert_eq!(format!("{secret:?}"), "SigningSecret(…)");
    for text in ["", "whsec_", "whsec_AAAA", "C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "whsec_C2FVsBQIhrscChl!"] {
        assert_eq!(SigningSecret::parse(text).err(), Some(SigningSecretError), "{text}");
    }
}

proptest! {
    #[test]
    fn percent_reads_back_as_it_is_shown(hundredths in 1u32..=10_000) {
        let rate = ErrorRate::of_hundredths(hundredths).unwrap();
        prop_assert_eq!(rate.to_string().parse(), Ok(rate));
        prop_assert_eq!(ErrorRate::of_share(rate.share()), Ok(rate));
    }

    #[test]
    fn a_window_reads_back_as_it_is_shown(minutes in 1u32..=1_440) {
        let window = Window::of_minutes(minutes).unwrap();
        prop_assert_eq!(window.to_string().parse(), Ok(window));
    }
}
