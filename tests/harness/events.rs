//! Event streams, read event by event.

use std::io;

use serde_json::Value;

use crate::answer::Head;
use crate::wire::Wire;

/// An open event stream.
#[derive(Debug)]
pub struct Events {
    /// Status and headers of the answer that opened it.
    pub head: Head,
    /// The id of the last event that had one, with data or without.
    pub last_id: Option<String>,
    /// How long to wait before the stream is asked for again, in milliseconds, if that was said.
    pub retry_ms: Option<u64>,
    wire: Wire,
    buffer: Vec<u8>,
    searched: usize,
}

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its name; `message` unless it has one.
    pub name: String,
    /// Its data.
    pub data: String,
}

impl Event {
    /// Its data as JSON.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap_or_else(|_| panic!("JSON was expected: {self:?}"))
    }
}

impl Events {
    /// Reads the head of the answer to a request that was written.
    ///
    /// # Panics
    /// When the answer is no event stream.
    pub async fn open(wire: Wire) -> Self {
        let opened = Self::open_or_read(wire).await;
        opened.unwrap_or_else(|body| panic!("an event stream was expected: {body}"))
    }

    /// The same, where the answer may as well be no event stream.
    ///
    /// # Errors
    /// What was answered in place of a stream.
    ///
    /// # Panics
    /// When nothing is.
    pub async fn open_or_read(mut wire: Wire) -> Result<Self, String> {
        let head = wire.head().await.expect("the request is answered");
        if head.header("content-type") != Some("text/event-stream") {
            let body = wire.rest().await.expect("the answer is whole");
            return Err(String::from_utf8_lossy(&body).into_owned());
        }
        Ok(Self { head, last_id: None, retry_ms: None, wire, buffer: Vec::new(), searched: 0 })
    }

    /// The next event with data; `None` when the stream has ended properly.
    ///
    /// # Errors
    /// When the connection breaks off.
    pub async fn next(&mut self) -> io::Result<Option<Event>> {
        loop {
            while let Some(frame) = self.take_frame() {
                if let Some(id) = values(&frame, "id").last() {
                    self.last_id = Some((*id).to_owned());
                }
                if let Some(retry) = values(&frame, "retry").last() {
                    self.retry_ms = retry.parse().ok();
                }
                if let Some(event) = parse(&frame).filter(|event| !event.data.is_empty()) {
                    return Ok(Some(event));
                }
            }
            match self.wire.piece().await? {
                Some(piece) => self.buffer.extend(piece.iter().filter(|&&byte| byte != b'\r')),
                None => return Ok(None),
            }
        }
    }

    /// What stands before the next blank line.
    fn take_frame(&mut self) -> Option<String> {
        let found = self.buffer[self.searched..].windows(2).position(|pair| pair == b"\n\n");
        let Some(found) = found else {
            self.searched = self.buffer.len().saturating_sub(1);
            return None;
        };
        let frame: Vec<u8> = self.buffer.drain(..self.searched + found + 2).collect();
        self.searched = 0;
        Some(String::from_utf8_lossy(&frame).into_owned())
    }

    /// The next event as JSON.
    ///
    /// # Panics
    /// When the stream ends or the event is no JSON.
    pub async fn json(&mut self) -> Value {
        let event = self.next().await.expect("the stream stands").expect("the stream goes on");
        event.json()
    }

    /// Waits until the stream is over, properly or not; gives the events that came before.
    pub async fn until_over(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        while let Ok(Some(event)) = self.next().await {
            events.push(event);
        }
        events
    }
}

/// One event; `None` for comments alone.
fn parse(frame: &str) -> Option<Event> {
    let data = values(frame, "data");
    if data.is_empty() {
        return None;
    }
    let name = values(frame, "event").last().copied().unwrap_or("message").to_owned();
    Some(Event { name, data: data.join("\n") })
}

/// The values of a field, in order.
fn values<'a>(frame: &'a str, wanted: &str) -> Vec<&'a str> {
    let lines = frame.lines().filter_map(|line| line.split_once(':'));
    let found = lines.filter(|(name, _)| *name == wanted);
    found.map(|(_, value)| value.strip_prefix(' ').unwrap_or(value)).collect()
}
