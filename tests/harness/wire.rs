//! HTTP/1.1 by hand: exactly these bytes go out, and what comes back is read as it comes.
//!
//! Stories need what ordinary clients hide: malformed requests, half requests, the moment before the
//! first byte is written, hanging up in the middle.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpSocket, TcpStream};

use crate::answer::{Answer, Head};

/// How long a story waits for anything to be answered.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// What a narrow connection takes before it is read; the kernel makes it a little more.
const NARROW_BYTES: u32 = 4 * 1_024;
/// Between two looks at a connection that is not read.
const LOOK_EVERY: Duration = Duration::from_millis(1);
/// So many looks find the same when nothing moves any more.
const STILL_LOOKS: u32 = 50;

/// Headers as they are written, in order.
pub type Headers<'a> = &'a [(&'a str, &'a str)];

/// One connection.
#[derive(Debug)]
pub struct Wire {
    stream: BufReader<TcpStream>,
    left: Left,
}

/// What of the present body is still to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    Nothing,
    Bytes(usize),
    Chunks,
    UntilClosed,
}

/// A request as bytes. `Host` and `Content-Length` are added unless given.
#[must_use]
pub fn request(method: &str, target: &str, headers: Headers<'_>, body: &[u8]) -> Vec<u8> {
    let has = |wanted: &str| headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(wanted));
    let mut text = format!("{method} {target} HTTP/1.1\r\n");
    if !has("host") {
        text.push_str("Host: 127.0.0.1\r\n");
    }
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if !has("content-length") && !has("transfer-encoding") && (method != "GET" || !body.is_empty()) {
        text.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    text.push_str("\r\n");
    [text.as_bytes(), body].concat()
}

/// Opens a connection, sends one request and reads the whole answer.
///
/// # Panics
/// When the answer does not come.
pub async fn ask(
    address: SocketAddr,
    method: &str,
    target: &str,
    headers: Headers<'_>,
    body: &[u8],
) -> Answer {
    try_ask(address, method, target, headers, body).await.expect("the request is answered")
}

/// The same, where the answer may not come.
///
/// # Errors
/// When nobody listens, or the connection ends first.
pub async fn try_ask(
    address: SocketAddr,
    method: &str,
    target: &str,
    headers: Headers<'_>,
    body: &[u8],
) -> io::Result<Answer> {
    Wire::try_open(address).await?.ask(method, target, headers, body).await
}

impl Wire {
    /// Connects.
    ///
    /// # Panics
    /// When nobody listens.
    pub async fn open(address: SocketAddr) -> Self {
        Self::try_open(address).await.expect("the gateway listens")
    }

