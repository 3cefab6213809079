//! `/sign-in`, `/sign-in/{link}` and `/sign-out`.

use std::sync::Arc;

use aerostack_core::account::Email;
use aerostack_core::bearer::{RawToken, TokenKind};
use aerostack_core::sign_in::SignInLink;
use aerostack_core::time::Timestamp;
use askama::Template;
use http::header::SET_COOKIE;
use http::{Response, StatusCode};

use super::form::Form;
use super::frame::{Frame, Notice, draw, forward};
use super::visitor::{Drawn, Visitor};
use super::{cookie, session};
use crate::admin::{ApiError, by_key, insert_link, sign_in_url};
use crate::app::App;
use crate::http::body::Body;
use crate::mail::{self, Letter};
use crate::store::{self, Tx};

#[derive(Template)]
#[template(path = "pages/sign_in.html")]
struct SignInPage<'a> {
    frame: &'a Frame,
    mail: bool,
    problem: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "pages/sign_in_link.html")]
struct LinkPage<'a> {
    frame: &'a Frame,
    link: &'a str,
}

/// Asks for a key, or for an address to mail a link to.
pub(super) fn show(visitor: &Visitor) -> Response<Body> {
    if visitor.signed_in.is_some() {
        return forward(&visitor.app, "/");
    }
    ask(visitor, StatusCode::OK, None)
}

fn ask(visitor: &Visitor, status: StatusCode, problem: Option<&str>) -> Response<Body> {
    let mail = visitor.app.config.mail.is_some();
    draw(status, &SignInPage { frame: &visitor.frame(), mail, problem })
}

/// Signs in with a key, or mails a link.
pub(super) async fn sign_in(visitor: &Visitor, form: &Form) -> Drawn {
    let app = &visitor.app;
    if form.field("key").is_empty() && app.config.mail.is_some() && !form.field("email").is_empty() {
        if let Ok(email) = Email::parse(form.field("email")) {
            mail_behind(app, email);
        }
        // The same for everybody, and at once: nobody learns here who has an account.
        let text = "If this address has an account, a link that signs you in is on its way. It works once, for \
                    15 minutes.";
        return Err(Notice::new(StatusCode::OK, "Look into your mail", text));
    }
    let refused = || Ok(ask(visitor, StatusCode::UNAUTHORIZED, Some("This account key is not accepted.")));
    let Some(raw) = RawToken::parse(TokenKind::AccountKey, form.field("key")) else { return refused() };
    let caller = match by_key(app, &raw, app.clock.now()).await {
        Ok(caller) => caller,
        Err(error) if error.code.status() == 401 => return refused(),
        Err(error) => return Err(visitor.notice(error)),
    };
    let begun = session::begin_alone(app, &caller.account, &visitor.headers, "with an account key").await;
    Ok(welcome(app, &begun.map_err(|error| visitor.notice(error))?))
}

/// Sends who is signed in now to the first page.
fn welcome(app: &App, session: &RawToken) -> Response<Body> {
    let mut response = forward(app, "/");
    if let Some(cookie) = cookie::keep(app, TokenKind::Session, session) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

/// Mails a link to the holder of a proven address. Nobody waits for it, and nobody is told.
fn mail_behind(app: &Arc<App>, email: Email) {
    let held = Arc::clone(app);
    app.tasks.spawn(async move {
        let app = &held;
        // Strangers may ask as often as they like: no more are at it than mails are sent at once.
        let Ok(_turn) = app.mails.try_acquire() else { return };
        if let Err(error) = mail_link(app, &email).await {
            tracing::warn!(error = error.message, log = error.log, "a sign-in link was not mailed");
        }
    });
}

async fn mail_link(app: &App, email: &Email) -> Result<(), ApiError> {
    let Some(settings) = &app.config.mail else { return Ok(()) };
    // Looked up before the order begins: strangers who ask for any address hold nobody up.
    let found = store::account::find_by_email(&mut app.store.read().await?, email).await?;
    // Nothing is given on the strength of an address that is not proven.
    let Some(account) = found.filter(|account| account.email_verified) else { return Ok(()) };
    let mut order = app.order().await?;
    let now = app.clock.now();
    let Some(account) = store::account::lock(&mut order.tx, &account.id).await? else { return Ok(()) };
    let (link, raw) = insert_link(app, &mut order.tx, &account, now).await?;
    order.commit(Vec::new()).await?;
    let letter = Letter::sign_in(&account.username, &sign_in_url(app, &raw), link.expires_at);
    let sent = mail::send(settings, email, letter, app.config.limits.mail_timeout).await;
    sent.map_err(|error| ApiError::internal(error.to_string()))
}

/// Shows a button. The link stays as it is, however often it is looked at.
pub(super) async fn show_link(visitor: &Visitor, link: &str) -> Drawn {
    let app = &visitor.app;
    let found = async {
        let mut tx = app.store.read().await?;
        find_link(&mut tx, link, app.clock.now()).await
    };
    match found.await.map_err(|error| visitor.notice(error))? {
        Some(_) => Ok(draw(StatusCode::OK, &LinkPage { frame: &visitor.frame(), link })),
        None => Err(dead()),
    }
}

/// Uses the link up and signs in.
pub(super) async fn follow(visitor: &Visitor, link: &str) -> Drawn {
    let app = &visitor.app;
    let begun = async {
        // A link of a stranger's own making gets no turn among orders.
        if find_link(&mut app.store.read().await?, link, app.clock.now()).await?.is_none() {
            return Ok(None);
        }
        let mut order = app.order().await?;
        let now = app.clock.now();
        let tx = &mut order.tx;
        let Some(found) = find_link(tx, link, now).await? else { return Ok(None) };
        let Some(account) = store::account::lock(tx, &found.account).await? else { return Ok(None) };
        // Whoever comes second at the same moment meets a dead link.
        if !store::sign_in_link::consume(tx, &found.digest, now).await? {
            return Ok(None);
        }
        let raw = session::begin(app, tx, &account, &visitor.headers, "with a link").await?;
        order.commit(Vec::new()).await?;
        Ok::<_, ApiError>(Some(raw))
    };
    match begun.await.map_err(|error| visitor.notice(error))? {
        Some(raw) => Ok(welcome(app, &raw)),
        None => Err(dead()),
    }
}

async fn find_link(tx: &mut Tx, text: &str, now: Timestamp) -> Result<Option<SignInLink>, ApiError> {
    // Noise is refused without asking the database.
    let Some(raw) = RawToken::parse(TokenKind::SignInLink, text) else { return Ok(None) };
    let found = store::sign_in_link::find(tx, &raw.digest()).await?;
    Ok(found.filter(|link| link.is_live(now)))
}

fn dead() -> Notice {
    let text = "It was used, or it is older than 15 minutes. Ask for a new one.";
    Notice::new(StatusCode::NOT_FOUND, "This link is not valid any more", text)
}

/// Ends the session.
pub(super) async fn sign_out(visitor: &Visitor) -> Drawn {
    if let Some(signed_in) = &visitor.signed_in {
        session::end(&visitor.app, signed_in).await.map_err(|error| visitor.notice(error))?;
    }
    let mut response = forward(&visitor.app, "/sign-in");
    if let Some(cookie) = cookie::forget(&visitor.app, TokenKind::Session) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}
