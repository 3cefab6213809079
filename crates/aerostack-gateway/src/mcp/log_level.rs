//! The levels of log messages.

/// All levels, least first (RFC 5424, as the protocol names them).
pub(super) const LEVELS: [&str; 8] =
    ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];

/// A level by its name.
#[must_use]
pub(super) fn level(name: &str) -> Option<&'static str> {
    LEVELS.into_iter().find(|level| *level == name)
}

/// Tells whether a message of a level is wanted by who asked for `least`; one of no known level is.
#[must_use]
pub(super) fn is_wanted(name: &str, least: &str) -> bool {
    let rank = |name: &str| LEVELS.iter().position(|level| *level == name);
    rank(name).is_none_or(|rank_of| Some(rank_of) >= rank(least))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_the_level_and_above_are_wanted() {
        assert!(is_wanted("error", "error") && is_wanted("alert", "info") && is_wanted("odd", "error"));
        assert!(!is_wanted("debug", "info"));
        assert_eq!((level("info"), level("INFO")), (Some("info"), None));
    }
}
