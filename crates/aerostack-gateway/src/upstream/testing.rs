//! A scripted server for the tests of this floor: it keeps what it was sent and answers as a closure
//! says, at once, piece by piece, or never.

use std::convert::Infallible;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use aerostack_core::id::{InstallId, TokenId};
use aerostack_core::server::SessionMode;
use bytes::Bytes;
use futures_util::StreamExt;
use http::{HeaderMap, Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::sync::{mpsc, watch};

use crate::http::budget::{Budget, Room};

use super::{Caller, Credential, Era, Frame, Outgoing, Reply, Target, UpstreamError};

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) verb: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

impl Seen {
    /// The JSON-RPC method; of a response, nothing.
    pub(super) fn method(&self) -> &str {
        self.body["method"].as_str().unwrap_or_default()
    }

    pub(super) fn id(&self) -> String {
        self.body["id"].to_string()
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// `POST tools/call`, `DELETE`.
    fn line(&self) -> String {
        format!("{} {}", self.verb, self.method()).trim_end().to_owned()
    }

    /// Whether it is a response to a request of the server.
    pub(super) fn line_is_answer(&self) -> bool {
        self.verb == "POST" && self.method().is_empty()
    }

    /// The response to this request.
    pub(super) fn result(&self, result: &str) -> String {
        format!(r#"{{"jsonrpc":"2.0","id":{},"result":{result}}}"#, self.id())
    }

    pub(super) fn error(&self, code: i64) -> String {
        format!(r#"{{"jsonrpc":"2.0","id":{},"error":{{"code":{code},"message":"no"}}}}"#, self.id())
    }
}

/// What the server answers.
pub(super) enum Answer {
    Full {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: String,
    },
    /// Whatever is sent here, until the sender goes.
    Pieces {
        kind: &'static str,
        pieces: mpsc::UnboundedReceiver<Bytes>,
    },
    Never,
}

pub(super) fn status(status: u16, body: impl Into<String>) -> Answer {
    let headers = vec![("content-type", "application/json".to_owned())];
    Answer::Full { status, headers, body: body.into() }
}

pub(super) fn json(body: impl Into<String>) -> Answer {
    status(200, body)
}

pub(super) fn with_header(answer: Answer, name: &'static str, value: impl Into<String>) -> Answer {
    match answer {
        Answer::Full { status, mut headers, body } => {
            headers.push((name, value.into()));
            Answer::Full { status, headers, body }
        }
        other => other,
    }
}

pub(super) fn event(message: &str) -> String {
    format!("event: message\ndata: {message}\n\n")
}

/// An event stream with these messages, which then ends.
pub(super) fn events<'a>(messages: impl IntoIterator<Item = &'a str>) -> Answer {
    let headers = vec![("content-type", "text/event-stream".to_owned())];
    Answer::Full { status: 200, headers, body: messages.into_iter().map(event).collect() }
}

/// A body to be sent piece by piece.
pub(super) fn pieces(kind: &'static str) -> (mpsc::UnboundedSender<Bytes>, Answer) {
    let (sender, pieces) = mpsc::unbounded_channel();
    (sender, Answer::Pieces { kind, pieces })
}

type Script = dyn Fn(&Seen) -> Answer + Send + Sync;

/// A server that follows a script.
pub(super) struct Server {
    pub(super) url: url::Url,
    seen: watch::Sender<Vec<Seen>>,
}

impl Server {
    pub(super) async fn start(script: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Arc<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/mcp?key=hidden", listener.local_addr().unwrap()).parse().unwrap();
        let server = Arc::new(Self { url, seen: watch::channel(Vec::new()).0 });
        let script: Arc<Script> = Arc::new(script);
        let accepting = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (server, script) = (accepting.clone(), script.clone());
                tokio::spawn(async move {
                    let service =
                        hyper::service::service_fn(|request| server.answer(request, script.clone()));
                    let connection = hyper::server::conn::http1::Builder::new();
                    let _ = connection.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        server
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
        script: Arc<Script>,
    ) -> Result<Response<BoxBody<Bytes, Infallible>>, Infallible> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        let seen = Seen { verb: parts.method.to_string(), headers: parts.headers, body };
        self.seen.send_modify(|all| all.push(seen.clone()));
        let mut response = Response::builder();
        Ok(match script(&seen) {
            Answer::Full { status, headers, body } => {
                for (name, value) in headers {
                    response = response.header(name, value);
                }
                response.status(status).body(Full::from(body).boxed()).unwrap()
            }
            Answer::Pieces { kind, pieces } => {
                let frames = futures_util::stream::unfold(pieces, |mut pieces| async {
                    Some((pieces.recv().await?, pieces))
                });
                let body = StreamBody::new(frames.map(|piece| Ok(hyper::body::Frame::data(piece))));
                response.header("content-type", kind).body(BodyExt::boxed(SyncBody::new(body))).unwrap()
            }
            Answer::Never => std::future::pending().await,
        })
    }

    /// What was asked so far, one line each.
    pub(super) fn lines(&self) -> Vec<String> {
        self.seen.borrow().iter().map(Seen::line).collect()
    }

    pub(super) fn all(&self) -> Vec<Seen> {
        self.seen.borrow().clone()
    }

    /// Waits for the `count`th request of this line.
    pub(super) async fn saw(&self, line: &str, count: usize) -> Seen {
        let mut seen = self.seen.subscribe();
        let find = |all: &Vec<Seen>| all.iter().filter(|seen| seen.line() == line).nth(count - 1).cloned();
        let all = seen.wait_for(|all| find(all).is_some()).await.unwrap();
        find(&all).unwrap()
    }
}

/// Makes a body of a stream shareable between threads, as the boxed body wants it.
struct SyncBody<B>(Mutex<std::pin::Pin<Box<B>>>);

impl<B> SyncBody<B> {
    fn new(body: B) -> Self {
        Self(Mutex::new(Box::pin(body)))
    }
}

impl<B: hyper::body::Body> hyper::body::Body for SyncBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<B::Data>, B::Error>>> {
        self.get_mut().0.get_mut().unwrap().as_mut().poll_frame(context)
    }
}

static BUDGET: LazyLock<Budget> = LazyLock::new(|| Budget::new(usize::MAX, usize::MAX));

/// A call as the floor above would send it.
pub(super) struct Call {
    pub(super) allowed: bool,
    pub(super) told: bool,
}

pub(super) const CALL: Call = Call { allowed: true, told: false };

impl Outgoing for Call {
    fn body(&self, _: Era, id: u64) -> Bytes {
        let meta = format!(r#"{{"progressToken":{id}}}"#);
        let params = format!(r#"{{"name":"echo","arguments":{{"a":2.50}},"_meta":{meta}}}"#);
        Bytes::from(format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{params}}}"#))
    }

    fn headers(&self, era: Era) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if era == Era::Modern {
            headers.insert("mcp-method", "tools/call".parse().unwrap());
            headers.insert("mcp-name", "echo".parse().unwrap());
        }
        headers.insert("mcp-session-id", "a-stranger".parse().unwrap());
        headers
    }

    fn may_be_sent(&self) -> bool {
        self.allowed
    }

    fn room(&self) -> Room<'_> {
        BUDGET.of_all()
    }

    fn cancel_on_drop(&self) -> bool {
        self.told
    }
}

pub(super) fn caller(name: &str) -> Caller {
    Caller::Token(TokenId::from_stored(format!("tok_{name}")))
}

pub(super) fn target(server: &Server) -> Target {
    Target {
        install: InstallId::from_stored("ins_1".into()),
        slug: "github".into(),
        url: server.url.clone(),
        stdio: None,
        session: SessionMode::PerCaller,
        idle_timeout: Duration::from_secs(60),
        trusted: true,
        function: None,
        credential: Credential::none(),
    }
}

/// All frames of an answer.
pub(super) async fn frames(mut reply: Reply) -> Result<Vec<Frame>, UpstreamError> {
    let mut frames = Vec::new();
    while let Some(frame) = reply.frames.next().await {
        frames.push(frame?);
    }
    Ok(frames)
}

/// The text of an answer that is one whole message.
pub(super) async fn whole(reply: Reply) -> String {
    match frames(reply).await.unwrap().as_slice() {
        [Frame::Whole(whole)] => String::from_utf8(whole.text.to_vec()).unwrap(),
        other => panic!("not one whole message: {other:?}"),
    }
}