    /// Connects, if somebody listens.
    ///
    /// # Errors
    /// When nobody does.
    pub async fn try_open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream), left: Left::Nothing })
    }

    /// Connects so that little is on the way when it is not read.
    ///
    /// # Panics
    /// When nobody listens.
    pub async fn open_narrow(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().expect("there are sockets");
        socket.set_recv_buffer_size(NARROW_BYTES).expect("the buffer of a socket has a size");
        let stream = socket.connect(address).await.expect("the gateway listens");
        stream.set_nodelay(true).expect("the connection stands");
        Self { stream: BufReader::new(stream), left: Left::Nothing }
    }

    /// Waits, without reading, until nothing more arrives.
    ///
    /// # Panics
    /// When the connection breaks, or things do not come to rest in time.
    pub async fn until_full(&self) {
        let mut waiting = vec![0; 1_024 * 1_024];
        let (mut before, mut still) = (0, 0);
        let mut looks = tokio::time::interval(LOOK_EVERY);
        let rest = async {
            while still < STILL_LOOKS {
                let now = self.stream.get_ref().peek(&mut waiting).await.expect("the connection stands");
                still = if now == before { still + 1 } else { 0 };
                before = now;
                looks.tick().await;
            }
        };
        assert!(tokio::time::timeout(PATIENCE, rest).await.is_ok(), "it never came to rest");
    }

    /// Waits, without reading, until the other side has closed: it writes, which then fails.
    ///
    /// # Panics
    /// When the other side does not close in time.
    pub async fn until_closed(&mut self) {
        let mut looks = tokio::time::interval(LOOK_EVERY);
        let closed = async {
            while self.write(b"\r\n").await.is_ok() {
                looks.tick().await;
            }
        };
        assert!(tokio::time::timeout(PATIENCE, closed).await.is_ok(), "the connection is still open");
    }

    /// Writes bytes as they are.
    ///
    /// # Errors
    /// When the other side has closed.
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes).await?;
        self.stream.get_mut().flush().await
    }

    /// Sends a request and reads the whole answer; the connection may be used again.
    ///
    /// # Errors
    /// When the other side closes first or does not answer in time.
    pub async fn ask(
        &mut self,
        method: &str,
        target: &str,
        headers: Headers<'_>,
        body: &[u8],
    ) -> io::Result<Answer> {
        self.write(&request(method, target, headers, body)).await?;
        self.answer().await
    }

    /// Reads a whole answer.
    ///
    /// # Errors
    /// When the other side closes first or does not answer in time.
    pub async fn answer(&mut self) -> io::Result<Answer> {
        let head = self.head().await?;
        let body = self.rest().await?;
        Ok(Answer { head, body })
    }

    /// Reads status and headers; the body is read with [`Wire::piece`].
    ///
    /// # Errors
    /// When the other side closes first or does not answer in time.
    pub async fn head(&mut self) -> io::Result<Head> {
        in_time(self.read_head()).await
    }

    /// The next bytes of the body; `None` after the last.
    ///
    /// # Errors
    /// When the body breaks off or nothing comes in time.
    pub async fn piece(&mut self) -> io::Result<Option<Bytes>> {
        in_time(self.read_piece()).await
    }

    /// What is left of the body.
    ///
    /// # Errors
    /// When it breaks off.
    pub async fn rest(&mut self) -> io::Result<Bytes> {
        let mut body = Vec::new();
        while let Some(piece) = self.piece().await? {
            body.extend_from_slice(&piece);
        }
        Ok(body.into())
    }

    async fn read_head(&mut self) -> io::Result<Head> {
        loop {
            let head = parse_head(&self.lines_to_blank().await?)?;
            if head.status >= 200 {
                self.left = framing(&head)?;
                return Ok(head);
            }
        }
    }

    async fn read_piece(&mut self) -> io::Result<Option<Bytes>> {
        match self.left {
            Left::Nothing => Ok(None),
            Left::UntilClosed => {
                let piece = self.some(usize::MAX).await?;
                Ok((!piece.is_empty()).then_some(piece))
            }
            Left::Bytes(left) => {
                let piece = self.some(left).await?;
                if piece.is_empty() {
                    return Err(broken("the body broke off"));
                }
                self.left = if piece.len() == left { Left::Nothing } else { Left::Bytes(left - piece.len()) };
                Ok(Some(piece))
            }
            Left::Chunks => self.chunk().await,
        }
    }

    async fn chunk(&mut self) -> io::Result<Option<Bytes>> {
        let line = self.line().await?;
        let size = line.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16).map_err(|_| broken("no chunk size"))?;
        let mut chunk = vec![0; size + 2];
        self.stream.read_exact(&mut chunk).await?;
        chunk.truncate(size);
        if size == 0 {
            self.left = Left::Nothing;
            return Ok(None);
        }
        Ok(Some(chunk.into()))
    }

    async fn some(&mut self, most: usize) -> io::Result<Bytes> {
        let buffer = self.stream.fill_buf().await?;
        let piece = Bytes::copy_from_slice(&buffer[..buffer.len().min(most)]);
        self.stream.consume(piece.len());
        Ok(piece)
    }

    async fn lines_to_blank(&mut self) -> io::Result<Vec<String>> {
        let mut lines = Vec::new();
        loop {
            match self.line().await? {
                line if line.is_empty() => return Ok(lines),
                line => lines.push(line),
            }
        }
    }

    async fn line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        if self.stream.read_until(b'\n', &mut line).await? == 0 {
            return Err(broken("the connection was closed"));
        }
        let text = String::from_utf8_lossy(&line);
        Ok(text.trim_end_matches(['\r', '\n']).to_owned())
    }
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, what.to_owned())
}

async fn in_time<T>(work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    tokio::time::timeout(PATIENCE, work).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}

fn parse_head(lines: &[String]) -> io::Result<Head> {
    let status = lines.first().and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let status = status.ok_or_else(|| broken("no status line"))?;
    let headers = lines.iter().skip(1).filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect();
    Ok(Head { status, headers })
}

fn framing(head: &Head) -> io::Result<Left> {
    if head.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
        return Ok(Left::Chunks);
    }
    if matches!(head.status, 204 | 304) {
        return Ok(Left::Nothing);
    }
    match head.header("content-length").map(str::parse) {
        Some(Ok(0)) => Ok(Left::Nothing),
        Some(Ok(length)) => Ok(Left::Bytes(length)),
        Some(Err(_)) => Err(broken("no content length")),
        None => Ok(Left::UntilClosed),
    }
}
