//! The part of a form that says what a server of a catalogue is, and how it is read.
//!
//! What a program is started with is shown and not asked for: whoever says what runs on the gateway's machine
//! does so at a command line, and there is no second way to watch over.

use aerostack_core::api::error::ErrorCode;
use aerostack_core::api::server::{AddServerRequest, EditServerRequest, ServerView};
use aerostack_core::secret::SecretName;
use aerostack_core::server::{Auth, SessionMode};
use aerostack_core::slug::Slug;
use askama::Template;
use askama::filters::HtmlSafe;

use super::form::Form;
use super::frame::Notice;
use super::part::{Choice, Field};
use super::problem::{Problem, filled};
use super::visitor::Visitor;
use crate::admin::ApiError;

/// Its fields.
#[derive(Template)]
#[template(path = "parts/server_fields.html")]
pub(super) struct ServerFields {
    /// Of a server at an address.
    place: Option<PlaceFields>,
    session: Choice,
    timeout: Field,
    /// Whether something was set that stands among the details.
    is_open: bool,
}

impl HtmlSafe for ServerFields {}

/// Where a server is, and what proves to it who asks.
struct PlaceFields {
    url: Field,
    auth: Choice,
    key: Field,
}

/// What was typed into them.
pub(super) struct Typed {
    /// Where it is.
    pub(super) url: String,
    /// How the gateway proves itself to it.
    pub(super) auth: Auth,
    /// How it is used.
    manner: Manner,
}

/// How a server is used, wherever it is.
pub(super) struct Manner {
    /// Whose session it sees.
    session: SessionMode,
    /// Idle limit of a call in seconds; else the gateway's setting.
    timeout: Option<u64>,
}

impl Typed {
    /// A new server.
    pub(super) fn added(self, slug: Slug) -> AddServerRequest {
        let Manner { session, timeout } = self.manner;
        AddServerRequest { slug, url: Some(self.url), stdio: None, auth: self.auth, session, timeout }
    }

    /// A change of one.
    pub(super) fn edited(self) -> EditServerRequest {
        EditServerRequest { url: Some(self.url), auth: Some(self.auth), ..self.manner.edited() }
    }
}

impl Manner {
    /// A change of how a server is used, and of nothing else.
    pub(super) fn edited(self) -> EditServerRequest {
        // Nothing typed goes back to the gateway's setting.
        let timeout = Some(self.timeout.unwrap_or(0));
        EditServerRequest { session: Some(self.session), timeout, ..EditServerRequest::default() }
    }
}

impl ServerFields {
    /// The fields of a server at an address with what was typed, each with what is wrong with it.
    pub(super) fn of(form: &Form, problem: &mut Problem) -> Self {
        Self { place: Some(PlaceFields::of(form, problem)), ..Self::of_program(form, problem) }
    }

    /// Those of a program.
    pub(super) fn of_program(form: &Form, problem: &mut Problem) -> Self {
        let sessions = [
            (SessionMode::PerCaller.word(), "One for each caller"),
            (SessionMode::Shared.word(), "One for everybody in a workspace"),
        ];
        let (session, timeout) = (problem.take("session"), problem.take("timeout"));
        Self {
            place: None,
            is_open: session.is_some()
                || timeout.is_some()
                || filled(form, "timeout").is_some()
                || form.field("session") == SessionMode::Shared.word(),
            session: Choice::of("session", "Sessions", sessions, form.field("session"))
                .help("Shared ones suit servers that keep nothing of whoever calls.")
                .problem(session),
            timeout: Field::text("timeout", "Idle limit of a call, in seconds")
                .kind("number")
                .value(form.field("timeout"))
                .help("The gateway's own setting unless given.")
                .problem(timeout),
        }
    }
}

impl PlaceFields {
    fn of(form: &Form, problem: &mut Problem) -> Self {
        let auths = [
            ("none", "Nothing"),
            ("bearer", "One secret, as Authorization: Bearer …"),
            ("headers", "Every secret set for it, each in a header of its own"),
        ];
        Self {
            url: Field::text("url", "Address")
                .kind("url")
                .required()
                .value(form.field("url"))
                .placeholder("https://mcp.example.com/mcp")
                .problem(problem.take("url")),
            auth: Choice::of("auth", "What the gateway sends it as proof", auths, form.field("auth"))
                .problem(problem.take("auth")),
            key: Field::text("key", "Name of that one secret")
                .value(form.field("key"))
                .placeholder("GITHUB_TOKEN")
                .help("Its name, not its value: that is set in each workspace.")
                .problem(problem.take("key")),
        }
    }
}

