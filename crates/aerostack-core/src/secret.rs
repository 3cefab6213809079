//! Secrets: upstream credentials, each of one workspace and one server installed there.
//!
//! A secret's value is text that somebody typed once. It is sealed before it is stored, and bound to
//! its workspace, its install, the address the server had then, and its name: a value that is put
//! anywhere else does not open.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use crate::id::{InstallId, WorkspaceId};
use crate::time::Timestamp;

/// Most characters of a secret's name.
pub const SECRET_NAME_MAX_LEN: usize = 64;
/// Most bytes of a secret's value.
pub const SECRET_VALUE_MAX_BYTES: usize = 8 * 1_024;
/// Most secrets of one installed server.
pub const SECRETS_MAX: u32 = 32;

/// The name of a secret: upper-case letters, digits and `_`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, utoipa::ToSchema)]
#[schema(value_type = String, example = "GITHUB_TOKEN")]
#[serde(transparent)]
pub struct SecretName(String);

/// A text that no name can be made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a secret's name has 1 to {SECRET_NAME_MAX_LEN} characters, one of them a letter or digit")]
pub struct SecretNameError;

impl SecretName {
    /// Makes a name of what somebody typed: upper case, every other character a `_`.
    ///
    /// # Errors
    /// [`SecretNameError`] when it is too long, or holds neither letter nor digit.
    pub fn normalise(text: &str) -> Result<Self, SecretNameError> {
        let text = text.trim();
        let name: String = text
            .chars()
            .map(|character| match character.to_ascii_uppercase() {
                letter @ ('A'..='Z' | '0'..='9') => letter,
                _ => '_',
            })
            .collect();
        let fits = name.len() <= SECRET_NAME_MAX_LEN && name.bytes().any(|byte| byte != b'_');
        if fits { Ok(Self(name)) } else { Err(SecretNameError) }
    }

    /// Takes a name back from where it was stored by us.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The whole text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The header that carries it where servers take secrets in headers: `X-Mcp-Secret-GITHUB-TOKEN`.
    #[must_use]
    pub fn header(&self) -> String {
        format!("X-Mcp-Secret-{}", self.0.replace('_', "-"))
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for SecretName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::normalise(&text).map_err(serde::de::Error::custom)
    }
}

/// How a secret reaches its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carriage {
    /// As `Authorization: Bearer <value>`.
    Bearer,
    /// As a header of its own.
    Header,
    /// In the body of a call, under its name.
    Body,
    /// As a variable of a program's environment, under its name.
    Environment,
}

impl Carriage {
    /// Tells whether it stands in a header, where not every value can.
    #[must_use]
    pub const fn is_header(self) -> bool {
        matches!(self, Self::Bearer | Self::Header)
    }

    /// The place as people read it, without the value.
    #[must_use]
    pub fn line(self, name: &SecretName) -> String {
        match self {
            Self::Bearer => "Authorization: Bearer …".to_owned(),
            Self::Header => format!("{}: …", name.header()),
            Self::Body => format!("{{\"secrets\":{{\"{name}\":\"…\"}}}}"),
            Self::Environment => format!("{name}=… in the environment"),
        }
    }
}

/// The value of a secret. Not shown by `Debug`; wiped on drop.
#[derive(Clone)]
pub struct SecretValue(SecretString);

/// Why a text cannot be a secret's value. The text itself is in no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretValueError {
    /// There is none.
    #[error("the value is empty")]
    Empty,
    /// It is too long.
    #[error("a secret's value has at most {SECRET_VALUE_MAX_BYTES} bytes")]
    TooLong,
    /// It could not be sent in a header as it is.
    #[error(
        "the value is sent in a header: it holds no line breaks or other control characters, and no blanks around it"
    )]
    NoHeader,
}

impl SecretValue {
    /// Takes a value as it was typed.
    ///
    /// # Errors
    /// [`SecretValueError::Empty`], [`SecretValueError::TooLong`].
    pub fn new(text: String) -> Result<Self, SecretValueError> {
        let text = Zeroizing::new(text);
        match text.len() {
            0 => Err(SecretValueError::Empty),
            1..=SECRET_VALUE_MAX_BYTES => Ok(Self(SecretString::from(text.as_str()))),
            _ => Err(SecretValueError::TooLong),
        }
    }

    /// Checks that it arrives in a header as it was typed.
    ///
    /// # Errors
    /// [`SecretValueError::NoHeader`] otherwise.
    pub fn check_header(&self) -> Result<(), SecretValueError> {
        let text = self.expose();
        let fits = text.trim() == text && !text.chars().any(char::is_control);
        if fits { Ok(()) } else { Err(SecretValueError::NoHeader) }
    }

    /// The text itself. For the vault that seals it, and for the credential that is sent.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretValue(…)")
    }
}

impl Serialize for SecretValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.expose())
    }
}

