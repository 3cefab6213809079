//! Messages into a program: one after the other, a line each, in a task that holds nobody up but those who
//! write more than the program reads.

use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::AsyncWriteExt;
use tokio::process::ChildStdin;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::super::shared::Shared;

/// Messages that wait to be written; whoever has a further one waits.
const WAITING: usize = 64;

/// Where messages are handed in. Clones write to the same program.
#[derive(Clone)]
pub(in super::super) struct Lines(mpsc::Sender<Message>);

/// The program takes nothing more.
pub(super) struct Closed;

struct Message {
    line: Bytes,
    /// The request it is, which is not written once nobody waits for its answer.
    request: Option<u64>,
}

impl Lines {
    /// Hands in a request; returns when it is in the queue.
    ///
    /// *Cancellation*: dropped, nothing is written.
    ///
    /// # Errors
    /// [`Closed`] when the program has ended: nothing was written.
    pub(super) async fn request(&self, id: u64, body: Bytes) -> Result<(), Closed> {
        self.hand_in(Message { line: one_line(body), request: Some(id) }).await
    }

    /// Hands in a message that nothing answers.
    ///
    /// # Errors
    /// As `request`.
    pub(in super::super) async fn tell(&self, body: Bytes) {
        // A program that has ended need not be told.
        let _ = self.hand_in(Message { line: one_line(body), request: None }).await;
    }

    /// The same without waiting: where the queue is full, or the program has ended, it is dropped.
    pub(super) fn tell_now(&self, body: Bytes) {
        let _ = self.0.try_send(Message { line: one_line(body), request: None });
    }

    async fn hand_in(&self, message: Message) -> Result<(), Closed> {
        self.0.send(message).await.map_err(|_| Closed)
    }
}

/// Begins to write into a pipe; it is closed when `ending` says so, or nobody can hand in more.
pub(super) fn begin(pipe: ChildStdin, shared: Arc<Shared>, ending: CancellationToken) -> Lines {
    let (sender, queue) = mpsc::channel(WAITING);
    let writing = write(pipe, queue, shared);
    tokio::spawn(async move { ending.run_until_cancelled(writing).await });
    Lines(sender)
}

async fn write(mut pipe: ChildStdin, mut queue: mpsc::Receiver<Message>, shared: Arc<Shared>) {
    while let Some(Message { line, request }) = queue.recv().await {
        if request.is_some_and(|id| !shared.is_waited_for(id)) {
            continue;
        }
        // A program that does not read any more is about to end, or will be given up by those who wait.
        if pipe.write_all_buf(&mut line.chain(&b"\n"[..])).await.is_err() {
            return;
        }
    }
}

/// A message as one line. Within a text no line ends; between its parts one means no more than a blank.
fn one_line(body: Bytes) -> Bytes {
    if !body.iter().any(is_line_end) {
        return body;
    }
    let mut line = BytesMut::from(body);
    line.iter_mut().filter(|byte| is_line_end(byte)).for_each(|byte| *byte = b' ');
    line.freeze()
}

fn is_line_end(byte: &u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line_and_otherwise_as_it_was() {
        let text = "{\r\n  \"a\": \"x\\ny\",\n\t\"b\":2.50 }";
        assert_eq!(one_line(Bytes::from(text)), "{    \"a\": \"x\\ny\", \t\"b\":2.50 }");
        let line = Bytes::from(r#"{"a":1}"#);
        assert_eq!(one_line(line.clone()).as_ptr(), line.as_ptr(), "nothing is copied");
    }
}
