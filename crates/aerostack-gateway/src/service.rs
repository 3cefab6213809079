//! One request from beginning to end: an id, a door, an answer, one log line.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use aerostack_core::id::RequestId;
use bytes::Bytes;
use http::header::{CONNECTION, HeaderName, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, Request, Response, StatusCode};
use hyper::body::Body as HttpBody;

use crate::app::{App, RequestContext};
use crate::http::body::Body;
use crate::http::respond;
use crate::mcp::{Door, Refusal};
use crate::router::{Route, route};
use crate::{admin, health};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Everything a request can reach.
pub struct Service {
    /// The hall.
    pub app: Arc<App>,
    door: Door,
}

impl Service {
    /// Opens the doors.
    #[must_use]
    pub fn new(app: Arc<App>) -> Self {
        Self {
            door: Door::new(&app),
            app,
        }
    }

    /// Answers one request.
    pub async fn answer<B>(&self, peer: SocketAddr, request: Request<B>) -> Response<Body>
    where
        B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let started = Instant::now();
        let now = self.app.clock.now();
        let context = RequestContext {
            id: RequestId::new(now, &mut self.app.rng()),
            received_at: now,
        };
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let mut response = self.serve(&context, peer, request, &path).await;
        if let Ok(id) = HeaderValue::from_str(context.id.as_str()) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        let duration_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        let status = response.status().as_u16();
        tracing::info!(request = %context.id, %method, path, status, duration_us, "request");
        response
    }

    async fn serve<B>(
        &self,
        context: &RequestContext,
        peer: SocketAddr,
        request: Request<B>,
        path: &str,
    ) -> Response<Body>
    where
        B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let route = route(path);
        if headers_len(request.headers()) > self.app.config.limits.header_limit_bytes {
            return headers_too_large();
        }
        if self.app.is_draining() && route != Route::Health {
            return draining(context, route);
        }
        match route {
            Route::Mcp { slug, edge } => self.door.serve(&self.app, slug, edge, request).await,
            Route::Admin => admin::handle(&self.app, context, request).await,
            Route::Health => health::answer(&self.app, peer, path, request.headers()).await,
            Route::Nothing => not_found(),
        }
    }
}

fn headers_len(headers: &HeaderMap) -> usize {
    headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len())
        .sum()
}

fn error(status: StatusCode, code: i32, message: &str) -> Response<Body> {
    let text = format!(r#"{{"jsonrpc":"2.0","id":null,"error":{{"code":{code},"message":"{message}"}}}}"#);
    respond::json_text(status, text)
}

fn headers_too_large() -> Response<Body> {
    let response = error(
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        -32600,
        "Invalid request: the headers are too large",
    );
    respond::with_header(response, CONNECTION, HeaderValue::from_static("close"))
}

fn not_found() -> Response<Body> {
    error(
        StatusCode::NOT_FOUND,
        -32600,
        "Invalid request: there is nothing at this path",
    )
}

fn draining(context: &RequestContext, route: Route<'_>) -> Response<Body> {
    let response = match route {
        Route::Admin => admin::draining(context),
        _ => return Refusal::Draining.answer(None),
    };
    let response = respond::with_header(response, RETRY_AFTER, HeaderValue::from_static("1"));
    respond::with_header(response, CONNECTION, HeaderValue::from_static("close"))
}
