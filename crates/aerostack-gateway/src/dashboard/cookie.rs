//! The cookies: of a session, of the seed that forms are checked with, and of what the next page says.
//! Scripts can read none of them.
//!
//! Behind TLS their names begin with `__Host-`, which no other host, and nobody without TLS, can set.
//! `Lax`, not `Strict`: who follows a link in a mail is to be found signed in.

use std::time::Duration;

use aerostack_core::bearer::{RawToken, TokenKind};
use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};

use crate::app::App;

/// Most cookies that are looked at.
const COOKIES_MAX: usize = 64;
/// The cookie of what the next page says.
const FLASH: &str = "aerostack_flash";

/// The cookie that a kind of text is kept in.
const fn name(kind: TokenKind) -> &'static str {
    match kind {
        TokenKind::Session => "aerostack_session",
        _ => "aerostack_form",
    }
}

fn is_secure(app: &App) -> bool {
    app.base_url().starts_with("https://")
}

fn full_name(app: &App, name: &str) -> String {
    if is_secure(app) { format!("__Host-{name}") } else { name.to_owned() }
}

/// The text of a kind that a request carries, if its checksum holds.
pub(super) fn read(app: &App, headers: &HeaderMap, kind: TokenKind) -> Option<RawToken> {
    find(app, headers, name(kind), |text| RawToken::parse(kind, text))
}

/// What the next page is to say, as it was sealed.
pub(super) fn read_flash(app: &App, headers: &HeaderMap) -> Option<String> {
    find(app, headers, FLASH, |text| Some(text.to_owned()))
}

fn find<T>(app: &App, headers: &HeaderMap, name: &str, read: impl Fn(&str) -> Option<T>) -> Option<T> {
    let name = full_name(app, name);
    let values = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = values.flat_map(|value| value.split(';')).take(COOKIES_MAX);
    pairs.find_map(|pair| {
        let (key, text) = pair.trim().split_once('=')?;
        (key == name).then(|| read(text)).flatten()
    })
}

/// The header that makes a browser keep a text until it is closed.
pub(super) fn keep(app: &App, kind: TokenKind, text: &RawToken) -> Option<HeaderValue> {
    header(app, name(kind), text.expose(), "")
}

/// The header that makes a browser forget it.
pub(super) fn forget(app: &App, kind: TokenKind) -> Option<HeaderValue> {
    header(app, name(kind), "", "; Max-Age=0")
}

/// The header that makes a browser hand what is to be said to the next page.
pub(super) fn keep_flash(app: &App, sealed: &str, life: Duration) -> Option<HeaderValue> {
    header(app, FLASH, sealed, &format!("; Max-Age={}", life.as_secs()))
}

/// The header that makes a browser forget it.
pub(super) fn forget_flash(app: &App) -> Option<HeaderValue> {
    header(app, FLASH, "", "; Max-Age=0")
}

fn header(app: &App, name: &str, text: &str, more: &str) -> Option<HeaderValue> {
    let secure = if is_secure(app) { "; Secure" } else { "" };
    let name = full_name(app, name);
    let text = format!("{name}={text}; Path=/; HttpOnly; SameSite=Lax{secure}{more}");
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}
