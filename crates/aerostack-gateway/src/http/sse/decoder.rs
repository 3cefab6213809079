//! Reading an event stream.
//!
//! The decoder holds at most `whole_bytes` of an event's data. What happens to a larger one is the
//! caller's choice: it is refused, or handed on in pieces as it arrives, so that memory stays flat.
//! Fields it does not need (comments, unknown ones) are skipped without being kept.
//! Source: HTML Living Standard, "Server-sent events", parsing an event stream.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// Longest `event` or `id` value that is kept; longer ones count as absent.
const FIELD_LIMIT_BYTES: usize = 1_024;
/// No field we read has a longer name.
const NAME_LIMIT_BYTES: usize = 8;
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// What becomes of an event with more data than the decoder may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Oversize {
    /// Decoding fails.
    Refuse,
    /// It is handed on in pieces.
    Pieces,
}

/// What the decoder found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A whole event.
    Event(Event),
    /// The beginning of an event too large to be held.
    Begin(Bytes),
    /// More of its data.
    More(Bytes),
    /// Its end.
    End,
}

/// A whole event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// Its name; `None` means `message`.
    pub name: Option<String>,
    /// Its id, of this event alone: no id is inherited from earlier ones.
    pub id: Option<String>,
    /// Its data, lines joined by line feeds.
    pub data: Bytes,
}

impl Event {
    /// Whether it carries a message, by its name.
    #[must_use]
    pub fn is_message(&self) -> bool {
        is_message(self.name.as_deref())
    }
}

fn is_message(name: Option<&str>) -> bool {
    name.is_none_or(|name| name.is_empty() || name == "message")
}

/// An event was larger than may be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event is larger than {limit_bytes} bytes")]
pub struct EventTooLarge {
    /// The limit.
    pub limit_bytes: usize,
}

/// Where in a line the decoder stands.
enum Line {
    /// In the field's name.
    Name(Vec<u8>),
    /// In the value of `data`; the flag says that nothing of it was read yet.
    Data { fresh: bool },
    /// In the value of another field that is read.
    Field { field: Field, value: Vec<u8> },
    /// In something that is not read.
    Skipped,
}

/// Fields beside `data`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Field {
    Name,
    Id,
    Retry,
}

/// Reads an event stream.
pub struct Decoder {
    whole_bytes: usize,
    oversize: Oversize,
    line: Line,
    after_cr: bool,
    at_start: bool,
    event: Unfinished,
    last_id: Option<String>,
    retry_ms: Option<u64>,
}

/// The event under way.
#[derive(Default)]
struct Unfinished {
    name: Option<String>,
    id: Option<String>,
    data: BytesMut,
    has_data: bool,
    body: Body,
}

/// What is done with the data of the event under way.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Body {
    #[default]
    Held,
    HandedOn,
    Dropped,
}

impl Decoder {
    /// A decoder at the beginning of a stream.
    #[must_use]
    pub fn new(whole_bytes: usize, oversize: Oversize) -> Self {
        Self {
            whole_bytes,
            oversize,
            line: Line::Name(Vec::new()),
            after_cr: false,
            at_start: true,
            event: Unfinished::default(),
            last_id: None,
            retry_ms: None,
        }
    }

    /// A decoder of the stream that goes on where this one was cut off.
    #[must_use]
    pub fn anew(&mut self) -> Self {
        let (last_id, retry_ms) = (self.last_id.take(), self.retry_ms);
        Self { last_id, retry_ms, ..Self::new(self.whole_bytes, self.oversize) }
    }

    /// The id of the last event that had one, with data or without.
    #[must_use]
    pub fn last_id(&self) -> Option<&str> {
        self.last_id.as_deref()
    }

    /// How long the server wants a reader to wait who comes back, in milliseconds, as it said last.
    #[must_use]
    pub const fn retry_ms(&self) -> Option<u64> {
        self.retry_ms
    }

    /// Reads the next bytes of the stream and appends what they complete to `found`, which never
    /// grows by more than about one piece per byte.
    ///
    /// # Errors
    /// [`EventTooLarge`] where oversized events are refused. The decoder is of no use afterwards.
    pub fn push(&mut self, bytes: &Bytes, found: &mut VecDeque<Piece>) -> Result<(), EventTooLarge> {
        let mut at = 0;
        while at < bytes.len() {
            if std::mem::take(&mut self.after_cr) && bytes[at] == b'\n' {
                at += 1;
                continue;
            }
            let rest = &bytes[at..];
            let end = rest.iter().position(|&byte| is_break(byte)).unwrap_or(rest.len());
            self.read_within_line(&bytes.slice(at..at + end), found)?;
            at += end;
            if at < bytes.len() {
                self.after_cr = bytes[at] == b'\r';
                at += 1;
                self.end_line(found)?;
            }
        }
        Ok(())
    }

