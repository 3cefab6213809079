//! One request from beginning to end: an id, a door, an answer, one log line.

mod counts;

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use aerostack_core::api::operation::{API_ROOT, Found, Operation};
use aerostack_core::id::RequestId;
use aerostack_core::slug::Slug;
use http::header::{ACCEPT, CONNECTION, HeaderName, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, Method, Request, Response, StatusCode};

use self::counts::{Counted, Counts};
use crate::app::{App, RequestContext};
use crate::http::body::{Body, RequestBody};
use crate::http::origin::{self, AllowedOrigins};
use crate::http::respond;
use crate::mcp::{Door, Refusal, model_tools};
use crate::router::{Edge, Route, may_be_a_persons, route};
use crate::{admin, dashboard, health};

/// What a workspace's address may begin with, and is logged without.
const LONGER_ROOT: &str = "/api/gateway";
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Everything a request can reach.
pub struct Service {
    /// The hall.
    pub app: Arc<App>,
    allowed: AllowedOrigins,
    door: Door,
    counts: Counts,
}

impl Service {
    /// Opens the doors.
    #[must_use]
    pub fn new(app: Arc<App>) -> Self {
        let config = &app.config;
        let (public_url, listen) = (config.public_url.as_ref(), config.listen.ip());
        let allowed = AllowedOrigins::new(public_url, listen, &config.allowed_origins);
        Self { allowed, door: Door::default(), counts: Counts::default(), app }
    }

    /// Answers one request.
    pub async fn answer(&self, peer: SocketAddr, request: Request<impl RequestBody>) -> Response<Body> {
        let started = Instant::now();
        let now = self.app.clock.at(started);
        // An id is no secret: the thread's own generator makes it without asking the operating system.
        let context = RequestContext { id: RequestId::new(now, &mut rand::rng()), received_at: now };
        let (method, path) = (word(request.method()), request.uri().path().to_owned());
        let route = route(&path);
        let place = place(method, route, &path);
        let mut response = self.serve(&context, peer, request, route, &path).await;
        if let Ok(id) = HeaderValue::from_str(context.id.as_str()) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        let (status, elapsed) = (response.status(), started.elapsed());
        let duration_us = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
        self.counts.count(place.door, status, elapsed);
        let path = &*place.path;
        tracing::info!(request = %context.id, method, path, status = status.as_u16(), duration_us, "request");
        response
    }

    async fn serve(
        &self,
        context: &RequestContext,
        peer: SocketAddr,
        request: Request<impl RequestBody>,
        route: Route<'_>,
        path: &str,
    ) -> Response<Body> {
        if headers_len(request.headers()) > self.app.config.limits.header_limit_bytes {
            return headers_too_large(context, route);
        }
        if self.app.is_closed() && route != Route::Health {
            return draining(context, route);
        }
        let Ok(origin) = self.allowed.check(request.headers()) else {
            return foreign(context, route);
        };
        if let (&Method::OPTIONS, Some(origin)) = (request.method(), &origin) {
            return origin::preflight(origin.clone(), request.headers());
        }
        let response = match route {
            Route::Mcp { slug, edge } => self.door.serve(&self.app, slug, edge, request).await,
            Route::ModelTools { slug, api } => {
                model_tools::answer(&self.app, slug, api, request.method(), request.headers())
            }
            // Boxed, so that a call does not carry the size of what is rare.
            Route::Admin => Box::pin(admin::handle(&self.app, context, request)).await,
            Route::Health if !matches!(*request.method(), Method::GET | Method::HEAD) => {
                Refusal::WrongMethod { allow: "GET, HEAD" }.answer(None)
            }
            // Pages are for browsers at our own origin: no other is told that it may read them.
            Route::Page(_) => return Box::pin(dashboard::handle(&self.app, context, request)).await,
            Route::Health => Box::pin(health::answer(&self.app, peer, path, request.headers())).await,
            Route::Nothing if asks_for_a_page(&request) => return dashboard::nothing(&self.app),
            Route::Nothing => not_found(),
        };
        origin::allow(response, origin)
    }
}

/// A request's place as it may be logged and counted: what strangers typed is not in it, since they
/// may have typed a token.
struct Place<'a> {
    door: Counted,
    path: Cow<'a, str>,
}

