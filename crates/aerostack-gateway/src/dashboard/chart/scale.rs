//! The axes of a chart: round numbers up its side, hours or days along its bottom, and how values read.

use aerostack_core::time::Timestamp;
use aerostack_core::usage::Grain;

/// Most steps up the side.
const STEPS_MAX: f64 = 4.0;
/// Most hours or days that are named along the bottom.
const MARKS_MAX: usize = 9;
const HOURS_APART: [usize; 6] = [1, 2, 3, 6, 12, 24];
const DAYS_APART: [usize; 6] = [1, 2, 7, 14, 28, 91];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// What values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::dashboard) enum Unit {
    /// Things that are counted.
    Count,
    /// Parts of a hundred.
    Percent,
    /// Milliseconds.
    Millis,
}

impl Unit {
    /// A value in words: `1,204`, `0.25%`, `1.2 s`.
    pub(in crate::dashboard) fn say(self, value: f64) -> String {
        match self {
            Self::Count => grouped(value),
            Self::Percent => format!("{}%", trimmed(value, 2)),
            Self::Millis if value >= 1_000.0 => format!("{} s", trimmed(value / 1_000.0, 2)),
            Self::Millis if value >= 10.0 => format!("{} ms", trimmed(value, 0)),
            Self::Millis => format!("{} ms", trimmed(value, 2)),
        }
    }

    /// The same with room for a few characters: `12k`.
    fn say_short(self, value: f64) -> String {
        match self {
            Self::Count if value >= 1_000_000.0 => format!("{}M", trimmed(value / 1_000_000.0, 2)),
            Self::Count if value >= 10_000.0 => format!("{}k", trimmed(value / 1_000.0, 1)),
            _ => self.say(value),
        }
    }

    /// What the side reaches to where there is less.
    const fn least_top(self) -> f64 {
        match self {
            Self::Count => 4.0,
            Self::Percent | Self::Millis => 1.0,
        }
    }

    const fn least_step(self) -> f64 {
        match self {
            Self::Count => 1.0,
            Self::Percent | Self::Millis => 0.01,
        }
    }
}

/// A number without the zeros that say nothing.
pub(super) fn trimmed(value: f64, places: usize) -> String {
    let text = format!("{value:.places$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The side of a chart, from 0 up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scale {
    unit: Unit,
    step: f64,
    steps: f64,
}

impl Scale {
    /// Reaches at least to `most`, in steps of 1, 2 or 5 times a power of ten.
    pub(super) fn reaching(most: f64, unit: Unit) -> Self {
        let most = most.max(unit.least_top());
        let least = (most / STEPS_MAX).max(unit.least_step());
        let power = 10f64.powf(least.log10().floor());
        let fits = [1.0, 2.0, 5.0, 10.0].into_iter().map(|factor| factor * power);
        // A hair below still fits: powers of ten are not exact.
        let step = fits.into_iter().find(|step| *step >= least * 0.999_999).unwrap_or(least);
        Self { unit, step, steps: (most / step - 0.000_001).ceil() }
    }

    /// Where a value is, 0 at the bottom and 1 at the top.
    pub(super) fn place(&self, value: f64) -> f64 {
        (value / (self.step * self.steps)).clamp(0.0, 1.0)
    }

    /// The values that are named, from 0 up, and their names.
    pub(super) fn ticks(&self) -> Vec<(f64, String)> {
        std::iter::successors(Some(0.0), |count| Some(count + 1.0))
            .take_while(|count| *count <= self.steps)
            .map(|count| (count * self.step, self.unit.say_short(count * self.step)))
            .collect()
    }
}

/// An hour or day that is named along the bottom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// Which, counted from the first.
    pub(super) slot: usize,
    /// Its name.
    pub(super) text: String,
    /// Whether it can be left out where there is little room.
    pub(super) is_minor: bool,
}

/// Names round hours, or days counted back from the last.
pub(super) fn marks(slots: &[Timestamp], grain: Grain) -> Vec<Mark> {
    let steps = if grain == Grain::Hour { HOURS_APART } else { DAYS_APART };
    let apart = steps.into_iter().find(|step| slots.len() <= step * MARKS_MAX);
    let apart = apart.unwrap_or_else(|| slots.len().div_ceil(MARKS_MAX)).max(1);
    let number = |slot: usize| match grain {
        Grain::Hour => {
            slots.get(slot).and_then(|at| usize::try_from(grain.bucket(*at)).ok()).unwrap_or_default()
        }
        Grain::Day | Grain::Week => slots.len() - 1 - slot,
    };
    let named = (0..slots.len()).filter(|slot| number(*slot).is_multiple_of(apart));
    named
        .map(|slot| Mark {
            slot,
            text: short_name(slots[slot], grain),
            is_minor: !number(slot).is_multiple_of(2 * apart),
        })
        .collect()
}

fn short_name(at: Timestamp, grain: Grain) -> String {
    match grain {
        Grain::Hour if Grain::Day.start(Grain::Day.bucket(at)) != at => clock_of(at),
        _ => day_of(at),
    }
}

/// An hour, day or week by the whole name of its beginning: `17 Mar 14:00`.
pub(super) fn name(at: Timestamp, grain: Grain) -> String {
    match grain {
        Grain::Hour => format!("{} {}", day_of(at), clock_of(at)),
        Grain::Day | Grain::Week => day_of(at),
    }
}

