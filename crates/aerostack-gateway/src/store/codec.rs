//! From columns to core's values and back. A column that cannot be read back is an error that names
//! it, never a guess: somebody else wrote it.

use std::str::FromStr;
use std::time::Duration;

use aerostack_core::account::AccountKind;
use aerostack_core::bearer::TokenDigest;
use aerostack_core::skill::Version;
use aerostack_core::time::Timestamp;

use super::error::StoreError;

/// Reads a word of a closed vocabulary.
pub(super) fn word<T: FromStr>(text: &str, what: &'static str) -> Result<T, StoreError> {
    text.parse().map_err(|_| StoreError::Unreadable { what })
}

/// Reads a digest of 32 bytes.
pub(super) fn digest(bytes: &[u8], what: &'static str) -> Result<TokenDigest, StoreError> {
    TokenDigest::from_bytes(bytes).ok_or(StoreError::Unreadable { what })
}

/// Reads a number that is small and not negative.
pub(super) fn number<T: TryFrom<i64>>(value: i64, what: &'static str) -> Result<T, StoreError> {
    T::try_from(value).map_err(|_| StoreError::Unreadable { what })
}

/// Reads a yes or no.
pub(super) const fn flag(value: i64, what: &'static str) -> Result<bool, StoreError> {
    match value {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(StoreError::Unreadable { what }),
    }
}

/// Reads a moment that may be missing.
pub(super) fn moment(value: Option<i64>) -> Option<Timestamp> {
    value.map(Timestamp::from_millis)
}

/// Writes a moment that may be missing.
pub(super) fn millis(moment: Option<Timestamp>) -> Option<i64> {
    moment.map(Timestamp::as_millis)
}

/// Reads a span in milliseconds that may be missing.
pub(super) fn span(value: Option<i64>, what: &'static str) -> Result<Option<Duration>, StoreError> {
    value.map(|value| number(value, what).map(Duration::from_millis)).transpose()
}

/// Writes a span in milliseconds that may be missing.
pub(super) fn span_millis(span: Option<Duration>) -> Option<i64> {
    span.map(|span| i64::try_from(span.as_millis()).unwrap_or(i64::MAX))
}

/// Reads a version of a skill from its number.
pub(super) fn version(number: i64) -> Result<Version, StoreError> {
    Version::from_number(number).ok_or(StoreError::Unreadable { what: "skill_versions.number" })
}

/// Reads what an account may do to the installation.
pub(super) fn account_kind(text: &str) -> Result<AccountKind, StoreError> {
    [AccountKind::Operator, AccountKind::Person]
        .into_iter()
        .find(|kind| account_kind_word(*kind) == text)
        .ok_or(StoreError::Unreadable { what: "accounts.kind" })
}

/// The word an account's kind is stored as.
pub(super) const fn account_kind_word(kind: AccountKind) -> &'static str {
    match kind {
        AccountKind::Operator => "operator",
        AccountKind::Person => "person",
    }
}
