//! Text that strangers send: what a display name may hold, and how text is made fit to store.

use crate::bearer;

/// Most characters of a display name or token name.
pub const NAME_MAX_CHARS: usize = 100;
/// Most characters of a description.
pub const DESCRIPTION_MAX_CHARS: usize = 500;

/// Why a text is no name. The text itself is in no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// It is empty, too long, or has control characters.
    #[error("a name has 1 to 100 characters and no control characters")]
    Unfit,
    /// Somebody pasted a credential: names are shown, logged and kept for ever.
    #[error("a name holds no token, key or link")]
    Credential,
}

/// Reads a display name: outer blanks dropped, 1 to 100 characters, no control characters, and no
/// credential in it.
///
/// # Errors
/// [`NameError`] otherwise.
pub fn parse_name(text: &str) -> Result<String, NameError> {
    let name = text.trim();
    let fits =
        !name.is_empty() && name.chars().count() <= NAME_MAX_CHARS && !name.chars().any(is_unprintable);
    if !fits {
        return Err(NameError::Unfit);
    }
    if bearer::stands_in(name) { Err(NameError::Credential) } else { Ok(name.to_owned()) }
}

/// Makes any text storable and showable on one line: control characters become U+FFFD, and the
/// text is cut at `max_chars`.
#[must_use]
pub fn clean_line(text: &str, max_chars: usize) -> String {
    text.trim().chars().take(max_chars).map(|c| if is_unprintable(c) { '\u{fffd}' } else { c }).collect()
}

/// Control characters, and the invisible marks that reorder the text around them: a name that
/// could turn a table round is no name.
pub(crate) fn is_unprintable(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use crate::bearer::{RawToken, TokenKind};

    #[test]
    fn names_are_trimmed_and_bounded_in_characters_not_bytes() {
        assert_eq!(parse_name("  Alice Chen "), Ok("Alice Chen".to_owned()));
        assert!(parse_name(&"李".repeat(100)).is_ok());
        for bad in ["", "   ", "a\nb", "a\u{0}b", "\u{202e}evil", &"x".repeat(101)] {
            assert_eq!(parse_name(bad), Err(NameError::Unfit));
        }
    }

    #[test]
    fn a_name_that_holds_a_token_key_or_link_is_none() {
        for kind in [TokenKind::Workspace, TokenKind::AccountKey, TokenKind::JoinLink] {
            let raw = RawToken::generate(kind, "alice", &mut StdRng::seed_from_u64(1));
            let text = raw.expose();
            for bad in
                [text.to_owned(), format!("old {text}"), format!("({text}) Alice"), format!("x{text}0")]
            {
                assert_eq!(parse_name(&bad).unwrap_err().to_string(), "a name holds no token, key or link");
            }
            assert!(parse_name(&text[..text.len() - 1]).is_ok(), "a text that nobody ever issued");
        }
    }

    #[test]
    fn unprintable_characters_are_replaced_when_text_is_cleaned() {
        assert_eq!(clean_line(" a\u{0}b\n", 10), "a\u{fffd}b");
        assert_eq!(clean_line("abcdef", 3), "abc");
    }
}
