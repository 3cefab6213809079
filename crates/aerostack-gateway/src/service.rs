//! One request from beginning to end: an id, a door, an answer, one log line.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use aerostack_core::api::operation::{API_ROOT, Found, Operation};
use aerostack_core::id::RequestId;
use aerostack_core::slug::Slug;
use http::header::{ACCEPT, CONNECTION, HeaderName, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, Method, Request, Response, StatusCode};

use crate::app::{App, RequestContext};
use crate::http::body::{Body, RequestBody};
use crate::http::origin::{self, AllowedOrigins};
use crate::http::respond;
use crate::mcp::{Door, Refusal, model_tools};
use crate::router::{Edge, Route, may_be_a_persons, route};
use crate::{admin, dashboard, health};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Everything a request can reach.
pub struct Service {
    /// The hall.
    pub app: Arc<App>,
    allowed: AllowedOrigins,
    door: Door,
}

impl Service {
    /// Opens the doors.
    #[must_use]
    pub fn new(app: Arc<App>) -> Self {
        let config = &app.config;
        let (public_url, listen) = (config.public_url.as_ref(), config.listen.ip());
        let allowed = AllowedOrigins::new(public_url, listen, &config.allowed_origins);
        Self { allowed, door: Door::default(), app }
    }

    /// Answers one request.
    pub async fn answer(&self, peer: SocketAddr, request: Request<impl RequestBody>) -> Response<Body> {
        let started = Instant::now();
        let now = self.app.clock.now();
        // An id is no secret: the thread's own generator makes it without asking the operating system.
        let context = RequestContext { id: RequestId::new(now, &mut rand::rng()), received_at: now };
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let place = place(&method, &path);
        let mut response = self.serve(&context, peer, request, &path).await;
        if let Ok(id) = HeaderValue::from_str(context.id.as_str()) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        let (status, elapsed) = (response.status(), started.elapsed());
        let duration_us = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
        metrics::counter!("aerostack_requests_total", "door" => place.door, "status" => class(status))
            .increment(1);
        metrics::histogram!("aerostack_request_duration_seconds", "door" => place.door).record(elapsed);
        tracing::info!(request = %context.id, method = place.method, path = place.path, status = status.as_u16(), duration_us, "request");
        response
    }

    async fn serve(
        &self,
        context: &RequestContext,
        peer: SocketAddr,
        request: Request<impl RequestBody>,
        path: &str,
    ) -> Response<Body> {
        let route = route(path);
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
struct Place {
    method: &'static str,
    door: &'static str,
    path: String,
}

fn place(method: &Method, path: &str) -> Place {
    let shown = |slug| Slug::parse(slug).map_or_else(|_| "{invalid}".to_owned(), |slug| slug.to_string());
    let (door, path) = match route(path) {
        Route::ModelTools { slug, api } => ("mcp", format!("/ws/{}/{}", shown(slug), api.segment())),
        Route::Mcp { slug, edge } => {
            let slug = shown(slug);
            let edge = if edge == Edge::Sse { "/sse" } else { "" };
            ("mcp", format!("/ws/{slug}{edge}"))
        }
        Route::Admin => match Operation::find(method.as_str(), path) {
            Found::Operation(operation, _) => ("admin", format!("{API_ROOT}{}", operation.path())),
            Found::WrongMethod(_) | Found::Nothing => ("admin", "{unknown}".to_owned()),
        },
        Route::Page(page) => ("dashboard", page.template()),
        Route::Health => ("health", path.to_owned()),
        Route::Nothing => ("none", "{unknown}".to_owned()),
    };
    Place { method: word(method), door, path }
}

fn word(method: &Method) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("{unknown}")
}

const fn class(status: StatusCode) -> &'static str {
    match status.as_u16() {
        0..400 => "ok",
        401 => "unauthorized",
        429 => "rate_limited",
        400..500 => "refused",
        _ => "failed",
    }
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
        let logged = |method: Method, path: &str| place(&method, path).path;
        assert_eq!(logged(Method::POST, "/api/gateway/ws/acme/sse"), "/ws/acme/sse");
        assert_eq!(logged(Method::POST, "/ws/mwt_alice_0123"), "/ws/{invalid}");
        assert_eq!(
            logged(Method::POST, "/api/v1/workspaces/acme/tokens/mwt_alice_0123/revoke"),
            "/api/v1/workspaces/{slug}/tokens/{id}/revoke"
        );
        assert_eq!(logged(Method::GET, "/api/v1/mwt_alice_0123"), "{unknown}");
        assert_eq!(logged(Method::GET, "/mwt_alice_0123"), "{unknown}");
        let strange = Method::from_bytes(b"mwt_alice_0123").unwrap();
        assert_eq!((place(&strange, "/").method, place(&Method::PATCH, "/").method), ("{unknown}", "PATCH"));
        assert_eq!(logged(Method::GET, "/join/jl_0123"), "/join/{link}");
        assert_eq!(logged(Method::POST, "/sign-in/sl_0123"), "/sign-in/{link}");
        assert_eq!(logged(Method::POST, "/api/v1/invites/jl_0123/accept"), "/api/v1/invites/{link}/accept");
    }
}
