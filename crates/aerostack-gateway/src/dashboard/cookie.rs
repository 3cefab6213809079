//! The two cookies: of a session, and of the seed that forms are checked with. Both hold random text
//! that scripts cannot read.
//!
//! Behind TLS their names begin with `__Host-`, which no other host, and nobody without TLS, can set.
//! `Lax`, not `Strict`: who follows a link in a mail is to be found signed in.

use aerostack_core::bearer::{RawToken, TokenKind};
use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};

use crate::app::App;

/// Most cookies that are looked at.
const COOKIES_MAX: usize = 64;

/// The cookie that a kind of text is kept in.
fn name(app: &App, kind: TokenKind) -> String {
    let name = if kind == TokenKind::Session { "aerostack_session" } else { "aerostack_form" };
    if is_secure(app) { format!("__Host-{name}") } else { name.to_owned() }
}

fn is_secure(app: &App) -> bool {
    app.base_url().starts_with("https://")
}

/// The text of a kind that a request carries, if its checksum holds.
pub(super) fn read(app: &App, headers: &HeaderMap, kind: TokenKind) -> Option<RawToken> {
    let name = name(app, kind);
    let values = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = values.flat_map(|value| value.split(';')).take(COOKIES_MAX);
    pairs.find_map(|pair| {
        let (key, text) = pair.trim().split_once('=')?;
        (key == name).then(|| RawToken::parse(kind, text)).flatten()
    })
}

/// The header that makes a browser keep a text until it is closed.
pub(super) fn keep(app: &App, kind: TokenKind, text: &RawToken) -> Option<HeaderValue> {
    header(app, kind, text.expose(), "")
}

/// The header that makes a browser forget it.
pub(super) fn forget(app: &App, kind: TokenKind) -> Option<HeaderValue> {
    header(app, kind, "", "; Max-Age=0")
}

fn header(app: &App, kind: TokenKind, text: &str, more: &str) -> Option<HeaderValue> {
    let secure = if is_secure(app) { "; Secure" } else { "" };
    let text = format!("{}={text}; Path=/; HttpOnly; SameSite=Lax{secure}{more}", name(app, kind));
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}
