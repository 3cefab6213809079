//! Reading one setting after the other: flag, variable, default; and noting what was found.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;

use aerostack_core::suggest;

/// What every variable of this program begins with.
const PREFIX: &str = "AEROSTACK_";
/// Variables of tests and build scripts, which nobody mistook for a setting.
const TEST_PREFIX: &str = "AEROSTACK_TEST_";

/// The environment variables that begin with `AEROSTACK_`.
#[derive(Clone, Debug, Default)]
pub struct Environment(BTreeMap<String, OsString>);

impl Environment {
    /// Those of this process.
    #[must_use]
    pub fn of_process() -> Self {
        let variables =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        Self(variables.filter(|(name, _)| name.starts_with(PREFIX)).collect())
    }

    /// These, for tests.
    #[must_use]
    pub fn from_pairs<const N: usize>(pairs: [(&str, &str); N]) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect())
    }

    fn find(&self, name: &str) -> Result<Option<&str>, BadSetting> {
        let Some(value) = self.0.get(name).filter(|value| !value.is_empty()) else {
            return Ok(None);
        };
        value.to_str().map(Some).ok_or_else(|| BadSetting::of(name, "it is not UTF-8"))
    }
}

/// Where an effective setting came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The command line.
    Flag,
    /// An environment variable.
    Environment,
    /// Nobody set it.
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Flag => "flag",
            Self::Environment => "environment",
            Self::Default => "default",
        })
    }
}

/// One effective setting, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its environment variable.
    pub name: &'static str,
    /// Its value; secrets are masked.
    pub value: String,
    /// Where it came from.
    pub source: Source,
}

/// A setting that cannot be used. The message has the name and never a secret value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {reason}")]
pub struct BadSetting {
    /// The environment variable, with the flag where that was used.
    pub name: String,
    /// What is wrong with it, and what would be right.
    pub reason: String,
}

impl BadSetting {
    /// This setting, for this reason.
    #[must_use]
    pub fn of(name: &str, reason: impl Into<String>) -> Self {
        Self { name: name.to_owned(), reason: reason.into() }
    }
}

/// How a value is read from text and shown to people.
pub(super) struct Kind<T> {
    pub(super) parse: fn(&str) -> Result<T, String>,
    pub(super) show: fn(&T) -> String,
}

impl<T> Clone for Kind<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Kind<T> {}

/// Reads settings and remembers them.
pub(super) struct Reader<'a> {
    environment: &'a Environment,
    shown: Vec<Setting>,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(environment: &'a Environment) -> Self {
        Self { environment, shown: Vec::new() }
    }

    /// A setting with a flag: `names` are the flag's and the variable's.
    pub(super) fn value<T>(
        &mut self,
        names: (&str, &'static str),
        flag: Option<&str>,
        kind: Kind<T>,
        default: impl FnOnce() -> Result<T, String>,
    ) -> Result<T, BadSetting> {
        let (flag_name, name) = names;
        let (value, source) = match (flag, self.environment.find(name)?) {
            (Some(text), _) => ((kind.parse)(text), Source::Flag),
            (None, Some(text)) => ((kind.parse)(text), Source::Environment),
            (None, None) => (default(), Source::Default),
        };
        let value = value.map_err(|reason| match source {
            Source::Flag => BadSetting::of(&format!("--{flag_name} ({name})"), reason),
            Source::Environment | Source::Default => BadSetting::of(name, reason),
        })?;
        self.shown.push(Setting { name, value: (kind.show)(&value), source });
        Ok(value)
    }

    /// A setting that is a variable only.
    pub(super) fn variable<T>(
        &mut self,
        name: &'static str,
        kind: Kind<T>,
        default: impl FnOnce() -> Result<T, String>,
    ) -> Result<T, BadSetting> {
        self.value(("", name), None, kind, default)
    }

    /// What was read, and what nobody asked for, with a hint where another name is close.
    pub(super) fn finish(self, others: &[&'static str]) -> (Vec<Setting>, Vec<String>) {
        let known: Vec<&str> =
            self.shown.iter().map(|setting| setting.name).chain(others.iter().copied()).collect();
        let is_unknown = |name: &&String| !known.contains(&name.as_str()) && !name.starts_with(TEST_PREFIX);
        let told = |name: &String| match suggest::hint(name, known.iter().copied()) {
            Some(hint) => format!("{name} ({hint})"),
            None => name.clone(),
        };
        let unknown = self.environment.0.keys().filter(is_unknown).map(told).collect();
        (self.shown, unknown)
    }
}
