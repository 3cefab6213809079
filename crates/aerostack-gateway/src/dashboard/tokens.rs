//! `/workspaces/{slug}/tokens`: every token of a workspace, and what can be done to each. Making one is in
//! `token_new`, ending one in `token_end`.

use aerostack_core::api::operation::{Operation, endpoint};
use aerostack_core::api::token::{ListTokensQuery, TokenView};
use aerostack_core::plan::Seats;
use aerostack_core::time::Timestamp;
use aerostack_core::token::TokenStatus;
use askama::Template;
use http::StatusCode;

use super::form::Form;
use super::frame::{Notice, draw};
use super::part::{Badge, Empty, Moment, Pager};
use super::path::Tab;
use super::problem::filled;
use super::shell::{Link, Shell, WorkspaceGround};
use super::visitor::{Drawn, Visitor};
use super::{token_end, token_new};

#[derive(Template)]
#[template(path = "pages/tokens.html")]
struct TokensPage<'a> {
    shell: &'a Shell,
    ground: &'a WorkspaceGround,
    seats: Seats,
    /// Why the next one will be refused, if no seat is free.
    full: Option<Badge>,
    new: String,
    filters: Vec<Link>,
    rows: Vec<Row>,
    empty: Empty,
    pager: Pager,
}

struct Row {
    name: String,
    person: Option<String>,
    rate_limit: Option<u32>,
    status: Badge,
    is_over: bool,
    created: Moment,
    expires: Option<Moment>,
    used: Option<Moment>,
    revoke: Option<String>,
    rotate: Option<String>,
}

/// Shows them, or one of the pages below.
pub(super) async fn show(visitor: &Visitor, slug: &str, below: &[&str]) -> Drawn {
    let ground = visitor.workspace_ground(slug, Tab::Tokens).await?;
    ground.must(visitor, Operation::ListTokens)?;
    match below {
        [] => list(visitor, &ground).await,
        ["new"] => Ok(token_new::ask(&ground, &Form::default(), super::problem::Problem::none())),
        [id, "revoke"] => token_end::ask_revoke(visitor, &ground, id).await,
        [id, "rotate"] => token_end::ask_rotate(visitor, &ground, id).await,
        _ => Err(Notice::nothing_here()),
    }
}

/// Does what one of the forms below says.
pub(super) async fn does(visitor: &Visitor, slug: &str, below: &[&str], form: &Form) -> Drawn {
    let ground = visitor.workspace_ground(slug, Tab::Tokens).await?;
    ground.must(visitor, Operation::ListTokens)?;
    match below {
        ["new"] => token_new::create(visitor, &ground, form).await,
        [id, "revoke"] => token_end::revoke(visitor, &ground, id).await,
        [id, "rotate"] => token_end::rotate(visitor, &ground, id, form).await,
        _ => Err(Notice::nothing_here()),
    }
}

async fn list(visitor: &Visitor, ground: &WorkspaceGround) -> Drawn {
    let slug = ground.workspace.slug.as_str();
    let chosen = filled(&visitor.query, "status");
    let status = STATUSES.into_iter().find(|status| Some(status.word()) == chosen);
    let cursor = visitor.query.field("cursor");
    let query =
        ListTokensQuery { status, cursor: filled(&visitor.query, "cursor").map(str::to_owned), limit: None };
    let found = visitor.look::<endpoint::ListTokens>(None, &[slug], query).await?;
    let now = visitor.app.clock.now();
    let own = ground.href(Tab::Tokens, "");
    let filtered = |status: Option<TokenStatus>| match status {
        Some(status) => format!("{own}?status={}", status.word()),
        None => own.clone(),
    };
    let link = |title: &str, of: Option<TokenStatus>| Link {
        title: title.to_owned(),
        href: filtered(of),
        is_current: of == status,
    };
    let filters = [link("All", None)].into_iter().chain(STATUSES.map(|of| link(title(of), Some(of))));
    let page = TokensPage {
        shell: &ground.shell,
        ground,
        full: (!found.seats.has_room()).then(|| Badge::bad("full")),
        seats: found.seats,
        new: ground.href(Tab::Tokens, "new"),
        filters: filters.collect(),
        rows: found.items.into_iter().map(|token| row(ground, token, now)).collect(),
        empty: nothing(slug, status),
        pager: Pager::of(&filtered(status), cursor, found.next_cursor.as_deref()),
    };
    Ok(draw(StatusCode::OK, &page))
}

const STATUSES: [TokenStatus; 3] = [TokenStatus::Active, TokenStatus::Revoked, TokenStatus::Expired];

const fn title(status: TokenStatus) -> &'static str {
    match status {
        TokenStatus::Active => "Active",
        TokenStatus::Revoked => "Revoked",
        TokenStatus::Expired => "Expired",
    }
}

fn nothing(slug: &str, status: Option<TokenStatus>) -> Empty {
    if status.is_some() {
        return Empty::new("None of these", "The workspace has no token of this status.");
    }
    let text = "A token is what an editor presents. Give each person and each machine their own, here or at the \
                command line:";
    let command = format!("aerostack workspace token create {slug} --name \"Alice Chen\"");
    Empty::new("No tokens yet", text).command(command)
}

fn row(ground: &WorkspaceGround, token: TokenView, now: Timestamp) -> Row {
    let is_active = token.status == TokenStatus::Active;
    // One that a rotation lets work for a while has handed its seat on: it can only be ended sooner.
    let ends_at = token.revoked_at.filter(|_| is_active);
    let status = match (token.status, ends_at) {
        (TokenStatus::Active, Some(_)) => Badge::waiting("replaced"),
        (TokenStatus::Active, None) => Badge::good("active"),
        (status, _) => Badge::plain(status.word()),
    };
    let action = |word: &str| ground.href(Tab::Tokens, &format!("{}/{word}", token.id));
    Row {
        revoke: is_active.then(|| action("revoke")),
        rotate: (is_active && ends_at.is_none()).then(|| action("rotate")),
        person: token.person.map(|person| person.to_string()),
        name: token.name,
        rate_limit: token.rate_limit_per_minute,
        status,
        is_over: !is_active,
        created: Moment::past(token.created_at, now),
        expires: ends_at.or(token.expires_at).map(|at| Moment::of(at, now)),
        used: token.last_used_at.map(|at| Moment::past(at, now)),
    }
}
