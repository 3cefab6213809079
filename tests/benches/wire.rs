//! HTTP/1.1 messages off a connection, read by hand: as little as a measurement needs, so that what
//! measures costs less than what is measured.

use std::io;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Room that is made for one read.
const READ_BYTES: usize = 64 * 1_024;
/// Longest head of a message.
const HEAD_BYTES: usize = 64 * 1_024;
/// Longest line that tells a chunk's size.
const CHUNK_LINE_BYTES: usize = 256;

/// One connection.
pub(crate) struct Wire {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// What of the buffer has been consumed.
    read: usize,
}

/// The head of a message, as far as anybody here asks for it.
pub(crate) struct Head {
    /// The second word of the first line: a request's target, an answer's status.
    pub(crate) second: String,
    length: Length,
}

/// How a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    Bytes(u64),
    Chunks,
}

impl Wire {
    pub(crate) fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(READ_BYTES), read: 0 })
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// The next message's head; `None` where the connection has ended between two messages.
    pub(crate) async fn head(&mut self) -> Result<Option<Head>> {
        loop {
            let unread = &self.buffer[self.read..];
            if let Some(end) = unread.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = Head::parse(&unread[..end])?;
                self.read += end + 4;
                return Ok(Some(head));
            }
            ensure!(unread.len() < HEAD_BYTES, "a head without end");
            let is_between = unread.is_empty();
            if self.fill().await? == 0 {
                ensure!(is_between, "the connection ended within a head");
                return Ok(None);
            }
        }
    }

    /// Hands on the body of `head`, piece by piece.
    pub(crate) async fn body(&mut self, head: &Head, mut take: impl FnMut(&[u8])) -> Result<()> {
        match head.length {
            Length::Bytes(bytes) => self.pass(bytes, &mut take).await,
            Length::Chunks => loop {
                let size = self.chunk_line().await?;
                let digits = size.split(';').next().unwrap_or_default().trim();
                let size = u64::from_str_radix(digits, 16).context("the size of a chunk")?;
                if size == 0 {
                    // Trailers are not expected; they would be lines like this one.
                    while !self.chunk_line().await?.is_empty() {}
                    return Ok(());
                }
                self.pass(size, &mut take).await?;
                ensure!(self.chunk_line().await?.is_empty(), "a chunk is longer than it said");
            },
        }
    }

    async fn pass(&mut self, bytes: u64, take: &mut impl FnMut(&[u8])) -> Result<()> {
        let mut left = usize::try_from(bytes).context("a body that fits into memory's addresses")?;
        while left > 0 {
            let unread = &self.buffer[self.read..];
            if unread.is_empty() {
                ensure!(self.fill().await? > 0, "the connection ended within a body");
                continue;
            }
            let piece = &unread[..unread.len().min(left)];
            take(piece);
            (self.read, left) = (self.read + piece.len(), left - piece.len());
        }
        Ok(())
    }

    async fn chunk_line(&mut self) -> Result<String> {
        loop {
            let unread = &self.buffer[self.read..];
            if let Some(end) = unread.windows(2).position(|two| two == b"\r\n") {
                let line = String::from_utf8_lossy(&unread[..end]).into_owned();
                self.read += end + 2;
                return Ok(line);
            }
            ensure!(unread.len() < CHUNK_LINE_BYTES, "a chunk without a size");
            ensure!(self.fill().await? > 0, "the connection ended within a body");
        }
    }

    async fn fill(&mut self) -> io::Result<usize> {
        if self.read == self.buffer.len() {
            self.buffer.clear();
        } else {
            self.buffer.drain(..self.read);
        }
        self.read = 0;
        self.buffer.reserve(READ_BYTES);
        self.stream.read_buf(&mut self.buffer).await
    }
}

impl Head {
    fn parse(bytes: &[u8]) -> Result<Self> {
        let text = std::str::from_utf8(bytes).context("a head is text")?;
        let mut lines = text.split("\r\n");
        let first = lines.next().unwrap_or_default();
        let second = first.split(' ').nth(1).context("a first line has a second word")?.to_owned();
        let mut length = Length::Bytes(0);
        for line in lines {
            let (name, value) = line.split_once(':').context("a header has a colon")?;
            let value = value.trim();
            if name.eq_ignore_ascii_case("content-length") {
                length = Length::Bytes(value.parse().context("a length is a number")?);
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                if !value.eq_ignore_ascii_case("chunked") {
                    bail!("an encoding that is not known here: {value}");
                }
                length = Length::Chunks;
            }
        }
        Ok(Self { second, length })
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn messages_are_read_one_after_the_other_however_they_are_cut() {
        let text = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc\
            HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nde\r\n1;x=y\r\nf\r\n0\r\n\r\n\
            HTTP/1.1 202 OK\r\n\r\n";
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let writer = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            for byte in text {
                stream.write_all(&[*byte]).await.unwrap();
                tokio::task::yield_now().await;
            }
        });
        let mut wire = Wire::new(TcpStream::connect(address).await.unwrap()).unwrap();
        let mut read = Vec::new();
        while let Some(head) = wire.head().await.unwrap() {
            let mut body = Vec::new();
            wire.body(&head, |piece| body.extend_from_slice(piece)).await.unwrap();
            read.push((head.second, String::from_utf8(body).unwrap()));
        }
        let expected = [("200", "abc"), ("404", "def"), ("202", "")];
        assert_eq!(read, expected.map(|(status, body)| (status.to_owned(), body.to_owned())));
        writer.await.unwrap();
    }
}
