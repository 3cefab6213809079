//! One HTTP request, as a client without any library makes it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What came back.
pub(crate) struct Answer {
    /// Its status.
    pub(crate) status: u16,
    /// Its body.
    pub(crate) body: String,
}

/// Posts JSON to a path at `http://address`.
pub(crate) fn post(address: &str, path: &str, bearer: &str, body: &str) -> Result<Answer> {
    let mut stream = TcpStream::connect(address).with_context(|| format!("cannot connect to {address}"))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    // HTTP/1.0: the answer comes in one piece and ends with the connection.
    write!(
        stream,
        "POST {path} HTTP/1.0\r\nHost: {address}\r\nAuthorization: Bearer {bearer}\r\n\
         Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut text = String::new();
    stream.read_to_string(&mut text).context("the gateway's answer")?;
    let (head, body) = text.split_once("\r\n\r\n").context("an answer has a head and a body")?;
    let status =
        head.split(' ').nth(1).and_then(|word| word.parse().ok()).context("an answer has a status")?;
    Ok(Answer { status, body: body.to_owned() })
}
