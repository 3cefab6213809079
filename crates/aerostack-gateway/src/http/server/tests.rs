//! The accept loop as a peer meets it: raw sockets against a service of a few lines.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinHandle;

use super::{Received, Stop, serve};
use crate::config::{Config, Limits};
use crate::http::body::Body;
use crate::http::edges::Edges;
use crate::http::ending::Ending;
use crate::http::respond;

/// A wait that only a broken test reaches.
const NEVER: Duration = Duration::from_secs(600);
const SHORT: Duration = Duration::from_millis(250);
/// More than sockets take of an answer that nobody reads.
const MUCH: usize = 16 * 1_024 * 1_024;

struct Server {
    address: SocketAddr,
    stop: Stop,
    task: JoinHandle<()>,
    /// Told when a request for `/wait` has reached the service.
    arrived: Arc<Notify>,
    /// One permit lets one request for `/wait` be answered.
    let_go: Arc<Semaphore>,
}

pub(super) fn limits() -> Limits {
    Limits {
        header_timeout: NEVER,
        idle_timeout: NEVER,
        drain_timeout: NEVER,
        ..Config::local("".into()).limits
    }
}

async fn server(limits: Limits) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, arrived, let_go) = (Stop::default(), Arc::new(Notify::new()), Arc::new(Semaphore::new(0)));
    let service = {
        let (arrived, let_go) = (Arc::clone(&arrived), Arc::clone(&let_go));
        move |request: Request<Received>, _peer| answer(request, Arc::clone(&arrived), Arc::clone(&let_go))
    };
    let stopping = stop.clone();
    let task =
        tokio::spawn(async move { serve(listener, None, &limits, &Edges::none(), service, stopping).await });
    Server { address, stop, task, arrived, let_go }
}

async fn answer(request: Request<Received>, arrived: Arc<Notify>, let_go: Arc<Semaphore>) -> Response<Body> {
    if request.uri().path() == "/wait" {
        arrived.notify_one();
        let_go.acquire().await.unwrap().forget();
    }
    if request.uri().path() == "/much" {
        // Over when a permit is there.
        let ending = Ending::new(move || {
            let let_go = Arc::clone(&let_go);
            async move { drop(let_go.acquire().await) }
        });
        return respond::text(StatusCode::OK, vec![b'x'; MUCH]).map(|body| body.ending(ending));
    }
    respond::text(StatusCode::OK, "hello")
}

impl Server {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// The same with little room on the way to a peer that does not read.
    async fn connect_narrow(&self) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4_096).unwrap();
        socket.connect(self.address).await.unwrap()
    }

    /// Waits until a connection is served.
    async fn until_there_is_a_place(&self) {
        let bytes = b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n";
        let free = async { while !self.exchange(bytes).await.starts_with("HTTP/1.1 200") {} };
        tokio::time::timeout(NEVER, free).await.unwrap();
    }

    /// Sends these bytes on a connection of their own; gives all that comes back until it closes.
    async fn exchange(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        stream.write_all(bytes).await.unwrap();
        rest(&mut stream).await
    }
}

/// Everything until the peer closes.
pub(super) async fn rest(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    stream.read_to_end(&mut text).await.unwrap();
    String::from_utf8(text).unwrap()
}

/// One request on a connection that stays open, and its answer.
async fn ask(stream: &mut TcpStream, path: &str) -> String {
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await.unwrap();
    hello(stream).await
}

/// One answer of the service.
async fn hello(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    while !text.ends_with(b"hello") {
        assert_ne!(stream.read_buf(&mut text).await.unwrap(), 0, "closed after {text:?}");
    }
    String::from_utf8(text).unwrap()
}

#[track_caller]
fn is_refusal(answer: &str, status: u16, code: i32) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
    assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
    assert!(head.contains("\r\nconnection: close"), "{head}");
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!((body["error"]["code"].as_i64(), &body["id"]), (Some(code.into()), &serde_json::Value::Null));
}

#[tokio::test]
async fn a_connection_is_kept_for_the_next_request() {
    let server = server(limits()).await;
    let mut stream = server.connect().await;
    for _ in 0..3 {
        assert!(ask(&mut stream, "/").await.starts_with("HTTP/1.1 200 OK\r\n"));
    }
}

#[tokio::test]
async fn a_head_that_trickles_in_is_answered_408() {
    let server = server(Limits { header_timeout: SHORT, ..limits() }).await;
    is_refusal(&server.exchange(b"POST /ws/x HTTP/1.1\r\nhost:").await, 408, -32_600);
    let mut stream = server.connect().await;
    ask(&mut stream, "/").await;
    stream.write_all(b"GET / HT").await.unwrap();
    is_refusal(&rest(&mut stream).await, 408, -32_600);
}

#[tokio::test]
async fn a_connection_that_sends_nothing_is_closed_without_a_word() {
    let server = server(Limits { header_timeout: SHORT, idle_timeout: SHORT, ..limits() }).await;
    assert_eq!(server.exchange(b"").await, "");
    let mut stream = server.connect().await;
    ask(&mut stream, "/").await;
    assert_eq!(rest(&mut stream).await, "");
}

