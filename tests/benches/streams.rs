//! `streams`: opens idle event streams, tells when all are open, and holds them until it is ended. At a
//! gateway each is the stream of notices of a legacy session of its own.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}"#;
/// Longest answer that is read before a stream begins.
const ANSWER_BYTES: usize = 16 * 1_024;
/// What is read at once of an open stream: comments, and now and then a notice.
const PIECE_BYTES: usize = 256;

/// What stands at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Before {
    /// A gateway: a session is begun first
    Session,
    /// A server of streams alone
    Nothing,
}

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where they are opened
    #[arg(long)]
    address: SocketAddr,
    /// The path there
    #[arg(long)]
    path: String,
    /// A file with a token a line, and behind it the path where it calls, if that is another; they take turns
    #[arg(long)]
    tokens: PathBuf,
    /// How many
    #[arg(long)]
    streams: usize,
    /// What comes before a stream
    #[arg(long, value_enum, default_value = "session")]
    before: Before,
}

/// Holds them. Ends with an error when one of them does.
pub(crate) async fn hold(args: Args) -> Result<()> {
    let callers = std::fs::read_to_string(&args.tokens).context("the file of tokens")?;
    let callers: Vec<(&str, &str)> =
        callers.lines().map(|line| line.split_once(' ').unwrap_or((line, &args.path))).collect();
    ensure!(!callers.is_empty(), "there is a token");
    let mut open = JoinSet::new();
    for (token, path) in callers.iter().cycle().take(args.streams) {
        let stream = begin(args.address, path, token, args.before).await?;
        open.spawn_local(read(stream));
    }
    println!("open: {}", args.streams);
    while let Some(ended) = open.join_next().await {
        ended??;
    }
    Ok(())
}

/// Opens one.
async fn begin(address: SocketAddr, path: &str, token: &str, before: Before) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(address).await.context("cannot connect")?;
    stream.set_nodelay(true)?;
    let mut session = String::new();
    if before == Before::Session {
        let length = INITIALIZE.len();
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n\
             Content-Length: {length}\r\n\r\n{INITIALIZE}"
        );
        let head = exchange(&mut stream, &request, Ends::WithItsLength).await?;
        let id = header(&head, "mcp-session-id").context("a session has an id")?;
        session = format!("Mcp-Session-Id: {id}\r\nMCP-Protocol-Version: 2025-06-18\r\n");
    }
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n{session}\
         Accept: text/event-stream\r\n\r\n"
    );
    let head = exchange(&mut stream, &request, Ends::Never).await?;
    let kind = header(&head, "content-type").unwrap_or_default();
    ensure!(kind.starts_with("text/event-stream"), "not a stream: {head}");
    Ok(stream)
}

/// How an answer's body ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    WithItsLength,
    Never,
}

/// Sends a request and gives the head of its answer, whose body has been read where it has an end.
async fn exchange(stream: &mut TcpStream, request: &str, ends: Ends) -> Result<String> {
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::with_capacity(1_024);
    loop {
        ensure!(stream.read_buf(&mut answer).await? > 0, "the connection was closed");
        ensure!(answer.len() <= ANSWER_BYTES, "an answer is too long");
        let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&answer[..end]).into_owned();
        ensure!(head.split(' ').nth(1) == Some("200"), "answered: {head}");
        if ends == Ends::Never {
            return Ok(head);
        }
        let length: usize = header(&head, "content-length").context("an answer has a length")?.parse()?;
        if answer.len() >= end + 4 + length {
            return Ok(head);
        }
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let fields = head.lines().filter_map(|line| line.split_once(':'));
    let mut found = fields.filter(|(field, _)| field.eq_ignore_ascii_case(name));
    found.next().map(|(_, value)| value.trim())
}

async fn read(mut stream: TcpStream) -> Result<()> {
    let mut piece = [0; PIECE_BYTES];
    loop {
        ensure!(stream.read(&mut piece).await? > 0, "a stream has ended");
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::net::TcpListener;
    use tokio::task::{LocalSet, spawn_local};
    use tokio::time::timeout;

    use super::*;
    use crate::idle;

    #[tokio::test]
    async fn idle_streams_are_opened_and_stay() {
        let all = async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            spawn_local(idle::accept(listener));
            let tokens = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(tokens.path(), "one\ntwo /other\n").unwrap();
            let tokens = tokens.path().to_owned();
            let args = Args { address, path: "/".to_owned(), tokens, streams: 5, before: Before::Nothing };
            assert!(timeout(Duration::from_millis(300), hold(args)).await.is_err(), "they are held");
        };
        LocalSet::new().run_until(all).await;
    }
}
