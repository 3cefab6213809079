//! Accounts: people with a login. The username is the namespace (`@acme`).

use std::fmt;

use rand::CryptoRng;
use serde::{Deserialize, Deserializer, Serialize};

use crate::bearer::{RawToken, TokenDigest, TokenKind};
use crate::id::{AccountId, KeyId};
use crate::plan::Plan;
use crate::slug::Slug;
use crate::text::{NameError, is_unprintable, parse_name};
use crate::time::Timestamp;

/// Most bytes of an e-mail address (RFC 5321, 4.5.3.1.3).
pub const EMAIL_MAX_LEN: usize = 254;
/// Most active keys of one account.
pub const KEYS_MAX: u32 = 100;

/// An e-mail address: something before and after one `@`, no blanks, lower-cased.
///
/// It is not proven that anyone reads mail there.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, utoipa::ToSchema)]
#[schema(value_type = String, format = Email)]
#[serde(transparent)]
pub struct Email(String);

/// A text that is no e-mail address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected an e-mail address such as alice@company.com")]
pub struct EmailError;

impl Email {
    /// Reads an address.
    ///
    /// # Errors
    /// [`EmailError`] when it cannot be one.
    pub fn parse(text: &str) -> Result<Self, EmailError> {
        let text = text.trim();
        let (local, domain) = text.rsplit_once('@').ok_or(EmailError)?;
        let unfit = |c: char| {
            c.is_whitespace() || is_unprintable(c) || matches!(c, '<' | '>' | '"' | ',' | ';' | '@')
        };
        let fits = !local.is_empty()
            && !domain.is_empty()
            && !domain.starts_with('.')
            && !domain.ends_with('.')
            && text.len() <= EMAIL_MAX_LEN
            && !local.contains(unfit)
            && !domain.contains(unfit);
        if fits { Ok(Self(text.to_lowercase())) } else { Err(EmailError) }
    }

    /// Takes an address back from where it was stored by us.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Email {
    /// Addresses stay out of debug output, which ends in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(…)")
    }
}

impl std::str::FromStr for Email {
    type Err = EmailError;

    fn from_str(text: &str) -> Result<Self, EmailError> {
        Self::parse(text)
    }
}

impl<'de> Deserialize<'de> for Email {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// What an account may do to the installation itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AccountKind {
    /// Runs the installation: plans, limits, stdio servers.
    Operator,
    /// Everybody else.
    Person,
}

/// An account as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its identifier.
    pub id: AccountId,
    /// Its address.
    pub email: Email,
    /// Whether its holder has shown to read mail there, or an operator vouched for it.
    ///
    /// Nothing is given on the strength of an address that is not verified.
    pub email_verified: bool,
    /// Its namespace.
    pub username: Slug,
    /// Its plan.
    pub plan: Plan,
    /// Operator or not.
    pub kind: AccountKind,
    /// Raised by every change that counts per account.
    pub revision: i64,
    /// When it was created.
    pub created_at: Timestamp,
}

/// An account key as it is stored: everything but its text.
#[derive(Clone, Debug)]
pub struct AccountKey {
    /// Its identifier.
    pub id: KeyId,
    /// The account it signs in.
    pub account: AccountId,
    /// What it is for.
    pub name: String,
    /// SHA-256 of its text.
    pub digest: TokenDigest,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last signed anything in; within a minute.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// An account key that is to be written, and its text, which only one reply shows.
#[derive(Debug)]
pub struct IssuedKey {
    /// What to store.
    pub key: AccountKey,
    /// What to show once.
    pub raw: RawToken,
}

/// Decides over a new account key.
///
/// # Errors
/// [`NameError`] when the name cannot be one.
pub fn issue_key(
    account: AccountId,
    name: &str,
    now: Timestamp,
    rng: &mut dyn CryptoRng,
) -> Result<IssuedKey, NameError> {
    let name = parse_name(name)?;
    let raw = RawToken::generate(TokenKind::AccountKey, "", rng);
    let key = AccountKey {
        id: KeyId::new(now, rng),
        account,
        name,
        digest: raw.digest(),
        created_at: now,
        last_used_at: None,
        revoked_at: None,
    };
    Ok(IssuedKey { key, raw })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_lower_cased_and_nonsense_is_refused() {
        assert_eq!(Email::parse(" Alice@Company.COM ").unwrap().as_str(), "alice@company.com");
        for bad in [
            "",
            "alice",
            "@x.com",
            "a@",
            "a b@x.com",
            "a@x..",
            "<a@x.com>",
            "a@b@c.com",
            "\u{202e}ecila@x.com",
        ] {
            assert_eq!(Email::parse(bad), Err(EmailError), "{bad}");
        }
        assert_eq!(format!("{:?}", Email::parse("a@b.c").unwrap()), "Email(…)");
    }
}
