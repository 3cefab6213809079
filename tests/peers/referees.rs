//! What the official suite came to, as `docs/protocol.md` shows it: a table, and every exception with its reason.

use std::fmt::Write;

use crate::expected::{Expected, Outcome};
use crate::suite::REVISIONS;
use crate::table::Table;

/// Columns of the table: places as the list calls them, and as people read them.
const PLACES: [(&str, &str); 5] = [
    ("dual", "our server of both eras"),
    ("legacy", "our legacy server"),
    ("modern", "our modern server"),
    ("from-legacy", "scripted, legacy caller"),
    ("from-modern", "scripted, modern caller"),
];

/// The table and the exceptions.
pub(crate) fn text(outcomes: &[Outcome], list: &[Expected]) -> String {
    let mut table = Table::of(["Requirements"].into_iter().chain(PLACES.map(|(_, title)| title)));
    for revision in REVISIONS {
        let cell = |place: &str| {
            let found =
                outcomes.iter().find(|outcome| outcome.revision == revision && outcome.place == place);
            found.map_or_else(
                || "–".to_owned(),
                |found| format!("{} of {}", found.passed(), found.scenarios.len()),
            )
        };
        table.row([revision.to_owned()].into_iter().chain(PLACES.map(|(place, _)| cell(place))));
    }
    format!("{table}\n{}", exceptions(list))
}

/// One paragraph for each reason, in the order of the list.
fn exceptions(list: &[Expected]) -> String {
    let mut reasons: Vec<&str> = Vec::new();
    for entry in list {
        if !reasons.contains(&entry.reason.as_str()) {
            reasons.push(&entry.reason);
        }
    }
    let mut text = String::new();
    for reason in reasons {
        let meant: Vec<&Expected> = list.iter().filter(|entry| entry.reason == reason).collect();
        let mut scenarios: Vec<&str> = Vec::new();
        for entry in &meant {
            if !scenarios.contains(&entry.scenario.as_str()) {
                scenarios.push(&entry.scenario);
            }
        }
        let scenarios: Vec<String> = scenarios.iter().map(|name| format!("`{name}`")).collect();
        let is_everywhere = meant.iter().all(|entry| entry.places.len() > 1);
        let place = match (is_everywhere, meant[0].places.first()) {
            (false, Some(place)) => title(place).map(|title| format!(" ({title})")).unwrap_or_default(),
            _ => String::new(),
        };
        let _ = writeln!(text, "- {}{place}: {reason}.", scenarios.join(", "));
    }
    text
}

fn title(place: &str) -> Option<&'static str> {
    PLACES.iter().find(|(name, _)| *name == place).map(|(_, title)| *title)
}

#[cfg(test)]
mod tests {
    use super::exceptions;
    use crate::expected::Expected;

    #[test]
    fn scenarios_of_one_reason_stand_together() {
        let entry = |scenario: &str, places: &[&str], reason: &str| Expected {
            revision: "1".to_owned(),
            places: places.iter().map(|place| (*place).to_owned()).collect(),
            scenario: scenario.to_owned(),
            reason: reason.to_owned(),
        };
        let list = [
            entry("a", &["dual", "modern"], "not yet"),
            entry("b", &["legacy"], "never"),
            entry("c", &["dual", "modern"], "not yet"),
        ];
        assert_eq!(exceptions(&list), "- `a`, `c`: not yet.\n- `b` (our legacy server): never.\n");
    }
}
