//! What a person types or a script pipes in: keys and the answer to "are you sure".

use std::io::{BufRead, Read};

use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::world::SecretReader;

const LINE_MAX_BYTES: u64 = 64 * 1024;

/// Standard input.
pub(crate) struct Input<'w> {
    stdin: &'w mut (dyn BufRead + Send),
    read_secret: &'w mut SecretReader,
    is_terminal: bool,
}

impl<'w> Input<'w> {
    /// Takes the stream of a world.
    pub(crate) fn new(
        stdin: &'w mut (dyn BufRead + Send),
        read_secret: &'w mut SecretReader,
        is_terminal: bool,
    ) -> Self {
        Self { stdin, read_secret, is_terminal }
    }

    /// Whether there is somebody to ask.
    pub(crate) const fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// The first line of standard input, without its end; from a terminal it is not echoed.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn line(&mut self, what: &str) -> Outcome<String> {
        if self.is_terminal {
            return self.secret(what);
        }
        let mut text = String::new();
        let read = self.stdin.take(LINE_MAX_BYTES).read_line(&mut text);
        let text = text.trim();
        match read {
            Ok(_) if !text.is_empty() => Ok(text.to_owned()),
            Ok(_) => Err(Failure::usage(format!("{what} was to come from standard input, which is empty"))),
            Err(error) => Err(Failure::of_io(&format!("{what} cannot be read from standard input"), &error)),
        }
    }

    /// All of standard input, without its last line's end; a terminal is asked for one line, not echoed.
    ///
    /// # Errors
    /// When there is none, or too much.
    pub(crate) fn whole(&mut self, what: &str) -> Outcome<String> {
        if self.is_terminal {
            return self.secret(what);
        }
        let mut text = String::new();
        let read = self.stdin.take(LINE_MAX_BYTES).read_to_string(&mut text);
        read.map_err(|error| Failure::of_io(&format!("{what} cannot be read from standard input"), &error))?;
        let text =
            text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
        if text.is_empty() {
            return Err(Failure::usage(format!("{what} was to come from standard input, which is empty")));
        }
        Ok(text.to_owned())
    }

    /// Asks for a secret on the terminal.
    ///
    /// # Errors
    /// When the terminal cannot be read, or nothing was typed.
    pub(crate) fn secret(&mut self, what: &str) -> Outcome<String> {
        let question = format!("Enter {what}: ");
        let text = (self.read_secret)(&question)
            .map_err(|error| Failure::of_io(&format!("{what} cannot be read"), &error))?;
        let text = text.trim();
        if text.is_empty() { Err(Failure::usage(format!("{what} is missing"))) } else { Ok(text.to_owned()) }
    }

    /// Asks whether to go on; everything but `y` and `yes` is no.
    ///
    /// # Errors
    /// A usage failure that names `--yes` when there is nobody to ask, and a plain one after a no.
    pub(crate) fn confirm(&mut self, output: &mut Output<'_>, question: &str) -> Outcome {
        if !self.is_terminal {
            return Err(Failure::usage("this is asked about first, and there is nobody to ask")
                .with_hint("add --yes"));
        }
        output.question(&format!("{question} [y/N] "));
        let mut answer = String::new();
        self.stdin
            .take(LINE_MAX_BYTES)
            .read_line(&mut answer)
            .map_err(|error| Failure::of_io("the answer cannot be read", &error))?;
        match answer.trim().to_lowercase().as_str() {
            "y" | "yes" => Ok(()),
            _ => Err(Failure::failed("nothing was done")),
        }
    }
}
