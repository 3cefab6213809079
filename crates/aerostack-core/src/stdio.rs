//! Servers that are programs: started by the gateway, spoken to over standard input and output.
//!
//! What is run is an operator's word. A program gets the secrets of its install in its environment, and
//! a variable can make a program run anything, so which secrets others than operators may set is part of
//! the same word.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use url::Url;

use crate::secret::{SECRETS_MAX, SecretName};

/// Most words of a command.
pub const COMMAND_MAX_WORDS: usize = 256;
/// Most bytes of a command, and of all plain settings together.
pub const COMMAND_MAX_BYTES: usize = 16 * 1_024;
/// Most plain settings.
pub const SETTINGS_MAX: usize = 64;
/// What the address of such a server begins with.
pub const SCHEME: &str = "stdio";

/// What is run, with what around it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StdioCommand {
    /// The program and its arguments. No shell reads them.
    pub command: Vec<String>,
    /// Plain settings, put into its environment. Everybody who sees the catalogue sees them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// The secrets that others than operators may set for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<SecretName>,
}

/// Why nothing can be run so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StdioError {
    /// There is no program.
    #[error("a command names a program")]
    Empty,
    /// It is too long.
    #[error("a command has at most {COMMAND_MAX_WORDS} words and {COMMAND_MAX_BYTES} bytes")]
    TooLong,
    /// The settings are too many or too long.
    #[error("a command has at most {SETTINGS_MAX} settings, of {COMMAND_MAX_BYTES} bytes together")]
    TooManySettings,
    /// No operating system takes a NUL.
    #[error("a command and its settings hold no NUL")]
    Nul,
    /// A variable cannot be called so.
    #[error("'{0}' cannot be the name of a setting: letters, digits and _, not a digit first")]
    Name(String),
    /// There are too many names of secrets.
    #[error("a server has at most {SECRETS_MAX} secrets")]
    TooManySecrets,
    /// One name, two meanings.
    #[error("{0} is a secret and a plain setting")]
    Twice(SecretName),
}

impl StdioCommand {
    /// Checks that it can be run and stored.
    ///
    /// # Errors
    /// [`StdioError`], the first that applies.
    pub fn check(&self) -> Result<(), StdioError> {
        let settings = || self.env.iter().flat_map(|(name, value)| [name, value]);
        let bytes = |texts: &mut dyn Iterator<Item = &String>| texts.map(String::len).sum::<usize>();
        if self.command.first().is_none_or(String::is_empty) {
            return Err(StdioError::Empty);
        }
        if self.command.len() > COMMAND_MAX_WORDS || bytes(&mut self.command.iter()) > COMMAND_MAX_BYTES {
            return Err(StdioError::TooLong);
        }
        if self.env.len() > SETTINGS_MAX || bytes(&mut settings()) > COMMAND_MAX_BYTES {
            return Err(StdioError::TooManySettings);
        }
        if self.command.iter().chain(settings()).any(|text| text.contains('\0')) {
            return Err(StdioError::Nul);
        }
        if let Some(name) = self.env.keys().find(|name| !is_variable(name)) {
            return Err(StdioError::Name(crate::text::clean_line(name, crate::text::NAME_MAX_CHARS)));
        }
        if self.secrets.len() > SECRETS_MAX as usize {
            return Err(StdioError::TooManySecrets);
        }
        match self.secrets.iter().find(|name| self.env.contains_key(name.as_str())) {
            Some(name) => Err(StdioError::Twice(name.clone())),
            None => Ok(()),
        }
    }

