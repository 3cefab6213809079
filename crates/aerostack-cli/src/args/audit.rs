//! `workspace audit`.

use aerostack_core::audit::Action;
use aerostack_core::slug::Slug;
use aerostack_core::time::{Timestamp, parse_span};
use clap::Args;

use super::format::ListOutput;
use super::words;

/// Examples of `workspace audit`.
pub(crate) const EXAMPLES: &str = "\
Examples:
  aerostack workspace audit engineering
  aerostack workspace audit engineering --since 7d --action token_revoked
  aerostack workspace audit engineering --since 2026-03-01 --until 2026-04-01 --output csv > march.csv
  aerostack workspace audit engineering --verify";

/// `workspace audit`.
#[derive(Debug, Args)]
pub(crate) struct Audit {
    /// Workspace; else the active one
    #[arg(value_name = "WORKSPACE")]
    pub(crate) slug: Option<Slug>,
    #[command(flatten)]
    pub(crate) wanted: Wanted,
}

/// Which events are wanted, of whichever log.
#[derive(Debug, Args)]
pub(crate) struct Wanted {
    /// Only events since then: a span back from now such as 7d, a date, or an RFC 3339 moment
    #[arg(long, value_name = "WHEN", value_parser = When::parse)]
    pub(crate) since: Option<When>,
    /// Only events before then, written like --since
    #[arg(long, value_name = "WHEN", value_parser = When::parse)]
    pub(crate) until: Option<When>,
    /// Only what this person did
    #[arg(long)]
    pub(crate) actor: Option<String>,
    /// Only this action
    #[arg(long, value_parser = words::action(), hide_possible_values = true)]
    pub(crate) action: Option<Action>,
    /// Most events to print, newest first
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: u32,
    /// Check that no event was changed or removed, and print how many there are and the head of the chain
    #[arg(long, conflicts_with_all = ["since", "until", "actor", "action", "limit"])]
    pub(crate) verify: bool,
    #[command(flatten)]
    pub(crate) output: ListOutput,
}

/// A moment the way people type it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// So long before now.
    Ago(std::time::Duration),
    /// This moment.
    At(Timestamp),
}

impl When {
    fn parse(text: &str) -> Result<Self, &'static str> {
        if let Ok(span) = parse_span(text) {
            return Ok(Self::Ago(span));
        }
        Timestamp::parse(text)
            .map(Self::At)
            .ok_or("expected a span such as 7d, a date such as 2026-03-17, or an RFC 3339 moment")
    }

    /// The moment, seen from `now`.
    pub(crate) fn moment(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(moment) => moment,
            Self::Ago(span) => {
                let millis = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
                Timestamp::from_millis(now.as_millis().saturating_sub(millis).max(0))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_spans_dates_or_rfc_3339() {
        let now = Timestamp::parse("2026-03-17T11:15:00Z").unwrap();
        let moment = |text| When::parse(text).map(|when| when.moment(now).to_string());
        assert_eq!(moment("7d").as_deref(), Ok("2026-03-10T11:15:00.000Z"));
        assert_eq!(moment("2026-03-01").as_deref(), Ok("2026-03-01T00:00:00.000Z"));
        assert_eq!(moment("2026-03-01T10:00:00+02:00").as_deref(), Ok("2026-03-01T08:00:00.000Z"));
        assert!(moment("yesterday").is_err());
        assert_eq!(moment("99999999w").as_deref(), Ok("1970-01-01T00:00:00.000Z"));
    }
}
