//! The names that stand in addresses: of workspaces, servers, skills and people.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

/// Fewest characters of a slug.
pub const SLUG_MIN_LEN: usize = 2;
/// Most characters of a slug.
pub const SLUG_MAX_LEN: usize = 32;

/// `[a-z0-9]+(-[a-z0-9]+)*`, 2 to 32 characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, utoipa::ToSchema)]
#[schema(value_type = String, pattern = "^[a-z0-9]+(-[a-z0-9]+)*$", min_length = 2, max_length = 32)]
#[serde(transparent)]
pub struct Slug(String);

/// A text that is no slug.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected 2 to 32 of a-z and 0-9, with single hyphens between them")]
pub struct SlugError;

impl Slug {
    /// Reads a slug as it stands.
    ///
    /// # Errors
    /// [`SlugError`] when length or characters do not fit; nothing is corrected.
    pub fn parse(text: &str) -> Result<Self, SlugError> {
        if Self::is_one(text) { Ok(Self(text.to_owned())) } else { Err(SlugError) }
    }

    /// Tells whether a text is a slug.
    #[must_use]
    pub fn is_one(text: &str) -> bool {
        let fits_length = (SLUG_MIN_LEN..=SLUG_MAX_LEN).contains(&text.len());
        let fits_words = text.split('-').all(|word| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        });
        fits_length && fits_words
    }

    /// Makes a slug from a display name: `My Team!` becomes `my-team`.
    ///
    /// # Errors
    /// [`SlugError`] when fewer than two usable characters are left.
    pub fn from_name(name: &str) -> Result<Self, SlugError> {
        let mut text = String::new();
        for character in name.chars().map(|c| c.to_ascii_lowercase()) {
            if character.is_ascii_alphanumeric() {
                text.push(character);
            } else if !text.is_empty() && !text.ends_with('-') && !character.is_alphanumeric() {
                text.push('-');
            }
        }
        text.truncate(SLUG_MAX_LEN);
        Self::parse(text.trim_end_matches('-'))
    }

    /// Takes a slug back from where it was stored by us.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for Slug {
    type Err = SlugError;

    fn from_str(text: &str) -> Result<Self, SlugError> {
        Self::parse(text)
    }
}

impl<'de> Deserialize<'de> for Slug {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_lower_case_words_with_single_hyphens_are_slugs() {
        for good in ["ab", "eng-full", "a1-b2-c3", "x".repeat(32).as_str()] {
            assert!(Slug::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "a", "-ab", "ab-", "a--b", "Ab", "a b", "ä1", "a_b", "x".repeat(33).as_str()] {
            assert_eq!(Slug::parse(bad), Err(SlugError), "{bad}");
        }
    }

    #[test]
    fn a_display_name_becomes_a_slug() {
        assert_eq!(Slug::from_name("My  Team!").as_ref().map(Slug::as_str), Ok("my-team"));
        assert_eq!(Slug::from_name("Łódź Office").as_ref().map(Slug::as_str), Ok("d-office"));
        assert_eq!(Slug::from_name("李雷"), Err(SlugError));
    }

    proptest! {
        #[test]
        fn whatever_a_name_gives_is_a_slug(name in ".{0,80}") {
            if let Ok(slug) = Slug::from_name(&name) {
                prop_assert_eq!(Slug::parse(slug.as_str()), Ok(slug.clone()));
            }
        }
    }
}