    /// Its address: a digest of command and settings. A secret is bound to it, so that another command is
    /// not given what was meant for this one.
    ///
    /// # Panics
    /// Never: a digest in hex is a part of any address.
    #[must_use]
    pub fn address(&self) -> Url {
        let mut digest = Sha256::new();
        let mut add = |text: &str| {
            digest.update((text.len() as u64).to_be_bytes());
            digest.update(text);
        };
        add(&self.command.len().to_string());
        self.command.iter().for_each(|word| add(word));
        for (name, value) in &self.env {
            add(name);
            add(value);
        }
        let mut address = format!("{SCHEME}:");
        for byte in digest.finalize() {
            let _ = write!(address, "{byte:02x}");
        }
        Url::parse(&address).expect("a digest in hex is an address")
    }
}

/// The command as a person would type it, words with anything odd in them in quotes.
impl fmt::Display for StdioCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, word) in self.command.iter().enumerate() {
            f.write_str(if index > 0 { " " } else { "" })?;
            let is_plain =
                |character: char| character.is_ascii_alphanumeric() || "-_./:=@,+%".contains(character);
            if !word.is_empty() && word.chars().all(is_plain) {
                f.write_str(word)?;
            } else {
                let text: String = word.chars().filter(|character| !character.is_control()).collect();
                write!(f, "'{}'", text.replace('\'', r"'\''"))?;
            }
        }
        Ok(())
    }
}

fn is_variable(name: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !name.is_empty() && !name.starts_with(|first: char| first.is_ascii_digit()) && name.bytes().all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(words: &[&str]) -> StdioCommand {
        let command = words.iter().map(|word| (*word).to_owned()).collect();
        StdioCommand { command, env: BTreeMap::new(), secrets: Vec::new() }
    }

    fn with(name: &str, value: &str) -> StdioCommand {
        StdioCommand { env: [(name.to_owned(), value.to_owned())].into(), ..command(&["npx"]) }
    }

    #[test]
    fn what_cannot_be_run_is_refused() {
        assert_eq!(command(&["npx", "-y", ""]).check(), Ok(()));
        assert_eq!(command(&[]).check(), Err(StdioError::Empty));
        assert_eq!(command(&["", "x"]).check(), Err(StdioError::Empty));
        assert_eq!(command(&["x"; 257]).check(), Err(StdioError::TooLong));
        assert_eq!(command(&[&"x".repeat(16_385)]).check(), Err(StdioError::TooLong));
        assert_eq!(command(&["a\0b"]).check(), Err(StdioError::Nul));
        assert_eq!(with("API_URL", "https://x.test/?a=b").check(), Ok(()));
        assert_eq!(with("API_URL", "\0").check(), Err(StdioError::Nul));
        for bad in ["", "1A", "A=B", "A B", "Ä"] {
            assert_eq!(with(bad, "x").check(), Err(StdioError::Name(bad.to_owned())), "{bad}");
        }
        let name = SecretName::normalise("TOKEN").unwrap();
        let twice = StdioCommand { secrets: vec![name.clone()], ..with("TOKEN", "x") };
        assert_eq!(twice.check(), Err(StdioError::Twice(name)));
    }

    #[test]
    fn another_command_or_setting_is_another_address() {
        let all = [
            command(&["npx"]),
            command(&["npx", ""]),
            command(&["npx", "a", "b"]),
            command(&["npx", "ab"]),
            command(&["npx", "a b"]),
            with("A", "b"),
            with("A", "c"),
        ];
        let addresses: std::collections::BTreeSet<Url> = all.iter().map(StdioCommand::address).collect();
        assert_eq!(addresses.len(), all.len());
        let address = command(&["npx"]).address();
        assert_eq!((address.scheme(), address.as_str().len()), ("stdio", 70));
        let named = StdioCommand { secrets: vec![SecretName::normalise("A").unwrap()], ..command(&["npx"]) };
        assert_eq!(named.address(), address, "who may set a secret does not move it");
    }

    #[test]
    fn a_command_is_shown_as_it_is_typed() {
        let shown = command(&["npx", "-y", "@scope/server", "/a dir", "it's", ""]).to_string();
        assert_eq!(shown, r"npx -y @scope/server '/a dir' 'it'\''s' ''");
    }
}
