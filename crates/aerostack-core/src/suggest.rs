//! "Did you mean": the names closest to one that was not found.

/// Most names ever suggested.
pub const SUGGESTIONS_MAX: usize = 3;
const SIMILARITY_FLOOR: f64 = 0.4;

/// The closest of `known` to `wanted`, best first, at most [`SUGGESTIONS_MAX`], none that is far off.
#[must_use]
pub fn closest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted = wanted.to_lowercase();
    let mut scored: Vec<(f64, &str)> = known
        .into_iter()
        .map(|name| (score(&wanted, &name.to_lowercase()), name))
        .filter(|(score, _)| *score >= SIMILARITY_FLOOR)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    scored.dedup_by(|a, b| a.1 == b.1);
    scored.into_iter().take(SUGGESTIONS_MAX).map(|(_, name)| name).collect()
}

fn score(wanted: &str, name: &str) -> f64 {
    if name.starts_with(wanted) && !wanted.is_empty() {
        return 1.0;
    }
    let likeness = strsim::normalized_damerau_levenshtein;
    match (wanted.split_once('@'), name.split_once('@')) {
        // Addresses of one company are alike by their ends alone; another person is no misspelling.
        (Some((person, place)), Some((known, at))) => likeness(person, known) * likeness(place, at),
        _ => likeness(wanted, name),
    }
}

/// The hint line for a name that was not found: `did you mean 'a' or 'b'?`; `None` if nothing is close.
#[must_use]
pub fn hint<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let names: Vec<String> = closest(wanted, known).into_iter().map(|name| format!("'{name}'")).collect();
    (!names.is_empty()).then(|| format!("did you mean {}?", names.join(" or ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_names_are_suggested_and_far_ones_are_not() {
        let known = ["Alice Chen", "Bob Singh", "Alice Cheng (laptop)"];
        assert_eq!(closest("Alice Chan", known), ["Alice Chen", "Alice Cheng (laptop)"]);
        assert_eq!(
            hint("alice", known).as_deref(),
            Some("did you mean 'Alice Chen' or 'Alice Cheng (laptop)'?")
        );
        assert_eq!(hint("Zoë", known), None);
    }

    #[test]
    fn addresses_are_not_close_for_being_of_one_company() {
        let known = ["anna@company.com", "bob@company.com", "alice@other.org"];
        assert_eq!(hint("alice@company.com", known), None);
        assert_eq!(hint("nobody@x.com", known), None);
        assert_eq!(closest("ana@company.com", known), ["anna@company.com"]);
        assert_eq!(closest("bob@compny.com", known), ["bob@company.com"]);
    }
}
