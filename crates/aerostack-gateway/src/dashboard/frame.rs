//! What all pages have in common: the frame they are drawn in and the headers they are sent with.

use askama::Template;
use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue,
    LOCATION, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{Response, StatusCode};

use super::asset;
use crate::admin::ApiError;
use crate::app::{App, RequestContext};
use crate::http::body::Body;
use crate::http::respond;

/// Nothing but our own style sheet and script is loaded, the script asks nobody but us, no form goes
/// anywhere else, nobody frames a page, and nothing in a page's own text is run or obeyed as style.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What every page shows around its own.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    /// The path that the public URL has, before all others.
    pub(super) base: String,
    /// The token of the page's forms.
    pub(super) form_token: String,
    /// Who is signed in.
    pub(super) username: Option<String>,
}

impl Frame {
    /// The frame of a gateway's pages.
    pub(super) fn new(app: &App, form_token: String, username: Option<String>) -> Self {
        Self { base: base_of(app), form_token, username }
    }

    /// Where the style sheet is.
    pub(super) fn style(&self) -> String {
        format!("{}/assets/style.css?v={}", self.base, asset::STYLE.version())
    }

    /// Where the icon is.
    pub(super) fn icon(&self) -> String {
        format!("{}/assets/icon.svg?v={}", self.base, asset::ICON.version())
    }

    /// Where the script is.
    pub(super) fn script(&self) -> String {
        format!("{}/assets/app.js?v={}", self.base, asset::SCRIPT.version())
    }
}

/// A page that says one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Notice {
    /// Its status.
    pub(super) status: StatusCode,
    /// What it is.
    pub(super) title: String,
    /// What to do.
    pub(super) text: String,
}

#[derive(Template)]
#[template(path = "pages/notice.html")]
struct NoticePage<'a> {
    frame: &'a Frame,
    title: &'a str,
    text: &'a str,
}

impl Notice {
    /// A page of this status that says this.
    pub(super) fn new(status: StatusCode, title: impl Into<String>, text: impl Into<String>) -> Self {
        Self { status, title: title.into(), text: text.into() }
    }

    /// A page that does not exist, or of something that does not.
    pub(super) fn nothing_here() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "There is nothing here",
            "The address is wrong, or what it led to is gone.",
        )
    }

    /// What a refusal of the admin API is on a page. What only the log may know is logged here, once.
    pub(super) fn of(error: ApiError, context: &RequestContext) -> Self {
        if let Some(log) = &error.log {
            tracing::error!(request = %context.id, code = error.code.word(), error = log.as_str(), "page failed");
        }
        let status = StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self::new(status, sentence(&error.message), error.hint.as_deref().map(sentence).unwrap_or_default())
    }

    /// Draws it.
    pub(super) fn page(&self, frame: &Frame) -> Response<Body> {
        draw(self.status, &NoticePage { frame, title: &self.title, text: &self.text })
    }
}

/// The words of an answer, as a page begins a sentence.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// The path that the public URL has, without a slash at its end.
pub(super) fn base_of(app: &App) -> String {
    app.config.public_url.as_ref().map_or_else(String::new, |url| url.path().trim_end_matches('/').to_owned())
}

/// Draws a page.
pub(super) fn draw(status: StatusCode, page: &impl Template) -> Response<Body> {
    match page.render() {
        Ok(text) => html(status, text),
        Err(error) => {
            tracing::error!(%error, "a page could not be drawn");
            html(StatusCode::INTERNAL_SERVER_ERROR, "<!doctype html><title>Error</title>Something failed.")
        }
    }
}

fn html(status: StatusCode, text: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Body::full(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    guarded(response)
}

/// An answer as a file to keep. Its name is one of ours: letters, digits, hyphens and dots.
pub(super) fn download(mut response: Response<Body>, name: &str) -> Response<Body> {
    if let Ok(place) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        response.headers_mut().insert(CONTENT_DISPOSITION, place);
    }
    guarded(response)
}

/// The headers of everything that is shown or forwarded.
fn guarded(mut response: Response<Body>) -> Response<Body> {
    const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(OPENER_POLICY, HeaderValue::from_static("same-origin"));
    // No other site is told the address, which may be a link. `no-referrer` would make browsers send
    // forms with the origin `null`, which is nobody's.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}

/// Sends the browser to another page of ours, by GET.
pub(super) fn forward(app: &App, path: &str) -> Response<Body> {
    let mut response = respond::empty(StatusCode::SEE_OTHER);
    if let Ok(place) = HeaderValue::from_str(&format!("{}{path}", base_of(app))) {
        response.headers_mut().insert(LOCATION, place);
    }
    guarded(response)
}

/// The page at an address that leads nowhere; it is the same for everybody.
#[must_use]
pub fn nothing(app: &App) -> Response<Body> {
    Notice::nothing_here().page(&Frame::new(app, String::new(), None))
}

/// The answer while the gateway drains.
#[must_use]
pub fn draining() -> Response<Body> {
    respond::text(StatusCode::SERVICE_UNAVAILABLE, "The gateway is shutting down. Try again in a moment.\n")
}

/// The answer to a request from a host or origin that is not ours.
#[must_use]
pub fn foreign() -> Response<Body> {
    respond::text(StatusCode::FORBIDDEN, "This host or origin may not use the gateway.\n")
}
