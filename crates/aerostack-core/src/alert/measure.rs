//! What is measured for an alert, and against what: a share of errors, a window of minutes, counts.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::time::{Timestamp, parse_span};

const MINUTE_MS: i64 = 60_000;

/// A share of calls, in hundredths of a percent: 1 to 10,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ErrorRate(u32);

/// What is no share of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an error rate is from 0.01 % to 100 %, such as 5%")]
pub struct ErrorRateError;

impl ErrorRate {
    const WHOLE: u32 = 10_000;

    /// Takes hundredths of a percent.
    ///
    /// # Errors
    /// [`ErrorRateError`] outside 1 to 10,000.
    pub const fn of_hundredths(hundredths: u32) -> Result<Self, ErrorRateError> {
        if hundredths == 0 || hundredths > Self::WHOLE { Err(ErrorRateError) } else { Ok(Self(hundredths)) }
    }

    /// Takes a share from 0 to 1; what is finer than a hundredth of a percent is rounded.
    ///
    /// # Errors
    /// [`ErrorRateError`] when that comes to nothing, or to more than everything.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is in range by then")]
    pub fn of_share(share: f64) -> Result<Self, ErrorRateError> {
        let hundredths = (share * f64::from(Self::WHOLE)).round();
        if (1.0..=f64::from(Self::WHOLE)).contains(&hundredths) {
            Ok(Self(hundredths as u32))
        } else {
            Err(ErrorRateError)
        }
    }

    /// Hundredths of a percent.
    #[must_use]
    pub const fn hundredths(self) -> u32 {
        self.0
    }

    /// The share, 0 to 1.
    #[must_use]
    pub fn share(self) -> f64 {
        f64::from(self.0) / f64::from(Self::WHOLE)
    }

    /// Tells whether so many errors of so many calls are this share, or more.
    #[must_use]
    pub fn is_reached_by(self, counts: Counts) -> bool {
        u128::from(counts.errors) * u128::from(Self::WHOLE) >= u128::from(counts.calls) * u128::from(self.0)
    }
}

impl FromStr for ErrorRate {
    type Err = ErrorRateError;

    /// Reads percent the way people type it: `5%`, `0.5 %`, `5`.
    fn from_str(text: &str) -> Result<Self, ErrorRateError> {
        let number = text.trim().trim_end_matches('%').trim_end();
        let is_plain = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let percent: f64 = number.parse().map_err(|_| ErrorRateError)?;
        if is_plain { Self::of_share(percent / 100.0) } else { Err(ErrorRateError) }
    }
}

impl fmt::Display for ErrorRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", f64::from(self.0) / 100.0)
    }
}

/// The last minutes that a rule looks at: 1 to 1,440, the one that has begun among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Window(u32);

/// What is no window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a window is whole minutes such as 15m or 1h, at most 24h")]
pub struct WindowError;

impl Window {
    /// A quarter of an hour.
    pub const DEFAULT: Self = Self(15);
    const MAX: u32 = 1_440;

    /// Takes minutes.
    ///
    /// # Errors
    /// [`WindowError`] outside 1 to 1,440.
    pub const fn of_minutes(minutes: u32) -> Result<Self, WindowError> {
        if minutes == 0 || minutes > Self::MAX { Err(WindowError) } else { Ok(Self(minutes)) }
    }

    /// How many minutes.
    #[must_use]
    pub const fn minutes(self) -> u32 {
        self.0
    }

    /// How long it is.
    #[must_use]
    pub fn span(self) -> Duration {
        Duration::from_secs(u64::from(self.0) * 60)
    }

    /// The minute, counted from 1970, that it begins with.
    #[must_use]
    pub fn first_minute(self, now: Timestamp) -> i64 {
        minute_of(now) + 1 - i64::from(self.0)
    }
}

impl FromStr for Window {
    type Err = WindowError;

    fn from_str(text: &str) -> Result<Self, WindowError> {
        let seconds = parse_span(text).map_err(|_| WindowError)?.as_secs();
        if !seconds.is_multiple_of(60) {
            return Err(WindowError);
        }
        Self::of_minutes(u32::try_from(seconds / 60).map_err(|_| WindowError)?)
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_multiple_of(60) { write!(f, "{}h", self.0 / 60) } else { write!(f, "{}m", self.0) }
    }
}

/// Which minute a moment is in, counted from 1970.
#[must_use]
pub const fn minute_of(moment: Timestamp) -> i64 {
    moment.as_millis().div_euclid(MINUTE_MS)
}

/// When a minute begins.
#[must_use]
pub const fn minute_start(minute: i64) -> Timestamp {
    Timestamp::from_millis(minute.saturating_mul(MINUTE_MS))
}

/// Calls of a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All of them.
    pub calls: u64,
    /// Those that ended in an error.
    pub errors: u64,
}
