//! Lines out of a pipe, each up to a limit.

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

/// How much is read at once.
const READ_BYTES: usize = 64 * 1_024;

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A whole line without its end.
    Whole(Bytes),
    /// The beginning of one that is longer than may be; the rest of it is dropped.
    Cut(Bytes),
}

/// Reads a pipe line by line.
pub(super) struct Lines<R> {
    pipe: R,
    held: BytesMut,
    /// How much of what is held has no end of a line in it.
    searched: usize,
    limit_bytes: usize,
    /// Whether the rest of a line is being dropped.
    is_dropping: bool,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(super) fn new(pipe: R, limit_bytes: usize) -> Self {
        Self { pipe, held: BytesMut::new(), searched: 0, limit_bytes, is_dropping: false }
    }

    /// The next line that is not empty; `None` at the end of the pipe. The last one may lack its end.
    ///
    /// *Cancellation*: dropped, it loses nothing.
    pub(super) async fn next(&mut self) -> Option<Line> {
        loop {
            if let Some(line) = self.take() {
                return Some(line);
            }
            self.held.reserve(READ_BYTES);
            match self.pipe.read_buf(&mut self.held).await {
                Ok(1..) => {}
                Ok(0) | Err(_) => {
                    let rest = self.held.split().freeze();
                    self.searched = 0;
                    return (!rest.is_empty() && !self.is_dropping).then_some(Line::Whole(rest));
                }
            }
        }
    }

    fn take(&mut self) -> Option<Line> {
        loop {
            let found = self.held[self.searched..].iter().position(|byte| *byte == b'\n');
            let Some(end) = found.map(|found| self.searched + found) else {
                self.searched = self.held.len();
                return self.cut();
            };
            self.searched = 0;
            let mut line = self.held.split_to(end + 1);
            line.truncate(end);
            if std::mem::take(&mut self.is_dropping) {
                continue;
            }
            if line.last() == Some(&b'\r') {
                line.truncate(end - 1);
            }
            if line.len() > self.limit_bytes {
                line.truncate(self.limit_bytes);
                return Some(Line::Cut(line.freeze()));
            }
            if !line.iter().all(u8::is_ascii_whitespace) {
                return Some(Line::Whole(line.freeze()));
            }
        }
    }

    fn cut(&mut self) -> Option<Line> {
        if self.held.len() <= self.limit_bytes {
            return None;
        }
        let beginning = self.held.split_to(self.limit_bytes).freeze();
        self.held.clear();
        self.searched = 0;
        (!std::mem::replace(&mut self.is_dropping, true)).then_some(Line::Cut(beginning))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt;

    async fn lines(pieces: &[&str], limit_bytes: usize) -> Vec<String> {
        let (mut writing, reading) = tokio::io::duplex(1_024);
        let pieces: Vec<String> = pieces.iter().map(|piece| (*piece).to_owned()).collect();
        tokio::spawn(async move {
            for piece in pieces {
                writing.write_all(piece.as_bytes()).await.unwrap();
                tokio::task::yield_now().await;
            }
        });
        let mut lines = Lines::new(reading, limit_bytes);
        let mut found = Vec::new();
        while let Some(line) = lines.next().await {
            found.push(match line {
                Line::Whole(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
                Line::Cut(bytes) => format!("{}…", std::str::from_utf8(&bytes).unwrap()),
            });
        }
        found
    }

    #[tokio::test]
    async fn lines_are_found_however_they_are_cut() {
        let text = "one\r\n\n  \ntwo\n";
        for pieces in [vec![text], text.split("").collect()] {
            assert_eq!(lines(&pieces, 100).await, ["one", "two"]);
        }
        assert_eq!(lines(&["one\ntwo"], 100).await, ["one", "two"], "the last may lack its end");
    }

    #[tokio::test]
    async fn of_a_line_that_is_too_long_only_the_beginning_is_seen() {
        for pieces in [vec!["12345678\nok\n"], vec!["123", "45678", "9", "9999999999", "\nok\n"]] {
            assert_eq!(lines(&pieces, 4).await, ["1234…", "ok"]);
        }
        assert_eq!(lines(&["123456"], 4).await, ["1234…"]);
        assert_eq!(lines(&["1234\n"], 4).await, ["1234"]);
    }
}
