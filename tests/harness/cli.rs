//! The command line in process, in a person's own configuration folder.

use std::ffi::OsString;

use aerostack_cli::{Captured, World as Surroundings};
use tempfile::TempDir;

use crate::person::Person;

/// A terminal of one person.
pub struct Terminal {
    surroundings: Surroundings,
    stdout: Captured,
    stderr: Captured,
    _folder: TempDir,
}

/// What a command came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// Its exit code.
    pub code: u8,
    /// Data.
    pub stdout: String,
    /// Talk.
    pub stderr: String,
}

impl Ran {
    /// Everything, as a transcript shows it.
    #[must_use]
    pub fn transcript(&self) -> String {
        format!("{}{}[exit {}]\n", self.stdout, self.stderr, self.code)
    }
}

impl Terminal {
    /// Sits the person down.
    ///
    /// # Panics
    /// When no folder can be made.
    #[must_use]
    pub fn of(person: &Person) -> Self {
        let folder = TempDir::new().expect("a temporary folder can be made");
        let (mut surroundings, stdout, stderr) =
            Surroundings::captured(folder.path().join("aerostack"), person.clock.now());
        let variables = &mut surroundings.environment;
        variables.insert("AEROSTACK_API_URL".to_owned(), format!("http://{}", person.address));
        variables.insert("AEROSTACK_API_KEY".to_owned(), person.key.clone());
        let clock = person.clock.clone();
        surroundings.now = Box::new(move || clock.now());
        Self { surroundings, stdout, stderr, _folder: folder }
    }

    /// Runs `aerostack` with these arguments.
    pub async fn runs(&mut self, arguments: &[&str]) -> Ran {
        let line = std::iter::once("aerostack").chain(arguments.iter().copied()).map(OsString::from);
        let code = aerostack_cli::run(line, &mut self.surroundings).await;
        Ran { code, stdout: self.stdout.take(), stderr: self.stderr.take() }
    }

    /// Runs it and expects it to be done.
    ///
    /// # Panics
    /// When the exit code is not 0.
    pub async fn does(&mut self, arguments: &[&str]) -> String {
        let ran = self.runs(arguments).await;
        assert_eq!(ran.code, 0, "{arguments:?}: {ran:?}");
        ran.stdout
    }
}
