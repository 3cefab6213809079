//! Everything that is printed: data to standard output, talk to standard error.
//!
//! The only file that writes to either stream. Cells and sentences come from strangers (upstream
//! errors, names), so control characters are replaced before a terminal sees them; credentials
//! typed on the command line are hidden in whatever is said about them.

use std::ffi::OsString;
use std::io::{self, Write};
use std::time::Duration;

use aerostack_core::text::clean_line;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use crate::failure::{Failure, Outcome};
use crate::sheet;
use crate::table::Table;
use crate::world::{NO_COLOUR_VARIABLE, World};

const GREEN: &str = "32";
const RED: &str = "31";
const YELLOW: &str = "33";
const CYAN: &str = "36";
const SPINNER_TICK: Duration = Duration::from_millis(100);
/// Shorter texts are no credentials, and hiding them would garble what is said.
const CREDENTIAL_MIN_LEN: usize = 8;
const CREDENTIAL_PREFIXES: [&str; 4] = ["ak_", "mwt_", "jl_", "sl_"];

/// How much is said, and in what colours. Read from the arguments before they are parsed, because
/// parsing may already have something to say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    quiet: bool,
    colour_data: bool,
    colour_talk: bool,
    spinner: bool,
    columns_data: Option<u16>,
    columns_talk: Option<u16>,
    /// Whether data goes to a terminal: then a bar would stand in the middle of it.
    data_is_shown: bool,
}

impl Style {
    /// Decides from terminals, `NO_COLOR` and `--no-color`.
    pub(crate) fn of(world: &World, arguments: &[OsString]) -> Self {
        let forbidden = world.environment.get(NO_COLOUR_VARIABLE).is_some_and(|value| !value.is_empty());
        let refused = arguments.iter().take_while(|text| *text != "--").any(|text| text == "--no-color");
        let colour = !forbidden && !refused;
        Self {
            quiet: false,
            colour_data: colour && world.terminals.stdout,
            colour_talk: colour && world.terminals.stderr,
            spinner: world.terminals.stderr,
            columns_data: world.terminals.columns.filter(|_| world.terminals.stdout),
            columns_talk: world.terminals.columns.filter(|_| world.terminals.stderr),
            data_is_shown: world.terminals.stdout,
        }
    }
}

/// The two streams.
pub(crate) struct Output<'w> {
    stdout: &'w mut (dyn Write + Send),
    stderr: &'w mut (dyn Write + Send),
    style: Style,
    credentials: Vec<String>,
}

impl<'w> Output<'w> {
    /// Takes the streams of a world.
    pub(crate) fn new(
        stdout: &'w mut (dyn Write + Send),
        stderr: &'w mut (dyn Write + Send),
        style: Style,
    ) -> Self {
        Self { stdout, stderr, style, credentials: Vec::new() }
    }

    /// Keeps whatever looks like a credential among the arguments out of all talk.
    pub(crate) fn hide_credentials_of(&mut self, arguments: &[OsString]) {
        for argument in arguments.iter().filter_map(|argument| argument.to_str()) {
            let starts = CREDENTIAL_PREFIXES.iter().filter_map(|prefix| argument.find(prefix));
            if let Some(start) = starts.min() {
                self.hide(&argument[start..]);
            }
        }
    }

    /// Leaves away all talk but errors and questions.
    pub(crate) fn be_quiet(&mut self) {
        self.style.quiet = true;
        self.style.spinner = false;
    }

    /// Keeps one text out of all talk.
    pub(crate) fn hide(&mut self, secret: &str) {
        if secret.len() >= CREDENTIAL_MIN_LEN {
            self.credentials.push(secret.to_owned());
        }
    }

    /// A line of data, as it stands.
    pub(crate) fn line(&mut self, text: &str) -> Outcome {
        self.data(format!("{text}\n").as_bytes())
    }

    /// A line of data that begins with ✓ or ✗.
    pub(crate) fn check(&mut self, holds: bool, text: &str) -> Outcome {
        let mark = if holds {
            paint("✓", GREEN, self.style.colour_data)
        } else {
            paint("✗", RED, self.style.colour_data)
        };
        self.line(&format!("{mark} {}", clean(text)))
    }

    /// One reply of the API.
    pub(crate) fn json(&mut self, reply: &impl Serialize) -> Outcome {
        let text = serde_json::to_string_pretty(reply).expect("a reply of the API is plain data");
        self.line(&text)
    }

    /// Items as CSV, one column per field; `seats.used` reaches into an object.
    pub(crate) fn csv<T: Serialize>(&mut self, items: &[T], fields: &[&str]) -> Outcome {
        let bytes = sheet::render(items, fields);
        self.data(&bytes)
    }

    /// One item as one line of JSON.
    pub(crate) fn json_line(&mut self, item: &impl Serialize) -> Outcome {
        let text = serde_json::to_string(item).expect("a reply of the API is plain data");
        self.line(&text)
    }

    /// A piece of data, as it stands.
    pub(crate) fn piece(&mut self, bytes: &[u8]) -> Outcome {
        self.data(bytes)
    }

    /// Aligned columns without borders.
    pub(crate) fn table(&mut self, table: &Table) -> Outcome {
        let text = table.render(self.style.columns_data);
        self.data(text.as_bytes())
    }

    /// The same as a remark: before a question, where standard output is the result's alone.
    pub(crate) fn talk_table(&mut self, table: &Table) {
        table.render(self.style.columns_talk).lines().for_each(|line| self.talk(line));
    }

    /// Passes on what is still buffered.
    pub(crate) fn finish(&mut self) -> Outcome {
        self.stdout.flush().map_err(|error| stdout_failure(&error))
    }

