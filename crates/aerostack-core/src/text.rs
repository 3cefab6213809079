//! Text that strangers send: what a display name may hold, and how text is made fit to store.

/// Most characters of a display name or token name.
pub const NAME_MAX_CHARS: usize = 100;
/// Most characters of a description.
pub const DESCRIPTION_MAX_CHARS: usize = 500;

/// A name that is empty, too long, or has control characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a name has 1 to 100 characters and no control characters")]
pub struct NameError;

/// Reads a display name: outer blanks dropped, 1 to 100 characters, no control characters.
///
/// # Errors
/// [`NameError`] otherwise.
pub fn parse_name(text: &str) -> Result<String, NameError> {
    let name = text.trim();
    let fits =
        !name.is_empty() && name.chars().count() <= NAME_MAX_CHARS && !name.chars().any(is_unprintable);
    if fits { Ok(name.to_owned()) } else { Err(NameError) }
}

/// Makes any text storable and showable on one line: control characters become U+FFFD, and the
/// text is cut at `max_chars`.
#[must_use]
pub fn clean_line(text: &str, max_chars: usize) -> String {
    text.trim().chars().take(max_chars).map(|c| if is_unprintable(c) { '\u{fffd}' } else { c }).collect()
}

/// Control characters, and the invisible marks that reorder the text around them: a name that
/// could turn a table round is no name.
fn is_unprintable(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_trimmed_and_bounded_in_characters_not_bytes() {
        assert_eq!(parse_name("  Alice Chen "), Ok("Alice Chen".to_owned()));
        assert!(parse_name(&"李".repeat(100)).is_ok());
        for bad in ["", "   ", "a\nb", "a\u{0}b", "\u{202e}evil", &"x".repeat(101)] {
            assert_eq!(parse_name(bad), Err(NameError));
        }
    }

    #[test]
    fn unprintable_characters_are_replaced_when_text_is_cleaned() {
        assert_eq!(clean_line(" a\u{0}b\n", 10), "a\u{fffd}b");
        assert_eq!(clean_line("abcdef", 3), "abc");
    }
}