fn day_of(at: Timestamp) -> String {
    let date = at.date();
    let mut parts = date.rsplit('-').filter_map(|part| part.parse::<usize>().ok());
    let (day, month) = (parts.next().unwrap_or(1), parts.next().unwrap_or(1));
    format!("{day} {}", MONTHS[(month - 1) % MONTHS.len()])
}

fn clock_of(at: Timestamp) -> String {
    at.minute().split(' ').nth(1).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_read_as_people_write_them() {
        let said =
            |unit: Unit, values: &[f64]| values.iter().map(|value| unit.say(*value)).collect::<Vec<_>>();
        assert_eq!(
            said(Unit::Count, &[0.0, 999.0, 1_204.0, 1_000_000.0]),
            ["0", "999", "1,204", "1,000,000"]
        );
        assert_eq!(said(Unit::Percent, &[0.0, 0.25, 50.0, 100.0]), ["0%", "0.25%", "50%", "100%"]);
        let times = [0.0, 0.855, 9.5, 12.4, 100.0, 999.4, 1_000.0, 1_250.0, 60_000.0];
        let expected = ["0 ms", "0.85 ms", "9.5 ms", "12 ms", "100 ms", "999 ms", "1 s", "1.25 s", "60 s"];
        assert_eq!(said(Unit::Millis, &times), expected);
    }

    #[test]
    fn the_side_has_round_numbers_and_reaches_the_most() {
        let ticks = |most, unit| {
            let scale = Scale::reaching(most, unit);
            assert!(scale.place(most) <= 1.0);
            scale.ticks().into_iter().map(|(_, text)| text).collect::<Vec<_>>().join(" ")
        };
        for (most, unit, expected) in [
            (0.0, Unit::Count, "0 1 2 3 4"),
            (1.0, Unit::Count, "0 1 2 3 4"),
            (5.0, Unit::Count, "0 2 4 6"),
            (40.0, Unit::Count, "0 10 20 30 40"),
            (1_204.0, Unit::Count, "0 500 1,000 1,500"),
            (37_000.0, Unit::Count, "0 10k 20k 30k 40k"),
            (3_100_000.0, Unit::Count, "0 1M 2M 3M 4M"),
            (0.0, Unit::Percent, "0% 0.5% 1%"),
            (3.1, Unit::Percent, "0% 1% 2% 3% 4%"),
            (100.0, Unit::Percent, "0% 50% 100%"),
            (0.3, Unit::Millis, "0 ms 0.5 ms 1 ms"),
            (87.0, Unit::Millis, "0 ms 50 ms 100 ms"),
            (1_900.0, Unit::Millis, "0 ms 500 ms 1 s 1.5 s 2 s"),
        ] {
            assert_eq!(ticks(most, unit), expected, "{most} {unit:?}");
        }
    }

    #[test]
    fn values_are_placed_between_bottom_and_top() {
        let scale = Scale::reaching(40.0, Unit::Count);
        assert_eq!([0.0, 10.0, 40.0, 50.0, -1.0].map(|value| scale.place(value)), [0.0, 0.25, 1.0, 1.0, 0.0]);
    }

    fn slots(first: &str, grain: Grain, count: i64) -> Vec<Timestamp> {
        let first = grain.bucket(Timestamp::parse(first).unwrap());
        (first..first + count).map(|bucket| grain.start(bucket)).collect()
    }

    fn shown(slots: &[Timestamp], grain: Grain) -> String {
        let shown = |mark: Mark| format!("{}{}", if mark.is_minor { "~" } else { "" }, mark.text);
        marks(slots, grain).into_iter().map(shown).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn hours_are_named_where_they_are_round_and_midnight_by_its_day() {
        let day = slots("2026-03-16T11:00:00Z", Grain::Hour, 25);
        assert_eq!(shown(&day, Grain::Hour), "12:00 ~15:00 18:00 ~21:00 17 Mar ~03:00 06:00 ~09:00");
        let hour = slots("2026-03-16T11:00:00Z", Grain::Hour, 2);
        assert_eq!(shown(&hour, Grain::Hour), "~11:00 12:00");
    }

    #[test]
    fn days_are_named_counted_back_from_the_last() {
        assert_eq!(
            shown(&slots("2026-02-27", Grain::Day, 8), Grain::Day),
            "~27 Feb 28 Feb ~1 Mar 2 Mar ~3 Mar 4 Mar ~5 Mar 6 Mar"
        );
        assert_eq!(
            shown(&slots("2026-01-01", Grain::Day, 31), Grain::Day),
            "3 Jan ~10 Jan 17 Jan ~24 Jan 31 Jan"
        );
        assert_eq!(shown(&slots("2026-01-01", Grain::Day, 91), Grain::Day).split(' ').count(), 14);
        assert_eq!(marks(&[], Grain::Day), []);
    }

    #[test]
    fn a_moment_is_named_as_finely_as_it_is_cut() {
        let at = Timestamp::parse("2026-03-07T14:00:00Z").unwrap();
        assert_eq!([name(at, Grain::Hour), name(at, Grain::Day)], ["7 Mar 14:00", "7 Mar"]);
    }
}
