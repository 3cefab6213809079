//! How many requests there were and how long they took, for `/metrics`.
//!
//! A figure is looked up by its name and labels once, from when there is something to count; then its place is
//! known.

use std::sync::OnceLock;
use std::time::Duration;

use http::StatusCode;
use metrics::{Counter, Histogram};

/// Which door a request came to, for figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counted {
    Mcp,
    Admin,
    Dashboard,
    Health,
    Nothing,
}

impl Counted {
    const ALL: [Self; 5] = [Self::Mcp, Self::Admin, Self::Dashboard, Self::Health, Self::Nothing];

    const fn word(self) -> &'static str {
        match self {
            Self::Mcp => "mcp",
            Self::Admin => "admin",
            Self::Dashboard => "dashboard",
            Self::Health => "health",
            Self::Nothing => "none",
        }
    }
}

/// How requests end.
const ENDS: [&str; 5] = ["ok", "unauthorized", "rate_limited", "refused", "failed"];

const fn end_of(status: StatusCode) -> usize {
    match status.as_u16() {
        0..400 => 0,
        401 => 1,
        429 => 2,
        400..500 => 3,
        _ => 4,
    }
}

/// The figures of all doors.
#[derive(Default)]
pub(super) struct Counts([OfDoor; Counted::ALL.len()]);

#[derive(Default)]
struct OfDoor {
    ended: [OnceLock<Counter>; ENDS.len()],
    took: OnceLock<Histogram>,
}

impl Counts {
    /// Counts a request that was answered.
    pub(super) fn count(&self, door: Counted, status: StatusCode, elapsed: Duration) {
        let (of_door, word, end) = (&self.0[door as usize], door.word(), end_of(status));
        let ended = || metrics::counter!("aerostack_requests_total", "door" => word, "status" => ENDS[end]);
        of_door.ended[end].get_or_init(ended).increment(1);
        let took = || metrics::histogram!("aerostack_request_duration_seconds", "door" => word);
        of_door.took.get_or_init(took).record(elapsed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry;

    #[test]
    fn requests_are_counted_by_door_and_end() {
        telemetry::figures();
        let counts = Counts::default();
        for door in Counted::ALL {
            for status in [204, 304, 401, 403, 404, 429, 500, 503] {
                let status = StatusCode::from_u16(status).unwrap();
                counts.count(door, status, Duration::from_millis(1));
            }
        }
        let text = telemetry::figures().render();
        for door in Counted::ALL.map(Counted::word) {
            for (end, least) in ENDS.into_iter().zip([2, 1, 1, 2, 2]) {
                let line = format!(r#"aerostack_requests_total{{door="{door}",status="{end}"}} "#);
                let count: u64 = text.split(&line).nth(1).unwrap().lines().next().unwrap().parse().unwrap();
                assert!(count >= least, "{line}{count}");
            }
            let line = format!(r#"aerostack_request_duration_seconds_count{{door="{door}"}} "#);
            assert!(text.contains(&line), "{line}");
        }
    }
}