    fn data(&mut self, bytes: &[u8]) -> Outcome {
        self.stdout.write_all(bytes).map_err(|error| stdout_failure(&error))
    }

    /// `✓ …`: what was done.
    pub(crate) fn done(&mut self, text: &str) {
        let mark = paint("✓", GREEN, self.style.colour_talk);
        self.say(&mark, text);
    }

    /// A remark, such as what to do next.
    pub(crate) fn talk(&mut self, text: &str) {
        if !self.style.quiet {
            self.write_talk(&format!("{}\n", self.fit(text)));
        }
    }

    /// `warning: …`.
    pub(crate) fn warn(&mut self, text: &str) {
        let word = paint("warning:", YELLOW, self.style.colour_talk);
        self.say(&word, text);
    }

    fn say(&mut self, mark: &str, text: &str) {
        if !self.style.quiet {
            self.write_talk(&format!("{mark} {}\n", self.fit(text)));
        }
    }

    /// A question; shown whatever `--quiet` says, because an answer is waited for.
    pub(crate) fn question(&mut self, text: &str) {
        self.write_talk(&self.fit(text));
    }

    /// Tells why the command failed, and gives its exit code.
    pub(crate) fn failure(&mut self, failure: &Failure) -> u8 {
        let message = failure.to_string();
        if !message.is_empty() {
            let word = paint(failure.mark(), RED, self.style.colour_talk);
            self.write_talk(&format!("{word} {}\n", self.fit(&message)));
        }
        if let Some(hint) = failure.hint() {
            let word = paint("hint:", CYAN, self.style.colour_talk);
            self.write_talk(&format!("{word} {}\n", self.fit(&hint)));
        }
        failure.exit_code()
    }

    /// Prints what the argument parser answered, help or refusal, and gives the exit code.
    pub(crate) fn parser_answer(&mut self, told: &clap::Error) -> u8 {
        let code = u8::try_from(told.exit_code()).unwrap_or(2);
        let rendered = told.render();
        if told.use_stderr() {
            let text = rendered.to_string().replace("  tip: ", "hint: ");
            self.write_talk(&self.without_credentials(&text));
            return code;
        }
        let text = if self.style.colour_data { rendered.ansi().to_string() } else { rendered.to_string() };
        match self.data(text.as_bytes()).and_then(|()| self.finish()) {
            Ok(()) => code,
            Err(failure) => self.failure(&failure),
        }
    }

    /// Shows that something takes its time, on a terminal only, until the result is dropped.
    pub(crate) fn spinner(&self, text: &str) -> Spinner {
        if !self.style.spinner {
            return Spinner(None);
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        bar.set_style(
            ProgressStyle::with_template("{spinner} {msg}")
                .unwrap_or_else(|_| ProgressStyle::default_spinner()),
        );
        bar.set_message(self.fit(text));
        bar.enable_steady_tick(SPINNER_TICK);
        Spinner(Some(bar))
    }

    /// Tells whether an export shows how far it is: on a terminal, to which its data does not go.
    pub(crate) const fn shows_progress(&self) -> bool {
        self.style.spinner && !self.style.data_is_shown
    }

    /// Shows how much of a long export has come, of `lines` if that is known, until the result is dropped.
    pub(crate) fn progress(&self, lines: Option<u64>) -> Progress {
        if !self.shows_progress() {
            return Progress::default();
        }
        let bar = ProgressBar::with_draw_target(lines, ProgressDrawTarget::stderr());
        let template = match lines {
            Some(_) => "{bar:30} {human_pos} of {human_len} calls ({per_sec}, {eta} left)",
            None => "{spinner} {bytes} ({bytes_per_sec}, {elapsed})",
        };
        bar.set_style(
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner()),
        );
        Progress { bar: Some(bar), counts_lines: lines.is_some() }
    }

    fn fit(&self, text: &str) -> String {
        self.without_credentials(&clean(text))
    }

    fn without_credentials(&self, text: &str) -> String {
        self.credentials.iter().fold(text.to_owned(), |text, secret| text.replace(secret, "(hidden)"))
    }

    fn write_talk(&mut self, text: &str) {
        // What was printed before is seen before. What cannot be written stays buffered and fails
        // again, and loudly, in `finish`.
        let _ = self.stdout.flush();
        // When nobody can be told, there is nobody to tell that to.
        let _ = self.stderr.write_all(text.as_bytes()).and_then(|()| self.stderr.flush());
    }
}

/// A turning mark on the terminal; gone when dropped.
pub(crate) struct Spinner(Option<ProgressBar>);

impl Drop for Spinner {
    fn drop(&mut self) {
        if let Some(bar) = self.0.take() {
            bar.finish_and_clear();
        }
    }
}

/// How far an export is, on the terminal; gone when dropped.
#[derive(Default)]
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    counts_lines: bool,
}

impl Progress {
    /// More has come.
    pub(crate) fn advance(&self, piece: &[u8]) {
        let Some(bar) = &self.bar else { return };
        let len = match self.counts_lines {
            true => piece.iter().filter(|&&byte| byte == b'\n').count(),
            false => piece.len(),
        };
        bar.inc(len as u64);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

fn stdout_failure(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::OutputClosed,
        _ => Failure::of_io("the result cannot be written", error),
    }
}

fn paint(text: &str, code: &str, colour: bool) -> String {
    if colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
}

/// One line without control characters; blanks at its end stay, since questions end in one.
fn clean(text: &str) -> String {
    let blank = if text.ends_with(' ') { " " } else { "" };
    format!("{}{blank}", clean_line(text, usize::MAX))
}
