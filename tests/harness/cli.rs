//! The command line in process, in a person's own configuration folder.

use std::ffi::OsString;

use aerostack_cli::{Captured, World as Surroundings};
use tempfile::TempDir;

use crate::patience::eventually;
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

    /// Runs what does not end by itself, lets others act once it has said `begun`, and stops it when it has
    /// printed so many lines; gives those.
    ///
    /// # Panics
    /// When it ends by itself, or does not print them in time.
    pub async fn watches(
        &mut self,
        arguments: &[&str],
        begun: &str,
        act: impl Future<Output = ()>,
        lines: usize,
    ) -> Vec<String> {
        let (data, talk) = (self.stdout.clone(), self.stderr.clone());
        let mut seen = String::new();
        let watching = async {
            let mut said = String::new();
            eventually("it has begun", async || {
                said.push_str(&talk.take());
                said.contains(begun)
            })
            .await;
            act.await;
            eventually("it has printed what happened", async || {
                seen.push_str(&data.take());
                seen.lines().count() >= lines
            })
            .await;
        };
        tokio::select! {
            ran = self.runs(arguments) => panic!("{arguments:?} ended: {ran:?}"),
            () = watching => {}
        }
        seen.lines().map(str::to_owned).collect()
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