/// A server as its form shows it.
pub(super) fn typed_of(server: &ServerView) -> Form {
    let (auth, key) = match &server.auth {
        Auth::Bearer(name) => ("bearer", name.as_str()),
        Auth::Headers => ("headers", ""),
        Auth::None | Auth::Body | Auth::Environment => ("none", ""),
    };
    let timeout = server.timeout.map(|seconds| seconds.to_string()).unwrap_or_default();
    let session = server.session.word();
    Form::of([
        ("url", server.url.as_str()),
        ("auth", auth),
        ("key", key),
        ("session", session),
        ("timeout", &timeout),
    ])
}

/// Reads them.
///
/// # Errors
/// What is wrong with one.
pub(super) fn read(form: &Form) -> Result<Typed, Problem> {
    let auth = match form.field("auth") {
        "" | "none" => Auth::None,
        "headers" => Auth::Headers,
        "bearer" => match SecretName::normalise(form.field("key")) {
            Ok(name) => Auth::Bearer(name),
            Err(error) => return Err(Problem::with("key", error)),
        },
        _ => return Err(Problem::with("auth", "choose one of these")),
    };
    Ok(Typed { url: form.field("url").to_owned(), auth, manner: read_manner(form)? })
}

/// Reads how a server is used.
///
/// # Errors
/// What is wrong with it.
pub(super) fn read_manner(form: &Form) -> Result<Manner, Problem> {
    let session = match filled(form, "session").map(str::parse).transpose() {
        Ok(session) => session.unwrap_or_default(),
        Err(error) => return Err(Problem::with("session", error)),
    };
    let timeout = filled(form, "timeout").map(str::parse::<u64>).transpose();
    let timeout = timeout.map_err(|_| Problem::with("timeout", "expected a whole number of seconds"))?;
    Ok(Manner { session, timeout })
}

/// A refusal of what was typed, beside its field.
///
/// # Errors
/// The page of a refusal that is not about what was typed.
pub(super) fn refused(visitor: &Visitor, error: ApiError) -> Result<Problem, Notice> {
    let field = match error.code {
        ErrorCode::NameTaken => "slug",
        ErrorCode::InvalidRequest if error.message.contains("timeout") => "timeout",
        ErrorCode::InvalidRequest if error.message.contains("address") => "url",
        _ => "",
    };
    Problem::of(visitor, error, field)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem_with(fields: [(&str, &str); 2], field: &str) -> Option<String> {
        read(&Form::of(fields)).err().and_then(|mut problem| problem.take(field))
    }

    #[test]
    fn a_way_to_authenticate_is_read_with_the_name_of_its_secret() {
        let auth =
            |auth: &str, key: &str| read(&Form::of([("auth", auth), ("key", key)])).ok().map(|it| it.auth);
        assert_eq!(auth("", ""), Some(Auth::None));
        assert_eq!(auth("headers", "ignored"), Some(Auth::Headers));
        assert_eq!(auth("bearer", "github-token"), "bearer:GITHUB_TOKEN".parse().ok());
        assert_eq!(auth("bearer", " "), None);
        assert_eq!(auth("basic", "X"), None);
    }

    #[test]
    fn what_cannot_be_read_is_said_beside_its_field() {
        let said = problem_with([("auth", "bearer"), ("key", "")], "key");
        assert!(said.is_some_and(|said| said.starts_with("A secret's name has 1 to 64 characters")));
        let said = problem_with([("auth", "none"), ("timeout", "5m")], "timeout");
        assert_eq!(said.as_deref(), Some("Expected a whole number of seconds."));
        let said = problem_with([("auth", "none"), ("session", "mine")], "session");
        assert_eq!(said.as_deref(), Some("Expected per-caller or shared."));
    }
}
