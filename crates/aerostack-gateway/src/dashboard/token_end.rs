//! `…/tokens/{id}/revoke` and `…/rotate`: the end of a token, at once or after its replacement is in place.

use aerostack_core::api::operation::endpoint;
use aerostack_core::api::page::Empty;
use aerostack_core::api::token::{RotateTokenRequest, TokenView};
use aerostack_core::time::parse_span;
use askama::Template;
use http::{Response, StatusCode};

use super::form::Form;
use super::frame::{Notice, draw};
use super::part::{Choice, Moment};
use super::path::Tab;
use super::problem::Problem;
use super::shell::{Shell, WorkspaceGround, path_in};
use super::token_new::made_page;
use super::visitor::{Drawn, Visitor};
use crate::http::body::Body;

/// How long the old token goes on working.
const OVERLAPS: [(&str, &str); 5] = [
    ("", "Not at all: it ends at once"),
    ("10m", "10 minutes"),
    ("1h", "1 hour"),
    ("24h", "24 hours"),
    ("7d", "7 days"),
];

#[derive(Template)]
#[template(path = "pages/token_revoke.html")]
struct RevokePage<'a> {
    shell: &'a Shell,
    ground: &'a WorkspaceGround,
    token: &'a TokenView,
    used: Option<Moment>,
    action: String,
    back: String,
}

#[derive(Template)]
#[template(path = "pages/token_rotate.html")]
struct RotatePage<'a> {
    shell: &'a Shell,
    ground: &'a WorkspaceGround,
    token: &'a TokenView,
    action: String,
    back: String,
    problem: Option<String>,
    overlap: Choice,
}

async fn find(visitor: &Visitor, ground: &WorkspaceGround, id: &str) -> Result<TokenView, Notice> {
    visitor.look::<endpoint::ShowToken>(None, &[ground.workspace.slug.as_str(), id], Empty {}).await
}

/// Asks whether it is really to end.
pub(super) async fn ask_revoke(visitor: &Visitor, ground: &WorkspaceGround, id: &str) -> Drawn {
    let token = find(visitor, ground, id).await?;
    let page = RevokePage {
        shell: &ground.shell,
        ground,
        used: token.last_used_at.map(|at| Moment::past(at, visitor.app.clock.now())),
        action: ground.href(Tab::Tokens, &format!("{}/revoke", token.id)),
        back: ground.href(Tab::Tokens, ""),
        token: &token,
    };
    Ok(draw(StatusCode::OK, &page))
}

/// Ends it.
pub(super) async fn revoke(visitor: &Visitor, ground: &WorkspaceGround, id: &str) -> Drawn {
    let slug = &ground.workspace.slug;
    let done = visitor.look::<endpoint::RevokeToken>(None, &[slug.as_str(), id], Empty {}).await?;
    let said = match done.already_inactive {
        true => format!("'{}' was {} already.", done.name, done.status.word()),
        false => format!("'{}' is revoked. Its gateway access is immediately disabled.", done.name),
    };
    Ok(visitor.done(&path_in(slug, Tab::Tokens, ""), &said))
}

/// Asks how long the old one is to go on.
pub(super) async fn ask_rotate(visitor: &Visitor, ground: &WorkspaceGround, id: &str) -> Drawn {
    let token = find(visitor, ground, id).await?;
    Ok(rotate_page(ground, &token, "", Problem::none()))
}

fn rotate_page(
    ground: &WorkspaceGround,
    token: &TokenView,
    overlap: &str,
    mut problem: Problem,
) -> Response<Body> {
    let page = RotatePage {
        shell: &ground.shell,
        ground,
        token,
        action: ground.href(Tab::Tokens, &format!("{}/rotate", token.id)),
        back: ground.href(Tab::Tokens, ""),
        overlap: Choice::of("overlap", "The old token goes on working for", OVERLAPS, overlap)
            .help("Long enough to put the new one everywhere. It takes no second seat.")
            .problem(problem.take("overlap")),
        problem: problem.rest(),
    };
    draw(problem.status, &page)
}

/// Replaces it, and shows the new one.
pub(super) async fn rotate(visitor: &Visitor, ground: &WorkspaceGround, id: &str, form: &Form) -> Drawn {
    let typed = form.field("overlap");
    let again = async |problem: Problem| {
        let token = find(visitor, ground, id).await?;
        Ok(rotate_page(ground, &token, typed, problem))
    };
    let overlap = match typed {
        "" => None,
        text => match parse_span(text) {
            Ok(span) => Some(span.as_secs()),
            Err(error) => return again(Problem::with("overlap", error)).await,
        },
    };
    let parameters = [ground.workspace.slug.as_str(), id];
    match visitor.ask::<endpoint::RotateToken>(None, &parameters, RotateTokenRequest { overlap }).await {
        Ok(made) => made_page(visitor, ground, &made),
        Err(error) => {
            let field = if error.message.contains("overlap") { "overlap" } else { "" };
            again(Problem::of(visitor, error, field)?).await
        }
    }
}
