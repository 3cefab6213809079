//! `/join/{link}`: an invitation shown, and accepted.

use aerostack_core::api::error::ErrorCode;
use aerostack_core::api::team::{InvitePreview, Joined};
use aerostack_core::bearer::{RawToken, TokenKind};
use aerostack_core::slug::Slug;
use askama::Template;
use http::header::SET_COOKIE;
use http::{Response, StatusCode};

use super::form::Form;
use super::frame::{Frame, Notice, draw, sentence};
use super::visitor::{Drawn, Visitor};
use super::{cookie, session};
use crate::admin::{ApiError, Caller, accept_link, by_key, look};
use crate::http::body::Body;

/// How somebody enters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// With a username of their choice.
    New,
    /// As who is signed in already.
    SignedIn,
    /// With the key of their account.
    Key,
    /// Not as who is signed in now.
    OtherAccount,
}

#[derive(Template)]
#[template(path = "pages/join.html")]
struct JoinPage<'a> {
    frame: &'a Frame,
    link: &'a str,
    place: &'a str,
    email: &'a str,
    role: Option<&'static str>,
    full: Option<&'a str>,
    until: &'a str,
    way: Way,
    username: &'a str,
    mail: bool,
    problem: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "pages/joined.html")]
struct JoinedPage<'a> {
    frame: &'a Frame,
    place: &'a str,
    username: &'a str,
    role: Option<&'static str>,
    key: Option<&'a str>,
    token: Option<Credentials<'a>>,
    url: &'a str,
}

/// The personal token of who joined a workspace, and what an editor is given.
struct Credentials<'a> {
    token: &'a str,
    gateway_url: &'a str,
    mcp_json: &'a str,
}

/// Shows where the link leads. It stays as it is, however often it is looked at.
pub(super) async fn show(visitor: &Visitor, link: &str) -> Drawn {
    let preview = look(&visitor.app, link).await.map_err(|error| refused(visitor, error))?;
    Ok(ask(visitor, link, &preview, "", None))
}

/// Accepts it.
pub(super) async fn enter(visitor: &Visitor, link: &str, form: &Form) -> Drawn {
    let app = &visitor.app;
    let preview = look(app, link).await.map_err(|error| refused(visitor, error))?;
    let again = |error: ApiError, typed: &str| {
        let notice = visitor.notice(error);
        let said = [notice.title, notice.text].into_iter().filter(|text| !text.is_empty());
        let problem: Vec<String> = said.map(|text| format!("{}.", text.trim_end_matches('.'))).collect();
        Ok(ask(visitor, link, &preview, typed, Some((notice.status, &problem.join(" ")))))
    };
    let (caller, username) = match way(visitor, &preview) {
        Way::New => match form.field("username").trim_start_matches('@').parse::<Slug>() {
            Ok(username) => (None, Some(username)),
            Err(error) => {
                return again(
                    ApiError::invalid(format!("this is no username: {error}")),
                    form.field("username"),
                );
            }
        },
        Way::Key => match of_key(visitor, form.field("key")).await {
            Ok(caller) => (Some(caller), None),
            Err(error) => return again(error, ""),
        },
        Way::SignedIn | Way::OtherAccount => {
            (visitor.signed_in.as_ref().map(|signed_in| signed_in.caller.clone()), None)
        }
    };
    let typed = username.as_ref().map(ToString::to_string).unwrap_or_default();
    match accept_link(app, link, caller.as_ref(), username).await {
        Ok(joined) => joined_page(visitor, joined, caller.is_some()).await,
        Err(error) if error.code == ErrorCode::NotFound => Err(refused(visitor, error)),
        Err(error) => again(error, &typed),
    }
}

/// The account of a key that was pasted.
async fn of_key(visitor: &Visitor, text: &str) -> Result<Caller, ApiError> {
    let unknown = || ApiError::new(ErrorCode::Unauthorized, "this account key is not accepted");
    let raw = RawToken::parse(TokenKind::AccountKey, text).ok_or_else(unknown)?;
    by_key(&visitor.app, &raw, visitor.app.clock.now()).await.map_err(|error| match error.code {
        ErrorCode::Unauthorized => unknown(),
        _ => error,
    })
}

