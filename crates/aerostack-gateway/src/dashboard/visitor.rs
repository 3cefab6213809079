//! One request for a page from beginning to end: who asks, which page, by which method.
//!
//! What a form changes is done in a task of its own, which a browser that goes away does not cancel.

use std::sync::Arc;

use aerostack_core::bearer::{RawToken, TokenKind};
use bytes::Bytes;
use http::header::{ALLOW, HeaderValue, SET_COOKIE};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use hyper::body::Body as HttpBody;

use super::form::{self, Form};
use super::frame::{self, Frame, Notice, base_of};
use super::path::{Path, path};
use super::session::{self, SignedIn};
use super::{cookie, home, join, sign_in};
use crate::admin::ApiError;
use crate::app::{App, RequestContext};
use crate::http::body::Body;
use crate::http::respond;

/// Somebody at a browser.
pub(super) struct Visitor {
    /// The hall.
    pub(super) app: Arc<App>,
    /// The request.
    pub(super) context: RequestContext,
    /// Its headers.
    pub(super) headers: HeaderMap,
    /// Who is signed in.
    pub(super) signed_in: Option<SignedIn>,
    /// What forms are checked with, and whether the browser has yet to be told.
    seed: RawToken,
    seed_is_new: bool,
}

/// What a page comes to: drawn, or a notice in its place.
pub(super) type Drawn = Result<Response<Body>, Notice>;

/// Answers a request for a page.
pub async fn handle<B>(app: &Arc<App>, context: &RequestContext, request: Request<B>) -> Response<Body>
where
    B: HttpBody<Data = Bytes> + Unpin + Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (parts, body) = request.into_parts();
    let wanted = parts.uri.path().to_owned();
    let Some(place) = path(&wanted) else { return respond::empty(StatusCode::NOT_FOUND) };
    if place == Path::StyleSheet {
        return frame::style_sheet();
    }
    let visitor = match Visitor::arrive(app, context, parts.headers).await {
        Ok(visitor) => visitor,
        Err(notice) => return notice.page(&bare(app)),
    };
    let frame = visitor.frame();
    let new_seed = visitor.seed_is_new.then(|| cookie::keep(app, TokenKind::FormSeed, &visitor.seed));
    let drawn = match parts.method {
        Method::GET | Method::HEAD => visitor.shows(place).await,
        Method::POST => visitor.obeys(&wanted, body).await,
        _ => return not_allowed(place),
    };
    let mut response = drawn.unwrap_or_else(|notice| notice.page(&frame));
    if let Some(cookie) = new_seed.flatten() {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

impl Visitor {
    async fn arrive(app: &Arc<App>, context: &RequestContext, headers: HeaderMap) -> Result<Self, Notice> {
        let signed_in = session::find(app, &headers).await;
        let signed_in = signed_in.map_err(|error| Notice::of(ApiError::from(error), context))?;
        let kept = cookie::read(app, &headers, TokenKind::FormSeed);
        let seed_is_new = kept.is_none();
        let seed = kept.unwrap_or_else(|| RawToken::generate(TokenKind::FormSeed, "", &mut app.rng()));
        Ok(Self { app: Arc::clone(app), context: context.clone(), headers, signed_in, seed, seed_is_new })
    }

    /// The frame of the visitor's pages.
    pub(super) fn frame(&self) -> Frame {
        let session = self.signed_in.as_ref().map(|signed_in| &signed_in.raw);
        Frame {
            base: base_of(&self.app),
            form_token: form::token(&self.seed, session),
            username: self.signed_in.as_ref().map(|signed_in| signed_in.caller.account.username.to_string()),
        }
    }

    /// The frame once somebody else is signed in: forms are theirs from then on.
    pub(super) fn frame_of(&self, username: &str, session: &RawToken) -> Frame {
        Frame {
            base: base_of(&self.app),
            form_token: form::token(&self.seed, Some(session)),
            username: Some(username.to_owned()),
        }
    }

    /// What a refusal is on a page.
    pub(super) fn notice(&self, error: impl Into<ApiError>) -> Notice {
        Notice::of(error.into(), &self.context)
    }

    async fn shows(self, place: Path<'_>) -> Drawn {
        match place {
            Path::Home => home::show(&self).await,
            Path::Join(link) => join::show(&self, link).await,
            Path::SignIn => Ok(sign_in::show(&self)),
            Path::SignInLink(link) => sign_in::show_link(&self, link).await,
            Path::SignOut | Path::StyleSheet => Ok(not_allowed(place)),
        }
    }

    async fn obeys<B>(self, wanted: &str, body: B) -> Drawn
    where
        B: HttpBody<Data = Bytes> + Unpin,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let form = form::receive(&self.app, &self.headers, body).await?;
        let seed = (!self.seed_is_new).then_some(&self.seed);
        let session = self.signed_in.as_ref().map(|signed_in| &signed_in.raw);
        if !form::is_from_here(&self.app, &self.headers) || !form.is_ours(seed, session) {
            let text = "It was open for too long, or your browser keeps no cookies. Go back, load it again and retry.";
            return Err(Notice::new(StatusCode::FORBIDDEN, "This page is out of date", text));
        }
        let (context, wanted) = (self.context.clone(), wanted.to_owned());
        let tasks = self.app.tasks.clone();
        let done = tasks.spawn(async move { self.does(&wanted, form).await }).await;
        done.unwrap_or_else(|error| {
            let error = ApiError::internal(format!("a page did not end: {error}"));
            Err(Notice::of(error, &context))
        })
    }

    async fn does(self, wanted: &str, form: Form) -> Drawn {
        match path(wanted) {
            Some(Path::Join(link)) => join::enter(&self, link, &form).await,
            Some(Path::SignIn) => sign_in::sign_in(&self, &form).await,
            Some(Path::SignInLink(link)) => sign_in::follow(&self, link).await,
            Some(Path::SignOut) => sign_in::sign_out(&self).await,
            Some(place @ (Path::Home | Path::StyleSheet)) => Ok(not_allowed(place)),
            None => Ok(respond::empty(StatusCode::NOT_FOUND)),
        }
    }
}

/// The frame where it is not known who asks.
fn bare(app: &App) -> Frame {
    Frame { base: base_of(app), form_token: String::new(), username: None }
}

fn not_allowed(place: Path<'_>) -> Response<Body> {
    let allowed = match place {
        Path::Home | Path::StyleSheet => "GET, HEAD",
        Path::SignOut => "POST",
        Path::Join(_) | Path::SignIn | Path::SignInLink(_) => "GET, HEAD, POST",
    };
    let response = respond::text(StatusCode::METHOD_NOT_ALLOWED, format!("This page takes {allowed}.\n"));
    respond::with_header(response, ALLOW, HeaderValue::from_static(allowed))
}