impl<'de> Deserialize<'de> for SecretValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// Serde's own messages quote what they did not expect, which may be the secret.
        struct Text;

        impl serde::de::Visitor<'_> for Text {
            type Value = String;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<String, E> {
                Ok(text.to_owned())
            }

            fn visit_string<E: serde::de::Error>(self, text: String) -> Result<String, E> {
                Ok(text)
            }

            fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<String, E> {
                Err(no_text())
            }

            fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<String, E> {
                Err(no_text())
            }

            fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<String, E> {
                Err(no_text())
            }

            fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<String, E> {
                Err(no_text())
            }
        }

        fn no_text<E: serde::de::Error>() -> E {
            E::custom("the value is a text")
        }

        let text = deserializer.deserialize_any(Text)?;
        Self::new(text).map_err(serde::de::Error::custom)
    }
}

/// What a sealed value is bound to: put anywhere else, it does not open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretPlace {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The installed server.
    pub install: InstallId,
    /// The server's address when the value was given: whoever moves the server does not get the value.
    pub address: String,
    /// The name.
    pub name: SecretName,
}

impl SecretPlace {
    /// Everything it says as bytes, lengths first: no two places give the same.
    #[must_use]
    pub fn bytes(&self, key_id: &str) -> Vec<u8> {
        let texts =
            [self.workspace.as_str(), self.install.as_str(), &self.address, self.name.as_str(), key_id];
        let mut bytes = Vec::new();
        for text in texts {
            bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        bytes
    }
}

/// A secret as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedSecret {
    /// What it is bound to.
    pub place: SecretPlace,
    /// Which master key it is sealed under.
    pub key_id: String,
    /// Nonce and ciphertext.
    pub sealed: Vec<u8>,
    /// The workspace's revision at which the value was given: another value, another revision.
    pub revision: i64,
    /// When it was first set.
    pub created_at: Timestamp,
    /// When its value was last set.
    pub updated_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name(text: &str) -> Result<String, SecretNameError> {
        SecretName::normalise(text).map(|name| name.to_string())
    }

    #[test]
    fn a_place_is_shown_as_it_is_sent_and_without_the_value() {
        let name = SecretName::normalise("deploy-key").unwrap();
        assert_eq!(Carriage::Bearer.line(&name), "Authorization: Bearer …");
        assert_eq!(Carriage::Header.line(&name), "X-Mcp-Secret-DEPLOY-KEY: …");
        assert_eq!(Carriage::Body.line(&name), "{\"secrets\":{\"DEPLOY_KEY\":\"…\"}}");
    }

    #[test]
    fn names_are_upper_case_and_everything_else_is_a_line() {
        assert_eq!(name("github-token"), Ok("GITHUB_TOKEN".to_owned()));
        assert_eq!(name(" API.key 2 "), Ok("API_KEY_2".to_owned()));
        assert_eq!(name("Straße"), Ok("STRA_E".to_owned()));
        for bad in ["", "  ", "---", "ключ", &"A".repeat(65)] {
            assert_eq!(name(bad), Err(SecretNameError), "{bad}");
        }
        assert_eq!(SecretName::normalise("github-token").unwrap().header(), "X-Mcp-Secret-GITHUB-TOKEN");
    }

    #[test]
    fn values_are_bounded_and_fit_a_header_or_say_so() {
        let fits = |text: &str| SecretValue::new(text.to_owned()).unwrap().check_header();
        assert_eq!(SecretValue::new(String::new()).err(), Some(SecretValueError::Empty));
        assert_eq!(SecretValue::new("x".repeat(8_193)).err(), Some(SecretValueError::TooLong));
        assert_eq!(fits("ghp_naïve value"), Ok(()));
        for bad in ["a\nb", "a\r\nX-Evil: 1", " a", "a\t", "\u{7f}"] {
            assert_eq!(fits(bad), Err(SecretValueError::NoHeader), "{bad:?}");
        }
    }

    #[test]
    fn what_is_no_value_is_not_quoted_and_a_value_is_not_shown() {
        for bad in ["123456789", "[\"123456789\"]", "{\"123456789\":1}", "true", "null", "1.23456789"] {
            let error = serde_json::from_str::<SecretValue>(bad).unwrap_err().to_string();
            assert!(!error.contains("123456789") && !error.contains("1.23"), "{error}");
        }
        let value: SecretValue = serde_json::from_str("\"123456789\"").unwrap();
        assert_eq!(format!("{value:?}"), "SecretValue(…)");
    }

    proptest! {
        #[test]
        fn a_name_is_its_own_normal_form(text in ".{0,80}") {
            if let Ok(once) = SecretName::normalise(&text) {
                prop_assert_eq!(SecretName::normalise(once.as_str()), Ok(once.clone()));
                prop_assert!(once.as_str().bytes().all(|byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_')));
            }
        }
    }
}
