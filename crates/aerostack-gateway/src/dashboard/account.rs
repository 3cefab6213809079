//! `/account`: who one is, the plan, the account's keys and the browsers that are signed in.

use aerostack_core::api::account::{CreateKeyRequest, KeyView, SessionView};
use aerostack_core::api::error::ErrorCode;
use aerostack_core::api::operation::endpoint;
use aerostack_core::api::page::{Empty as Nothing, PAGE_MAX, PageQuery};
use aerostack_core::plan::PlanLimits;
use askama::Template;
use http::{Response, StatusCode};

use super::form::Form;
use super::frame::{Notice, draw, forward};
use super::part::{Badge, Copy, Field, Moment};
use super::problem::Problem;
use super::shell::{Section, Shell, TeamGround};
use super::user_agent;
use super::visitor::{Drawn, Visitor};
use crate::admin::Credential;
use crate::http::body::Body;

/// In place of a session's identifier: every one.
const EVERY: &str = "all";

#[derive(Template)]
#[template(path = "pages/account.html")]
struct AccountPage<'a> {
    shell: &'a Shell,
    username: &'a str,
    plan: &'static str,
    limits: PlanLimits,
    workspaces_used: u32,
    is_operator: bool,
    base: &'a str,
    keys: Vec<KeyRow>,
    sessions: Vec<SessionRow>,
}

struct KeyRow {
    key: KeyView,
    status: Badge,
    created: Moment,
    used: Option<Moment>,
}

struct SessionRow {
    session: SessionView,
    browser: String,
    is_this: bool,
    begun: Moment,
    used: Moment,
}

#[derive(Template)]
#[template(path = "pages/key_new.html")]
struct NewKeyPage<'a> {
    shell: &'a Shell,
    problem: Option<String>,
    name: Field,
}

#[derive(Template)]
#[template(path = "pages/key_made.html")]
struct KeyMadePage<'a> {
    shell: &'a Shell,
    name: &'a str,
    key: Copy,
    login: Copy,
}

#[derive(Template)]
#[template(path = "pages/account_end.html")]
struct EndPage<'a> {
    shell: &'a Shell,
    title: String,
    text: &'static str,
    button: &'static str,
    action: String,
}

/// Shows it, or one of the pages below.
pub(super) async fn show(visitor: &Visitor, below: &[&str]) -> Drawn {
    let ground = visitor.team_ground(Section::Account).await?;
    match below {
        [] => overview(visitor, &ground).await,
        ["keys", "new"] => Ok(ask_key(&ground, &Form::default(), Problem::none())),
        ["keys", id, "revoke"] => ask_revoke(visitor, &ground, id).await,
        ["sessions", EVERY, "end"] => Ok(end_page(
            &ground,
            EndPage {
                shell: &ground.shell,
                title: "Sign out everywhere?".to_owned(),
                text: "Every browser, this one too, and the sign-in links that nobody used yet. Keys stay.",
                button: "Sign out everywhere",
                action: format!("sessions/{EVERY}/end"),
            },
        )),
        _ => Err(Notice::nothing_here()),
    }
}

/// Does what one of the forms says.
pub(super) async fn does(visitor: &Visitor, below: &[&str], form: &Form) -> Drawn {
    match below {
        ["keys", "new"] => create_key(visitor, form).await,
        ["keys", id, "revoke"] => {
            let key = visitor.look::<endpoint::RevokeKey>(None, &[id], Nothing {}).await?;
            Ok(visitor.done("/account", &format!("The key '{}' is revoked.", key.name)))
        }
        ["sessions", id, "end"] => end_session(visitor, id).await,
        _ => Err(Notice::nothing_here()),
    }
}

