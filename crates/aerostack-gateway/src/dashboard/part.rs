//! What pages are put together from. Each part is a template of its own, in `templates/parts`; a page shows
//! one by naming it, since what a part writes is HTML with everything of strangers escaped.

use aerostack_core::time::Timestamp;
use askama::Template;
use askama::filters::HtmlSafe;

/// A moment: in words that the script keeps true, and to the second for whoever asks.
#[derive(Clone, Debug, Template)]
#[template(path = "parts/moment.html")]
pub(super) struct Moment {
    at: Timestamp,
    text: String,
    /// Whether the script leaves it as it is.
    is_exact: bool,
}

impl Moment {
    /// Something that has happened: relative under a day, then its date.
    pub(super) fn past(at: Timestamp, now: Timestamp) -> Self {
        Self { at, text: at.relative_to(now), is_exact: false }
    }

    /// Something that has happened, to the minute.
    pub(super) fn exact(at: Timestamp) -> Self {
        Self { at, text: at.minute(), is_exact: true }
    }

    /// Something that may be to come: to the minute if it is near, else its date.
    pub(super) fn of(at: Timestamp, now: Timestamp) -> Self {
        const NEAR: std::time::Duration = std::time::Duration::from_secs(2 * 86_400);
        let is_near = at.since(now) < NEAR && now.since(at) < NEAR;
        Self { at, text: if is_near { at.minute() } else { at.date() }, is_exact: false }
    }
}

/// How something is, in one word.
#[derive(Clone, Debug, Template)]
#[template(path = "parts/badge.html")]
pub(super) struct Badge {
    tone: &'static str,
    word: String,
}

impl Badge {
    /// As it should be.
    pub(super) fn good(word: impl Into<String>) -> Self {
        Self { tone: "good", word: word.into() }
    }

    /// Somebody should look at it.
    pub(super) fn bad(word: impl Into<String>) -> Self {
        Self { tone: "bad", word: word.into() }
    }

    /// Waiting, or soon something else.
    pub(super) fn waiting(word: impl Into<String>) -> Self {
        Self { tone: "waiting", word: word.into() }
    }

    /// Over, or of no weight.
    pub(super) fn plain(word: impl Into<String>) -> Self {
        Self { tone: "plain", word: word.into() }
    }
}

/// One line of a form: label, input, help, and what is wrong with what was typed.
#[derive(Clone, Debug, Default, Template)]
#[template(path = "parts/field.html")]
pub(super) struct Field {
    name: &'static str,
    label: &'static str,
    kind: &'static str,
    value: String,
    help: &'static str,
    placeholder: &'static str,
    autocomplete: &'static str,
    is_required: bool,
    problem: Option<String>,
}

impl Field {
    /// A line of text.
    pub(super) fn text(name: &'static str, label: &'static str) -> Self {
        Self { name, label, kind: "text", autocomplete: "off", ..Self::default() }
    }

    /// The same of another kind: `email`, `number`, `date`, `url`.
    pub(super) fn kind(self, kind: &'static str) -> Self {
        Self { kind, ..self }
    }

    /// What is typed in.
    pub(super) fn value(self, value: impl Into<String>) -> Self {
        Self { value: value.into(), ..self }
    }

    /// What to type.
    pub(super) fn help(self, help: &'static str) -> Self {
        Self { help, ..self }
    }

    /// An example.
    pub(super) fn placeholder(self, placeholder: &'static str) -> Self {
        Self { placeholder, ..self }
    }

    /// It cannot be left out.
    pub(super) fn required(self) -> Self {
        Self { is_required: true, ..self }
    }

    /// What is wrong with it.
    pub(super) fn problem(self, problem: Option<String>) -> Self {
        Self { problem, ..self }
    }
}

/// One choice out of several in a form.
#[derive(Clone, Debug, Template)]
#[template(path = "parts/choice.html")]
pub(super) struct Choice {
    name: &'static str,
    label: &'static str,
    options: Vec<(String, String)>,
    chosen: String,
    help: &'static str,
    problem: Option<String>,
}

impl Choice {
    /// Of these values under these titles.
    pub(super) fn of<V: Into<String>, T: Into<String>>(
        name: &'static str,
        label: &'static str,
        options: impl IntoIterator<Item = (V, T)>,
        chosen: impl Into<String>,
    ) -> Self {
        let options = options.into_iter().map(|(value, title)| (value.into(), title.into())).collect();
        Self { name, label, options, chosen: chosen.into(), help: "", problem: None }
    }

    /// What to choose.
    pub(super) fn help(self, help: &'static str) -> Self {
        Self { help, ..self }
    }

    /// What is wrong with it.
    pub(super) fn problem(self, problem: Option<String>) -> Self {
        Self { problem, ..self }
    }
}

/// A text to copy, with a button that does it.
#[derive(Clone, Debug, Template)]
#[template(path = "parts/copy.html")]
pub(super) struct Copy {
    id: String,
    what: String,
    text: String,
    is_secret: bool,
}

impl Copy {
    /// A text under a name that is its own on the page; `what` is what the button says is copied.
    pub(super) fn of(id: impl Into<String>, what: impl Into<String>, text: impl Into<String>) -> Self {
        Self { id: id.into(), what: what.into(), text: text.into(), is_secret: false }
    }

    /// A text that is shown this once.
    pub(super) fn secret(id: impl Into<String>, what: impl Into<String>, text: impl Into<String>) -> Self {
        Self { is_secret: true, ..Self::of(id, what, text) }
    }
}

/// A list with nothing in it, and the next thing to do.
#[derive(Clone, Debug, Template)]
#[template(path = "parts/empty.html")]
pub(super) struct Empty {
    title: &'static str,
    text: &'static str,
    command: Option<Copy>,
}

impl Empty {
    /// With what it is and why it may be empty.
    pub(super) const fn new(title: &'static str, text: &'static str) -> Self {
        Self { title, text, command: None }
    }

    /// With the command that changes it.
    pub(super) fn command(self, command: impl Into<String>) -> Self {
        Self { command: Some(Copy::of("next-command", "command", command)), ..self }
    }
}

/// The ways to the first and to the next page of a list.
#[derive(Clone, Debug, Template)]
#[template(path = "parts/pager.html")]
pub(super) struct Pager {
    first: Option<String>,
    next: Option<String>,
}

impl Pager {
    /// Of a list at an address that may have a query, at the cursor it was asked with.
    pub(super) fn of(address: &str, cursor: &str, next: Option<&str>) -> Self {
        let joint = if address.contains('?') { '&' } else { '?' };
        Self {
            first: (!cursor.is_empty()).then(|| address.to_owned()),
            next: next.map(|next| format!("{address}{joint}cursor={next}")),
        }
    }
}

impl HtmlSafe for Moment {}
impl HtmlSafe for Badge {}
impl HtmlSafe for Field {}
impl HtmlSafe for Choice {}
impl HtmlSafe for Copy {}
impl HtmlSafe for Empty {}
impl HtmlSafe for Pager {}
