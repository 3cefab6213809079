//! What is known to fail of the official suite, as `expected-failures.txt` says with reasons.

/// A line of the list.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    /// The revision whose requirements are meant.
    pub(crate) revision: String,
    /// Where it fails.
    pub(crate) places: Vec<String>,
    /// The scenario, or all below it where it ends in `/*`.
    pub(crate) scenario: String,
    /// Why.
    pub(crate) reason: String,
}

/// What came of the scenarios at one place.
pub(crate) struct Outcome {
    /// The revision whose requirements they are.
    pub(crate) revision: &'static str,
    /// The place, as the list calls it.
    pub(crate) place: &'static str,
    /// Scenarios that were run, and whether each passed.
    pub(crate) scenarios: Vec<(String, bool)>,
}

impl Expected {
    /// Reads the list.
    pub(crate) fn list() -> Vec<Self> {
        read(include_str!("expected-failures.txt"))
    }

    /// Whether it is about this scenario at this place.
    pub(crate) fn is_about(&self, revision: &str, place: &str, scenario: &str) -> bool {
        let is_meant = match self.scenario.strip_suffix('*') {
            Some(stem) => scenario.starts_with(stem),
            None => scenario == self.scenario,
        };
        is_meant && self.revision == revision && self.places.iter().any(|own| own == place)
    }

    /// Whether its scenarios are not run at all.
    pub(crate) fn is_left_out(&self) -> bool {
        self.scenario.ends_with("/*")
    }
}

fn read(text: &str) -> Vec<Expected> {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| read_line(line).unwrap_or_else(|| panic!("not a line of the list: {line}"))).collect()
}

fn read_line(line: &str) -> Option<Expected> {
    let (head, reason) = line.split_once(": ")?;
    let [revision, places, scenario]: [&str; 3] = head.split(' ').collect::<Vec<_>>().try_into().ok()?;
    Some(Expected {
        revision: revision.to_owned(),
        places: places.split(',').map(str::to_owned).collect(),
        scenario: scenario.to_owned(),
        reason: reason.to_owned(),
    })
}

impl Outcome {
    /// How many passed.
    pub(crate) fn passed(&self) -> usize {
        self.scenarios.iter().filter(|(_, passed)| *passed).count()
    }

    /// What came out otherwise than the list says, a sentence each.
    pub(crate) fn surprises(&self, list: &[Expected]) -> Vec<String> {
        let Self { revision, place, scenarios } = self;
        let is_listed = |name: &str| list.iter().any(|entry| entry.is_about(revision, place, name));
        let surprises = scenarios.iter().filter_map(|(name, passed)| match (passed, is_listed(name)) {
            (false, false) => Some(format!("{revision}, {place}: {name} fails")),
            (true, true) => Some(format!("{revision}, {place}: {name} passes, but is listed as failing")),
            (true, false) | (false, true) => None,
        });
        let was_run =
            |entry: &&Expected| scenarios.iter().any(|(name, _)| entry.is_about(revision, place, name));
        let here =
            |entry: &&Expected| entry.revision == *revision && entry.places.iter().any(|own| own == place);
        let unknown = list.iter().filter(here).filter(|entry| !entry.is_left_out() && !was_run(entry));
        let unknown =
            unknown.map(|entry| format!("{revision}, {place}: {} is listed, but not run", entry.scenario));
        surprises.chain(unknown).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Outcome, read};

    #[test]
    fn whatever_is_not_as_listed_is_a_surprise() {
        let list =
            read("# a comment\n\n1 here,there known: because\n1 here gone: because\n1 here auth/*: never\n");
        let scenarios = [("known", true), ("new", false), ("fine", true)];
        let scenarios = scenarios.map(|(name, passed)| (name.to_owned(), passed)).to_vec();
        let outcome = Outcome { revision: "1", place: "here", scenarios };
        assert_eq!(
            outcome.surprises(&list),
            [
                "1, here: known passes, but is listed as failing",
                "1, here: new fails",
                "1, here: gone is listed, but not run"
            ]
        );
        let outcome = Outcome { revision: "1", place: "there", scenarios: vec![("known".to_owned(), false)] };
        assert_eq!((outcome.surprises(&list).len(), outcome.passed()), (0, 0));
    }
}
