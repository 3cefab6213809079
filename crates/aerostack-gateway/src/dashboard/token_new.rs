//! `…/tokens/new`: making a token, and the one page that shows it.

use aerostack_core::account::Email;
use aerostack_core::api::connect::Editor;
use aerostack_core::api::error::ErrorCode;
use aerostack_core::api::operation::endpoint;
use aerostack_core::api::token::{CreateTokenRequest, CreatedToken};
use aerostack_core::time::parse_span;
use askama::Template;
use http::{Response, StatusCode};

use super::form::Form;
use super::frame::draw;
use super::overview::{EditorBlock, editor_blocks};
use super::part::{Choice, Copy, Field, Moment};
use super::path::Tab;
use super::problem::{Problem, filled};
use super::shell::{Shell, WorkspaceGround};
use super::visitor::{Drawn, Visitor};
use crate::admin::ApiError;
use crate::http::body::Body;

/// Another life than the presets'.
const OTHER: &str = "other";
/// How long a token lives, by what it is for.
const LIVES: [(&str, &str); 6] = [
    ("", "No expiry: a person's editor, a bot"),
    ("90d", "90 days: a person's editor"),
    ("30d", "30 days: shared by a team"),
    ("24h", "24 hours: CI/CD pipeline"),
    ("1h", "1 hour: demo or trial"),
    (OTHER, "Another span, given below"),
];

#[derive(Template)]
#[template(path = "pages/token_new.html")]
struct NewTokenPage<'a> {
    shell: &'a Shell,
    ground: &'a WorkspaceGround,
    action: String,
    back: String,
    problem: Option<String>,
    /// Whether the rarer fields are shown at once: something was typed there.
    is_open: bool,
    name: Field,
    life: Choice,
    span: Field,
    person: Field,
    rate_limit: Field,
}

#[derive(Template)]
#[template(path = "pages/token_made.html")]
struct TokenMadePage<'a> {
    shell: &'a Shell,
    ground: &'a WorkspaceGround,
    name: &'a str,
    token: Copy,
    mcp_json: Copy,
    editors: Vec<EditorBlock>,
    seats: String,
    expires: Option<Moment>,
    person: Option<String>,
    /// When the token it replaces stops working.
    old_ends: Option<Moment>,
    back: String,
}

/// Asks whose it is to be.
pub(super) fn ask(ground: &WorkspaceGround, form: &Form, mut problem: Problem) -> Response<Body> {
    let page = NewTokenPage {
        shell: &ground.shell,
        ground,
        action: ground.href(Tab::Tokens, "new"),
        back: ground.href(Tab::Tokens, ""),
        is_open: ["span", "for", "rate_limit"].into_iter().any(|name| filled(form, name).is_some())
            || form.field("life") == OTHER,
        name: Field::text("name", "Name")
            .required()
            .value(form.field("name"))
            .placeholder("Alice Cursor")
            .help("Who or what uses it: one token for each person and machine.")
            .problem(problem.take("name")),
        life: Choice::of("life", "Expires", LIVES, form.field("life")).problem(problem.take("life")),
        span: Field::text("span", "Another span")
            .value(form.field("span"))
            .placeholder("7d")
            .help("In s, m, h, d or w; from a minute to ten years.")
            .problem(problem.take("span")),
        person: Field::text("for", "For")
            .kind("email")
            .value(form.field("for"))
            .placeholder("alice@company.com")
            .help("The person it is tied to: removing them from the team ends it.")
            .problem(problem.take("for")),
        rate_limit: Field::text("rate_limit", "Requests per minute")
            .kind("number")
            .value(form.field("rate_limit"))
            .help("Its own limit instead of the plan's.")
            .problem(problem.take("rate_limit")),
        problem: problem.rest(),
    };
    draw(problem.status, &page)
}

/// Makes it, and shows it.
pub(super) async fn create(visitor: &Visitor, ground: &WorkspaceGround, form: &Form) -> Drawn {
    let request = match read(form) {
        Ok(request) => request,
        Err(problem) => return Ok(ask(ground, form, problem)),
    };
    let slug = ground.workspace.slug.as_str();
    match visitor.ask::<endpoint::CreateToken>(None, &[slug], request).await {
        Ok(made) => made_page(visitor, ground, &made),
        Err(error) => {
            let field = field_of(&error);
            Ok(ask(ground, form, Problem::of(visitor, error, field)?))
        }
    }
}

fn read(form: &Form) -> Result<CreateTokenRequest, Problem> {
    let life = match form.field("life") {
        OTHER if form.field("span").is_empty() => {
            return Err(Problem::with("span", "say how long it is to live, or choose another expiry"));
        }
        OTHER => Some(parse_span(form.field("span")).map_err(|error| Problem::with("span", error))?),
        "" => None,
        life => Some(parse_span(life).map_err(|error| Problem::with("life", error))?),
    };
    let person = filled(form, "for").map(Email::parse).transpose();
    let rate_limit = filled(form, "rate_limit").map(str::parse).transpose();
    Ok(CreateTokenRequest {
        name: form.field("name").to_owned(),
        expires_in: life.map(|life| life.as_secs()),
        person: person.map_err(|error| Problem::with("for", error))?,
        rate_limit_per_minute: rate_limit
            .map_err(|_| Problem::with("rate_limit", "this is no whole number"))?,
    })
}

/// Beside which field a refusal is said.
fn field_of(error: &ApiError) -> &'static str {
    match error.code {
        ErrorCode::NameTaken => "name",
        ErrorCode::InvalidRequest if error.message.contains("lives") => "span",
        ErrorCode::InvalidRequest if error.message.contains("rate limit") => "rate_limit",
        ErrorCode::InvalidRequest => "name",
        _ => "",
    }
}

/// The one page that shows a token: the answer to the form that made it, kept by no browser.
pub(super) fn made_page(visitor: &Visitor, ground: &WorkspaceGround, made: &CreatedToken) -> Drawn {
    let now = visitor.app.clock.now();
    let mcp_json = serde_json::to_string_pretty(&made.mcp_json);
    let mcp_json = mcp_json
        .map_err(|error| visitor.notice(ApiError::internal(format!("a block has no text: {error}"))))?;
    let mut editors = editor_blocks(&ground.workspace, &made.token);
    // Cursor takes the plain block, which stands above the others.
    editors.retain(|entry| entry.editor != Editor::Cursor);
    let page = TokenMadePage {
        shell: &ground.shell,
        ground,
        name: &made.name,
        token: Copy::secret("token", "token", &made.token),
        mcp_json: Copy::secret("mcp-json", "mcp_json", mcp_json),
        editors,
        seats: made.seats.line(),
        expires: made.expires_at.map(|at| Moment::of(at, now)),
        person: made.person.as_ref().map(ToString::to_string),
        old_ends: made
            .replaces
            .as_ref()
            .filter(|old| old.ends_at > now)
            .map(|old| Moment::of(old.ends_at, now)),
        back: ground.href(Tab::Tokens, ""),
    };
    Ok(draw(StatusCode::OK, &page))
}
