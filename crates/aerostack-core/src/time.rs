//! Moments and spans. A [`Timestamp`] is milliseconds since the Unix epoch, UTC, because that is
//! what both database engines store alike; on the wire it is RFC 3339.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Takes milliseconds since the Unix epoch.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Gives milliseconds since the Unix epoch.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// The moment `span` later; stops at the end of representable time instead of wrapping.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    /// The moment `span` earlier; stops at the beginning of representable time.
    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    /// The span from `earlier` to this moment; zero if `earlier` is in fact later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Reads an RFC 3339 moment, or a date `2026-03-17` as its midnight in UTC.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(moment) = text.parse::<jiff::Timestamp>() {
            return Some(Self(moment.as_millisecond()));
        }
        let date = text.parse::<jiff::civil::Date>().ok()?;
        let midnight = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        Some(Self(midnight.timestamp().as_millisecond()))
    }

    /// `2026-03-17`, in UTC.
    #[must_use]
    pub fn date(self) -> String {
        self.format("%Y-%m-%d")
    }

    /// `2026-03-17 11:15 UTC`.
    #[must_use]
    pub fn minute(self) -> String {
        self.format("%Y-%m-%d %H:%M UTC")
    }

    /// The moment the way a list shows "last used": relative under a day, then a date.
    #[must_use]
    pub fn relative_to(self, now: Self) -> String {
        let seconds = now.since(self).as_secs();
        match seconds {
            0..60 => "just now".to_owned(),
            60..3_600 => format!("{} min ago", seconds / 60),
            3_600..86_400 => format!("{} h ago", seconds / 3_600),
            _ => self.date(),
        }
    }

    fn format(self, pattern: &str) -> String {
        self.to_jiff().strftime(pattern).to_string()
    }

    fn to_jiff(self) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(self.0).unwrap_or(if self.0 < 0 {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        })
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.to_jiff())
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("expected an RFC 3339 moment"))
    }
}

/// Reads a span the way people type it: `86400` (seconds), `45s`, `30m`, `24h`, `90d`, `2w`.
///
/// # Errors
/// [`SpanError`] when the text is not a whole number with an optional unit, or the span overflows.
pub fn parse_span(text: &str) -> Result<Duration, SpanError> {
    let text = text.trim();
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| SpanError)?;
    let unit_secs: u64 = match unit {
        "" | "s" => 1,
        "m" | "min" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return Err(SpanError),
    };
    number.checked_mul(unit_secs).map(Duration::from_secs).ok_or(SpanError)
}

/// A span that could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a span such as 86400 (seconds), 30m, 24h or 90d")]
pub struct SpanError;

/// Writes a span with the largest unit that loses nothing: `90d`, `24h`, `30m`, `45s`.
#[must_use]
pub fn format_span(span: Duration) -> String {
    let seconds = span.as_secs();
    for (unit, unit_secs) in [("d", 86_400), ("h", 3_600), ("m", 60)] {
        if seconds >= unit_secs && seconds.is_multiple_of(unit_secs) {
            return format!("{}{unit}", seconds / unit_secs);
        }
    }
    format!("{seconds}s")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_moment_reads_back_as_it_was_written() {
        let moment = Timestamp::from_millis(1_773_746_100_123);
        assert_eq!(moment.to_string(), "2026-03-17T11:15:00.123Z");
        assert_eq!(Timestamp::parse(&moment.to_string()), Some(moment));
        assert_eq!(moment.minute(), "2026-03-17 11:15 UTC");
        assert_eq!(Timestamp::parse("2026-03-17").map(Timestamp::date).as_deref(), Some("2026-03-17"));
    }

    #[test]
    fn last_used_is_relative_under_a_day_and_a_date_after_it() {
        let then = Timestamp::from_millis(1_773_746_100_000);
        let after = |secs| then.relative_to(then.plus(Duration::from_secs(secs)));
        assert_eq!(after(12), "just now");
        assert_eq!(after(5 * 60 + 59), "5 min ago");
        assert_eq!(after(3 * 3_600), "3 h ago");
        assert_eq!(after(86_400), "2026-03-17");
    }

    #[test]
    fn spans_are_read_with_and_without_units_and_refused_otherwise() {
        assert_eq!(parse_span("86400"), Ok(Duration::from_secs(86_400)));
        assert_eq!(parse_span("24h"), parse_span("1d"));
        for bad in ["", "h", "-1", "1.5h", "10 years", "18446744073709551615d"] {
            assert_eq!(parse_span(bad), Err(SpanError), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_span_reads_back_as_it_was_written(seconds in 0u64..400_000_000) {
            let span = Duration::from_secs(seconds);
            prop_assert_eq!(parse_span(&format_span(span)), Ok(span));
        }

        #[test]
        fn every_moment_survives_its_text(millis in -62_000_000_000_000i64..250_000_000_000_000) {
            let moment = Timestamp::from_millis(millis);
            prop_assert_eq!(Timestamp::parse(&moment.to_string()), Some(moment));
        }
    }
}
