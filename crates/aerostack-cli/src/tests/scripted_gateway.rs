//! A gateway that gives prepared answers in order and keeps the requests it got.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// One prepared answer.
pub(super) struct Answer {
    status: u16,
    body: String,
}

impl Answer {
    pub(super) fn new(status: u16, body: &Value) -> Self {
        Self { status, body: body.to_string() }
    }
}

pub(super) struct ScriptedGateway {
    address: std::net::SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    accepting: JoinHandle<()>,
}

impl ScriptedGateway {
    pub(super) async fn start(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        let accepting = tokio::spawn(async move {
            let mut answers = VecDeque::from(answers);
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                serve_one(stream, &seen, answers.pop_front()).await;
            }
        });
        Self { address, requests, accepting }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Head and body of every request so far.
    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    pub(super) fn stop(&self) {
        self.accepting.abort();
    }
}

async fn serve_one(mut stream: TcpStream, seen: &Mutex<Vec<String>>, answer: Option<Answer>) {
    let mut bytes = Vec::new();
    while !is_complete(&bytes) {
        let mut chunk = [0u8; 4_096];
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return,
            Ok(read) => bytes.extend_from_slice(&chunk[..read]),
        }
    }
    seen.lock().unwrap().push(String::from_utf8(bytes).unwrap());
    let Answer { status, body } = answer.expect("no request beyond the prepared answers");
    let head = format!(
        "HTTP/1.1 {status} Scripted\r\ndate: Tue, 17 Mar 2026 11:15:20 GMT\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
}

fn is_complete(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length =
        head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ").map(str::to_owned));
    body.len() >= length.map_or(0, |length| length.parse().unwrap())
}