    fn read_within_line(&mut self, bytes: &Bytes, found: &mut VecDeque<Piece>) -> Result<(), EventTooLarge> {
        let mut at = 0;
        while at < bytes.len() {
            match &mut self.line {
                Line::Name(name) => {
                    let byte = bytes[at];
                    at += 1;
                    if byte == b':' {
                        self.line = self.begin_value(found)?;
                        continue;
                    }
                    name.push(byte);
                    if self.at_start && name == BYTE_ORDER_MARK {
                        name.clear();
                        self.at_start = false;
                    } else if name.len() > NAME_LIMIT_BYTES {
                        self.line = Line::Skipped;
                    }
                }
                Line::Data { fresh } => {
                    let skipped = usize::from(std::mem::take(fresh) && bytes[at] == b' ');
                    let value = bytes.slice(at + skipped..);
                    return self.add_data(value, found);
                }
                Line::Field { value, .. } => {
                    value.extend_from_slice(&bytes[at..]);
                    if value.len() > FIELD_LIMIT_BYTES {
                        self.line = Line::Skipped;
                    }
                    return Ok(());
                }
                Line::Skipped => return Ok(()),
            }
        }
        Ok(())
    }

    /// The field's name is complete: decides what its value is.
    fn begin_value(&mut self, found: &mut VecDeque<Piece>) -> Result<Line, EventTooLarge> {
        let Line::Name(name) = &self.line else {
            return Ok(Line::Skipped);
        };
        Ok(match name.as_slice() {
            b"data" => {
                self.begin_data_line(found)?;
                Line::Data { fresh: true }
            }
            b"event" => Line::Field { field: Field::Name, value: Vec::new() },
            b"id" => Line::Field { field: Field::Id, value: Vec::new() },
            b"retry" => Line::Field { field: Field::Retry, value: Vec::new() },
            _ => Line::Skipped,
        })
    }

    fn begin_data_line(&mut self, found: &mut VecDeque<Piece>) -> Result<(), EventTooLarge> {
        if std::mem::replace(&mut self.event.has_data, true) {
            return self.add_data(Bytes::from_static(b"\n"), found);
        }
        Ok(())
    }

    fn add_data(&mut self, bytes: Bytes, found: &mut VecDeque<Piece>) -> Result<(), EventTooLarge> {
        match self.event.body {
            _ if bytes.is_empty() => {}
            Body::Dropped => {}
            Body::HandedOn => found.push_back(Piece::More(bytes)),
            Body::Held if self.event.data.len() + bytes.len() <= self.whole_bytes => {
                self.event.data.extend_from_slice(&bytes);
            }
            Body::Held if !is_message(self.event.name.as_deref()) => {
                self.event.data.clear();
                self.event.body = Body::Dropped;
            }
            Body::Held if self.oversize == Oversize::Refuse => {
                return Err(EventTooLarge { limit_bytes: self.whole_bytes });
            }
            Body::Held => {
                let held = self.event.data.split().freeze();
                if held.is_empty() {
                    found.push_back(Piece::Begin(bytes));
                } else {
                    found.push_back(Piece::Begin(held));
                    found.push_back(Piece::More(bytes));
                }
                self.event.body = Body::HandedOn;
            }
        }
        Ok(())
    }

    fn end_line(&mut self, found: &mut VecDeque<Piece>) -> Result<(), EventTooLarge> {
        self.at_start = false;
        match std::mem::replace(&mut self.line, Line::Name(Vec::new())) {
            Line::Name(name) if name.is_empty() => self.end_event(found),
            Line::Name(name) if name == b"data" => self.begin_data_line(found)?,
            Line::Field { field, value } => {
                let value = value.strip_prefix(b" ").unwrap_or(&value);
                let text = String::from_utf8_lossy(value).into_owned();
                match field {
                    Field::Name => self.event.name = Some(text),
                    Field::Id if text.contains('\0') => {}
                    Field::Id => self.event.id = Some(text),
                    Field::Retry => self.retry_ms = text.parse().ok().or(self.retry_ms),
                }
            }
            Line::Name(_) | Line::Data { .. } | Line::Skipped => {}
        }
        Ok(())
    }

    fn end_event(&mut self, found: &mut VecDeque<Piece>) {
        let event = std::mem::take(&mut self.event);
        let data = event.data.freeze();
        if let Some(id) = &event.id {
            self.last_id = Some(id.clone());
        }
        match event.body {
            Body::Held if event.has_data => {
                found.push_back(Piece::Event(Event { name: event.name, id: event.id, data }));
            }
            Body::HandedOn => found.push_back(Piece::End),
            Body::Held | Body::Dropped => {}
        }
    }
}

const fn is_break(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}
