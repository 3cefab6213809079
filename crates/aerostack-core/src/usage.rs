//! What is measured of calls, and how it is added up.
//!
//! A [`Tally`] is what reports are made of: counts by outcome, bytes, times and their distributions of
//! any number of calls. Tallies merge without loss, so hours add up to days and tokens to workspaces.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::histogram::Histogram;
use crate::time::Timestamp;
use crate::varint;

/// How long calls and their sums are kept.
pub const KEPT: Duration = Duration::from_secs(90 * 86_400);
/// The name that calls of unknown tools are counted under, so that made-up names cannot grow anything.
pub const UNKNOWN_TOOL: &str = "(unknown)";

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
const WEEK_MS: i64 = 7 * DAY_MS;
/// Written in front of a stored tally; raised when its form changes.
const TALLY_FORM: u64 = 1;

macro_rules! outcomes {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// How a call ended.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum Outcome { $($(#[$doc])* $name,)* }

        impl Outcome {
            /// Every outcome; the place in it is how one is stored.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word shown and sent.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }
    };
}

outcomes! {
    /// The tool answered.
    Ok = "ok",
    /// The tool answered that it failed.
    ToolError = "tool_error",
    /// The server answered with an error, wrongly, or not at all.
    UpstreamError = "upstream_error",
    /// The server was silent for too long.
    Timeout = "timeout",
    /// The gateway did not send it: no such tool, bad parameters, or a limit.
    Refused = "refused",
    /// The caller took it back or hung up, or its access ended.
    Cancelled = "cancelled",
}

/// How many outcomes there are.
pub const OUTCOMES: usize = Outcome::ALL.len();

impl Outcome {
    /// Tells whether it counts as an error. A call that its caller took back is none.
    #[must_use]
    pub const fn is_error(self) -> bool {
        !matches!(self, Self::Ok | Self::Cancelled)
    }

    /// The number it is stored as.
    #[must_use]
    pub const fn number(self) -> usize {
        self as usize
    }

    /// Reads the number it was stored as.
    #[must_use]
    pub fn of_number(number: i64) -> Option<Self> {
        usize::try_from(number).ok().and_then(|number| Self::ALL.get(number).copied())
    }
}

/// What was measured of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measured {
    /// When it arrived.
    pub at: Timestamp,
    /// How it ended.
    pub outcome: Outcome,
    /// From its arrival to the end of its answer.
    pub total_us: u64,
    /// From asking the server to the end of its answer; `None` if it was not asked.
    pub upstream_us: Option<u64>,
    /// The size of the request.
    pub bytes_in: u64,
    /// The size of the answer.
    pub bytes_out: u64,
}

/// Any number of calls, added up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Calls by outcome, in the order of [`Outcome::ALL`].
    pub outcomes: [u64; OUTCOMES],
    /// Calls that were made and not recorded.
    pub dropped: u64,
    /// The sizes of the requests.
    pub bytes_in: u64,
    /// The sizes of the answers.
    pub bytes_out: u64,
    /// All total times.
    pub total_us: u64,
    /// All times of servers.
    pub upstream_us: u64,
    /// When the first and the last arrived.
    pub span: Option<(Timestamp, Timestamp)>,
    /// How total times are distributed.
    pub total: Histogram,
    /// How times of servers are distributed; calls that reached none are not in it.
    pub upstream: Histogram,
}

impl Tally {
    /// Adds one call.
    pub fn add(&mut self, call: &Measured) {
        self.outcomes[call.outcome.number()] += 1;
        self.bytes_in = self.bytes_in.saturating_add(call.bytes_in);
        self.bytes_out = self.bytes_out.saturating_add(call.bytes_out);
        self.total_us = self.total_us.saturating_add(call.total_us);
        self.total.record(call.total_us);
        if let Some(upstream_us) = call.upstream_us {
            self.upstream_us = self.upstream_us.saturating_add(upstream_us);
            self.upstream.record(upstream_us);
        }
        self.stretch(call.at, call.at);
    }

    /// Adds everything another one holds.
    pub fn merge(&mut self, other: &Self) {
        for (ours, theirs) in self.outcomes.iter_mut().zip(other.outcomes) {
            *ours = ours.saturating_add(theirs);
        }
        self.dropped = self.dropped.saturating_add(other.dropped);
        self.bytes_in = self.bytes_in.saturating_add(other.bytes_in);
        self.bytes_out = self.bytes_out.saturating_add(other.bytes_out);
        self.total_us = self.total_us.saturating_add(other.total_us);
        self.upstream_us = self.upstream_us.saturating_add(other.upstream_us);
        self.total.merge(&other.total);
        self.upstream.merge(&other.upstream);
        if let Some((first, last)) = other.span {
            self.stretch(first, last);
        }
    }