async fn overview(visitor: &Visitor, ground: &TeamGround) -> Drawn {
    let account = visitor.look::<endpoint::ShowAccount>(None, &[], Nothing {}).await?;
    let plans = visitor.look::<endpoint::ListPlans>(None, &[], Nothing {}).await?;
    let all = || PageQuery { limit: Some(PAGE_MAX), cursor: None };
    let keys = visitor.look::<endpoint::ListKeys>(None, &[], all()).await?;
    let sessions = visitor.look::<endpoint::ListSessions>(None, &[], all()).await?;
    let now = visitor.app.clock.now();
    let own = visitor.signed_in.as_ref().map(|signed_in| &signed_in.caller.credential);
    let mut keys: Vec<KeyRow> = keys
        .items
        .into_iter()
        .map(|key| KeyRow {
            status: if key.revoked_at.is_some() { Badge::plain("revoked") } else { Badge::good("active") },
            created: Moment::past(key.created_at, now),
            used: key.last_used_at.map(|at| Moment::past(at, now)),
            key,
        })
        .collect();
    // What works comes first; the rest is history.
    keys.sort_by_key(|row| row.key.revoked_at.is_some());
    let sessions = sessions.items.into_iter().map(|session| SessionRow {
        browser: user_agent::shown(&session.browser),
        is_this: own == Some(&Credential::Session(session.id.clone())),
        begun: Moment::past(session.created_at, now),
        used: Moment::past(session.last_used_at, now),
        session,
    });
    let limits = plans.plans.iter().find(|view| view.plan == plans.current).map(|view| view.limits);
    let page = AccountPage {
        shell: &ground.shell,
        username: account.username.as_str(),
        plan: account.plan.title(),
        limits: limits.unwrap_or(visitor.app.config.plans.limits(account.plan)),
        workspaces_used: plans.workspaces_used,
        is_operator: account.kind == aerostack_core::account::AccountKind::Operator,
        base: &ground.shell.frame.base,
        keys,
        sessions: sessions.collect(),
    };
    Ok(draw(StatusCode::OK, &page))
}

fn ask_key(ground: &TeamGround, form: &Form, mut problem: Problem) -> Response<Body> {
    let name = Field::text("name", "Name")
        .required()
        .value(form.field("name"))
        .placeholder("ci")
        .help("What it is for. A key may do everything this account may.")
        .problem(problem.take("name"));
    draw(problem.status, &NewKeyPage { shell: &ground.shell, name, problem: problem.rest() })
}

/// Makes a key, and shows it on the one page that does.
async fn create_key(visitor: &Visitor, form: &Form) -> Drawn {
    let ground = visitor.team_ground(Section::Account).await?;
    let request = CreateKeyRequest { name: form.field("name").to_owned() };
    match visitor.ask::<endpoint::CreateKey>(None, &[], request).await {
        Ok(made) => {
            let page = KeyMadePage {
                shell: &ground.shell,
                name: &made.name,
                key: Copy::secret("key", "account key", &made.key),
                login: Copy::of(
                    "login",
                    "command",
                    format!("aerostack login --api-url {}", visitor.app.base_url()),
                ),
            };
            Ok(draw(StatusCode::OK, &page))
        }
        Err(error) => {
            let field = if error.code == ErrorCode::LimitReached { "" } else { "name" };
            Ok(ask_key(&ground, form, Problem::of(visitor, error, field)?))
        }
    }
}

async fn ask_revoke(visitor: &Visitor, ground: &TeamGround, id: &str) -> Drawn {
    let query = PageQuery { limit: Some(PAGE_MAX), cursor: None };
    let keys = visitor.look::<endpoint::ListKeys>(None, &[], query).await?;
    let key = keys.items.into_iter().find(|key| key.id.as_str() == id).ok_or_else(Notice::nothing_here)?;
    Ok(end_page(
        ground,
        EndPage {
            shell: &ground.shell,
            title: format!("Revoke the key '{}'?", key.name),
            text: "Scripts and command lines that use it are refused from now on. It cannot be undone.",
            button: "Revoke key",
            action: format!("keys/{id}/revoke"),
        },
    ))
}

fn end_page(ground: &TeamGround, page: EndPage<'_>) -> Response<Body> {
    let action = format!("{}/account/{}", ground.shell.frame.base, page.action);
    draw(StatusCode::OK, &EndPage { action, ..page })
}

async fn end_session(visitor: &Visitor, id: &str) -> Drawn {
    let ended = visitor.look::<endpoint::EndSession>(None, &[id], Nothing {}).await?;
    let own = visitor.signed_in.as_ref().map(|signed_in| &signed_in.caller.credential);
    let was_own = matches!(own, Some(Credential::Session(own)) if own.as_str() == id);
    if id == EVERY || was_own {
        return Ok(forward(&visitor.app, "/sign-in"));
    }
    let said =
        if ended.ended == 0 { "That browser was signed out already." } else { "That browser is signed out." };
    Ok(visitor.done("/account", said))
}
