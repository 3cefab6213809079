//! A function behind a skill: it answers calls of the tools `echo` and `fail`, keeps what it was sent, and
//! misbehaves when it is told to.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::stream;
use http::header::{CONTENT_TYPE, LOCATION, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// How much a function that floods says.
const FLOOD_BYTES: usize = 100 * 1_024 * 1_024;
const FLOOD_CHUNK_BYTES: usize = 64 * 1_024;

/// How a function behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conduct {
    /// As it should.
    Right,
    /// It answers with this status and nothing else.
    Status(u16),
    /// It answers 200 with this.
    Says(&'static str),
    /// It answers rightly, with a text of so many bytes.
    SaysMuch(usize),
    /// It never answers.
    Hangs,
    /// It begins to answer and never ends.
    Drips,
    /// It answers with 100 MiB.
    Floods,
    /// It sends whoever calls elsewhere.
    Redirects(&'static str),
    /// It answers 200 and wants a cookie to be kept.
    SetsCookie,
}

/// A call as it arrived.
#[derive(Clone, Debug)]
pub struct Called {
    /// The HTTP headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Value,
    /// The body as it came.
    pub text: String,
}

/// A running function. Dropped, it stops.
#[derive(Debug)]
pub struct Function {
    address: SocketAddr,
    state: Arc<State>,
    stop: CancellationToken,
}

#[derive(Debug)]
struct State {
    conduct: Mutex<Conduct>,
    calls: Mutex<Vec<Called>>,
}

type Body = UnsyncBoxBody<Bytes, Infallible>;

impl Function {
    /// Starts one.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn starts() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let state = Arc::new(State { conduct: Mutex::new(Conduct::Right), calls: Mutex::default() });
        let function = Self {
            address: listener.local_addr().expect("it is bound"),
            state: Arc::clone(&state),
            stop: CancellationToken::new(),
        };
        tokio::spawn(accept(listener, state, function.stop.clone()));
        function
    }

    /// Its address, for a manifest. The key in it is to be seen nowhere.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/run?key=hidden", self.address)
    }

    /// Its port on loopback.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Tells it how to behave from now on.
    pub fn behaves(&self, conduct: Conduct) {
        *self.state.conduct.lock().unwrap_or_else(PoisonError::into_inner) = conduct;
    }

    /// The calls it was sent so far.
    #[must_use]
    pub fn calls(&self) -> Vec<Called> {
        self.state.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Its tools, as a manifest names them.
    #[must_use]
    pub fn tools() -> Value {
        json!([
            {
                "name": "echo",
                "description": "Says it again",
                "input_schema": {
                    "type": "object",
                    "properties": {
                        "text": { "type": "string", "maxLength": 20 },
                        "times": { "type": "integer", "minimum": 1 }
                    },
                    "required": ["text"],
                    "additionalProperties": false
                }
            },
            { "name": "fail", "description": "Fails", "input_schema": { "type": "object" } }
        ])
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn accept(listener: TcpListener, state: Arc<State>, stop: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => return,
        };
        let Ok((stream, _)) = accepted else { continue };
        let (state, stop) = (Arc::clone(&state), stop.clone());
        tokio::spawn(async move {
            let service = service_fn(move |request| serve(Arc::clone(&state), request));
            let connection =
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            tokio::select! {
                _ = connection => {}
                () = stop.cancelled() => {}
            }
        });
    }
}

async fn serve(state: Arc<State>, request: Request<Incoming>) -> Result<Response<Body>, hyper::Error> {
    let (head, body) = request.into_parts();
    let text = String::from_utf8_lossy(&body.collect().await?.to_bytes()).into_owned();
    let body: Value = serde_json::from_str(&text).unwrap_or_default();
    let answer = right_answer(&body);
    let called = Called { headers: head.headers, body, text };
    state.calls.lock().unwrap_or_else(PoisonError::into_inner).push(called);
    let conduct = state.conduct.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok(match conduct {
        Conduct::Right => match answer {
            Some(answer) => whole(StatusCode::OK, answer.to_string()),
            None => whole(StatusCode::BAD_REQUEST, String::new()),
        },
        Conduct::Status(status) => {
            whole(StatusCode::from_u16(status).unwrap_or_default(), "a secret reason".to_owned())
        }
        Conduct::Says(text) => whole(StatusCode::OK, text.to_owned()),
        Conduct::SaysMuch(bytes) => {
            let content = json!([{ "type": "text", "text": "x".repeat(bytes) }]);
            whole(StatusCode::OK, json!({ "content": content }).to_string())
        }
        Conduct::Hangs => std::future::pending().await,
        Conduct::Drips => streamed(stream::unfold(0, |count| async move {
            match count {
                0 => Some((Bytes::from_static(b"{\"content\":["), 1)),
                _ => std::future::pending().await,
            }
        })),
        Conduct::Floods => streamed(stream::iter(std::iter::repeat_n(
            Bytes::from(vec![b' '; FLOOD_CHUNK_BYTES]),
            FLOOD_BYTES / FLOOD_CHUNK_BYTES,
        ))),
        Conduct::SetsCookie => {
            let mut response = whole(StatusCode::OK, String::new());
            response.headers_mut().insert(SET_COOKIE, HeaderValue::from_static("who=gateway; Path=/"));
            response
        }
        Conduct::Redirects(target) => {
            let mut response = whole(StatusCode::TEMPORARY_REDIRECT, String::new());
            response.headers_mut().insert(LOCATION, HeaderValue::from_static(target));
            response
        }
    })
}

fn right_answer(body: &Value) -> Option<Value> {
    match body["tool"].as_str()? {
        "echo" => Some(json!({ "content": [{ "type": "text", "text": body["input"]["text"] }] })),
        "fail" => Some(json!({ "content": [{ "type": "text", "text": "it failed" }], "isError": true })),
        _ => None,
    }
}

fn whole(status: StatusCode, text: String) -> Response<Body> {
    let mut response = Response::new(Full::new(Bytes::from(text)).boxed_unsync());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn streamed(chunks: impl futures_util::Stream<Item = Bytes> + Send + 'static) -> Response<Body> {
    use futures_util::StreamExt;
    let frames = chunks.map(|chunk| Ok::<_, Infallible>(Frame::data(chunk)));
    Response::new(StreamBody::new(frames).boxed_unsync())
}