    /// Calls of every outcome.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.outcomes.iter().fold(0, |sum, &count| sum.saturating_add(count))
    }

    /// Calls that ended in an error.
    #[must_use]
    pub fn errors(&self) -> u64 {
        let errors = Outcome::ALL.iter().filter(|outcome| outcome.is_error());
        errors.fold(0, |sum, outcome| sum.saturating_add(self.outcomes[outcome.number()]))
    }

    fn stretch(&mut self, first: Timestamp, last: Timestamp) {
        let (begin, end) = self.span.unwrap_or((first, last));
        self.span = Some((begin.min(first), end.max(last)));
    }

    /// The bytes it is stored as.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(64);
        varint::put(&mut bytes, TALLY_FORM);
        let numbers = [self.dropped, self.bytes_in, self.bytes_out, self.total_us, self.upstream_us];
        self.outcomes.iter().chain(&numbers).for_each(|&number| varint::put(&mut bytes, number));
        match self.span {
            None => varint::put(&mut bytes, 0),
            Some((first, last)) => {
                varint::put(&mut bytes, millis(first).saturating_add(1));
                varint::put(&mut bytes, millis(last).saturating_sub(millis(first)));
            }
        }
        self.total.encode(&mut bytes);
        self.upstream.encode(&mut bytes);
        bytes
    }

    /// Reads the bytes it was stored as; `None` for others.
    #[must_use]
    pub fn decode(mut bytes: &[u8]) -> Option<Self> {
        let bytes = &mut bytes;
        if varint::take(bytes)? != TALLY_FORM {
            return None;
        }
        let mut tally = Self::default();
        for count in &mut tally.outcomes {
            *count = varint::take(bytes)?;
        }
        let numbers = [
            &mut tally.dropped,
            &mut tally.bytes_in,
            &mut tally.bytes_out,
            &mut tally.total_us,
            &mut tally.upstream_us,
        ];
        for number in numbers {
            *number = varint::take(bytes)?;
        }
        if let Some(first) = varint::take(bytes)?.checked_sub(1) {
            let last = first.checked_add(varint::take(bytes)?)?;
            let moment = |millis| i64::try_from(millis).ok().map(Timestamp::from_millis);
            tally.span = Some((moment(first)?, moment(last)?));
        }
        tally.total = Histogram::decode(bytes)?;
        tally.upstream = Histogram::decode(bytes)?;
        bytes.is_empty().then_some(tally)
    }
}

/// Calls are of our time; what is before 1970 counts as its beginning.
fn millis(moment: Timestamp) -> u64 {
    u64::try_from(moment.as_millis()).unwrap_or(0)
}

/// How finely time is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Grain {
    /// Hours of UTC.
    Hour,
    /// Days of UTC.
    Day,
    /// Seven days of UTC, from Thursday to Wednesday, as 1970 begins with a Thursday.
    Week,
}

impl Grain {
    /// Which hour, day or week a moment is in, counted from 1970.
    #[must_use]
    pub const fn bucket(self, moment: Timestamp) -> i64 {
        moment.as_millis().div_euclid(self.millis())
    }

    /// When an hour, day or week begins.
    #[must_use]
    pub const fn start(self, bucket: i64) -> Timestamp {
        Timestamp::from_millis(bucket.saturating_mul(self.millis()))
    }

    const fn millis(self) -> i64 {
        match self {
            Self::Hour => HOUR_MS,
            Self::Day => DAY_MS,
            Self::Week => WEEK_MS,
        }
    }
}

/// How far back a report reaches: `24h`, `7d`, at most 90 days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    number: u32,
    unit: Unit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Hours,
    Days,
}

impl Unit {
    const fn millis(self) -> i64 {
        match self {
            Self::Hours => HOUR_MS,
            Self::Days => DAY_MS,
        }
    }
}

/// A period that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a period is hours or days such as 24h or 7d, at most 90d")]
pub struct PeriodError;

impl Period {
    /// Seven days.
    pub const DEFAULT: Self = Self { number: 7, unit: Unit::Days };

    /// Where it begins: rounded down to the hour.
    #[must_use]
    pub fn start(self, now: Timestamp) -> Timestamp {
        let start = now.as_millis().saturating_sub(i64::from(self.number).saturating_mul(self.unit.millis()));
        Grain::Hour.start(Grain::Hour.bucket(Timestamp::from_millis(start)))
    }

    /// How finely its course is shown.
    #[must_use]
    pub fn grain(self) -> Grain {
        let is_long = i64::from(self.number).saturating_mul(self.unit.millis()) > 2 * DAY_MS;
        if is_long { Grain::Day } else { Grain::Hour }
    }
}

impl FromStr for Period {
    type Err = PeriodError;

    fn from_str(text: &str) -> Result<Self, PeriodError> {
        let text = text.trim();
        let unit = match text.chars().last() {
            Some('h') => Unit::Hours,
            Some('d') => Unit::Days,
            _ => return Err(PeriodError),
        };
        let number = &text[..text.len() - 1];
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        let number: u32 =
            if is_number { number.parse().map_err(|_| PeriodError)? } else { return Err(PeriodError) };
        let millis = u128::from(number) * u128::from(unit.millis().unsigned_abs());
        if number == 0 || millis > KEPT.as_millis() { Err(PeriodError) } else { Ok(Self { number, unit }) }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.unit {
            Unit::Hours => 'h',
            Unit::Days => 'd',
        };
        write!(f, "{}{unit}", self.number)
    }
}

#[cfg(test)]
mod tests;
