//! One request for a page from beginning to end: who asks, which page, by which method.
//!
//! What a form changes is done in a task of its own, which a browser that goes away does not cancel.

use std::sync::Arc;

use aerostack_core::bearer::{RawToken, TokenKind};
use aerostack_core::slug::Slug;
use http::header::{ALLOW, HeaderValue, SET_COOKIE};
use http::{HeaderMap, Method, Request, Response, StatusCode};

use super::form::{self, Form};
use super::frame::{self, Frame, Notice};
use super::path::{Path, path};
use super::session::{self, SignedIn};
use super::{asset, cookie, dispatch, flash};
use crate::admin::{self, ApiError, Caller, Handled, Streamed};
use crate::app::{App, RequestContext};
use crate::http::body::{Body, RequestBody};
use crate::http::respond;

/// Somebody at a browser.
pub(super) struct Visitor {
    /// The hall.
    pub(super) app: Arc<App>,
    /// The request.
    pub(super) context: RequestContext,
    /// Its headers.
    pub(super) headers: HeaderMap,
    /// What its address says behind the question mark.
    pub(super) query: Form,
    /// Who is signed in.
    pub(super) signed_in: Option<SignedIn>,
    /// What forms are checked with, and whether the browser has yet to be told.
    seed: RawToken,
    seed_is_new: bool,
}

/// What a page comes to: drawn, or a notice in its place.
pub(super) type Drawn = Result<Response<Body>, Notice>;