fn way(visitor: &Visitor, preview: &InvitePreview) -> Way {
    match &visitor.signed_in {
        Some(signed_in) if signed_in.caller.account.email == preview.email => Way::SignedIn,
        Some(_) => Way::OtherAccount,
        None if preview.has_account => Way::Key,
        None => Way::New,
    }
}

/// The page that asks; after a problem, with what was typed.
fn ask(
    visitor: &Visitor,
    link: &str,
    preview: &InvitePreview,
    username: &str,
    problem: Option<(StatusCode, &str)>,
) -> Response<Body> {
    // Whoever tried has just been told.
    let full = preview.seats.filter(|seats| problem.is_none() && !seats.has_room()).map(|seats| seats.line());
    let page = JoinPage {
        frame: &visitor.frame(),
        link,
        place: &place(&preview.team, preview.workspace.as_ref()),
        email: preview.email.as_str(),
        role: preview.workspace.is_none().then(|| preview.role.word()),
        full: full.as_deref(),
        until: &preview.expires_at.minute(),
        way: way(visitor, preview),
        username,
        mail: visitor.app.config.mail.is_some(),
        problem: problem.map(|(_, text)| text),
    };
    draw(problem.map_or(StatusCode::OK, |(status, _)| status), &page)
}

fn place(team: &Slug, workspace: Option<&Slug>) -> String {
    workspace.map_or_else(|| format!("@{team}"), |slug| format!("{slug} of @{team}"))
}

/// The one page that shows a key, and signs the browser in.
async fn joined_page(visitor: &Visitor, joined: Joined, had_account: bool) -> Drawn {
    let app = &visitor.app;
    let username = joined.account.username.to_string();
    let (frame, cookie) = match &visitor.signed_in {
        Some(_) => (visitor.frame(), None),
        None => match sign_in_as(visitor, &joined, had_account).await {
            Ok(raw) => (visitor.frame_of(&username, &raw), cookie::keep(app, TokenKind::Session, &raw)),
            // The key has to be shown, whatever else does not work now.
            Err(error) => {
                visitor.notice(error);
                (visitor.frame(), None)
            }
        },
    };
    let block = joined.token.as_ref().map(|made| serde_json::to_string_pretty(&made.mcp_json));
    let mcp_json = block.transpose().map_err(|error| ApiError::internal(error.to_string()));
    let mcp_json = mcp_json.map_err(|error| visitor.notice(error))?.unwrap_or_default();
    let page = JoinedPage {
        frame: &frame,
        place: &place(&joined.team, joined.workspace.as_ref()),
        username: &username,
        role: joined.workspace.is_none().then(|| joined.role.word()),
        key: joined.key.as_deref(),
        token: joined.token.as_ref().map(|made| Credentials {
            token: &made.token,
            gateway_url: &made.gateway_url,
            mcp_json: &mcp_json,
        }),
        url: &app.base_url(),
    };
    let mut response = draw(StatusCode::OK, &page);
    if let Some(cookie) = cookie {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}

async fn sign_in_as(visitor: &Visitor, joined: &Joined, had_account: bool) -> Result<RawToken, ApiError> {
    let app = &visitor.app;
    let mut tx = app.store.read().await?;
    let account = crate::store::account::find(&mut tx, &joined.account.id).await?;
    drop(tx);
    let account = account.ok_or_else(|| ApiError::internal("somebody who joined is gone".to_owned()))?;
    let how = if had_account { "with an account key" } else { "by joining" };
    session::begin_alone(app, &account, &visitor.headers, how).await
}

/// The one plain page of every link that leads nowhere.
fn refused(visitor: &Visitor, error: ApiError) -> Notice {
    let Notice { status, title, text } = visitor.notice(error);
    Notice { status, title, text: format!("{}.", sentence(&text)) }
}