fn place<'a>(method: &str, route: Route<'_>, path: &'a str) -> Place<'a> {
    let (door, path) = match route {
        // Nothing stands in such a path but its slug and our own words.
        Route::Mcp { slug, .. } | Route::ModelTools { slug, .. } if Slug::is_one(slug) => {
            (Counted::Mcp, Cow::Borrowed(path.strip_prefix(LONGER_ROOT).unwrap_or(path)))
        }
        Route::Mcp { edge: Edge::Streamable, .. } => (Counted::Mcp, Cow::Borrowed("/ws/{invalid}")),
        Route::Mcp { edge: Edge::Sse, .. } => (Counted::Mcp, Cow::Borrowed("/ws/{invalid}/sse")),
        Route::ModelTools { api, .. } => {
            (Counted::Mcp, Cow::Owned(format!("/ws/{{invalid}}/{}", api.segment())))
        }
        Route::Admin => match Operation::find(method, path) {
            Found::Operation(operation, _) => {
                (Counted::Admin, Cow::Owned(format!("{API_ROOT}{}", operation.path())))
            }
            Found::WrongMethod(_) | Found::Nothing => (Counted::Admin, Cow::Borrowed("{unknown}")),
        },
        Route::Page(page) => (Counted::Dashboard, Cow::Owned(page.template())),
        Route::Health => (Counted::Health, Cow::Borrowed(path)),
        Route::Nothing => (Counted::Nothing, Cow::Borrowed("{unknown}")),
    };
    Place { door, path }
}

fn word(method: &Method) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("{unknown}")
}

fn headers_len(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len()).sum()
}

fn error(status: StatusCode, code: i32, message: &str) -> Response<Body> {
    let text = format!(r#"{{"jsonrpc":"2.0","id":null,"error":{{"code":{code},"message":"{message}"}}}}"#);
    respond::json_text(status, text)
}

fn headers_too_large(context: &RequestContext, route: Route<'_>) -> Response<Body> {
    let response = match route {
        Route::Admin => admin::headers_too_large(context),
        _ => error(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            -32600,
            "Invalid request: the headers are too large",
        ),
    };
    respond::with_header(response, CONNECTION, HeaderValue::from_static("close"))
}

fn foreign(context: &RequestContext, route: Route<'_>) -> Response<Body> {
    match route {
        Route::Admin => admin::foreign(context),
        Route::Page(_) => dashboard::foreign(),
        _ => Refusal::Foreign.answer(None),
    }
}

/// Whether somebody looks with a browser at an address that leads nowhere.
fn asks_for_a_page<B>(request: &Request<B>) -> bool {
    let takes_html = |value: &HeaderValue| value.to_str().is_ok_and(|kinds| kinds.contains("text/html"));
    matches!(*request.method(), Method::GET | Method::HEAD)
        && may_be_a_persons(request.uri().path())
        && request.headers().get_all(ACCEPT).iter().any(takes_html)
}

fn not_found() -> Response<Body> {
    error(StatusCode::NOT_FOUND, -32600, "Invalid request: there is nothing at this path")
}

fn draining(context: &RequestContext, route: Route<'_>) -> Response<Body> {
    let response = match route {
        Route::Admin => admin::draining(context),
        Route::Page(_) => dashboard::draining(),
        _ => return Refusal::Draining.answer(None),
    };
    let response = respond::with_header(response, RETRY_AFTER, HeaderValue::from_static("1"));
    respond::with_header(response, CONNECTION, HeaderValue::from_static("close"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_logged_of_a_request_holds_nothing_a_stranger_typed() {
        let logged = |method: Method, path: &str| place(word(&method), route(path), path).path.into_owned();
        assert_eq!(logged(Method::POST, "/api/gateway/ws/acme/sse"), "/ws/acme/sse");
        assert_eq!(logged(Method::POST, "/api/gateway/ws/acme/openai-tools"), "/ws/acme/openai-tools");
        assert_eq!(logged(Method::POST, "/ws/acme"), "/ws/acme");
        for rest in ["", "/sse", "/gemini-tools"] {
            let path = format!("/ws/mwt_alice_0123{rest}");
            assert_eq!(logged(Method::POST, &path), format!("/ws/{{invalid}}{rest}"));
        }
        assert_eq!(
            logged(Method::POST, "/api/v1/workspaces/acme/tokens/mwt_alice_0123/revoke"),
            "/api/v1/workspaces/{slug}/tokens/{id}/revoke"
        );
        assert_eq!(logged(Method::GET, "/api/v1/mwt_alice_0123"), "{unknown}");
        assert_eq!(logged(Method::GET, "/mwt_alice_0123"), "{unknown}");
        let strange = Method::from_bytes(b"mwt_alice_0123").unwrap();
        assert_eq!((word(&strange), word(&Method::PATCH)), ("{unknown}", "PATCH"));
        assert_eq!(logged(Method::GET, "/join/jl_0123"), "/join/{link}");
        assert_eq!(logged(Method::POST, "/sign-in/sl_0123"), "/sign-in/{link}");
        assert_eq!(logged(Method::POST, "/api/v1/invites/jl_0123/accept"), "/api/v1/invites/{link}/accept");
    }
}