/// Answers a request for a page.
pub async fn handle(
    app: &Arc<App>,
    context: &RequestContext,
    request: Request<impl RequestBody>,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let wanted = parts.uri.path().to_owned();
    let query = parts.uri.query();
    let place = match path(&wanted) {
        Some(Path::Style) => return asset::STYLE.answer(&parts.headers, query),
        Some(Path::Script) => return asset::SCRIPT.answer(&parts.headers, query),
        Some(Path::Icon) => return asset::ICON.answer(&parts.headers, query),
        Some(place) => place,
        None => return respond::empty(StatusCode::NOT_FOUND),
    };
    let query = Form::of_query(query.unwrap_or_default());
    let visitor = match Visitor::arrive(app, context, parts.headers, query).await {
        Ok(visitor) => visitor,
        Err(notice) => return notice.page(&Frame::new(app, String::new(), None)),
    };
    let frame = visitor.frame();
    let new_seed = visitor.seed_is_new.then(|| cookie::keep(app, TokenKind::FormSeed, &visitor.seed));
    let (drawn, said) = match parts.method {
        Method::GET | Method::HEAD => {
            let is_said = !session::is_live(&visitor.headers);
            let said = cookie::read_flash(app, &visitor.headers).filter(|_| is_said);
            let said = said.and_then(|_| cookie::forget_flash(app));
            (dispatch::show(&visitor, place).await, said)
        }
        Method::POST => (visitor.obeys(&wanted, body).await, None),
        _ => return not_allowed(place),
    };
    let mut response = drawn.unwrap_or_else(|notice| notice.page(&frame));
    for cookie in [new_seed.flatten(), said].into_iter().flatten() {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

impl Visitor {
    async fn arrive(
        app: &Arc<App>,
        context: &RequestContext,
        headers: HeaderMap,
        query: Form,
    ) -> Result<Self, Notice> {
        let signed_in = session::find(app, &headers).await;
        let signed_in = signed_in.map_err(|error| Notice::of(ApiError::from(error), context))?;
        let kept = cookie::read(app, &headers, TokenKind::FormSeed);
        let seed_is_new = kept.is_none();
        let seed = kept.unwrap_or_else(|| RawToken::generate(TokenKind::FormSeed, "", &mut app.rng()));
        let (app, context) = (Arc::clone(app), context.clone());
        Ok(Self { app, context, headers, query, signed_in, seed, seed_is_new })
    }

    fn session(&self) -> Option<&RawToken> {
        self.signed_in.as_ref().map(|signed_in| &signed_in.raw)
    }

    /// The frame of the visitor's pages.
    pub(super) fn frame(&self) -> Frame {
        let username = self.signed_in.as_ref().map(|signed_in| signed_in.caller.account.username.to_string());
        Frame::new(&self.app, form::token(&self.seed, self.session()), username)
    }

    /// The frame once somebody else is signed in: forms are theirs from then on.
    pub(super) fn frame_of(&self, username: &str, session: &RawToken) -> Frame {
        Frame::new(&self.app, form::token(&self.seed, Some(session)), Some(username.to_owned()))
    }

    /// What the form before this page has to say.
    pub(super) fn flash(&self) -> Option<String> {
        let sealed = cookie::read_flash(&self.app, &self.headers)?;
        flash::open(&sealed, &self.seed, self.session())
    }

    /// Sends the browser on to a page that says, once, what was done.
    pub(super) fn done(&self, path: &str, said: &str) -> Response<Body> {
        let mut response = frame::forward(&self.app, path);
        let sealed = flash::seal(said, &self.seed, self.session());
        if let Some(cookie) = cookie::keep_flash(&self.app, &sealed, flash::LIFE) {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        response
    }

    /// Carries out an operation in the visitor's name, as the API would: a refusal is theirs to show.
    ///
    /// # Errors
    /// Whatever the API would answer with.
    pub(super) async fn ask<E: Handled>(
        &self,
        team: Option<&Slug>,
        parameters: &[&str],
        request: E::Request,
    ) -> Result<E::Reply, ApiError> {
        admin::ask::<E>(&self.app, self.caller()?, team, parameters, request).await
    }

    /// Begins an answer that is written as it comes, for whoever may have it from the API.
    ///
    /// # Errors
    /// The page of the refusal.
    pub(super) async fn stream<E: Streamed>(
        &self,
        parameters: &[&str],
        request: E::Request,
    ) -> Result<Response<Body>, Notice> {
        let caller = self.caller().map_err(|error| self.notice(error))?;
        let begun = admin::ask_for_stream::<E>(&self.app, caller, parameters, request).await;
        begun.map_err(|error| self.notice(error))
    }

    /// In whose name operations are carried out.
    ///
    /// # Errors
    /// When nobody is signed in: `dispatch` sends strangers away before.
    pub(super) fn caller(&self) -> Result<&Caller, ApiError> {
        let caller = self.signed_in.as_ref().map(|signed_in| &signed_in.caller);
        caller.ok_or_else(|| ApiError::internal("a page was shown to nobody".to_owned()))
    }

    /// The same, where a refusal takes the page's place.
    ///
    /// # Errors
    /// The page of the refusal.
    pub(super) async fn look<E: Handled>(
        &self,
        team: Option<&Slug>,
        parameters: &[&str],
        request: E::Request,
    ) -> Result<E::Reply, Notice> {
        self.ask::<E>(team, parameters, request).await.map_err(|error| self.notice(error))
    }

    /// What a refusal is on a page.
    pub(super) fn notice(&self, error: impl Into<ApiError>) -> Notice {
        Notice::of(error.into(), &self.context)
    }

    async fn obeys(self, wanted: &str, body: impl RequestBody) -> Drawn {
        let form = form::receive(&self.app, &self.headers, body).await?;
        let seed = (!self.seed_is_new).then_some(&self.seed);
        if !form::is_from_here(&self.app, &self.headers) || !form.is_ours(seed, self.session()) {
            let text = "It was open for too long, or your browser keeps no cookies. Go back, load it again and retry.";
            return Err(Notice::new(StatusCode::FORBIDDEN, "This page is out of date", text));
        }
        let (context, wanted) = (self.context.clone(), wanted.to_owned());
        let tasks = self.app.tasks.clone();
        let done = tasks.spawn(async move { dispatch::obey(&self, &wanted, &form).await }).await;
        done.unwrap_or_else(|error| {
            let error = ApiError::internal(format!("a page did not end: {error}"));
            Err(Notice::of(error, &context))
        })
    }
}

/// The answer to a method that a page does not take.
pub(super) fn not_allowed(place: Path<'_>) -> Response<Body> {
    let allowed = place.methods();
    let response = respond::text(StatusCode::METHOD_NOT_ALLOWED, format!("This page takes {allowed}.\n"));
    respond::with_header(response, ALLOW, HeaderValue::from_static(allowed))
}