#[tokio::test]
async fn a_request_under_way_has_no_deadline_of_the_connection() {
    let server = server(Limits { header_timeout: SHORT, idle_timeout: SHORT, ..limits() }).await;
    let (mut slow, mut other) = (server.connect().await, server.connect().await);
    slow.write_all(b"GET /wait HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    server.arrived.notified().await;
    // The other connection has been through both limits: they are over for the slow one as well.
    ask(&mut other, "/").await;
    assert_eq!(rest(&mut other).await, "");
    server.let_go.add_permits(1);
    assert!(hello(&mut slow).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn whoever_is_answered_before_its_body_is_read_can_still_read_the_answer() {
    let server = server(limits()).await;
    let head = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 200000\r\n\r\n";
    let mut stream = server.connect().await;
    stream.write_all(&[head.as_slice(), &[b'x'; 150_000]].concat()).await.unwrap();
    assert!(hello(&mut stream).await.starts_with("HTTP/1.1 200"));
    stream.write_all(&[b'x'; 50_000]).await.unwrap();
    assert_eq!(rest(&mut stream).await, "", "closed, and not reset");
}

#[tokio::test]
async fn what_is_no_request_is_refused_in_json() {
    let server = server(Limits { header_limit_bytes: 1_024, ..limits() }).await;
    is_refusal(&server.exchange(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n").await, 400, -32_600);
    let long = format!("GET / HTTP/1.1\r\nhost: x\r\nx-long: {}\r\n\r\n", "x".repeat(200_000));
    is_refusal(&server.exchange(long.as_bytes()).await, 431, -32_600);
    // Between the limit and the hard cap the service decides.
    let longish = format!("GET / HTTP/1.1\r\nconnection: close\r\nx-long: {}\r\n\r\n", "x".repeat(2_000));
    assert!(server.exchange(longish.as_bytes()).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn what_is_no_request_is_refused_in_json_after_any_number_of_requests() {
    let server = server(Limits { header_limit_bytes: 1_024, ..limits() }).await;
    let long = format!("GET / HTTP/1.1\r\nx-long: {}\r\n\r\n", "x".repeat(200_000));
    for (bytes, status) in [(b"GET / HTTP/7.0\r\n\r\n".as_slice(), 400), (long.as_bytes(), 431)] {
        let mut stream = server.connect().await;
        ask(&mut stream, "/").await;
        ask(&mut stream, "/").await;
        stream.write_all(bytes).await.unwrap();
        is_refusal(&rest(&mut stream).await, status, -32_600);
        // Sent in one go, the request before is answered first.
        let mut stream = server.connect().await;
        stream.write_all(&[b"GET / HTTP/1.1\r\nhost: x\r\n\r\n", bytes].concat()).await.unwrap();
        let both = rest(&mut stream).await;
        let (first, second) = both.split_once("hello").unwrap();
        assert!(first.starts_with("HTTP/1.1 200"), "{both}");
        is_refusal(second, status, -32_600);
    }
}

#[tokio::test]
async fn connections_over_the_limit_are_told_so_until_a_place_is_free() {
    let server = server(Limits { connections: 1, ..limits() }).await;
    let mut first = server.connect().await;
    ask(&mut first, "/").await;
    let answer = server.exchange(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    is_refusal(&answer, 503, -32_004);
    assert!(answer.contains("\r\nretry-after: 1\r\n"), "{answer}");
    first.shutdown().await.unwrap();
    assert_eq!(rest(&mut first).await, "");
    server.until_there_is_a_place().await;
}

#[tokio::test]
async fn an_answer_that_nobody_reads_is_cut_off_at_its_ending_and_at_the_deadline() {
    let patient = Limits { write_timeout: NEVER, connections: 1, ..limits() };
    for limits in [patient, Limits { write_timeout: SHORT, ..patient }] {
        let server = server(limits).await;
        let mut unread = server.connect_narrow().await;
        unread.write_all(b"GET /much HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        unread.readable().await.unwrap();
        if limits.write_timeout == NEVER {
            is_refusal(&server.exchange(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await, 503, -32_004);
            server.let_go.add_permits(1);
        }
        server.until_there_is_a_place().await;
    }
}

#[tokio::test]
async fn a_drain_finishes_what_is_under_way_and_then_ends() {
    let server = server(limits()).await;
    let mut idle = server.connect().await;
    ask(&mut idle, "/").await;
    let mut busy = server.connect().await;
    busy.write_all(b"GET /wait HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    server.arrived.notified().await;
    server.stop.begin_drain();
    assert_eq!(rest(&mut idle).await, "", "an idle connection is closed");
    let late = server.exchange(b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n").await;
    assert!(late.ends_with("hello"), "the service still answers new connections: {late}");
    server.let_go.add_permits(1);
    let answer = rest(&mut busy).await;
    assert!(answer.contains("connection: close") && answer.ends_with("hello"), "{answer}");
    server.task.await.unwrap();
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[tokio::test]
async fn a_drain_waits_no_longer_than_it_may() {
    let server = server(Limits { drain_timeout: SHORT, ..limits() }).await;
    let mut busy = server.connect().await;
    busy.write_all(b"GET /wait HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    server.arrived.notified().await;
    server.stop.begin_drain();
    server.task.await.unwrap();
    assert_eq!(rest(&mut busy).await, "");
}

#[tokio::test]
async fn the_second_signal_ends_at_once_with_the_first_or_alone() {
    for is_drained in [false, true] {
        let server = server(limits()).await;
        let mut kept = server.connect().await;
        ask(&mut kept, "/").await;
        let mut busy = server.connect().await;
        busy.write_all(b"GET /wait HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        server.arrived.notified().await;
        let mut unread = server.connect_narrow().await;
        unread.write_all(b"GET /much HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        assert_eq!(unread.read_u8().await.unwrap(), b'H');
        if is_drained {
            server.stop.begin_drain();
            // Closed by the drain, so that the others know of it as well.
            assert_eq!(rest(&mut kept).await, "");
        }
        server.stop.end_now();
        tokio::time::timeout(NEVER, server.task).await.unwrap().unwrap();
        assert_eq!(rest(&mut busy).await, "");
    }
}
